"""SQLite: one file, which one daemon has for itself.

In WAL with `synchronous=FULL`: a commit that returned survives a power cut. Writers take the write lock when
they begin (`BEGIN IMMEDIATE`): a transaction that reads first and writes later would fail at once, without
waiting, if another had committed in between.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from daemon.store import files, prepared
from daemon.store.backend import BEGIN, Alone, Write
from daemon.store.location import BUSY_MILLISECONDS, CHECKPOINT, DatabaseError, file_of

LOG_BYTES = 64 * 1024 * 1024
"""Up to which the log may grow before it is begun anew on purpose."""
FRAMES_AT_ONCE = 2000
"""Pages of it that are brought into the file while writers wait; the others before."""
LOG_WITHIN_MS = 50
"""For which it waits for readers then, and writers with it."""
ONCE = (
    "auto_vacuum=INCREMENTAL",  # only counts before the first page is written
    "journal_mode=WAL",
)
"""Kept in the file. They want the write lock, so only the daemon sets them, when it opens."""
PRAGMAS = (
    f"busy_timeout={BUSY_MILLISECONDS}",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"journal_size_limit={LOG_BYTES}",
)
"""Of each connection."""


class Sqlite:
    """The form of `Backend` for a file, or for memory."""

    is_shared = False
    writing = "BEGIN IMMEDIATE"
    beside = writing
    most_turns = 32
    read_too_long = "it was read from for too long at a time, and the log beside the database grew"

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def is_lost(self, driver: Any) -> bool:
        """As SQLite does when its disk is full."""
        return not getattr(driver, "in_transaction", True)

    def is_spoiled(self, driver: Any) -> bool:
        """What fails is undone alone."""
        return False

    def changed(self, driver: Any) -> int:
        return int(getattr(driver, "total_changes", 0))

    def read(self) -> sa.Connection:
        return self._engine.connect()

    def let_write(self, db: sa.Connection) -> None:
        """It may."""

    def end_read(self, driver: sqlite3.Connection) -> None:
        """SQLite's own mutex keeps the two threads apart."""
        driver.interrupt()
        driver.rollback()
        driver.set_progress_handler(lambda: 1, 1)

    def tell(self, db: sa.Connection, payload: str) -> None:
        """There is nobody else."""

    def touch(self, db: sa.Connection) -> None:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")

    def shrink(self, alone: Alone, pages: int) -> bool:
        statement = f"PRAGMA incremental_vacuum({pages})"
        with alone() as get:
            driver = get()
            try:
                # As a script: `execute` stops after the first page. SQLAlchemy knows nothing of it.
                driver.executescript(statement)
                (left,) = driver.execute("PRAGMA freelist_count").fetchone()
            except sqlite3.Error as error:
                raise sa.exc.OperationalError(statement, None, error) from error
        return bool(left > 0)

    def shorten_log(self, alone: Alone) -> None:
        """SQLite does that by itself only in a moment in which nobody reads."""
        if self._log_bytes() <= LOG_BYTES:
            return
        try:
            with closing(self._engine.raw_connection()) as connection:
                cursor: Any = connection.cursor()
                _, frames, done = cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if frames - done <= FRAMES_AT_ONCE:
                    with alone():
                        _begin_log_anew(cursor)
        except sqlite3.Error as error:
            raise sa.exc.OperationalError(None, None, error) from error

    @contextmanager
    def opening(self, patience: timedelta) -> Iterator[None]:
        """Who has the file locked is alone; it is given the settings that stay with it, which a restored
        backup may have lost."""
        with closing(self._engine.raw_connection()) as connection:
            for pragma in ONCE:
                connection.cursor().execute(f"PRAGMA {pragma}")
        yield

    def upgrade(self, write: Write) -> None:
        from daemon.store import migrating  # noqa: PLC0415 - see there

        with write() as db:
            migrating.upgrade(db)

    def _log_bytes(self) -> int:
        path = file_of(str(self._engine.url))
        try:
            return files.beside(files.resolved(path), files.WAL).stat().st_size if path else 0
        except FileNotFoundError:
            return 0


def engine(url: sa.URL) -> sa.Engine:
    """Raises `DatabaseError` for what is no URL of a file."""
    pages = url.query.get(CHECKPOINT, "1000")
    if not (isinstance(pages, str) and pages.isdecimal()):
        raise DatabaseError(f"database: {CHECKPOINT} has to be a number of pages; 0: never")
    made = sa.create_engine(url.difference_update_query([CHECKPOINT]))
    prepare(made, f"{CHECKPOINT}={pages}")
    return made


def prepare(engine: sa.Engine, *more: str) -> None:
    """Let every connection have its settings, and every transaction begin as it should."""

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        for pragma in (*PRAGMAS, *more):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        prepared.begin(connection, connection.get_execution_options().get(BEGIN, "BEGIN"))


def _begin_log_anew(cursor: Any) -> None:
    """Where some reader still needs it, another time: who wants to write waits for this."""
    try:
        cursor.execute(f"PRAGMA busy_timeout={LOG_WITHIN_MS}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
