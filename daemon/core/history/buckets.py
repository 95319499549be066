"""Buckets of time: minutes, hours and days of UTC, which no summer time makes longer or shorter. Pure.

Times are milliseconds since 1970, which may lie before it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableMapping
from typing import NamedTuple

from daemon.core.history.tally import NONE, Tally, fitted, plus

MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = (MINUTE, HOUR, DAY)
"""Lengths in seconds, each of which is a part of the next."""


class Bucket(NamedTuple):
    """One stretch of time."""

    step: int
    """Seconds."""
    start: int


Tallies = Mapping[int, Tally]
"""By the number of the subject, of one system in one bucket."""
Minutes = Mapping[int, Tallies]
"""By the start of the minute."""


def start_of(step: int, moment: int) -> int:
    """The start of the bucket that a moment lies in."""
    return moment - moment % (step * 1000)


def starts(step: int, begin: int, end: int) -> range:
    """The starts of the buckets that cover all from `begin` until before `end`."""
    return range(start_of(step, begin), end, step * 1000)


def minutes(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The minutes that a stretch of time lies in, with how many milliseconds of it."""
    for start in starts(MINUTE, begin, end):
        yield start, min(start + MINUTE * 1000, end) - max(start, begin)


def add(kept: MutableMapping[Bucket, dict[int, Tally]], more: Minutes) -> set[Bucket]:
    """Add minutes to the buckets of all lengths, of one system. Returns the buckets that are others now.

    No bucket gets more than it is long, nor does any get what another has no room for: so minutes add up to
    hours, and hours to days.
    """
    changed: set[Bucket] = set()
    for minute, tallies in more.items():
        buckets = [Bucket(step, start_of(step, minute)) for step in STEPS]
        changed.update(buckets)
        rows = [kept.setdefault(bucket, {}) for bucket in buckets]
        # Subjects that went through the same share it.
        sums: dict[tuple[int, ...], list[Tally]] = {}
        for number, tally in tallies.items():
            had = [row.get(number, NONE) for row in rows]
            key = (id(tally), *map(id, had))
            together = sums.get(key)
            if together is None:
                together = sums[key] = _together(buckets, had, tally)
            for row, one in zip(rows, together, strict=True):
                row[number] = one
    return changed


def _together(buckets: list[Bucket], had: list[Tally], tally: Tally) -> list[Tally]:
    room = min(bucket.step * 1000 - one.seen for bucket, one in zip(buckets, had, strict=True))
    got = fitted(tally, max(room, 0))
    return [plus(one, got) for one in had]


def merged(one: Minutes, other: Minutes) -> dict[int, dict[int, Tally]]:
    """Both together, each minute by itself; they may come to more than it is long."""
    found: dict[int, dict[int, Tally]] = defaultdict(dict)
    for minutes_of in (one, other):
        for minute, tallies in minutes_of.items():
            row = found[minute]
            for number, tally in tallies.items():
                row[number] = plus(row[number], tally) if number in row else tally
    return dict(found)
