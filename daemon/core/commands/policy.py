"""What one system allows of commands: which types, for how long, and within what budget. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from fnmatch import fnmatchcase

from daemon.core.commands.command_types import READS
from daemon.core.durations import DAY

ROUNDING = 1e-6
"""Of a unit: sums of units that differ by less are the same."""
LONGEST_HOLIDAY = 4 * DAY
"""Two days of a holiday and Shabbat, with their eves."""
HALF_AN_HOUR = timedelta(minutes=30)
"""How soon a campaign is tried again where no calendar says when the holiday ends."""


@dataclass(frozen=True)
class Policy:
    """What one system allows."""

    allowed: tuple[str, ...] = READS
    """Globs of command types."""
    units_per_day: float | None = None
    """The budget of campaigns; None: they are refused."""
    expires: timedelta = timedelta(hours=1)
    """After so long a command is not carried out any more, unless it says otherwise itself."""
    rate: float = 5.0
    """Commands a second."""
    zone: tzinfo = UTC
    """In which the budget's day begins and ends."""
    holiday_end: Callable[[datetime], datetime] = lambda now: now + HALF_AN_HOUR
    """When Shabbat or a holiday that the API speaks of is over, as far as the calendar knows."""

    def allows(self, command_type: str) -> bool:
        """Whether the system takes commands of this type."""
        return any(fnmatchcase(command_type, pattern) for pattern in self.allowed)

    def day(self, moment: datetime) -> date:
        """On which day's budget a campaign of this moment counts."""
        return moment.astimezone(self.zone).date()
