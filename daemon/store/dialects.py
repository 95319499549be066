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


def bytes_of(column: sa.ColumnElement[str], dialect: str) -> sa.ColumnElement[int]:
    """How many bytes of UTF-8 a text has."""
    if dialect == POSTGRESQL:
        return sa.func.octet_length(column)
    return sa.func.length(sa.cast(column, sa.LargeBinary))


def has_bytes(column: sa.ColumnElement[bytes], part: bytes, dialect: str) -> sa.ColumnElement[bool]:
    """Whether these bytes are in a column of them."""
    if dialect == POSTGRESQL:
        return sa.func.pg_catalog.position(column, part) > 0
    return sa.func.instr(column, part) > 0


def taken_once(found: str, lock: str, status: str) -> str:
    """The WHERE of an UPDATE that takes, on PostgreSQL, what a question finds: asked once, it locks the rows
    (`FOR UPDATE ...`), and those that another has written while they were waited for are judged anew."""
    return f" WHERE id = ANY (ARRAY({found} {lock})) AND status = '{status}'"


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
