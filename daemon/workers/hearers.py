"""Who hears of every poll, once what it came to is committed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daemon.core.model import Unknown
from daemon.core.watches.observed_time import most
from daemon.core.watches.watch import AnyWatch
from daemon.pipeline.observation import Walk
from daemon.workers.expecter import Expecter
from daemon.workers.historian import Historian
from daemon.workers.observation_keeper import ObservationKeeper


@dataclass(frozen=True)
class Hearers:
    """Of all polls of a daemon; from any thread."""

    historian: Historian
    """For how long everything was as it is."""
    expecter: Expecter
    """What came, and what did not."""
    observations: ObservationKeeper
    """What was seen."""

    def looked(
        self,
        watch: AnyWatch,
        seen: object,
        walk: Walk[Any, Any],
        *,
        clock: float,
        now: datetime,
        is_left_alone: bool = False,
    ) -> None:
        """A poll that was written: its answer, or `Unknown`. `clock`: seconds that only grow;
        `is_left_alone`: nothing was asked."""
        longest = most(watch.every)
        stood = None if isinstance(seen, Unknown) else walk.subjects
        self.historian.looked(watch.id, stood, walk.api, clock=clock, now=now, most=longest)
        if stood is None:
            self.expecter.unseen(watch.id)
        else:
            self.expecter.looked(watch.id, clock=clock, now=now, most=longest)
        self.observations.looked(watch, seen, clock=clock, now=now, is_left_alone=is_left_alone)

    def same(self, watch: AnyWatch, *, clock: float, now: datetime) -> None:
        """A poll with the same answer as before."""
        longest = most(watch.every)
        self.historian.same(watch.id, clock=clock, now=now, most=longest)
        self.expecter.looked(watch.id, clock=clock, now=now, most=longest)
        self.observations.same(watch, clock=clock, now=now)

    def unseen(self, watch: tuple[str, str]) -> None:
        """A watch (system, name) was not asked: the time until it is again is unseen."""
        self.historian.unseen(watch)
        self.expecter.unseen(watch)
        self.observations.unseen(watch)

    def keep(self, watches: Collection[tuple[str, str]]) -> None:
        """These watches (system, name) are polled from now on, and no others."""
        self.historian.keep(watches)
        self.observations.keep(watches)

    def forget(self, system: str) -> None:
        """Another member sees a system from now on, or did until now."""
        self.historian.forget(system)
        self.expecter.forget(system)
        self.observations.forget(system)
