"""A whole database copied into another one, of the same kind or not, and compared with it row by row.

    begin    FROM is held, so that nobody writes it; TO is empty, and marked as one that is copied to
    copy     batch by batch along the keys; how far it is, is written down in TO by the same transaction
    check    every row of both is read again, and compared; what differs is an error that names it
    finish   the mark goes, and TO gets its revision: now a daemon takes it

Ended anywhere, by whatever, it goes on behind the last batch, provided that FROM is still as it was: a daemon
that ran on it meanwhile has written there. What is not seen by that, the check sees.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

import sqlalchemy as sa

from daemon.core.visible import NUL
from daemon.store.copy_ends import (
    AT_ONCE,
    TABLES,
    Key,
    Place,
    Row,
    Source,
    Target,
    Unfit,
    is_numbered,
    key_of,
    named,
)
from daemon.store.copy_sqlite import SqliteEnd
from daemon.store.creating import COPYING
from daemon.store.location import DatabaseError, file_of
from daemon.store.schema import REVISION

FEW = 10_000
"""Rows of a table that is read to know whether FROM is as it was before; of a larger one they are counted."""
DIGEST_BYTES = 16
FROM, AT = "from", "at"
"""What is written down of a copy: what it is a copy of, and how far it is."""
_BEGIN = Place(TABLES[0].name, None)

Say = Callable[["Progress"], None]


class SameError(Exception):
    """FROM and TO are one."""


@dataclass(frozen=True)
class Progress:
    """How far it is: rows of all tables together."""

    doing: Literal["copied", "checked"]
    table: str
    done: int
    of: int


@dataclass(frozen=True)
class Copied:
    """What a table has on both sides."""

    rows: int
    digest: str
    """BLAKE2b over its rows in the order of their keys."""
    number: int | None
    """The highest that was ever given to a row; None: its rows have no numbers of their own."""
    pictured: int
    """Rows with a NUL in a text, for which a picture of it stands in TO."""


def copy(source: str, target: str, say: Say = lambda _: None) -> dict[str, Copied]:
    """Copy one database into another, both by their URLs; an interrupted copy is gone on with. Returns what
    both have now, by table.

    Raises `DatabaseError` where that cannot be, with the way out, and `SameError`.
    """
    with _opened(source, target) as (from_, to), _explained():
        _check_revision(from_)
        from_.hold()
        counts = {table.name: from_.count(table) for table in TABLES}
        of = sum(counts.values())
        begun = _begun(to, _fingerprint(from_, counts))
        _take_over(from_, to, begun, _counting(say, "copied", of))
        checking = _counting(say, "checked", of)
        found = {table.name: _compared(from_, to, table, checking) for table in TABLES}
        to.finish(REVISION)
    return found


@contextmanager
def _opened(source: str, target: str) -> Iterator[tuple[Source, Target]]:
    """Both ends; first FROM, so that nothing is made where there is none."""
    if _is_same_file(source, target):
        raise SameError
    from_ = _source(source)
    try:
        to = _target(target, from_)
        try:
            yield from_, to
        finally:
            to.close()
    finally:
        from_.close()


def _source(url: str) -> Source:
    path = file_of(url)
    if path is not None:
        return SqliteEnd.source(url, path)
    from daemon.store.copy_postgresql import PostgresEnd  # noqa: PLC0415 - see there

    end = PostgresEnd(url)
    try:
        end.hold_writers()
    except BaseException:
        end.close()
        raise
    return end


def _target(url: str, source: Source) -> Target:
    path = file_of(url)
    if path is not None:
        return SqliteEnd.target(url, path)
    from daemon.store.copy_postgresql import PostgresEnd  # noqa: PLC0415 - see there

    end = PostgresEnd(url)
    try:
        if isinstance(source, PostgresEnd) and end.is_same(source):
            raise SameError
        end.hold_writers()
    except BaseException:
        end.close()
        raise
    return end


def _is_same_file(source: str, target: str) -> bool:
    one, other = file_of(source), file_of(target)
    try:
        return one is not None and other is not None and one.samefile(other)
    except OSError:
        return False


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except Unfit as error:
        raise DatabaseError(f"a row cannot be copied: {error}") from None


def _check_revision(source: Source) -> None:
    current = source.revision()
    if current == REVISION:
        return
    if current == COPYING:
        raise DatabaseError(f"{source.shown} is itself a copy that is not complete: finish that one first")
    if current is None:
        raise DatabaseError(f"{source.shown} is no database of yemotd: there is nothing in it to copy")
    raise DatabaseError(
        f"{source.shown} is at revision {current}, this program at {REVISION}: `yemotd db upgrade` makes an "
        "older one as new as the program; a newer one needs a newer program"
    )


def _fingerprint(source: Source, counts: Mapping[str, int]) -> str:
    """What tells FROM, as it is now, from any other, and from itself when somebody has written it."""
    tables = {
        table.name: [
            counts[table.name],
            source.number(table) if is_numbered(table) else None,
            _digest(source, table) if counts[table.name] <= FEW else None,
        ]
        for table in TABLES
    }
    return json.dumps({"revision": REVISION, "tables": tables})


def _digest(source: Source, table: sa.Table) -> str:
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for rows in source.batches(table):
        digest.update("".join(_lines(rows)).encode())
    return digest.hexdigest()


def _lines(rows: list[Row]) -> list[str]:
    """Each row as a text that no other has."""
    return [f"{row!r}\n" for row in rows]


def _begun(target: Target, fingerprint: str) -> Place:
    """Make TO one that is copied to. Returns where to begin, or to go on."""
    found = target.found()
    if COPYING in found:
        marks = target.marks()
        if marks[FROM] != fingerprint:
            raise DatabaseError(
                f"{target.shown} holds an interrupted copy of another database, or of this one as it was "
                f"before somebody wrote it: {_WAY_OUT}"
            )
        table, key = json.loads(marks[AT])
        return Place(table, tuple(key) if key is not None else None)
    if found and not _is_empty(target):
        raise DatabaseError(f"{target.shown} is not empty: {_WAY_OUT}")
    target.begin({FROM: fingerprint, AT: _mark(_BEGIN)}, is_bare=not found)
    return _BEGIN


_WAY_OUT = "name a new file, or a database without tables, and start again"


def _is_empty(target: Target) -> bool:
    """Whether it is as `db upgrade` leaves a new one: all tables, and not a row."""
    return target.revision() == REVISION and not any(target.count(table) for table in TABLES)


def _mark(place: Place) -> str:
    return json.dumps(place)


def _take_over(source: Source, target: Target, begun: Place, tell: Callable[[str, int], None]) -> None:
    names = [table.name for table in TABLES]
    first = names.index(begun.table)
    for table in TABLES[:first]:
        tell(table.name, target.count(table))
    key: Key | None = begun.key
    for table in TABLES[first:]:
        tell(table.name, target.count(table) if key is not None else 0)
        for rows in source.batches(table, key):
            target.put(table, target.fit(rows), {AT: _mark(Place(table.name, key_of(table, rows[-1])))})
            tell(table.name, len(rows))
        key = None
    for table in filter(is_numbered, TABLES):
        target.set_number(table, source.number(table))


def _counting(say: Say, doing: Literal["copied", "checked"], of: int) -> Callable[[str, int], None]:
    done = 0

    def tell(table: str, more: int) -> None:
        nonlocal done
        done += more
        say(Progress(doing, table, done, of))

    return tell


def _compared(source: Source, target: Target, table: sa.Table, tell: Callable[[str, int], None]) -> Copied:
    """Raises `DatabaseError` for the first row that is not the same on both sides."""
    comparison = _Comparison(source, target, table)
    many = pictured = 0

    def fitting() -> Iterator[list[Row]]:
        nonlocal many, pictured
        for rows in source.batches(table):
            fit = target.fit(rows)
            pictured += 0 if fit is rows else sum(one != other for one, other in zip(rows, fit, strict=True))
            many += len(rows)
            yield fit
            tell(table.name, len(rows))

    aside: tuple[list[Row], list[Row]] = [], []
    sides = _in_one_order(table, fitting(), aside[0]), _in_one_order(table, target.batches(table), aside[1])
    nothing: list[Row] = []
    for left, right in zip_longest(*sides, fillvalue=nothing):
        comparison.take(left, right)
    comparison.take(*(sorted(rows, key=lambda row: _in_bytes(key_of(table, row))) for rows in aside))
    number = _compared_number(source, target, table) if is_numbered(table) else None
    return Copied(many, comparison.digest, number, pictured)


def _in_one_order(table: sa.Table, batches: Iterable[list[Row]], aside: list[Row]) -> Iterator[list[Row]]:
    """Batches of one size, without the rows with a picture of NUL in their key, which are put aside: where it
    was a NUL itself, such a row had another place. There are hardly any."""
    left: list[Row] = []
    for rows in batches:
        pictured = (
            [row for row in rows if NUL in "".join(map(str, key_of(table, row)))] if _has_texts(table) else []
        )
        aside += pictured
        left += [row for row in rows if row not in pictured] if pictured else rows
        if len(left) >= AT_ONCE:
            yield left[:AT_ONCE]
            left = left[AT_ONCE:]
    if left:
        yield left


def _has_texts(table: sa.Table) -> bool:
    return not all(isinstance(column.type, sa.Integer) for column in table.primary_key.columns)


def _in_bytes(key: Key) -> tuple[bytes, ...]:
    return tuple(str(part).encode() for part in key)


class _Comparison:
    """Of one table on both sides."""

    def __init__(self, source: Source, target: Target, table: sa.Table) -> None:
        self._ends = source, target
        self._table = table
        self._digests = [hashlib.blake2b(digest_size=DIGEST_BYTES) for _ in range(2)]

    def take(self, left: list[Row], right: list[Row]) -> None:
        """The next rows of both. Raises `DatabaseError` where they are not the same."""
        lines = _lines(left), _lines(right)
        if lines[0] != lines[1]:
            raise DatabaseError(_difference(*self._ends, self._table, left, right))
        for digest, each in zip(self._digests, lines, strict=True):
            digest.update("".join(each).encode())

    @property
    def digest(self) -> str:
        """Of what TO has."""
        return self._digests[1].hexdigest()


def _compared_number(source: Source, target: Target, table: sa.Table) -> int:
    numbers = source.number(table), target.number(table)
    if numbers[0] != numbers[1]:
        raise DatabaseError(
            f"table {table.name}: {source.shown} has given numbers up to {numbers[0]}, {target.shown} up to "
            f"{numbers[1]}: {_BEGIN_ANEW}"
        )
    return numbers[1]


_BEGIN_ANEW = "the copy is not whole. Empty what it was copied to, and start again"


def _difference(source: Source, target: Target, table: sa.Table, left: list[Row], right: list[Row]) -> str:
    pairs = zip_longest(left, right)
    one, other = next((mine, theirs) for mine, theirs in pairs if repr(mine) != repr(theirs))
    if one and other and key_of(table, one) == key_of(table, other):
        columns = [
            column.name
            for column, mine, theirs in zip(table.columns, one, other, strict=True)
            if repr(mine) != repr(theirs)
        ]
        what = f"{named(table, key_of(table, one))} differs in {', '.join(columns)}"
    else:
        mine, theirs = (named(table, key_of(table, row)) if row else "no row" for row in (one, other))
        what = f"where {source.shown} has {mine}, {target.shown} has {theirs}"
    return f"table {table.name}: {what}: {_BEGIN_ANEW}"
