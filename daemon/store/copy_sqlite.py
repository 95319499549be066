"""A SQLite file as an end of a copy."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from daemon.store import creating, files, locking
from daemon.store import database as databases
from daemon.store.copy_ends import (
    AT_ONCE,
    MARKS,
    OURS,
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
from daemon.store.location import BUSY_MILLISECONDS, FAILURES, DatabaseError, explained
from daemon.store.locking import Hold
from daemon.store.sqlite import ONCE, PRAGMAS

_REFUSED = (sqlite3.IntegrityError, sqlite3.InterfaceError, OverflowError, UnicodeEncodeError)
"""By what is wrong with a row, and not with the file."""


class SqliteEnd:
    """One file. For one thread."""

    def __init__(self, path: Path, hold: Hold | None) -> None:
        """To be made by `source` or `target`."""
        self.shown = str(path)
        self._path = path
        self._hold = hold
        uri = f"{files.resolved(path).as_uri()}?mode=rw"
        self._db = sqlite3.connect(uri, BUSY_MILLISECONDS / 1000, isolation_level=None, uri=True)

    @classmethod
    def source(cls, url: str, path: Path) -> "SqliteEnd":
        """Raises `DatabaseError` where there is none, a daemon runs on it, or it cannot be used."""
        databases.check_file(url)
        return cls._opened(path, locking.hold(url))

    @classmethod
    def target(cls, url: str, path: Path) -> "SqliteEnd":
        """Raises `DatabaseError` where a daemon runs on it, or it cannot be written. Makes it if need be."""
        hold = locking.hold(url)
        try:
            databases.guard(path)
        except BaseException:
            if hold is not None:
                hold.release()
            raise
        return cls._opened(path, hold)

    @classmethod
    def _opened(cls, path: Path, hold: Hold | None) -> "SqliteEnd":
        try:
            with said(path):
                return cls(path, hold)
        except BaseException:
            if hold is not None:
                hold.release()
            raise

    def is_same(self, other: "SqliteEnd") -> bool:
        """Whether both are one file, whatever their names."""
        return files.identity(files.resolved(self._path)) == files.identity(files.resolved(other._path))

    def revision(self) -> str | None:
        with said(self._path):
            if "alembic_version" not in self.found():
                return None
            row = self._db.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else str(row[0])

    def hold(self) -> None:
        """Verbs that write, and whatever else writes, wait for the lock, and say so."""
        with said(self._path):
            self._db.execute("BEGIN IMMEDIATE")

    def batches(self, table: sa.Table, after: Key | None = None) -> Iterator[list[Row]]:
        last = after
        with said(self._path), closing(self._db.cursor()) as cursor:
            try:
                self._select(cursor, table, after)
                while rows := cursor.fetchmany(AT_ONCE):
                    yield rows
                    last = key_of(table, rows[-1])
            except sqlite3.OperationalError as error:
                if "decode" not in str(error):
                    raise
                raise Unfit(self._undecodable(table, last), "text that is not UTF-8") from None

    def _select(self, cursor: sqlite3.Cursor, table: sa.Table, after: Key | None) -> None:
        names = [*table.c.keys()]
        keys = quoted(*(names[at] for at in key_columns(table)))
        behind = f"WHERE ({keys}) > ({', '.join('?' * len(after))})" if after else ""
        statement = f"SELECT {quoted(*names)} FROM {quoted(table.name)} {behind} ORDER BY {keys}"  # noqa: S608
        cursor.execute(statement, after or ())

    def _undecodable(self, table: sa.Table, after: Key | None) -> str:
        """Which row behind that one has a text that is none."""
        before, self._db.text_factory = self._db.text_factory, bytes
        try:
            with closing(self._db.cursor()) as cursor:
                self._select(cursor, table, after)
                for row in cursor:
                    with suppress(UnicodeDecodeError):
                        self._check(table, row)
                        continue
                    key = [part.decode(errors="replace") if isinstance(part, bytes) else part for part in row]
                    return named(table, key_of(table, tuple(key)))
        finally:
            self._db.text_factory = before
        return named(table, after)

    @staticmethod
    def _check(table: sa.Table, row: Row) -> None:
        for column, value in zip(table.columns, row, strict=True):
            if isinstance(value, bytes) and not isinstance(column.type, sa.LargeBinary):
                value.decode()

    def count(self, table: sa.Table) -> int:
        with said(self._path):
            (many,) = self._db.execute(f"SELECT count(*) FROM {quoted(table.name)}").fetchone()  # noqa: S608
        return int(many)

    def number(self, table: sa.Table) -> int:
        with said(self._path):
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).fetchone()
        return int(row[0]) if row else 0

    def found(self) -> frozenset[str]:
        with said(self._path):
            rows = self._db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        return OURS.intersection(name for (name,) in rows)

    def begin(self, marks: Mapping[str, str], *, is_bare: bool) -> None:
        self._prepare()
        engine = sa.create_engine("sqlite://", creator=lambda: self._db, poolclass=sa.StaticPool)
        with said(self._path), engine.connect() as db:
            db.exec_driver_sql("BEGIN IMMEDIATE")
            if is_bare:
                creating.create(db)
            db.exec_driver_sql(MARKS)
            insert = f"INSERT INTO {COPYING} (name, value) VALUES (?, ?)"  # noqa: S608
            db.exec_driver_sql(insert, [*marks.items()])
            db.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (COPYING,))
            db.commit()

    def marks(self) -> dict[str, str]:
        self._prepare()
        with said(self._path):
            return dict(self._db.execute(f"SELECT name, value FROM {COPYING}").fetchall())  # noqa: S608

    def _prepare(self) -> None:
        """As the daemon's file is."""
        with said(self._path):
            for pragma in (*ONCE, *PRAGMAS):
                self._db.execute(f"PRAGMA {pragma}").fetchall()
            (generation,) = self._db.execute("PRAGMA user_version").fetchone()
            self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # which makes the log
            # Or whoever opens it next takes the log that an interrupted copy leaves for another file's.
            if self._hold is not None:
                log = files.identity(files.beside(self._hold.path, files.WAL))
                self._hold.keep(files.Record(self._hold.identity, log, (generation,), files.boot()))

    def fit(self, rows: list[Row]) -> list[Row]:
        return rows

    def put(self, table: sa.Table, rows: Sequence[Row], marks: Mapping[str, str]) -> None:
        names = [*table.c.keys()]
        values = ", ".join("?" * len(names))
        statement = f"INSERT INTO {quoted(table.name)} ({quoted(*names)}) VALUES ({values})"  # noqa: S608
        with said(self._path), self._transaction():
            try:
                self._db.executemany(statement, rows)
            except _REFUSED as error:
                raise Unfit(stretch(table, rows), str(error)) from None
            self._mark(marks)

    def _mark(self, marks: Mapping[str, str]) -> None:
        update = f"UPDATE {COPYING} SET value = ? WHERE name = ?"  # noqa: S608
        self._db.executemany(update, [(value, name) for name, value in marks.items()])

    def set_number(self, table: sa.Table, number: int) -> None:
        with said(self._path), self._transaction():
            self._db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
            if number:
                self._db.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, number)
                )

    def finish(self, revision: str) -> None:
        with said(self._path), self._transaction():
            self._db.execute(f"DROP TABLE {COPYING}")
            self._db.execute("UPDATE alembic_version SET version_num = ?", (revision,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # where the disk is full SQLite has undone it by itself
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        self._db.close()
        if self._hold is not None:
            self._hold.release()


@contextmanager
def said(path: Path) -> Iterator[None]:
    """What the file meets, in a sentence: `DatabaseError`."""
    try:
        yield
    except (sqlite3.Error, *FAILURES) as error:
        raise DatabaseError(f"{path}: {explained(error)}") from None
