"""Incidents and the history of alerts. Functions take a connection; they never begin nor commit."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core.alerts.incidents import Incident
from daemon.core.alerts.life import TOLD, Phase, Ruling, Seen
from daemon.core.durations import NOTHING
from daemon.core.event_types import kind_of
from daemon.core.model import Interval
from daemon.store.column_types import UtcTime
from daemon.store.schema import alerts, incidents, ledger, transitions
from daemon.store.spellings import is_subject

# Literal, so that SQLite sees that the partial index serves.
_OPEN = sa.text("incidents.ended_at IS NULL")
_NOT_OVER = sa.text("NOT ledger.is_over")
# Asked with every tick: what is made once costs a third of what is made each time.
_OPEN_ONES = sa.select(incidents.c.id).where(_OPEN)
_OWED = sa.select(ledger.c.incident).where(
    _NOT_OVER, ledger.c.endpoint.in_(sa.bindparam("endpoints", expanding=True))
)
_PHASES = sa.select(alerts.c.system, alerts.c.key, alerts.c.phase).where(alerts.c.phase.in_(TOLD))
_NEWEST = (incidents.c.fired_at.desc(), incidents.c.id.desc())
# Few fire at once, and few are of one subject. SQLite shall take the index of those and sort, not walk all
# that there ever were.
_NEWEST_OF_FEW = (sa.text("+incidents.fired_at DESC"), incidents.c.id.desc())


@dataclass(frozen=True)
class Transition:
    """One change of an alert's phase, or of whether it can be seen."""

    at: datetime
    phase: Phase
    is_blind: bool
    held: timedelta
    """Observed time in the phase before."""


@dataclass(frozen=True)
class Query:
    """Which incidents to read; None does not narrow."""

    system: str | None = None
    subject: str | None = None
    """One that names a phone stands for every spelling of it."""
    is_firing: bool | None = None
    before: tuple[datetime, str] | None = None
    """When the last one already read fired, and its id."""
    limit: int = 100


def save(db: sa.Connection, incident: Incident) -> None:
    """Store an incident that began or ended."""
    values = _row(incident)
    if incident.is_firing:
        db.execute(sa.insert(incidents).values(**values))
    else:
        db.execute(sa.update(incidents).where(incidents.c.id == incident.id).values(**values))


def find(db: sa.Connection, incident: str) -> Incident | None:
    """One incident by its id."""
    return next(iter(_load(db, incidents.c.id == incident)), None)


def load(db: sa.Connection, ids: Collection[str]) -> list[Incident]:
    """These incidents, in the order in which they fired."""
    return _load(db, incidents.c.id.in_(ids))


def read(db: sa.Connection, query: Query) -> list[Incident]:
    """Incidents, the newest first; by index, however many there are."""
    is_few = query.is_firing is True or query.subject is not None
    newest = sa.select(incidents.c.id).order_by(*(_NEWEST_OF_FEW if is_few else _NEWEST))
    if query.before is not None:
        newest = newest.where(
            sa.tuple_(incidents.c.fired_at, incidents.c.id) < sa.tuple_(*_typed(query.before))
        )
    if query.is_firing is not None:
        newest = newest.where(_OPEN if query.is_firing else sa.text("incidents.ended_at IS NOT NULL"))
    if query.system is not None:
        of_few = incidents.c.system.concat("")
        newest = newest.where((of_few if is_few else incidents.c.system) == query.system)
    if query.subject is not None:
        newest = newest.where(is_subject(db, incidents.c.subject, query.subject))
    ids = list(db.scalars(newest.limit(query.limit)))
    return _load(db, incidents.c.id.in_(ids))[::-1] if ids else []


def last_of_key(db: sa.Connection, system: str, key: str, until: datetime) -> Incident | None:
    """The newest incident of a condition that had fired by a time."""
    of_key = (incidents.c.system == system, incidents.c.key == key, incidents.c.fired_at <= until)
    newest = sa.select(incidents.c.id).where(*of_key).order_by(incidents.c.fired_at.desc()).limit(1)
    found = db.scalar(newest)
    return find(db, found) if found else None


def firing(db: sa.Connection) -> list[Incident]:
    """Every incident that has not ended, oldest first."""
    return _load(db, _OPEN)


def of_subject(db: sa.Connection, subject: str, limit: int = 5) -> list[Incident]:
    """The newest incidents of a subject, oldest first; of a phone, whatever its spelling."""
    newest = sa.select(incidents.c.id).where(is_subject(db, incidents.c.subject, subject))
    ids = db.scalars(newest.order_by(incidents.c.fired_at.desc(), incidents.c.id.desc()).limit(limit))
    return _load(db, incidents.c.id.in_(list(ids)))


def unsettled(db: sa.Connection, endpoints: Collection[str]) -> list[Incident]:
    """Every incident of which something may have to be told to one of these endpoints."""
    # Two questions rather than one with an OR, which would read every incident there ever was.
    owed = db.scalars(_OWED, {"endpoints": list(endpoints)})
    ids = {*db.scalars(_OPEN_ONES), *owed}
    return _load(db, incidents.c.id.in_(sorted(ids))) if ids else []


def phases(db: sa.Connection) -> dict[str, dict[str, Phase]]:
    """The alerts that fire or recover: phases by system and key."""
    by_system: dict[str, dict[str, Phase]] = {}
    for row in db.execute(_PHASES):
        by_system.setdefault(row.system, {})[row.key] = row.phase
    return by_system


def save_told(db: sa.Connection, ids: Collection[str], now: datetime) -> None:
    """Store that somebody is told of these from now on, where nobody was before."""
    first = sa.update(incidents).where(incidents.c.id.in_(ids), incidents.c.told_at.is_(None))
    if ids:
        db.execute(first.values(told_at=now))


def save_counting(
    db: sa.Connection, incident: str, *, told_at: datetime | None, paused_at: datetime | None
) -> None:
    """Store from when on the escalation of an incident counts, and since when it does not."""
    one = sa.update(incidents).where(incidents.c.id == incident)
    db.execute(one.values(told_at=told_at, paused_at=paused_at))


def save_transitions(db: sa.Connection, system: str, rulings: Iterable[Ruling], when: Seen) -> None:
    """Store which alerts changed their phase, or came into sight or out of it."""
    rows = [
        {
            "system": system,
            "key": one.condition.key,
            "at": when.at,
            "phase": one.alert.phase,
            "is_blind": one.alert.is_blind,
            # A phase that ends by having been held lasted through this observation, too.
            "held": one.before.held + (when.observed if one.is_held else NOTHING),
        }
        for one in rulings
        if (one.alert.phase, one.alert.is_blind) != (one.before.phase, one.before.is_blind)
    ]
    if rows:
        db.execute(sa.insert(transitions), rows)


def load_transitions(
    db: sa.Connection, system: str, key: str, since: datetime, until: datetime | None
) -> list[Transition]:
    """What happened to an alert in a time, oldest first."""
    found = sa.select(transitions).where(
        transitions.c.system == system, transitions.c.key == key, transitions.c.at >= since
    )
    if until is not None:
        found = found.where(transitions.c.at <= until)
    return [
        Transition(row.at, row.phase, row.is_blind, row.held)
        for row in db.execute(found.order_by(transitions.c.id))
    ]


def _typed(place: tuple[datetime, str]) -> tuple[sa.ColumnElement[Any], ...]:
    return sa.literal(place[0], UtcTime), sa.literal(place[1])


def _load(db: sa.Connection, which: Any) -> list[Incident]:
    """Incidents as they stand: those that fire with what was last seen of them."""
    now = (alerts.c.phase, alerts.c.is_blind, alerts.c.is_steady, alerts.c.payload.label("seen"))
    of_alert = sa.and_(
        alerts.c.system == incidents.c.system,
        alerts.c.key == incidents.c.key,
        alerts.c.incident == incidents.c.id,
    )
    found = sa.select(incidents, *now).join(alerts, of_alert, isouter=True).where(which)
    # Not in SQL: to read them in this order, SQLite would walk all there ever were to find those that fire.
    return sorted((_incident(row) for row in db.execute(found).all()), key=lambda one: (one.fired_at, one.id))


def _incident(row: sa.Row[Any]) -> Incident:
    is_seen = row.ended_at is None and row.seen is not None
    payload: Mapping[str, Any] = json.loads(row.seen if is_seen else row.payload)
    return Incident(
        row.id,
        row.system,
        row.key,
        row.watch,
        kind_of(row.fires, row.resolves),
        row.subject,
        row.severity,
        payload,
        row.started_at,
        Interval(row.changed_after, row.changed_before),
        row.fired_at,
        row.ended_at,
        row.end,
        row.phase or Phase.OK,
        bool(row.is_blind),
        row.is_steady is not False,
        row.cause,
        row.told_at,
        row.paused_at,
    )


def _row(incident: Incident) -> dict[str, Any]:
    same = (
        "id",
        "system",
        "key",
        "watch",
        "subject",
        "severity",
        "started_at",
        "fired_at",
        "ended_at",
        "end",
        "cause",
    )
    return {
        **{name: getattr(incident, name) for name in same},
        "fires": incident.kind.fires,
        "resolves": incident.kind.resolves,
        "payload": json.dumps(incident.payload, ensure_ascii=False, separators=(",", ":")),
        "changed_after": incident.changed.after,
        "changed_before": incident.changed.before,
    }
