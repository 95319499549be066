"""A PostgreSQL database as an end of a copy. Imported only where there is one: the driver is an extra."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, cast

import psycopg
import sqlalchemy as sa

from daemon.core.visible import without_nul
from daemon.store import creating, postgresql
from daemon.store.copy_ends import (
    AT_ONCE,
    MARKS,
    OURS,
    TABLES,
    Key,
    Row,
    Unfit,
    key_columns,
    key_of,
    named,
    quoted,
    stretch,
)
from daemon.store.creating import COPYING
from daemon.store.location import FAILURES, DatabaseError, explained, shown
from daemon.store.ownership import LOCKS
from daemon.store.postgresql import CONNECTING, KEY
from daemon.store.schema import metadata

SETTINGS = {
    "lock_timeout": "10s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",  # while the other end is busy
    "default_transaction_isolation": "read committed",
}
APPLICATION = "yemotd db copy"
_OUR_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
_LINE = re.compile(r"line (\d+)")
_HERE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
_MEMBERS = f"""
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND classid = %s AND {_HERE}
"""  # noqa: S608
_WRITERS = f"""
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND pid = %s AND granted AND {_HERE}
    AND (classid::bigint << 32) + objid::bigint = %s
"""  # noqa: S608
_STARTED = "SELECT pg_postmaster_start_time()::text"
_REFUSED = (psycopg.DataError, psycopg.IntegrityError)
"""By what is wrong with a row, and not with the server."""


class PostgresEnd:
    """One database. For one thread."""

    def __init__(self, url: str) -> None:
        """Connect, where no daemon runs on it. Raises `DatabaseError`."""
        self.shown = shown(url)
        self._url = url
        parsed = sa.make_url(url)
        self._check_server(parsed)
        _, words = parsed.get_dialect()().create_connect_args(parsed)
        words = {**CONNECTING, "application_name": APPLICATION, **words}
        with self._said():
            self._db = psycopg.connect(**words, autocommit=True)
        try:
            with self._said():
                for name, value in SETTINGS.items():
                    self._db.execute("SELECT set_config(%s, %s, false)", (name, value))
                self._check()
        except BaseException:
            self._db.close()
            raise

    def _check_server(self, url: sa.URL) -> None:
        """Raises `DatabaseError` for one that no daemon can use."""
        engine = postgresql.engine(url)
        with self._said(), closing(postgresql.detached(engine)) as db:
            postgresql.check(db, self.shown)

    def _check(self) -> None:
        if many := self._one(_MEMBERS, LOCKS):
            run = "a daemon runs" if many == 1 else f"{many} daemons run"
            raise DatabaseError(f"{run} on {self.shown}; stop that first")

    def hold_writers(self) -> None:
        """Keep daemons and verbs from writing until it is closed: who tries waits, and gives up."""
        with self._said(), self._patiently():
            self._one("SELECT pg_advisory_lock(%s)", KEY)
            self._check()

    def is_same(self, other: "PostgresEnd") -> bool:
        """Whether both are one database, by whatever name and way; before `hold_writers` of this one.

        The other holds its writers' lock, and a session sees such locks of its own database alone.
        """
        with self._said():
            is_held = self._one(_WRITERS, other._db.info.backend_pid, KEY)
            return bool(is_held) and self._one(_STARTED) == other._one(_STARTED)

    def revision(self) -> str | None:
        if "alembic_version" not in self.found():
            return None
        with self._said():
            return cast("str | None", self._one("SELECT version_num FROM alembic_version"))

    def hold(self) -> None:
        self.hold_writers()
        with self._said(), self._patiently():
            # The locks come first: the view of a transaction is that of its first other statement.
            self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            self._execute(f"LOCK TABLE {quoted(*sorted(metadata.tables))} IN SHARE MODE")

    def batches(self, table: sa.Table, after: Key | None = None) -> Iterator[list[Row]]:
        with self._said(), self._transaction(), self._db.cursor(name="rows") as cursor:
            cursor.execute(_selecting(table, after), after or None)
            while rows := cursor.fetchmany(AT_ONCE):
                yield rows

    def count(self, table: sa.Table) -> int:
        with self._said():
            return int(self._one(f"SELECT count(*) FROM {quoted(table.name)}"))  # noqa: S608

    def number(self, table: sa.Table) -> int:
        with self._said():
            counter = self._counter(table)
            row = self._execute(f"SELECT last_value, is_called FROM {counter}").fetchone()  # noqa: S608
        return int(row[0]) if row and row[1] else 0

    def found(self) -> frozenset[str]:
        with self._said():
            rows = self._execute(_OUR_TABLES).fetchall()
        return OURS.intersection(name for (name,) in rows)

    def begin(self, marks: Mapping[str, str], *, is_bare: bool) -> None:
        engine = sa.create_engine(self._url, poolclass=sa.NullPool)
        with self._said(), engine.begin() as db:
            if is_bare:
                creating.create(db)
            postgresql.order_by_bytes(db)  # which takes long once there are rows
            db.exec_driver_sql(MARKS)
            insert = f"INSERT INTO {COPYING} (name, value) VALUES (%s, %s)"  # noqa: S608
            db.exec_driver_sql(insert, [*marks.items()])
            db.exec_driver_sql("UPDATE alembic_version SET version_num = %s", (COPYING,))

    def marks(self) -> dict[str, str]:
        with self._said():
            return dict(self._execute(f"SELECT name, value FROM {COPYING}").fetchall())  # noqa: S608

    def fit(self, rows: list[Row]) -> list[Row]:
        """A NUL in a text is its picture here, as the daemon itself has it."""
        if not _has_nul(rows):
            return rows
        return [tuple(without_nul(one) if isinstance(one, str) else one for one in row) for row in rows]

    def put(self, table: sa.Table, rows: Sequence[Row], marks: Mapping[str, str]) -> None:
        with self._said(), self._transaction(), self._db.cursor() as cursor:
            try:
                words = f"COPY {quoted(table.name)} ({quoted(*table.c.keys())}) FROM STDIN"
                with cursor.copy(words) as copy:
                    for row in rows:
                        copy.write_row(row)
            except _REFUSED as error:
                raise Unfit(_where(table, rows, error), _explained(error)) from None
            for name, value in marks.items():
                self._execute(f"UPDATE {COPYING} SET value = %s WHERE name = %s", value, name)  # noqa: S608

    def set_number(self, table: sa.Table, number: int) -> None:
        with self._said():
            # What `nextval` gives first: a counter that was never asked begins with 1.
            self._one("SELECT setval(%s::regclass, %s, %s)", self._counter(table), max(number, 1), number > 0)

    def finish(self, revision: str) -> None:
        with self._said():
            with self._transaction():
                self._execute(f"DROP TABLE {COPYING}")
                self._execute("UPDATE alembic_version SET version_num = %s", revision)
            for table in TABLES:  # or the first questions are planned as if nothing were there
                self._execute(f"ANALYZE {quoted(table.name)}")

    def close(self) -> None:
        self._db.close()

    def _counter(self, table: sa.Table) -> str:
        (key,) = table.primary_key.columns
        return str(self._one("SELECT pg_get_serial_sequence(%s, %s)", quoted(table.name), key.name))

    def _one(self, statement: str, *values: Any) -> Any:
        row = self._execute(statement, *values).fetchone()
        return row[0] if row else None

    def _execute(self, statement: str, *values: Any) -> psycopg.Cursor[Row]:
        return self._db.execute(statement, values or None)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One of its own, or the one that `hold` has begun."""
        if self._db.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS:
            yield
        else:
            with self._db.transaction():
                yield

    @contextmanager
    def _patiently(self) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.LockNotAvailable:
            raise DatabaseError(
                f"another program writes {self.shown}, such as another copy: try again when it has ended"
            ) from None

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.Error, *FAILURES) as error:
            raise DatabaseError(f"{self.shown}: {_explained(error)}") from None


def _explained(error: Exception) -> str:
    wrapped = sa.exc.OperationalError(None, None, error) if isinstance(error, psycopg.Error) else error
    return explained(wrapped)


def _selecting(table: sa.Table, after: Key | None) -> str:
    keys = [_by_bytes([*table.columns][at]) for at in key_columns(table)]
    ordered = ", ".join(keys)
    behind = f"WHERE ({ordered}) > ({', '.join(['%s'] * len(keys))})" if after else ""
    columns = ", ".join(map(_plain, table.columns))
    return f"SELECT {columns} FROM {quoted(table.name)} {behind} ORDER BY {ordered}"  # noqa: S608


def _by_bytes(column: sa.Column[Any]) -> str:
    return quoted(column.name) + (' COLLATE "C"' if _is_text(column) else "")


def _plain(column: sa.Column[Any]) -> str:
    """A value as SQLite has it, too."""
    if isinstance(column.type, sa.Boolean):
        return f"{quoted(column.name)}::int"
    if isinstance(column.type, sa.Float):
        return f"{quoted(column.name)} + 0.0"  # SQLite knows no negative zero
    return quoted(column.name)


def _is_text(column: sa.Column[Any]) -> bool:
    kind = column.type
    return isinstance(kind.impl if isinstance(kind, sa.types.TypeDecorator) else kind, sa.Text)


def _has_nul(rows: Sequence[Row]) -> bool:
    """Looked for in all at once: nearly no text has it."""
    return "\0" in "".join([one for row in rows for one in row if type(one) is str])


def _where(table: sa.Table, rows: Sequence[Row], error: psycopg.Error) -> str:
    """Which row of a batch it is: PostgreSQL counts them as lines."""
    line = _LINE.search(error.diag.context or "")
    if line and 1 <= int(line[1]) <= len(rows):
        return named(table, key_of(table, rows[int(line[1]) - 1]))
    return stretch(table, rows)
