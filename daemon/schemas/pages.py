"""The shapes of the API's answers; its OpenAPI document is made of them. Times are RFC 3339 in UTC."""

from typing import Any

from pydantic import BaseModel, Field

from daemon.schemas import documents, explanations


class EventBody(BaseModel):
    """One event, exactly as every receiver gets it."""

    type: str = Field(examples=["sms.received"])
    timestamp: str
    data: dict[str, Any]


class Unindexed(BaseModel):
    """How many events cannot be found by their text yet, at most: a moment after they happened, and after an
    upgrade until all are gone through, the newest first."""

    newer: int = Field(description="Than those that can")
    older: int


class EventPage(BaseModel):
    """Events in the order that was asked for."""

    events: list[EventBody]
    next: str | None = Field(description="Pass it as `after` to go on; it need not be one of `events`")
    has_more: bool = Field(description="Also where time was up before as many were found as were asked for")
    unindexed: Unindexed | None = Field(default=None, description="Only with `q`")
    unknown: list[documents.Stranger] = Field(
        default_factory=list, description="Only where nothing was found: the words that mean nothing here"
    )


class AlertList(BaseModel):
    """What is wrong now."""

    alerts: list[documents.Alert]


class IncidentPage(BaseModel):
    """Incidents, the newest first."""

    incidents: list[explanations.Incident]
    next: str | None = Field(description="Pass it as `before` to go on; None: there are no more")
    has_more: bool


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
