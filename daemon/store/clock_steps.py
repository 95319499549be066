"""What a step of the wall clock does to the rows. Functions take a connection; they never begin nor commit.

A time in the store is one of four kinds, and every column of times is named here with its kind:

    live      what lasts yet is measured from it: `now - then` has to mean the same before and after a step
    due       what we computed ourselves and wait for
    given     what a person wrote as a date or an hour: it is never moved
    history   when something was, as it was written down: it is never moved

So a step moves the live and the due, by just as much. Where it could not be seen (nobody ran, and the machine
was started anew) none of them may be further off than it can be: `settle`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa

from daemon.core.commands.command_types import TYPES, Nature
from daemon.core.durations import DAY, NOTHING
from daemon.core.timeline import SLACK, Look, step_between
from daemon.store.column_types import MILLISECOND, UtcTime, millis
from daemon.store.dialects import POSTGRESQL, insert_into
from daemon.store.prepared import Prepared
from daemon.store.schema import (
    acknowledgements,
    alerts,
    attempts,
    callbacks,
    clock,
    commands,
    deliveries,
    digests,
    endpoints,
    holdings,
    incidents,
    kept_endpoints,
    kept_since,
    ledger,
    queue_calls,
    quiet,
    subjects,
    texts,
    watches,
)

Where: TypeAlias = sa.ColumnElement[bool] | sa.TextClause

_FOLLOWED = Prepared("SELECT stepped FROM clock")
# Every lane is; said, so that SQLite takes the index of lanes, and not that of an endpoint with all its past.
_OPEN = sa.text("deliveries.ended_at IS NULL AND deliveries.lane >= ''")
_NOT_OVER = sa.text("NOT is_over")
_IS_QUEUED = sa.text("status = 'queued'")
_EVERY = sa.true()
_IS_FREE = commands.c.type.in_(
    sorted(name for name, known in TYPES.items() if known.nature is not Nature.ONCE)
)
_DATED = ("created_at", "due_at", "again_at", "expires_at")
_IS_OWED = deliveries.c.incident.in_(sa.select(ledger.c.incident).where(_NOT_OVER))
# A literal, so that SQLite sees that the partial index serves.
_MAY_BE_REVIVED = sa.and_(
    sa.text("deliveries.status = 'dead'"),
    deliveries.c.endpoint.in_(
        sa.select(endpoints.c.name).where(endpoints.c.failing_since <= deliveries.c.ended_at)
    ),
)

# Those that a digest has yet to count, or a rate of the last day: they are not before it for a step.
_COUNTED = sa.text(
    "queue_calls.left_at >= (SELECT min(since) FROM"
    " (SELECT max(left_at) - :day AS since FROM queue_calls"
    " UNION ALL SELECT min(until) AS since FROM digests) AS counted)"
).bindparams(sa.bindparam("day", DAY // MILLISECOND, literal_execute=True))

_MADE: tuple[sa.Table, Where, tuple[str, ...]] = (
    deliveries,
    _OPEN,
    ("created_at", "first_started_at"),
)
_TRIED: tuple[sa.Table, Where, tuple[str, ...]] = (
    attempts,
    attempts.c.delivery.in_(sa.select(deliveries.c.id).where(_OPEN)),
    ("started_at",),
)
LIVE: tuple[tuple[sa.Table, Where, tuple[str, ...]], ...] = (
    # Before the endpoints, by which it is found.
    (
        deliveries,
        sa.and_(deliveries.c.ended_at.is_not(None), sa.or_(_IS_OWED, _MAY_BE_REVIVED)),
        ("ended_at",),
    ),
    _MADE,
    _TRIED,
    (endpoints, _EVERY, ("since", "failing_since")),
    (ledger, _NOT_OVER, ("told_at",)),
    (watches, _EVERY, ("observed_at", "polled_at", "failing_since")),
    (subjects, _EVERY, ("since", "seen_at", "known_since")),
    # Before the digests, by which they are found.
    (queue_calls, _COUNTED, ("left_after", "left_at")),
    (digests, _EVERY, ("until",)),
    (kept_since, _EVERY, ("at",)),
    (callbacks, sa.text("callbacks.closed_at IS NULL"), ("since", "last_at")),
    (texts, sa.text("texts.is_live"), ("sent_at",)),
    (alerts, _EVERY, ("last_known", "changed_after", "changed_before", "started_at")),
    (
        incidents,
        sa.text("ended_at IS NULL"),
        ("started_at", "changed_after", "changed_before", "fired_at", "told_at", "paused_at"),
    ),
)
DUE: tuple[tuple[sa.Table, Where, tuple[str, ...]], ...] = (
    (deliveries, _OPEN, ("due_at", "again_at", "leased_until")),
    (endpoints, _EVERY, ("not_before",)),
    (holdings, _EVERY, ("paused_until",)),
    (kept_endpoints, _EVERY, ("overlap_until",)),
    (
        acknowledgements,
        acknowledgements.c.incident.in_(sa.select(incidents.c.id).where(sa.text("ended_at IS NULL"))),
        ("lasts_until",),
    ),
)
EXPIRING = ("deliveries.expires_at",)
"""Due as well; but what expires while nobody sees the step is lost, so it is moved also then."""
OF_COMMANDS = ("commands.due_at", "commands.not_before", "commands.expires_at")
"""Due where we computed them, and given where the caller did."""
SINCE = ("quiet.since",)
"""Live; what happened in it is history, though, and has to stay within it."""
GIVEN = (
    "acknowledgements.until",
    "silences.starts_at",
    "silences.ends_at",
    "recurring_silences.starts_at",
    "recurring_silences.ends_at",
)
HISTORY = (
    "acknowledgements.at",
    "callbacks.closed_at",
    "campaigns.busy_at",
    "campaigns.ended_at",
    "campaigns.seen_at",
    "campaigns.started_at",
    "clock.seen_at",
    "commands.created_at",
    "commands.ended_at",
    "commands.started_at",
    "contacts.changed_at",
    "decisions.at",
    "escalations.at",
    "events.timestamp",
    "expectations.seen_at",
    "feeds.made_at",
    "feeds.moved_at",
    "history.start",
    "holdings.since",
    "in_force.reloaded_at",
    "in_force.since",
    "incidents.ended_at",
    "indexed.earliest",
    "indexed.latest",
    "kept_endpoints.changed_at",
    "kept_endpoints.made_at",
    "members.joined_at",
    "members.read_at",
    "observations.start",
    "observations.until",
    "recurring_silences.created_at",
    "recurring_silences.expired_at",
    "revoked_links.at",
    "silences.created_at",
    "silences.expired_at",
    "subjects.left_at",
    "transitions.at",
)


@dataclass(frozen=True)
class Clock:
    """The wall clock as the daemon last looked at it."""

    stepped: timedelta
    """By how much it was set in all since the store was made, forward and back added up."""
    seen: Look


def load(db: sa.Connection) -> Clock | None:
    """The clock as it was last looked at; None: never."""
    row = db.execute(sa.select(clock)).one_or_none()
    return Clock(row.stepped, Look(row.seen_at, row.elapsed, row.boot)) if row else None


def save(db: sa.Connection, found: Clock) -> None:
    """Remember how the clock stands."""
    seen = found.seen
    values = {"stepped": found.stepped, "seen_at": seen.wall, "elapsed": seen.elapsed, "boot": seen.boot}
    statement = insert_into(clock, db.dialect.name).values(id=1, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def ask(db: sa.Connection) -> tuple[datetime, Clock | None]:
    """What a database's own clock shows, in UTC, and what the store knows of it, in one statement; on
    PostgreSQL."""
    one = sa.select(sa.literal(1).label("one")).subquery()
    shown = sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)).label("shown")
    row = db.execute(sa.select(shown, clock).select_from(one.outerjoin(clock, sa.true()))).one()
    known = None
    if row.stepped is not None:
        known = Clock(row.stepped, Look(row.seen_at, row.elapsed, row.boot))
    return row.shown.astimezone(UTC), known


def look(db: sa.Connection, own: Callable[[], tuple[datetime, timedelta, str]]) -> Look:
    """One look at the clock that the rows are dated by, for who is no daemon on this store: the database's,
    where that has one, beside what has elapsed on this machine."""
    seen = Look(*own())
    return seen._replace(wall=wall(db, lambda: seen.wall))


def wall(db: sa.Connection, own: Callable[[], datetime]) -> datetime:
    """The wall clock that the rows are dated by, in UTC: the database's, where that has one."""
    return ask(db)[0] if db.dialect.name == POSTGRESQL else own()


def followed(db: sa.Connection) -> timedelta:
    """By how much the rows were moved in all; for whoever asks in each transaction."""
    rows = _FOLLOWED.rows(db)
    return timedelta(milliseconds=rows[0][0]) if rows else NOTHING


def stepped(db: sa.Connection, now: Look | None = None) -> timedelta:
    """By how much the clock was set in all, as far as the store knows, or as it looks `now`."""
    found = load(db)
    if found is None:
        return NOTHING
    return found.stepped + (step_between(found.seen, now) if now else NOTHING)


def now(db: sa.Connection, seen: Look) -> datetime:
    """What time it is for whom the rows wait, by a look of another process, whose clock may have been set."""
    found = load(db)
    return seen.wall - (step_between(found.seen, seen) if found else NOTHING)


def shift(db: sa.Connection, step: timedelta, stepped: timedelta) -> None:
    """Move what is live and due along with the clock; `stepped`: in all, this step included."""
    for table, where, columns in (*LIVE, *DUE):
        _move(db, table, where, columns, step)
    _move_the_rest(db, step, stepped)


def shift_unseen(db: sa.Connection, step: timedelta, stepped: timedelta) -> None:
    """The same for a step that nobody saw: what is due may have been written before it or after it, so it
    is only ever moved to an earlier time."""
    for table, where, columns in LIVE if step > NOTHING else (*LIVE, *DUE):
        _move(db, table, where, columns, step)
    _move_the_rest(db, step, stepped)


def settle(db: sa.Connection, now: datetime, longest_wait: Callable[[str], timedelta]) -> None:
    """Let nothing live be later than now, and nothing that we computed further off than it can be.

    `longest_wait`: of an endpoint by its name, before the first attempt or between two.
    """
    at = millis(now)
    for endpoint, created_at, due_at, tried_at, first, last in _open_deliveries(db):
        of_it, most = sa.and_(_OPEN, deliveries.c.endpoint == endpoint), now + longest_wait(endpoint)
        if created_at > now:
            # Made while the clock was ahead: its wait began at that time.
            back = {name: _plus(deliveries.c[name], at - _raw(deliveries.c.created_at)) for name in _DATED}
            db.execute(sa.update(deliveries).where(of_it, deliveries.c.created_at > now).values(back))
        if due_at is not None and due_at > most:
            late = sa.update(deliveries).where(of_it, deliveries.c.due_at > most)
            db.execute(late.values(due_at=most))
        if tried_at is not None and tried_at > now:
            early = sa.update(deliveries).where(of_it, deliveries.c.first_started_at > now)
            db.execute(early.values(first_started_at=now))
        if first is not None:
            _settle_attempts(db, now, first, last)
    blocked = sa.select(endpoints.c.name).where(endpoints.c.not_before > now)
    for endpoint in db.scalars(blocked).all():
        most = now + longest_wait(endpoint)
        is_far_off = sa.and_(endpoints.c.name == endpoint, endpoints.c.not_before > most)
        db.execute(sa.update(endpoints).where(is_far_off).values(not_before=most))
    for table, where, columns in (one for one in LIVE if one not in (_MADE, _TRIED)):  # done above
        is_late = {name: table.c[name] > now for name in columns}
        values = {
            name: sa.case((is_so, sa.literal(now, UtcTime)), else_=table.c[name])
            for name, is_so in is_late.items()
        }
        db.execute(sa.update(table).where(where, sa.or_(*is_late.values())).values(values))
    _move_what_was_accepted_by_another_clock(db)


def settle_pauses(db: sa.Connection, now: datetime, longest: timedelta) -> None:
    """Let no system be left alone for longer than it can be; only who shares the store keeps pauses in it."""
    is_far_off = holdings.c.paused_until > now + longest
    db.execute(sa.update(holdings).where(is_far_off).values(paused_until=now + longest))


def _move_what_was_accepted_by_another_clock(db: sa.Connection) -> None:
    """Of commands: by a clock that was set back, and set right again, before anybody looked."""
    apart = stepped(db) // MILLISECOND - _raw(commands.c.clock)
    other = sa.and_(_IS_QUEUED, _IS_FREE, sa.func.abs(apart) > SLACK // MILLISECOND)
    first = sa.and_(other, commands.c.attempts == 0, commands.c.is_start_given.is_(False))
    for where, names in (
        (first, ("not_before", "due_at")),
        (sa.and_(other, commands.c.is_end_given.is_(False)), ("expires_at",)),
    ):
        moved = {name: _plus(commands.c[name], apart) for name in names}
        db.execute(sa.update(commands).where(where).values(moved))
    db.execute(sa.update(commands).where(other).values(clock=stepped(db)))


def _settle_attempts(db: sa.Connection, now: datetime, first: int, last: int) -> None:
    """Of the open deliveries from `first` to `last`, by their numbers: the others were never tried."""
    # By the index of lanes, and not from one number to the other through all that ended meanwhile.
    number: sa.ColumnElement[int] = sa.literal_column("+deliveries.id")
    tried = sa.select(deliveries.c.id).where(_OPEN, number >= first, number <= last)
    late = sa.update(attempts).where(attempts.c.delivery.in_(tried), attempts.c.started_at > now)
    db.execute(late.values(started_at=now))


def _open_deliveries(db: sa.Connection) -> Sequence[Any]:
    """By endpoint: when the last was made, how late the latest is due, and the last first attempt; the first
    and the last number of those that were tried. In one go through what is open: there may be a hundred
    thousand, and hardly ever is one of them to be moved."""
    times = (deliveries.c.created_at, deliveries.c.due_at, deliveries.c.first_started_at)
    tried = sa.case((deliveries.c.attempts > 0, deliveries.c.id))
    found = (
        sa.select(deliveries.c.endpoint, *map(sa.func.max, times), sa.func.min(tried), sa.func.max(tried))
        .where(_OPEN)
        .group_by(deliveries.c.endpoint)
    )
    return db.execute(found).all()


def _move_the_rest(db: sa.Connection, step: timedelta, stepped: timedelta) -> None:
    _move(db, deliveries, _OPEN, ("expires_at",), step)
    _move(db, quiet, _EVERY, ("since",), min(step, NOTHING))
    # Accepted since the step, by a process that had seen it.
    has_seen = sa.func.abs(_raw(commands.c.clock) - stepped // MILLISECOND) <= SLACK // MILLISECOND
    moving = sa.and_(_IS_QUEUED, sa.func.coalesce(~has_seen, sa.true()))
    again = sa.and_(moving, commands.c.attempts > 0)
    first = sa.and_(moving, commands.c.attempts == 0, _IS_FREE, commands.c.is_start_given.is_(False))
    _move(db, commands, sa.or_(again, first), ("due_at",), step)
    _move(db, commands, first, ("not_before",), step)
    ours = sa.and_(moving, _IS_FREE)
    _move(db, commands, sa.and_(ours, commands.c.is_end_given.is_(False)), ("expires_at",), step)
    db.execute(sa.update(commands).where(ours, commands.c.clock.is_not(None)).values(clock=stepped))


def _move(db: sa.Connection, table: sa.Table, where: Where, columns: Sequence[str], step: timedelta) -> None:
    by = step // MILLISECOND
    db.execute(sa.update(table).where(where).values({name: _plus(table.c[name], by) for name in columns}))


def _plus(column: sa.Column[Any], by: sa.ColumnElement[int] | int) -> sa.ColumnElement[int]:
    return _raw(column) + by


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[int]:
    """The milliseconds that a column holds."""
    return sa.type_coerce(column, sa.BigInteger)
