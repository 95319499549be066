"""What has to be done where a configuration follows another: what its endpoints may no longer have is not
sent, and what changed is said and kept."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from daemon.app.in_force import InForce
from daemon.core.differences import Difference, difference
from daemon.core.model import Json
from daemon.core.routing.plan import Interest
from daemon.core.wishes import where
from daemon.host import clock
from daemon.pipeline.withdrawal import withdraw
from daemon.store import in_force as in_force_store
from daemon.store import template_versions
from daemon.store.database import Database
from daemon.wiring.described import kept, parts, templates_of

log = structlog.get_logger()

WITHIN = timedelta(seconds=5)
"""How long a reload waits for the dispatcher, so that it can say what was withdrawn."""


class Takeover:
    """One reload: the dispatcher does `settle` in its transaction, and the reload waits for that."""

    def __init__(self, before: InForce, after: InForce, fingerprint: str | None = None) -> None:
        """`fingerprint`: of the file that it is, where several daemons have to agree on it."""
        self.difference = difference(parts(before.config), parts(after.config))
        """What the reload changes; of secrets, too."""
        self.error: str | None = None
        """Why nothing was withdrawn that should have been."""
        self._after = after
        self._fingerprint = fingerprint
        self._described = kept(after.config)
        self._templates = templates_of(after.config)
        self._withdrawn: dict[str, int] | None = None
        self._is_done = threading.Event()

    def settle(self, db: sa.Connection, now: datetime) -> Callable[[], None]:
        """Withdraw what changed endpoints may no longer have, and store what is in force; both or neither,
        so that a start finds what was left undone."""
        names = _to_look_at(self.difference)
        stored = in_force_store.load(db)
        if self._fingerprint is not None and in_force_store.fingerprint(db) == self._fingerprint:
            return self._committed({})  # another member has done it
        if stored is not None:  # by a reload before, which could not
            names |= _to_look_at(difference(stored.parts, self._described))
        found = withdraw(db, _of(self._after, names), now)
        template_versions.take_over(db, self._templates)
        in_force_store.save(
            db, self._described, self.difference, now, is_reload=True, fingerprint=self._fingerprint
        )
        return self._committed(found)

    def _committed(self, withdrawn: dict[str, int]) -> Callable[[], None]:
        def committed() -> None:
            self._withdrawn = withdrawn
            self._is_done.set()

        return committed

    def failed(self, error: Exception) -> None:
        """It raised what nobody planned, and will not be tried again before the next reload or start."""
        self.error = where(error)
        self._is_done.set()

    def wait(self, patience: timedelta = WITHIN) -> None:
        """Until that is committed, or has failed; no longer than `patience`."""
        if not self._is_done.wait(patience.total_seconds()):
            log.warning("config.withdrawal_not_awaited", seconds=patience.total_seconds())

    def said(self) -> dict[str, Json]:
        """The difference, and how many deliveries were withdrawn from whom; None: that is not known."""
        withdrawn = self._withdrawn
        return {**self.difference.json(), "withdrawn": None if withdrawn is None else dict(withdrawn)}


def take_over_at_start(
    database: Database,
    now_in_force: InForce,
    *,
    now: Callable[[], datetime] = clock.utcnow,
    fingerprint: str | None = None,
) -> None:
    """The same where the configuration may have been changed while the daemon was off.

    An error that nobody planned is no reason not to start, which would keep everything from everybody; it is
    in the log, and the next reload or start tries again.
    """
    described = kept(now_in_force.config)
    with database.write() as db:
        at = now()
        before = in_force_store.load(db)
        changes = difference(before.parts, described) if before else None
        names = set(described["endpoints"]) if changes is None else _to_look_at(changes)
        try:
            with db.begin_nested():
                withdraw(db, _of(now_in_force, names), at)
                template_versions.take_over(db, templates_of(now_in_force.config))
                in_force_store.save(db, described, changes, at, is_reload=False, fingerprint=fingerprint)
        except sa.exc.OperationalError:
            raise
        except Exception:
            log.exception("config.not_withdrawn")
    if changes:
        log.info("config.changed", **changes.json())


def _to_look_at(changes: Difference) -> set[str]:
    """Endpoints for which something may wait that is not for them; a new one may have been there before."""
    return {*changes.changed["endpoints"], *changes.added["endpoints"]}


def _of(configuration: InForce, endpoints: set[str]) -> list[Interest]:
    return [one for one in configuration.recorder.interests if one.endpoint in endpoints]
