"""Who is to be called back, and how those left who waited in queues. Functions take a connection.

`callbacks` has a line for each phone of a system that is to be called back, and keeps those that are over for
a while. `queue_calls` has one for each caller who left a queue, for some days: what settles it later finds it
there, and the figures of a day are counted from it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from daemon.core.missed import Callback, Figures
from daemon.core.model import Known
from daemon.core.watches.outcomes import Outcome
from daemon.store.schema import callbacks, queue_calls, watches

_IS_OPEN = sa.text("callbacks.closed_at IS NULL")
_IS_CLOSED = sa.text("callbacks.closed_at IS NOT NULL")
_IS_UNTOLD = sa.text("NOT callbacks.is_told")
_MAY_BE_LOGGED = sa.text("queue_calls.is_open")
_IS_HELD = sa.text("queue_calls.many = 0 AND queue_calls.is_open")
AT_ONCE = 500
"""Rows that are looked at in one go."""


@dataclass(frozen=True)
class Call:
    """A caller who left a queue, or several whom nobody saw."""

    system: str
    subject: str
    call_id: str | None
    key: str
    """"": the number is withheld."""
    phone: str
    left_after: datetime
    left_at: datetime
    waited: tuple[int, int] | None
    outcome: Outcome
    many: int = 1
    """0: a row of the log of which it is not known yet whose it is."""
    is_open: bool = True
    number: int = 0


def add(db: sa.Connection, one: Callback) -> None:
    """List somebody."""
    db.execute(sa.insert(callbacks).values(**_row(one), is_told=True))


def again(db: sa.Connection, one: Callback) -> None:
    """Write down a further call of somebody who is listed."""
    db.execute(sa.update(callbacks).where(callbacks.c.id == one.id, _IS_OPEN).values(**_row(one)))


def open_of(db: sa.Connection, system: str, keys: Collection[str]) -> list[Callback]:
    """Those of these phones who are listed, in the order in which they were."""
    wanted = sorted(keys)
    found = list[Callback]()
    for first in range(0, len(wanted), AT_ONCE):
        some = callbacks.c.key.in_(wanted[first : first + AT_ONCE])
        found += _load(db, sa.select(callbacks).where(callbacks.c.system == system, some, _IS_OPEN))
    return found


def find(db: sa.Connection, callback: str) -> Callback | None:
    """One by its id."""
    found = _load(db, sa.select(callbacks).where(callbacks.c.id == callback))
    return found[0] if found else None


def listed(
    db: sa.Connection, *, system: str | None = None, after: int = 0, limit: int = 100
) -> list[Callback]:
    """Who is to be called back, in the order in which they were listed."""
    found = sa.select(callbacks).where(_IS_OPEN, callbacks.c.number > after)
    if system is not None:
        found = found.where(callbacks.c.system == system)
    return _load(db, found.order_by(callbacks.c.number).limit(limit))


def number_of(db: sa.Connection, callback: str) -> int | None:
    """Where one stands in the order of the list, by its id; None: there is none."""
    return db.scalar(sa.select(callbacks.c.number).where(callbacks.c.id == callback))


def open_of_any(db: sa.Connection, key: str) -> list[Callback]:
    """Those of a phone who are listed, of whatever system."""
    return _load(db, sa.select(callbacks).where(callbacks.c.key == key, _IS_OPEN))


def how_many(db: sa.Connection, system: str) -> int:
    """How many of a system are to be called back."""
    return int(
        db.scalar(
            sa.select(sa.func.count()).select_from(callbacks).where(callbacks.c.system == system, _IS_OPEN)
        )
        or 0
    )


def close(
    db: sa.Connection,
    one: Callback,
    *,
    is_told: bool,
) -> bool:
    """Write that it is over, as it says; False: it was over already, and stands as it was."""
    values = {
        "closed_at": one.closed_at,
        "done": one.done,
        "closed_by": one.closed_by,
        "note": one.note,
        "is_told": is_told,
    }
    written = sa.update(callbacks).where(callbacks.c.id == one.id, _IS_OPEN).values(**values)
    return bool(db.execute(written).rowcount)


def untold(db: sa.Connection) -> list[Callback]:
    """Those that are over, and nobody was told yet."""
    return _load(db, sa.select(callbacks).where(_IS_UNTOLD).order_by(callbacks.c.number).limit(AT_ONCE))


def told(db: sa.Connection, one: Callback) -> None:
    """Write that its event is written."""
    db.execute(sa.update(callbacks).where(callbacks.c.id == one.id).values(is_told=True))


def expired(db: sa.Connection, before: datetime) -> list[Callback]:
    """Those whose last call is no later than a time, some of them."""
    found = sa.select(callbacks).where(_IS_OPEN, callbacks.c.last_at <= before)
    return _load(db, found.order_by(callbacks.c.last_at).limit(AT_ONCE))


def requested(db: sa.Connection, system: str, requests: Collection[str]) -> list[Callback]:
    """Those who are listed for these requests of the platform's lists."""
    wanted, found = sorted(requests), list[Callback]()
    for first in range(0, len(wanted), AT_ONCE):
        some = callbacks.c.request.in_(wanted[first : first + AT_ONCE])
        found += _load(db, sa.select(callbacks).where(callbacks.c.system == system, some, _IS_OPEN))
    return found


def put(db: sa.Connection, call: Call) -> int:
    """Keep how somebody left; the `number` of it."""
    written = sa.insert(queue_calls).values(**_of_call(call)).returning(queue_calls.c.number)
    return int(db.execute(written).scalar_one())


def by_ids(db: sa.Connection, system: str, ids: Collection[str]) -> list[Call]:
    """Of these calls, those which the log may have yet."""
    wanted, found = sorted(ids), list[Call]()
    for first in range(0, len(wanted), AT_ONCE):
        some = queue_calls.c.call_id.in_(wanted[first : first + AT_ONCE])
        found += _calls(
            db, sa.select(queue_calls).where(queue_calls.c.system == system, some, _MAY_BE_LOGGED)
        )
    return found


def settle(
    db: sa.Connection, call: Call, outcome: Outcome, waited: tuple[int, int] | None, *, is_open: bool
) -> None:
    """Write how a caller left, after all."""
    least, most = (None, None) if waited is None else waited
    values = {
        "call_id": call.call_id,
        "outcome": outcome,
        "waited_least": least,
        "waited_most": most,
        "is_open": is_open,
    }
    db.execute(sa.update(queue_calls).where(queue_calls.c.number == call.number).values(**values))


def open_calls(db: sa.Connection, system: str, key: str) -> list[Call]:
    """The calls of one phone which the log may have yet, oldest first; "": of withheld numbers."""
    found = sa.select(queue_calls).where(
        queue_calls.c.system == system, queue_calls.c.key == key, _MAY_BE_LOGGED
    )
    return _calls(db, found.order_by(queue_calls.c.number))


def was_answered_since(db: sa.Connection, system: str, key: str, since: datetime) -> bool:
    """Whether a phone was answered in any queue of a system after a time."""
    found = sa.select(queue_calls.c.number).where(
        queue_calls.c.system == system,
        queue_calls.c.key == key,
        queue_calls.c.left_at > since,
        queue_calls.c.outcome == Outcome.ANSWERED,
        queue_calls.c.many > 0,
    )
    return db.execute(found.limit(1)).first() is not None


def held(db: sa.Connection, before: datetime, *, seen_since: datetime, late: datetime) -> list[Call]:
    """Rows of the log that wait to be told whose they are, of calls that left before a time; some of them.
    Of a queue that was not seen since `seen_since`, only those of calls that left before `late`."""
    was_not_seen = sa.exists().where(
        watches.c.system == queue_calls.c.system,
        watches.c.name == queue_calls.c.subject,
        watches.c.observed_at < seen_since,
    )
    found = sa.select(queue_calls).where(
        _IS_HELD,
        queue_calls.c.left_at < before,
        sa.or_(queue_calls.c.left_at < late, sa.not_(was_not_seen)),
    )
    return _calls(db, found.order_by(queue_calls.c.left_at).limit(AT_ONCE))


def close_held(db: sa.Connection, row: Call, *, many: int) -> None:
    """Such a row waits no more; `many`: 1 where it is of a call of its own."""
    written = sa.update(queue_calls).where(queue_calls.c.number == row.number)
    db.execute(written.values(many=many, is_open=False))


def forget_unseen(db: sa.Connection, system: str, subject: str, until: datetime) -> None:
    """What was counted and not seen, up to a time until which the log tells every call."""
    db.execute(
        sa.delete(queue_calls).where(
            queue_calls.c.system == system,
            queue_calls.c.subject == subject,
            queue_calls.c.left_at <= until,
            queue_calls.c.outcome == Outcome.UNSEEN,
        )
    )


def take_off_unseen(
    db: sa.Connection, queue: tuple[str, str], since: datetime, until: datetime, many: int
) -> None:
    """Of those who were counted and not seen in a queue (its system and subject), between two times or for
    longer, so many are known by now."""
    found = sa.select(queue_calls.c.number, queue_calls.c.many).where(
        queue_calls.c.system == queue[0],
        queue_calls.c.subject == queue[1],
        queue_calls.c.left_at >= since,
        queue_calls.c.left_after <= until,
        queue_calls.c.outcome == Outcome.UNSEEN,
    )
    for row in db.execute(found.order_by(queue_calls.c.left_at).limit(many)).all():
        one = queue_calls.c.number == row.number
        if row.many <= many:
            db.execute(sa.delete(queue_calls).where(one))
        else:
            db.execute(sa.update(queue_calls).where(one).values(many=row.many - many))
        many -= min(many, row.many)


def of_day(db: sa.Connection, system: str, since: datetime, until: datetime) -> dict[str, Figures]:
    """What became of the callers of each queue (by its subject) who left from one time on and before another;
    for as long back as it is kept: `core.missed.KEPT`."""
    found = _figures(db, since, until, queue_calls.c.system == system)
    return {subject: figures for (_, subject), figures in found.items()}


def of_all(db: sa.Connection, since: datetime, until: datetime) -> dict[tuple[str, str], Figures]:
    """The same of the queues of all systems, by system and subject."""
    return _figures(db, since, until)


def _figures(
    db: sa.Connection, since: datetime, until: datetime, *of: sa.ColumnElement[bool]
) -> dict[tuple[str, str], Figures]:
    is_withheld = sa.and_(queue_calls.c.key == "", queue_calls.c.outcome == Outcome.ABANDONED)
    counted = (
        sa.select(
            queue_calls.c.system,
            queue_calls.c.subject,
            queue_calls.c.outcome,
            sa.func.sum(queue_calls.c.many).label("many"),
            sa.func.max(queue_calls.c.waited_least).label("longest"),
            sa.func.sum(sa.case((is_withheld, 1), else_=0)).label("withheld"),
        )
        .where(*of, queue_calls.c.left_at >= since, queue_calls.c.left_at < until)
        .group_by(queue_calls.c.system, queue_calls.c.subject, queue_calls.c.outcome)
    )
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in db.execute(counted):
        one = found.setdefault((row.system, row.subject), {"withheld": 0, "longest_wait_seconds": None})
        one[row.outcome.value] = int(row.many)
        one["withheld"] += int(row.withheld)
        waits = [each for each in (one["longest_wait_seconds"], row.longest) if each is not None]
        one["longest_wait_seconds"] = max(waits, default=None)
    return {queue: Figures(**one) for queue, one in found.items()}


def known(
    db: sa.Connection,
    queue: tuple[str, str],
    *,
    hour: datetime,
    day: datetime,
    logged: datetime,
    until: datetime,
) -> Known:
    """What became of those who left a queue (its system and subject) before a time: how many since `hour`,
    how long they waited since `day`, and whether the log told of any since `logged`. Those whom nobody saw
    and counters alone tell of are none of them, nor rows of which it is not known yet whose they are."""
    system, subject = queue
    at, outcome, is_one = queue_calls.c.left_at, queue_calls.c.outcome, queue_calls.c.many > 0
    is_of_log = sa.or_(queue_calls.c.call_id.is_(None), sa.not_(queue_calls.c.is_open))
    is_certain = sa.and_(outcome.in_((Outcome.ANSWERED, Outcome.ABANDONED)), is_one)

    def many(*those: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(is_one, *those), 1), else_=0)), 0)

    row = db.execute(
        sa.select(
            many(outcome == Outcome.ANSWERED, at > hour).label("answered"),
            many(outcome == Outcome.ABANDONED, at > hour).label("abandoned"),
            many(is_certain, is_of_log, at > logged).label("logged"),
            sa.func.max(sa.case((at >= day, queue_calls.c.waited_least))).label("longest"),
        ).where(
            queue_calls.c.system == system,
            queue_calls.c.subject == subject,
            at > min(hour, day, logged),
            at <= until,
        )
    ).one()
    return Known(int(row.answered), int(row.abandoned), row.longest, row.logged > 0)


def prune(db: sa.Connection, *, calls: datetime, open_before: datetime, closed: datetime | None) -> bool:
    """Forget who left before `calls`, and whoever was done with before `closed` (None: nobody); the log
    settles no call that ended before `open_before`. A part of them; whether there may be more."""
    late = sa.and_(queue_calls.c.left_at < open_before, _MAY_BE_LOGGED)
    done = [
        db.execute(sa.delete(queue_calls).where(_some(queue_calls, queue_calls.c.left_at < calls))),
        db.execute(sa.update(queue_calls).where(_some(queue_calls, late)).values(is_open=False)),
    ]
    if closed is not None:
        old = sa.and_(_IS_CLOSED, callbacks.c.closed_at < closed, callbacks.c.is_told)
        done.append(db.execute(sa.delete(callbacks).where(_some(callbacks, old))))
    return any(one.rowcount for one in done)


def _some(table: sa.Table, where: Any) -> sa.ColumnElement[bool]:
    return table.c.number.in_(sa.select(table.c.number).where(where).limit(AT_ONCE))


def _row(one: Callback) -> dict[str, Any]:
    least, most = (None, None) if one.waited is None else one.waited
    return {
        "id": one.id,
        "system": one.system,
        "key": one.key,
        "phone": one.phone,
        "subject": one.subject,
        "path": one.path,
        "name": one.name,
        "source": one.source,
        "calls": one.calls,
        "since": one.since,
        "last_at": one.last_at,
        "waited_least": least,
        "waited_most": most,
        "request": one.request,
    }


def _load(db: sa.Connection, found: sa.Select[Any]) -> list[Callback]:
    return [_callback(row) for row in sorted(db.execute(found), key=lambda row: row.number)]


def _callback(row: Any) -> Callback:
    return Callback(
        id=row.id,
        system=row.system,
        key=row.key,
        phone=row.phone,
        subject=row.subject,
        path=row.path,
        name=row.name,
        source=row.source,
        calls=row.calls,
        since=row.since,
        last_at=row.last_at,
        waited=_waited(row),
        request=row.request,
        closed_at=row.closed_at,
        done=row.done,
        closed_by=row.closed_by,
        note=row.note,
    )


def _of_call(call: Call) -> dict[str, Any]:
    least, most = (None, None) if call.waited is None else call.waited
    return {
        "system": call.system,
        "subject": call.subject,
        "call_id": call.call_id,
        "key": call.key,
        "phone": call.phone,
        "left_after": call.left_after,
        "left_at": call.left_at,
        "waited_least": least,
        "waited_most": most,
        "outcome": call.outcome,
        "many": call.many,
        "is_open": call.is_open,
    }


def _calls(db: sa.Connection, found: sa.Select[Any]) -> list[Call]:
    return [
        Call(
            row.system,
            row.subject,
            row.call_id,
            row.key,
            row.phone,
            row.left_after,
            row.left_at,
            _waited(row),
            row.outcome,
            row.many,
            row.is_open,
            row.number,
        )
        for row in db.execute(found)
    ]


def _waited(row: Any) -> tuple[int, int] | None:
    return None if row.waited_least is None else (row.waited_least, row.waited_most)
