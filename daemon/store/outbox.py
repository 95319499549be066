"""Deliveries and attempts: added with their events, claimed under a lease, finished, promoted.

Functions take a connection. Who goes before whom is the matter of `lanes.py`.

What is done for each delivery is written as prepared statements; the rest as SQLAlchemy's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

import sqlalchemy as sa

from daemon.core.delivery.outcome import OPEN, Attempted, Message, Next, Outcome, Phases, Status
from daemon.core.routing.plan import Planned
from daemon.store import happened, lanes, withdrawals
from daemon.store.column_types import EPOCH, MILLISECOND, millis
from daemon.store.dialects import taken_once
from daemon.store.happened import Topic
from daemon.store.prepared import Prepared
from daemon.store.schema import deliveries, events

_Where = sa.ColumnElement[bool] | sa.TextClause
_IS_LEASED = sa.text("deliveries.status = 'leased'")

MOST_BEHIND = 32
"""Ours. Of one lane, claimed behind one that is to be sent first; a lease lasts until each had its time."""
LARGEST_PHASE = 2**31 - 1
"""Microseconds: what an INTEGER of PostgreSQL's holds."""
KEPT_AS = {Status.UNKNOWN: Status.DELIVERED}
"""What has a word of its own for people only; here it is told by the error beside it."""
EXPIRED = "expired"
"""The `error` of a delivery that was not worth telling any more."""

_ADD = Prepared(
    "INSERT INTO deliveries (event, endpoint, lane, status, created_at, due_at, attempts, incident, urgency,"
    " superseded, expires_at, token, leased_until) VALUES ((SELECT number FROM events WHERE id = :event),"
    " :endpoint, :lane, :status, :created_at, :due_at, :attempts, :incident, :urgency, :superseded,"
    " :expires_at, :token, :leased_until)",
    "event", "endpoint", "lane", "status", "created_at", "due_at", "attempts", "incident", "urgency",
    "superseded", "expires_at", "token", "leased_until",
)  # fmt: skip
_SET_LEASED = (
    "UPDATE deliveries SET status = 'leased', token = :token, leased_until = :until, attempts = attempts + 1"
)
_DUE = (
    "SELECT id FROM deliveries WHERE endpoint = :endpoint AND status = 'pending' AND due_at <= :due"
    " ORDER BY due_at, id LIMIT :limit"
)
_FIRST_COME = "FOR UPDATE SKIP LOCKED"
_LEASE = Prepared(
    _SET_LEASED + f" WHERE id IN ({_DUE}) RETURNING id",
    "token", "until", "endpoint", "due", "limit",
    on_postgresql=_SET_LEASED + taken_once(_DUE, _FIRST_COME, "pending") + " RETURNING id",
)  # fmt: skip
_BEHIND = (
    "SELECT next.id FROM deliveries AS head JOIN deliveries AS next"
    " ON next.id IN (SELECT id FROM deliveries WHERE endpoint = head.endpoint AND lane = head.lane"
    " AND status = 'waiting' ORDER BY id LIMIT :share)"
    " WHERE head.status = 'leased' AND head.token = :token AND head.failures = 0"
    " AND (head.expires_at IS NULL OR head.expires_at > :due)"
    " AND NOT EXISTS (SELECT 1 FROM deliveries AS older WHERE older.endpoint = next.endpoint"
    " AND older.lane = next.lane AND older.status = 'waiting' AND older.id <= next.id"
    " AND older.due_at > :due) ORDER BY next.id LIMIT :room"
)
_BEHIND_EACH = (
    "SELECT next.id FROM deliveries AS head CROSS JOIN LATERAL"
    " (SELECT id, bool_and(due_at <= :due) OVER (ORDER BY id) AS is_free FROM"
    " (SELECT id, due_at FROM deliveries WHERE endpoint = head.endpoint AND lane = head.lane"
    " AND status = 'waiting' ORDER BY id LIMIT :share) AS oldest) AS behind"
    " JOIN deliveries AS next ON next.id = behind.id"
    " WHERE head.status = 'leased' AND head.token = :token AND head.failures = 0"
    " AND (head.expires_at IS NULL OR head.expires_at > :due) AND behind.is_free"
    " ORDER BY next.id LIMIT :room"
)
"""The same in PostgreSQL's words: it would look through all deliveries for each head."""
_LEASE_BEHIND = Prepared(
    _SET_LEASED + f" WHERE id IN ({_BEHIND})",
    "token", "until", "share", "due", "room",
    # None is passed over, or the next of its lane would go before it.
    on_postgresql=_SET_LEASED + taken_once(_BEHIND_EACH, "FOR UPDATE OF next", "waiting"),
)  # fmt: skip
"""What waits in the lanes of what was just leased, as far as it is due and nothing is before it that is not.
Whatever is cut off is the youngest, so nobody in a lane goes without those before."""
_DUE_AND_URGENT = (
    "SELECT id FROM deliveries WHERE endpoint = :endpoint AND status = 'pending' AND urgency IS NOT NULL"
    " AND urgency <= :least AND due_at <= :due ORDER BY due_at, id LIMIT :limit"
)
_LEASE_URGENT = Prepared(
    _SET_LEASED + f" WHERE id IN ({_DUE_AND_URGENT}) RETURNING id",
    "token", "until", "endpoint", "due", "limit", "least",
    on_postgresql=_SET_LEASED + taken_once(_DUE_AND_URGENT, _FIRST_COME, "pending") + " RETURNING id",
)  # fmt: skip
_NEXT_DUE = Prepared(
    "SELECT due_at FROM deliveries WHERE endpoint = :endpoint AND status = 'pending' ORDER BY due_at LIMIT 1",
    "endpoint",
)
_NEXT_URGENT = Prepared(
    "SELECT due_at FROM deliveries WHERE endpoint = :endpoint AND status = 'pending'"
    " AND urgency IS NOT NULL AND urgency <= :least ORDER BY due_at LIMIT 1",
    "endpoint", "least",
)  # fmt: skip
_LEASED = Prepared(
    "SELECT d.id, d.lane, e.id AS event, e.type, e.body, d.attempts, d.failures, d.superseded, d.due_at,"
    " d.expires_at, d.again_at, e.names FROM deliveries AS d JOIN events AS e ON e.number = d.event"
    " WHERE d.status = 'leased' AND d.token = :token ORDER BY d.due_at, d.id",
    "token",
)
_TOKENS = tuple(f"token_{number}" for number in range(8))
_HELD = Prepared(
    "SELECT id, token FROM deliveries WHERE status = 'leased' AND token IN "  # noqa: S608 - our own words
    f"({', '.join(f':{name}' for name in _TOKENS)})",
    *_TOKENS,
)
"""What is leased under any of so many tokens."""
_DELIVERED = (
    "UPDATE deliveries SET status = 'delivered', ended_at = :now, error = NULL, token = NULL,"
    " leased_until = NULL"
)
_SET_DELIVERED = Prepared(
    _DELIVERED + " WHERE id = :id",
    "now", "id",
)  # fmt: skip
_SET_DELIVERED_AT_FIRST = Prepared(
    _DELIVERED + ", first_started_at = :started_at, first_resolved = :resolved,"
    " first_connected = :connected, first_secured = :secured, first_answered = :answered,"
    " first_total = :total, first_http_status = :http_status, first_address = :address,"
    " first_response_head = :response_head WHERE id = :id",
    "now", "started_at", "resolved", "connected", "secured", "answered", "total", "http_status", "address",
    "response_head", "id",
)  # fmt: skip
"""With the attempt, which is nearly every one that there is: one row is written for it, not two. No number is
given twice, so that nothing is ever written over it, whatever is opened again."""
_SET_RESULT = Prepared(
    "UPDATE deliveries SET status = :status, due_at = coalesce(:due_at, due_at), ended_at = :ended_at,"
    " failures = failures + :counts, error = :error, token = NULL, leased_until = NULL, again_at = NULL"
    " WHERE id = :id",
    "status", "due_at", "ended_at", "counts", "error", "id",
)  # fmt: skip
_SET_EXPIRED = Prepared(
    "UPDATE deliveries SET status = 'dead', ended_at = :now, error = :error, attempts = attempts - 1,"
    " token = NULL, leased_until = NULL WHERE id = :id",
    "now", "error", "id",
)  # fmt: skip
_RELEASE = Prepared(
    "UPDATE deliveries SET status = 'pending', token = NULL, leased_until = NULL, attempts = attempts - 1"
    " WHERE id = :id AND token = :token AND status = 'leased'",
    "id", "token",
)  # fmt: skip
_PROLONG = Prepared(
    "UPDATE deliveries SET leased_until = :until WHERE status = 'leased' AND token = :token"
    " AND leased_until < :until",
    "until", "token",
)  # fmt: skip
_RELEASE_BEHIND = Prepared(
    "UPDATE deliveries SET status = 'waiting', token = NULL, leased_until = NULL, attempts = attempts - 1"
    " WHERE id = :id AND token = :token AND status = 'leased'",
    "id", "token",
)  # fmt: skip
_ADD_ATTEMPT = Prepared(
    "INSERT INTO attempts (delivery, number, started_at, resolved, connected, secured, answered, total,"
    " outcome, http_status, error, response_head, address) VALUES (:delivery, :number, :started_at,"
    " :resolved, :connected, :secured, :answered, :total, :outcome, :http_status, :error, :response_head,"
    " :address)",
    "delivery", "number", "started_at", "resolved", "connected", "secured", "answered", "total",
    "outcome", "http_status", "error", "response_head", "address",
)  # fmt: skip
_LEASE_ONE = Prepared(
    _SET_LEASED + " WHERE event = (SELECT number FROM events WHERE id = :event)"  # noqa: S608 - our own words
    " AND endpoint = :endpoint AND status = 'pending'",
    "token", "until", "event", "endpoint",
)  # fmt: skip


class Finished(NamedTuple):
    """One attempt, and what follows it. A tuple: tens of thousands are made each second."""

    attempted: Attempted
    then: Next
    frees_lane: bool = True
    """Whether what waits behind it may go now."""

    @property
    def has_failed(self) -> bool:
        """Whether it did not arrive."""
        return self.then.status is not Status.DELIVERED

    @property
    def is_lost(self) -> bool:
        """Whether it surely did not arrive."""
        return self.has_failed and self.then.status is not Status.UNKNOWN

    @property
    def has_arrived_at_first(self) -> bool:
        """Whether the attempt is kept in the delivery's own row."""
        tried = self.attempted
        is_taken = tried.outcome is Outcome.ACCEPTED and tried.error is None
        return is_taken and tried.message.attempt == 1 and self.then.status is Status.DELIVERED


@dataclass(frozen=True)
class Lease:
    """What a claim is made under."""

    token: str
    """One that was never used before."""
    at: datetime
    until: datetime
    attempt: timedelta = timedelta(0)
    """What one may take: by so much longer lasts a lease for each that is claimed behind another."""


@dataclass(frozen=True)
class Opening:
    """How many of an endpoint's new deliveries may be sent at once, and the lease that they have."""

    lease: Lease
    room: int


@dataclass(frozen=True)
class Claimed:
    """What a claim leased, oldest first, and what it found too late to be told."""

    messages: list[Message]
    expired: list[Message]
    behind: list[Message] = field(default_factory=list)
    """Each to be sent once the one before it in its lane was accepted; else to be given back."""

    def __len__(self) -> int:
        return len(self.messages) + len(self.expired)


NO_OPENINGS: Mapping[str, Opening] = MappingProxyType({})


def add(
    db: sa.Connection,
    planned: Sequence[Planned],
    now: datetime,
    *,
    due_at: datetime | None = None,
    openings: Mapping[str, Opening] = NO_OPENINGS,
) -> list[Message]:
    """Add one delivery for each plan of an event that is written, due at `due_at` (None: after its wait).

    Where there is an opening for its endpoint, what is due and first in its lane is leased at once: these
    messages are returned, and whoever commits has to see to it that they are sent.
    """
    if not planned:
        return []
    stands_for = [withdrawals.outdate(db, one, now) for one in planned]
    busy = lanes.busy(db, planned)
    room = {endpoint: opening.room for endpoint, opening in openings.items()}
    rows = []
    for one, superseded in zip(planned, stands_for, strict=True):
        lane, due = (one.endpoint, one.lane), due_at or now + one.wait
        status, lease = Status.WAITING if lane in busy else Status.PENDING, None
        if status is Status.PENDING and due <= now and room.get(one.endpoint, 0) > 0:
            room[one.endpoint] -= 1
            status, lease = Status.LEASED, openings[one.endpoint].lease
        rows.append(
            (
                one.event.id,
                one.endpoint,
                one.lane,
                status.value,
                millis(now),
                millis(due),
                int(lease is not None),
                one.incident,
                one.urgency,
                superseded,
                millis(now + one.expires) if one.expires else None,
                lease and lease.token,
                lease and millis(lease.until),
            )
        )
        busy.add(lane)
    _ADD.run_many(db, rows)
    if any(row[-1] is None for row in rows):  # else whoever commits sends them all
        happened.mark(db, Topic.DELIVERIES)
    leased = [_leased(db, one, openings[one].lease) for one in openings if room[one] < openings[one].room]
    return [message for one in leased for message in (*one.messages, *one.expired)]


def receivers(db: sa.Connection, event: str) -> set[str]:
    """The endpoints that an event, by its id, was to be sent to."""
    of_it = sa.select(deliveries.c.endpoint).join(events, events.c.number == deliveries.c.event)
    return set(db.scalars(of_it.where(events.c.id == event)))


def claim(
    db: sa.Connection,
    endpoint: str,
    limit: int,
    lease: Lease,
    *,
    least: int | None = None,
    is_trial: bool = False,
    behind: int = 0,
) -> Claimed:
    """Lease an endpoint's due deliveries, oldest first, at most `limit` of them; in a quiet window only
    those of an urgency up to `least`, and for a trial also what is not due yet.

    `behind`: so many more at most of what is due behind these in their lanes.
    """
    at, token = millis(lease.at), lease.token
    values = (token, millis(lease.until), endpoint, _FAR_OFF if is_trial else at, limit)
    found = _LEASE.rows(db, *values) if least is None else _LEASE_URGENT.rows(db, *values, least)
    if not found:
        return Claimed([], [])
    heads = {number for (number,) in found}
    if behind > 0:
        _lease_behind(db, len(heads), behind, lease)
    claimed = _leased(db, endpoint, lease)
    if claimed.expired:
        _SET_EXPIRED.run_many(db, [(at, EXPIRED, one.delivery) for one in claimed.expired])
        gone = [one for one in claimed.expired if one.delivery in heads]
        lanes.PROMOTE.run_many(db, [(at, endpoint, one.lane) for one in gone])
    if len(claimed) == len(heads):
        return claimed
    return Claimed(
        [one for one in claimed.messages if one.delivery in heads],
        claimed.expired,
        sorted(one for one in claimed.messages if one.delivery not in heads),
    )


def held_back(db: sa.Connection, endpoint: str, now: datetime, *, least: int, most: int) -> int:
    """How many due deliveries of an endpoint a quiet window holds back that lets pass what is of an urgency
    up to `least`; counted to `most`."""
    passes = sa.and_(deliveries.c.urgency.is_not(None), deliveries.c.urgency <= least)
    due = sa.and_(
        deliveries.c.endpoint == endpoint, sa.text("status = 'pending'"), deliveries.c.due_at <= now
    )
    found = sa.select(deliveries.c.id).where(due, ~passes).limit(most).subquery()
    return int(db.scalar(sa.select(sa.func.count()).select_from(found)) or 0)


def next_due(db: sa.Connection, endpoint: str, *, least: int | None = None) -> datetime | None:
    """When an endpoint's next pending delivery is due, in a quiet window its next one of an urgency up
    to `least`; None when there is none."""
    values = (endpoint,) if least is None else (endpoint, least)
    found = (_NEXT_DUE if least is None else _NEXT_URGENT).all(db, *values)
    return EPOCH + found[0].due_at * MILLISECOND if found else None


def finish(db: sa.Connection, finished: Sequence[Finished], now: datetime) -> list[Finished]:
    """Store results and promote what waited behind them. Returns those whose lease was lost."""
    held = _held(db, {one.attempted.message.token for one in finished})
    at, at_first = millis(now), []
    lost: list[Finished] = []
    others: list[Finished] = []
    freed: list[Message] = []
    for one in finished:
        message = one.attempted.message
        if (message.delivery, message.token) not in held:
            lost.append(one)
            continue
        if one.has_arrived_at_first:
            at_first.append(_at_first(one.attempted, at))
        else:
            others.append(one)
        if one.frees_lane:
            freed.append(message)
    _SET_DELIVERED_AT_FIRST.run_many(db, at_first)
    _finish_others(db, others, at)
    lanes.PROMOTE.run_many(db, [(at, one.endpoint, one.lane) for one in freed if not one.failures])
    # Under best effort, what has failed before made way at that time; others may lead the lane now.
    lanes.PROMOTE_UNLESS_LED.run_many(db, [(at, one.endpoint, one.lane) for one in freed if one.failures])
    return lost


def release_all(db: sa.Connection, of: Collection[str] | None = None) -> int:
    """Give back every lease of these endpoints (None: of all): nobody else can hold one when a daemon begins
    with them."""
    return _release(db, *_of(of))


def release_expired(db: sa.Connection, now: datetime, of: Collection[str] | None = None) -> int:
    """Give back leases of these endpoints that ran out: their results, if they ever come, are dropped."""
    return _release(db, deliveries.c.leased_until < now, *_of(of))


def prolong(db: sa.Connection, by: timedelta, of: Collection[str] | None = None) -> None:
    """Let every lease of these endpoints last longer."""
    later = sa.type_coerce(deliveries.c.leased_until, sa.BigInteger) + by // MILLISECOND
    db.execute(sa.update(deliveries).where(_IS_LEASED, *_of(of)).values(leased_until=later))


def release(db: sa.Connection, messages: Iterable[Message], behind: Iterable[Message] = ()) -> None:
    """Give back leases of messages that were not sent, and the attempts with them; `behind` are those that
    wait for others of their lane."""
    _RELEASE_BEHIND.run_many(db, [(message.delivery, message.token) for message in behind])
    _RELEASE.run_many(db, [(message.delivery, message.token) for message in messages])


def release_unsent(db: sa.Connection, tokens: Iterable[str]) -> None:
    """The same of all that was claimed under these leases."""
    for token in tokens:
        _release(db, deliveries.c.token == token, attempts=deliveries.c.attempts - 1)


def lease_one(db: sa.Connection, event: str, endpoint: str, lease: Lease) -> Message:
    """Lease the pending delivery of an event (by its id) for an endpoint, out of turn."""
    _LEASE_ONE.run(db, lease.token, millis(lease.until), event, endpoint)
    ((number, lane, name, kind, body, attempt, *_, names),) = _LEASED.rows(db, lease.token)
    return Message(number, lease.token, endpoint, lane, name, kind, body, attempt, names=names)


def _lease_behind(db: sa.Connection, heads: int, room: int, lease: Lease) -> None:
    """Lease what is due behind these heads, in each of their lanes its share of so many."""
    share = min(-(-room // heads), MOST_BEHIND)
    until = millis(lease.until + share * lease.attempt)
    if _LEASE_BEHIND.run(db, lease.token, until, share, millis(lease.at), room):
        _PROLONG.run(db, until, lease.token)


def _leased(db: sa.Connection, endpoint: str, lease: Lease) -> Claimed:
    """What was just leased for an endpoint."""
    at, token = millis(lease.at), lease.token
    messages: list[Message] = []
    expired: list[Message] = []
    for row in _LEASED.rows(db, token):
        number, lane, event, kind, body, attempt, failures, stands_for, due_at, expires_at, again, names = row
        is_early = due_at > at or (again is not None and again > at)
        again_at = EPOCH + again * MILLISECOND if is_early and again is not None else None
        sent = (number, token, endpoint, lane, event, kind, body, attempt, failures, stands_for)
        message = Message(*sent, is_early, again_at, names)
        (messages if expires_at is None or expires_at > at else expired).append(message)
    return Claimed(messages, expired)


def _finish_others(db: sa.Connection, finished: Sequence[Finished], at: int) -> None:
    """The same of those whose attempt is a row of its own."""
    delivered = [one.attempted.message.delivery for one in finished if not one.has_failed]
    _SET_DELIVERED.run_many(db, [(at, number) for number in delivered])
    _SET_RESULT.run_many(db, [_result(one, at) for one in finished if one.has_failed])
    _ADD_ATTEMPT.run_many(db, [_attempt(one.attempted) for one in finished])


def _held(db: sa.Connection, tokens: Collection[str]) -> set[tuple[int, str]]:
    """What is leased under these, with its token."""
    held: set[tuple[int, str]] = set()
    left = sorted(tokens)
    while left:
        some, left = left[: len(_TOKENS)], left[len(_TOKENS) :]
        some += some[-1:] * (len(_TOKENS) - len(some))
        held.update(_HELD.rows(db, *some))
    return held


def _of(endpoints: Collection[str] | None) -> list[_Where]:
    # Not by the index of endpoints, which has all their past: few are leased.
    return [] if endpoints is None else [deliveries.c.endpoint.concat("").in_(sorted(endpoints))]


def _release(db: sa.Connection, *where: _Where, **values: sa.ColumnElement[int]) -> int:
    """Give back leases; of several of one lane the oldest leads again, and the others wait behind it."""
    older = deliveries.alias("older")
    is_behind = sa.select(older.c.id).where(
        older.c.endpoint == deliveries.c.endpoint,
        older.c.lane == deliveries.c.lane,
        older.c.ended_at.is_(None),
        older.c.id < deliveries.c.id,
        older.c.status == Status.LEASED,
        older.c.failures == 0,
    )
    leased = sa.update(deliveries).where(_IS_LEASED, *where).values(token=None, leased_until=None, **values)
    behind = leased.where(deliveries.c.failures == 0, is_behind.exists()).values(status=Status.WAITING)
    return sum(db.execute(one).rowcount for one in (behind, leased.values(status=Status.PENDING)))


def _result(one: Finished, at: int) -> tuple[object, ...]:
    then = one.then
    return (
        KEPT_AS.get(then.status, then.status).value,
        None if then.due_at is None else millis(then.due_at),
        None if then.status in OPEN else at,
        int(then.counts),
        one.attempted.why,
        one.attempted.message.delivery,
    )


def _bounded(phases: Phases) -> Phases:
    """As the columns hold them: but for the whole, which may last as long as the process was stopped."""
    if phases.total <= LARGEST_PHASE:
        return phases
    return Phases._make([*(min(one, LARGEST_PHASE) for one in phases[:-1]), phases.total])


def _at_first(attempted: Attempted, at: int) -> tuple[object, ...]:
    return (
        at,
        millis(attempted.started_at),
        *_bounded(attempted.phases),
        attempted.http_status,
        attempted.address,
        attempted.response_head,
        attempted.message.delivery,
    )


def _attempt(attempted: Attempted) -> tuple[object, ...]:
    return (
        attempted.message.delivery,
        attempted.message.attempt,
        millis(attempted.started_at),
        *_bounded(attempted.phases),
        attempted.outcome.value,
        attempted.http_status,
        attempted.error,
        attempted.response_head,
        attempted.address,
    )


_FAR_OFF = 2**62
"""Later than any time, in milliseconds."""
