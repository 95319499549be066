"""Mails to one server, one after the other, over a connection that is kept for the next ones.

A refused login is remembered: an account that is asked for too often with a wrong password gets locked.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from daemon.core.delivery.outcome import Outcome, Phases
from daemon.core.durations import MINUTE
from daemon.senders.smtp import Connection, Failed, InDoubt, Mail, Reach, Server, Tired, TooLarge
from daemon.senders.smtp_socket import Stopwatch

LOGIN_WAITS = (MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE)
"""After each refusal of the login in a row; the last one repeats."""


class Carried(NamedTuple):
    """How it went with one mail."""

    outcome: Outcome
    started_at: datetime
    error: str | None = None
    reach: Reach = Reach.MAIL
    """Whom a failure concerns."""
    phases: Phases = Phases()
    address: str | None = None
    is_too_large: bool = False
    """A smaller mail would have been taken."""
    most: int | None = None
    """Bytes of one that would be, where the server says so."""

    @property
    def is_over(self) -> bool:
        """Whether other mails need not be tried now."""
        return self.reach in (Reach.SERVER, Reach.LOGIN)


@dataclass(frozen=True)
class _Refusal:
    """The server did not let us in."""

    times: int
    until: float
    """On the monotonic clock."""
    error: str


class Courier:
    """For one server, and one thread; `break_off` is for all. A server that changes gets a new courier."""

    def __init__(
        self,
        server: Server | None,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        idle: timedelta,
    ) -> None:
        self._server = server
        self._now = now
        self._monotonic = monotonic
        self._idle = idle.total_seconds()
        self._connection: Connection | None = None
        self._address: str | None = None
        self._rested_since = 0.0
        self._refusal: _Refusal | None = None
        self._lock = threading.Lock()
        self._is_broken_off = False

    def carry(self, mail: Mail) -> Carried:
        """Hand a mail over to the server, within its timeout."""
        started_at = self._now()
        if self._server is None:
            return Carried(Outcome.FAILED, started_at, "there is no [smtp] to send it by", Reach.SERVER)
        if self._refusal and self._monotonic() < self._refusal.until:
            return Carried(Outcome.FORBIDDEN, started_at, self._refusal.error, Reach.LOGIN)
        watch = Stopwatch(self._monotonic, self._server.timeout)
        self._address = None
        try:
            self._deliver(mail, self._server, watch)
        except Failed as failed:
            return self._failed(failed, started_at, watch)
        finally:
            self._rested_since = self._monotonic()
        self._refusal = None
        return Carried(Outcome.ACCEPTED, started_at, phases=watch.phases(), address=self._address)

    @property
    def patience(self) -> float | None:
        """Seconds until the connection has rested enough; None where there is none."""
        if self._connection is None:
            return None
        return max(self._rested_since + self._idle - self._monotonic(), 0)

    def rest(self) -> None:
        """Take leave of the server, if there is a connection."""
        if self._connection is not None:
            self._connection.quit(Stopwatch(self._monotonic, MINUTE))
            self.drop()

    def drop(self) -> None:
        """Hang up."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def break_off(self) -> None:
        """End whatever is under way, and begin nothing more; callable from every thread."""
        with self._lock:
            self._is_broken_off = True
            if self._connection is not None:
                self._connection.break_off()

    def _failed(self, failed: Failed, started_at: datetime, watch: Stopwatch) -> Carried:
        if failed.reach not in (Reach.MAIL, Reach.RECIPIENT):
            self.drop()
        error = self._remember(failed.error) if failed.reach is Reach.LOGIN else failed.error
        carried = Carried(failed.outcome, started_at, error, failed.reach, watch.phases(), self._address)
        if isinstance(failed, TooLarge):
            return carried._replace(is_too_large=True, most=failed.most)
        return carried

    def _deliver(self, mail: Mail, server: Server, watch: Stopwatch) -> None:
        kept = self._kept(watch)
        try:
            self._hand_over(mail, kept or self._opened(server, watch))
        except (InDoubt, Tired) as failed:
            if isinstance(failed, Tired) and kept is None:
                raise
            # Not again the mail: the same one, by its Message-ID. Receivers that got both can tell.
            self.drop()
            self._hand_over(mail, self._opened(server, watch))

    def _hand_over(self, mail: Mail, connection: Connection) -> None:
        self._address = connection.address
        connection.deliver(mail)

    def _kept(self, watch: Stopwatch) -> Connection | None:
        """The connection of the mail before, if its other end is still there."""
        if self._connection and self.patience and self._connection.is_ready(watch):
            return self._connection
        self.drop()
        return None

    def _opened(self, server: Server, watch: Stopwatch) -> Connection:
        connection = Connection(server, watch)
        with self._lock:
            if self._is_broken_off:
                raise Failed(Outcome.UNREACHABLE, "broken off", Reach.SERVER)
            self._connection = connection
        try:
            connection.open()
        finally:
            self._address = connection.address
        if server.username is not None:
            self._refusal = None
        return connection

    def _remember(self, error: str) -> str:
        """Note that the login was refused; the words for everybody until it is tried again."""
        times = self._refusal.times if self._refusal else 0
        wait = LOGIN_WAITS[min(times, len(LOGIN_WAITS) - 1)]
        error = f"{error}; not tried again before {self._now() + wait:%Y-%m-%dT%H:%M:%SZ}"
        self._refusal = _Refusal(times + 1, self._monotonic() + wait.total_seconds(), error)
        return error
