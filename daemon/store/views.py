"""What the API, the page and the CLI show, read in one go. Functions take a connection; nothing is written.

No query here reads deliveries that have ended: their number only grows.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from daemon.core.alerts.life import Phase
from daemon.core.delivery.breaker import HEALTHY, Breaker, Switch
from daemon.core.model import Json
from daemon.core.routing.ledger import Told
from daemon.store import endpoint_health as endpoint_store
from daemon.store import events, in_force, kept_scopes, ledger
from daemon.store.in_force import InForce
from daemon.store.schema import alerts as alert_table
from daemon.store.schema import deliveries
from daemon.store.schema import watches as watch_table

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


@dataclass(frozen=True)
class ToldAlert:
    """An alert, and what each endpoint knows of it."""

    alert: AlertView
    told: Mapping[str, Told]


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


@dataclass(frozen=True)
class Overview:
    """Everything that a status shows, as of one moment."""

    watches: list[WatchView]
    alerts: list[AlertView]
    backlog: list[EndpointView]
    events: int
    configuration: InForce | None
    """What a daemon took over last; None: none ever ran."""
    keeps_content: tuple[str, ...] = ()
    """Tokens that see the texts of SMS for one release without the scope for it."""


def read(db: sa.Connection) -> Overview:
    """The overview; within one transaction, so its parts agree."""
    return Overview(
        watches(db),
        alerts(db),
        backlog(db),
        event_count(db),
        in_force.load(db),
        kept_scopes.load(db),
    )


def watches(db: sa.Connection) -> list[WatchView]:
    """Every watch that was ever polled, by system and name."""
    names = WatchView.__dataclass_fields__
    # Not the states: that of an SMS log has a thousand rows.
    found = sa.select(*(watch_table.c[name] for name in names))
    rows = db.execute(found.order_by(watch_table.c.system, watch_table.c.name))
    return [WatchView(*row) for row in rows]


def alerts(db: sa.Connection) -> list[AlertView]:
    """Every alert that is not OK, the longest first."""
    found = sa.select(alert_table).where(_IS_WRONG)
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
        )
        for row in db.execute(found.order_by(alert_table.c.started_at, alert_table.c.key))
    ]


def told_alerts(db: sa.Connection, configured: Sequence[str]) -> list[ToldAlert]:
    """Every alert that is not OK, the longest first, with whom of the configured endpoints it was told."""
    told: dict[str, dict[str, Told]] = {}
    for (incident, endpoint), line in ledger.load(db, configured).items():
        told.setdefault(incident, {})[endpoint] = line
    return [ToldAlert(one, told.get(one.incident or "", {})) for one in alerts(db)]


def endpoints(db: sa.Connection, configured: Sequence[str]) -> list[EndpointHealth]:
    """The configured endpoints in their order, and then those that are gone and for which something waits."""
    breakers, asked = endpoint_store.load(db), endpoint_store.asked(db)
    waiting = {one.endpoint: one for one in backlog(db)}
    return [
        EndpointHealth(
            name,
            name in configured,
            breakers.get(name, HEALTHY),
            waiting.get(name, EndpointView(name, 0, 0, None)),
            asked.get(name),
        )
        for name in dict.fromkeys([*configured, *sorted(waiting)])
    ]


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
