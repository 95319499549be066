"""Why something was told, or was not, as JSON."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from daemon.core.alerts import incidents
from daemon.core.alerts.life import Phase
from daemon.core.delivery.outcome import Status
from daemon.core.model import Event, Reason, Severity
from daemon.core.routing.escalation import Coming, InHand
from daemon.core.routing.held_back import HeldBack
from daemon.core.routing.ledger import Hold, Standing
from daemon.core.timestamps import iso, iso_or_none
from daemon.schemas.campaigns import Campaign
from daemon.schemas.commands import Command
from daemon.schemas.documents import AT, Acknowledgement, Attempt, Document, HeldBackStatus, words
from daemon.store.history import DeliveryView
from daemon.store.incidents import Transition
from daemon.store.ledger import Decided, Standings
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
    held_seconds: float = Field(default=0.0, description="Observed time in its phase")

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
            held_seconds=view.held.total_seconds(),
        )


class ExplainedTransition(Document):
    """One change of an alert's phase, or of whether it can be seen."""

    at: str = Field(examples=[AT])
    phase: str = Field(json_schema_extra=words(Phase), examples=["firing"])
    is_blind: bool = Field(description="It could not be seen from here on")
    held_seconds: float = Field(description="Observed time in the phase before", examples=[60.0])

    @classmethod
    def of(cls, transition: Transition) -> "ExplainedTransition":
        return cls(
            at=iso(transition.at),
            phase=transition.phase.value,
            is_blind=transition.is_blind,
            held_seconds=transition.held.total_seconds(),
        )


class ExplainedDecision(Document):
    """An endpoint was told, or what held it changed."""

    at: str = Field(examples=[AT])
    endpoint: str = Field(examples=["crm"])
    told: str | None = Field(
        json_schema_extra=words(Reason, or_null=True), description="Why it was told; None: it was not"
    )
    held_by: str | None = Field(
        json_schema_extra=words(Hold, or_null=True),
        description="What held it back, until then or from then on",
    )
    event: str | None = Field(description="By which it was told", examples=["evt_01M84SM5…"])

    @classmethod
    def of(cls, decided: Decided) -> "ExplainedDecision":
        return cls(
            at=iso(decided.at),
            endpoint=decided.endpoint,
            told=decided.told.value if decided.told else None,
            held_by=decided.held_by.value if decided.held_by else None,
            event=decided.event,
        )


class ExplainedStanding(Document):
    """How an incident stands for one endpoint."""

    endpoint: str = Field(examples=["crm"])
    standing: str = Field(json_schema_extra=words(Standing), description="What it was last told")
    told_at: str | None = Field(examples=[AT])
    repeats: int = Field(description="Reminders that it was sent")
    held_by: str | None = Field(
        json_schema_extra=words(Hold, or_null=True), description="Why it was not told when it was last asked"
    )
    is_over: bool = Field(description="There is nothing left to tell it")
    held: HeldBackStatus | None = Field(
        description="What holds it back now, and until when; None: nothing does"
    )

    @classmethod
    def of(cls, one: Standings, held: HeldBack | None = None) -> "ExplainedStanding":
        return cls(
            endpoint=one.endpoint,
            standing=one.standing.value,
            told_at=iso_or_none(one.told_at),
            repeats=one.repeats,
            held_by=one.held_by.value if one.held_by else None,
            is_over=one.is_over,
            held=HeldBackStatus.of(held) if held is not None else None,
        )


class ExplainedDelivery(Document):
    """One event for one endpoint, with every attempt."""

    id: int = Field(examples=[2])
    event: str = Field(examples=["evt_01M84SM5…"])
    endpoint: str = Field(examples=["crm"])
    status: str = Field(json_schema_extra=words(Status), examples=["delivered"])
    due_at: str = Field(examples=[AT])
    ended_at: str | None = Field(examples=[AT])
    error: str | None = Field(description="What it failed of last, or why it was given up")
    template: str | None = Field(default=None, description="The template that it was planned with")
    attempts: list[Attempt]

    @classmethod
    def of(cls, view: DeliveryView) -> "ExplainedDelivery":
        return cls(
            id=view.id,
            event=view.event,
            endpoint=view.endpoint,
            status=view.status.value,
            due_at=iso(view.due_at),
            ended_at=iso_or_none(view.ended_at),
            error=view.error,
            template=view.template,
            attempts=[Attempt.of(one) for one in view.attempts],
        )


class ExplainedStep(Document):
    """One step of the escalation of an incident."""

    name: str = Field(description="Of the escalation", examples=["night"])
    step: int = Field(examples=[1])
    to: list[str] = Field(description="Endpoints", examples=[["on-call"]])
    taken_at: str | None = Field(description="None: it was not taken", examples=[None])
    due_at: str | None = Field(
        description="When it is taken, if nobody acknowledges by then; None: it was taken, or nothing counts"
        " now, for it was told to nobody, or is silenced, inhibited or not seen",
        examples=[AT],
    )

    @classmethod
    def of(cls, one: Coming) -> "ExplainedStep":
        return cls(
            name=one.name,
            step=one.step,
            to=list(one.to),
            taken_at=iso_or_none(one.taken_at),
            due_at=iso_or_none(one.due_at),
        )


class Incident(Document):
    """One time that an alert fired."""

    id: str = Field(examples=["inc_01M84SM5…"])
    type: str = Field(description="Of the event that fires", examples=["sip.account.unregistered"])
    resolves: str = Field(description="Of the event that takes it back", examples=["sip.account.registered"])
    subject: str = Field(examples=["sip/0773137770"])
    system: str = Field(description='"": the daemon itself', examples=["main"])
    severity: str = Field(json_schema_extra=words(Severity), examples=["error"])
    phase: str = Field(json_schema_extra=words(Phase), description="Where its alert stands; ok: it has ended")
    is_blind: bool = Field(description="The last answer said nothing of it")
    started_at: str = Field(description="The first bad observation", examples=[AT])
    changed_between: list[str | None] = Field(
        description="Between which observations the condition last changed; None: nothing was seen before",
        examples=[[AT, AT]],
    )
    fired_at: str = Field(examples=[AT])
    ended_at: str | None = Field(description="None: it fires", examples=[AT])
    end: str | None = Field(
        json_schema_extra={"enum": [Reason.RESOLVED.value, Reason.REMOVED.value, None]},
        description="removed: nobody has seen that it is well again",
    )
    cause: str | None = Field(
        json_schema_extra={"enum": [incidents.OUTSIDE_HOURS, None]},
        description="Why it ended, where that is not what was seen: the hours in which it counts were over",
    )
    data: dict[str, Any] = Field(
        description="What its events say beside who, when and how it stands, as last seen"
    )

    @classmethod
    def told(cls, incident: incidents.Incident) -> "Incident":
        return cls(**_incident(incident))


class ExplainedIncident(Incident):
    """One time that an alert fired, from its first observation to the last attempt to tell it."""

    transitions: list[ExplainedTransition]
    decisions: list[ExplainedDecision] = Field(description="Whom it was told when, and whom not and why")
    standings: list[ExplainedStanding]
    deliveries: list[ExplainedDelivery]
    acknowledged: Acknowledgement | None = Field(description="Who has it now; None: nobody")
    acknowledgements: list[Acknowledgement] = Field(description="All of them, oldest first")
    escalation: list[ExplainedStep] = Field(description="The steps that were taken, then those to come")

    @classmethod
    def of(
        cls,
        incident: incidents.Incident,
        transitions: Iterable[Transition],
        decisions: Iterable[Decided],
        standings: Iterable[Standings],
        deliveries: Iterable[DeliveryView],
        in_hand: InHand,
        held: Mapping[str, HeldBack],
    ) -> "ExplainedIncident":
        """`held`: what holds it back now, by endpoint."""
        has = in_hand.now
        return cls(
            **_incident(incident),
            transitions=[ExplainedTransition.of(one) for one in transitions],
            decisions=[ExplainedDecision.of(one) for one in decisions],
            standings=[ExplainedStanding.of(one, held.get(one.endpoint)) for one in standings],
            deliveries=[ExplainedDelivery.of(one) for one in deliveries],
            acknowledged=Acknowledgement.of(has) if has else None,
            acknowledgements=[Acknowledgement.of(one) for one in in_hand.all],
            escalation=[ExplainedStep.of(one) for one in in_hand.steps],
        )


class Explanation(Document):
    """All that the store knows of an event, an incident or a subject."""

    event: dict[str, Any] | None
    """Exactly as every receiver gets it."""
    deliveries: list[ExplainedDelivery]
    alerts: list[ExplainedAlert]
    incidents: list[ExplainedIncident]
    not_sent_to: list[str] = Field(
        default=[], description="The endpoints of the configuration for which the event has no delivery"
    )
    command: Command | None = Field(default=None, description="The command that was asked for")
    campaign: Campaign | None = Field(default=None, description="The campaign that it has started")

    @classmethod
    def of(
        cls,
        event: Event | None,
        deliveries: Iterable[DeliveryView],
        alerts: Iterable[AlertView],
        incidents: list[ExplainedIncident],
        not_sent_to: Iterable[str] = (),
    ) -> "Explanation":
        return cls(
            not_sent_to=list(not_sent_to),
            event=json.loads(event.body) if event else None,
            deliveries=[ExplainedDelivery.of(one) for one in deliveries],
            alerts=[ExplainedAlert.of(one) for one in alerts],
            incidents=incidents,
        )


def _incident(incident: incidents.Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "type": incident.kind.fires,
        "resolves": incident.kind.resolves,
        "subject": incident.subject,
        "system": incident.system,
        "severity": incident.severity.value,
        "phase": incident.phase.value,
        "is_blind": incident.is_blind,
        "started_at": iso(incident.started_at),
        "changed_between": [iso_or_none(incident.changed.after), iso(incident.changed.before)],
        "fired_at": iso(incident.fired_at),
        "ended_at": iso_or_none(incident.ended_at),
        "end": incident.end.value if incident.end else None,
        "cause": incident.cause,
        "data": dict(incident.payload),
    }
