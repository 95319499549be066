"""Quiet windows: when an endpoint is told nothing, and what breaks through. Pure.

A window is judged by the clock on the wall, at every moment anew: it needs no offset of its own, so the
hour that summer time skips or repeats is quiet exactly when the clock shows a time within the window.
Shabbat and holidays are such windows too; when they begin and end, `wiring/hebrew_calendar.py` says.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, tzinfo

from daemon.core.model import EventTypes, Severity

ENDED = "quiet.ended"
EVENTS = EventTypes((ENDED,))

RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""0 is what matters most."""


def is_at_least(severity: Severity, least: Severity) -> bool:
    """Whether the one matters as much as the other, or more."""
    return RANK[severity] <= RANK[least]


@dataclass(frozen=True)
class Weekly:
    """From a local time to another, on some days of the week."""

    days: frozenset[int]
    """On which it begins; 0 is Monday."""
    start: time
    end: time
    """Not after `start`: on the next day."""
    zone: tzinfo

    def covers(self, moment: datetime) -> bool:
        """Whether a moment lies within."""
        local = moment.astimezone(self.zone)
        at, today = local.time(), local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= at < self.end
        return (today in self.days and at >= self.start) or ((today - 1) % 7 in self.days and at < self.end)


@dataclass(frozen=True)
class Quiet:
    """One quiet window of an endpoint."""

    covers: Callable[[datetime], bool]
    break_through: Severity | None = None
    """Alerts of this severity and above are told all the same."""


def least_urgency(windows: Iterable[Quiet], moment: datetime) -> int | None:
    """The rank of the least that passes at a moment: -1 where nothing does, None where everything does."""
    lasting = [one.break_through for one in windows if one.covers(moment)]
    return min((-1 if severity is None else RANK[severity] for severity in lasting), default=None)


def urgency(windows: Iterable[Quiet], severity: Severity) -> int | None:
    """The rank of an alert for an endpoint that has windows to break through; None where it has none."""
    return RANK[severity] if any(one.break_through for one in windows) else None


def is_held(windows: Iterable[Quiet], moment: datetime, severity: Severity | None = None) -> bool:
    """Whether an endpoint's windows hold back an alert of a severity, or what has none, at a moment."""
    least = least_urgency(windows, moment)
    return least is not None and (severity is None or RANK[severity] > least)
