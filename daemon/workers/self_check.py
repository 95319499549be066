"""Looks after the daemon's own machine: whether the store can be written, the disk, the clock.

While the store cannot be written, nothing can be told through it: the log says so, `/readyz`, the status
line, the heartbeat stops, and the endpoints are told from memory (`Alarm`). What was under way waits, or is
found again by the next poll. Once it can be written again, an event says since when it could not; where a
restart came in between, by what is written down beside the database.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
import structlog

from daemon.core import own_events
from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Condition, Fact
from daemon.core.ownership import HOUSE, Kind
from daemon.core.routing.plan import DAEMON
from daemon.core.timestamps import from_iso, iso
from daemon.core.watches import machine
from daemon.core.watches.machine import Disk
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.pipeline.notification import Teller
from daemon.store.database import Database, touch
from daemon.store.location import reason
from daemon.store.ownership import EVERYTHING, Ownership

log = structlog.get_logger()

OWNER = "vitals"
"""What owns these alerts in the store; a stored word, which stays."""
ANSWERS = 5
"""So many of the API's latest answers say what time it is."""
FRESH = timedelta(minutes=10)
"""How long an answer bears witness of the time."""


@dataclass(frozen=True)
class StoreFailure:
    """The store cannot be written."""

    since: datetime
    error: str


class Alarm(Protocol):
    """What tells past the store."""

    def sound(self, fact: Fact) -> None:
        """Tell it to every endpoint that wants to know, once; returns at once."""

    def end(self) -> None:
        """It is over: whoever was not told yet is not told any more."""


class Heard:
    """What time it was at the API, by its latest answers. Safe to use from any thread."""

    def __init__(self) -> None:
        self._ahead: deque[tuple[datetime, timedelta]] = deque(maxlen=ANSWERS)
        self._lock = threading.Lock()
        self.clock: Callable[[], datetime] | None = None
        """The one that is compared, where it is not that of whoever asks."""

    def __call__(self, server_date: datetime, now: datetime) -> None:
        """An answer came at `now`, and says what time it is there."""
        now = self.clock() if self.clock else now
        with self._lock:
            self._ahead.append((now, now - server_date))

    def forget(self) -> None:
        """Our clock was set: what was heard before says nothing of it any more."""
        with self._lock:
            self._ahead.clear()

    def ahead(self, now: datetime) -> list[timedelta]:
        """By how much our clock was ahead of the API's, at the answers that still bear witness."""
        with self._lock:
            return [off for at, off in self._ahead if now - FRESH <= at <= now]


class SelfCheck:
    """Checks, every few seconds and before every sign of life. Safe to use from any thread."""

    def __init__(
        self,
        database: Database,
        recorder: Callable[[], Recorder],
        *,
        now: Callable[[], datetime],
        heard: Heard,
        disk: Callable[[], Disk | None],
        least_mib: Callable[[], int],
        wake: Callable[[], None],
        alarm: Alarm | None = None,
        ownership: Ownership = EVERYTHING,
    ) -> None:
        """`disk`: the file system under the database, None for a server's; `least_mib`: what has to be free
        there, 0 to leave that alone."""
        self.failure: StoreFailure | None = None
        self._database = database
        self._in_force = recorder
        self._now = now
        self._heard = heard
        self._disk = disk
        self._least_mib = least_mib
        self._wake = wake
        self._alarm = alarm
        self._ownership = ownership
        self._left = _left(database)
        self._one_check = threading.Lock()

    def check(self) -> None:
        """Write to the store, and judge the rest in the same transaction."""
        with self._one_check:
            self._check(self._now())

    def _check(self, now: datetime) -> None:
        conditions = self._conditions(now)
        if done := self._database.let_go():
            log.warning("store.let_go", done=done)
        if self._database.damage is not None:
            # Of a file that was overwritten SQLite says less than we know.
            self._failed(self._database.trouble() or self._database.damage, now)
            return
        try:
            with self._database.write() as db:
                touch(db)
                recorder = self._in_force()
                # Of several members one says how the machine is that all of them go by.
                is_ours = bool(self._ownership.kept(db, Kind.DUTY, (HOUSE,)))
                recorded = _judge(db, recorder, conditions, now) if is_ours else Recorded()
                recorded += self._told(db, recorder, now)
        except sa.exc.SQLAlchemyError as error:
            self._failed(self._database.trouble() or reason(error), now)
            return
        self._recovered()
        if recorded.events:
            log_recorded(recorded)
            self._wake()

    def _conditions(self, now: datetime) -> list[Condition]:
        found = [machine.clock(self._heard.ahead(now))]
        least, seen = self._least_mib(), self._disk()
        if least and seen is not None:
            found.append(machine.disk(seen, least))
        return found

    def _told(self, db: sa.Connection, recorder: Recorder, now: datetime) -> Recorded:
        failure = self.failure or self._left
        if failure is None:
            return Recorded()
        return recorder.record(db, DAEMON, [_fact(own_events.STORE_RECOVERED, failure)], now)

    def _recovered(self) -> None:
        failure = self.failure or self._left
        if failure is None:
            return
        log.warning("store.recovered", failing_since=iso(failure.since))
        self.failure = self._left = self._database.failing = None
        self._database.let_go()  # writes that down
        if self._alarm is not None:
            self._alarm.end()

    def _failed(self, error: str, now: datetime) -> None:
        if self.failure is not None:
            return
        log.error("store.failed", error=error)
        self.failure = StoreFailure(now, error)
        self._database.failing = iso(now), error
        self._database.let_go()  # writes that down
        if self._alarm is not None:
            self._alarm.sound(_fact(own_events.STORE_FAILED, self.failure))


def _fact(event_type: str, failure: StoreFailure) -> Fact:
    payload = {"store": {"failing_since": iso(failure.since), "error": failure.error}}
    return Fact(event_type, own_events.STORE, payload)


def _left(database: Database) -> StoreFailure | None:
    """What the daemon before told, and could not take back."""
    since, error = database.failing or (None, "")
    at = from_iso(since)
    return StoreFailure(at, error) if at is not None else None


def _judge(db: sa.Connection, recorder: Recorder, conditions: list[Condition], now: datetime) -> Recorded:
    judge, when = Judge(db, recorder, DAEMON, OWNER), Seen(now, None, NOTHING)
    judge.take(conditions, when)
    judge.close_unmentioned(when)
    written = recorder.record(db, DAEMON, judge.judged().facts, now)
    return written + Teller(recorder).settle(db, now, written.turned)
