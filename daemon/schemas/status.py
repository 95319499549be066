"""How the daemon stands, as JSON: out of the store, what is configured, and what runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import Field

from daemon.core.differences import Difference
from daemon.core.numbers import rounded
from daemon.core.own_events import MISCONFIGURED
from daemon.core.routing.plan import endpoint_subject
from daemon.core.timestamps import iso, iso_or_none
from daemon.schemas.documents import AlertStatus, Document, Failure
from daemon.schemas.subjects import Looked, SubjectStatus, UptimeStatus, subjects_of
from daemon.store.in_force import InForce
from daemon.store.views import AlertView, EndpointView, Overview, WatchView

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
    next_run_at: str | None = Field(description="None where only the daemon itself knows")
    observed_at: str | None = Field(description="The last answer that was understood")
    polled_at: str | None
    age_seconds: float | None = Field(description="Since that answer")
    failure: FailureStatus | None
    set_aside: list[SetAside] = Field(
        default=[], description="Why it is not seen, where that is our own fault"
    )


class SystemStatus(Document):
    """One system and its watches."""

    name: str
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

    @classmethod
    def of(cls, view: EndpointView, alerts: Sequence[AlertView]) -> "EndpointStatus":
        table = view.endpoint.partition("/")[0]
        return cls(
            set_aside=[SetAside.of(one) for one in set_aside(alerts, endpoint_subject(table))],
            name=view.endpoint,
            open=view.open,
            dead=view.dead,
            oldest_open_at=iso_or_none(view.oldest_open_at),
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
    events: int = Field(description="Events written so far, over all starts")
    configuration: ConfigurationStatus | None = Field(description="None: no daemon has ever run here")
    store: StoreStatus | None = Field(description="Since when the database cannot be written; None: it can")
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
            events=seen.events,
            configuration=ConfigurationStatus.of(seen.configuration) if seen.configuration else None,
            store=StoreStatus.of(running.failing),
            keeps_content=list(seen.keeps_content),
            systems=_systems(seen, configured, running, now, uptimes or {}),
            alerts=[AlertStatus.of(one) for one in seen.alerts],
            endpoints=_endpoints(seen, configured),
        )


def _systems(
    seen: Overview, configured: Configured, running: Running, now: datetime, uptimes: Uptimes
) -> list[SystemStatus]:
    views = _views(seen, running.last_seen)
    misconfigured = [one for one in seen.alerts if one.type == MISCONFIGURED.fires]
    systems: dict[str, list[WatchStatus]] = {}
    for watch, every in configured.watches.items():
        system, name = watch
        view = views.get(watch, NEVER_ASKED)
        shown = WatchStatus(
            watch=name,
            every_seconds=every.total_seconds(),
            next_run_at=iso_or_none(running.next_runs.get(watch)),
            observed_at=iso_or_none(view.observed_at),
            polled_at=iso_or_none(view.polled_at),
            age_seconds=rounded((now - view.observed_at).total_seconds()) if view.observed_at else None,
            failure=FailureStatus.of(view),
            set_aside=[SetAside.of(one) for one in set_aside(misconfigured, f"watch/{system}/{name}")],
        )
        systems.setdefault(system, []).append(shown)
    looked = Looked(views, configured.watches, running.paused, now, uptimes)
    subjects = subjects_of(seen.subjects, seen.alerts, looked)
    return [
        SystemStatus(
            name=name,
            paused_until=iso_or_none(running.paused.get(name)),
            watches=watches,
            subjects=subjects[name],
        )
        for name, watches in systems.items()
    ]


def _views(seen: Overview, last_seen: Mapping[WatchId, datetime]) -> dict[WatchId, WatchView]:
    """What the store says of each watch, and when it was seen since."""
    views = {(one.system, one.name): one for one in seen.watches}
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
        EndpointStatus.of(one, seen.alerts)
        for one in (nothing | {one.endpoint: one for one in seen.backlog}).values()
    ]
