"""Quiet windows: when an endpoint is told nothing, and what breaks through. Pure.

A window is judged by the clock on the wall, at every moment anew: it needs no offset of its own, so the
hour that summer time skips or repeats is quiet exactly when the clock shows a time within the window.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, time, tzinfo

from daemon.core.model import Severity

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

    def holds(self, moment: datetime, severity: Severity | None) -> bool:
        """Whether it holds back an alert of a severity, or what has none, at a moment."""
        if severity and self.break_through and is_at_least(severity, self.break_through):
            return False
        return self.covers(moment)


def breaks_through(windows: Collection[Quiet], severity: Severity) -> bool:
    """Whether no window of an endpoint, where it has any, ever holds back an alert of a severity."""
    return bool(windows) and all(
        one.break_through is not None and is_at_least(severity, one.break_through) for one in windows
    )


def is_held(windows: Iterable[Quiet], moment: datetime, severity: Severity | None = None) -> bool:
    """Whether any of an endpoint's windows holds it back."""
    return any(window.holds(moment, severity) for window in windows)
