"""A token bucket: so many a second, with a burst of one second's worth. Pure but for its own count."""

from datetime import datetime

from daemon.core import durations
from daemon.core.durations import SECOND

SLOWEST, FASTEST = 0.0001, 10_000
"""Ours, a second: more seldom than once in some hours is a silence, and more often is no limit."""
ROUNDING = 1e-6
"""Ten tenths of a token are one."""


def fault(rate: float) -> str | None:
    """Why nothing can be sent at a rate, so many a second; None where it can."""
    if not rate >= SLOWEST:  # so that no number at all is none, either
        return f"at least {SLOWEST:g} a second, which is one in {durations.show(SECOND / SLOWEST)}"
    return f"at most {FASTEST} a second" if rate > FASTEST else None


class Bucket:
    """How many may go now. For one thread; a clock set back costs a second at most."""

    def __init__(self, rate: float, *, spent_at: datetime | None = None) -> None:
        """`spent_at`: when nothing was left; None: as many may go at once as ever may."""
        self.rate = rate
        """Per second."""
        self._most = max(rate, 1.0)
        self._tokens = self._most if spent_at is None else 0.0
        self._filled_at = spent_at

    def room(self, now: datetime) -> int:
        """How many may go at this moment."""
        self._fill(now)
        return int(self._tokens + ROUNDING)

    def take(self, many: int) -> None:
        """So many went."""
        self._tokens -= many

    def ready_at(self, now: datetime) -> datetime:
        """When the next may go; `now` where one may."""
        self._fill(now)
        return now + max(0.0, 1 - self._tokens) / self.rate * SECOND

    def _fill(self, now: datetime) -> None:
        if self._filled_at is not None:
            passed = (now - self._filled_at) / SECOND
            self._tokens = min(self._most, self._tokens + max(passed, 0.0) * self.rate)
        self._filled_at = now
