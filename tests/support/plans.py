"""How SQLite carries out what the store asks: the plan of each statement, by `EXPLAIN QUERY PLAN`."""

from types import TracebackType
from typing import Any

import sqlalchemy as sa


class Plans:
    """The plans of what is read over a connection within its block."""

    def __init__(self, db: sa.Connection) -> None:
        self._db = db
        self._said: list[tuple[str, Any]] = []

    def __enter__(self) -> "Plans":
        sa.event.listen(self._db, "before_cursor_execute", self._take)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        sa.event.remove(self._db, "before_cursor_execute", self._take)

    def _take(self, *given: Any) -> None:
        self._said.append((given[2], given[3]))

    def all(self) -> list[str]:
        """Each step of each statement."""
        return [
            row.detail
            for statement, values in self._said
            for row in self._db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]

    def scanned(self, *tables: str) -> list[str]:
        """Steps that read one of these tables from its beginning on, row by row."""
        return [
            one
            for one in self.all()
            if one.startswith("SCAN") and "INDEX" not in one and one.split()[1] in tables
        ]
