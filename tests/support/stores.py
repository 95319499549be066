"""Stores for tests: copies of one that was migrated, at a fiftieth of what it costs to migrate each.

`new` and `at` make one on the engine that the test runs on (the fixture `engine`): in SQLite, or on a real
PostgreSQL. `in_memory` and `on_file` are SQLite always. Tests of opening, upgrading and migrating make theirs
as the daemon does.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import sqlalchemy as sa

from daemon.store import database as databases
from daemon.store import migrating, sqlite
from daemon.store.database import Database
from tests.support import postgresql

SQLITE, POSTGRESQL, NONE = "sqlite", "postgresql", "none"

SYNCS, OFF = "synchronous", "OFF"
PATIENT = "?options=-c%20idle_in_transaction_session_timeout%3D60s"
"""Of a test that keeps a store in its own process: a machine that stands still for seconds in a transaction
ends no test. Those of processes, and of the bound itself, have the store's own."""
FAILING = (
    sa.exc.OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked")),
    sa.exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached"),
)
"""How a store fails: its errors have no base of their own."""


class Failing(Database):
    """A store that nobody can use at present."""

    def __init__(self, error: Exception) -> None:
        super().__init__(sa.create_engine("sqlite://"))
        self._error = error

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        self._fail()
        yield self.engine.connect()

    write = read

    def _fail(self) -> None:
        raise self._error


class _Engine:
    """What the stores of a test are made on, and those that it has on PostgreSQL. `NONE`: it has to say."""

    name = SQLITE
    opened: ClassVar[list[Database]] = []
    places: ClassVar[dict[Path, str]] = {}


@contextmanager
def on_engine(name: str) -> Iterator[None]:
    """One test: what it opens on PostgreSQL is closed and cleared away after it."""
    before, _Engine.name = _Engine.name, name
    try:
        yield
    finally:
        _Engine.name = before
        while _Engine.opened:
            _Engine.opened.pop().close()
        if name == POSTGRESQL:
            _Engine.places.clear()
            postgresql.this_run().take_back_all()


def is_on_postgresql() -> bool:
    """Whether the test that runs now does so on PostgreSQL."""
    assert _Engine.name != NONE, "which engine? let the test use the fixture `engine`"
    return _Engine.name == POSTGRESQL


def new() -> Database:
    """An empty store of the test's engine; it is gone once it is closed. In SQLite it is for one thread."""
    if not is_on_postgresql():
        return in_memory()
    url = postgresql.url()
    one = _opened(url)
    close = one.close

    def close_for_good() -> None:
        one.close = close  # type: ignore[method-assign] # it is closed once more, maybe
        if one in _Engine.opened:  # else its test is over
            _Engine.opened.remove(one)
        close()
        postgresql.this_run().take_back(url)

    one.close = close_for_good  # type: ignore[method-assign] # it is of the test alone
    return one


def at(path: Path) -> Database:
    """The store of that name as the daemon opens it, on the test's engine; where there is none, a new one."""
    return _opened(url_at(path)) if is_on_postgresql() else on_file(path)


def url_at(path: Path) -> str:
    """Of the store of that name, on the test's engine; in SQLite it is made by who opens it."""
    if not is_on_postgresql():
        return f"sqlite:///{path}"
    if path not in _Engine.places:
        _Engine.places[path] = postgresql.url()
    return _Engine.places[path]


def forget(path: Path) -> None:
    """A store of that name is needed no more; it is closed."""
    if path in _Engine.places:
        postgresql.this_run().take_back(_Engine.places.pop(path))


def empty(db: sa.Connection, *tables: str) -> None:
    """Make these tables as they were when the store was new; those that lead to others before them."""
    if db.dialect.name == POSTGRESQL:
        db.exec_driver_sql(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
        return
    for table in (*tables, "sqlite_sequence"):
        db.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - the test's own


REFUSING = {
    SQLITE: "CREATE TRIGGER refused BEFORE {what} BEGIN SELECT RAISE(FAIL, 'full'); END",
    POSTGRESQL: """
        CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN RAISE disk_full USING MESSAGE = ''full''; END';
        CREATE TRIGGER refused BEFORE {what} FOR EACH ROW EXECUTE FUNCTION refused()
    """,
}
ACCEPTING = {SQLITE: "DROP TRIGGER refused", POSTGRESQL: "DROP FUNCTION refused CASCADE"}


@contextmanager
def refusing(database: Database, what: str) -> Iterator[None]:
    """A store in which something cannot be written ("INSERT ON events"), as where the disk is full."""
    engine = database.engine.dialect.name
    with database.write() as db:
        db.exec_driver_sql(REFUSING[engine].format(what=what))
    try:
        yield
    finally:
        with database.write() as db:
            db.exec_driver_sql(ACCEPTING[engine])


def _opened(url: str) -> Database:
    one = databases.open_for_daemon(url + PATIENT)
    _Engine.opened.append(one)
    return one


def in_memory() -> Database:
    """A store for one thread, as `databases.in_memory` makes it."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    sqlite.prepare(engine)
    _driver(engine).deserialize(_migrated_in_memory())
    return Database(engine)


def on_file(path: Path) -> Database:
    """A store as the daemon opens it, but that no commit waits for the disk, which is most of what a story
    takes: whoever opens it sees the same, be it after a kill. Where there is no file, a new one."""
    if not path.exists():
        path.write_bytes(_migrated_on_file())
    database = databases.open_for_daemon(f"sqlite:///{path}")
    sa.event.listen(database.engine, "checkout", _without_syncs)
    return database


def _without_syncs(connection: sqlite3.Connection, record: Any, _proxy: object) -> None:
    if record.info.get(SYNCS) != OFF:
        connection.execute(f"PRAGMA {SYNCS}={OFF}")
        record.info[SYNCS] = OFF


@cache
def _migrated_in_memory() -> bytes:
    with closing(databases.in_memory()) as one:
        return _driver(one.engine).serialize()


@cache
def _migrated_on_file() -> bytes:
    """A file that a daemon left: with the settings that are kept in it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        databases.open_for_daemon(f"sqlite:///{path}").close()
        return path.read_bytes()


def _driver(engine: sa.Engine) -> sqlite3.Connection:
    """The connection in memory, which is the only one."""
    with closing(engine.raw_connection()) as pooled:
        connection = pooled.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection


def upgraded() -> sa.Engine:
    """An empty one that has gone through all migrations, for one thread."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.begin() as db:
        migrating.upgrade(db)
    return engine
