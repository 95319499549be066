"""When a digest is due, and what it covers then. Pure.

It covers what the one before left: from where that ended until it is made. So nothing falls between two, and
nothing stands in both, whatever became of the clock, the daemon or the file meanwhile. How far it goes is
remembered as a time, which moves along where the clock is set, and as the number of the last event.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from daemon.core.durations import DAY, HOUR

LATEST = {"day": 12 * HOUR, "week": 3 * DAY}
"""Ours. So late one is made; after that, the next tells what it would have told."""
LONGEST = {"day": 8 * DAY, "week": 15 * DAY}
"""Ours. So far back one reaches, where those before were not made."""
APART = 6 * HOUR
"""Ours. Two are no closer to each other: a clock that was set, or another `at`, makes no second one."""


@dataclass(frozen=True)
class Digest:
    """One digest, as it is configured."""

    name: str
    to: tuple[str, ...]
    """Names of endpoints."""
    at: time
    days: frozenset[int]
    """Monday is 0; never empty."""
    zone: ZoneInfo
    covers: str
    """`day` or `week`."""
    systems: tuple[str, ...] | None = None
    """None: all."""
    language: str | None = None
    """None: as each mailbox has it."""
    skip_empty: bool = False

    def names(self, endpoint: str) -> bool:
        """Whether it is to this endpoint; a mailbox is named by its table."""
        return endpoint in self.to or endpoint.partition("/")[0] in self.to

    def last_due(self, now: datetime) -> datetime:
        """When it was due last, in UTC; at this very moment is already."""
        return self._due(now, -1)

    def next_due(self, now: datetime) -> datetime:
        """When it is due next, in UTC."""
        return self._due(now, 1)

    def day_of(self, moment: datetime) -> date:
        """The date that its calendar shows."""
        return moment.astimezone(self.zone).date()

    def _due(self, now: datetime, step: int) -> datetime:
        """The clock of its zone shows each hour of a year once, as it is reckoned here: one that it skips as
        the one after, one that it repeats the first time."""
        today = self.day_of(now)
        for away in range(9):
            day = today + step * away * timedelta(days=1)
            due = datetime.combine(day, self.at, self.zone).astimezone(UTC)
            if day.weekday() in self.days and (due > now if step > 0 else due <= now):
                return due
        raise ValueError(f"the digest {self.name!r} is on no day of a week")


@dataclass(frozen=True)
class Told:
    """How far a digest has told."""

    until: datetime
    number: int
    """Of the last event that it counted."""
    day: date
    """Of its calendar: for which it was due."""
    event: str | None = None
    """The id of the one that was made last."""


@dataclass(frozen=True)
class Due:
    """One that is to be made."""

    at: datetime
    """When it should have been."""
    day: date
    begin: datetime
    """From when on it tells."""


def first(digest: Digest, now: datetime) -> tuple[datetime, date]:
    """From when on one tells that is new: from when it would have been due last."""
    due = digest.last_due(now)
    return due, digest.day_of(due)


def due(digest: Digest, told: Told, now: datetime) -> Due | None:
    """What is to be made now; None: nothing."""
    at = digest.last_due(now)
    day = digest.day_of(at)
    if now - at > LATEST[digest.covers] or at - told.until < APART:
        return None
    if day == told.day == digest.day_of(told.until):
        return None  # another `at` on a day that has had its own
    return Due(at, day, max(told.until, now - LONGEST[digest.covers]))
