"""Keeps what every watch saw, so that another configuration can be tried on it (`yemotd rehearse`): hears of
every poll, and writes it down once a minute, in transactions of its own.

A poll only hands over what it has anyway; nothing of this slows it, or fails it. What is not written down yet
when the process is killed, or cannot be, is a gap: whoever reads sees that nobody looked before what follows.
Of several members each writes what it polls, as long as the system is its own.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from daemon.core.model import Unknown
from daemon.core.ownership import Kind
from daemon.core.rehearsal.looks import Answer, Batch, Failed, Outcome
from daemon.core.rehearsal.shapes import dumped
from daemon.core.watches.observed_time import SNAP, is_regular
from daemon.core.watches.watch import AnyWatch
from daemon.store import observations
from daemon.store.database import Database
from daemon.store.observations import Key, Packed, pack
from daemon.store.ownership import EVERYTHING, Ownership

log = structlog.get_logger()

Owner = tuple[str, str]
"""System and watch."""
AT_ONCE = 50
"""Batches that are written in one transaction, for which others wait."""
LASTS = timedelta(hours=1)
"""What one batch holds: it is written anew each minute until it is full."""
AT_LEAST = 24
"""Intervals that a batch holds, where they are long."""
MOST_LENGTH = 256 << 10
"""Characters of a batch, after which the next begins."""
MOST_WAITING = 2_000
"""Looks of one watch that wait to be written; those of a minute, but for the shortest intervals, are six."""
MOST_UNWRITTEN = 16 << 20
"""Bytes of batches that could not be written, while the store is in trouble; older ones are let go."""
STEP = timedelta(seconds=2)
"""The clock on the wall and the one that is not set may differ by so much between two looks."""


@dataclass(frozen=True)
class Plain:
    """An answer of which nothing is kept but what of it was unreadable."""

    problems: tuple[str, ...] = ()


SAME = object()
"""The answer is the one before, to the byte."""


@dataclass(slots=True)
class _Look:
    """One look, or several without a change an interval apart, not written down yet."""

    at: datetime
    """Of the last of them."""
    gap: timedelta | None
    """Since the look before the first; None: nobody looked before."""
    seen: object
    every: timedelta
    """The interval at which it was polled."""
    many: int = 1


@dataclass
class _Waiting:
    """Of one watch: what the next flush takes."""

    every: timedelta
    looks: list[_Look] = field(default_factory=list)
    clock: float | None = None
    """Of the last look; None: none is known of."""


@dataclass(eq=False)
class _Open:
    """A batch that is not full yet, or not written as it is."""

    watch: Owner
    batch: Batch
    stored: int = 0
    """Bytes that it counted for when it was written last."""
    is_changed: bool = True


class ObservationKeeper:
    """Safe to call from any thread."""

    def __init__(
        self,
        database: Database,
        *,
        is_on: Callable[[], bool],
        ownership: Ownership = EVERYTHING,
    ) -> None:
        self._database = database
        self._is_on = is_on
        self._ownership = ownership
        self._waiting: dict[Owner, _Waiting] = {}
        self._open: dict[Owner, _Open] = {}
        self._unwritten: dict[Key, _Open] = {}
        """The open ones, and those that are full and could not be written; the oldest first."""
        self._gone: set[str] = set()
        """Systems that others poll, whose batches the next flush lets go."""
        self._polled: frozenset[Owner] | None = None
        self._lock = threading.Lock()
        self._one_flush = threading.Lock()

    def looked(
        self, watch: AnyWatch, seen: object, *, clock: float, now: datetime, is_left_alone: bool = False
    ) -> None:
        """A poll that was written: its answer, or `Unknown`. `clock`: seconds that only grow;
        `is_left_alone`: nothing was asked."""
        if not self._is_on():
            return
        if isinstance(seen, Unknown):
            seen = Failed(seen.failure, seen.message, is_left_alone)
        elif watch.kind.kept_as is None:
            seen = Plain(tuple(getattr(seen, "problems", ())))
        with self._lock:
            waiting = self._waiting.get(watch.id)
            if waiting is None:
                waiting = self._waiting[watch.id] = _Waiting(watch.every)
            waiting.every = watch.every
            self._add(waiting, seen, clock, now)

    def same(self, watch: AnyWatch, *, clock: float, now: datetime) -> None:
        """A poll with the same answer as before."""
        if not self._is_on():
            return
        with self._lock:
            waiting = self._waiting.get(watch.id)
            if waiting is None or waiting.clock is None:
                return  # what it was is not known here
            looks = waiting.looks
            gap = timedelta(seconds=clock - waiting.clock)
            waiting.every = watch.every
            is_next = looks and looks[-1].seen is SAME and looks[-1].every == watch.every
            is_next = is_next and is_regular(gap, watch.every)
            if is_next and abs(now - looks[-1].at - gap) <= STEP:
                looks[-1].many += 1
                looks[-1].at, waiting.clock = now, clock
            else:
                self._add(waiting, SAME, clock, now)

    def unseen(self, watch: Owner) -> None:
        """Nothing was asked: before the next look nobody looked."""
        with self._lock:
            waiting = self._waiting.get(watch)
            if waiting is not None:
                waiting.clock = None

    def forget(self, system: str) -> None:
        """Another member polls a system from now on, or did until now."""
        with self._lock:
            for one in [one for one in self._waiting if one[0] == system]:
                del self._waiting[one]
            self._gone.add(system)  # a flush under way may take long, and asks whose the system is

    def keep(self, watches: Collection[Owner]) -> None:
        """Only these are polled from now on."""
        with self._lock:
            self._polled = frozenset(watches)

    def flush(self) -> None:
        """Write it down. Raises SQLAlchemy's errors where that cannot be; then it is kept, as far as there is
        room, and what does not fit is a gap."""
        with self._one_flush:
            self._let_go()
            with self._lock:
                taken = [(watch, of.looks) for watch, of in self._waiting.items() if of.looks]
                for watch, _ in taken:
                    self._waiting[watch].looks = []
            for watch, looks in taken:
                self._take(watch, looks)
            self._bound()
            changed = [one for one in self._unwritten.values() if one.is_changed or self._is_over(one)]
            for first in range(0, len(changed), AT_ONCE):
                self._write(changed[first : first + AT_ONCE])

    def _let_go(self) -> None:
        """Of what is not polled here any more: what another member writes, and what is over."""
        with self._lock:
            gone, self._gone, polled = self._gone, set(), self._polled
            left = [one for one in self._open if polled is not None and one not in polled]
            for one in [one for one in left if one in self._waiting and not self._waiting[one].looks]:
                del self._waiting[one]
        for key in [key for key in self._unwritten if key[0] in gone]:
            del self._unwritten[key]
        for one in [one for one in self._open if one[0] in gone or one in left]:
            del self._open[one]

    @staticmethod
    def _add(waiting: _Waiting, seen: object, clock: float, now: datetime) -> None:
        if len(waiting.looks) >= MOST_WAITING:
            waiting.looks.clear()  # nobody has written for long
            waiting.clock = None
            if seen is SAME:
                return
        gap = None if waiting.clock is None else timedelta(seconds=clock - waiting.clock)
        waiting.looks.append(_Look(now, gap, seen, waiting.every))
        waiting.clock = clock

    def _take(self, watch: Owner, looks: Iterable[_Look]) -> None:
        """Make looks a part of the open batch."""
        try:
            for look in looks:
                self._put(watch, look)
        except Exception:
            # Of one watch, and no reason to keep nothing of the others.
            log.exception("observations.crashed", system=watch[0], watch=watch[1])
            self.unseen(watch)
            self._open.pop(watch, None)

    def _put(self, watch: Owner, look: _Look) -> None:
        every = look.every
        open_ = self._open.get(watch)
        if open_ is not None and _is_full(open_.batch, look):
            last = open_.batch.last
            open_ = _Open(watch, Batch(look.at, every))
            if look.seen is SAME and last is not None:
                first = look.at - (look.many - 1) * every
                open_ = _Open(watch, Batch(first, every))
                open_.batch.add(first, last, look.gap)
                look = _Look(look.at, every, SAME, every, look.many - 1)
        elif open_ is None and look.seen is not SAME:
            open_ = _Open(watch, Batch(look.at, every))
        if open_ is None:
            self.unseen(watch)  # what it was is gone with what could not be kept
            return
        _written(open_.batch, look)
        open_.is_changed = True
        self._open[watch] = self._unwritten[*watch, open_.batch.start] = open_

    def _bound(self) -> None:
        """Let go of the oldest that could not be written, where they are too many."""
        length = sum(one.batch.length for one in self._unwritten.values())
        for key, one in list(self._unwritten.items()):
            if length <= MOST_UNWRITTEN:
                return
            length -= one.batch.length
            del self._unwritten[key]
            if self._open.get(one.watch) is one:
                del self._open[one.watch]
                self.unseen(one.watch)
            log.warning(
                "observations.not_kept", system=one.watch[0], watch=one.watch[1], since=one.batch.start
            )

    def _is_over(self, one: _Open) -> bool:
        """Whether nothing is added to a batch any more: it is written once more, in less room."""
        return self._open.get(one.watch) is not one

    def _packed(self, one: _Open) -> Packed:
        looks = pack(one.batch.text, is_full=self._is_over(one))
        return Packed(*one.watch, one.batch.start, one.batch.until, looks)

    def _write(self, batches: Sequence[_Open]) -> None:
        """Store these, as far as their systems are ours."""
        # Before the transaction, which others wait for.
        packed = [self._packed(one) for one in batches]
        systems = {one.system for one in packed}
        with self._database.write_beside() as db:
            ours = self._ownership.kept(db, Kind.SYSTEM, systems)
            pairs = [pair for pair in zip(packed, batches, strict=True) if pair[0].system in ours]
            grown = Counter[str]()
            for new, one in pairs:
                grown[new.system] += new.size - one.stored
            observations.put(db, [new for new, _ in pairs], grown)
        for new, one in zip(packed, batches, strict=True):
            one.stored, one.is_changed = new.size, False
            if self._is_over(one):
                self._unwritten.pop((*one.watch, one.batch.start), None)


def _is_full(batch: Batch, look: _Look) -> bool:
    """Whether the next look begins another batch: this one is long enough, or goes by another interval, or
    the clock was set meanwhile."""
    every = look.every
    if (
        batch.every != every
        or batch.length > MOST_LENGTH
        or look.at - batch.start >= max(LASTS, AT_LEAST * every)
    ):
        return True
    if look.gap is None:
        return look.at < batch.until
    return abs(look.at - batch.until - look.gap - (look.many - 1) * every) > STEP + look.many * SNAP * every


def _written(batch: Batch, look: _Look) -> None:
    if look.seen is not SAME:
        batch.add(look.at, _outcome(look.seen), look.gap)
        return
    many = look.many
    if many and (look.gap is None or not is_regular(look.gap, batch.every)):
        batch.same_after(look.at - (many - 1) * batch.every, look.gap)
        many -= 1
    if many:
        batch.same(look.at, many)


def _outcome(seen: object) -> Outcome:
    return seen if isinstance(seen, Failed) else Answer(dumped(seen))
