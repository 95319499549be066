"""Which sessions were ended before their time: a cookie that somebody copied ends with its session.

That is asked at every request, so it is held in memory, and written down for the next daemon. There is no
time in it: a clock that is set, forward and back, brings no session to life again. What is held is bounded
all the same: where very many sessions of a token were ended, all of them are, and the count begins anew.
"""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import replace

import structlog

from daemon.store import ended_sessions
from daemon.store.database import Database
from daemon.store.ended_sessions import Ended
from daemon.store.location import FAILURES, reason

log = structlog.get_logger()

MOST = 1000
"""Sessions of one token that were ended, and are held."""


class SignedOut:
    """Of all tokens. Safe to call from any thread; what ends something writes, and may wait for the store."""

    def __init__(self, database: Database | None = None) -> None:
        """`database`: where it is written down; None: nowhere."""
        self._database = database
        self._changing = threading.Lock()
        self._ended: Mapping[str, Ended] = {}
        self._unwritten: set[str] = set()
        """Marks of tokens of which the store knows less than we do."""
        self._is_loaded = database is None
        try:
            self.load()
        except FAILURES as error:
            log.error("sessions.unknown", error=reason(error))

    def load(self) -> None:
        """Read what was written down, unless that was done. Raises what the store raises."""
        if self._is_loaded or self._database is None:
            return
        with self._database.read() as db:
            self._ended = ended_sessions.load(db)
        self._is_loaded = True

    def generation(self, mark: str) -> int:
        """With which the sessions of a token begin now."""
        return self._of(mark).generation

    def counts(self, mark: str, generation: int, session: str) -> bool:
        """Whether a session goes on. None does while it is not known which have ended."""
        held = self._of(mark)
        return self._is_loaded and generation == held.generation and _hash(session) not in held.sessions

    def end(self, mark: str, session: str) -> bool:
        """End a session; whether it is written down, and so outlasts this process."""
        with self._changing:
            held = self._of(mark)
            sessions = held.sessions | {_hash(session)}
            self._take(mark, replace(held, sessions=sessions) if len(sessions) <= MOST else _next(held))
            return self._write(mark)

    def end_all(self, mark: str) -> bool:
        """End all sessions of a token; whether it is written down."""
        with self._changing:
            self._take(mark, _next(self._of(mark)))
            return self._write(mark)

    def _of(self, mark: str) -> Ended:
        return self._ended.get(mark, Ended())

    def _take(self, mark: str, ended: Ended) -> None:
        self._ended = {**self._ended, mark: ended}
        self._unwritten.add(mark)

    def _write(self, mark: str) -> bool:
        """Together with what could not be written before."""
        if self._database is None:
            return True
        try:
            with self._database.write() as db:
                for one in self._unwritten:
                    ended_sessions.save(db, one, self._of(one))
        except FAILURES as error:
            log.error("sessions.not_ended_for_good", error=reason(error))
            return False
        self._unwritten.clear()
        return mark not in self._unwritten


def _next(held: Ended) -> Ended:
    return Ended(held.generation + 1)


def _hash(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()[:32]
