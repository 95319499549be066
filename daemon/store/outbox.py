"""Deliveries and attempts: added with their events, claimed under a lease, finished, promoted.

Functions take a connection. A lane is the deliveries of one endpoint and one subject; only its head may
be pending or leased, the others wait. So a backlog behind one failing delivery is in nobody's way: it is
not even in the index of what is due.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from daemon.core.delivery import OPEN, Attempted, Message, Next, Status
from daemon.core.routing import Planned
from daemon.store.schema import attempts, deliveries, events

# Literal, so that SQLite sees that the partial index serves.
_PENDING = sa.text("status = 'pending'")
_URGENT = sa.text("status = 'pending' AND urgency IS NOT NULL")
_OPEN = sa.text("status IN ('waiting', 'pending', 'leased')")

_SET_RESULT = (
    sa.update(deliveries)
    .where(deliveries.c.id == sa.bindparam("of_delivery", type_=sa.BigInteger))
    .values(
        status=sa.bindparam("then_status", type_=deliveries.c.status.type),
        due_at=sa.func.coalesce(
            sa.bindparam("then_due_at", type_=deliveries.c.due_at.type), deliveries.c.due_at
        ),
        ended_at=sa.bindparam("then_ended_at", type_=deliveries.c.ended_at.type),
        token=None,
        leased_until=None,
    )
)


@dataclass(frozen=True)
class Finished:
    """One attempt, and what follows it."""

    attempted: Attempted
    then: Next


def add(db: sa.Connection, planned: Sequence[Planned], numbers: Mapping[str, int], now: datetime) -> None:
    """Add one delivery for each plan; `numbers` are the events' numbers by id."""
    if not planned:
        return
    busy = _open_lanes(db, {(one.endpoint, one.lane) for one in planned})
    rows = []
    for one in planned:
        lane = (one.endpoint, one.lane)
        rows.append(
            {
                "event": numbers[one.event.id],
                "endpoint": one.endpoint,
                "lane": one.lane,
                "status": Status.WAITING if lane in busy else Status.PENDING,
                "created_at": now,
                "due_at": now,
                "attempts": 0,
                "incident": one.incident,
                "urgency": one.urgency,
            }
        )
        busy.add(lane)
    db.execute(sa.insert(deliveries), rows)


def supersede(db: sa.Connection, endpoint: str, incident: str, now: datetime) -> int:
    """End an endpoint's deliveries of an incident that are not under way. Returns how many there were."""
    replaced = (
        sa.update(deliveries)
        .where(
            deliveries.c.incident == incident,
            deliveries.c.endpoint == endpoint,
            sa.text("status IN ('waiting', 'pending')"),
        )
        .values(status=Status.SUPERSEDED, ended_at=now)
        .returning(deliveries.c.lane)
    )
    lanes = list(db.scalars(replaced))
    headless = {lane for lane in lanes if not _has_head(db, endpoint, lane)}
    if headless:
        _promote(db, endpoint, headless, now)
    return len(lanes)


def claim(
    db: sa.Connection,
    endpoint: str,
    limit: int,
    *,
    now: datetime,
    until: datetime,
    token: str,
    least: int | None = None,
) -> list[Message]:
    """Lease an endpoint's due deliveries, oldest first, at most `limit` of them, until `until`; in a quiet
    window only those of an urgency up to `least`."""
    due = (
        sa.select(deliveries.c.id)
        .where(deliveries.c.endpoint == endpoint, deliveries.c.due_at <= now, *_passing(least))
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(limit)
    )
    ids = sorted(db.scalars(due))
    if not ids:
        return []
    db.execute(
        sa.update(deliveries)
        .where(deliveries.c.id.in_(ids))
        .values(status=Status.LEASED, token=token, leased_until=until, attempts=deliveries.c.attempts + 1)
    )
    return _messages(db, ids)


def next_due(db: sa.Connection, endpoint: str, *, least: int | None = None) -> datetime | None:
    """When an endpoint's next pending delivery is due, in a quiet window its next one of an urgency up
    to `least`; None when there is none."""
    return db.scalar(
        sa.select(deliveries.c.due_at)
        .where(deliveries.c.endpoint == endpoint, *_passing(least))
        .order_by(deliveries.c.due_at)
        .limit(1)
    )


def finish(db: sa.Connection, finished: Sequence[Finished], now: datetime) -> list[Finished]:
    """Store results and promote what waited behind them. Returns those whose lease was lost."""
    held = _tokens(db, [one.attempted.message.delivery for one in finished])
    kept: list[Finished] = []
    lost: list[Finished] = []
    for one in finished:
        message = one.attempted.message
        (kept if held.get(message.delivery) == message.token else lost).append(one)
    if kept:
        db.execute(_SET_RESULT, [_result(one, now) for one in kept])
        db.execute(sa.insert(attempts), [_attempt(one.attempted) for one in kept])
    ended: dict[str, set[str]] = {}
    for one in kept:
        if one.then.status not in OPEN:
            ended.setdefault(one.attempted.message.endpoint, set()).add(one.attempted.message.lane)
    for endpoint, lanes in ended.items():
        _promote(db, endpoint, lanes, now)
    return lost


def release_all(db: sa.Connection) -> int:
    """Give back every lease: nobody else can hold one when the one daemon of a database starts."""
    return db.execute(
        sa.update(deliveries)
        .where(sa.text("status = 'leased'"))
        .values(status=Status.PENDING, token=None, leased_until=None)
    ).rowcount


def release(db: sa.Connection, messages: Iterable[Message]) -> None:
    """Give back leases of messages that were not sent, and the attempts with them."""
    for message in messages:
        db.execute(
            sa.update(deliveries)
            .where(deliveries.c.id == message.delivery, deliveries.c.token == message.token)
            .values(status=Status.PENDING, token=None, leased_until=None, attempts=deliveries.c.attempts - 1)
        )


def _passing(least: int | None) -> list[sa.ColumnElement[bool] | sa.TextClause]:
    """What is pending, and passes a quiet window; None: there is none."""
    return [_PENDING] if least is None else [_URGENT, deliveries.c.urgency <= least]


def _open_lanes(db: sa.Connection, lanes: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the lanes that have a delivery which is not ended."""
    return {
        (endpoint, lane)
        for endpoint, lane in lanes
        if db.scalar(
            sa.select(deliveries.c.id)
            .where(deliveries.c.endpoint == endpoint, deliveries.c.lane == lane, _OPEN)
            .limit(1)
        )
    }


def _has_head(db: sa.Connection, endpoint: str, lane: str) -> bool:
    """Whether a lane has a delivery that is due or under way, so that the others have to wait."""
    found = sa.select(deliveries.c.id).where(
        deliveries.c.endpoint == endpoint,
        deliveries.c.lane == lane,
        _OPEN,
        sa.text("status IN ('pending', 'leased')"),
    )
    return db.scalar(found.limit(1)) is not None


def _tokens(db: sa.Connection, ids: Sequence[int]) -> dict[int, str]:
    """Who holds the lease of each of these deliveries."""
    found = sa.select(deliveries.c.id, deliveries.c.token)
    rows = db.execute(found.where(deliveries.c.id.in_(ids), deliveries.c.status == Status.LEASED))
    return {row.id: row.token for row in rows}


def _promote(db: sa.Connection, endpoint: str, lanes: set[str], now: datetime) -> None:
    """Make the oldest waiting delivery of each of these lanes its head."""
    heads = (
        sa.select(sa.func.min(deliveries.c.id))
        .where(
            deliveries.c.endpoint == endpoint,
            deliveries.c.lane.in_(lanes),
            _OPEN,
            sa.text("status = 'waiting'"),
        )
        .group_by(deliveries.c.lane)
    )
    ids = list(db.scalars(heads))
    if ids:
        promoted = sa.update(deliveries).where(deliveries.c.id.in_(ids))
        db.execute(promoted.values(status=Status.PENDING, due_at=now))


def _messages(db: sa.Connection, ids: Sequence[int]) -> list[Message]:
    rows = db.execute(
        sa.select(deliveries, events.c.id.label("event_id"), events.c.type, events.c.body)
        .join(events, events.c.number == deliveries.c.event)
        .where(deliveries.c.id.in_(ids))
        .order_by(deliveries.c.id)
    )
    return [
        Message(row.id, row.token, row.endpoint, row.lane, row.event_id, row.type, row.body, row.attempts)
        for row in rows
    ]


def _result(one: Finished, now: datetime) -> dict[str, Any]:
    return {
        "of_delivery": one.attempted.message.delivery,
        "then_status": one.then.status,
        "then_due_at": one.then.due_at,
        "then_ended_at": None if one.then.status in OPEN else now,
    }


def _attempt(attempted: Attempted) -> dict[str, Any]:
    return {
        "delivery": attempted.message.delivery,
        "number": attempted.message.attempt,
        "started_at": attempted.started_at,
        "took": attempted.took,
        "outcome": attempted.outcome,
        "http_status": attempted.http_status,
        "error": attempted.error,
        "response_head": attempted.response_head,
    }
