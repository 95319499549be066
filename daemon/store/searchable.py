"""The texts by which events are found, worked out of them in batches after their commit. Functions take a
connection; they never begin nor commit.

`indexed` says of stretches of events, by their numbers, that their texts are in `searchable`, and between
which times they are; all of them together are one stretch. It grows at its upper end with what happens, and
at its lower end through what there was before, the newest first. So no commit of an event waits for its text,
and what a kill leaves undone is gone on with. Who writes here is who has the duty "house"
(`workers/indexer.py`); and whoever deletes an event deletes its text.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from daemon.core.model import Event
from daemon.store import events as event_store
from daemon.store.dialects import POSTGRESQL
from daemon.store.prepared import Prepared
from daemon.store.schema import events, indexed, searchable

STRETCH = 1000
"""Events of one row of `indexed`, about."""
MERGED_PAGES = 64
"""Of SQLite's index, with each batch: one of fifty texts makes some five, and each is merged once at every
level, of which there are seven where there are a million texts."""
_NEWEST = sa.select(sa.func.max(events.c.number))
_OLDEST = sa.select(sa.func.min(events.c.number))
_LOWEST = sa.select(indexed).order_by(indexed.c.first).limit(1)
_HIGHEST = sa.select(indexed).order_by(indexed.c.first.desc()).limit(1)
_ADD = Prepared("INSERT INTO searchable (number, text) VALUES (:number, :text)", "number", "text")
_INDEX = Prepared("INSERT INTO trigrams (rowid, text) VALUES (:number, :text)", "number", "text")
_UNINDEX = Prepared(
    "INSERT INTO trigrams (trigrams, rowid, text) VALUES ('delete', :number, :text)", "number", "text"
)
_MERGE = f"INSERT INTO trigrams (trigrams, rank) VALUES ('merge', {MERGED_PAGES})"  # noqa: S608 - our own words
_CHANGES = "SELECT total_changes()"
_LEAST_CHANGES = 2
"""By which a merge that has done something is known (sqlite.org/fts5.html#the_merge_command)."""


class Span(NamedTuple):
    """Numbers of events, both ends included."""

    low: int
    high: int


class Unindexed(NamedTuple):
    """How many events cannot be found by their text yet, at most."""

    newer: int
    """Than those that can."""
    older: int


def unindexed(db: sa.Connection) -> Unindexed:
    """How far the texts are behind the events."""
    newest, oldest = db.scalar(_NEWEST), db.scalar(_OLDEST)
    if newest is None or oldest is None:
        return Unindexed(0, 0)
    done = span(db)
    if done is None:
        return Unindexed(0, newest - oldest + 1)
    return Unindexed(max(newest - max(done.high, oldest - 1), 0), max(done.low - oldest, 0))


def span(db: sa.Connection) -> Span | None:
    """The events whose texts are there; None: there are none yet."""
    low, high = db.execute(_LOWEST).one_or_none(), db.execute(_HIGHEST).one_or_none()
    return Span(low.first, high.last) if low is not None and high is not None else None


def following(db: sa.Connection, limit: int) -> list[tuple[int, Event]]:
    """The next events of those that came after all whose texts are there, oldest first."""
    done = span(db)
    if done is None:
        return []
    found = sa.select(events).where(events.c.number > done.high)
    return event_store.rows(db, found.order_by(events.c.number).limit(limit))


def preceding(db: sa.Connection, limit: int) -> list[tuple[int, Event]]:
    """The next of those that came before all of them, newest first."""
    done, found = span(db), sa.select(events)
    if done is not None:
        found = found.where(events.c.number < done.low)
    return event_store.rows(db, found.order_by(events.c.number.desc()).limit(limit))


def add(db: sa.Connection, found: Sequence[tuple[int, Event]], texts: Sequence[str]) -> int:
    """Keep the texts of events that `following` or `preceding` gave. Returns how many; none, where somebody
    else has gone on since.

    An event that was forgotten meanwhile has no text any more, and is done with.
    """
    numbers = [number for number, _ in found]
    done, batch = span(db), Span(min(numbers), max(numbers))
    if done is not None and not _is_next(db, done, batch):
        return 0
    kept = set(db.scalars(sa.select(events.c.number).where(events.c.number.in_(numbers))))
    rows = [one for one in zip(numbers, texts, strict=True) if one[0] in kept]
    _ADD.run_many(db, rows)
    if db.dialect.name != POSTGRESQL:
        _INDEX.run_many(db, rows)
        merge(db)
    times = [event.timestamp for _, event in found]
    _note(db, done, batch, min(times), max(times))
    return len(rows)


def forget(db: sa.Connection, numbers: Sequence[int]) -> None:
    """The events with these numbers were deleted: so are their texts."""
    old = sa.select(searchable.c.number, searchable.c.text).where(searchable.c.number.in_(numbers))
    rows = [tuple(row) for row in db.execute(old)]
    if not rows:
        return
    if db.dialect.name != POSTGRESQL:
        _UNINDEX.run_many(db, rows)
    db.execute(sa.delete(searchable).where(searchable.c.number.in_([number for number, _ in rows])))


def forget_left(db: sa.Connection, limit: int) -> int:
    """Delete what is left of events that are not there any more: a release before this one deletes them
    alone. Returns how many texts there were."""
    oldest = db.scalar(_OLDEST)
    if oldest is None:
        return 0
    old = sa.select(searchable.c.number).where(searchable.c.number < oldest)
    left = list(db.scalars(old.order_by(searchable.c.number).limit(limit)))
    forget(db, left)
    db.execute(sa.delete(indexed).where(indexed.c.first < oldest, indexed.c.last < oldest))
    return len(left)


def merge(db: sa.Connection) -> bool:
    """Make one of some of the many small parts of SQLite's index, and not more than others can wait for.
    Returns whether there may be more to do."""
    if db.dialect.name == POSTGRESQL:
        return False  # autovacuum does its own
    before = db.exec_driver_sql(_CHANGES).scalar() or 0
    db.exec_driver_sql(_MERGE)
    return (db.exec_driver_sql(_CHANGES).scalar() or 0) - before >= _LEAST_CHANGES


def _is_next(db: sa.Connection, done: Span, batch: Span) -> bool:
    """Whether nothing stands between what is done and a batch."""
    if batch.low > done.high:
        between = events.c.number > done.high, events.c.number < batch.low
    elif batch.high < done.low:
        between = events.c.number > batch.high, events.c.number < done.low
    else:
        return False
    return db.scalar(sa.select(events.c.number).where(*between).limit(1)) is None


def _note(db: sa.Connection, done: Span | None, batch: Span, earliest: datetime, latest: datetime) -> None:
    """Write down that a batch is done, in the row of the stretch beside it while that is short."""
    is_above = done is not None and batch.low > done.high
    beside = db.execute(_HIGHEST if is_above else _LOWEST).one_or_none()
    new = {"first": batch.low, "last": batch.high, "earliest": earliest, "latest": latest}
    if beside is None or beside.last - beside.first >= STRETCH:
        db.execute(sa.insert(indexed).values(**new))
        return
    both = {
        "first": min(batch.low, beside.first),
        "last": max(batch.high, beside.last),
        "earliest": min(earliest, beside.earliest),
        "latest": max(latest, beside.latest),
    }
    db.execute(sa.update(indexed).where(indexed.c.first == beside.first).values(**both))
