"""How the daemon stands, as JSON."""

from pydantic import BaseModel, ConfigDict, Field


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
