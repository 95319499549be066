"""Whether an SMS that tells an alert may be sent now: the budgets, and how often a number may be told. Pure.

    used of the day + what is held for ends + this one (+ what its own end will take) <= budget

What is held for an end is counted on each day until the end is told, so it fits on whichever day that is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from daemon.core import amounts
from daemon.core.commands import texts
from daemon.core.commands.policy import ROUNDING
from daemon.core.routing.text_limits import END_PARTS, LONGEST_HOLD, MOST_IN_AN_HOUR, MOST_PARTS, WITHIN

END = texts.cost(END_PARTS)
"""Units that are held for the end of an alert."""
ROOM = texts.cost(MOST_PARTS) + END
"""Units with which any alert can be told."""


@dataclass(frozen=True)
class Budget:
    """One budget, as it stands before a message."""

    name: str
    """Of the setting."""
    per_day: float
    used: float
    """Of the day, with all that is held for ends."""

    @property
    def left(self) -> float:
        return self.per_day - self.used

    def takes(self, units: float) -> bool:
        """Whether so many more fit."""
        return self.left - units >= -ROUNDING


@dataclass(frozen=True)
class Asked:
    """A message that is to be sent."""

    units: float
    is_end: bool
    """It says that an alert is over, or stands for nothing that lasts: nothing has to follow it."""
    held: float | None
    """What is held for the end of its incident already; None: nothing."""

    @property
    def more(self) -> float:
        """What it takes beside all that is used: its own units, and those of its end; what is held for the
        end is used up by that."""
        if self.is_end:
            return self.units - (self.held or 0.0)
        return self.units + (END if self.held is None else 0.0)


@dataclass(frozen=True)
class Held:
    """Why it is not sent now, and for how long."""

    why: str
    wait: timedelta
    is_exhausted: bool = False
    """A budget is used up."""


def held(
    asked: Asked, budgets: Sequence[Budget], to_number: Sequence[datetime], now: datetime, zone: tzinfo
) -> Held | None:
    """Why a message has to wait; None: it may go. `to_number`: when the number was told something within the
    last hour, oldest first."""
    for budget in budgets:
        if not budget.takes(asked.more):
            why = (
                f"it takes {amounts.at_least(asked.more)} units with its end, and of the "
                f"{amounts.at_most(budget.per_day)} of today {amounts.at_most(budget.left)} are left "
                f"({budget.name})"
            )
            return Held(why, min(until_midnight(now, zone), LONGEST_HOLD), is_exhausted=True)
    if len(to_number) >= MOST_IN_AN_HOUR:
        free = to_number[-MOST_IN_AN_HOUR] + WITHIN
        why = f"{MOST_IN_AN_HOUR} SMS have gone to this number within an hour, and no more may"
        return Held(why, max(min(free - now, WITHIN), timedelta(seconds=1)))
    return None


def until_midnight(now: datetime, zone: tzinfo) -> timedelta:
    """How long the day lasts yet."""
    local = now.astimezone(zone)
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(now.tzinfo) - now
