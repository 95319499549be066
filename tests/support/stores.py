"""Stores for tests: copies of one that was migrated, at a fiftieth of what it costs to migrate each.

Tests of opening, upgrading and migrating make theirs as the daemon does.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from daemon.store import database as databases
from daemon.store import migrating
from daemon.store.database import Database

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


def in_memory() -> Database:
    """A store for one thread, as `databases.in_memory` makes it."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    databases._prepare(engine)
    _driver(engine).deserialize(_migrated_in_memory())
    return Database(engine)


def on_file(path: Path) -> Database:
    """A store as the daemon opens it; where there is no file, a new one."""
    if not path.exists():
        path.write_bytes(_migrated_on_file())
    return databases.open_for_daemon(f"sqlite:///{path}")


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
