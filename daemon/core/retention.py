"""What may be forgotten, by its age and kind. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.core.delivery.outcome import OPEN, Status
from daemon.core.durations import DAY, HOUR


@dataclass(frozen=True)
class Retention:
    """How long each kind of row is kept; None: for ever."""

    events: timedelta | None = 90 * DAY
    """Also incidents, decisions, transitions, silences and commands, from their end."""
    delivered: timedelta | None = 30 * DAY
    dead: timedelta | None = 90 * DAY
    """Dead letters; from when they were given up."""
    undelivered: timedelta | None = 90 * DAY
    """After so long a delivery that was never made is given up."""
    attempts: timedelta | None = 14 * DAY
    """Of deliveries that are kept."""
    observations: timedelta = 30 * DAY
    """What the watches saw; never longer than `events`. Nothing: none are kept."""
    observations_bytes: int = 256 << 20
    """All of them together."""
    history: timedelta | None = 730 * DAY
    """For how long everything was up and down, by days; never shorter than `HOURS`, which hours are kept."""


def observations_for(retention: Retention) -> timedelta:
    """For how long what the watches saw is kept: it names who called, as events do."""
    return min(retention.observations, retention.events or retention.observations)


MINUTES, HOURS = 25 * HOUR, 31 * DAY
"""How long such minutes and hours are kept, whatever else is."""


def is_spent(status: Status, ended_at: datetime | None, retention: Retention, now: datetime) -> bool:
    """Whether a delivery may be forgotten."""
    if ended_at is None:
        return False
    return is_older(ended_at, retention.dead if status is Status.DEAD else retention.delivered, now)


def is_hopeless(status: Status, created_at: datetime, retention: Retention, now: datetime) -> bool:
    """Whether a delivery has waited for so long that it is given up. What is under way is not."""
    return status in OPEN and status is not Status.LEASED and is_older(created_at, retention.undelivered, now)


def is_older(moment: datetime, than: timedelta | None, now: datetime) -> bool:
    """Whether something is older than it is kept."""
    return than is not None and now - moment > than


def ages(retention: Retention) -> list[tuple[str, timedelta]]:
    """The ages at which something of a delivery may go, the oldest first; before the last nothing may."""
    by_name = {
        "dead": retention.dead,
        "undelivered": retention.undelivered,
        "delivered": retention.delivered,
        "attempts": retention.attempts,
    }
    given = [(name, age) for name, age in by_name.items() if age is not None]
    return sorted(given, key=lambda one: one[1], reverse=True)
