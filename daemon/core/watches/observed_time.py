"""How much of the time between two looks at a watch was observed. Pure."""

from datetime import timedelta

from daemon.core.durations import NOTHING

MOST_INTERVALS = 2
"""Between looks further apart than this many intervals, the rest was not observed."""
SNAP = 0.1
"""The share of an interval within which a gap counts as the interval."""


def most(every: timedelta) -> timedelta:
    """Of the time between two looks no more than this was observed."""
    return MOST_INTERVALS * every


def is_regular(gap: timedelta, every: timedelta) -> bool:
    """Whether a gap stands for the interval. A poll that came a little early or late does: three polls of
    30 s are 60 s, not 59.98, which would cost another poll."""
    return abs(gap - every) <= SNAP * every


def observed(gap: timedelta | None, every: timedelta) -> timedelta:
    """Of a gap between two looks; None: nobody looked before."""
    if gap is None:
        return NOTHING
    capped = min(gap, most(every))
    return every if is_regular(capped, every) else capped
