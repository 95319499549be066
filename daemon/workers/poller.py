"""One poll of one watch: ask, parse, compare, write, all of it or nothing.

The poller says the order of things and measures time; what an answer means is decided in `daemon/core`,
what it writes in `pipeline/observation.py`.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog

from daemon.core.model import Fact, Failure, Json, Unknown
from daemon.core.ownership import Kind
from daemon.core.watches.observed_time import observed
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
from daemon.store import pieces, watches
from daemon.store.database import Database
from daemon.store.location import FAILURES
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.store.watches import Stored
from daemon.workers.expecter import Expecter
from daemon.workers.hearers import Hearers
from daemon.workers.historian import Historian
from daemon.workers.kept_pauses import remember
from daemon.workers.observation_keeper import ObservationKeeper
from daemon.workers.system_pauses import Pauses
from daemon.workers.witness import Witness

log = structlog.get_logger()

GIVE_WAY = 0.002
"""Seconds: more than a sender takes to begin. With 0 only who waits for the interpreter already would go,
and on one core nobody does."""


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
    """The watch left the configuration while the API was asked, or the system is another member's by now."""
    saw: Mapping[str, Json] | None = None
    """What the answer lists, where the poll was a rehearsal and was answered."""


@dataclass
class _Timing:
    """When a watch was polled, and what came of it; losing it costs observed time only."""

    polled: float | None = None
    """When the last poll ended, by the monotonic clock."""
    answered: float | None = None
    """The same, unless that poll failed."""
    token: int | None = None
    """By which the system was ours when the poll under way began."""
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
        watches: Callable[[], Mapping[tuple[str, str], AnyWatch] | None] = lambda: None,
        ownership: Ownership = EVERYTHING,
        hearers: Hearers | None = None,
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
        self._ownership = ownership
        self.hearers = hearers or Hearers(
            Historian(database, ownership=ownership),
            Expecter(database, recorder, dict, ownership=ownership),
            ObservationKeeper(database, is_on=lambda: False),
        )

    def poll(self, watch: AnyWatch) -> Polled:
        """Poll once, and commit what it came to."""
        timing = self._timings.get(watch.id) or self._timings.setdefault(watch.id, _Timing())
        with timing.lock:
            began = self._monotonic()
            timing.token = self._ownership.token(Kind.SYSTEM, watch.system)
            try:
                polled = (
                    self._stand_back(watch, timing) if timing.token is None else self._poll(watch, timing)
                )
            except FAILURES:
                self._was_away(watch, timing)
                raise
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
        with self._database.rehearsal() as db:
            recorded = Walk(db, watch, self._in_force(), now=now, elapsed=UNOBSERVED).take(seen)
        if isinstance(seen, Unknown):
            return Polled(watch.description, now, seen, recorded)
        unreadable: Mapping[str, Json] = {"unreadable": list(seen.problems)} if seen.problems else {}
        saw = {**watch.kind.saw(seen), **unreadable}
        return Polled(watch.description, now, None, recorded, saw=saw)

    def unflushed(self) -> dict[tuple[str, str], datetime]:
        """When watches (system, name) were last seen unchanged, as far as the store does not know it yet."""
        with self._lock:
            return dict(self._unchanged)

    def watched(self) -> Mapping[tuple[str, str], AnyWatch]:
        """The watches of the configuration in force, by system and name, where that is known."""
        return self._watches() or {}

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
        with self._database.write_beside() as db:
            ours = self._ownership.kept(db, Kind.SYSTEM, {system for system, _ in seen})
            watches.touch(db, {watch: at for watch, at in seen.items() if watch[0] in ours})
        with self._lock:
            self._unchanged = {watch: at for watch, at in self._unchanged.items() if seen.get(watch) != at}

    def is_asking(self, system: str) -> bool:
        """Whether a poll of a system is under way."""
        return any(timing.lock.locked() for (of, _), timing in list(self._timings.items()) if of == system)

    def forget(self, systems: Collection[str]) -> None:
        """Somebody else polls these, or did until now: what is in memory of them says nothing any more."""
        gone = set(systems)
        for watch in (self._watches() or {}).values():
            if watch.system in gone:
                watch.memory.forget()
        with self._lock:
            # A poll under way has its timing, and nobody asks beside it.
            for timing in [timing for one, timing in self._timings.items() if one[0] in gone]:
                timing.polled = timing.answered = None
            for one in [one for one in self._unchanged if one[0] in gone]:
                self._unchanged.pop(one)
            self._unanswered -= {one for one in self._unanswered if one[0] in gone}
        for system in gone:
            self.hearers.forget(system)
            self._pauses.forget(system)

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

    def _was_away(self, watch: AnyWatch, timing: _Timing) -> None:
        """The store was not there, which others share: the time until it is again is unseen."""
        if not self._ownership.is_sole:
            self._unseen(watch, timing)

    def _unseen(self, watch: AnyWatch, timing: _Timing) -> None:
        timing.answered = timing.polled = None
        self.hearers.unseen(watch.id)

    def _stand_back(self, watch: AnyWatch, timing: _Timing) -> Polled:
        """Ask nothing: another member does. The time until we do is unseen."""
        self._unseen(watch, timing)
        return Polled(watch.description, self._now(), is_dropped=True)

    def _ask(self, watch: Watch[StateT, SeenT], timing: _Timing) -> Polled:
        guard = watch.guard
        try:
            answer = watch.kind.ask(watch.known(self._now()), partial(self._state, watch))
            if isinstance(answer, Unchanged) and not self._is_as_begun(watch, timing):
                return Polled(watch.description, self._now(), is_dropped=True)
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
            if not self._is_ours(db, watch, timing):
                return Polled(watch.description, now, is_dropped=True)
            walk = self._walk(db, watch, now, _elapsed(timing, watch, clock), clock)
            recorded = walk.take(seen)
            remember(db, self._ownership, self._pauses, watch.system, now)
        if recorded.deliveries:
            _give_way()
        if walk.written is not None:
            watch.memory.text, watch.memory.state = walk.written
        watch.memory.subjects, watch.memory.terms = walk.subjects, walk.terms
        watch.memory.digest = _passable(watch, answer) if walk.is_settled else None
        self._remember(watch.description, timing, seen, clock)
        self.hearers.looked(watch, seen, walk, clock=clock, now=now)
        _log_transition(watch.description, walk.before, seen)
        log_recorded(recorded)
        return Polled(watch.description, now, seen if isinstance(seen, Unknown) else None, recorded)

    def _walk(
        self,
        db: sa.Connection,
        watch: Watch[StateT, SeenT],
        now: datetime,
        elapsed: Elapsed,
        clock: float,
    ) -> Walk[StateT, SeenT]:
        with self._lock:
            last_seen = self._unchanged.get(watch.id)

        def came(facts: list[Fact]) -> list[Fact]:
            return self.hearers.expecter.came(db, watch.system, facts, clock=clock, now=now)

        recorder = self._in_force()
        return Walk(db, watch, recorder, now=now, elapsed=elapsed, last_seen=last_seen, came=came)

    def _leave_alone(self, watch: Watch[StateT, SeenT], timing: _Timing, why: Unknown) -> Polled:
        """Ask nothing. While the API wants to be left alone we are as blind as if it were away, and that is
        told alike; a rejected token is told for itself."""
        clock, now = self._monotonic(), self._now()
        if why.failure is Failure.TOKEN_REJECTED:
            self._unseen(watch, timing)
            return Polled(watch.description, now, is_paused=True)
        unknown = _left_alone(why, self._pauses.left().get(watch.system), now)
        with self._database.write() as db:
            if not self._is_ours(db, watch, timing):
                return Polled(watch.description, now, is_dropped=True)
            walk = self._walk(db, watch, now, _elapsed(timing, watch, clock), clock)
            recorded = walk.leave_alone(unknown)
        watch.memory.digest, watch.memory.subjects = None, walk.subjects
        timing.polled, timing.answered = clock, None
        self._unanswered.add(watch.id)
        self.hearers.looked(watch, unknown, walk, clock=clock, now=now, is_left_alone=True)
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

    def _is_ours(self, db: sa.Connection, watch: AnyWatch, timing: _Timing) -> bool:
        """Whether what a poll found may be written: not what was found for another configuration, nor what
        another member finds by now, or has found since it was asked."""
        if not self._is_kept(watch) or not self._is_as_begun(watch, timing):
            return False
        return bool(self._ownership.kept(db, Kind.SYSTEM, (watch.system,)))

    def _is_as_begun(self, watch: AnyWatch, timing: _Timing) -> bool:
        """Whether the system was nobody else's since the poll began."""
        return timing.token == self._ownership.token(Kind.SYSTEM, watch.system)

    def _is_kept(self, watch: AnyWatch) -> bool:
        kept = self._watches()
        return kept is None or kept.get(watch.id) is watch

    def _state(self, watch: Watch[StateT, SeenT]) -> StateT | None:
        """The state as it stands, for a kind whose question depends on it."""
        if watch.memory.text is not None:
            return watch.memory.state
        with self._database.read() as db:
            before = watches.load(db, *watch.id)
            return watch.state(before.state, partial(pieces.load, db, *watch.id))

    def _pass_over(self, watch: AnyWatch, timing: _Timing) -> Polled:
        now = self._now()
        timing.polled = timing.answered = clock = self._monotonic()
        self._unanswered.discard(watch.id)
        self.hearers.same(watch, clock=clock, now=now)
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
        return observed(None if then is None else timedelta(seconds=clock - then), watch.every)

    return Elapsed(since(timing.answered), since(timing.polled))


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
