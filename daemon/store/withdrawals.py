"""Deliveries that nobody is to be told any more: a newer state stands for them, or their endpoint may not
have them. What is under way may arrive, but is not tried again.

Functions take a connection.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from daemon.core.delivery.outcome import Status
from daemon.core.event_types import states_like
from daemon.core.routing.plan import Order, Planned
from daemon.store import lanes
from daemon.store.retries import ALONE, failing_since, may_be_revived
from daemon.store.schema import deliveries, events

_Where = sa.ColumnElement[bool] | sa.TextClause
# Every lane is; said, so that SQLite takes the index of lanes, and not that of an endpoint with all its past.
_NOT_ENDED = sa.text("deliveries.ended_at IS NULL AND deliveries.lane >= ''")
_IS_LEASED = sa.text("deliveries.status = 'leased'")
_UNLEASED = sa.text("status IN ('waiting', 'pending')")

MOST_NAMED = 500
"""Deliveries in one statement."""
WITHDRAWN = "no longer for this endpoint"
"""The `error` of what was superseded because the configuration does not give it to its endpoint any more."""


def supersede(db: sa.Connection, endpoint: str, incident: str, now: datetime) -> int:
    """End an endpoint's deliveries of an incident that are not under way. Returns how many there were."""
    return _supersede(db, endpoint, [deliveries.c.incident == incident], now)


def outdate(db: sa.Connection, planned: Planned, now: datetime) -> int:
    """End what a newer state makes out of date, where the endpoint wants the latest alone. Returns how
    many states the new one stands for."""
    types = states_like(planned.event.type) if planned.order is Order.LATEST else ()
    if not types:
        return 0
    of_those = sa.select(events.c.number).where(
        events.c.number == deliveries.c.event, events.c.type.in_(sorted(types))
    )
    where: list[_Where] = [deliveries.c.lane == planned.lane, of_those.exists(), _NOT_ENDED]
    return _supersede(db, planned.endpoint, where, now)


def open_kinds(db: sa.Connection, endpoint: str) -> list[tuple[str, str]]:
    """System and type of what may yet be sent to an endpoint and stands alone: what waits, and what was given
    up and would be taken up again."""
    found = sa.select(events.c.system, events.c.type).distinct()
    found = found.join(deliveries, deliveries.c.event == events.c.number)
    rows = [db.execute(found.where(*which)).all() for which in _may_be_sent(db, endpoint)]
    return sorted({(row.system, row.type) for part in rows for row in part})


def open_facts(
    db: sa.Connection, endpoint: str, limit: int, *, types: Sequence[str] = ()
) -> Iterator[list[tuple[int, str, bytes]]]:
    """The same one by one, so many at once: the delivery, the type and the body of its event; `types`: only
    these, where there are any."""
    found = sa.select(deliveries.c.id, events.c.type, events.c.body)
    found = found.join(events, deliveries.c.event == events.c.number)
    if types:
        found = found.where(events.c.type.in_(types))
    found = found.order_by(deliveries.c.id).limit(limit)
    for which in _may_be_sent(db, endpoint):
        last = 0
        while rows := db.execute(found.where(*which, deliveries.c.id > last)).all():
            yield [(row.id, row.type, row.body) for row in rows]
            last = rows[-1].id


def open_incidents(db: sa.Connection, endpoint: str) -> list[str]:
    """The incidents of which something waits to be told to an endpoint."""
    found = sa.select(deliveries.c.incident).distinct().where(deliveries.c.endpoint == endpoint, _NOT_ENDED)
    return sorted(db.scalars(found.where(deliveries.c.incident.is_not(None))))


def withdraw_kind(db: sa.Connection, endpoint: str, kind: tuple[str, str], now: datetime) -> int:
    """End what may yet be sent of a system and type and stands alone: the endpoint may not have it any more.
    Returns how many there were. What is under way may arrive, but is not tried again."""
    of_kind = sa.select(events.c.number).where(
        events.c.number == deliveries.c.event, events.c.system == kind[0], events.c.type == kind[1]
    )
    return _withdraw(db, endpoint, [ALONE, of_kind.exists()], now)


def withdraw(db: sa.Connection, endpoint: str, ids: Sequence[int], now: datetime) -> int:
    """The same of these deliveries."""
    parts = [ids[start : start + MOST_NAMED] for start in range(0, len(ids), MOST_NAMED)]
    return sum(_withdraw(db, endpoint, [deliveries.c.id.in_(part)], now) for part in parts)


def withdraw_all(db: sa.Connection, endpoint: str, now: datetime) -> int:
    """The same of everything."""
    return _withdraw(db, endpoint, [], now)


def withdraw_incident(db: sa.Connection, endpoint: str, incident: str, now: datetime) -> int:
    """The same of an incident."""
    return _withdraw(db, endpoint, [deliveries.c.incident == incident], now)


def try_no_more(db: sa.Connection, endpoint: str, incident: str, now: datetime) -> bool:
    """What is under way of an incident may arrive, but is not tried again. Returns whether anything is."""
    return _try_no_more(db, endpoint, [deliveries.c.incident == incident], now)


def _withdraw(db: sa.Connection, endpoint: str, where: Sequence[_Where], now: datetime) -> int:
    """What is under way is not worth another attempt any more, and what was given up stays so."""
    _try_no_more(db, endpoint, where, now)
    many = len(_end_as_superseded(db, endpoint, where, now, WITHDRAWN))
    since = failing_since(db, endpoint)
    if since is not None:
        dead = sa.update(deliveries).where(*may_be_revived(endpoint, since), *where)
        ended = dead.values(status=Status.SUPERSEDED, ended_at=now, error=WITHDRAWN)
        many += db.execute(ended).rowcount
    return many


def _try_no_more(db: sa.Connection, endpoint: str, where: Sequence[_Where], now: datetime) -> bool:
    is_under_way = (deliveries.c.endpoint == endpoint, *where, _NOT_ENDED, _IS_LEASED)
    return db.execute(sa.update(deliveries).where(*is_under_way).values(expires_at=now)).rowcount > 0


def _may_be_sent(db: sa.Connection, endpoint: str) -> list[list[_Where]]:
    """What waits for an endpoint and stands alone; and what was given up, as far as it may be taken up."""
    waits: list[_Where] = [deliveries.c.endpoint == endpoint, ALONE, _NOT_ENDED]
    since = failing_since(db, endpoint)
    return [waits] if since is None else [waits, may_be_revived(endpoint, since)]


def _supersede(db: sa.Connection, endpoint: str, where: Sequence[_Where], now: datetime) -> int:
    return sum(1 + row.superseded for row in _end_as_superseded(db, endpoint, where, now))


def _end_as_superseded(
    db: sa.Connection, endpoint: str, where: Sequence[_Where], now: datetime, why: str | None = None
) -> Sequence[sa.Row[tuple[str, int]]]:
    replaced = (
        sa.update(deliveries)
        .where(deliveries.c.endpoint == endpoint, *where, _NOT_ENDED, _UNLEASED)
        .values(status=Status.SUPERSEDED, ended_at=now, **({"error": why} if why else {}))
        .returning(deliveries.c.lane, deliveries.c.superseded)
    )
    rows = db.execute(replaced).all()
    lanes.promote_headless(db, {(endpoint, row.lane) for row in rows}, now)
    return rows
