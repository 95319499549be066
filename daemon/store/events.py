"""Events: written once, each with the next number of its system. Functions take a connection."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from daemon.core.model import Event, Fact
from daemon.core.phones import names_phone, subject_key
from daemon.core.rendering import body
from daemon.store import happened
from daemon.store.column_types import millis
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
            (self.type is None or self._is_type(event.type))
            and self.system in (None, event.system)
            and (self.subject is None or self._is_subject(event.subject))
        )

    def _is_type(self, type_: str) -> bool:
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
    found = sa.select(events).where(events.c.number > query.after).order_by(events.c.number)
    return [(row.number, _from_row(row)) for row in db.execute(_narrowed(db, found, query))]


def part(db: sa.Connection, query: Query) -> Part | None:
    """What matches of the next events after `query.after`, without looking at more than a few thousand, nor
    holding more than some bytes; None: of those that came after it, some are forgotten."""
    if query.after < forgotten_up_to(db):
        return None
    after = events.c.number > query.after
    ahead = sa.select(events.c.number, events.c.id).where(after).order_by(events.c.number)
    looked_at = ahead.limit(SCANNED).subquery()
    end = db.execute(sa.select(looked_at).order_by(looked_at.c.number.desc()).limit(1)).one_or_none()
    if end is None:
        return Part((), query.after, None, has_more=False)
    narrowed = sa.select(events).where(after, events.c.number <= end.number).order_by(events.c.number)
    if query.system is not None:
        narrowed = narrowed.where(events.c.system == query.system)
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
    insert = postgresql_insert if db.dialect.name == "postgresql" else sqlite_insert
    statement = insert(forgotten).values(name=events.name, up_to=number)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def latest(db: sa.Connection, query: Query) -> list[tuple[int, Event]]:
    """The newest events that match (`after` does not count), oldest first."""
    found = sa.select(events).order_by(events.c.number.desc())
    return [(row.number, _from_row(row)) for row in db.execute(_narrowed(db, found, query))][::-1]


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


def _from_row(row: sa.Row[tuple[object, ...]]) -> Event:
    return Event(**{name: getattr(row, name) for name in Event.__dataclass_fields__})


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
