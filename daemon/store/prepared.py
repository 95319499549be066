"""Statements of the hot path: SQL text that is compiled once, with plain values.

SQLAlchemy's own execution costs some 20 µs for each row of a batch, several times what SQLite does with
it. Where tens of thousands of rows a second go through, statements are written as text with `:names`,
and their values are what the columns hold: times are milliseconds, enums are their words. Even of such a
text its execution takes ten times as long as SQLite, so there the driver is asked itself, within the
transaction that SQLAlchemy began, and its errors are given as SQLAlchemy gives them.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from daemon.store.dialects import POSTGRESQL

_DRIVER = "yemotd_driver"
"""Of a connection's own dictionary."""


class Prepared:
    """One statement; its values are given in the order in which `names` stand."""

    def __init__(self, sql: str, *names: str, on_postgresql: str | None = None) -> None:
        """`on_postgresql`: how the same is said there; None: in the same words."""
        self._sql = sql
        self._on_postgresql = on_postgresql or sql
        self._names = names
        self._compiled: dict[str, tuple[str, tuple[int, ...] | None]] = {}
        self._row: Any = None
        """Makes a row of what SQLite gives; the columns of a statement are the same each time."""

    def all(self, db: sa.Connection, *values: Any) -> Sequence[Any]:
        """Run it once; its rows, whose values have names."""
        found, columns = self._found(db, values)
        if not found or not columns:
            return found
        if self._row is None:
            self._row = _row_of([column[0] for column in columns])
        return list(map(self._row, found))

    def rows(self, db: sa.Connection, *values: Any) -> Sequence[tuple[Any, ...]]:
        """The same as plain tuples, for whoever takes up thousands of them a second."""
        found, columns = self._found(db, values)
        return found if columns else list(map(tuple, found))

    def each(self, db: sa.Connection, *values: Any) -> Iterator[tuple[Any, ...]]:
        """The same one after the other, for whoever keeps none of tens of thousands: what is kept, the
        interpreter looks through for garbage, several times."""
        text, parameters = self._ready(db, (values,))
        driver = _driver(db)
        if driver is None:
            yield from map(tuple, db.exec_driver_sql(text, parameters[0]))
            return
        try:
            yield from driver.execute(text, parameters[0])
        except sqlite3.Error as error:
            raise _as_sqlalchemy(db, text, parameters[0], error) from error

    def _found(self, db: sa.Connection, values: tuple[Any, ...]) -> tuple[Sequence[Any], Any]:
        """Rows, with a description of their columns where they do not know their names themselves."""
        text, parameters = self._ready(db, (values,))
        driver = _driver(db)
        if driver is None:
            return db.exec_driver_sql(text, parameters[0]).all(), None
        try:
            cursor = driver.execute(text, parameters[0])
            return cursor.fetchall(), cursor.description
        except sqlite3.Error as error:
            raise _as_sqlalchemy(db, text, parameters[0], error) from error

    def run(self, db: sa.Connection, *values: Any) -> int:
        """Run it once; how many rows it touched."""
        text, parameters = self._ready(db, (values,))
        driver = _driver(db)
        if driver is None:
            return db.exec_driver_sql(text, parameters[0]).rowcount
        try:
            return driver.execute(text, parameters[0]).rowcount
        except sqlite3.Error as error:
            raise _as_sqlalchemy(db, text, parameters[0], error) from error

    def run_many(self, db: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> int:
        """Run it for each of these rows, none is nothing; how many rows of the table it touched."""
        text, parameters = self._ready(db, rows)
        if not parameters:
            return 0
        driver = _driver(db)
        if driver is None:
            return db.exec_driver_sql(text, parameters).rowcount
        try:
            return driver.executemany(text, parameters).rowcount
        except sqlite3.Error as error:
            raise _as_sqlalchemy(db, text, parameters, error) from error

    def _ready(self, db: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> tuple[str, list[Any]]:
        """The text in the driver's own style, and the parameters as the driver wants them."""
        compiled = self._compiled.get(db.dialect.name)
        if compiled is None:
            compiled = self._compiled[db.dialect.name] = self._compile(db.dialect)
        text, order = compiled
        if order is None:
            return text, [dict(zip(self._names, row, strict=True)) for row in rows]
        if not order:
            return text, list(rows)
        return text, [tuple(row[index] for index in order) for row in rows]

    def _compile(self, dialect: sa.Dialect) -> tuple[str, tuple[int, ...] | None]:
        """The driver's text, and for positional parameters which value stands where; (): as they come."""
        sql = self._on_postgresql if dialect.name == POSTGRESQL else self._sql
        compiled = sa.text(sql).compile(dialect=dialect)
        if not compiled.positional:
            return compiled.string, None
        order = tuple(self._names.index(name) for name in compiled.positiontup or ())
        return compiled.string, () if order == tuple(range(len(self._names))) else order


def _row_of(names: Sequence[str]) -> Any:
    """What makes a row with these names of a tuple; a column without a fit name has only its place."""
    make: Any = namedtuple  # its type checker wants the names to stand here
    return make("Row", names, rename=True)._make


def begin(db: sa.Connection, statement: str) -> None:
    """Begin a transaction of SQLite's, for SQLAlchemy, which hears of it by its event `begin`."""
    driver: Any = db.connection.dbapi_connection
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        raise _as_sqlalchemy(db, statement, None, error) from error
    # Found out once for each transaction: that takes as long as many a statement.
    vars(db)[_DRIVER] = None if db.dispatch.before_cursor_execute else driver


def _driver(db: sa.Connection) -> sqlite3.Connection | None:
    """The driver, where it can be asked itself: not where SQLAlchemy has yet to begin, nor where somebody
    listens since before the transaction."""
    driver: sqlite3.Connection | None = vars(db).get(_DRIVER)
    return driver if driver is not None and db.in_transaction() else None


def _as_sqlalchemy(db: sa.Connection, text: str, parameters: Any, error: sqlite3.Error) -> BaseException:
    """What SQLAlchemy would raise, had it been asked."""
    return sa.exc.DBAPIError.instance(
        text,
        parameters,
        error,
        sqlite3.Error,
        hide_parameters=db.engine.hide_parameters,
        dialect=db.dialect,
        ismulti=isinstance(parameters, list),
    )
