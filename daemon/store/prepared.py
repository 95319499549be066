"""Statements of the hot path: SQL text that is compiled once, with plain values.

SQLAlchemy's own execution costs some 20 µs for each row of a batch, several times what SQLite does with
it. Where tens of thousands of rows a second go through, statements are written as text with `:names`,
and their values are what the columns hold: times are milliseconds, enums are their words.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa


class Prepared:
    """One statement; its values are given in the order in which `names` stand."""

    def __init__(self, sql: str, *names: str) -> None:
        self._sql = sql
        self._names = names
        self._compiled: dict[str, tuple[str, tuple[int, ...] | None]] = {}

    def all(self, db: sa.Connection, *values: Any) -> Sequence[sa.Row[Any]]:
        """Run it once; its rows."""
        text, parameters = self._ready(db, [values])
        return db.exec_driver_sql(text, parameters[0]).all()

    def run(self, db: sa.Connection, *values: Any) -> int:
        """Run it once; how many rows it touched."""
        text, parameters = self._ready(db, [values])
        return db.exec_driver_sql(text, parameters[0]).rowcount

    def run_many(self, db: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> int:
        """Run it for each of these rows, none is nothing; how many rows of the table it touched."""
        text, parameters = self._ready(db, rows)
        return db.exec_driver_sql(text, parameters).rowcount if parameters else 0

    def _ready(self, db: sa.Connection, rows: Iterable[tuple[Any, ...]]) -> tuple[str, list[Any]]:
        """The text in the driver's own style, and the parameters as the driver wants them."""
        compiled = self._compiled.get(db.dialect.name)
        if compiled is None:
            compiled = self._compiled[db.dialect.name] = self._compile(db.dialect)
        text, order = compiled
        if order is None:
            return text, [dict(zip(self._names, row, strict=True)) for row in rows]
        if order == tuple(range(len(self._names))):
            return text, list(rows)
        return text, [tuple(row[index] for index in order) for row in rows]

    def _compile(self, dialect: sa.Dialect) -> tuple[str, tuple[int, ...] | None]:
        """The driver's text, and for positional parameters which value stands where."""
        compiled = sa.text(self._sql).compile(dialect=dialect)
        if not compiled.positional:
            return compiled.string, None
        return compiled.string, tuple(self._names.index(name) for name in compiled.positiontup or ())
