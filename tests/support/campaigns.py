"""A follower on a real store, with campaigns of which a script says what a look at them shows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from daemon.core.commands.command import Done
from daemon.core.commands.following import Followed, Glance, Progress, Traces
from daemon.core.model import Unknown
from daemon.store import campaigns, inbox
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.follower import Follower
from tests.support.commanding import BRIDGE, POLICY, Office

AT_WORK = Progress("RUNNING", 2, 1, 0, 0, 1, 0, 0, 1, 1, 0.7)
OVER = Progress("FINISHED", 2, 0, 0, 0, 2, 0, 0, 2, 2, 1.4)
NOT_FOUND = Traces("campaign not found")
Shows = Callable[[str], Glance | Unknown]


@dataclass
class Desk:
    """Campaigns that were started through `office`, and who follows them."""

    database: Database
    shows: Shows = lambda _campaign: AT_WORK
    systems: tuple[str, ...] = ("main",)
    ownership: Ownership = EVERYTHING
    asked: list[str] = field(default_factory=list)
    """Every campaign that was looked at, in order."""

    def __post_init__(self) -> None:
        self.office = Office(self.database, systems=self.systems)
        self.start()

    def start(self) -> None:
        """A new process on the same store."""
        self.follower = Follower(
            self.database,
            lambda: self.office.recorder,
            lambda: dict.fromkeys(self.systems, self._ask),
            lambda: dict.fromkeys(self.systems, POLICY),
            now=self.office.clock.now,
            monotonic=self.office.clock.monotonic,
            pauses=self.office.pauses,
            ownership=self.ownership,
        )

    def look(self) -> None:
        """At all that are due now."""
        for system, commands in self.follower.due().items():
            self.follower.work(system, commands)

    def run(self, seconds: float, step: float = 2) -> None:
        """Time passes, and what becomes due is looked at."""
        for _ in range(int(seconds / step)):
            self.look()
            self.office.clock.advance(step)
        self.look()

    def campaign(
        self, name: str | None = "YA-1", system: str = "main", phones: str | None = None, **more: Any
    ) -> str:
        """Start one; returns its command."""
        request = {**BRIDGE, "params": {**BRIDGE["params"], **({"phones": phones} if phones else {})}}
        result = {"campaign_id": name, "calls_count": 2, "rejected": [], **more}
        self.office.says = lambda _command: Done(result, units=1.2)
        given = self.office.give(request, system=system).command
        self.office.work()
        return given.id

    def found(self, command: str) -> Followed:
        with self.database.read() as db:
            one = campaigns.find(db, command)
        assert one is not None
        return one

    def spent(self, day: Any) -> float:
        with self.database.read() as db:
            return inbox.units_spent(db, "main", day)

    def told(self) -> list[str]:
        """The subjects of every `campaign.finished`."""
        return [subject for kind, subject in self.office.told() if kind == "campaign.finished"]

    def _ask(self, campaign: str, _started_at: datetime) -> Glance | Unknown:
        self.asked.append(campaign)
        return self.shows(campaign)
