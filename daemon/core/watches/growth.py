"""By how much a counter of the platform grew in all, since it is watched: a counter that never falls. Pure.

What it grew by while nobody looked counts as well, for it happened; when, nobody knows. Of a counter that was
set back, what it had counted since it was last read is lost: the total is what surely happened, not more. One
that is back where it was, or above, after it fell had been read wrongly.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Growth:
    """A counter, and what it grew by."""

    last: int | None = None
    """As last read; None: never."""
    peak: int | None = None
    """What it was before it fell, until it is as high again."""
    total: int = 0


NONE = Growth()


def observe(growth: Growth, value: int | None) -> Growth:
    """The same after one more reading; None: unreadable, which says nothing."""
    if value is None or value == growth.last:
        return growth
    if growth.last is None:
        return replace(growth, last=value)
    if growth.peak is not None and value >= growth.peak:
        return Growth(value, None, growth.total + value - growth.peak)
    if value < growth.last:
        return Growth(value, growth.peak or growth.last, growth.total)
    return replace(growth, last=value, total=growth.total + value - growth.last)


def dump(growth: Growth) -> list[int | None]:
    """It as JSON."""
    return [growth.last, growth.peak, growth.total]


def load(stored: list[int | None] | None) -> Growth:
    """What `dump` wrote; None: by a release that did not count."""
    if stored is None:
        return NONE
    last, peak, total = stored
    return Growth(last, peak, total or 0)
