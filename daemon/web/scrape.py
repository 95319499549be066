"""What the figures of one scrape are made of, as of one moment."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property

import sqlalchemy as sa

from daemon.core.commands.policy import Policy
from daemon.core.counts import Counts
from daemon.core.ownership import HOUSE, Kind
from daemon.schemas.subjects import known_for
from daemon.store import views
from daemon.web.exposition import Distribution, Family

Metric = Family | Distribution


@dataclass(frozen=True)
class Scrape:
    """What the families of one scrape are made of, as of one moment."""

    db: sa.Connection
    now: datetime
    started_at: datetime
    version: str
    counts: Counts
    watches: Mapping[tuple[str, str], timedelta]
    """Of the configuration in force: how often each is polled, by system and name."""
    last_seen: dict[tuple[str, str], datetime]
    """Those that were seen since the store was told."""
    endpoints: Collection[str]
    """Of the configuration in force."""
    servers: Collection[str] = ()
    """The same as they are shared out: those of one server are one."""
    member: str | None = None
    """Whose figures these are, of several daemons on one database."""
    silent: Collection[str] = ()
    """The other members that have not stirred of late."""
    zone: tzinfo = UTC
    """In which a day ends."""
    policies: Mapping[str, Policy] = field(default_factory=dict)
    """What each system allows."""

    @cached_property
    def systems(self) -> Mapping[str, None]:
        """The names of those of the configuration in force, in its order."""
        return dict.fromkeys(system for system, _ in self.watches)

    def wanted(self, kind: Kind) -> Collection[str]:
        """All that there is to share out of a kind, by its names."""
        return {Kind.SYSTEM: self.systems, Kind.ENDPOINT: self.servers, Kind.DUTY: (HOUSE,)}[kind]

    @cached_property
    def polled(self) -> Mapping[tuple[str, str], views.WatchView]:
        """The watches of the configuration in force that were ever polled, in its order."""
        stored = {(one.system, one.name): one for one in views.watches(self.db)}
        return {key: stored[key] for key in self.watches if key in stored}

    @cached_property
    def observed(self) -> Mapping[tuple[str, str], datetime]:
        """When each watch was seen last; those that never were are left out."""
        stored = {key: one.observed_at for key, one in self.polled.items() if one.observed_at}
        return stored | self.last_seen

    @cached_property
    def current(self) -> Collection[tuple[str, str]]:
        """The watches of which is known how it is now: they were seen of late."""
        oldest = {every: self.now - known_for(every) for every in set(self.watches.values())}
        observed = self.observed
        return {
            key for key, every in self.watches.items() if key in observed and observed[key] >= oldest[every]
        }

    def age(self, since: datetime) -> float:
        """Seconds; never less than none, if the clock was set back."""
        return max((self.now - since).total_seconds(), 0.0)
