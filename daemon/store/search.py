"""Events that match, by what they say, when they were, and whom they are about: read in goes, each no larger
than the one before was quick, for as long as whoever asks has time. Functions take a connection.

What is wanted by text is found by the index of trigrams; else by the indexes that `events.ways` knows. Which
numbers have to be looked at for a time, `indexed` says, whose rows have the earliest and the latest of each
stretch of events: so a clock that was set, back or to another year, hides nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from daemon.core.model import Event
from daemon.core.search import SHORTEST, Term, trigrams
from daemon.store import events as event_store
from daemon.store import searchable as texts
from daemon.store.dialects import POSTGRESQL
from daemon.store.events import Query
from daemon.store.schema import events, indexed, searchable
from daemon.store.searchable import Span

FIRST_GO, SMALLEST_GO = 32_768, 1024
"""Numbers of events: of the first go, and of the least. What is often there ends a go long before."""
AT_ONCE, QUICK, SLOW = 0.02, 0.04, 0.1
"""Seconds: after a go that took less, the next is of eight times as many, or of twice; after one that took
more than the last of these, of half."""
WALKS = 8
"""Trigrams that a question of many words asks for, if not one of each."""
FIRST_CANDIDATES, CHECKED = 1024, 128
"""Of a go by trigrams: events that have them all, for where these are few, SQLite looks for them beyond a
bound; and those of which the texts are looked at at once."""
FEW, MANY = 4000, 100_000
"""Events that are found without their text: each of so few is looked at; of so many it is not asked first
whether what is found by its text is one of them."""
WITHIN = 0.2
"""Seconds, for who says nothing else."""
SERVER_WITHIN = "5s"
"""For one go, on a server; one that takes longer fails, as where the server is away."""
_trigrams = sa.table("trigrams", sa.column("rowid", sa.Integer))
_NUMBER = sa.literal_column("+trigrams.rowid", sa.Integer)
_MATCHES = sa.text("trigrams MATCH :match")
_LOW, _HIGH = sa.select(sa.func.min(events.c.number)), sa.select(sa.func.max(events.c.number))


@dataclass(frozen=True)
class Found:
    """Some events in the order that was asked for, and how far that goes."""

    events: Sequence[tuple[int, Event]]
    has_more: bool
    last_id: str | None
    """The event from which to go on, which need not be among them; None: there is nothing behind these."""
    is_cut: bool = False
    """Time was up before there were as many as were asked for."""


@dataclass(frozen=True)
class Patience:
    """For how long something is looked for."""

    monotonic: Callable[[], float]
    seconds: float = WITHIN


def find(
    db: sa.Connection,
    query: Query,
    patience: Patience,
    *,
    terms: Sequence[Term] = (),
    is_newest_first: bool = False,
) -> Found:
    """Events that match, oldest first or newest first; `query.after` is the one before them in that order.
    With `terms`, of those whose texts are there (`searchable.unindexed` says of how many they are not).

    It takes no longer than its patience, and one go more, whatever there is and is asked for.
    """
    if db.dialect.name == POSTGRESQL:
        db.exec_driver_sql(f"SET LOCAL statement_timeout = '{SERVER_WITHIN}'")
    reader = _Reader(db, query, terms, is_newest_first=is_newest_first)
    until = patience.monotonic() + patience.seconds
    found: list[tuple[int, Event]] = []
    spans = _behind(_spans(db, query, has_terms=bool(terms)), query.after, is_newest_first=is_newest_first)
    goes = _Goes(spans, reader.first_go, is_newest_first=is_newest_first)
    while (left := goes.next()) is not None:
        began = patience.monotonic()
        go = reader.read(left, goes.size, query.limit + 1, found)
        if len(found) > query.limit:
            return Found(found[:-1], has_more=True, last_id=found[-2][1].id)
        now = patience.monotonic()
        goes.took(go, now - began)
        if now >= until and not goes.is_over:
            return Found(
                found, has_more=True, last_id=_beside(db, go, is_newest_first=is_newest_first), is_cut=True
            )
    return Found(found, has_more=False, last_id=found[-1][1].id if found else None)


class _Goes:
    """Spans of numbers, a part at a time, in the order in which they are read."""

    def __init__(self, spans: Sequence[Span], size: int, *, is_newest_first: bool) -> None:
        self._left = list(spans) if is_newest_first else list(spans)[::-1]
        self._is_newest_first = is_newest_first
        self.size = size
        """Of the next one, as its reader counts it."""

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return not self._left

    def next(self) -> Span | None:
        """That of which the next part is to be read; None: there is nothing left."""
        return self._left[-1] if self._left else None

    def took(self, go: Span, seconds: float) -> None:
        """What was read of it, and how long that took."""
        low, high = self._left.pop()
        rest = Span(low, go.low - 1) if self._is_newest_first else Span(go.high + 1, high)
        if rest.low <= rest.high:
            self._left.append(rest)
        if seconds < AT_ONCE:
            self.size *= 8
        elif seconds < QUICK:
            self.size *= 2
        elif seconds > SLOW:
            self.size = max(self.size // 2, SMALLEST_GO)


class _Reader:
    """Reads what matches of one go after the other."""

    def __init__(
        self, db: sa.Connection, query: Query, terms: Sequence[Term], *, is_newest_first: bool
    ) -> None:
        self._db = db
        self._query = query
        self._terms = terms
        self._is_newest_first = is_newest_first
        self._subjects = event_store.subjects_of(db, query)
        self._types = event_store.types_of(db, query)
        self._ways = event_store.ways(db, query, self._subjects, self._types)
        self._many = _count(db, self._ways, MANY) if terms else 0
        self._is_by_text = bool(terms) and self._many >= FEW
        self._has_trigrams = self._is_by_text and db.dialect.name != POSTGRESQL
        self.first_go = FIRST_CANDIDATES if self._has_trigrams else FIRST_GO

    def read(self, left: Span, size: int, most: int, found: list[tuple[int, Event]]) -> Span:
        """Add what matches of a go to `found`, until that has so many. Returns the go: what comes first of a
        span, so many numbers of it, or so many events that have all trigrams."""
        if not self._has_trigrams:
            go = self._first(left, left.low + size - 1, left.high - size + 1)
            self._read(go, most, found)
            return go
        candidates = self._candidates(left, size)
        if candidates:
            self._read_of(candidates, most, found)
        return self._first(left, candidates[-1], candidates[-1]) if len(candidates) == size else left

    def _first(self, left: Span, up_to: int, down_to: int) -> Span:
        """What comes first of a span, up to a number, or down to one."""
        if self._is_newest_first:
            return Span(max(left.low, down_to), left.high)
        return Span(left.low, min(left.high, up_to))

    def _read(self, go: Span, most: int, found: list[tuple[int, Event]]) -> None:
        while go.low <= go.high and len(found) < most:
            room = most - len(found)
            rows = self._rows(go, room)
            found += [one for one in rows if self._query.takes(one[1])]
            if len(rows) < room:
                return
            last = rows[-1][0]
            go = Span(go.low, last - 1) if self._is_newest_first else Span(last + 1, go.high)

    def _read_of(self, candidates: Sequence[int], most: int, found: list[tuple[int, Event]]) -> None:
        """The same of these alone, in their order."""
        for first in range(0, len(candidates), CHECKED):
            of_these = events.c.number.in_(candidates[first : first + CHECKED])
            wanted = sa.select(events).where(of_these, *self._filters(), *self._said())
            rows = event_store.rows(self._db, wanted.order_by(self._ordered(events.c.number)))
            found += [one for one in rows if self._query.takes(one[1])]
            if len(found) >= most:
                del found[most:]
                return

    def _rows(self, go: Span, room: int) -> list[tuple[int, Event]]:
        rows = [
            row
            for statement in ([self._by_text(go, room)] if self._is_by_text else self._by_ways(go, room))
            for row in event_store.rows(self._db, statement)
        ]
        return sorted(rows, key=lambda row: row[0], reverse=self._is_newest_first)[:room]

    def _by_ways(self, go: Span, room: int) -> Iterator[sa.Select[Any]]:
        for where, column in self._ways:
            within = self._bounds(column, go)
            narrowed = event_store.narrowed(self._db, self._query)
            found = sa.select(events).where(*where, *within, *narrowed, *self._said())
            yield found.order_by(self._ordered(column)).limit(room)

    def _said(self) -> list[sa.ColumnElement[bool]]:
        """That the text of an event has what is looked for."""
        if not self._terms:
            return []
        its = sa.select(searchable.c.number).where(searchable.c.number == events.c.number, *self._has())
        return [its.exists()]

    def _bounds(self, column: sa.Column[Any], go: Span) -> list[sa.ColumnElement[bool]]:
        """A go, by the column along which it is read."""
        if column is events.c.number:
            return [column >= go.low, column <= go.high]
        system = self._query.system or ""
        first, behind = (event_store.first_after(self._db, system, one) for one in (go.low - 1, go.high))
        return [column >= first, column < behind]

    def _by_text(self, go: Span, room: int) -> sa.Select[Any]:
        place = searchable.c.number
        found = sa.select(events).join(searchable, events.c.number == place)
        found = found.where(*self._has(), *self._filters(), place >= go.low, place <= go.high)
        return found.order_by(self._ordered(place)).limit(room)

    def _has(self) -> Iterator[sa.ColumnElement[bool]]:
        """That a text has each of the terms."""
        text, is_on_server = searchable.c.text, self._db.dialect.name == POSTGRESQL
        for term in self._terms:
            each = (
                text.contains(one) if is_on_server else sa.func.instr(text, one) > 0 for one in term.needles
            )
            yield sa.or_(*each)

    def _filters(self) -> list[sa.ColumnElement[bool]]:
        """What `ways` goes by, to be looked at in what is found by its text."""
        query, wanted = self._query, event_store.narrowed(self._db, self._query)
        if query.system is not None:
            wanted.append(events.c.system.concat("") == query.system)
        if self._types is not None:
            wanted.append(events.c.type.concat("").in_(self._types))
        if self._subjects is not None:
            wanted.append(events.c.subject.concat("").in_(self._subjects))
        return wanted

    def _candidates(self, left: Span, many: int) -> list[int]:
        """The next events that have all trigrams, and may match. What is asked for besides is asked here, by
        what its index has of numbers: a row for each event with a word that everybody says takes too long."""
        place = _trigrams.c.rowid
        found = sa.select(place).where(_MATCHES.bindparams(match=_match(self._terms)), *self._among())
        found = found.where(place >= left.low, place <= left.high)
        return list(self._db.scalars(found.order_by(self._ordered(place)).limit(many)))

    def _among(self) -> Iterator[sa.ColumnElement[bool]]:
        """That it is one of those that `ways` finds. Not by asking for each of these alone, as SQLite would:
        a question for one number costs FTS5 as much as one for thousands."""
        if self._many < MANY:
            each = (sa.select(events.c.number).where(where[0]) for where, _ in self._ways)
            yield sa.or_(sa.false(), *map(_NUMBER.in_, each))

    def _ordered(self, column: sa.Column[Any] | sa.ColumnClause[Any]) -> sa.ColumnElement[Any]:
        return column.desc() if self._is_newest_first else column.asc()


def _count(db: sa.Connection, ways: Sequence[event_store.Way], most: int) -> int:
    """How many events are found by these, by what comes first in each, which is what its index has; no more
    than are asked for."""
    found = 0
    for where, _ in ways:
        if not where:
            return most
        some = sa.select(events.c.number).where(where[0]).limit(most - found).subquery()
        found += db.scalar(sa.select(sa.func.count()).select_from(some)) or 0
        if found >= most:
            break
    return found


def _match(terms: Sequence[Term]) -> str:
    """A question of FTS5 (sqlite.org/fts5.html#full_text_query_syntax) that finds what has all terms, and
    more than that; needles are letters, digits and blanks alone.

    Each trigram costs a walk, so of many words not all are asked for: one of each word first; then those that
    are short, for which there are two, and frequent ones; then more of what has more.
    """
    each = [[trigrams(needle) for needle in term.needles] for term in terms]
    steps = (
        (depth, len(term.needles[0].strip()) < SHORTEST, place)
        for place, term in enumerate(terms)
        for depth in range(1, max(map(len, each[place])) + 1)
    )
    depths: dict[int, int] = {}
    walks = 0
    for depth, is_short, place in sorted(steps):
        more = sum(len(one) >= depth for one in each[place])
        if not depths or (depth == 1 and not is_short) or walks + more <= WALKS:
            depths[place] = depth
            walks += more
    return " AND ".join(_one_of(each[place], depth) for place, depth in depths.items())


def _one_of(needles: Sequence[Sequence[str]], depth: int) -> str:
    """One of these, by so many trigrams of it."""
    each = (" AND ".join(f'"{part}"' for part in one[:depth]) for one in needles)
    return f"({' OR '.join(f'({one})' for one in each)})"


def _spans(db: sa.Connection, query: Query, *, has_terms: bool) -> list[Span]:
    """The numbers among which to look, in their order."""
    low, high = db.scalar(_LOW), db.scalar(_HIGH)
    if low is None or high is None:
        return []
    whole, done = Span(low, high), texts.span(db)
    if has_terms:
        spans = [done] if done is not None else []
    elif query.since is None and query.until is None:
        return [whole]
    else:
        spans = [whole] if done is None else [Span(whole.low, done.low - 1), Span(done.high + 1, whole.high)]
    if done is not None and not (query.since is None and query.until is None):
        stretches = _stretches(db, query)
        spans = stretches if has_terms else [spans[0], *stretches, spans[1]]
    within = (Span(max(one.low, whole.low), min(one.high, whole.high)) for one in spans)
    return [one for one in within if one.low <= one.high]


def _behind(spans: Sequence[Span], after: int, *, is_newest_first: bool) -> list[Span]:
    """What of these comes after an event, in the order in which they are read; 0: all."""
    if not after:
        return list(spans)
    if is_newest_first:
        cut = (Span(one.low, min(one.high, after - 1)) for one in spans)
    else:
        cut = (Span(max(one.low, after + 1), one.high) for one in spans)
    return [one for one in cut if one.low <= one.high]


def _stretches(db: sa.Connection, query: Query) -> list[Span]:
    """Those that may have an event of the time that is asked for; neighbours are one."""
    found = sa.select(indexed.c.first, indexed.c.last)
    if query.since is not None:
        found = found.where(indexed.c.latest >= query.since)
    if query.until is not None:
        found = found.where(indexed.c.earliest < query.until)
    joined: list[Span] = []
    behind = None
    for low, high in db.execute(found.order_by(indexed.c.first)):
        if joined and low == behind:
            joined[-1] = Span(joined[-1].low, high)
        else:
            joined.append(Span(low, high))
        behind = high + 1
    return joined


def _beside(db: sa.Connection, go: Span, *, is_newest_first: bool) -> str | None:
    """The event next to the end of a go, in it or before it, so that nothing behind it was looked at."""
    number = events.c.number
    if is_newest_first:
        near = sa.select(events.c.id).where(number >= go.low).order_by(number).limit(1)
    else:
        near = sa.select(events.c.id).where(number <= go.high).order_by(number.desc()).limit(1)
    return db.scalar(near)
