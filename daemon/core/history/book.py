"""What was seen since the last flush: how long everything that a watch sees was as it is. Pure.

The time from one look to the next belongs to what was seen at the first of them, if the second saw anything
at all. It is as long as a clock that nobody sets says, and ended when the clock on the wall says so. So an
unchanged answer only moves the end of a span, whatever its watch sees; what the span comes to for each of its
subjects is worked out when it is written down.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from daemon.core.history.buckets import MINUTE, minutes, start_of
from daemon.core.history.tally import Tally, lasting, plus, values
from daemon.core.watches.subjects import Subject, SubjectState

Owner: TypeAlias = tuple[str, str]
"""System and watch; "api" for the API itself."""
SLACK = 20
"""Ours. Milliseconds by which two clocks, read one after the other, may tell another length."""
REMEMBERED = 3_600_000
"""Milliseconds: of what cannot be written down no more is remembered than this, to the newest look."""
MOST_RUNS = 1000
"""The same, of looks that saw something new."""


class At(NamedTuple):
    """When somebody looked."""

    clock: float
    """Seconds that only grow."""
    now: int
    """By the clock on the wall, milliseconds since 1970."""
    most: int
    """Milliseconds: of a longer time since the look before, the rest was not observed."""


class Held(NamedTuple):
    """How one subject was."""

    is_up: bool
    values: Mapping[int, int]
    """Hundredths, by the metrics' numbers."""


@dataclass(slots=True)
class Run:
    """A time in which nothing changed."""

    held: Mapping[str, Held]
    """By subject; those that are unknown are not there."""
    spans: list[list[int]] = field(default_factory=list)
    """Begin and end of what was observed, milliseconds since 1970; both the same: it was looked at."""


@dataclass(slots=True)
class _Track:
    """One watch."""

    run: Run
    clock: float | None = None
    """Of the last look; None: that saw nothing."""
    end: int = 0
    """The same, on the wall."""
    closed: list[Run] = field(default_factory=list)


Taken: TypeAlias = dict[str, list[Run]]
"""By watch; those that are gone are ""."""
Seconds: TypeAlias = dict[int, dict[str, Tally]]
"""Tallies by minute and subject, of one system."""


class Unflushed(NamedTuple):
    """What was seen of a system, and may not be in what a reader finds in the store."""

    open: Seconds
    """Not written down."""
    flushed: Seconds
    """Being written down, or written last: in whatever carries the number `flush` it is."""
    flush: int
    late: int
    """How often something was written down of a time before this hour and the one before it."""


NOTHING_OPEN = Unflushed({}, {}, 0, 0)


class Book:
    """By system and watch. For one thread at a time."""

    def __init__(self) -> None:
        self._tracks: dict[str, dict[str, _Track]] = defaultdict(dict)
        self._left: dict[str, list[Run]] = defaultdict(list)
        """Of watches that are gone."""

    def look(self, owner: Owner, at: At, seen: Mapping[str, Subject]) -> None:
        """An answer that was understood, and how the subjects stand by it."""
        self._changed(owner, at, _held(seen))

    def same(self, owner: Owner, at: At) -> None:
        """The same answer as before."""
        track = self._tracks[owner[0]].get(owner[1])
        if track is not None:
            _pass(track, at)

    def unseen(self, owner: Owner) -> None:
        """An answer that failed: of the time until the next one nobody knows anything."""
        track = self._tracks[owner[0]].get(owner[1])
        if track is not None:
            track.clock = None

    def keep(self, owners: Collection[Owner]) -> None:
        """Forget the watches that are no others than these; not what was seen of them."""
        for system, tracks in self._tracks.items():
            for watch in [one for one in tracks if (system, one) not in owners]:
                self._left[system] += _runs(tracks.pop(watch))

    def forget(self, system: str) -> None:
        """Forget what was seen of a system, and what was not written down of it."""
        self._tracks.pop(system, None)
        self._left.pop(system, None)

    def systems(self) -> list[str]:
        """Those of which anything is to be written down."""
        seen = {system for system, tracks in self._tracks.items() if any(map(_runs, tracks.values()))}
        return sorted(seen | {system for system, runs in self._left.items() if runs})

    def runs(self, system: str) -> list[Run]:
        """What is to be written down of a system."""
        return [
            run for runs in (*map(_runs, self._tracks[system].values()), self._left[system]) for run in runs
        ]

    def take(self, system: str) -> Taken:
        """The same; it is forgotten here."""
        taken: Taken = {"": self._left.pop(system, [])}
        for watch, track in self._tracks[system].items():
            taken[watch] = _runs(track)
            track.closed, track.run = [], Run(track.run.held)
        return taken

    def give_back(self, system: str, taken: Taken) -> None:
        """What could not be written down."""
        for watch, runs in taken.items():
            track = self._tracks[system].get(watch)
            if track is None:
                self._left[system] += runs
                continue
            older = list(runs)
            if older and older[-1].held is track.run.held:
                track.run.spans[:0] = older.pop().spans
            track.closed[:0] = older

    def shorten(self) -> None:
        """Nothing can be written down: remember the newest only."""
        for system, tracks in self._tracks.items():
            for track in tracks.values():
                track.closed = _newest(track.closed)
                track.run.spans = _newest_spans(track.run.spans)
            self._left[system] = _newest(self._left[system])

    def _changed(self, owner: Owner, at: At, held: Mapping[str, Held]) -> None:
        system, watch = owner
        track = self._tracks[system].setdefault(watch, _Track(Run(held)))
        _pass(track, at)
        if track.run.held != held:
            track.closed += [track.run] if track.run.spans else []
            track.run = Run(held)
        spans = track.run.spans
        if not spans or spans[-1][1] != at.now:
            spans.append([at.now, at.now])


def _pass(track: _Track, at: At) -> None:
    """The time since the look before."""
    clock, end = track.clock, track.end
    track.clock, track.end = at.clock, at.now
    if clock is None:
        return
    begin = at.now - min(max(round((at.clock - clock) * 1000), 0), at.most)
    if -SLACK <= begin - end <= SLACK and end <= at.now:
        begin = end
    spans = track.run.spans
    if spans and spans[-1][1] == begin:
        spans[-1][1] = at.now
    else:
        spans.append([begin, at.now])


def _newest(runs: list[Run]) -> list[Run]:
    kept = [Run(run.held, _newest_spans(run.spans)) for run in runs[-MOST_RUNS:]]
    return [run for run in kept if run.spans]


def _newest_spans(spans: list[list[int]]) -> list[list[int]]:
    oldest = max((end for _, end in spans), default=0) - REMEMBERED
    return [[max(begin, oldest), end] for begin, end in spans[-MOST_RUNS:] if end > oldest]


def _minutes(spans: Iterable[list[int]]) -> dict[int, int]:
    """Milliseconds, by the start of the minute; 0: it was looked at."""
    found: dict[int, int] = {}
    for begin, end in spans:
        found.setdefault(start_of(MINUTE, begin), 0)
        for minute, milliseconds in minutes(begin, end):
            found[minute] = found.get(minute, 0) + milliseconds
    return found


def _held(seen: Mapping[str, Subject]) -> dict[str, Held]:
    return {
        name: Held(one.state is SubjectState.UP, values(one.metrics))
        for name, one in seen.items()
        if one.state is not SubjectState.UNKNOWN
    }


def _runs(track: _Track) -> list[Run]:
    return [*track.closed, *([track.run] if track.run.spans else [])]


def added(runs: Iterable[Run]) -> Seconds:
    """What runs come to for each subject; of a minute that was seen twice, more than it is long."""
    found: Seconds = defaultdict(dict)
    for run in runs:
        for minute, milliseconds in _minutes(run.spans).items():
            row = found[minute]
            plain = {is_up: lasting(is_up=is_up, milliseconds=milliseconds, of={}) for is_up in (True, False)}
            for subject, held in run.held.items():
                tally = plain[held.is_up]
                if held.values:
                    tally = lasting(is_up=held.is_up, milliseconds=milliseconds, of=held.values)
                elif not milliseconds:
                    continue
                row[subject] = plus(row[subject], tally) if subject in row else tally
    return {minute: row for minute, row in found.items() if row}
