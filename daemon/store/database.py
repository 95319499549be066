"""One database: how it is opened, upgraded, and how transactions begin on it.

SQLite in WAL with `synchronous=FULL`: a commit that returned survives a power cut. Writers take the
write lock when they begin (`BEGIN IMMEDIATE`): a transaction that reads first and writes later would
fail at once, without waiting, if another had committed in between. Who else may use it, and what happens
while it is locked, says `locking.py`.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa

from daemon.store import backup, locking
from daemon.store.location import DatabaseError, copy_from_before, file_of, shown
from daemon.store.schema import REVISION

PAGES_AT_ONCE = 5000
"""Given back in one go, 20 MB of pages of 4 KiB: writers wait so long."""
BEGIN = "yemotd_begin"
ONCE = (
    "auto_vacuum=INCREMENTAL",  # only counts before the first page is written
    "journal_mode=WAL",
)
"""Kept in the file. They want the write lock, so only the daemon sets them, when it opens."""
PRAGMAS = (
    f"busy_timeout={locking.BUSY_MILLISECONDS}",
    "synchronous=FULL",
    "foreign_keys=ON",
    "journal_size_limit=67108864",
)
"""Of each connection."""
CHECKPOINT = "wal_autocheckpoint"
"""In a URL: after how many pages SQLite moves its log into the file. With 0 somebody else has to do it."""


class Database:
    """An open database. Functions of the store take a connection; they never begin nor commit."""

    def __init__(self, engine: sa.Engine, lock_file: int | None = None) -> None:
        self.engine = engine
        self._writing = engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
        self._one_writer = threading.Lock()
        self._lock_file = lock_file

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One writing transaction: committed at the end, rolled back by an exception.

        Threads of this process take turns here, in the order of asking, rather than in SQLite's
        busy handler, which sleeps.
        """
        with self._one_writer, self._writing.begin() as db:
            yield db

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One reading transaction: a consistent view, never in a writer's way."""
        with self.engine.connect() as db:
            yield db

    def shrink(self) -> None:
        """Give some free pages back to the file system."""
        if self.engine.dialect.name != "sqlite":
            return
        with self._one_writer, closing(self.engine.raw_connection()) as connection:
            # As a script: `execute` stops after the first page.
            connection.cursor().executescript(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")

    def close(self) -> None:
        """Close all connections, and let another process take the database over."""
        self.engine.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


def touch(db: sa.Connection) -> None:
    """Write something that changes nothing; raises SQLAlchemy's errors where nothing can be written."""
    db.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")


def revision(url: str) -> str | None:
    """The revision that an existing database is at; None: it is empty. Raises as `open_as_it_is`."""
    database, current = open_as_it_is(url)
    database.close()
    return current


def open_as_it_is(url: str) -> tuple[Database, str | None]:
    """Open a database that exists, of whatever revision, and say which.

    Raises `DatabaseError` where there is none, or it cannot be read.
    """
    path = file_of(url)
    if path is not None and not path.exists():
        raise DatabaseError(f"there is no database {path}; `yemotd run` creates it")
    database = Database(_engine(url))
    try:
        with _explained(url):
            return database, _revision(database)
    except DatabaseError:
        database.close()
        raise


def connect(url: str) -> Database:
    """Open a database for reading what a running daemon writes; nothing is created or upgraded.

    Raises `DatabaseError` where there is none, it cannot be read, or it is of another revision.
    """
    database, current = open_as_it_is(url)
    if current != REVISION:
        database.close()
        raise DatabaseError(
            f"{shown(url)} is at revision {current}, this program at {REVISION}; "
            "an older one is upgraded by `yemotd run`, a newer one needs a newer program"
        )
    return database


def open_for_daemon(url: str) -> Database:
    """Open the database as its one writer: create it, or upgrade it.

    Raises `DatabaseError` where another daemon runs on it, a newer one wrote it, or it cannot be written.
    """
    lock_file = locking.hold(url)
    try:
        database = Database(_engine(url), lock_file)
        with _explained(url):
            _keep(database)
            _upgrade(database)
    except BaseException:
        if lock_file is not None:
            os.close(lock_file)
        raise
    return database


def in_memory() -> Database:
    """A database for one thread that is gone with it: for `--dry-run` and tests."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    _prepare(engine)
    database = Database(engine)
    _upgrade(database)
    return database


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        engine = sa.create_engine(parsed.difference_update_query([CHECKPOINT]))
    except (sa.exc.ArgumentError, ModuleNotFoundError, ValueError) as error:
        raise DatabaseError(f"database = {shown(url)!r}: {error}") from None
    if engine.dialect.name == "sqlite":
        pages = parsed.query.get(CHECKPOINT, "1000")
        if not (isinstance(pages, str) and pages.isdecimal()):
            raise DatabaseError(f"database: {CHECKPOINT} has to be a number of pages; 0: never")
        _prepare(engine, f"{CHECKPOINT}={pages}")
    return engine


def _prepare(engine: sa.Engine, *more: str) -> None:
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        for pragma in (*PRAGMAS, *more):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))


def _keep(database: Database) -> None:
    """Give the file the settings that stay with it; a restored backup may have lost them."""
    if database.engine.dialect.name == "sqlite":
        with closing(database.engine.raw_connection()) as connection:
            for pragma in ONCE:
                connection.cursor().execute(f"PRAGMA {pragma}")


def _revision(database: Database) -> str | None:
    """The revision that the database is at; None: it is empty."""
    with database.read() as db:
        if not sa.inspect(db).has_table("alembic_version"):
            return None
        revision: str | None = db.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return revision


def _upgrade(database: Database) -> None:
    current = _revision(database)
    if current == REVISION:
        return
    from daemon.store import migrating  # noqa: PLC0415 - see there

    if not migrating.is_known(current):
        raise DatabaseError(
            f"{database.engine.url!r} was written by a newer yemotd (revision {current}); "
            "install that version or a later one, or restore the backup from before its upgrade"
        )
    if current is not None:
        _back_up_before(database, current)
    with database.write() as db:
        migrating.upgrade(db)


def _back_up_before(database: Database, current: str) -> None:
    """A copy beside the file, for whoever has to go back to the program before this one."""
    url = str(database.engine.url)
    path, copy = file_of(url), copy_from_before(url)
    if path is None or copy is None:
        return
    try:
        backup.backup(path, copy, replace=True)
    except backup.BackupError as error:
        raise DatabaseError(
            f"{path} has to be upgraded from revision {current}, and cannot be backed up before: {error}"
        ) from None


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        message = str(getattr(error, "orig", error))
        raise DatabaseError(f"{file_of(url) or shown(url)}: {_reason(message)}") from None


def _reason(message: str) -> str:
    ways: dict[str, str] = {
        "locked": "; another program holds it (a backup, a SQL shell): close that, and start again",
        "readonly": "; the user that runs yemotd must be able to write the file and its directory",
        "unable to open": "; its directory must exist and be writable for the user that runs yemotd",
        "not a database": "; the path leads to some other file",
    }
    return message + next((way for word, way in ways.items() if word in message), "")
