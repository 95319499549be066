"""Events: written once, each with the next number of its system. Functions take a connection."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from daemon.core.model import Event, Fact
from daemon.core.phones import names_phone, subject_key
from daemon.core.rendering import body
from daemon.store import happened
from daemon.store.column_types import millis
from daemon.store.prepared import Prepared
from daemon.store.schema import events, sequences

_RESERVE = Prepared(
    "INSERT INTO sequences (system, last) VALUES (:system, :many)"
    " ON CONFLICT (system) DO UPDATE SET last = sequences.last + :many RETURNING last",
    "system", "many",
)  # fmt: skip
_ADD = Prepared(
    "INSERT INTO events (id, type, system, sequence, subject, timestamp, body)"
    " VALUES (:id, :type, :system, :sequence, :subject, :timestamp, :body)",
    "id", "type", "system", "sequence", "subject", "timestamp", "body",
)  # fmt: skip


@dataclass(frozen=True)
class Query:
    """Which events to read; None and 0 do not narrow."""

    after: int = 0
    """The number of the last event already read."""
    type: str | None = None
    """A type, or a glob such as `sip.*`."""
    system: str | None = None
    limit: int = 100
    subject: str | None = None
    """A subject; one that names a phone stands for every spelling of it."""


def record(
    db: sa.Connection, system: str, facts: Sequence[Fact], now: datetime, new_id: Callable[[str], str]
) -> list[Event]:
    """Write facts as events of a system, with the next sequence numbers and no gap."""
    if not facts:
        return []
    first = _reserve(db, system, len(facts))
    written = [_event(fact, system, first + index, now, new_id("evt")) for index, fact in enumerate(facts)]
    _ADD.run_many(db, [_values(event) for event in written])
    happened.mark(db)
    return written


def read(db: sa.Connection, query: Query) -> list[tuple[int, Event]]:
    """Events with their numbers, oldest first."""
    found = sa.select(events).where(events.c.number > query.after).order_by(events.c.number)
    return [(row.number, _from_row(row)) for row in db.execute(_narrowed(db, found, query))]


def latest(db: sa.Connection, query: Query) -> list[tuple[int, Event]]:
    """The newest events that match (`after` does not count), oldest first."""
    found = sa.select(events).order_by(events.c.number.desc())
    return [(row.number, _from_row(row)) for row in db.execute(_narrowed(db, found, query))][::-1]


def find(db: sa.Connection, event: str) -> tuple[int, Event] | None:
    """One event by its id, with its number."""
    row = db.execute(sa.select(events).where(events.c.id == event)).one_or_none()
    return (row.number, _from_row(row)) if row else None


def last_number(db: sa.Connection) -> int:
    """The number of the newest event; 0 when there is none."""
    return db.scalar(sa.select(sa.func.max(events.c.number))) or 0


def count(db: sa.Connection) -> int:
    """How many events were ever written."""
    return db.scalar(sa.select(sa.func.coalesce(sa.func.sum(sequences.c.last), 0))) or 0


def last_sequences(db: sa.Connection) -> dict[str, int]:
    """How many events were ever written of each system."""
    return {row.system: row.last for row in db.execute(sa.select(sequences))}


def _reserve(db: sa.Connection, system: str, many: int) -> int:
    """The first of `many` numbers that follow the system's last."""
    last: int = _RESERVE.all(db, system, many)[0].last
    return last - many + 1


def _event(fact: Fact, system: str, sequence: int, now: datetime, event: str) -> Event:
    rendered = body.render(fact, event=event, system=system, sequence=sequence, at=now)
    return Event(event, fact.type, system, sequence, fact.subject, now, rendered)


def _values(event: Event) -> tuple[object, ...]:
    """In the order of `_ADD`."""
    return (
        event.id,
        event.type,
        event.system,
        event.sequence,
        event.subject,
        millis(event.timestamp),
        event.body,
    )


def _from_row(row: sa.Row[tuple[object, ...]]) -> Event:
    return Event(**{name: getattr(row, name) for name in Event.__dataclass_fields__})


def glob(column: sa.Column[str], pattern: str) -> sa.ColumnElement[bool]:
    """Whether a column matches a pattern, in which `*` stands for anything."""
    if "*" not in pattern:
        return column == pattern
    return column.like(pattern.replace("_", r"\_").replace("*", "%"), escape="\\")


def is_subject(db: sa.Connection, column: sa.Column[str], subject: str) -> sa.ColumnElement[bool]:
    """Whether a column has this subject, or that of the same phone in another spelling.

    Of the spellings that are stored: there is no end to those that there may be.
    """
    if not names_phone(subject):
        return column == subject
    wanted, kind = subject_key(subject), subject.partition("/")[0] + "/"
    stored = db.scalars(sa.select(column).where(sa.func.substr(column, 1, len(kind)) == kind).distinct())
    return column.in_([one for one in stored if subject_key(one) == wanted])


def _narrowed(
    db: sa.Connection, found: sa.Select[tuple[object, ...]], query: Query
) -> sa.Select[tuple[object, ...]]:
    if query.type is not None:
        found = found.where(glob(events.c.type, query.type))
    if query.system is not None:
        found = found.where(events.c.system == query.system)
    if query.subject is not None:
        found = found.where(is_subject(db, events.c.subject, query.subject))
    return found.limit(query.limit)
