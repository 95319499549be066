"""One database: how it is opened, upgraded, and how transactions begin on it.

What SQLite and PostgreSQL do each in a way of its own says `backend.py`. Who else may use a file, and what
happens while it is locked, says `locking.py`; whether its files are still those that were opened,
`moorings.py`.
"""

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from daemon.core.wording import quoted
from daemon.store import creating, files, happened, locking, sqlite
from daemon.store.backend import BEGIN, Backend
from daemon.store.dialects import POSTGRESQL
from daemon.store.happened import Topic
from daemon.store.location import (
    CHECKPOINT,
    FAILURES,
    DatabaseError,
    ForbiddenError,
    away,
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

if TYPE_CHECKING:
    from daemon.store.session import Session

TRIES = 3
"""Of opening a file that becomes another one meanwhile."""
MOST_READERS = 14
"""At once. SQLAlchemy's pool has a connection more for each that writes: who would else wait for it with the
lock, and with him everybody who wants to write."""
READ_WITHIN = 30.0
"""Seconds that one more reader waits."""
OPENING_WITHIN = timedelta(minutes=10)
"""For which a start waits for another daemon that creates or upgrades the same database."""


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
        self._backend = _backend(engine)
        self.is_shared = self._backend.is_shared
        """Whether several daemons may use it at the same time."""
        self._turns = self._turns_of(self._backend.writing)
        self._beside = self._turns_of(self._backend.beside, is_beside=True) if self.is_shared else self._turns
        self.damage: str | None = None
        """What somebody met that no waiting mends; None: nobody did."""
        self._readers = threading.BoundedSemaphore(MOST_READERS)
        self._reads = Reads(self._backend)
        self.may_checkpoint = False
        """Whether it is on us to bring the log into the file."""
        self.token = secrets.token_hex(4)
        """What our own notices are known by among those of others."""

    def _turns_of(self, begin: str, *, is_beside: bool = False) -> Turns:
        engine = self.engine.execution_options(**{BEGIN: begin})
        return Turns(engine, self._check_moorings, self._backend, is_beside=is_beside)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One writing transaction: committed at the end, rolled back by an exception. One on a file that is
        not there any more, or another by now, fails as one on a disk that is full.

        It is alone, of all daemons' on the same database, too: whatever it reads is so until it is committed.
        Threads of this process take turns here, rather than in SQLite's busy handler, which sleeps; and those
        who wait for each other are committed together (`turns.py`).

        Where the connection is lost while a server commits, it is asked whether it did, by the events of the
        transaction. Of one without events, or where it does not answer soon, nobody knows: that is a failure
        as well. Nobody is told of what may be gone that it is safe; so who tries again has to judge by what
        is stored.
        """
        with self._noticing(), self._turns.write() as db:
            yield db
            topics = self._told(db)
        if Topic.EVENTS in topics:
            self.on_events()

    @contextmanager
    def write_beside(self) -> Iterator[sa.Connection]:
        """The same for what writes only rows that nobody else writes, and no events: on a server it goes on
        beside its like of other daemons, but never beside a `write`. On a file it is a `write`."""
        with self._noticing(), self._beside.write() as db:
            yield db
            self._told(db)

    def _told(self, db: sa.Connection) -> frozenset[Topic]:
        """What there is in a transaction that somebody waits for; other daemons hear of it by the commit."""
        topics = happened.taken(db)
        if topics and self.is_shared:
            self._backend.tell(db, " ".join([self.token, *sorted(topics)]))
        return topics

    def session(self) -> "Session":
        """A connection of one's own to a server, by which other daemons are heard. Raises SQLAlchemy's
        errors, and `DatabaseError` for a file, where there are no others."""
        if not self.is_shared:
            raise DatabaseError(f"{shown(str(self.engine.url))} is one daemon's alone")
        from daemon.store.session import Session  # noqa: PLC0415 - brings the driver

        return Session(self.engine, self.token)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One reading transaction: a consistent view, never in a writer's way.

        Raises SQLAlchemy's TimeoutError where too many others read, and OperationalError where it lasts for
        so long that `tend_log` ends it, or a server does.
        """
        if not self._readers.acquire(timeout=READ_WITHIN):
            raise sa.exc.TimeoutError(f"{MOST_READERS} others read, and none has ended in {READ_WITHIN:g} s")
        try:
            with self._noticing(), self._backend.read() as db, self._reads.one(db):
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

    @contextmanager
    def rehearsal(self) -> Iterator[sa.Connection]:
        """One transaction whose writing is never committed, whatever comes of it. Raises as `read`."""
        with self.read() as db:
            self._backend.let_write(db)
            try:
                yield db
            finally:
                db.rollback()

    def shrink(self, pages: int) -> bool:
        """Give some free pages back to the file system: at most so many, for which writers wait. Returns
        whether there are more. Fails as `write` does."""
        return self._backend.shrink(self._alone, pages)

    def tend_log(self) -> int:
        """Keep the log beside the file from growing without end; to be called again and again.

        Ends what reads for too long, and where the log is long nevertheless, brings it into the file and
        begins it anew. Returns how many reads it has ended. Fails as `write` does.
        """
        ended = self._reads.look()
        if self.may_checkpoint and self._readers.acquire(blocking=False):
            try:
                self._backend.shorten_log(self._alone)
            finally:
                self._readers.release()
        return ended

    @contextmanager
    def _alone(self) -> Iterator[Callable[[], Any]]:
        with self._turns.alone():
            self._check_moorings()
            yield self._turns.driver

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
        self._beside.close()
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
    _backend(db.engine).touch(db)


def _backend(engine: sa.Engine) -> Backend:
    if engine.dialect.name != POSTGRESQL:
        return sqlite.Sqlite(engine)
    from daemon.store import postgresql  # noqa: PLC0415 - brings the driver, and a dialect

    return postgresql.Postgresql(engine)


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
        try:
            with _explained(url):
                _refuse_anothers(database, current)
        finally:
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
            if hold and (table := files.table_of_another(hold.path)):
                raise DatabaseError(_is_anothers(hold.path, table))  # before anything is done to it
            found = _secured(hold.path) if hold else None
            engine = _engine(url)
            moorings = moored(hold, found, locking.failing(url)) if hold and found else None
            database = Database(engine, moorings)
            database.may_checkpoint = _is_checkpointing(url)
            if moorings is not None:
                moorings.guard(engine)
            with database._backend.opening(OPENING_WITHIN):
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
        raise DatabaseError(f"{away(path)}{under}; `yemotd run` creates it")
    if path.is_dir():
        raise DatabaseError(f"{path}: unable to open database file: it is a folder")
    if reason := why_not(path):
        raise ForbiddenError(f"{path}: {reason}")
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
    sqlite.prepare(engine)
    database = Database(engine)
    _upgrade(database)
    return database


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != POSTGRESQL:
            return sqlite.engine(parsed)
        from daemon.store import postgresql  # noqa: PLC0415 - see `_backend`

        return postgresql.engine(parsed)
    except (sa.exc.ArgumentError, ImportError, ValueError) as error:
        raise DatabaseError(f"database = {shown(url)!r}: {error}") from None


def _revision(database: Database) -> str | None:
    """The revision that the database is at; None: it is empty."""
    with database.read() as db:
        if not sa.inspect(db).has_table("alembic_version"):
            return None
        revision: str | None = db.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if revision == creating.COPYING:
        raise DatabaseError(
            f"{database.engine.url!r} holds a copy that is not complete: call `yemotd db copy` with the same "
            "words as before, and it goes on"
        )
    return revision


def _upgrade(database: Database) -> str | None:
    """Make it as new as this program. Returns the revision that it was at."""
    current = _revision(database)
    if current == REVISION:
        return current
    _refuse_anothers(database, current)
    if current is None:
        with database.write() as db:
            creating.create(db)
        return None
    from daemon.store import migrating  # noqa: PLC0415 - see there

    if not migrating.is_known(current):
        raise DatabaseError(
            f"{shown(str(database.engine.url))} was written by a newer yemotd (revision {current}); "
            "install that version or a later one, or restore the backup from before its upgrade"
        )
    _back_up_before(database, current)
    database._backend.upgrade(database.write)
    return current


def _refuse_anothers(database: Database, current: str | None) -> None:
    """Raises `DatabaseError` for a database of another program's, to which ours must not add its tables."""
    url = str(database.engine.url)
    path, is_server = file_of(url), database.engine.dialect.name == POSTGRESQL
    if (path is None and not is_server) or (current is not None and files.is_of_ours(current)):
        return
    with database.read() as db:
        tables = [one for one in sa.inspect(db).get_table_names() if one != files.REVISIONS]
        if is_server and tables:
            tables = _without_extensions(db, tables)
    if not tables or (is_server and _is_made_by_now(database)):
        return
    raise DatabaseError(
        _is_anothers(shown(url) if path is None else str(path), tables[0], is_server=is_server)
    )


def _without_extensions(db: sa.Connection, tables: list[str]) -> list[str]:
    """Those of them that no extension has brought with it."""
    from daemon.store import postgresql  # noqa: PLC0415 - see `_backend`

    brought = postgresql.tables_of_extensions(db)
    return [one for one in tables if one not in brought]


def _is_made_by_now(database: Database) -> bool:
    """Whether another daemon has made it ours since the revision was read."""
    current = _revision(database)
    return current is not None and files.is_of_ours(current)


def _is_anothers(where: object, table: str, *, is_server: bool = False) -> str:
    way_out = "make a database for yemotd alone" if is_server else "name a file of its own"
    return f"{where} is another program's database (it has a table {quoted(table)}): {way_out}"


def _back_up_before(database: Database, current: str) -> None:
    """A copy beside the file, for whoever has to go back to the program before this one."""
    url = str(database.engine.url)
    path, copy = file_of(url), copy_from_before(url)
    if path is None or copy is None:
        return
    from daemon.store import backup  # noqa: PLC0415 - an upgrade alone makes one

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
