"""Looks after the clock: sees when it is set, and has everything that is dated by us follow it at one moment.

    look       every second       has the dispatcher woken where the clock was set; remembers how it stands
    follow     the dispatcher     in one transaction: what is live and due is moved, the step is told
    recover    at the start       the same for a step while nobody ran, as far as it can be known

Until it is followed, a step changes nothing: `Timeline.now` goes on as before.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from daemon.core import own_events
from daemon.core.durations import DAY, HOUR, NOTHING, SECOND
from daemon.core.model import Fact, Json, Verdict
from daemon.core.routing.plan import DAEMON
from daemon.core.timeline import Look, Timeline, is_measured, step_between
from daemon.core.watches import machine
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.store import clock_steps
from daemon.store.clock_steps import Clock
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason

log = structlog.get_logger()

REMEMBER_EVERY = 10 * SECOND
"""How old may be what the store knows of the clock."""
DOUBTFUL = HOUR
"""A clock that was set by more may be set back again."""
DOUBT_LASTS = DAY
"""Of running: a clock that nobody has set again by then is believed."""


class Timekeeper:
    """`follow` and `recover` are for one thread, `look` for another, the rest for any."""

    def __init__(
        self,
        database: Database,
        timeline: Timeline,
        recorder: Callable[[], Recorder],
        *,
        look: Callable[[], Look],
        wake: Callable[[], None],
        ahead: Callable[[datetime], Sequence[timedelta]],
        longest_wait: Callable[[str], timedelta],
        on_step: Callable[[timedelta], None],
    ) -> None:
        """`ahead`: by how much the clock is before the API's; `longest_wait`: of an endpoint's deliveries;
        `on_step`: whoever else keeps times in memory."""
        self._database = database
        self._timeline = timeline
        self._in_force = recorder
        self._look = look
        self._wake = wake
        self._ahead = ahead
        self._longest_wait = longest_wait
        self._on_step = on_step
        self._stepped = NOTHING
        self._remembered: timedelta | None = None
        self._doubted: timedelta | None = None
        self._one_write = threading.Lock()

    def sample(self, db: sa.Connection) -> None:
        """Ask the clock of a database that is shared, in one statement of its own; elsewhere nothing."""

    def seen(self, _db: sa.Connection) -> Look:
        """One look at the clock, which may have been set just now, for what is written in a transaction."""
        return self._look()

    def check(self, db: sa.Connection) -> None:
        """Raises an error of `FAILURES` where others have moved the rows along with their clock, and this
        process goes by what was before. For the beginning of a transaction that writes."""

    @property
    def is_sure(self) -> bool:
        """Whether this process knows that it goes by the clock as the rows do."""
        return True

    def stepped(self, db: sa.Connection | None = None) -> timedelta | None:
        """By how much the clock was set in all since the store was made; None: it was set just now, and that
        is not followed yet. `db`: within a transaction that writes, where others may have followed it."""
        return None if self._timeline.step() else self._stepped

    def recover(self, *, is_alone: bool = True) -> None:
        """Take up what the process before left, and let nothing in it be further off than it can be.
        `is_alone`: no other lives on this store; always so, where it is not shared."""
        with self._database.write() as db:
            self._timeline.follow(self._timeline.step())  # since it was made: or it would count twice
            self._take_up(db, clock_steps.load(db), self._look())

    def _take_up(self, db: sa.Connection, found: Clock | None, now: Look) -> None:
        if found is not None:
            step = step_between(found.seen, now)
            self._stepped = found.stepped + step
            if step:
                clock_steps.shift_unseen(db, step, self._stepped)
                log_recorded(self._tell(db, step, now.wall))
            self._doubt_what_was_not_seen(found.seen, now, step)
        clock_steps.save(db, Clock(self._stepped, now))
        clock_steps.settle(db, now.wall, self._longest_wait)

    def look(self) -> None:
        """See whether the clock was set, and remember now and then how it stands."""
        if self._timeline.step():
            self._wake()
            return
        now = self._look()
        if self._remembered is not None and now.elapsed - self._remembered < REMEMBER_EVERY:
            return
        try:
            with self._database.write() as db:
                # Under the lock of the writers: `follow` is not halfway.
                if not self._timeline.step():
                    clock_steps.save(db, Clock(self._stepped, self._look()))
        except FAILURES as error:
            log.warning("clock.not_remembered", error=reason(error))
        self._remembered = now.elapsed

    def follow(self) -> timedelta:
        """Go by the clock as it was set. Returns by how much; nothing, mostly. Raises SQLAlchemy's errors
        where it cannot be written, and then all stays as it was."""
        if not self._timeline.step():
            return NOTHING
        before, followed = self._stepped, NOTHING
        try:
            with self._database.write() as db:
                step = self._timeline.step()
                if not step:
                    return NOTHING
                stepped = before + step
                clock_steps.shift(db, step, stepped)
                clock_steps.save(db, Clock(stepped, self._look()))
                # Before the lock of the writers is given up: the next one goes by both.
                self._stepped = stepped
                self._timeline.follow(step)
                followed = step
                recorded = self._tell(db, step, self._timeline.now())
        except BaseException:
            self._timeline.follow(-followed)
            self._stepped = before
            raise
        if abs(step) > DOUBTFUL:
            self._doubted = self._look().elapsed
        self._on_step(step)
        log_recorded(recorded)
        return step

    def is_believed(self) -> bool:
        """Whether it may be acted upon how old something is. A clock that is years ahead makes everything
        old; so one that was set far is believed only when the API says the same, or after a day."""
        verdict = machine.clock(self._ahead(self._timeline.now())).verdict
        if verdict is Verdict.GOOD:
            self._doubted = None
        if verdict is Verdict.BAD:
            return False
        return self._doubted is None or self._look().elapsed - self._doubted > DOUBT_LASTS

    def _doubt_what_was_not_seen(self, then: Look, now: Look, step: timedelta) -> None:
        is_far = abs(step) > DOUBTFUL if is_measured(then, now) else abs(now.wall - then.wall) > DAY
        if is_far:
            self._doubted = now.elapsed

    def _tell(self, db: sa.Connection, step: timedelta, now: datetime) -> Recorded:
        """In the log always; as an event where dates were wrong by it."""
        seconds = round(abs(step).total_seconds())
        log.warning("clock.stepped", by_seconds=round(step.total_seconds(), 2))
        if abs(step) < machine.WRONG:
            return Recorded()
        clock: dict[str, Json] = {"by_seconds": seconds, "is_forward": step > NOTHING}
        fact = Fact(own_events.CLOCK_STEPPED, "daemon/clock", {"clock": clock})
        return self._in_force().record(db, DAEMON, [fact], now)
