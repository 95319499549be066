"""What the API, the page and the CLI show, read in one go. Functions take a connection; nothing is written.

No query here reads deliveries that have ended: their number only grows.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from daemon.core.alerts.life import Phase
from daemon.core.delivery.breaker import HEALTHY, Breaker, Switch
from daemon.core.model import Interval, Json
from daemon.core.ownership import Kind
from daemon.core.routing.ledger import Told
from daemon.store import endpoint_health as endpoint_store
from daemon.store import events, in_force, kept_scopes, ledger, ownership
from daemon.store import subjects as subject_store
from daemon.store.in_force import InForce
from daemon.store.prepared import Prepared
from daemon.store.schema import alerts as alert_table
from daemon.store.schema import deliveries, holdings, template_versions
from daemon.store.schema import watches as watch_table
from daemon.store.subjects import SubjectView

if TYPE_CHECKING:
    from daemon.core.alerts.acknowledgement import Acknowledgement

_IS_SHARED = Prepared("SELECT 1 FROM members LIMIT 1")
_SEEN_SINCE = Prepared("SELECT system, name FROM watches WHERE observed_at >= :moment", "moment")
_SEEN_BEFORE = Prepared("SELECT system, name, observed_at FROM watches WHERE observed_at < :moment", "moment")
_IS_WRONG = sa.and_(alert_table.c.phase != Phase.OK, alert_table.c.fires != "")


@dataclass(frozen=True)
class WatchView:
    """One watch that was polled at least once."""

    system: str
    name: str
    observed_at: datetime | None
    polled_at: datetime | None
    failure: str | None
    failure_message: str | None
    failing_since: datetime | None


@dataclass(frozen=True)
class AlertView:
    """One alert that is pending, firing or recovering."""

    system: str
    key: str
    subject: str
    type: str
    """The event type that it fires."""
    phase: str
    severity: str
    is_blind: bool
    """The last answer said nothing of it."""
    incident: str | None
    started_at: datetime | None
    held: timedelta
    """Observed time in its phase."""
    payload: Mapping[str, Json] = field(default_factory=dict)
    """What its events say beside who, when and how it stands."""
    changed: Interval | None = None
    """When what it is about last began, or ended."""


@dataclass(frozen=True)
class ToldAlert:
    """An alert, and what each endpoint knows of it."""

    alert: AlertView
    told: Mapping[str, Told]
    acknowledged: "Acknowledgement | None" = None
    """Who has it; None: nobody."""


@dataclass(frozen=True)
class AlertCount:
    """How many alerts of a kind there are."""

    system: str
    type: str
    phase: str
    severity: str
    many: int


@dataclass(frozen=True)
class EndpointView:
    """What waits to be told to one endpoint, and what was given up."""

    endpoint: str
    open: int
    dead: int
    oldest_open_at: datetime | None


@dataclass(frozen=True)
class EndpointHealth:
    """How one endpoint is doing."""

    name: str
    is_configured: bool
    breaker: Breaker
    waiting: EndpointView
    asked: Switch | None
    """What an operator has asked for, and nobody has done yet."""
    template: str | None = None
    """The name of the template of its messages; None: it has none."""


@dataclass(frozen=True)
class MemberView:
    """One of several daemons on a database, and how much of the work it has."""

    name: str
    since: datetime
    version: str
    is_connected: bool
    """Its session with the database stands at this moment; that of a process that is stopped does, too."""
    differs: str | None
    """Why it takes nothing."""
    held: Mapping[Kind, int]
    """How many shares of each kind it has."""


@dataclass(frozen=True)
class Poller:
    """Who polls a system, and until when that is left alone."""

    member: str | None
    """None: nobody."""
    since: datetime
    paused_until: datetime | None


@dataclass(frozen=True)
class Shared:
    """How the work is shared out among several daemons. Of one that is alone, nothing is written down."""

    members: Sequence[MemberView] = ()
    """By name."""
    pollers: Mapping[str, Poller] = field(default_factory=dict)
    """By system; those that were ever polled while there were members."""


ALONE = Shared()


@dataclass(frozen=True)
class Overview:
    """Everything that a status shows, as of one moment."""

    watches: list[WatchView]
    alerts: list[AlertView]
    backlog: list[EndpointView]
    events: int
    configuration: InForce | None
    """What a daemon took over last; None: none ever ran."""
    subjects: list[SubjectView] = field(default_factory=list)
    keeps_content: tuple[str, ...] = ()
    """Tokens that see the texts of SMS for one release without the scope for it."""
    shared: Shared = ALONE


def read(db: sa.Connection, system: str | None = None, *, with_details: bool = False) -> Overview:
    """The overview; within one transaction, so its parts agree. `system`: its alerts and subjects only.
    `with_details`: also what is listed in them."""
    return Overview(
        watches(db),
        [one for one in alerts(db) if system in (None, one.system)],
        backlog(db),
        event_count(db),
        in_force.load(db),
        subject_store.views(db, system, with_details=with_details),
        kept_scopes.load(db),
        shared(db, system),
    )


def shared(db: sa.Connection, system: str | None = None) -> Shared:
    """The members, and who of them polls what; `system`: of that one only."""
    found = members(db)
    return Shared(found, _pollers(db, {one.name for one in found}, system)) if found else ALONE


def members(db: sa.Connection) -> list[MemberView]:
    """The daemons that share a database, by name. Of one that is alone, nothing is written down."""
    if not _IS_SHARED.rows(db):
        return []  # as with every SQLite file: that is all that it costs
    held, connected = _held(db), ownership.connected(db)
    return [
        MemberView(
            one.name,
            one.joined_at,
            one.version,
            one.name in connected,
            one.differs,
            held.get(one.name, {}),
        )
        for one in ownership.members(db)
    ]


def _held(db: sa.Connection) -> dict[str, dict[Kind, int]]:
    """How many shares of each kind each member has."""
    kinds = (holdings.c.member, holdings.c.kind)
    counted = sa.select(*kinds, sa.func.count()).where(holdings.c.member.is_not(None)).group_by(*kinds)
    held: dict[str, dict[Kind, int]] = {}
    for member, kind, many in db.execute(counted):
        held.setdefault(member, {})[Kind(kind)] = many
    return held


def _pollers(db: sa.Connection, present: Collection[str], system: str | None) -> dict[str, Poller]:
    columns = (holdings.c.name, holdings.c.member, holdings.c.since, holdings.c.paused_until)
    found = sa.select(*columns).where(holdings.c.kind == Kind.SYSTEM.value)
    if system is not None:
        found = found.where(holdings.c.name == system)
    return {
        name: Poller(member if member in present else None, since, paused_until)
        for name, member, since, paused_until in db.execute(found)
    }


def watches(db: sa.Connection, systems: Sequence[str] | None = None) -> list[WatchView]:
    """Every watch that was ever polled, by system and name; `systems`: of these only."""
    names = WatchView.__dataclass_fields__
    # Not the states: that of an SMS log has a thousand rows.
    found = sa.select(*(watch_table.c[name] for name in names))
    if systems is not None:
        found = found.where(watch_table.c.system.in_(systems))
    rows = db.execute(found.order_by(watch_table.c.system, watch_table.c.name))
    return [WatchView(*row) for row in rows]


def seen_since(db: sa.Connection, moment: int) -> Iterator[tuple[Any, ...]]:
    """The watches, by system and name, that were seen last at a time (milliseconds since 1970) or later: as
    plain pairs, for there may be ten thousand systems."""
    return _SEEN_SINCE.each(db, moment)


def seen_before(db: sa.Connection, moment: int) -> dict[tuple[str, str], int]:
    """When those were seen last that were not seen since."""
    return {(system, name): at for system, name, at in _SEEN_BEFORE.rows(db, moment)}


def with_alerts(db: sa.Connection) -> set[str]:
    """The systems of which any alert is not plainly OK."""
    return set(db.scalars(sa.select(alert_table.c.system).distinct()))


def alerts(db: sa.Connection, systems: Sequence[str] | None = None) -> list[AlertView]:
    """Every alert that is not OK, the longest first; `systems`: of these only."""
    found = sa.select(alert_table).where(_IS_WRONG)
    if systems is not None:
        found = found.where(alert_table.c.system.in_(systems))
    return [
        AlertView(
            row.system,
            row.key,
            row.subject,
            row.fires,
            row.phase.value,
            row.severity.value,
            row.is_blind,
            row.incident,
            row.started_at,
            row.held,
            json.loads(row.payload),
            Interval(row.changed_after, row.changed_before) if row.changed_before else None,
        )
        for row in db.execute(found.order_by(alert_table.c.started_at.nulls_first(), alert_table.c.key))
    ]


def told_alerts(db: sa.Connection, configured: Sequence[str], now: datetime) -> list[ToldAlert]:
    """Every alert that is not OK, the longest first, with whom of the configured endpoints it was told, and
    who has it now."""
    told: dict[str, dict[str, Told]] = {}
    for (incident, endpoint), line in ledger.load(db, configured).items():
        told.setdefault(incident, {})[endpoint] = line
    from daemon.store import acknowledgements  # noqa: PLC0415 - a status tells of nobody

    has = {name: one for name, one in acknowledgements.of_open(db).items() if one.lasts(now)}
    return [
        ToldAlert(one, told.get(one.incident or "", {}), has.get(one.incident or "")) for one in alerts(db)
    ]


def endpoints(db: sa.Connection, configured: Sequence[str]) -> list[EndpointHealth]:
    """The configured endpoints in their order, and then those that are gone and for which something waits."""
    breakers, asked = endpoint_store.load(db), endpoint_store.asked(db)
    waiting, templates = {one.endpoint: one for one in backlog(db)}, _templates(db)
    return [
        EndpointHealth(
            name,
            name in configured,
            breakers.get(name, HEALTHY),
            waiting.get(name, EndpointView(name, 0, 0, None)),
            asked.get(name),
            templates.get(name),
        )
        for name in dict.fromkeys([*configured, *sorted(waiting)])
    ]


def _templates(db: sa.Connection) -> dict[str, str]:
    """What the template is called that each endpoint has by now; those without are not there."""
    newest_last = sa.select(template_versions.c.endpoint, template_versions.c.name).order_by(
        template_versions.c.endpoint, template_versions.c.since
    )
    found = {row.endpoint: row.name for row in db.execute(newest_last)}
    return {endpoint: name for endpoint, name in found.items() if name is not None}


def alert_counts(db: sa.Connection) -> list[AlertCount]:
    """How many alerts are not OK."""
    kinds = (alert_table.c.system, alert_table.c.fires, alert_table.c.phase, alert_table.c.severity)
    found = sa.select(*kinds, sa.func.count()).where(_IS_WRONG).group_by(*kinds).order_by(*kinds)
    return [
        AlertCount(system, fires, phase.value, severity.value, many)
        for system, fires, phase, severity, many in db.execute(found)
    ]


def backlog(db: sa.Connection) -> list[EndpointView]:
    """Every endpoint that has deliveries open or given up."""
    opened = _opened(db)
    given_up = {
        row.endpoint: row.many
        for row in db.execute(
            sa.select(deliveries.c.endpoint, sa.func.count().label("many"))
            .where(sa.text("status = 'dead'"))
            .group_by(deliveries.c.endpoint)
        )
    }
    return [
        EndpointView(name, *_counted(opened.get(name), given_up.get(name, 0)))
        for name in sorted(opened.keys() | given_up.keys())
    ]


def _opened(db: sa.Connection) -> dict[str, tuple[int, datetime | None]]:
    """How many deliveries of each endpoint are open, and since when the oldest is.

    The oldest is that of the lowest number: to know each one's time, every row would have to be read.
    """
    is_open = sa.text("ended_at IS NULL")
    first = sa.func.min(deliveries.c.id)
    found = sa.select(deliveries.c.endpoint, sa.func.count(), first).where(is_open)
    opened = [
        (name, many, number) for name, many, number in db.execute(found.group_by(deliveries.c.endpoint))
    ]
    times = sa.select(deliveries.c.id, deliveries.c.created_at).where(
        deliveries.c.id.in_([number for _, _, number in opened])
    )
    created = {row.id: row.created_at for row in db.execute(times)}
    return {name: (many, created.get(number)) for name, many, number in opened}


def _counted(opened: tuple[int, datetime | None] | None, dead: int) -> tuple[int, int, datetime | None]:
    many, oldest = opened or (0, None)
    return many, dead, oldest


def event_count(db: sa.Connection) -> int:
    """How many events were ever written."""
    return events.count(db)
