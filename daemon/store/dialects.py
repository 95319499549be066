"""What SQLite and PostgreSQL have words of their own for.

PostgreSQL's are asked for where they are said, and nowhere at import: SQLAlchemy loads a dialect, with all
drivers that it knows, for the first of its words, and each verb and each daemon on SQLite would pay for it.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import Insert

POSTGRESQL = "postgresql"


def insert_into(table: sa.Table, dialect: str) -> Insert:
    """An INSERT that can say what becomes of a row that is there already, in the words of a dialect; in
    PostgreSQL's it has the same methods."""
    return _insert(dialect)(table)


def _insert(dialect: str) -> type[Insert]:
    if dialect != POSTGRESQL:
        return Insert
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see above

    return postgresql.Insert  # type: ignore[return-value] # their methods are called alike


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """An index of those rows alone for which `where` is true; `say_to` tells PostgreSQL of them."""
    return sa.Index(name, *columns, unique=unique, sqlite_where=sa.text(where))


def say_to(metadata: sa.MetaData, db: sa.Connection, **_: Any) -> None:
    """Before tables are created: partial indexes are that in PostgreSQL, too."""
    if db.dialect.name != POSTGRESQL:
        return
    for table in metadata.tables.values():
        for index in table.indexes:
            index.dialect_options[POSTGRESQL]["where"] = index.dialect_options["sqlite"]["where"]
