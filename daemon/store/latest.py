"""Events of a type, the newest first: of all, and of one subject. By index, however many there are.

Functions take a connection.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from daemon.core.model import Event
from daemon.core.phones import names_phone
from daemon.store import spellings
from daemon.store.column_types import millis
from daemon.store.schema import events

_MIDDLE = "(SELECT e.timestamp FROM events e WHERE e.number >= (low + high) / 2 ORDER BY e.number LIMIT 1)"
_BY_HALVES = sa.text(
    "WITH RECURSIVE halves (low, high) AS ("  # noqa: S608 - our own words
    " SELECT coalesce((SELECT min(number) FROM events), 0),"
    " coalesce((SELECT max(number) FROM events), 0) + 1 UNION ALL"
    f" SELECT CASE WHEN {_MIDDLE} < :moment THEN (low + high) / 2 + 1 ELSE low END,"
    f" CASE WHEN {_MIDDLE} < :moment THEN high ELSE (low + high) / 2 END FROM halves WHERE low < high)"
    " SELECT max(low) FROM halves"
)


@dataclass(frozen=True)
class Newest:
    """Which events of a type to read, the newest first."""

    type: str
    start: int = 0
    """The first number that counts."""
    end: int | None = None
    """The first that does not count any more; None: all."""
    limit: int = 100


@dataclass(frozen=True)
class Head:
    """An event without its body."""

    number: int
    subject: str
    timestamp: datetime


def heads(db: sa.Connection, wanted: Newest) -> list[Head]:
    """Events of a type without their bodies, the newest first."""
    found = sa.select(events.c.number, events.c.subject, events.c.timestamp).where(
        events.c.type == wanted.type, *_within(wanted)
    )
    return [Head(*row) for row in db.execute(found.order_by(events.c.number.desc()).limit(wanted.limit))]


def newest_of_each(
    db: sa.Connection, type_: str, systems: Collection[str], looked_at: int
) -> tuple[dict[str, Event], datetime | None]:
    """The newest event of a type of each of these systems, among the newest of all; and since when none was
    of a system that is not in there (None: ever)."""
    head = sa.select(events.c.number, events.c.system, events.c.timestamp).where(events.c.type == type_)
    rows = db.execute(head.order_by(events.c.number.desc()).limit(looked_at)).all()
    numbers: dict[str, int] = {}
    for number, system, _ in rows:
        if system in systems:
            numbers.setdefault(system, number)
    found = {event.system: event for _, event in by_number(db, list(numbers.values()))}
    return found, rows[-1].timestamp if len(rows) == looked_at else None


def read(db: sa.Connection, wanted: Newest) -> list[tuple[int, Event]]:
    """Events of a type with their numbers, the newest first."""
    found = sa.select(events).where(events.c.type == wanted.type, *_within(wanted))
    ordered = found.order_by(events.c.number.desc()).limit(wanted.limit)
    return [(row.number, _event(row)) for row in db.execute(ordered)]


def read_of(db: sa.Connection, subject: str, wanted: Newest) -> list[tuple[int, Event]]:
    """The same of one subject; one that names a phone stands for every spelling of it.

    Each spelling is asked for alone: together they would all have to be read, to be sorted.
    """
    spelled = spellings.of_events(db, subject) if names_phone(subject) else [subject]
    found: list[tuple[int, Event]] = []
    for one in spelled:
        # Not by the index of types, which has every other subject's, too.
        is_type = events.c.type.concat("") == wanted.type
        each = sa.select(events).where(events.c.subject == one, is_type, *_within(wanted))
        ordered = each.order_by(events.c.number.desc()).limit(wanted.limit)
        found += [(row.number, _event(row)) for row in db.execute(ordered)]
    return sorted(found, key=lambda one: -one[0])[: wanted.limit]


def _within(wanted: Newest) -> list[sa.ColumnElement[bool]]:
    start = [events.c.number >= wanted.start] if wanted.start else []
    return start if wanted.end is None else [*start, events.c.number < wanted.end]


def by_number(db: sa.Connection, numbers: Sequence[int]) -> list[tuple[int, Event]]:
    """Events by their numbers, in the order in which they are asked for."""
    found = sa.select(events).where(events.c.number.in_(numbers))
    known = {row.number: _event(row) for row in db.execute(found)} if numbers else {}
    return [(number, known[number]) for number in numbers if number in known]


def number_at(db: sa.Connection, moment: datetime) -> int:
    """The number of the first event from a moment on; one more than the last where there is none.

    By halves: there is no index of times. Where the clock was set back, somewhere in between.
    """
    found = db.scalar(_BY_HALVES, {"moment": millis(moment)})
    return int(found or 0)


def _event(row: sa.Row[Any]) -> Event:
    return Event(**{name: getattr(row, name) for name in Event.__dataclass_fields__})
