"""The shapes of the API's answers; its OpenAPI document is made of them. Times are RFC 3339 in UTC."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from daemon import documents
from daemon.core.commands import Status as CommandStatus


class FailureStatus(BaseModel):
    """How the last poll failed."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    kind: str = Field(alias="class", examples=["timeout"])
    message: str
    since: str


class WatchStatus(BaseModel):
    """One watch of the configuration in force."""

    watch: str = Field(examples=["sip"])
    every_seconds: float
    next_run_at: str | None
    observed_at: str | None = Field(description="The last answer that was understood")
    polled_at: str | None
    age_seconds: float | None = Field(description="Since that answer")
    failure: FailureStatus | None


class SystemStatus(BaseModel):
    """One system and its watches."""

    name: str
    watches: list[WatchStatus]


class AlertStatus(BaseModel):
    """One alert that is pending, firing or recovering."""

    system: str
    type: str = Field(description="The event type that it fires", examples=["sip.account.unregistered"])
    subject: str
    phase: str = Field(examples=["firing"])
    severity: str
    is_blind: bool = Field(description="The last answer said nothing of it")
    incident: str | None
    started_at: str | None


class EndpointStatus(BaseModel):
    """What waits to be told to one endpoint."""

    name: str
    open: int = Field(description="Deliveries not yet made")
    dead: int = Field(description="Deliveries given up")
    oldest_open_at: str | None


class Status(BaseModel):
    """What is watched, what is wrong, what waits to be told."""

    version: str
    started_at: str
    now: str
    events: int = Field(description="Events written so far, over all starts")
    systems: list[SystemStatus]
    alerts: list[AlertStatus]
    endpoints: list[EndpointStatus]


class EventBody(BaseModel):
    """One event, exactly as every receiver gets it."""

    type: str = Field(examples=["sms.received"])
    timestamp: str
    data: dict[str, Any]


class EventPage(BaseModel):
    """Events, oldest first."""

    events: list[EventBody]
    next: str | None = Field(description="Pass it as `after` to go on")
    has_more: bool


class AlertList(BaseModel):
    """What is wrong now."""

    alerts: list[documents.Alert]


class SilenceList(BaseModel):
    """Silences, oldest first."""

    silences: list[documents.Silence]


class DeliveryPage(BaseModel):
    """Deliveries, the newest first."""

    deliveries: list[documents.Delivery]
    next: int | None = Field(description="Pass it as `before` to go on; None: there are no more")
    has_more: bool


class EndpointList(BaseModel):
    """The endpoints in the order of the configuration, and then those that left it."""

    endpoints: list[documents.Endpoint]


class CommandError(BaseModel):
    """Why a command failed, or its last attempt."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    kind: str = Field(alias="class", examples=["timeout"])
    message: str
    code: int | None = Field(description="The API's own, or the HTTP status")


class Command(BaseModel):
    """A command, and what came of it so far."""

    id: str = Field(examples=["cmd_01ARZ3NDEKTSV4RRFFQ69G5FAV"])
    type: str = Field(examples=["queue.kick"])
    system: str
    params: dict[str, Any]
    status: str = Field(json_schema_extra=documents.words(CommandStatus), examples=["queued"])
    created_by: str = Field(description="The token's name, or the user of the command line")
    created_at: str
    not_before: str
    expires_at: str
    on_holiday: str
    idempotency_key: str | None
    estimated_units: float | None = Field(description="None: it costs nothing")
    attempts: int
    is_doubtful: bool = Field(description="An attempt without an answer may have carried it out")
    started_at: str | None
    ended_at: str | None
    result: Any = Field(description="By the type of the command; item by item where it has items")
    error: CommandError | None
    check: str | None = Field(description="What to look at, where the outcome is not known")


class CommandPage(BaseModel):
    """Commands, the newest first."""

    commands: list[Command]
    next: str | None = Field(description="Pass it as `before` to go on")
    has_more: bool


class Cost(BaseModel):
    """What a campaign may cost, by the documented prices, in units."""

    numbers: int
    is_exact: bool = Field(description="False: a stored list, taken to be as long as a campaign may be")
    dialling: float = Field(description="If nobody answers")
    units: float = Field(description="If everybody answers, at the least price; counts for the budget")
    per_minute: float = Field(description="What each minute of an answered call costs")
    day: str | None = Field(description="Whose budget it counts on")
    budget_left: float | None = Field(description="Of that day's budget, besides it")


class Rehearsal(BaseModel):
    """The command that would be given, with its parameters in their final form."""

    type: str
    system: str
    params: dict[str, Any]
    cost: Cost | None
