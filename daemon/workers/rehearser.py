"""A configuration, tried on what was kept of the past: the daemon's own walk, ledger, hours and escalations,
over a store in memory and a clock that what is read moves on. Nothing is polled, nothing sent, nobody waits.

    Past.looks          what each watch saw, in the order of time          read
    Walk.take           what the daemon makes of an answer                 as in a poll
    hours, Teller       what time alone changes                            as every 5 s
    lives.of            the incidents, and who was told                    read of the store in memory

An equal answer is passed over where the daemon would do so. What time alone changes is looked at where it
may have changed: after something turned, when a wish of an endpoint comes due, in a minute in which a window
begins or ends; else every ten minutes.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core.alerts.acknowledgement import Acknowledgement
from daemon.core.alerts.life import Phase, Seen
from daemon.core.delivery.outcome import Status
from daemon.core.durations import DAY, MINUTE, NOTHING, SECOND
from daemon.core.model import Change, Condition, Unknown
from daemon.core.rehearsal.looks import Failed, Looks
from daemon.core.rehearsal.ringing import is_timeless
from daemon.core.rehearsal.shapes import loaded
from daemon.core.routing import plan, quiet
from daemon.core.routing.silences import Silence
from daemon.core.watches import api
from daemon.core.watches.observed_time import SNAP, observed
from daemon.core.watches.watch import AnyKind, AnyWatch, Watch, WatchKind
from daemon.pipeline import hours
from daemon.pipeline.alerts import WELL
from daemon.pipeline.events import Recorded, Recorder
from daemon.pipeline.notification import Teller
from daemon.pipeline.observation import Elapsed, Walk
from daemon.store import acknowledgements, incidents, silences, watches
from daemon.store import ledger as ledger_store
from daemon.store.prepared import Prepared
from daemon.store.schema import deliveries
from daemon.workers.observation_keeper import Plain
from daemon.workers.past import Past
from daemon.workers.past import Seen as SeenOf

GRID = 5 * SECOND
"""How often the daemon looks at what time alone changes."""
SAFELY = 10 * MINUTE
"""While anything is to be told, it is looked at least so often."""
LONGEST_REPEAT = DAY
_TURNED = Prepared("SELECT max(id) FROM transitions")


@dataclass(frozen=True)
class Then:
    """What people did in that time."""

    silences: Sequence[Silence] = ()
    acknowledgements: Sequence[tuple[Acknowledgement, tuple[str, str]]] = ()
    """With the system and the key of the alert that somebody had, in the order of time."""


@dataclass
class Rehearsed:
    """What came of it."""

    seen: dict[tuple[str, str], SeenOf] = field(default_factory=dict)
    facts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many events that stand alone would have been told, by endpoint and type."""
    unreadable: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Answers that were kept, and that this release cannot read, by watch."""


@dataclass(frozen=True)
class Answers(WatchKind[None, Plain]):
    """Of a watch of which only that it was answered is kept: it stands for the API alone."""

    def ask(self, *_: Any) -> Unknown:
        raise AssertionError("nothing is asked")

    def diff(self, *_: Any) -> Change[None]:
        return Change(None)

    def dump(self, state: None) -> Mapping[str, object]:
        return {}

    def load(self, stored: Mapping[str, Any]) -> None:
        return None


@dataclass(frozen=True)
class Replayed(WatchKind[Any, Any]):
    """A kind as a rehearsal has it: it asks nobody, and nothing is written of its state, which is in memory,
    nor of how what it sees stands, which is no matter to any alert."""

    kind: AnyKind

    def ask(self, *_: Any) -> Unknown:
        raise AssertionError("nothing is asked")

    def diff(self, before: Any, seen: Any, when: Seen) -> Change[Any]:
        return self.kind.diff(before, seen, when)

    def fold(self, state: Any, phases: Mapping[str, Phase]) -> list[Condition]:
        return self.kind.fold(state, phases)

    def is_conclusive(self, seen: Any) -> bool:
        return self.kind.is_conclusive(seen)

    def text(self, state: Any) -> str:
        return IN_MEMORY

    def dump(self, state: Any) -> Mapping[str, object]:
        raise AssertionError("it stays in memory")

    def load(self, stored: Mapping[str, Any]) -> Any:
        raise AssertionError("it stays in memory")


IN_MEMORY = "in memory"


@dataclass
class _Stream:
    """What one watch saw, look by look."""

    watch: AnyWatch
    source: Iterator[tuple[Looks, timedelta]]
    found: Looks | None = None
    every: timedelta = NOTHING
    """At which it was polled."""
    number: int = 0
    answered: bool = False
    """The look before was answered."""
    gap: timedelta | None = None
    """That was passed over since the last look that counted."""
    last: datetime | None = None
    """When that was."""
    passed: datetime | None = None
    """When an equal answer was passed over last."""
    outcome: object = None
    """Of the last look that counted."""
    is_settled: bool = False
    is_timeless: bool = False
    """While all is well, an equal answer says nothing new of its alerts, even where its figures move."""
    is_calm: bool = False
    """All was well after that look: nothing is stored of its alerts, nor of the API's."""

    @property
    def at(self) -> datetime:
        assert self.found is not None  # noqa: S101 - else it is in no heap
        return self.found.at(self.number)

    def next(self) -> bool:
        """Go on to the next look. Returns whether there is one."""
        if self.found is not None and self.number < self.found.many:
            self.number += 1
            return True
        self.found, self.every = next(self.source, (None, self.every))
        self.number = 1
        return self.found is not None


class _One:
    """A store in memory, in one transaction that is never committed."""

    def __init__(self, db: sa.Connection) -> None:
        self._db = db

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        yield self._db

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        yield self._db


class Rehearser:
    """For one thread, and one rehearsal. `db`: an empty store, in a transaction."""

    def __init__(
        self, db: sa.Connection, past: Past, watched: Sequence[AnyWatch], recorder: Recorder, then: Then
    ) -> None:
        self._db = db
        self._store = _One(db)
        self._past = past
        self._recorder = recorder
        self._watches = {watch.id: watch for watch in watched}
        self._teller = Teller(recorder)
        self._attentive = [one for one in watched if one.description.attention.hours]
        self._silences = list(then.silences)
        self._acknowledged = list(then.acknowledgements)[::-1]
        self._tick: datetime | None = None
        self._wakes: list[datetime] = []
        self._due: list[datetime] = []
        self._is_dirty = self._is_open = False
        self._turned = 0
        self._minute: tuple[datetime, bool] | None = None
        self._looked: datetime | None = None
        self._alarmed: set[object] = set()
        """Watches, and systems for their API, of which alerts are stored."""
        self._streams: dict[tuple[str, str], _Stream] = {}
        self.rehearsed = Rehearsed()
        self._counts_from: datetime | None = None
        for one in self._silences:
            silences.add(db, one)
            self._wakes += [at for at in (one.starts_at, one.ends_at) if at is not None]
        heapq.heapify(self._wakes)

    def run(self, since: datetime, until: datetime, warm_up: timedelta = NOTHING) -> Rehearsed:
        """Go through a time. `warm_up`: for so long before it, so that what lasted then is known."""
        self._counts_from = since
        self._tick = since - warm_up
        heap: list[tuple[datetime, int, _Stream]] = []
        for number, watch in enumerate(self._watches.values()):
            seen = self.rehearsed.seen[watch.id] = SeenOf(watch.id, since)
            stream = self._streams[watch.id] = _Stream(
                watch, self._past.looks(watch.id, since - warm_up, until, seen)
            )
            stream.is_timeless = _is_timeless(watch)
            if stream.next():
                heapq.heappush(heap, (stream.at, number, stream))
        while heap:
            at, number, stream = heap[0]
            self._advance(at)
            self._look(stream, at)
            if stream.next():
                heapq.heapreplace(heap, (stream.at, number, stream))
            else:
                heapq.heappop(heap)
        self._advance(until + GRID)
        for seen in self.rehearsed.seen.values():
            seen.close(since, until)
        return self.rehearsed

    def _look(self, stream: _Stream, at: datetime) -> None:
        """One look, or all that are like it and say nothing new."""
        found, watch = stream.found, stream.watch
        assert found is not None  # noqa: S101 - it is in the heap
        gap = found.gap
        if self._is_passed(stream, at):
            if not watch.description.attention.hours:
                stream.number = found.many  # however many: none of them says more
            until = found.at(stream.number)
            stream.passed = stream.last = self._last_poll(stream, until)
            stream.answered, stream.gap = True, until - stream.last
            return
        is_first = stream.last is None
        stream.gap = (
            None if gap is None or (stream.gap is None and not is_first) else (stream.gap or NOTHING) + gap
        )
        if stream.last is not None and self._is_early(stream, at):
            return
        self._walk(stream, at, found)

    @staticmethod
    def _last_poll(stream: _Stream, until: datetime) -> datetime:
        """When the watch would have been polled last by then, at the interval of this configuration."""
        every, last = stream.watch.every, stream.last
        if last is None or every <= stream.every or until <= last:
            return until
        return last + (until - last) // every * every

    @staticmethod
    def _is_early(stream: _Stream, at: datetime) -> bool:
        """Whether the watch would not have been polled yet, at the interval of this configuration."""
        every, last = stream.watch.every, stream.last
        return last is not None and every > stream.every and at - last < every - SNAP * every

    def _is_passed(self, stream: _Stream, at: datetime) -> bool:
        found, watch = stream.found, stream.watch
        if not stream.is_settled or found is None or found.gap is None:
            return False
        is_same = stream.outcome is found.outcome or stream.outcome == found.outcome
        return is_same and watch.terms(at) == watch.memory.terms

    def _walk(self, stream: _Stream, at: datetime, found: Looks) -> None:
        watch, db = stream.watch, self._db
        seen = self._seen(watch, found)
        if seen is None:
            stream.gap, stream.answered = None, False
            stream.is_settled = False
            return
        every = max(watch.every, stream.every)
        since_poll = observed(stream.gap, every)
        elapsed = Elapsed(since_poll if stream.answered else NOTHING, since_poll)
        if stream.is_calm and not isinstance(seen, Unknown) and self._stays_calm(stream, at, seen, elapsed):
            stream.outcome, stream.passed = found.outcome, at
            stream.last, stream.gap = at, NOTHING
            return
        self._deliver(at)
        if stream.passed is not None:
            watches.touch(db, {watch.id: stream.passed})
        walk = Walk(db, watch, self._recorder, now=at, elapsed=elapsed, last_seen=stream.passed)
        is_left_alone = isinstance(found.outcome, Failed) and found.outcome.is_left_alone
        recorded = walk.leave_alone(seen) if is_left_alone and isinstance(seen, Unknown) else walk.take(seen)
        if walk.written is not None:
            watch.memory.text, watch.memory.state = walk.written
        watch.memory.subjects, watch.memory.terms = walk.subjects, walk.terms
        is_answer = not isinstance(seen, Unknown)
        stream.is_settled = is_answer and walk.is_settled and watch.kind.is_conclusive(seen)
        stream.outcome, stream.answered = found.outcome, is_answer
        stream.last, stream.gap, stream.passed = at, NOTHING, None
        self._note_alerts(watch, is_plain=is_answer and not seen.problems)
        self._take(recorded, at)
        self._see_turns(bool(recorded.turned))

    def _stays_calm(self, stream: _Stream, at: datetime, seen: Any, elapsed: Elapsed) -> bool:
        """Whether all is well still, and nothing happened that anybody wants to hear of: the walk would write
        no more than the state. That is so nearly always, and a walk takes ten times as long as this."""
        watch = stream.watch
        if watch.system in self._alarmed or watch.id in self._alarmed or seen.problems:
            return False
        when = Seen(at, stream.passed or stream.last, elapsed.since_answer)
        change = watch.kind.diff(watch.memory.state, seen, when)
        conditions = watch.description.attention.seen(change.conditions, at)
        if any(one.verdict not in WELL for one in (*conditions, *watch.kind.fold(change.state, {}))):
            return False
        if plan.wanted(watch.system, change.facts, self._recorder.interests):
            return False
        watch.memory.state, watch.memory.terms = change.state, watch.terms(at)
        is_still = not change.is_moving or stream.is_timeless
        stream.is_settled = watch.kind.is_conclusive(seen) and is_still
        return True

    def _note_alerts(self, watch: AnyWatch, *, is_plain: bool) -> None:
        """What is not plainly well of a watch, and of its API."""
        for one, owner in ((watch.id, watch.name), (watch.system, api.OWNER)):
            if watches.load_alerts(self._db, watch.system, owner):
                self._alarmed.add(one)
            else:
                self._alarmed.discard(one)
        self._streams[watch.id].is_calm = is_plain

    def _seen(self, watch: AnyWatch, found: Looks) -> Any:
        """What was seen; None: it cannot be read."""
        if isinstance(found.outcome, Failed):
            return found.outcome.unknown
        kind = watch.kind
        kept_as = (kind.kind.kept_as if isinstance(kind, Replayed) else None) or Plain
        try:
            return loaded(kept_as, found.outcome.seen)
        except (AttributeError, LookupError, TypeError, ValueError):
            self.rehearsed.unreadable[watch.id] += found.many
            return None

    def _see_turns(self, is_turned: bool) -> None:
        """Where a phase changed, what holds others back may have, too."""
        self._is_open = self._is_open or is_turned
        if not self._is_open:
            return
        ((last,),) = _TURNED.rows(self._db)
        if (last or 0) != self._turned:
            self._turned, self._is_dirty = last or 0, True

    def _take(self, recorded: Recorded, now: datetime) -> None:
        if not recorded.events and not recorded.deliveries:
            return
        self._is_open = self._is_open or bool(recorded.incidents)
        for one in recorded.deliveries:
            heapq.heappush(self._due, now + one.wait)
            if one.incident is None and self._counts_from is not None and now >= self._counts_from:
                self.rehearsed.facts[one.endpoint, one.event.type] += 1
        if recorded.incidents:
            self._wake_for(now)

    def _wake_for(self, now: datetime) -> None:
        """What may follow by time alone from what was just told."""
        later = {NOTHING}
        for one in self._recorder.interests:
            later |= {one.after, one.group_wait}
            if one.repeat:
                later |= {_doubled(one.repeat, times) + one.group_wait for times in range(16)}
        later |= {step.after for one in self._recorder.escalations for step in one.steps}
        for wait in later:
            if wait:
                heapq.heappush(self._wakes, now + wait)

    def _deliver(self, now: datetime) -> None:
        """What is due arrives."""
        if not self._due or self._due[0] > now:
            return
        while self._due and self._due[0] <= now:
            heapq.heappop(self._due)
        arrived = {"status": Status.DELIVERED, "ended_at": deliveries.c.due_at}
        is_due = (deliveries.c.ended_at.is_(None), deliveries.c.due_at <= now)
        self._db.execute(sa.update(deliveries).where(*is_due).values(**arrived))

    def _advance(self, to: datetime) -> None:
        """Let time pass, with all that is done by it before a moment: what is seen at that is seen first."""
        assert self._tick is not None  # noqa: S101 - `run` says it
        while self._tick < to:
            if not (self._is_open or self._is_dirty):
                until = min([to, *self._wakes[:1], *self._next_acknowledged()])
                if self._tick < until:
                    self._tick += (until - self._tick) // GRID * GRID
            now = self._tick
            self._acknowledge(now)
            if self._is_needed(now):
                self._settle(now)
            self._tick = now + GRID

    def _is_needed(self, now: datetime) -> bool:
        is_due = bool(self._wakes) and self._wakes[0] <= now
        while self._wakes and self._wakes[0] <= now:
            heapq.heappop(self._wakes)
        if self._is_dirty or is_due:
            return True
        if not self._is_open:
            return False
        if self._looked is None or now - self._looked >= SAFELY or self._moves(now):
            return True
        return bool(self._recorder.escalations) and now - self._looked >= MINUTE

    def _moves(self, now: datetime) -> bool:
        """Whether a window or a silence begins or ends in this minute."""
        if self._minute is None or not self._minute[0] <= now < self._minute[0] + MINUTE:
            self._minute = now, self._standing(now) != self._standing(now + MINUTE)
        return self._minute[1]

    def _standing(self, moment: datetime) -> tuple[object, ...]:
        """All that holds at a moment for its hour alone."""
        return (
            *(quiet.is_held(one.quiet, moment) for one in self._recorder.interests if one.quiet),
            *(one.description.attention.closed(moment) for one in self._attentive),
            *(one.is_active(moment) for one in self._silences if one.weekly is not None),
        )

    def _settle(self, now: datetime) -> None:
        self._looked, self._is_dirty = now, False
        self._deliver(now)
        recorded = hours.look(
            self._store, lambda: self._recorder, lambda: self._watches, now, lambda _db, systems: systems
        )
        recorded += self._teller.tick(self._store, now)
        self._take(recorded, now)
        self._see_turns(False)
        self._is_dirty = self._is_dirty or bool(recorded.events or recorded.deliveries)
        endpoints = [one.endpoint for one in self._recorder.interests]
        self._is_open = bool(incidents.unsettled(self._db, endpoints) or ledger_store.load_quiet(self._db))

    def _next_acknowledged(self) -> list[datetime]:
        return [self._acknowledged[-1][0].at] if self._acknowledged else []

    def _acknowledge(self, now: datetime) -> None:
        """What somebody took on then, they take on now, where it fires."""
        while self._acknowledged and self._acknowledged[-1][0].at <= now:
            one, (system, key) = self._acknowledged.pop()
            of_it = [each for each in incidents.firing(self._db) if (each.system, each.key) == (system, key)]
            for incident in of_it:
                values = {**vars(one), "incident": incident.id, "event": ""}
                acknowledgements.add(self._db, Acknowledgement(**values))
                self._is_dirty = True


def _doubled(wait: timedelta, times: int) -> timedelta:
    doubled: int = 2**times
    return min(wait * doubled, max(wait, LONGEST_REPEAT))


def _is_timeless(watch: AnyWatch) -> bool:
    kind = watch.kind.kind if isinstance(watch.kind, Replayed) else watch.kind
    return is_timeless(kind.kept_as, (one.metric for one in kind.thresholds()))


def replayed(watch: AnyWatch) -> AnyWatch:
    """A watch as a rehearsal has it: of one of which no answers are kept, what it says of the API."""
    kept_as = watch.kind.kept_as
    kind: AnyKind = Answers() if kept_as is None else Replayed(watch.kind)
    return Watch(watch.description, kind)


def counter() -> Callable[[str], str]:
    """Ids that count: nobody else hears of them."""
    numbers: Counter[str] = Counter()

    def new_id(prefix: str) -> str:
        numbers[prefix] += 1
        return f"{prefix}_{numbers[prefix]:09}"

    return new_id
