"""Silences: alerts that nobody wants to hear of for a time. Pure.

A silence mutes what would be told; it never mutes that something is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from daemon.core.incidents import Incident


@dataclass(frozen=True)
class Silence:
    """Mutes the alerts that match all of its globs, while it lasts."""

    id: str
    starts_at: datetime
    ends_at: datetime | None
    """None: until every incident that it matches is over."""
    type: str
    """Of the event that fires."""
    system: str
    subject: str
    author: str
    comment: str
    created_at: datetime
    expired_at: datetime | None = None
    """When it was ended by hand, or by the end of what it waited for."""

    def is_active(self, now: datetime) -> bool:
        """Whether it mutes anything now."""
        if self.expired_at is not None and self.expired_at <= now:
            return False
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

    def covers(self, incident: Incident) -> bool:
        """Whether it is about this incident."""
        return (
            fnmatchcase(incident.kind.fires, self.type)
            and fnmatchcase(incident.system, self.system)
            and fnmatchcase(incident.subject, self.subject)
        )


def silencing(silences: Iterable[Silence], incident: Incident, now: datetime) -> Silence | None:
    """The first silence that mutes an incident now."""
    return next((one for one in silences if one.is_active(now) and one.covers(incident)), None)


def is_served(silence: Silence, incidents: Iterable[Incident], now: datetime) -> bool:
    """Whether a silence that waits for its incidents has none left to wait for."""
    waits = silence.ends_at is None and silence.is_active(now)
    return waits and not any(one.is_firing and silence.covers(one) for one in incidents)
