"""What has to be done where the store keeps other endpoints than before: what waits for one that was taken
away, or is not for one any more that was changed, is not sent; and what is in force is said anew."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from daemon.app.in_force import InForce
from daemon.core.wishes import where
from daemon.pipeline.withdrawal import drop, withdraw
from daemon.store import in_force as in_force_store
from daemon.store import kept_endpoints, template_versions
from daemon.store.database import Database
from daemon.wiring.described import kept, templates_of

log = structlog.get_logger()

WITHIN = timedelta(seconds=5)
"""How long whoever asked for it waits for the dispatcher."""


class Resubscription:
    """One change: the dispatcher does `settle` in its transaction, each member for itself, all the same."""

    def __init__(
        self,
        before: InForce,
        after: InForce,
        forget: Callable[[Sequence[str]], None],
        fingerprint: str | None = None,
    ) -> None:
        """`forget`: how these endpoints are doing, in the dispatcher's thread; `fingerprint`: of the file
        that this member goes by, where there are others."""
        old, new = ({one.name: one for one in known.config.webhooks} for known in (before, after))
        self._changed = {name for name in new if new[name] != old.get(name)}
        self._after = after
        self._forget = forget
        self._fingerprint = fingerprint
        self._described = kept(after.config)
        self._templates = templates_of(after.config)
        self._is_done = threading.Event()

    def settle(self, db: sa.Connection, now: datetime) -> Callable[[], None]:
        """Withdraw, and store what is in force; both or neither."""
        gone = drop_gone(db, self._after, now)
        withdraw(db, [one for one in self._after.recorder.interests if one.endpoint in self._changed], now)
        # Whoever has another file says nothing of what is in force for all.
        if self._fingerprint is None or in_force_store.fingerprint(db) == self._fingerprint:
            template_versions.take_over(db, self._templates)
            in_force_store.describe(db, self._described)

        def committed() -> None:
            self._forget(gone)
            self._is_done.set()

        return committed

    def failed(self, error: Exception) -> None:
        """It raised what nobody planned; a start tries again."""
        log.error("endpoint.kept_not_settled", error=where(error))
        self._is_done.set()

    def wait(self, patience: timedelta = WITHIN) -> None:
        """Until that is committed, or has failed; no longer than `patience`."""
        if not self._is_done.wait(patience.total_seconds()):
            log.warning("endpoint.kept_not_awaited", seconds=patience.total_seconds())


def drop_gone(db: sa.Connection, in_force: InForce, now: datetime) -> list[str]:
    """End what waits for endpoints that were taken away, and that nobody has by now. Returns their names."""
    names = {name.partition("/")[0] for name in in_force.routes}
    gone = [one for one in kept_endpoints.gone(db) if one not in names]
    going = [one for one in gone if kept_endpoints.is_remembered(db, one)]
    for one in going:
        drop(db, one, now)
    return gone


def drop_at_start(database: Database, in_force: InForce, now: Callable[[], datetime]) -> None:
    """The same for what was taken away, and the daemon ended before it had heard. An error that nobody
    planned is no reason not to start."""
    with database.write() as db:
        try:
            with db.begin_nested():
                drop_gone(db, in_force, now())
        except sa.exc.OperationalError:
            raise
        except Exception:
            log.exception("endpoint.kept_not_settled")
