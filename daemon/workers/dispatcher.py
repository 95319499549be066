"""Deliveries that are due: claimed in batches, handed to the sender, their results written in batches.

One thread. Each endpoint has its own share of attempts under way, so a slow one holds up nobody. The
network is never inside a transaction, and the writer never in the way of the sender: what ended while
one batch was written is the next batch.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
import structlog

from daemon.core import delivery, quiet
from daemon.core.delivery import Attempted, Message, Next, Outcome, Status
from daemon.core.quiet import Quiet
from daemon.store import outbox
from daemon.store.database import Database
from daemon.store.outbox import Finished

log = structlog.get_logger()

BACKSTOP = timedelta(seconds=30)
"""The longest sleep: a wake that was missed costs no more than this."""
AFTER_AN_ERROR = 1.0
"""Seconds before the database is tried again."""
LEASE_MARGIN = timedelta(minutes=1)
NOTHING = timedelta(0)


class Sender(Protocol):
    """What the dispatcher needs of a sender."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""

    def start(self, message: Message) -> None:
        """Begin one attempt."""

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""

    def finished(self, timeout: float) -> list[Attempted]:
        """Attempts that ended; waits at most `timeout` seconds, or until woken."""

    def wake(self) -> None:
        """Make `finished` return at once."""


@dataclass(frozen=True)
class Route:
    """How an endpoint's deliveries are tried."""

    max_in_flight: int
    timeout: timedelta
    retries: tuple[timedelta, ...]
    quiet: tuple[Quiet, ...] = ()
    """While one of them lasts, only what breaks through it is sent."""


class Dispatcher:
    """Sends what is due until it is stopped; a reload replaces `routes`."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        routes: Mapping[str, Route],
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        new_id: Callable[[str], str],
    ) -> None:
        self.routes = routes
        self._database = database
        self._sender = sender
        self._now = now
        self._jitter = jitter
        self._new_id = new_id
        self._ended: list[Attempted] = []
        self._due: dict[str, datetime | None] = {}
        self._is_woken = threading.Event()
        self._is_stopping = threading.Event()
        self._claim_until: datetime | None = None

    def wake(self) -> None:
        """Say that there may be something new to send; callable from every thread."""
        self._is_woken.set()
        self._sender.wake()

    def stop(self) -> None:
        """Make `run` come to its end; callable from every thread."""
        self._is_stopping.set()
        self._sender.wake()

    def recover(self) -> int:
        """Give back the leases of a process that is gone. Returns how many there were."""
        with self._database.write() as db:
            return outbox.release_all(db)

    def run(self, *, drain: timedelta) -> None:
        """Send until `stop`; then what is due, for half of `drain`, and wait out the rest of it.

        What is still under way at the end keeps its lease, and is sent again after the next start.
        """
        self._is_woken.set()
        while not self._is_stopping.is_set():
            self._turn(BACKSTOP.total_seconds())
        stopped_at = self._now()
        self._claim_until = stopped_at + drain / 2
        self._is_woken.set()
        while (left := stopped_at + drain - self._now()) > NOTHING:
            started = self._turn(left.total_seconds())
            if not started and not self._ended and self._sender.is_idle:
                break
        self._claim_until = stopped_at
        self._turn(0)

    def run_once(self, timeout: float = 0) -> int:
        """Write what ended, claim and start what is due, then wait for an end, a wake, or the next due time,
        at most `timeout` seconds. Returns how many were started."""
        self._take_wake()
        started = self._exchange()
        for message in started:
            self._sender.start(message)
        # What was just written may be due again before long: the wait is measured now, not before.
        is_over = bool(self._ended) or (self._is_stopping.is_set() and self._sender.is_idle)
        self._ended += self._sender.finished(0 if is_over else min(timeout, self._patience()))
        return len(started)

    def _turn(self, timeout: float) -> int:
        try:
            return self.run_once(timeout)
        except sa.exc.DBAPIError as error:
            # What ended stays here, and is written when the database is back: a delivery that was
            # accepted is not sent again for want of a commit.
            log.error("dispatcher.database_failed", error=str(error.orig), results_held=len(self._ended))
            self._ended += self._sender.finished(AFTER_AN_ERROR)
            return 0

    def _exchange(self) -> list[Message]:
        """One transaction: results in, new leases out. Nothing is sent before it is committed."""
        now = self._now()
        ready = self._ready(now)
        if not self._ended and not ready:
            return []
        finished = [self._decide(attempted, now) for attempted in self._ended]
        claimed: list[Message] = []
        due: dict[str, datetime | None] = {}
        with self._database.write() as db:
            lost = outbox.finish(db, finished, now) if finished else []
            for endpoint, room in self._rooms(ready, finished, now):
                least = quiet.least_urgency(self.routes[endpoint].quiet, now)
                messages = self._claim(db, endpoint, room, now, least)
                claimed += messages
                is_full = len(messages) == room
                due[endpoint] = now if is_full else outbox.next_due(db, endpoint, least=least)
        self._ended = []
        self._due |= due
        _log_finished(finished, lost)
        return claimed

    def _decide(self, attempted: Attempted, now: datetime) -> Finished:
        route = self.routes.get(attempted.message.endpoint)
        if route is None and attempted.outcome is not Outcome.ACCEPTED:
            return Finished(attempted, Next(Status.PENDING, now))  # it left the configuration meanwhile
        retries = route.retries if route else ()
        return Finished(attempted, delivery.after(attempted, now, self._jitter(), retries))

    def _claim(
        self, db: sa.Connection, endpoint: str, room: int, now: datetime, least: int | None
    ) -> list[Message]:
        until, token = now + self.routes[endpoint].timeout + LEASE_MARGIN, self._new_id("lease")
        return outbox.claim(db, endpoint, room, now=now, until=until, token=token, least=least)

    def _ready(self, now: datetime) -> list[str]:
        """Endpoints that may have something due."""
        dues = {endpoint: self._due.get(endpoint, now) for endpoint in self.routes}
        return [
            one for one, due in dues.items() if due is not None and due <= now and self._may_claim(one, now)
        ]

    def _rooms(
        self, ready: Sequence[str], finished: Sequence[Finished], now: datetime
    ) -> list[tuple[str, int]]:
        """Endpoints to claim for, with how many: a result may have promoted another delivery."""
        touched = dict.fromkeys([*ready, *(one.attempted.message.endpoint for one in finished)])
        return [(one, self._room(one)) for one in touched if self._may_claim(one, now)]

    def _may_claim(self, endpoint: str, now: datetime) -> bool:
        is_open = self._claim_until is None or now < self._claim_until
        return is_open and endpoint in self.routes and self._room(endpoint) > 0

    def _room(self, endpoint: str) -> int:
        return self.routes[endpoint].max_in_flight - self._sender.in_flight(endpoint)

    def _take_wake(self) -> None:
        if self._is_woken.is_set():
            self._is_woken.clear()
            self._due.clear()

    def _patience(self) -> float:
        """Seconds until something can be due; attempts that end, and wakes, cut it short."""
        now = self._now()
        waits = [
            due - now
            for endpoint, due in self._due.items()
            if due is not None and self._may_claim(endpoint, now)
        ]
        if self._is_woken.is_set():
            return 0
        return max(min([BACKSTOP, *waits]).total_seconds(), 0)


def _log_finished(finished: Sequence[Finished], lost: Sequence[Finished]) -> None:
    for one in finished:
        attempted, message = one.attempted, one.attempted.message
        told: dict[str, object] = {
            "event_id": message.event,
            "endpoint": message.endpoint,
            "attempt": message.attempt,
            "ms": attempted.took // timedelta(milliseconds=1),
        }
        if one in lost:
            log.warning("delivery.lease_lost", **told)
        elif attempted.outcome is Outcome.ACCEPTED:
            log.info("delivery.done", status=attempted.http_status, **told)
        elif one.then.status is Status.DEAD:
            log.error("delivery.dead", outcome=attempted.outcome.value, error=_why(attempted), **told)
        else:
            due_at = one.then.due_at.isoformat() if one.then.due_at else None
            log.warning(
                "delivery.retry",
                outcome=attempted.outcome.value,
                error=_why(attempted),
                due_at=due_at,
                **told,
            )


def _why(attempted: Attempted) -> str | None:
    return attempted.error or (f"HTTP {attempted.http_status}" if attempted.http_status else None)
