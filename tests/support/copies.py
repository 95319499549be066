"""Databases for tests of the copy: whatever the columns can hold, in every table."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from daemon.core.visible import without_nul
from daemon.store import database as databases
from daemon.store.copy_ends import TABLES, is_numbered, quoted

Rows = Mapping[str, Sequence[tuple[Any, ...]]]
HOSTILE = (
    "",
    "\x00",
    "a\x00b",
    "a␀b",
    "a␁",
    "a\x01",
    "\x01\x01",
    "\x01\x02",
    "\\N",
    "\\.",
    "\\",
    "\t\r\n",
    "'\"; DROP TABLE events; --",
    "%s",
    "שָׁלוֹם",
    "\u202e\ufeff\uffff",
    "𐀀🙂",
    "E\u0301",
    "É",
    "é",
    "Z",
    "a",
)
"""Texts that somebody or something may take for something else, or put in another order."""
TEXTS = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
FLOATS = st.floats(allow_nan=False)  # which is NULL to SQLite
NUMBERS = st.integers(1, 2**53)
_BY_TYPE: Sequence[tuple[type, st.SearchStrategy[Any]]] = (
    (sa.LargeBinary, st.binary(max_size=8)),
    (sa.Boolean, st.integers(0, 1)),
    (sa.Float, FLOATS | st.sampled_from((-0.0, 0.1, 5e-324, float("inf"), float("-inf")))),
    (sa.SmallInteger, st.integers(-(2**15), 2**15 - 1)),
    (sa.BigInteger, st.integers(-(2**63), 2**63 - 1)),
    (sa.Integer, st.integers(-(2**31), 2**31 - 1)),
    (sa.Text, TEXTS),
)


def content(most: int) -> st.SearchStrategy[Rows]:
    """Rows for every table; what refers to another row has its index there."""
    return st.fixed_dictionaries({table.name: st.lists(_rows(table), max_size=most) for table in TABLES})


def _rows(table: sa.Table) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(*(_values(table, column) for column in table.columns))


def _values(table: sa.Table, column: sa.Column[Any]) -> st.SearchStrategy[Any]:
    if column.foreign_keys:
        return st.integers(0, 5)
    if is_numbered(table) and column.primary_key:
        return NUMBERS
    kind = column.type.impl if isinstance(column.type, sa.types.TypeDecorator) else column.type
    values = next(one for known, one in _BY_TYPE if isinstance(kind, known))
    return values | st.none() if column.nullable else values


def make(path: Path, rows: Rows, forgotten: int = 0, *, beside: Path | None = None) -> str:
    """A SQLite file with these rows, but for those of which there is one already. Returns its URL.

    forgotten: so many numbers behind the last were given to rows that are gone. beside: another file, made
    with what is in the first as PostgreSQL can hold it; of rows that are one there the first has only one.
    """
    with ExitStack() as opened:
        main, *others = (opened.enter_context(closing(_made(one))) for one in (path, beside) if one)
        for table in TABLES:
            for row in rows.get(table.name, ()):
                fitting = _referring(main, table, row)
                if fitting is not None and all(_insert(db, table, _pictured(fitting)) for db in others):
                    _insert(main, table, fitting)
        for db in (main, *others):
            db.execute("UPDATE sqlite_sequence SET seq = seq + ?", (forgotten,))
            db.commit()
    return f"sqlite:///{path}"


def _made(path: Path) -> sqlite3.Connection:
    databases.open_for_daemon(f"sqlite:///{path}").close()
    db = sqlite3.connect(path)
    db.execute("BEGIN")  # or each savepoint would be one that is committed
    return db


def _insert(db: sqlite3.Connection, table: sa.Table, row: Sequence[Any]) -> bool:
    values = ", ".join("?" * len(row))
    db.execute("SAVEPOINT one")
    is_new = db.execute(f"INSERT OR IGNORE INTO {quoted(table.name)} VALUES ({values})", row).rowcount > 0  # noqa: S608
    if not is_new:
        db.execute(
            "ROLLBACK TO one"
        )  # of its number, too: SQLite gives that of a row that it ignored to nobody
    db.execute("RELEASE one")
    return is_new


def _pictured(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(without_nul(one) if isinstance(one, str) else one for one in row)


def _referring(db: sqlite3.Connection, table: sa.Table, row: Sequence[Any]) -> list[Any] | None:
    """A row that refers to what is there; None: there is nothing."""
    values = [*row]
    for at, column in enumerate(table.columns):
        for foreign in column.foreign_keys:
            parent = foreign.column
            keys = db.execute(
                f"SELECT {quoted(parent.name)} FROM {quoted(parent.table.name)} ORDER BY 1"  # noqa: S608
            ).fetchall()
            if not keys:
                return None
            (values[at],) = keys[row[at] % len(keys)]
    return values


def held(path: Path, *, pictured: bool = False) -> dict[str, list[str]]:
    """What is in a SQLite file, to the type of each value, with the numbers that were given; `pictured`: as
    PostgreSQL can hold it."""
    each = _pictured if pictured else tuple
    with closing(sqlite3.connect(path)) as db:
        found = {
            table.name: sorted(repr(each(row)) for row in db.execute(f"SELECT * FROM {quoted(table.name)}"))  # noqa: S608
            for table in TABLES
        }
        found["sqlite_sequence"] = sorted(
            map(repr, db.execute("SELECT name, seq FROM sqlite_sequence WHERE seq > 0"))
        )
        found["alembic_version"] = [*map(repr, db.execute("SELECT * FROM alembic_version"))]
        found["tables"] = [one for (one,) in db.execute("SELECT name FROM sqlite_schema ORDER BY name")]
    return found


ONE_OF_EACH: Rows = {
    "events": [
        (number, f"evt_{number}", "main", number, "t", "s", number, b"\xff\x00", None)
        for number in range(1, 8)
    ],
    "deliveries": [
        (number, number, "crm", "lane", "pending", 1, 2, 0, *[None] * 5, 0, 0, *[None] * 12)
        for number in range(1, 6)
    ],
    "attempts": [(number, 1, 5, 1, 2, 3, 4, 5, "accepted", 200, None, "HTTP", None) for number in range(3)],
    "silences": [(f"sil_{number}\x00", 1, 2, None, "*", "*", "*", "אבא", "", None) for number in range(5)],
    "history": [(60, start, "main", 1, b"\x00") for start in range(5)],
    "contacts": [(f"05{number}", "05", "\u202eאמא", "x", "ops", 1) for number in range(3)],
    "contact_book": [("contacts", 3, 3)],
    "clock": [(1, -5, 7, "boot", 8)],
    "ended_sessions": [("mark", "session", 1)],
}
"""Some rows, so that there are several batches of two."""
