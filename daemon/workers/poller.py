"""One poll of one watch: ask, parse, compare, write, all of it or nothing.

The poller says the order of things and measures time; what an answer means is decided in `daemon/core`,
what it writes in `pipeline/observation.py`.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog

from daemon.core.durations import NOTHING
from daemon.core.model import Failure, Unknown
from daemon.core.watches.watch import (
    POLLING,
    Answered,
    AnyWatch,
    Description,
    SeenT,
    StateT,
    Unchanged,
    Watch,
)
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.pipeline.observation import UNOBSERVED, Elapsed, Walk
from daemon.store import watches
from daemon.store.database import Database
from daemon.store.location import FAILURES
from daemon.store.watches import Stored
from daemon.workers.historian import Historian
from daemon.workers.system_pauses import Pauses
from daemon.workers.witness import Witness

log = structlog.get_logger()

MOST_INTERVALS = 2
"""Between looks further apart than this many intervals, the rest was not observed."""

GIVE_WAY = 0.002
"""Seconds: more than a sender takes to begin. With 0 only who waits for the interpreter already would go,
and on one core nobody does."""

SNAP = 0.1
"""The share of an interval within which a gap counts as the interval."""


@dataclass(frozen=True)
class Polled:
    """What one poll came to."""

    watch: Description
    at: datetime
    unknown: Unknown | None = None
    recorded: Recorded = field(default_factory=Recorded)
    is_paused: bool = False
    """Nothing was asked: the system is left alone for now."""
    is_unchanged: bool = False
    """The answer was equal to the last one, to the byte."""
    is_dropped: bool = False
    """The watch left the configuration while the API was asked."""


@dataclass
class _Timing:
    """When a watch was polled, and what came of it; losing it costs observed time only."""

    polled: float | None = None
    """When the last poll ended, by the monotonic clock."""
    answered: float | None = None
    """The same, unless that poll failed."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by the poll under way; a reload may schedule the watch anew meanwhile."""


OnPolled = Callable[[Polled, timedelta], None]
"""Hears of each poll that came to its end, and how long it took."""


class Poller:
    """Polls watches from any number of threads; one watch from one thread at a time."""

    def __init__(
        self,
        database: Database,
        recorder: Callable[[], Recorder],
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pauses: Pauses | None = None,
        witness: Witness | None = None,
        on_polled: OnPolled = lambda _polled, _took: None,
        historian: Historian | None = None,
        watches: Callable[[], Mapping[tuple[str, str], AnyWatch] | None] = lambda: None,
    ) -> None:
        """`watches`: those of the configuration in force, by system and name. What a poll under way of any
        other finds is dropped, or it could bring back the alerts of a watch whose end has just been told.
        None: all are."""
        self._database = database
        self._in_force = recorder
        self._now = now
        self._monotonic = monotonic
        self._on_polled = on_polled
        self._timings: dict[tuple[str, str], _Timing] = {}
        self._pauses = pauses or Pauses(monotonic)
        self._witness = witness or Witness(monotonic)
        self._unchanged: dict[tuple[str, str], datetime] = {}
        self._unanswered: set[tuple[str, str]] = set()
        """Whose last poll brought nothing that could be used; while nothing is asked, that stays so."""
        self._lock = threading.Lock()
        self._watches = watches
        self.historian = historian or Historian(database)
        """Hears of every poll how long everything was as it is."""

    def poll(self, watch: AnyWatch) -> Polled:
        """Poll once, and commit what it came to."""
        timing = self._timings.get(watch.id) or self._timings.setdefault(watch.id, _Timing())
        with timing.lock:
            began = self._monotonic()
            polled = self._poll(watch, timing)
            took = timedelta(seconds=self._monotonic() - began)
        self._on_polled(polled, took)
        return polled

    def rehearse(self, watch: Watch[StateT, SeenT]) -> Polled:
        """Poll once and write nothing: the same walk, rolled back."""
        answer = watch.kind.ask(None, partial(self._state, watch))
        now = self._now()
        if isinstance(answer, Unchanged):
            return Polled(watch.description, now, is_unchanged=True)
        seen = answer.seen if isinstance(answer, Answered) else answer
        with self._database.read() as db:
            recorded = Walk(db, watch, self._in_force(), now=now, elapsed=UNOBSERVED).take(seen)
            db.rollback()
        return Polled(watch.description, now, seen if isinstance(seen, Unknown) else None, recorded)

    def unflushed(self) -> dict[tuple[str, str], datetime]:
        """When watches (system, name) were last seen unchanged, as far as the store does not know it yet."""
        with self._lock:
            return dict(self._unchanged)

    def unanswered(self) -> list[tuple[str, str]]:
        """The watches (system, name) of the configuration whose last poll came to nothing."""
        kept = self._watches() or {}
        return sorted(one for one in self._unanswered.copy() if one in kept)

    def follow(self, step: timedelta) -> None:
        """The clock was set: what was seen is as long ago as before."""
        with self._lock:
            self._unchanged = {watch: at + step for watch, at in self._unchanged.items()}

    def flush(self) -> None:
        """Store when watches were last seen unchanged; that is not worth a commit each."""
        seen = self.unflushed()
        if not seen:
            return
        with self._database.write() as db:
            watches.touch(db, seen)
        with self._lock:
            self._unchanged = {watch: at for watch, at in self._unchanged.items() if seen.get(watch) != at}

    def settle(self, patience: timedelta) -> bool:
        """Wait for the polls under way, no longer than `patience`. Returns whether all have ended."""
        until = self._monotonic() + patience.total_seconds()
        for timing in list(self._timings.values()):
            if not timing.lock.acquire(timeout=max(until - self._monotonic(), 0)):
                return False
            timing.lock.release()
        return True

    def _poll(self, watch: Watch[StateT, SeenT], timing: _Timing) -> Polled:
        with self._pauses.asking(watch.system) as why:
            return self._ask(watch, timing) if why is None else self._leave_alone(watch, timing, why)

    def _ask(self, watch: Watch[StateT, SeenT], timing: _Timing) -> Polled:
        guard, digest = watch.guard, watch.memory.digest
        try:
            answer = watch.kind.ask(digest, partial(self._state, watch))
            if isinstance(answer, Unchanged):
                guard.worked(POLLING)
                self._pauses.take(watch.system, None)
                return self._pass_over(watch, timing)
            polled = self._take(watch, timing, answer)
        except FAILURES:
            raise  # nothing was written, so the next poll finds the same again
        except Exception as error:
            # Whatever went wrong with this one, it says nothing of what is watched: not seen.
            log.exception("poll.crashed", system=watch.system, watch=watch.name)
            guard.raised(POLLING, error)
            return self._take(watch, timing, Unknown(Failure.OURS, "an error of our own: see the log"))
        guard.worked(POLLING)
        return polled

    def _take(
        self, watch: Watch[StateT, SeenT], timing: _Timing, answer: Answered[SeenT] | Unknown
    ) -> Polled:
        """Write what an answer comes to, all of it or nothing."""
        seen = answer.seen if isinstance(answer, Answered) else answer
        if isinstance(seen, Unknown):
            seen = self._heeded(watch, seen)
        else:
            self._pauses.take(watch.system, None)
        clock = self._monotonic()
        with self._database.write() as db:
            now = self._now()
            if not self._is_kept(watch):
                return Polled(watch.description, now, is_dropped=True)
            walk = self._walk(db, watch, now, _elapsed(timing, watch, clock))
            recorded = walk.take(seen)
        if recorded.deliveries:
            _give_way()
        if walk.written is not None:
            watch.memory.text, watch.memory.state = walk.written
        watch.memory.subjects = walk.subjects
        watch.memory.digest = _passable(watch, answer) if walk.is_settled else None
        self._remember(watch.description, timing, seen, clock)
        stood = None if isinstance(seen, Unknown) else walk.subjects
        self.historian.looked(watch.id, stood, walk.api, clock=clock, now=now, most=_most(watch))
        _log_transition(watch.description, walk.before, seen)
        log_recorded(recorded)
        return Polled(watch.description, now, seen if isinstance(seen, Unknown) else None, recorded)

    def _walk(
        self, db: sa.Connection, watch: Watch[StateT, SeenT], now: datetime, elapsed: Elapsed
    ) -> Walk[StateT, SeenT]:
        with self._lock:
            last_seen = self._unchanged.get(watch.id)
        return Walk(db, watch, self._in_force(), now=now, elapsed=elapsed, last_seen=last_seen)

    def _leave_alone(self, watch: Watch[StateT, SeenT], timing: _Timing, why: Unknown) -> Polled:
        """Ask nothing. While the API wants to be left alone we are as blind as if it were away, and that is
        told alike; a rejected token is told for itself."""
        clock, now = self._monotonic(), self._now()
        if why.failure is Failure.TOKEN_REJECTED:
            timing.answered = timing.polled = None
            self.historian.unseen(watch.id)
            return Polled(watch.description, now, is_paused=True)
        unknown = _left_alone(why, self._pauses.left().get(watch.system), now)
        with self._database.write() as db:
            if not self._is_kept(watch):
                return Polled(watch.description, now, is_dropped=True)
            walk = self._walk(db, watch, now, _elapsed(timing, watch, clock))
            recorded = walk.leave_alone(unknown)
        watch.memory.digest, watch.memory.subjects = None, walk.subjects
        timing.polled, timing.answered = clock, None
        self._unanswered.add(watch.id)
        self.historian.looked(watch.id, None, walk.api, clock=clock, now=now, most=_most(watch))
        _log_transition(watch.description, walk.before, unknown)
        log_recorded(recorded)
        return Polled(watch.description, now, unknown, recorded, is_paused=True)

    def _heeded(self, watch: AnyWatch, unknown: Unknown) -> Unknown:
        """How a poll failed, once the system's pause knows of it: with the end of the pause that begins."""
        if not self._is_kept(watch):
            return unknown
        wait = self._pauses.take(watch.system, unknown)
        if unknown.retry_after is None:
            return unknown
        return _left_alone(unknown, wait, self._now())

    def _is_kept(self, watch: AnyWatch) -> bool:
        kept = self._watches()
        return kept is None or kept.get(watch.id) is watch

    def _state(self, watch: Watch[StateT, SeenT]) -> StateT | None:
        """The state as it stands, for a kind whose question depends on it."""
        if watch.memory.text is not None:
            return watch.memory.state
        with self._database.read() as db:
            before = watches.load(db, *watch.id)
        return watch.state(before.state)

    def _pass_over(self, watch: AnyWatch, timing: _Timing) -> Polled:
        now = self._now()
        timing.polled = timing.answered = clock = self._monotonic()
        self._unanswered.discard(watch.id)
        self.historian.same(watch.id, clock=clock, now=now, most=_most(watch))
        self._witness.polled(watch.id, is_reached=True)
        with self._lock:
            self._unchanged[watch.id] = now
        return Polled(watch.description, now, is_unchanged=True)

    def _remember(self, watch: Description, timing: _Timing, seen: object, clock: float) -> None:
        with self._lock:
            self._unchanged.pop(watch.id, None)
        unknown = seen if isinstance(seen, Unknown) else None
        timing.polled = clock
        timing.answered = None if unknown else clock
        if unknown is None:
            self._unanswered.discard(watch.id)
        else:
            self._unanswered.add(watch.id)
        is_reached = unknown is None or unknown.failure not in (Failure.UNREACHABLE, Failure.TIMEOUT)
        self._witness.polled(watch.id, is_reached=is_reached)


def _give_way() -> None:
    """Let the sender begin, who was woken by the commit: what is left to do here can wait, and would hold it
    up for as long as the interpreter lets one thread go on."""
    time.sleep(GIVE_WAY)  # noqa: TID251 - for another thread, not for a time


def _passable(watch: Watch[StateT, SeenT], answer: Answered[SeenT] | Unknown) -> bytes | None:
    """The digest of an answer of which an equal one could say nothing new."""
    if isinstance(answer, Unknown) or not watch.kind.is_conclusive(answer.seen):
        return None
    return answer.digest


def _left_alone(unknown: Unknown, left: timedelta | None, now: datetime) -> Unknown:
    """With the end of the pause in what people are told."""
    end = f"{now + left:%Y-%m-%d %H:%M:%S} UTC" if left else "a poll is answered"
    return replace(unknown, message=f"{unknown.message}; left alone until {end}")


def _elapsed(timing: _Timing, watch: AnyWatch, clock: float) -> Elapsed:
    def since(then: float | None) -> timedelta:
        if then is None:
            return NOTHING
        gap = min(timedelta(seconds=clock - then), _most(watch))
        # A poll that came a little early or late stands for its interval: three polls of 30 s are 60 s, not
        # 59.98, which would cost another poll.
        return watch.every if abs(gap - watch.every) <= SNAP * watch.every else gap

    return Elapsed(since(timing.answered), since(timing.polled))


def _most(watch: AnyWatch) -> timedelta:
    """Of the time between two looks no more than this was observed."""
    return MOST_INTERVALS * watch.every


def _log_transition(watch: Description, before: Stored, seen: object) -> None:
    failure = seen.failure.value if isinstance(seen, Unknown) else None
    if failure == before.failure:
        return
    if isinstance(seen, Unknown):
        log.warning(
            "poll.failed", system=watch.system, watch=watch.name, failure=failure, message=seen.message
        )
    else:
        log.info("poll.recovered", system=watch.system, watch=watch.name)
