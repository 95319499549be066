"""Who reads sees the store as it was when that began, and until it ends nothing that was written since can
leave the log (`-wal`) beside the file, which grows and grows. So none may last for ever.

One that was there at several looks in a row is ended: what it does at that moment fails, and so does all that
it does after. What was read by then is of one moment, and whole.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from daemon.store.backend import Backend
from daemon.store.location import FAILURES

MOST_LOOKS = 4
"""At which a read may be there; it is ended at the next."""


@dataclass(eq=False)
class _Read:
    driver: Any
    looks: int = 0
    is_ended: bool = False


class Reads:
    """Those of one database that are under way. Safe to call from any thread."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._under_way: set[_Read] = set()
        self._lock = threading.Lock()

    @contextmanager
    def one(self, db: sa.Connection) -> Iterator[None]:
        """A read over this connection; raises SQLAlchemy's OperationalError where it was ended."""
        read = _Read(db.connection.dbapi_connection)
        with self._lock:
            self._under_way.add(read)
        try:
            yield
        except FAILURES as error:
            if self._left(read):
                raise self._ended() from error
            raise
        finally:
            if self._left(read):
                db.invalidate()  # nothing can be read by it any more
        if read.is_ended:
            raise self._ended()

    def look(self) -> int:
        """End those that are there for too long. Returns how many."""
        ended = 0
        with self._lock:
            for read in self._under_way:
                read.looks += 1
                if read.looks > MOST_LOOKS and not read.is_ended:
                    read.is_ended = True
                    self._backend.end_read(read.driver)
                    ended += 1
        return ended

    def _left(self, read: _Read) -> bool:
        """Whether it was ended; from now on it is not any more."""
        with self._lock:
            self._under_way.discard(read)
            return read.is_ended

    def _ended(self) -> sa.exc.OperationalError:
        return sa.exc.OperationalError(None, None, sqlite3.OperationalError(self._backend.read_too_long))
