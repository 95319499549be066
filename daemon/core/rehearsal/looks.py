"""What was seen of a watch, look by look, as text that compresses well; and back. Pure.

A batch is lines of JSON. The first says what the others go by:

    {"start": 1764000000000, "every": 10000, "tick": 100}      milliseconds

Then each look, or several that were equal:

    [100, {…}]                       so many ticks later: answered, with this patch to the answer before
    [100, {…}, 25000]                the same, but so many milliseconds passed since the look before, by a
                                     clock that is not set; null: nobody looked before
    [5900, 59]                       as the one before it, so often, each an interval after the other
    [100, "timeout", "…", 0]         no answer: how it failed, what it said, whether nothing was even asked
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.core.model import Failure, Json, Unknown
from daemon.core.rehearsal.patches import SAME, applied, patch
from daemon.core.watches.observed_time import is_regular

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
TICKS = 100
"""Of an interval: as exactly as a time is kept."""


@dataclass(frozen=True)
class Answer:
    """What was seen, as what JSON can say."""

    seen: Json


@dataclass(frozen=True)
class Failed:
    """That nothing was seen, and why."""

    failure: Failure
    message: str
    is_left_alone: bool = False
    """Nothing was asked."""

    @property
    def unknown(self) -> Unknown:
        """The same, as a poll takes it."""
        return Unknown(self.failure, self.message)


Outcome = Answer | Failed


@dataclass(frozen=True)
class Looks:
    """One look, or several with the same outcome, an interval apart."""

    until: datetime
    """When the last of them was."""
    outcome: Outcome
    many: int = 1
    span: timedelta = timedelta(0)
    """Since the look before the first of several."""
    gap: timedelta | None = None
    """Of each since the look before it, by a clock that is not set; None: nobody looked before."""

    def at(self, number: int) -> datetime:
        """When one of them was, counted from 1."""
        return self.until - self.span * ((self.many - number) / self.many)


@dataclass
class Batch:
    """Looks of one watch that are being written."""

    start: datetime
    every: timedelta
    lines: list[str] = field(default_factory=list)
    length: int = 0
    """Of the lines together."""
    last: Outcome | None = None
    """Of the last look."""
    _ticks: int = 0
    _run: tuple[int, int] | None = None
    """What the last line says, where it is of several that were equal."""

    def __post_init__(self) -> None:
        self._tick = max(self.every // TICKS, MILLISECOND)
        first = {
            "start": (self.start - EPOCH) // MILLISECOND,
            "every": self.every // MILLISECOND,
            "tick": self._tick // MILLISECOND,
        }
        self._write(first)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)

    @property
    def until(self) -> datetime:
        """When the last look in it was."""
        return self.start + self._ticks * self._tick

    def add(self, at: datetime, outcome: Outcome, gap: timedelta | None) -> None:
        """One look; `gap`: since the one before, None: nobody looked before."""
        is_next = gap is not None and is_regular(gap, self.every)
        if is_next and outcome == self.last:
            self.same(at, 1)
            return
        passed: list[Json] = [] if is_next else [None if gap is None else gap // MILLISECOND]
        last, self.last = self.last, outcome
        if isinstance(outcome, Failed):
            said: list[Json] = [outcome.failure.value, outcome.message, int(outcome.is_left_alone)]
        else:
            said = [patch(last.seen if isinstance(last, Answer) else None, outcome.seen)]
        self._write([self._passed(at), *said, *passed])

    def same(self, at: datetime, many: int) -> None:
        """So many with the outcome of the one before, each an interval after the other."""
        self._same(self._passed(at), many)

    def same_after(self, at: datetime, gap: timedelta | None) -> None:
        """One with the outcome of the one before, some time after it."""
        if self.last is None:
            raise ValueError("nothing was before it")
        self.add(at, self.last, gap)

    def _same(self, passed: int, many: int) -> None:
        if self.last is None:
            raise ValueError("nothing was before them")
        if self._run is not None:
            passed, many = passed + self._run[0], many + self._run[1]
            self.length -= len(self.lines.pop()) + 1
        self._write([passed, many])
        self._run = passed, many

    def _passed(self, at: datetime) -> int:
        ticks = round((at - self.start) / self._tick)
        passed, self._ticks = ticks - self._ticks, ticks
        return passed

    def _write(self, line: Any) -> None:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        self.lines.append(text)
        self._run = None
        self.length += len(text) + 1


@dataclass(frozen=True)
class Header:
    """What the lines of a batch go by."""

    start: datetime
    every: timedelta
    tick: timedelta


def header(text: str) -> Header:
    """Of a batch. Raises as `read`."""
    found = json.loads(text.partition("\n")[0])
    start = EPOCH + found["start"] * MILLISECOND
    return Header(start, found["every"] * MILLISECOND, found["tick"] * MILLISECOND)


def read(text: str) -> Iterator[Looks]:
    """The looks of a batch, in order. Raises ValueError, TypeError, LookupError for what is none."""
    head = header(text)
    ticks, last = 0, None
    for line in text.split("\n")[1:]:
        passed, said, *more = json.loads(line)
        ticks += passed
        at = head.start + ticks * head.tick
        if isinstance(said, int):
            if last is None or said < 1:
                raise ValueError("nothing was before them")
            span = passed * head.tick
            yield Looks(at, last, said, span, span / said)
            continue
        last, gaps = _outcome(last, said, more)
        gap = head.every if not gaps else None if gaps[0] is None else gaps[0] * MILLISECOND
        yield Looks(at, last, gap=gap)


def _outcome(last: Outcome | None, said: Any, more: list[Any]) -> tuple[Outcome, list[Any]]:
    if isinstance(said, str):
        message, is_left_alone, *gaps = more
        return Failed(Failure(said), message, bool(is_left_alone)), gaps
    before = last.seen if isinstance(last, Answer) else None
    return Answer(before if said == SAME else applied(before, said)), more


def after_a_gap(found: Looks) -> Looks:
    """The same, where nobody knows what was before."""
    return replace(found, gap=None) if found.many == 1 else found
