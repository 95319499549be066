"""Events: written once, each with the next number of its system. Functions take a connection."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa

from daemon.core.model import Event, Fact
from daemon.core.phones import names_phone, subject_key
from daemon.core.rendering import body
from daemon.store import happened
from daemon.store.column_types import millis
from daemon.store.dialects import insert_into
from daemon.store.prepared import Prepared
from daemon.store.schema import events, forgotten, sequences

START = "evt_0"
"""Stands, as the one to go on from, for what is before the first event."""
SCANNED = 4000
"""Events that `part` looks at in one go."""
TAKEN = 1 << 18
"""Bytes of bodies after which a part ends."""
_IN_ORDER = sa.text("SELECT pg_advisory_xact_lock(CAST(:key AS bigint))").bindparams(key=0x79656D6F74)
"""Who writes events on PostgreSQL does so one after the other, as SQLite's writers do: so their numbers are
committed in order, and a reader who goes on from one has missed none below it."""
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


BETWEEN_DIGITS = " \t().-"
"""What may stand between the digits of a phone in ASCII."""
LAST_DIGITS = 7
"""Of a phone: those that each of its spellings has, one after the other."""


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

    def takes(self, event: Event) -> bool:
        """Whether an event matches, as the store would say (`after` and `limit` do not count)."""
        return (
            self.takes_type(event.type)
            and self.system in (None, event.system)
            and (self.subject is None or self._is_subject(event.subject))
        )

    def takes_type(self, type_: str) -> bool:
        """Whether events of a type match, as far as that goes."""
        if self.type is None:
            return True
        pattern = self._pattern
        return type_ == self.type if pattern is None else pattern.fullmatch(type_) is not None

    def _is_subject(self, subject: str) -> bool:
        if subject == self.subject or self._phone is None:
            return subject == self.subject
        kind, key = self._phone
        return subject.startswith(kind) and subject_key(subject) == key

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if self.type is None or "*" not in self.type:
            return None
        parts = map(re.escape, self.type.split("*"))
        return re.compile(".*".join(parts), re.ASCII | re.IGNORECASE | re.DOTALL)

    @cached_property
    def _phone(self) -> tuple[str, str] | None:
        if self.subject is None or not names_phone(self.subject):
            return None
        return self.subject.partition("/")[0] + "/", subject_key(self.subject)


@dataclass(frozen=True)
class Part:
    """Some events in the order of their numbers, and how far that goes."""

    events: Sequence[tuple[int, Event]]
    last: int
    """The number of the last event that was looked at."""
    last_id: str | None
    """None: there was none to look at."""
    has_more: bool
    """There may be more after it by now."""


def record(
    db: sa.Connection, system: str, facts: Sequence[Fact], now: datetime, new_id: Callable[[str], str]
) -> list[Event]:
    """Write facts as events of a system, with the next sequence numbers and no gap."""
    if not facts:
        return []
    if db.dialect.name == "postgresql":
        db.execute(_IN_ORDER)
    first = _reserve(db, system, len(facts))
    written = [_event(fact, system, first + index, now, new_id("evt")) for index, fact in enumerate(facts)]
    _ADD.run_many(db, [_values(event) for event in written])
    happened.mark(db)
    return written


def read(db: sa.Connection, query: Query) -> list[tuple[int, Event]]:
    """Events with their numbers, oldest first."""
    rows = [
        row
        for where, column in _ways(db, query)
        for row in db.execute(
            sa.select(events)
            .where(*where, *_from_after(db, column, query))
            .order_by(column)
            .limit(query.limit)
        )
    ]
    return [(row[0], _from_row(row)) for row in sorted(rows, key=_number)[: query.limit]]


def part(db: sa.Connection, query: Query) -> Part | None:
    """What matches of the next events after `query.after`, without looking at more than a few thousand, nor
    holding more than some bytes; None: of those that came after it, some are forgotten."""
    if query.after < forgotten_up_to(db):
        return None
    after = events.c.number > query.after
    ahead = sa.select(events.c.number).where(after).order_by(events.c.number).limit(SCANNED).subquery()
    furthest = sa.select(sa.func.max(ahead.c.number)).scalar_subquery()
    end = db.execute(sa.select(events.c.number, events.c.id).where(events.c.number == furthest)).one_or_none()
    if end is None:
        return Part((), query.after, None, has_more=False)
    narrowed = sa.select(events).where(after, events.c.number <= end.number).order_by(events.c.number)
    if query.system is not None:
        # Not by the index of systems, which has all that there ever was of it.
        narrowed = narrowed.where(events.c.system.concat("") == query.system)
    if query.type is not None:
        narrowed = narrowed.where(glob(events.c.type, query.type))
    found: list[tuple[int, Event]] = []
    size = 0
    for row in db.execute(narrowed):
        if size >= TAKEN or len(found) >= query.limit:
            return Part(found, found[-1][0], found[-1][1].id, has_more=True)
        event = _from_row(row)
        if query.takes(event):
            found.append((row.number, event))
            size += len(event.body)
    return Part(found, end.number, end.id, has_more=end.number - query.after >= SCANNED)


def forgotten_up_to(db: sa.Connection) -> int:
    """The highest number of an event that was deleted; 0: none was."""
    return db.scalar(sa.select(forgotten.c.up_to).where(forgotten.c.name == events.name)) or 0


def forget(db: sa.Connection, number: int) -> None:
    """An event with this number was deleted, and none with a higher one."""
    values = {"up_to": sa.case((forgotten.c.up_to > number, forgotten.c.up_to), else_=number)}
    statement = insert_into(forgotten, db.dialect.name).values(name=events.name, up_to=number)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def latest(db: sa.Connection, query: Query) -> list[tuple[int, Event]]:
    """The newest events that match (`after` does not count), oldest first."""
    rows = [
        row
        for where, column in _ways(db, query)
        for row in db.execute(sa.select(events).where(*where).order_by(column.desc()).limit(query.limit))
    ]
    newest = sorted(rows, key=_number, reverse=True)[: query.limit]
    return [(row.number, _from_row(row)) for row in newest][::-1]


def find(db: sa.Connection, event: str) -> tuple[int, Event] | None:
    """One event by its id, with its number."""
    row = db.execute(sa.select(events).where(events.c.id == event)).one_or_none()
    return (row.number, _from_row(row)) if row else None


def newest(db: sa.Connection) -> tuple[int, str]:
    """The number and the id of the newest event that is kept; `START` where there is none. The number is that
    of the newest there ever was, where that is known to be forgotten: none came after it."""
    row = db.execute(sa.select(events.c.number, events.c.id).order_by(events.c.number.desc()).limit(1))
    found = row.one_or_none()
    number, id_ = (found.number, found.id) if found else (0, START)
    return max(number, forgotten_up_to(db)), id_


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


def _from_row(row: Sequence[Any]) -> Event:
    """Of all columns, as they stand in the table: by their names a page of a thousand would take twice as
    long."""
    _, name, system, sequence, type_, subject, timestamp, text = row
    return Event(name, type_, system, sequence, subject, timestamp, text)


def glob(column: sa.Column[str], pattern: str) -> sa.ColumnElement[bool]:
    """Whether a column matches a pattern, in which `*` stands for anything."""
    if "*" not in pattern:
        return column == pattern
    literal = re.sub(r"([\\%_])", r"\\\1", pattern)
    return column.ilike(literal.replace("*", "%"), escape="\\")


def is_subject(db: sa.Connection, column: sa.Column[str], subject: str) -> sa.ColumnElement[bool]:
    """Whether a column has this subject, or that of the same phone in another spelling.

    Of the spellings that are stored: there is no end to those that there may be.
    """
    if not names_phone(subject):
        return column == subject
    return column.in_(spellings(db, column, subject))


def spellings(db: sa.Connection, column: sa.Column[str], subject: str) -> list[str]:
    """How the phone that a subject names is spelled in a column that has an index of its own."""
    wanted, kind = subject_key(subject), subject.partition("/")[0] + "/"
    number = wanted.removeprefix(kind).partition("=")[0]
    return [one for one in _each(db, column, kind, number[-LAST_DIGITS:]) if subject_key(one) == wanted]


def _each(db: sa.Connection, column: sa.Column[str], kind: str, digits: str) -> Iterable[str]:
    """The subjects of a kind that can be a phone with these last digits, each once: from one to the next by
    the index, however many rows each has."""
    end = kind[:-1] + chr(ord(kind[-1]) + 1)
    first = sa.select(sa.func.min(column).label("subject")).where(column >= kind, column < end)
    walk = first.cte("each", recursive=True)
    following = sa.select(sa.func.min(column)).where(column > walk.c.subject, column < end).scalar_subquery()
    walk = walk.union_all(sa.select(following).where(walk.c.subject.is_not(None)))
    bare: sa.ColumnElement[str] = walk.c.subject
    for sign in BETWEEN_DIGITS:
        bare = sa.func.replace(bare, sign, "")
    is_not_ascii = sa.func.length(sa.cast(walk.c.subject, sa.LargeBinary)) != sa.func.length(walk.c.subject)
    return db.scalars(sa.select(walk.c.subject).where(bare.contains(digits) | is_not_ascii))


_Way: TypeAlias = tuple[list[sa.ColumnElement[bool]], sa.Column[Any]]
"""Which events to read, by an index that has them in the order of this column: which is that of numbers."""


def _ways(db: sa.Connection, query: Query) -> list[_Way]:
    """Questions that together find what is asked for, each of them by walking along an index from one end of
    it; so that none costs the more, the more there is that nobody asked for."""
    types = None if query.type is None else _types(db, query)
    # Not by the indexes of these, which have everybody else's, too.
    of_system = [] if query.system is None else [events.c.system.concat("") == query.system]
    of_types = [] if types is None else [events.c.type.concat("").in_(types)]
    if query.subject is not None:
        names_a_phone = names_phone(query.subject)
        each = spellings(db, events.c.subject, query.subject) if names_a_phone else [query.subject]
        return [([events.c.subject == one, *of_system, *of_types], events.c.number) for one in each]
    if query.system is not None and (types is None or not _are_rare(db, types)):
        return [([events.c.system == query.system, *of_types], events.c.sequence)]
    if types is not None:
        return [([events.c.type == one, *of_system], events.c.number) for one in types]
    return [([], events.c.number)]


def _from_after(db: sa.Connection, column: sa.Column[Any], query: Query) -> list[sa.ColumnElement[bool]]:
    """Only what came after `query.after`, as a bound of the column by which it is read."""
    if not query.after:
        return []
    if column is events.c.number:
        return [column > query.after]
    first = db.scalar(_FIRST_AFTER, {"system": query.system, "after": query.after})
    return [column >= int(first or 0)]


def _types(db: sa.Connection, query: Query) -> list[str]:
    """The types of events that there are and that are asked for: from one to the next by their index."""
    if query.type is not None and "*" not in query.type:
        return [query.type]
    walk = sa.select(sa.func.min(events.c.type).label("type")).cte("types", recursive=True)
    following = sa.select(sa.func.min(events.c.type)).where(events.c.type > walk.c.type).scalar_subquery()
    walk = walk.union_all(sa.select(following).where(walk.c.type.is_not(None)))
    stored = db.scalars(sa.select(walk.c.type).where(walk.c.type.is_not(None)))
    return [one for one in stored if query.takes_type(one)]


def _are_rare(db: sa.Connection, types: Sequence[str]) -> bool:
    """Whether there are so few events of each type that they may all be looked at."""
    for one in types:
        some = sa.select(events.c.number).where(events.c.type == one).limit(SCANNED).subquery()
        if int(db.scalar(sa.select(sa.func.count()).select_from(some)) or 0) >= SCANNED:
            return False
    return True


def _number(row: sa.Row[Any]) -> int:
    return int(row[0])


_OF_MIDDLE = (
    "(SELECT e.number FROM events e WHERE e.system = :system AND e.sequence >= (low + high) / 2"
    " ORDER BY e.sequence LIMIT 1)"
)
_FIRST_AFTER = sa.text(
    "WITH RECURSIVE halves (low, high) AS ("  # noqa: S608 - our own words
    " SELECT coalesce((SELECT min(sequence) FROM events WHERE system = :system), 0),"
    " coalesce((SELECT max(sequence) FROM events WHERE system = :system), 0) + 1 UNION ALL"
    f" SELECT CASE WHEN {_OF_MIDDLE} <= :after THEN (low + high) / 2 + 1 ELSE low END,"
    f" CASE WHEN {_OF_MIDDLE} <= :after THEN high ELSE (low + high) / 2 END FROM halves WHERE low < high)"
    " SELECT max(low) FROM halves"
)
"""By halves: the sequence of a system from which on its events have a higher number; both grow together."""
