"""The two ends of a copy from one database to another, and what both kinds of database have in common there.

Values are those of the columns, as the drivers give them: no type of ours lies between, which could read what
it does not know as something else. Where the two say the same in different words, they agree on SQLite's: a
boolean is 0 or 1. Keys are in the order of their bytes, whatever the collation of a database is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa

from daemon.store.creating import COPYING
from daemon.store.schema import metadata

Row = tuple[Any, ...]
Key = tuple[int | str, ...]
"""Of a row: its primary key."""

AT_ONCE = 2000
"""Rows of a batch: of what one transaction takes over, and of what is in memory at a time."""
LEFT_OUT = frozenset({"members", "holdings", "searchable", "indexed", "spellings", "spelled"})
"""Of daemons that run, of which there are none: who comes next joins anew, and takes what is free. And what
is worked out of the events, by each engine in its own way: the next daemon does it again."""
TABLES = tuple(one for one in metadata.sorted_tables if one.name not in LEFT_OUT)
"""In an order in which each row comes after those that it refers to."""
MARKS = f"CREATE TABLE {COPYING} (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)"
"""Says in TO how far the copy is, and goes when that is complete."""
OURS = frozenset({*metadata.tables, "alembic_version", COPYING})


class Place(NamedTuple):
    """Where a copy stands: what comes up to there, in the order of `TABLES`, is in the database."""

    table: str
    key: Key | None
    """None: nothing of this table is there yet."""


class Unfit(Exception):
    """A row that a database does not take, or cannot give: `where` says which, and the message why."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")


class Source(Protocol):
    """Where a copy comes from. While it is open, nobody else writes it."""

    shown: str
    """For people; without a password."""

    def revision(self) -> str | None:
        """None: it has none."""

    def hold(self) -> None:
        """Keep everybody from writing it until it is closed. Raises `DatabaseError`."""

    def batches(self, table: sa.Table, after: Key | None = None) -> Iterator[list[Row]]:
        """All rows in the order of their keys, `AT_ONCE` at a time. Raises `Unfit`."""

    def count(self, table: sa.Table) -> int: ...

    def number(self, table: sa.Table) -> int:
        """The highest that was ever given to a row, of a table that `is_numbered`; 0: none was."""

    def close(self) -> None: ...


class Target(Source, Protocol):
    """Where a copy goes to. While it is open, no daemon starts on it."""

    def found(self) -> frozenset[str]:
        """Which of `OURS` are there."""

    def begin(self, marks: Mapping[str, str], *, is_bare: bool) -> None:
        """Make it one that is copied to, in one go. `is_bare`: it has no tables yet."""

    def marks(self) -> dict[str, str]:
        """What is written down of the copy."""

    def fit(self, rows: list[Row]) -> list[Row]:
        """Rows of another database as this one can hold them; mostly as they are."""

    def put(self, table: sa.Table, rows: Sequence[Row], marks: Mapping[str, str]) -> None:
        """Take over a batch, and write down how far it is, in one transaction. Raises `Unfit`."""

    def set_number(self, table: sa.Table, number: int) -> None:
        """The next row gets a higher one."""

    def finish(self, revision: str) -> None:
        """Make it one that a daemon takes, in one transaction."""


def is_numbered(table: sa.Table) -> bool:
    """Whether numbers of its rows are never given twice."""
    return bool(table.dialect_options["sqlite"]["autoincrement"])


def stretch(table: sa.Table, rows: Sequence[Row]) -> str:
    """`events 17 to 32`: what a batch is called."""
    return f"{named(table, key_of(table, rows[0]))} to {_written(key_of(table, rows[-1]))}"


def key_of(table: sa.Table, row: Row) -> Key:
    """The primary key of a row."""
    return tuple(row[at] for at in key_columns(table))


def key_columns(table: sa.Table) -> tuple[int, ...]:
    """Which columns of a row are its key."""
    names = [*table.c.keys()]
    return tuple(names.index(column.name) for column in table.primary_key.columns)


def named(table: sa.Table, key: Key | None) -> str:
    """`events 17`: how a row is called."""
    return f"{table.name} {_written(key)}" if key else table.name


def _written(key: Key) -> str:
    return ", ".join(map(str, key))


def quoted(*names: str) -> str:
    """Names for SQL; ours have no quotes in them."""
    return ", ".join(f'"{one}"' for one in names)
