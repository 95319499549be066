"""What one member does for all, written only while it is for this one to do.

Whoever was stopped in the middle of it, and comes back when another has it, writes nothing: each transaction
asks.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import sqlalchemy as sa

from daemon.core.ownership import HOUSE, Kind
from daemon.store.database import Database
from daemon.store.ownership import Ownership, Readable

LOST = "another member has this to do by now"


class OfHouse:
    """A database for who does this. What it is not ours to write fails as if the database were away."""

    def __init__(self, database: Database, ownership: Ownership) -> None:
        self._database = database
        self._ownership = ownership

    def read(self) -> AbstractContextManager[sa.Connection]:
        """As the database's."""
        return self._database.read()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """As the database's. Raises the store's error where another has the duty."""
        with self._database.write() as db:
            if not self._ownership.kept(db, Kind.DUTY, (HOUSE,)):
                raise sa.exc.OperationalError(None, None, sqlite3.OperationalError(LOST))
            yield db


def of_house(database: Database, ownership: Ownership) -> Readable:
    """The database itself, where there can be no other member."""
    return database if ownership.is_sole else OfHouse(database, ownership)
