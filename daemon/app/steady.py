"""Has APScheduler keep its intervals by seconds that only grow, whatever the wall clock does.

It has no clock that could be handed in: it asks `datetime.now(zone)` for the time of its own zone. What time
that is, though, the zone decides (`tzinfo.fromutc`); and here is one in which the clock is never set.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from apscheduler.triggers.base import BaseTrigger

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Any date would do: nobody ever sees it."""


class SteadyZone(tzinfo):
    """The zone in which it is as late as `elapsed` says, in seconds."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed

    def now(self) -> datetime:
        """What time it is there."""
        return BEGINNING.replace(tzinfo=self) + timedelta(seconds=self._elapsed())

    def fromutc(self, _wall: datetime) -> datetime:
        """The same, which is what `datetime.now(zone)` gives: what the wall says is nobody's business."""
        return self.now()

    def utcoffset(self, _at: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, _at: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, _at: datetime | None) -> str:
        return "steady"


class Every(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """Fires at an interval. What was missed while nobody ran is one run, however much it was."""

    def __init__(self, interval: timedelta, origin: datetime | None = None) -> None:
        """`origin`: from the second run on it fires whole intervals after that, wherever the first one was,
        and not sooner than half an interval after it; None: after the first."""
        self._interval = interval
        self._origin = origin

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The next of the times that lie whole intervals after the one before, or after the origin."""
        if previous is None:
            return now
        if self._origin is not None:
            return self._after(self._origin, max(previous + self._interval / 2, now))
        return self._after(previous, max(previous, now))

    def _after(self, origin: datetime, at: datetime) -> datetime:
        return origin + ((at - origin) // self._interval + 1) * self._interval
