"""What operators ask for as JSON: one shape for HTTP and for `--json`. Times are RFC 3339 in UTC."""

from collections.abc import Mapping
from datetime import time
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from daemon.core.alerts.life import Phase
from daemon.core.delivery import breaker
from daemon.core.delivery import outcome as delivery
from daemon.core.delivery.breaker import DisabledBy, Health, Switch
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Severity
from daemon.core.routing.ledger import Hold, Told
from daemon.core.routing.quiet import QuietNow, Window
from daemon.core.routing.quiet import Weekly as WeeklyHours
from daemon.core.timestamps import from_iso, iso, iso_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.core import wording

    # Who shows one kind of them, as `status` does, needs not what reads all the others.
    from daemon.core.alerts import acknowledgement
    from daemon.core.alerts.incidents import Incident
    from daemon.core.commands.sent_texts import Text
    from daemon.core.routing import silences
    from daemon.core.routing.held_back import HeldBack
    from daemon.store.history import AttemptView, DeliveryView
    from daemon.store.replay import Plan
    from daemon.store.views import AlertView, EndpointHealth, ToldAlert

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As `date.weekday` counts them."""
SUNDAY_FIRST = (6, 0, 1, 2, 3, 4, 5)
"""As a week is told in Israel."""
AT = "2026-11-23T01:02:03.456Z"


def words(enum: type[Enum], *, or_null: bool = False) -> dict[str, Any]:
    """What a schema says of a text that is one of these."""
    return {"enum": [*(one.value for one in enum), *([None] if or_null else [])]}


class Document(BaseModel):
    """One JSON object."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class About(Document):
    """Which daemon answers."""

    version: str
    timezone: str = Field(
        description="In which people are shown times, and write them", examples=["Asia/Jerusalem"]
    )
    now: str = Field(examples=[AT])
    systems: list[str] = Field(description="That are watched", examples=[["main"]])


class Failure(Document):
    """How something failed."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    kind: str = Field(alias="class", examples=["timeout"])
    message: str


class WindowDocument(Document):
    """A window of time: from an hour to another, or Shabbat and Yom Tov at a place."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    name: str | None = Field(description="Of its `[[windows]]`; None: it has none", examples=["nights"])
    days: list[str] = Field(description="On which it begins; empty where it has no hours", examples=[["sun"]])
    start: str | None = Field(alias="from", examples=["22:00"])
    end: str | None = Field(alias="to", examples=["07:00"])
    timezone: str = Field(examples=["Asia/Jerusalem"])
    holy: list[str] = Field(
        description="`shabbat`, `holidays`: of one without hours, when it lasts; else when it does not",
        examples=[["shabbat", "holidays"]],
    )
    place: str | None = Field(description="Of Shabbat and Yom Tov", examples=["jerusalem"])

    @classmethod
    def of(cls, window: Window) -> "WindowDocument":
        hours = {"from": _shown(window.start), "to": _shown(window.end)}
        return cls(
            **hours,
            name=window.name,
            days=[DAYS[day] for day in SUNDAY_FIRST if day in window.days],
            timezone=window.zone,
            holy=sorted(window.holy, reverse=True),
            place=window.place,
        )

    def window(self) -> Window:
        """What it is a document of."""
        return Window(
            self.place,
            frozenset(map(DAYS.index, self.days)),
            _read(self.start),
            _read(self.end),
            self.timezone,
            self.name,
            frozenset(self.holy),
        )


class QuietStatus(Document):
    """That an endpoint is in a quiet window."""

    until: str | None = Field(description="None: no end is in sight, or nobody can say", examples=[AT])
    window: WindowDocument
    break_through: str | None = Field(
        json_schema_extra=words(Severity, or_null=True),
        description="Alerts of this severity and above are told all the same",
    )
    waits: int = Field(description="Deliveries, and alerts that are not told, that wait for its end")

    @classmethod
    def of(cls, found: QuietNow, waits: int) -> "QuietStatus":
        return cls(
            until=iso_or_none(found.until),
            window=WindowDocument.of(found.window),
            break_through=found.break_through.value if found.break_through else None,
            waits=waits,
        )


class HeldBackStatus(Document):
    """What holds an alert back from an endpoint now."""

    by: str = Field(json_schema_extra=words(Hold), examples=["quiet"])
    until: str | None = Field(
        description="When that is over; None: it is not by the clock, or nobody can say", examples=[AT]
    )
    window: WindowDocument | None = Field(description="Which quiet window it is")
    silence: str | None = Field(description="Which silence it is", examples=["sil_01M84SM5…"])

    @classmethod
    def of(cls, held: "HeldBack") -> "HeldBackStatus":
        return cls(
            by=held.by.value,
            until=iso_or_none(held.until),
            window=WindowDocument.of(held.window) if held.window is not None else None,
            silence=held.silence.id if held.silence is not None else None,
        )


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
    held: dict[str, HeldBackStatus] = Field(
        description="What holds it back now, for each endpoint that it is held back from"
    )
    acknowledged: "Acknowledgement | None" = Field(description="Who has it; None: nobody")

    @classmethod
    def with_told(cls, view: "ToldAlert", held: "Mapping[tuple[str, str], HeldBack]") -> "Alert":
        """`held`: by incident and endpoint."""
        told = {endpoint: _standing(one) for endpoint, one in view.told.items()}
        ids = {endpoint: (view.alert.incident or "", endpoint) for endpoint in told}
        now = {endpoint: HeldBackStatus.of(held[one]) for endpoint, one in ids.items() if one in held}
        known = view.acknowledged
        has = Acknowledgement.of(known) if known else None
        return cls(**_alert(view.alert), told=told, held=now, acknowledged=has)


class Weekly(Document):
    """Hours that come back."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    days: list[str] = Field(description="On which it begins", examples=[["sun"]])
    start: str = Field(alias="from", examples=["02:00"])
    end: str = Field(
        alias="to", description="Where it is not after `from`, on the next day", examples=["04:00"]
    )
    timezone: str = Field(description="By whose clock", examples=["Asia/Jerusalem"])


class Silence(Document):
    """Mutes the alerts that match all of its globs, while it lasts."""

    id: str = Field(examples=["sil_01M84SM5…"])
    type: str = Field(description="Of the event that fires; a glob", examples=["*"])
    system: str = Field(description="A glob", examples=["*"])
    subject: str = Field(description="A glob", examples=["sip/0773137770"])
    starts_at: str = Field(examples=[AT])
    ends_at: str | None = Field(
        description="None: when all that it matches is over; one that comes back, when it is ended by hand",
        examples=[AT],
    )
    expired_at: str | None = Field(
        description="When it was ended by hand, or by the end of what it waited for", examples=[None]
    )
    author: str = Field(description="The token's name, or the user of the command line", examples=["ops"])
    comment: str = Field(examples=["a new phone is on its way"])
    created_at: str = Field(examples=[AT])
    weekly: Weekly | None = Field(
        description="When it mutes, again and again; None: all the time that it lasts"
    )

    @classmethod
    def of(cls, silence: "silences.Silence") -> "Silence":
        return cls(**_silence(silence))

    def silence(self) -> "silences.Silence":
        """What it is a document of."""
        from zoneinfo import ZoneInfo  # noqa: PLC0415 - as above

        from daemon.core.routing import silences  # noqa: PLC0415

        starts_at, created_at = from_iso(self.starts_at), from_iso(self.created_at)
        assert starts_at is not None  # noqa: S101 - of `iso`
        assert created_at is not None  # noqa: S101
        hours = self.weekly
        weekly = None
        if hours is not None:
            days = frozenset(map(DAYS.index, hours.days))
            start, end = time.fromisoformat(hours.start), time.fromisoformat(hours.end)
            weekly = WeeklyHours(days, start, end, ZoneInfo(hours.timezone))
        return silences.Silence(
            self.id,
            starts_at,
            from_iso(self.ends_at),
            self.type,
            self.system,
            self.subject,
            self.author,
            self.comment,
            created_at,
            from_iso(self.expired_at),
            weekly,
        )


class Muted(Document):
    """An incident that a silence mutes."""

    incident: str = Field(examples=["inc_01M84SM5…"])
    type: str = Field(examples=["sip.account.unregistered"])
    system: str = Field(examples=["main"])
    subject: str = Field(examples=["sip/0773137770"])


class Stranger(Document):
    """A word that somebody asked by, and that means nothing here."""

    name: str = Field(description="Of what it was given as", examples=["type"])
    value: str = Field(examples=["sip.acount.unregistered"])
    did_you_mean: str | None = Field(examples=["sip.account.unregistered"])

    @classmethod
    def of(cls, stranger: "wording.Stranger") -> "Stranger":
        return cls(name=stranger.name, value=stranger.word, did_you_mean=stranger.near)


class AddedSilence(Silence):
    """A silence, and what fires now and is muted by it."""

    mutes: list[Muted]
    unknown: list[Stranger] = Field(
        default_factory=list,
        description="The words that mean nothing here, or not yet, where it mutes nothing now",
    )

    @classmethod
    def made(
        cls,
        silence: "silences.Silence",
        matched: "list[Incident]",
        strangers: "Sequence[wording.Stranger]" = (),
    ) -> "AddedSilence":
        mutes = [
            Muted(incident=one.id, type=one.kind.fires, system=one.system, subject=one.subject)
            for one in matched
        ]
        unknown = [Stranger.of(one) for one in strangers]
        return cls(**_silence(silence), mutes=mutes, unknown=unknown)


class Acknowledgement(Document):
    """That somebody has an incident."""

    by: str = Field(description="Who", examples=["Dana"])
    note: str | None = Field(examples=["I am on my way"])
    at: str = Field(examples=[AT])
    until: str | None = Field(
        description="From then on nobody has it any more; None: when it is over", examples=[None]
    )

    @classmethod
    def of(cls, one: "acknowledgement.Acknowledgement") -> "Acknowledgement":
        return cls(**_acknowledgement(one))


class Acknowledged(Acknowledgement):
    """An incident that somebody has."""

    incident: str = Field(examples=["inc_01M84SM5…"])
    type: str = Field(examples=["sip.account.unregistered"])
    system: str = Field(examples=["main"])
    subject: str = Field(examples=["sip/0773137770"])
    is_new: bool = Field(description="False: it was so before, and nobody is told again")

    @classmethod
    def made(
        cls, incident: "Incident", one: "acknowledgement.Acknowledgement", *, is_new: bool
    ) -> "Acknowledged":
        return cls(
            **_acknowledgement(one),
            incident=incident.id,
            type=incident.kind.fires,
            system=incident.system,
            subject=incident.subject,
            is_new=is_new,
        )


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


class SentText(Document):
    """The SMS by which a phone is told an event."""

    message: str = Field(examples=["main: Phone 0771234567 is off the network"])
    parts: int = Field(description="Of 70 characters, each of which is paid", examples=[1])
    units: float = Field(description="What counts for the budget", examples=[0.1])
    sent_at: str = Field(examples=[AT])
    state: str = Field(
        description="`sending`, `sent`, `failed`, or `unknown`: it may have left or not", examples=["sent"]
    )
    report: str | None = Field(description="The carrier's last word", examples=["DELIVRD"])
    reason: str | None = Field(description="Why it failed, or why nobody knows")

    @classmethod
    def of(cls, text: "Text") -> "SentText":
        return cls(
            message=text.message,
            parts=text.parts,
            units=text.units,
            sent_at=iso(text.sent_at),
            state=text.state.value,
            report=text.report,
            reason=text.reason,
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
    template: str | None = Field(
        default=None, description="The template that it was planned with; null: it has none"
    )
    text: SentText | None = Field(
        default=None, description="The SMS that it came to; null: there is none, and in a list"
    )
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
            template=view.template,
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
    quiet: QuietStatus | None = Field(description="The quiet window that it is in; None: it is in none")
    template: str | None = Field(default=None, description="The template of its messages; null: it has none")
    source: Literal["file", "store"] | None = Field(
        description="Where it stands: in the configuration file, or in the store. None: in neither any more"
    )
    fault: str | None = Field(
        default=None, description="Of one of the store: why nothing is sent to it, or what does not count"
    )

    @classmethod
    def of(
        cls,
        view: "EndpointHealth",
        public_key: str | None,
        quiet: QuietStatus | None = None,
        *,
        is_kept: bool = False,
        fault: str | None = None,
    ) -> "Endpoint":
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
            quiet=quiet,
            template=view.template,
            source="store" if is_kept else "file" if view.is_configured else None,
            fault=fault,
        )


class ReplayedEvent(Document):
    """One event that would be sent again."""

    event: str = Field(examples=["evt_01M84SM5…"])
    timestamp: str = Field(examples=[AT])
    type: str = Field(examples=["sms.received"])
    subject: str = Field(examples=["sms/0501234567"])


class Replay(Document):
    """What is sent again, oldest first, and what is left out."""

    endpoint: str = Field(examples=["crm"])
    events: list[str] = Field(description="Their ids", examples=[["evt_01M84SM5…"]])
    outdated: int = Field(description="They tell what is not true any more", examples=[0])
    under_way: int = Field(description="On their way already", examples=[0])
    is_dry_run: bool = Field(description="Nothing is sent")
    details: list[ReplayedEvent] = Field(default=[], description="With `dry_run`: what the events are")

    @classmethod
    def of(cls, endpoint: str, plan: "Plan", *, is_dry_run: bool) -> "Replay":
        shown = [one.event for one in plan.items] if is_dry_run else []
        return cls(
            details=[
                ReplayedEvent(event=one.id, timestamp=iso(one.timestamp), type=one.type, subject=one.subject)
                for one in shown
            ],
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


def _acknowledgement(one: "acknowledgement.Acknowledgement") -> dict[str, Any]:
    return {"by": one.by, "note": one.note or None, "at": iso(one.at), "until": iso_or_none(one.until)}


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
        "weekly": _weekly(silence.weekly) if silence.weekly is not None else None,
    }


def _weekly(weekly: WeeklyHours) -> Weekly:
    hours = {"from": f"{weekly.start:%H:%M}", "to": f"{weekly.end:%H:%M}"}
    return Weekly(
        **hours,
        days=[DAYS[day] for day in SUNDAY_FIRST if day in weekly.days],
        timezone=str(weekly.zone),
    )


def _standing(told: Told) -> str:
    return told.standing.value + (f", held: {told.held_by.value}" if told.held_by else "")


def _shown(at: time | None) -> str | None:
    return f"{at:%H:%M}" if at is not None else None


def _read(text: str | None) -> time | None:
    return time.fromisoformat(text) if text is not None else None
