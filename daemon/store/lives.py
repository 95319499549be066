"""Incidents with whom they were told, as a rehearsal compares them. Functions take a connection."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core.alerts.incidents import Incident
from daemon.core.model import Event
from daemon.core.rehearsal.lives import Life, Telling
from daemon.core.routing.ledger import UNWANTED
from daemon.store import incidents as incident_store
from daemon.store import latest
from daemon.store.column_types import UtcTime
from daemon.store.events import Query
from daemon.store.events import read as read_events
from daemon.store.ledger import Decided
from daemon.store.schema import decisions, deliveries, incidents

PART = 200
"""Incidents, or events, that are read in one go."""
BEFORE = timedelta(days=7)
"""Of what fired no earlier than so long before a time it is seen whether it still lasted then; of what fires
yet in any case."""

Place = tuple[datetime, str]


def part(
    db: sa.Connection, since: datetime, until: datetime, last: Place | None
) -> tuple[list[Life], Place | None]:
    """The next incidents that fired until a time and lasted at `since` or after; where to go on, None: there
    are no more."""
    found = sa.select(incidents.c.id, incidents.c.fired_at).where(
        incidents.c.fired_at >= since - BEFORE, incidents.c.fired_at <= until
    )
    if last is not None:
        place = sa.literal(last[0], UtcTime), sa.literal(last[1])
        found = found.where(sa.tuple_(incidents.c.fired_at, incidents.c.id) > sa.tuple_(*place))
    rows = db.execute(found.order_by(incidents.c.fired_at, incidents.c.id).limit(PART)).all()
    lives = of(db, [row.id for row in rows])
    kept = [one for one in lives if one.ended_at is None or one.ended_at >= since]
    return kept, (rows[-1].fired_at, rows[-1].id) if len(rows) == PART else None


def of_old(db: sa.Connection, since: datetime) -> list[Life]:
    """Those that fire yet, and have since long before a time."""
    return of(db, [one.id for one in incident_store.firing(db) if one.fired_at < since - BEFORE])


def of(db: sa.Connection, ids: Sequence[str]) -> list[Life]:
    """These incidents."""
    if not ids:
        return []
    found = incident_store.load(db, ids)
    asked = sa.select(decisions).where(decisions.c.incident.in_(ids))
    decided: dict[str, list[Decided]] = {}
    for row in sorted(db.execute(asked).all(), key=lambda one: int(one.id)):
        names = Decided.__dataclass_fields__
        one = Decided(**{name: getattr(row, name) for name in names})
        decided.setdefault(one.incident, []).append(one)
    return [_life(one, decided.get(one.id, ())) for one in found]


def _life(incident: Incident, decided: Sequence[Decided]) -> Life:
    told = tuple(Telling(one.endpoint, one.at, one.told.value) for one in decided if one.told is not None)
    heard = {one.endpoint for one in told}
    asked = {one.endpoint: one.held_by for one in decided if one.endpoint not in heard}
    held = {endpoint: by.value for endpoint, by in asked.items() if by is not None and by not in UNWANTED}
    threshold: Any = incident.payload.get("threshold")
    return Life(
        incident.id,
        incident.system,
        incident.watch,
        incident.key,
        incident.kind.fires,
        incident.subject,
        incident.severity.value,
        threshold.get("metric") if isinstance(threshold, Mapping) else None,
        incident.started_at,
        incident.fired_at,
        incident.ended_at,
        incident.end.value if incident.end else None,
        incident.cause,
        told,
        held,
    )


def facts(db: sa.Connection, after: int, until: datetime) -> tuple[list[tuple[int, Event]], int | None]:
    """The next events after a number, of before a time; where to go on."""
    found = read_events(db, Query(after=after, limit=PART))
    kept = [one for one in found if one[1].timestamp <= until]
    return kept, found[-1][0] if len(kept) == PART else None


def number_at(db: sa.Connection, moment: datetime) -> int:
    """The number of the last event of before a time."""
    return latest.number_at(db, moment)


def receivers(db: sa.Connection, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
    """To whom these events were to go: numbers and endpoints."""
    found = sa.select(deliveries.c.event, deliveries.c.endpoint).where(deliveries.c.event.in_(numbers))
    for row in db.execute(found):
        yield row.event, row.endpoint
