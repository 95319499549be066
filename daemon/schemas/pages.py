"""The shapes of the API's answers; its OpenAPI document is made of them. Times are RFC 3339 in UTC."""

from typing import Any

from pydantic import BaseModel, Field

from daemon.schemas import documents, explanations


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
