"""How much of a stretch of time a subject was up, and how much of it was not seen. Pure."""

from typing import NamedTuple


class Uptime(NamedTuple):
    """Shares, from 0 to 1."""

    share: float | None
    """Up, of the time that was seen; None: nothing was."""
    unseen: float
    """Not seen, of all the time."""


def uptime(up: float, down: float, span: float) -> Uptime:
    """The shares of a stretch of time: `up` and `down` are how much of `span` was seen so, in one unit.

    What lies beyond `span` is counted as seen in it. Raises ValueError for what is negative.
    """
    if min(up, down, span) < 0:
        raise ValueError("a time is not negative")
    seen = up + down
    return Uptime(up / seen if seen else None, max(span - seen, 0) / span if span else 0.0)
