"""What one system allows of commands: which types, for how long, and within what budget. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from fnmatch import fnmatchcase

from daemon.core.commands.command_types import CAMPAIGN, READS, SMS_SEND_NAME
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
    sms_units_per_day: float | None = None
    """The budget of SMS that are sent, whoever has them sent; None: they are refused."""

    def allows(self, command_type: str) -> bool:
        """Whether the system takes commands of this type."""
        return any(fnmatchcase(command_type, pattern) for pattern in self.allowed)

    def per_day(self, command_type: str) -> float | None:
        """The budget of a type that costs; None: there is none."""
        return {CAMPAIGN: self.units_per_day, SMS_SEND_NAME: self.sms_units_per_day}.get(command_type)

    def day(self, moment: datetime) -> date:
        """On which day's budget counts what is done at this moment."""
        return moment.astimezone(self.zone).date()
