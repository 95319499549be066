"""How long a subject was up and down within a stretch of time, and what its values were meanwhile. Pure.

Whole milliseconds, so that minutes add up to hours and hours to days. What is neither up nor down was not
seen: nobody writes it down, and what is lost is unseen by itself.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from daemon.core.model import Json

METRICS: Mapping[str, int] = {
    "calls_waiting": 1,
    "longest_wait_seconds": 2,
    "agents_available": 3,
    "agents_paused": 4,
    "calls_per_agent": 5,
    "hold_seconds": 6,
    "abandoned_per_hour": 7,
    "answered_per_hour": 8,
    "longest_wait_today": 9,
    "balance": 10,
}
"""The values whose course is kept, each by a number that it has for ever: the store knows them by it."""
NAMES = {number: name for name, number in METRICS.items()}
SCALE = 100
"""Values are kept as hundredths; they are rounded to two decimals where they come from."""
MOST = 2**50
"""Ours. A larger value, either way, is nobody's."""


class Sample(NamedTuple):
    """The course of one value: its hundredths."""

    seen: int
    """Milliseconds of which it is known; 0: it was looked at, and then nobody saw for how long it lasted."""
    total: int
    """The value times the milliseconds, added up."""
    least: int
    most: int

    @property
    def mean(self) -> float:
        """By the time that each value lasted."""
        middle = self.total / self.seen if self.seen else (self.least + self.most) / 2
        return middle / SCALE


@dataclass(frozen=True, slots=True)
class Tally:
    """Milliseconds within one stretch of time."""

    up: int = 0
    down: int = 0
    samples: Mapping[int, Sample] = field(default_factory=dict)
    """By the number of the metric."""

    @property
    def seen(self) -> int:
        return self.up + self.down


NONE = Tally()


def values(metrics: Mapping[str, Json] | None) -> dict[int, int]:
    """The hundredths of the values whose course is kept, by the metrics' numbers."""
    found = {METRICS[name]: _number(value) for name, value in (metrics or {}).items() if name in METRICS}
    return {number: round(value * SCALE) for number, value in found.items() if value is not None}


def lasting(*, is_up: bool, milliseconds: int, of: Mapping[int, int]) -> Tally:
    """What so long in one state comes to, with the same values all the while."""
    samples = {
        number: Sample(milliseconds, value * milliseconds, value, value) for number, value in of.items()
    }
    return Tally(milliseconds, 0, samples) if is_up else Tally(0, milliseconds, samples)


def plus(one: Tally, other: Tally) -> Tally:
    """Both together."""
    if not other.samples:
        samples = one.samples
    elif not one.samples:
        samples = other.samples
    else:
        samples = {**one.samples, **other.samples}
        for number in one.samples.keys() & other.samples.keys():
            samples[number] = _joined(one.samples[number], other.samples[number])
    return Tally(one.up + other.up, one.down + other.down, samples)


def fitted(one: Tally, room: int) -> Tally:
    """As much of it as there is room for: a clock that was set back shows the same minute twice, but a minute
    is no longer for it."""
    if one.seen <= room:
        return one
    up = one.up * room // one.seen
    return Tally(up, min(one.down, room - up), {key: _cut(each, room) for key, each in one.samples.items()})


def _joined(one: Sample, other: Sample) -> Sample:
    return Sample(
        one.seen + other.seen,
        one.total + other.total,
        # Not `min` and `max`: a flush of 20,000 subjects has 100,000 of these.
        one.least if one.least < other.least else other.least,
        one.most if one.most > other.most else other.most,
    )


def _cut(one: Sample, room: int) -> Sample:
    if one.seen <= room:
        return one
    total = one.total * room // one.seen
    return Sample(room, min(max(total, one.least * room), one.most * room), one.least, one.most)


def _number(value: Json) -> float | None:
    """None: it is no number, or nobody's."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) and abs(value) < MOST else None
