"""One poll of one watch: ask, parse, compare, write, all of it or nothing.

The poller says the order of things and measures time; what an answer means is decided in `daemon/core`,
what it writes in `pipeline/observation.py`.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from daemon.core.durations import NOTHING
from daemon.core.model import Failure, Unknown
from daemon.core.watches.watch import Watch
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.pipeline.observation import UNOBSERVED, Elapsed, Walk
from daemon.store import watches
from daemon.store.database import Database
from daemon.store.watches import Stored
from daemon.workers.pauses import Pauses

log = structlog.get_logger()

MOST_INTERVALS = 2
"""Between looks further apart than this many intervals, the rest was not observed."""

WITNESS = timedelta(minutes=1)
"""How long a poll bears witness of the network."""

SNAP = 0.1
"""The share of an interval within which a gap counts as the interval."""


@dataclass(frozen=True)
class Polled:
    """What one poll came to."""

    watch: Watch
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
class _Memory:
    """What the process remembers of a watch between polls; losing it costs observed time only."""

    body: bytes | None = None
    """The last answer, where an equal one can be passed over."""
    polled: float | None = None
    """When the last poll ended, by the monotonic clock."""
    answered: float | None = None
    """The same, unless that poll failed."""
    is_unknown: bool = False
    """The last poll brought nothing that could be used; while nothing is asked, that stays so."""
    is_reached: bool = False
    """The last poll was carried by the network, whatever the answer was."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by the poll under way; a reload may schedule the watch anew meanwhile."""


OnPolled = Callable[[Polled, timedelta], None]
"""Hears of each poll that came to its end, and how long it took."""


class Poller:
    """Polls watches from any number of threads; one watch from one thread at a time."""

    def __init__(
        self,
        database: Database,
        recorder: Recorder,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        wake: Callable[[], None],
        pauses: Pauses | None = None,
        on_polled: OnPolled = lambda _polled, _took: None,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._now = now
        self._monotonic = monotonic
        self._wake = wake
        self._on_polled = on_polled
        self._memories: dict[tuple[str, str], _Memory] = {}
        self._pauses = pauses or Pauses(monotonic)
        self._unchanged: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()
        self._kept: Collection[Watch] | None = None

    def keep(self, watches: Collection[Watch]) -> None:
        """Take no other watches from now on: what a poll under way of any other finds is dropped.

        Otherwise such a poll could bring back the alerts of a watch whose end has just been told.
        """
        self._kept = watches

    def poll(self, watch: Watch) -> Polled:
        """Poll once, and commit what it came to."""
        memory = self._memories.setdefault(watch.id, _Memory())
        with memory.lock:
            began = self._monotonic()
            polled = self._poll(watch, memory)
            took = timedelta(seconds=self._monotonic() - began)
        self._on_polled(polled, took)
        return polled

    def rehearse(self, watch: Watch) -> Polled:
        """Poll once and write nothing: the same walk, rolled back."""
        seen = self._observe(watch, watch.fetch())
        now = self._now()
        with self._database.read() as db:
            recorded = Walk(db, watch, self._recorder, now=now, elapsed=UNOBSERVED).take(seen)
            db.rollback()
        return Polled(watch, now, seen if isinstance(seen, Unknown) else None, recorded)

    def unflushed(self) -> dict[tuple[str, str], datetime]:
        """When watches (system, name) were last seen unchanged, as far as the store does not know it yet."""
        with self._lock:
            return dict(self._unchanged)

    def unanswered(self) -> list[tuple[str, str]]:
        """The watches (system, name) of the configuration whose last poll came to nothing."""
        memories = dict(self._memories)
        return [one.id for one in self._kept or () if one.id in memories and memories[one.id].is_unknown]

    def is_answered(self) -> bool | None:
        """Whether a poll of the last minute was answered by any system, or all failed for want of an
        answer; None: there was none."""
        since = self._monotonic() - WITNESS.total_seconds()
        recent = [one for one in list(self._memories.values()) if one.polled and one.polled >= since]
        return any(one.is_reached for one in recent) if recent else None

    def flush(self) -> None:
        """Store when watches were last seen unchanged; that is not worth a commit each."""
        with self._lock:
            seen, self._unchanged = self._unchanged, {}
        if seen:
            with self._database.write() as db:
                watches.touch(db, seen)

    def settle(self, patience: timedelta) -> bool:
        """Wait for the polls under way, no longer than `patience`. Returns whether all have ended."""
        until = self._monotonic() + patience.total_seconds()
        for memory in list(self._memories.values()):
            if not memory.lock.acquire(timeout=max(until - self._monotonic(), 0)):
                return False
            memory.lock.release()
        return True

    def _poll(self, watch: Watch, memory: _Memory) -> Polled:
        if self._pauses.is_paused(watch.system):
            memory.answered = memory.polled = None
            return Polled(watch, self._now(), is_paused=True)
        answer = watch.fetch()
        if memory.body is not None and not isinstance(answer, Unknown) and answer.body == memory.body:
            return self._pass_over(watch, memory)
        seen = self._observe(watch, answer)
        clock = self._monotonic()
        with self._database.write() as db:
            now = self._now()
            if not self._is_kept(watch):
                return Polled(watch, now, is_dropped=True)
            walk = Walk(db, watch, self._recorder, now=now, elapsed=_elapsed(memory, watch, clock))
            recorded = walk.take(seen)
        if recorded.deliveries:
            self._wake()
        is_final = not isinstance(seen, Unknown) and walk.is_settled and watch.is_conclusive(seen)
        memory.body = answer.body if is_final else None
        self._remember(watch, memory, seen, clock)
        _log_transition(watch, walk.before, seen)
        log_recorded(recorded)
        return Polled(watch, now, seen if isinstance(seen, Unknown) else None, recorded)

    def _is_kept(self, watch: Watch) -> bool:
        return self._kept is None or any(kept is watch for kept in self._kept)

    def _observe(self, watch: Watch, answer: Any) -> Any:
        """The observation, completed by further questions where one answer is not enough."""
        seen = answer if isinstance(answer, Unknown) else watch.read(answer)
        if isinstance(seen, Unknown):
            return seen
        with self._database.read() as db:
            before = watches.load(db, *watch.id)
        return watch.complete(watch.state(before.state), seen)

    def _pass_over(self, watch: Watch, memory: _Memory) -> Polled:
        now = self._now()
        memory.polled = memory.answered = self._monotonic()
        memory.is_reached, memory.is_unknown = True, False
        with self._lock:
            self._unchanged[watch.id] = now
        return Polled(watch, now, is_unchanged=True)

    def _remember(self, watch: Watch, memory: _Memory, seen: Any, clock: float) -> None:
        with self._lock:
            self._unchanged.pop(watch.id, None)
        unknown = seen if isinstance(seen, Unknown) else None
        memory.polled = clock
        memory.answered = None if unknown else clock
        memory.is_unknown = unknown is not None
        memory.is_reached = unknown is None or unknown.failure not in (Failure.UNREACHABLE, Failure.TIMEOUT)
        self._pauses.take(watch.system, unknown)


def _elapsed(memory: _Memory, watch: Watch, clock: float) -> Elapsed:
    def since(then: float | None) -> timedelta:
        if then is None:
            return NOTHING
        gap = min(timedelta(seconds=clock - then), MOST_INTERVALS * watch.every)
        # A poll that came a little early or late stands for its interval: three polls of 30 s are 60 s, not
        # 59.98, which would cost another poll.
        return watch.every if abs(gap - watch.every) <= SNAP * watch.every else gap

    return Elapsed(since(memory.answered), since(memory.polled))


def _log_transition(watch: Watch, before: Stored, seen: Any) -> None:
    failure = seen.failure.value if isinstance(seen, Unknown) else None
    if failure == before.failure:
        return
    if isinstance(seen, Unknown):
        log.warning(
            "poll.failed", system=watch.system, watch=watch.name, failure=failure, message=seen.message
        )
    else:
        log.info("poll.recovered", system=watch.system, watch=watch.name)
