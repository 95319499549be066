"""Why something was told, or was not, as JSON."""

import json
from collections.abc import Iterable
from typing import Any

from daemon.core.alerts.incidents import Incident
from daemon.core.model import Event
from daemon.core.timestamps import iso, iso_or_none
from daemon.schemas.documents import AttemptOutcome, Document
from daemon.store.history import DeliveryView
from daemon.store.incidents import Transition
from daemon.store.ledger import Decided
from daemon.store.views import AlertView


class ExplainedAlert(Document):
    """An alert of the subject that was asked for."""

    type: str
    subject: str
    system: str
    phase: str
    is_blind: bool
    incident: str | None
    started_at: str | None

    @classmethod
    def of(cls, view: AlertView) -> "ExplainedAlert":
        return cls(
            type=view.type,
            subject=view.subject,
            system=view.system,
            phase=view.phase,
            is_blind=view.is_blind,
            incident=view.incident,
            started_at=iso_or_none(view.started_at),
        )


class ExplainedTransition(Document):
    """One change of an alert's phase, or of whether it can be seen."""

    at: str
    phase: str
    is_blind: bool

    @classmethod
    def of(cls, transition: Transition) -> "ExplainedTransition":
        return cls(at=iso(transition.at), phase=transition.phase.value, is_blind=transition.is_blind)


class ExplainedDecision(Document):
    """An endpoint was told, or what held it changed."""

    at: str
    endpoint: str
    told: str | None
    held_by: str | None
    event: str | None

    @classmethod
    def of(cls, decided: Decided) -> "ExplainedDecision":
        return cls(
            at=iso(decided.at),
            endpoint=decided.endpoint,
            told=decided.told.value if decided.told else None,
            held_by=decided.held_by.value if decided.held_by else None,
            event=decided.event,
        )


class ExplainedDelivery(Document):
    """One event for one endpoint, with every attempt."""

    event: str
    endpoint: str
    status: str
    attempts: list[AttemptOutcome]

    @classmethod
    def of(cls, view: DeliveryView) -> "ExplainedDelivery":
        return cls(
            event=view.event,
            endpoint=view.endpoint,
            status=view.status.value,
            attempts=[AttemptOutcome.of(one) for one in view.attempts],
        )


class ExplainedIncident(Document):
    """One time that an alert fired, from its first observation to the last attempt to tell it."""

    id: str
    type: str
    subject: str
    system: str
    severity: str
    started_at: str
    fired_at: str
    ended_at: str | None
    end: str | None
    transitions: list[ExplainedTransition]
    decisions: list[ExplainedDecision]
    deliveries: list[ExplainedDelivery]

    @classmethod
    def of(
        cls,
        incident: Incident,
        transitions: Iterable[Transition],
        decisions: Iterable[Decided],
        deliveries: Iterable[DeliveryView],
    ) -> "ExplainedIncident":
        return cls(
            id=incident.id,
            type=incident.kind.fires,
            subject=incident.subject,
            system=incident.system,
            severity=incident.severity.value,
            started_at=iso(incident.started_at),
            fired_at=iso(incident.fired_at),
            ended_at=iso_or_none(incident.ended_at),
            end=incident.end.value if incident.end else None,
            transitions=[ExplainedTransition.of(one) for one in transitions],
            decisions=[ExplainedDecision.of(one) for one in decisions],
            deliveries=[ExplainedDelivery.of(one) for one in deliveries],
        )


class Explanation(Document):
    """All that the store knows of an event, an incident or a subject."""

    event: dict[str, Any] | None
    """Exactly as every receiver gets it."""
    deliveries: list[ExplainedDelivery]
    alerts: list[ExplainedAlert]
    incidents: list[ExplainedIncident]

    @classmethod
    def of(
        cls,
        event: Event | None,
        deliveries: Iterable[DeliveryView],
        alerts: Iterable[AlertView],
        incidents: list[ExplainedIncident],
    ) -> "Explanation":
        return cls(
            event=json.loads(event.body) if event else None,
            deliveries=[ExplainedDelivery.of(one) for one in deliveries],
            alerts=[ExplainedAlert.of(one) for one in alerts],
            incidents=incidents,
        )
