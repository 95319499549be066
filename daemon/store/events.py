"""Events: written once, each with the next number of its system. Functions take a connection."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

import sqlalchemy as sa

from daemon.core.model import Event, Fact
from daemon.core.phones import names_phone, subject_key
from daemon.core.rendering import body
from daemon.store import happened, spellings
from daemon.store.column_types import millis
from daemon.store.dialects import has_bytes, insert_into
from daemon.store.happened import Topic
from daemon.store.prepared import Prepared
from daemon.store.schema import events, forgotten, sequences

START = "evt_0"
"""Stands, as the one to go on from, for what is before the first event."""
SCANNED = 4000
"""Events that `part` looks at in one go."""
TAKEN = 1 << 18
"""Bytes of bodies after which a part ends."""
_RESERVE = Prepared(
    "INSERT INTO sequences (system, last) VALUES (:system, :many)"
    " ON CONFLICT (system) DO UPDATE SET last = sequences.last + :many RETURNING last",
    "system", "many",
)  # fmt: skip
_ADD = Prepared(
    "INSERT INTO events (id, type, system, sequence, subject, timestamp, body, names)"
    " VALUES (:id, :type, :system, :sequence, :subject, :timestamp, :body, :names)",
    "id", "type", "system", "sequence", "subject", "timestamp", "body", "names",
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
    among: tuple[str, ...] | None = None
    """One of these subjects, each as `subject` is meant; (): none is."""
    since: datetime | None = None
    until: datetime | None = None
    """From the one on, and before the other, by when they were observed. For `store/search.find` alone."""
    incident: str | None = None
    """Of the events of one incident. As those above."""

    def takes(self, event: Event) -> bool:
        """Whether an event matches, as the store would say (`after` and `limit` do not count)."""
        return (
            self.takes_type(event.type)
            and self.system in (None, event.system)
            and (self.subject is None or _is_same(event.subject, self.subject, self._phone))
            and (self.among is None or self._is_among(event.subject))
            and (self.since is None or event.timestamp >= self.since)
            and (self.until is None or event.timestamp < self.until)
            and (self.incident is None or names_incident(self.incident) in event.body)
        )

    def takes_type(self, type_: str) -> bool:
        """Whether events of a type match, as far as that goes."""
        if self.type is None:
            return True
        pattern = self._pattern
        return type_ == self.type if pattern is None else pattern.fullmatch(type_) is not None

    def _is_among(self, subject: str) -> bool:
        return any(_is_same(subject, one, phone) for one, phone in self._phones_among.items())

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if self.type is None or "*" not in self.type:
            return None
        parts = map(re.escape, self.type.split("*"))
        return re.compile(".*".join(parts), re.ASCII | re.IGNORECASE | re.DOTALL)

    @cached_property
    def _phone(self) -> tuple[str, str] | None:
        return None if self.subject is None else _phone_of(self.subject)

    @cached_property
    def _phones_among(self) -> dict[str, tuple[str, str] | None]:
        return {one: _phone_of(one) for one in self.among or ()}


def _phone_of(subject: str) -> tuple[str, str] | None:
    """Of a subject that names a phone: its kind, and what it is compared by."""
    return (subject.partition("/")[0] + "/", subject_key(subject)) if names_phone(subject) else None


def _is_same(subject: str, wanted: str, phone: tuple[str, str] | None) -> bool:
    if subject == wanted or phone is None:
        return subject == wanted
    return subject.startswith(phone[0]) and subject_key(subject) == phone[1]


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
    db: sa.Connection,
    system: str,
    facts: Sequence[Fact],
    now: datetime,
    new_id: Callable[[str], str],
    *,
    names: Callable[[Fact], str | None] = lambda _fact: None,
) -> list[Event]:
    """Write facts as events of a system, with the next sequence numbers and no gap; with each the `names` of
    those that it tells of, as JSON.

    Who writes them does so alone (`Database.write`), on a server, too: so their numbers are committed in
    order, and who reads on from one has missed none below it. Raises `BesideError` where that is not so.
    """
    if not facts:
        return []
    first = _reserve(db, system, len(facts))
    written = [_event(fact, system, first + index, now, new_id("evt")) for index, fact in enumerate(facts)]
    _ADD.run_many(db, [(*_values(event), names(fact)) for event, fact in zip(written, facts, strict=True)])
    happened.mark(db, Topic.EVENTS)
    happened.prove(db, written[-1].id)
    return written


def read(db: sa.Connection, query: Query) -> list[tuple[int, Event]]:
    """Events with their numbers, oldest first."""
    rows = [
        row
        for where, column in ways(db, query, subjects_of(db, query), types_of(db, query))
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
    return None if query.after < forgotten_up_to(db) else kept_part(db, query)


def kept_part(db: sa.Connection, query: Query, takes: Callable[[Event], bool] = lambda _event: True) -> Part:
    """The same of those that are kept, whatever is forgotten; of these, what `takes` says yes to."""
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
        if query.takes(event) and takes(event):
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
        for where, column in ways(db, query, subjects_of(db, query), types_of(db, query))
        for row in db.execute(sa.select(events).where(*where).order_by(column.desc()).limit(query.limit))
    ]
    newest = sorted(rows, key=_number, reverse=True)[: query.limit]
    return [(row.number, _from_row(row)) for row in newest][::-1]


def rows(db: sa.Connection, found: sa.Select[Any]) -> list[tuple[int, Event]]:
    """Events with their numbers, as a question for all columns of the table gives them."""
    return [(row[0], _from_row(row)) for row in db.execute(found)]


def names_incident(incident: str) -> bytes:
    """What stands in the body of an event of an incident, and in no other."""
    return b'"incident":' + json.dumps(incident).encode()


def narrowed(db: sa.Connection, query: Query) -> list[sa.ColumnElement[bool]]:
    """What of a query has no index: it is looked at in what was found by the rest."""
    found: list[sa.ColumnElement[bool]] = []
    if query.since is not None:
        found.append(events.c.timestamp >= query.since)
    if query.until is not None:
        found.append(events.c.timestamp < query.until)
    if query.incident is not None:
        found.append(has_bytes(events.c.body, names_incident(query.incident), db.dialect.name))
    return found


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
    return int(db.scalar(sa.select(sa.func.coalesce(sa.func.sum(sequences.c.last), 0))) or 0)


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
    """In the order of `_ADD`, without the names."""
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
    _, name, system, sequence, type_, subject, timestamp, text, *_ = row
    return Event(name, type_, system, sequence, subject, timestamp, text)


def glob(column: sa.ColumnElement[str], pattern: str) -> sa.ColumnElement[bool]:
    """Whether a column matches a pattern, in which `*` stands for anything."""
    if "*" not in pattern:
        return column == pattern
    literal = re.sub(r"([\\%_])", r"\\\1", pattern)
    return column.ilike(literal.replace("*", "%"), escape="\\")


Way: TypeAlias = tuple[list[sa.ColumnElement[bool]], sa.Column[Any]]
"""Which events to read, by an index that has them in the order of this column: which is that of numbers."""


def subjects_of(db: sa.Connection, query: Query) -> list[str] | None:
    """The subjects that a query asks for, as they are spelled in the store; None: it asks for none."""
    if query.among is None and query.subject is None:
        return None
    named = query.among if query.among is not None else (query.subject or "",)
    return list(dict.fromkeys(one for each in named for one in _spelled(db, each)))


def _spelled(db: sa.Connection, subject: str) -> list[str]:
    return spellings.of_events(db, subject) if names_phone(subject) else [subject]


def types_of(db: sa.Connection, query: Query) -> list[str] | None:
    """The types that a query asks for, as far as there are events of them; None: it asks for none."""
    return None if query.type is None else _types(db, query)


def ways(
    db: sa.Connection, query: Query, subjects: Sequence[str] | None, types: Sequence[str] | None
) -> list[Way]:
    """Questions that together find what is asked for, each of them by walking along an index from one end of
    it; so that none costs the more, the more there is that nobody asked for. `subjects`, `types`: what
    `subjects_of` and `types_of` give; of `subject` and `among` the latter counts: whether an event is of both
    says `Query.takes`."""
    # Not by the indexes of these, which have everybody else's, too.
    of_system = [] if query.system is None else [events.c.system.concat("") == query.system]
    of_types = [] if types is None else [events.c.type.concat("").in_(types)]
    if subjects is not None:
        return [([events.c.subject == one, *of_system, *of_types], events.c.number) for one in subjects]
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
    return [column >= first_after(db, query.system or "", query.after)]


def first_after(db: sa.Connection, system: str, number: int) -> int:
    """The sequence of a system from which on its events have a higher number than this."""
    return int(db.scalar(_FIRST_AFTER, {"system": system, "after": number}) or 0)


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
