"""How the daemon stands, as JSON: out of the store, what is configured, and what runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import Field

from daemon.core.differences import Difference
from daemon.core.numbers import rounded
from daemon.core.own_events import MISCONFIGURED
from daemon.core.ownership import Kind
from daemon.core.routing.plan import endpoint_subject
from daemon.core.timestamps import iso, iso_or_none
from daemon.schemas.documents import AlertStatus, Document, Failure, QuietStatus
from daemon.schemas.subjects import Looked, SubjectStatus, UptimeStatus, subjects_of
from daemon.store.in_force import InForce
from daemon.store.views import AlertView, EndpointView, MemberView, Overview, Poller, WatchView

WatchId = tuple[str, str]
"""System and name."""
Uptimes = Mapping[tuple[str, str], dict[str, UptimeStatus]]
"""By system and subject."""
NEVER_ASKED = WatchView("", "", None, None, None, None, None)


@dataclass(frozen=True)
class Configured:
    """What is to be watched, and who is to be told."""

    watches: Mapping[WatchId, timedelta]
    """In their order, with how often each is polled."""
    endpoints: Sequence[str]
    """In their order."""
    quiet: Mapping[str, QuietStatus] = field(default_factory=dict)
    """Those that are in a quiet window."""


@dataclass(frozen=True)
class Running:
    """What a process that runs knows of itself; from outside, its id is known at most."""

    process: str | None = None
    """None: none runs, or it cannot be known."""
    version: str | None = None
    started_at: datetime | None = None
    next_runs: Mapping[WatchId, datetime | None] = field(default_factory=dict)
    last_seen: Mapping[WatchId, datetime] = field(default_factory=dict)
    """Watches that were seen since the store was told."""
    paused: Mapping[str, datetime] = field(default_factory=dict)
    """The systems that are left alone, and until when."""
    failing: tuple[str, str] | None = None
    """Since when the store cannot be written, and why."""
    timezone: str | None = None
    """In which people read times; None: nobody knows."""
    member: str | None = None
    """Its name among several; None: there are no others, or it is none of them."""
    silent: Mapping[str, datetime] = field(default_factory=dict)
    """The members that it has not seen stir of late, and since when."""


class StoreStatus(Document):
    """The store cannot be written."""

    failing_since: str
    error: str

    @classmethod
    def of(cls, failing: tuple[str, str] | None) -> "StoreStatus | None":
        return cls(failing_since=failing[0], error=failing[1]) if failing else None


class FailureStatus(Failure):
    """How the last poll failed."""

    since: str

    @classmethod
    def of(cls, view: WatchView) -> "FailureStatus | None":
        if not view.failure or not view.failing_since:
            return None
        said = {"class": view.failure, "message": view.failure_message or ""}
        return cls(**said, since=iso(view.failing_since))


class SetAside(Document):
    """A wish of the configuration that cannot be worked out."""

    setting: str = Field(examples=["quiet"])
    error: str = Field(examples=["ValueError at hebrew_calendar.py:61"])
    instead: str = Field(description="What is done in its stead", examples=["it holds nothing back"])
    since: str | None

    @classmethod
    def of(cls, view: AlertView) -> "SetAside":
        wish = view.payload.get("wish")
        said = wish if isinstance(wish, Mapping) else {}
        words = {key: str(said.get(key, "")) for key in ("setting", "error", "instead")}
        return cls(**words, since=iso_or_none(view.started_at))


def set_aside(alerts: Iterable[AlertView], subject: str) -> list[AlertView]:
    """Of all that is wrong: the wishes of an endpoint (`endpoint/crm`) or a watch (`watch/main/sip`)."""
    return [one for one in alerts if one.type == MISCONFIGURED.fires and one.subject == subject]


class WatchStatus(Document):
    """One watch of the configuration in force."""

    watch: str = Field(examples=["sip"])
    every_seconds: float
    next_run_at: str | None = Field(
        description="None where only the daemon itself, or the member that polls the system, knows"
    )
    observed_at: str | None = Field(description="The last answer that was understood")
    polled_at: str | None
    age_seconds: float | None = Field(description="Since that answer")
    failure: FailureStatus | None
    set_aside: list[SetAside] = Field(
        default=[], description="Why it is not seen, where that is our own fault"
    )


class HeldStatus(Document):
    """What of the work one member has."""

    systems: int = Field(description="That it polls, and whose commands it carries out", examples=[14])
    endpoints: int = Field(description="That it delivers to; those that share a server are one")
    is_house: bool = Field(
        description="It does what one does for all: reminders, the ends of silences, forgetting what is old"
    )


class MemberStatus(Document):
    """One of several daemons that share a database."""

    name: str = Field(examples=["north"])
    since: str = Field(description="When it joined")
    version: str
    is_connected: bool = Field(
        description="Its session with the database stands. One that is stopped or cut off may have it yet"
    )
    silent_since: str | None = Field(
        description="Since when the member that answers has not seen it stir; after 10 s the others take "
        "what it has. None: it stirs, or that cannot be known"
    )
    differs: str | None = Field(
        description="Why it takes nothing; None: it does",
        examples=["its configuration is another one"],
    )
    holds: HeldStatus

    @classmethod
    def of(cls, view: MemberView, silent: Mapping[str, datetime]) -> "MemberStatus":
        held = view.held
        return cls(
            name=view.name,
            since=iso(view.since),
            version=view.version,
            is_connected=view.is_connected,
            silent_since=iso_or_none(silent.get(view.name)),
            differs=view.differs,
            holds=HeldStatus(
                systems=held.get(Kind.SYSTEM, 0),
                endpoints=held.get(Kind.ENDPOINT, 0),
                is_house=Kind.DUTY in held,
            ),
        )


class PollerStatus(Document):
    """The member that polls a system."""

    name: str = Field(examples=["north"])
    since: str

    @classmethod
    def of(cls, poller: Poller | None) -> "PollerStatus | None":
        return cls(name=poller.member, since=iso(poller.since)) if poller and poller.member else None


class SystemStatus(Document):
    """One system and its watches."""

    name: str
    member: PollerStatus | None = Field(
        description="Whose of the `members` it is, and since when: who polls it, unless that one is silent, "
        "and the others take it. None: nobody's now, or there are none"
    )
    paused_until: str | None = Field(
        description="Nothing is asked of it before; then one poll tries, and the others follow once it was "
        "answered. None: it is asked, or only the daemon itself knows"
    )
    watches: list[WatchStatus]
    subjects: list[SubjectStatus] = Field(
        default=[], description="What the watches come to, and the API itself: up, down or unknown"
    )


class EndpointStatus(Document):
    """What waits to be told to one endpoint."""

    name: str
    open: int = Field(description="Deliveries not yet made")
    dead: int = Field(description="Deliveries given up")
    oldest_open_at: str | None
    set_aside: list[SetAside] = Field(
        default=[], description="What of its settings cannot be worked out; a mailbox's are its table's"
    )
    quiet: QuietStatus | None = Field(
        default=None, description="The quiet window that it is in; None: it is in none"
    )

    @classmethod
    def of(
        cls, view: EndpointView, alerts: Sequence[AlertView], quiet: QuietStatus | None = None
    ) -> "EndpointStatus":
        table = view.endpoint.partition("/")[0]
        return cls(
            set_aside=[SetAside.of(one) for one in set_aside(alerts, endpoint_subject(table))],
            name=view.endpoint,
            open=view.open,
            dead=view.dead,
            oldest_open_at=iso_or_none(view.oldest_open_at),
            quiet=quiet,
        )


class Changes(Document):
    """What one configuration has that another has not, by name."""

    endpoints: list[str]
    watches: list[str] = Field(description="As `system/watch`")
    systems: list[str]
    settings: list[str] = Field(description="Tables that there is one of, such as `smtp`")


class DifferenceDocument(Document):
    """What lies between two configurations."""

    added: Changes
    removed: Changes
    changed: Changes

    @classmethod
    def of(cls, changes: Difference) -> "DifferenceDocument":
        return cls.model_validate(changes.json())


class ConfigurationStatus(Document):
    """The configuration in force."""

    since: str
    reloaded_at: str | None = Field(description="The last reload; None: there was none since the start")
    changes: DifferenceDocument | None = Field(
        description="Against the one before, over restarts; None: there was none before"
    )

    @classmethod
    def of(cls, kept: InForce) -> "ConfigurationStatus":
        changes = DifferenceDocument.of(kept.difference) if kept.difference else None
        return cls(since=iso(kept.since), reloaded_at=iso_or_none(kept.reloaded_at), changes=changes)


class Status(Document):
    """What is watched, what is wrong, what waits to be told."""

    version: str | None = Field(description="Of the daemon that runs; None where only it knows")
    process: str | None = Field(
        description="The id of the process that runs; None: none does, or it cannot be known",
        examples=["4711"],
    )
    started_at: str | None = Field(description="None where only the daemon itself knows")
    now: str
    timezone: str | None = Field(
        default=None,
        description="In which people are shown times, and write them",
        examples=["Asia/Jerusalem"],
    )
    events: int = Field(description="Events written so far, over all starts")
    configuration: ConfigurationStatus | None = Field(description="None: no daemon has ever run here")
    store: StoreStatus | None = Field(description="Since when the database cannot be written; None: it can")
    member: str | None = Field(
        description="Which of the `members` answers. None: there are none, or it is not asked over HTTP",
        examples=["north"],
    )
    members: list[MemberStatus] = Field(
        description="The daemons that share a PostgreSQL, by name; empty on SQLite, which has one daemon"
    )
    keeps_content: list[str] = Field(
        description="Tokens that see the texts of SMS without the scope `content`, up to the next release"
    )
    systems: list[SystemStatus]
    alerts: list[AlertStatus]
    endpoints: list[EndpointStatus]

    @classmethod
    def of(
        cls,
        seen: Overview,
        configured: Configured,
        running: Running,
        now: datetime,
        uptimes: Uptimes | None = None,
    ) -> "Status":
        """`uptimes`: where they are asked for."""
        return cls(
            version=running.version,
            process=running.process,
            started_at=iso_or_none(running.started_at),
            now=iso(now),
            timezone=running.timezone,
            events=seen.events,
            configuration=ConfigurationStatus.of(seen.configuration) if seen.configuration else None,
            store=StoreStatus.of(running.failing),
            member=running.member,
            members=[MemberStatus.of(one, running.silent) for one in seen.shared.members],
            keeps_content=list(seen.keeps_content),
            systems=_systems(seen, configured, running, now, uptimes or {}),
            alerts=[AlertStatus.of(one) for one in seen.alerts],
            endpoints=_endpoints(seen, configured),
        )


def _systems(
    seen: Overview, configured: Configured, running: Running, now: datetime, uptimes: Uptimes
) -> list[SystemStatus]:
    views = with_last_seen(seen.watches, running.last_seen)
    misconfigured = [one for one in seen.alerts if one.type == MISCONFIGURED.fires]
    systems: dict[str, list[WatchStatus]] = {}
    for watch, every in configured.watches.items():
        system, name = watch
        view = views.get(watch, NEVER_ASKED)
        shown = WatchStatus(
            watch=name,
            every_seconds=every.total_seconds(),
            next_run_at=iso_or_none(running.next_runs.get(watch)) if _polls(system, seen, running) else None,
            observed_at=iso_or_none(view.observed_at),
            polled_at=iso_or_none(view.polled_at),
            age_seconds=rounded((now - view.observed_at).total_seconds()) if view.observed_at else None,
            failure=FailureStatus.of(view),
            set_aside=[SetAside.of(one) for one in set_aside(misconfigured, f"watch/{system}/{name}")],
        )
        systems.setdefault(system, []).append(shown)
    pollers = seen.shared.pollers
    paused = left_alone(pollers, running, now)
    looked = Looked(views, configured.watches, paused, now, uptimes)
    subjects = subjects_of(seen.subjects, seen.alerts, looked)
    return [
        SystemStatus(
            name=name,
            member=PollerStatus.of(pollers.get(name)),
            paused_until=iso_or_none(paused.get(name)),
            watches=watches,
            subjects=subjects[name],
        )
        for name, watches in systems.items()
    ]


def _polls(system: str, seen: Overview, running: Running) -> bool:
    """Whether it is this process that asks it: of several, each knows of its own when it will."""
    poller = seen.shared.pollers.get(system)
    return not seen.shared.members or (poller is not None and poller.member == running.member)


def left_alone(pollers: Mapping[str, Poller], running: Running, now: datetime) -> dict[str, datetime]:
    """The systems that are left alone: of its own the process knows best, of others' the store."""
    written = {
        name: one.paused_until
        for name, one in pollers.items()
        if one.paused_until and one.paused_until > now and one.member != running.member
    }
    return {**written, **running.paused}


def with_last_seen(
    watches: Iterable[WatchView], last_seen: Mapping[WatchId, datetime]
) -> dict[WatchId, WatchView]:
    """What the store says of each watch, and when it was seen since."""
    views = {(one.system, one.name): one for one in watches}
    for watch in views.keys() & last_seen.keys():
        at = last_seen[watch]
        one = views[watch]
        views[watch] = WatchView(
            one.system, one.name, at, at, one.failure, one.failure_message, one.failing_since
        )
    return views


def _endpoints(seen: Overview, configured: Configured) -> list[EndpointStatus]:
    """Those that are configured, and then those that left and for which something waits."""
    nothing = {name: EndpointView(name, 0, 0, None) for name in configured.endpoints}
    return [
        EndpointStatus.of(one, seen.alerts, configured.quiet.get(one.endpoint))
        for one in (nothing | {one.endpoint: one for one in seen.backlog}).values()
    ]
