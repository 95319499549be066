"""One database: how it is opened, upgraded, and how transactions begin on it.

SQLite in WAL with `synchronous=FULL`: a commit that returned survives a power cut. Writers take the
write lock when they begin (`BEGIN IMMEDIATE`): a transaction that reads first and writes later would
fail at once, without waiting, if another had committed in between. Who else may use it, and what happens
while it is locked, says `locking.py`; whether its files are still those that were opened, `moorings.py`.
"""

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from daemon.store import backup, creating, files, happened, locking, prepared
from daemon.store.location import (
    BUSY_MILLISECONDS,
    CHECKPOINT,
    FAILURES,
    DatabaseError,
    copy_from_before,
    explained,
    file_of,
    is_damage,
    is_there,
    shown,
    why_not,
)
from daemon.store.locking import Failing
from daemon.store.moorings import Found, Moorings, moored
from daemon.store.reads import Reads
from daemon.store.schema import REVISION
from daemon.store.turns import Turns

TRIES = 3
"""Of opening a file that becomes another one meanwhile."""
MOST_READERS = 14
"""At once. SQLAlchemy's pool has 15 connections: one is always left for the writer, who would else wait for
it with the lock, and with him everybody who wants to write."""
READ_WITHIN = 30.0
"""Seconds that one more reader waits."""
LOG_BYTES = 64 * 1024 * 1024
"""Up to which the log may grow before it is begun anew on purpose."""
FRAMES_AT_ONCE = 2000
"""Pages of it that are brought into the file while writers wait; the others before."""
LOG_WITHIN_MS = 50
"""For which it waits for readers then, and writers with it."""
BEGIN = "yemotd_begin"
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


class Database:
    """An open database. Functions of the store take a connection; they never begin nor commit."""

    def __init__(self, engine: sa.Engine, moorings: Moorings | None = None) -> None:
        self.engine = engine
        self.moorings = moorings
        """What a daemon holds of its file; None: it is not the daemon's own, or a server's."""
        self.found_at: str | None = None
        """The revision that a daemon found it at; None: it was empty."""
        self.on_events: Callable[[], None] = lambda: None
        """Called after every commit that wrote events, by the thread that committed; it must not wait."""
        self._turns = Turns(engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"}), self._check_moorings)
        self.damage: str | None = None
        """What somebody met that no waiting mends; None: nobody did."""
        self._readers = threading.BoundedSemaphore(MOST_READERS)
        self._reads = Reads()
        self.may_checkpoint = False
        """Whether it is on us to bring the log into the file."""

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One writing transaction: committed at the end, rolled back by an exception. One on a file that is
        not there any more, or another by now, fails as one on a disk that is full.

        Threads of this process take turns here, rather than in SQLite's busy handler, which sleeps; and those
        who wait for each other are committed together (`turns.py`).
        """
        with self._noticing(), self._turns.write() as db:
            yield db
            has_events = happened.taken(db)
        if has_events:
            self.on_events()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One reading transaction: a consistent view, never in a writer's way.

        Raises SQLAlchemy's TimeoutError where too many others read, and OperationalError where it lasts for
        so long that `tend_log` ends it.
        """
        if not self._readers.acquire(timeout=READ_WITHIN):
            raise sa.exc.TimeoutError(f"{MOST_READERS} others read, and none has ended in {READ_WITHIN:g} s")
        try:
            with self._noticing(), self.engine.connect() as db, self._reads.one(db):
                yield db
        finally:
            self._readers.release()

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Remember that a part of the file is broken, whoever met it: what is written elsewhere goes well."""
        try:
            yield
        except FAILURES as error:
            if is_damage(error):
                self.damage = explained(error)
            raise

    def shrink(self, pages: int) -> bool:
        """Give some free pages back to the file system: at most so many, for which writers wait. Returns
        whether there are more. Fails as `write` does."""
        if self.engine.dialect.name != "sqlite":
            return False
        statement = f"PRAGMA incremental_vacuum({pages})"
        with self._turns.alone():
            self._check_moorings()
            try:
                # As a script: `execute` stops after the first page. SQLAlchemy knows nothing of it.
                driver = self._turns.driver()
                driver.executescript(statement)
                (left,) = driver.execute("PRAGMA freelist_count").fetchone()
            except sqlite3.Error as error:
                raise sa.exc.OperationalError(statement, None, error) from error
        return bool(left > 0)

    def tend_log(self) -> int:
        """Keep the log beside the file from growing without end; to be called again and again.

        Ends what reads for too long, and where the log is long nevertheless, brings it into the file and
        begins it anew: SQLite does that by itself only in a moment in which nobody reads. Returns how many
        reads it has ended. Fails as `write` does.
        """
        if self.engine.dialect.name != "sqlite":
            return 0
        ended = self._reads.look()
        if self.may_checkpoint and self._log_bytes() > LOG_BYTES and self._readers.acquire(blocking=False):
            try:
                self._shorten_log()
            finally:
                self._readers.release()
        return ended

    def _shorten_log(self) -> None:
        try:
            with closing(self.engine.raw_connection()) as connection:
                cursor: Any = connection.cursor()
                _, frames, done = cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if frames - done <= FRAMES_AT_ONCE:
                    with self._turns.alone():
                        self._check_moorings()
                        self._begin_log_anew(cursor)
        except sqlite3.Error as error:
            raise sa.exc.OperationalError(None, None, error) from error

    def _begin_log_anew(self, cursor: Any) -> None:
        """Where some reader still needs it, another time: who wants to write waits for this."""
        try:
            cursor.execute(f"PRAGMA busy_timeout={LOG_WITHIN_MS}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")

    def _log_bytes(self) -> int:
        path = file_of(str(self.engine.url))
        try:
            return files.beside(files.resolved(path), files.WAL).stat().st_size if path else 0
        except FileNotFoundError:
            return 0

    def let_go(self) -> str | None:
        """Once it was found that the files are not the same any more: bring what was committed to safety, and
        keep the old log from the new file. Returns what was done, for the log; None: nothing was to be."""
        if self.moorings is None:
            return None
        with self._turns.alone():
            return self.moorings.let_go()

    @property
    def is_adrift(self) -> bool:
        """Whether only another process may open what has the name of the database by now."""
        return self.moorings is not None and self.moorings.is_adrift

    @property
    def failing(self) -> Failing | None:
        """What is written down beside the file of its not being writable; at first, by the daemon before."""
        return self.moorings.failing if self.moorings is not None else None

    @failing.setter
    def failing(self, failing: Failing | None) -> None:
        if self.moorings is not None:
            self.moorings.failing = failing

    def close(self) -> None:
        """Close all connections, and let another process take the database over.

        Not where its files are others by now: SQLite would write its log into the new one, and remove that
        of whoever uses it. The process ends soon, and then nothing of it is written.
        """
        if self.is_adrift:
            return
        self._turns.close()
        self.engine.dispose()
        if self.moorings is not None:
            self.moorings.close()

    def trouble(self) -> str | None:
        """Why nothing may be written to the file that has the name of the database; None: it is the same."""
        return self.moorings.trouble() if self.moorings is not None else None

    def _check_moorings(self) -> None:
        if trouble := self.trouble():
            raise sa.exc.OperationalError(None, None, sqlite3.OperationalError(trouble))


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
    check_file(url)
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
            f"{shown(url)} is at {f'revision {current}' if current else 'no revision'}, this program at "
            f"{REVISION}; "
            "an older one is upgraded by `yemotd run`, a newer one needs a newer program"
        )
    return database


def open_for_daemon(url: str) -> Database:
    """Open the database as its one writer: create it, or upgrade it.

    Raises `DatabaseError` where another daemon runs on it, a newer one wrote it, or it cannot be written.
    """
    for _ in range(TRIES):
        database = _open_for_daemon(url)
        if database is not None:
            return database
    raise DatabaseError(f"{file_of(url)} is being replaced; start again when that is over")


def _open_for_daemon(url: str) -> Database | None:
    """None: the file is another one than when it was locked."""
    hold = locking.hold(url)
    engine, moorings = None, None
    try:
        with _explained(url):
            found = _secured(hold.path) if hold else None
            engine = _engine(url)
            moorings = moored(hold, found, locking.failing(url)) if hold and found else None
            database = Database(engine, moorings)
            database.may_checkpoint = _is_checkpointing(url)
            if moorings is not None:
                moorings.guard(engine)
            _keep(database)
            database.found_at = _upgrade(database)
            if moorings is None or moorings.fasten(_token(), may_checkpoint=_is_checkpointing(url)):
                return database
        database.close()
    except BaseException:
        if engine is not None:
            engine.dispose()
        if moorings is not None:
            moorings.close()
        elif hold is not None:
            hold.release()
        raise
    return None


def guard(path: Path) -> None:
    """Raises `DatabaseError` where a database must not be opened beside its daemon, or before it: the file
    was replaced, and what is in the log beside it belongs to the one before."""
    path = files.resolved(path)
    record = locking.record_of(path)
    log = files.identity(files.beside(path, files.WAL))
    found = files.identity(path)
    if record is None or log is None or found is None:
        return
    if files.is_foreign(record, found, log, files.generation(path)):
        holder = locking.holder(f"sqlite:///{path}")
        raise DatabaseError(
            f"{path} was replaced under the daemon (process {holder}), which writes nothing any more and ends"
            " shortly; then try again"
            if holder
            else f"the -wal beside {path} is of another database, which was there before; `yemotd run` and "
            "`yemotd db upgrade` set it aside"
        )


def check_file(url: str) -> None:
    """Raises `DatabaseError` where there is no database, this user cannot use it, or it must not be opened
    now; nothing is opened by it."""
    path = file_of(url)
    if path is None:
        return
    if not is_there(path):
        holder = locking.holder(url)
        under = f", which was removed under the daemon that runs (process {holder})" if holder else ""
        raise DatabaseError(f"there is no database {path}{under}; `yemotd run` creates it")
    if reason := "unable to open database file: it is a folder" if path.is_dir() else why_not(path):
        raise DatabaseError(f"{path}: {reason}")
    try:
        guard(path)
    except OSError as error:
        raise DatabaseError(f"{path}: {error.strerror}") from None


def _secured(path: Path) -> Found:
    """Before SQLite opens it: nobody else can read it, and the log beside it is its own."""
    narrowed, kept = tuple(files.narrow(path)), None
    record = locking.record_of(path)
    log, found = files.identity(files.beside(path, files.WAL)), files.identity(path)
    if record and log and found and files.is_foreign(record, found, log, files.generation(path)):
        kept = files.set_aside(files.beside(path, files.WAL))
        files.beside(path, files.SHM).unlink(missing_ok=True)
    return Found(narrowed, kept, path.stat().st_nlink)


def _token() -> int:
    """A generation: a positive number of 31 bits, which no other file has."""
    return secrets.randbits(30) + 1


def _is_checkpointing(url: str) -> bool:
    return sa.make_url(url).query.get(CHECKPOINT) != "0"


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
        prepared.begin(connection, connection.get_execution_options().get(BEGIN, "BEGIN"))


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


def _upgrade(database: Database) -> str | None:
    """Make it as new as this program. Returns the revision that it was at."""
    current = _revision(database)
    if current == REVISION:
        return current
    if current is None:
        with database.write() as db:
            creating.create(db)
        return None
    from daemon.store import migrating  # noqa: PLC0415 - see there

    if not migrating.is_known(current):
        raise DatabaseError(
            f"{database.engine.url!r} was written by a newer yemotd (revision {current}); "
            "install that version or a later one, or restore the backup from before its upgrade"
        )
    _back_up_before(database, current)
    with database.write() as db:
        migrating.upgrade(db)
    return current


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
    except (*FAILURES, sqlite3.Error) as error:
        raise DatabaseError(f"{file_of(url) or shown(url)}: {explained(error)}") from None
    except OSError as error:
        raise DatabaseError(f"{error.filename or file_of(url)}: {error.strerror}") from None
