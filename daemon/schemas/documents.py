"""What operators ask for as JSON: one shape for HTTP and for `--json`. Times are RFC 3339 in UTC."""

from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from daemon.core.alerts.life import Phase
from daemon.core.delivery import breaker
from daemon.core.delivery import outcome as delivery
from daemon.core.delivery.breaker import DisabledBy, Health, Switch
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Severity
from daemon.core.routing.ledger import Told
from daemon.core.timestamps import iso, iso_or_none

if TYPE_CHECKING:
    # Who shows one kind of them, as `status` does, needs not what reads all the others.
    from daemon.core.alerts.incidents import Incident
    from daemon.core.routing import silences
    from daemon.store.history import AttemptView, DeliveryView
    from daemon.store.replay import Plan
    from daemon.store.views import AlertView, EndpointHealth, ToldAlert

AT = "2026-11-23T01:02:03.456Z"


def words(enum: type[Enum], *, or_null: bool = False) -> dict[str, Any]:
    """What a schema says of a text that is one of these."""
    return {"enum": [*(one.value for one in enum), *([None] if or_null else [])]}


class Document(BaseModel):
    """One JSON object."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Failure(Document):
    """How something failed."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    kind: str = Field(alias="class", examples=["timeout"])
    message: str


class AlertStatus(Document):
    """One alert that is pending, firing or recovering."""

    system: str = Field(examples=["main"])
    type: str = Field(description="The event type that it fires", examples=["sip.account.unregistered"])
    subject: str = Field(examples=["sip/0773137770"])
    phase: str = Field(json_schema_extra=words(Phase), examples=["firing"])
    severity: str = Field(json_schema_extra=words(Severity), examples=["error"])
    is_blind: bool = Field(description="The last answer said nothing of it")
    incident: str | None = Field(description="None while it is pending", examples=["inc_01M84SM5…"])
    started_at: str | None = Field(examples=[AT])

    @classmethod
    def of(cls, view: "AlertView") -> "AlertStatus":
        return cls(**_alert(view))


class Alert(AlertStatus):
    """One alert that is pending, firing or recovering, with whom it was told."""

    told: dict[str, str] = Field(
        description="How it stands for each endpoint, and what holds it back",
        examples=[{"crm": "firing", "ops/anna@example.org": "untold, held: silenced"}],
    )

    @classmethod
    def with_told(cls, view: "ToldAlert") -> "Alert":
        told = {endpoint: _standing(one) for endpoint, one in view.told.items()}
        return cls(**_alert(view.alert), told=told)


class Silence(Document):
    """Mutes the alerts that match all of its globs, while it lasts."""

    id: str = Field(examples=["sil_01M84SM5…"])
    type: str = Field(description="Of the event that fires; a glob", examples=["*"])
    system: str = Field(description="A glob", examples=["*"])
    subject: str = Field(description="A glob", examples=["sip/0773137770"])
    starts_at: str = Field(examples=[AT])
    ends_at: str | None = Field(description="None: when all that it matches is over", examples=[AT])
    expired_at: str | None = Field(
        description="When it was ended by hand, or by the end of what it waited for", examples=[None]
    )
    author: str = Field(description="The token's name, or the user of the command line", examples=["ops"])
    comment: str = Field(examples=["a new phone is on its way"])
    created_at: str = Field(examples=[AT])

    @classmethod
    def of(cls, silence: "silences.Silence") -> "Silence":
        return cls(**_silence(silence))


class Muted(Document):
    """An incident that a silence mutes."""

    incident: str = Field(examples=["inc_01M84SM5…"])
    type: str = Field(examples=["sip.account.unregistered"])
    system: str = Field(examples=["main"])
    subject: str = Field(examples=["sip/0773137770"])


class AddedSilence(Silence):
    """A silence, and what fires now and is muted by it."""

    mutes: list[Muted]

    @classmethod
    def made(cls, silence: "silences.Silence", matched: "list[Incident]") -> "AddedSilence":
        mutes = [
            Muted(incident=one.id, type=one.kind.fires, system=one.system, subject=one.subject)
            for one in matched
        ]
        return cls(**_silence(silence), mutes=mutes)


class Phases(Document):
    """When the parts of an attempt were done, in microseconds from its start; 0: not reached."""

    resolved: int
    connected: int
    secured: int = Field(description="TLS")
    answered: int = Field(description="The first byte of the answer")
    total: int


class AttemptOutcome(Document):
    """One try of a delivery, and how it ended."""

    number: int = Field(examples=[1])
    started_at: str = Field(examples=[AT])
    outcome: str = Field(json_schema_extra=words(Outcome), examples=["failed"])
    http_status: int | None = Field(examples=[503])
    error: str | None = Field(description="What the transport said")

    @classmethod
    def of(cls, view: "AttemptView") -> "AttemptOutcome":
        return cls(**_outcome(view))


class Attempt(AttemptOutcome):
    """One try of a delivery."""

    address: str | None = Field(description="Where it led", examples=["203.0.113.7"])
    microseconds: Phases
    response_head: str | None = Field(description="The beginning of the answer's body")

    @classmethod
    def of(cls, view: "AttemptView") -> "Attempt":
        return cls(
            **_outcome(view),
            address=view.address,
            microseconds=Phases(**view.phases._asdict()),
            response_head=view.response_head,
        )


class Delivery(Document):
    """One event for one endpoint."""

    id: int = Field(examples=[2])
    event: str = Field(examples=["evt_01M84SM5…"])
    type: str = Field(examples=["sms.received"])
    system: str | None = Field(description="None: an event of the daemon itself", examples=["main"])
    subject: str = Field(examples=["sms/0501234567"])
    endpoint: str = Field(examples=["crm"])
    status: str = Field(json_schema_extra=words(delivery.Status), examples=["dead"])
    created_at: str = Field(examples=[AT])
    due_at: str = Field(examples=[AT])
    ended_at: str | None = Field(examples=[AT])
    error: str | None = Field(description="What it failed of last, or why it was given up")
    superseded: int = Field(description="Older states of its subject that it stands for", examples=[0])
    tries: int = Field(examples=[1])
    attempts: list[Attempt] = Field(description="Empty in a list, and where they are forgotten")

    @classmethod
    def of(cls, view: "DeliveryView") -> "Delivery":
        return cls(
            id=view.id,
            event=view.event,
            type=view.type,
            system=view.system or None,
            subject=view.subject,
            endpoint=view.endpoint,
            status=view.status.value,
            created_at=iso(view.created_at),
            due_at=iso(view.due_at),
            ended_at=iso_or_none(view.ended_at),
            error=view.error,
            superseded=view.superseded,
            tries=view.tries,
            attempts=[Attempt.of(one) for one in view.attempts],
        )


class Endpoint(Document):
    """How one endpoint is doing, and what waits for it."""

    name: str = Field(examples=["ops/anna@example.org"])
    is_configured: bool = Field(description="False: it left the configuration, and something waits for it")
    health: str = Field(json_schema_extra=words(Health), examples=["healthy"])
    since: str | None = Field(examples=[AT])
    failing_since: str | None
    disabled_by: str | None = Field(json_schema_extra=words(DisabledBy, or_null=True))
    not_before: str | None = Field(description="When the next attempt may be made")
    error: str | None = Field(description="What it failed of last", examples=["HTTP 503"])
    asked: str | None = Field(
        json_schema_extra=words(Switch, or_null=True),
        description="What an operator asked for, until it is done",
    )
    open: int = Field(description="Deliveries not yet made", examples=[1])
    oldest_open_at: str | None = Field(examples=[AT])
    dead: int = Field(description="Dead letters", examples=[0])
    public_key: str | None = Field(description="Checks its `v1a` signatures; None: it has no key")

    @classmethod
    def of(cls, view: "EndpointHealth", public_key: str | None) -> "Endpoint":
        state: breaker.Breaker = view.breaker
        return cls(
            name=view.name,
            is_configured=view.is_configured,
            health=state.health.value,
            since=iso_or_none(state.since),
            failing_since=iso_or_none(state.failing_since),
            disabled_by=state.disabled_by.value if state.disabled_by else None,
            not_before=iso_or_none(state.not_before),
            error=state.error,
            asked=view.asked.value if view.asked else None,
            open=view.waiting.open,
            oldest_open_at=iso_or_none(view.waiting.oldest_open_at),
            dead=view.waiting.dead,
            public_key=public_key,
        )


class Replay(Document):
    """What is sent again, oldest first, and what is left out."""

    endpoint: str = Field(examples=["crm"])
    events: list[str] = Field(description="Their ids", examples=[["evt_01M84SM5…"]])
    outdated: int = Field(description="They tell what is not true any more", examples=[0])
    under_way: int = Field(description="On their way already", examples=[0])
    is_dry_run: bool = Field(description="Nothing is sent")

    @classmethod
    def of(cls, endpoint: str, plan: "Plan", *, is_dry_run: bool) -> "Replay":
        return cls(
            endpoint=endpoint,
            events=[one.event.id for one in plan.items],
            outdated=plan.outdated,
            under_way=plan.under_way,
            is_dry_run=is_dry_run,
        )


def _alert(view: "AlertView") -> dict[str, Any]:
    return {
        "system": view.system,
        "type": view.type,
        "subject": view.subject,
        "phase": view.phase,
        "severity": view.severity,
        "is_blind": view.is_blind,
        "incident": view.incident,
        "started_at": iso_or_none(view.started_at),
    }


def _outcome(view: "AttemptView") -> dict[str, Any]:
    return {
        "number": view.number,
        "started_at": iso(view.started_at),
        "outcome": view.outcome.value,
        "http_status": view.http_status,
        "error": view.error,
    }


def _silence(silence: "silences.Silence") -> dict[str, Any]:
    return {
        "id": silence.id,
        "type": silence.type,
        "system": silence.system,
        "subject": silence.subject,
        "starts_at": iso(silence.starts_at),
        "ends_at": iso_or_none(silence.ends_at),
        "expired_at": iso_or_none(silence.expired_at),
        "author": silence.author,
        "comment": silence.comment,
        "created_at": iso(silence.created_at),
    }


def _standing(told: Told) -> str:
    return told.standing.value + (f", held: {told.held_by.value}" if told.held_by else "")
