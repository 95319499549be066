"""The turn of who starts: one daemon of a database at a time, for each takes up what was left.

    held       the lock of who starts, by a session; it is free when that ends, however it ends
    silent     a session that says nothing for `SILENT` seconds is of a process that stands still (SIGSTOP, or
               a machine that was paused). As long as it is no member it has nothing in hand, and asks its
               session before it takes anything: that is ended, and the process fails where it goes on.
               Once it is a member it may be taking up what was left: it is waited for, and that is said

Seconds are those of who waits, by its monotonic clock: the server's may be set.
"""

from collections.abc import Callable
from typing import Protocol

import sqlalchemy as sa
import structlog

from daemon.store import ownership
from daemon.store.happened import Topic
from daemon.store.location import DatabaseError
from daemon.store.ownership import STARTING, Starter

log = structlog.get_logger()

LOOK_EVERY = 0.25
"""Seconds between two looks of who starts."""
SILENT = 30.0
TELL_EVERY = 60.0
WITHIN = 600.0
"""For which a start waits for those of others, each of which takes up what was left."""


class Session(Protocol):
    """A connection of one thread's own, on which each statement stands for itself."""

    db: sa.Connection

    def hold(self, lock: int) -> bool:
        """Take an advisory lock until the session ends. Returns whether nobody else had it."""

    def let_go(self, lock: int) -> None:
        """Give it back."""

    def wait(self, seconds: float) -> set[Topic]:
        """What others have committed; no longer than that until there is something."""

    def close(self) -> None:
        """End it."""


def take_turn(session: Session, monotonic: Callable[[], float]) -> None:
    """Wait for the lock of who starts, and hold it. Raises `DatabaseError` where it is not to be had, and
    whatever a database raises that is not there."""
    began = told = stirred = monotonic()
    last: Starter | None = None
    while not session.hold(STARTING):
        now, starter = monotonic(), ownership.starter(session.db)
        if starter != last:
            last, stirred = starter, now
        if starter is not None and now - stirred > SILENT and not starter.is_member:
            is_ended = ownership.end_starter(session.db, starter)
            log.warning("member.starter_ended", starter=str(starter), silent=SILENT, is_ended=is_ended)
            stirred = now
        if now - began > WITHIN:
            raise DatabaseError(f"{_about(starter, now - began)}; {_way_out(starter)}")
        if now - told > TELL_EVERY:
            log.warning("member.waits", reason=_about(starter, now - began), way_out=_way_out(starter))
            told = now
        session.wait(LOOK_EVERY)


def _about(starter: Starter | None, seconds: float) -> str:
    who = "another yemotd" if starter is None else f"another yemotd ({starter})"
    return f"{who} has been starting on this database for {seconds:.0f} s, and this one waits for it"


def _way_out(starter: Starter | None) -> str:
    pid = "…" if starter is None else starter.pid
    return (
        f"let that process go on (SIGCONT), kill it, or end its session: SELECT pg_terminate_backend({pid})"
    )
