"""What has to be done where a configuration follows another: what its endpoints may no longer have is not
sent, and what changed is said and kept."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as sa
import structlog

from daemon.app.in_force import InForce
from daemon.core.differences import Difference, difference
from daemon.core.model import Json
from daemon.core.routing.plan import Interest
from daemon.host import clock
from daemon.pipeline.withdrawal import withdraw
from daemon.store import in_force as in_force_store
from daemon.store.database import Database
from daemon.wiring.described import digests, parts

log = structlog.get_logger()

WITHIN = timedelta(seconds=5)
"""How long a reload waits for the dispatcher, so that it can say what was withdrawn."""


@dataclass
class Takeover:
    """One reload: the dispatcher does `settle` in its transaction, and the reload waits for that."""

    before: InForce
    after: InForce
    withdrawn: dict[str, int] = field(default_factory=dict)
    _is_done: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def difference(self) -> Difference:
        """What the reload changed; of secrets, too."""
        return difference(parts(self.before.config), parts(self.after.config))

    def settle(self, db: sa.Connection, now: datetime) -> Callable[[], None]:
        """Withdraw what changed endpoints may no longer have."""
        found = withdraw(db, _of(self.after, _to_look_at(self.difference)), now)

        def committed() -> None:
            self.withdrawn.update(found)
            self._is_done.set()

        return committed

    def wait(self, patience: timedelta = WITHIN) -> None:
        """Until that is committed; no longer than `patience`."""
        if not self._is_done.wait(patience.total_seconds()):
            log.warning("config.withdrawal_not_awaited", seconds=patience.total_seconds())

    def said(self) -> dict[str, Json]:
        """The difference, and how many deliveries were withdrawn from whom."""
        return {**self.difference.json(), "withdrawn": dict(self.withdrawn)}

    def keep(self, db: sa.Connection, now: datetime) -> None:
        """Store what is in force now."""
        described = digests(parts(self.after.config))
        in_force_store.save(db, described, self.difference, now, is_reload=True)


def take_over_at_start(database: Database, now_in_force: InForce) -> None:
    """The same where the configuration may have been changed while the daemon was off."""
    described = digests(parts(now_in_force.config))
    with database.write() as db:
        now = clock.utcnow()
        before = in_force_store.load(db)
        changes = difference(before.parts, described) if before else None
        names = set(described["endpoints"]) if changes is None else _to_look_at(changes)
        withdraw(db, _of(now_in_force, names), now)
        in_force_store.save(db, described, changes, now, is_reload=False)
    if changes:
        log.info("config.changed", **changes.json())


def _to_look_at(changes: Difference) -> set[str]:
    """Endpoints for which something may wait that is not for them; a new one may have been there before."""
    return {*changes.changed["endpoints"], *changes.added["endpoints"]}


def _of(configuration: InForce, endpoints: set[str]) -> list[Interest]:
    return [one for one in configuration.recorder.interests if one.endpoint in endpoints]
