"""What is done now and then beside polling and delivering, each in a transaction of its own.

A chore that finds the store in trouble says so in the log, and is done again the next time.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
import structlog

from daemon.core.model import Fact, Json
from daemon.core.ownership import HOUSE, Kind
from daemon.core.retention import Retention
from daemon.core.routing.plan import DAEMON
from daemon.core.watches import api, expectations
from daemon.core.watches.watch import AnyWatch
from daemon.core.wishes import Wishes
from daemon.pipeline import endpoint_alerts, hours, missed, wish_alerts
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.pipeline.notification import Teller, sweep
from daemon.store import kept_since, subjects
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import EVERYTHING, Ownership, Readable
from daemon.workers import self_check
from daemon.workers.duty import of_house
from daemon.workers.housekeeper import Housekeeper
from daemon.workers.poller import Poller

log = structlog.get_logger()


class Chores:
    """Safe to call from any thread."""

    def __init__(
        self,
        database: Database,
        recorder: Callable[[], Recorder],
        poller: Poller,
        housekeeper: Housekeeper,
        *,
        retention: Callable[[], Retention],
        wishes: Callable[[], Wishes],
        now: Callable[[], datetime],
        wake: Callable[[], None],
        is_clock_believed: Callable[[], bool] = lambda: True,
        ownership: Ownership = EVERYTHING,
    ) -> None:
        """`is_clock_believed`: whether anything may be forgotten for its age. Of several members one does
        what is done for all."""
        self._database = database
        self._in_force = recorder
        self._poller = poller
        self._housekeeper = housekeeper
        self._retention = retention
        self._wishes = wishes
        self._now = now
        self._wake = wake
        self._is_clock_believed = is_clock_believed
        self._ownership = ownership

    def flush(self) -> None:
        """Store when watches were last seen unchanged."""
        try:
            self._poller.flush()
        except FAILURES as error:
            log.warning("flush.failed", error=reason(error))

    def keep_history(self) -> None:
        """Store for how long everything was up and down since it was stored last."""
        try:
            self._poller.hearers.historian.flush(self._now())
        except FAILURES as error:
            log.warning("history.not_kept", error=reason(error))

    def keep_observations(self) -> None:
        """Store what the watches saw since it was stored last."""
        try:
            self._poller.hearers.observations.flush()
        except FAILURES as error:
            log.warning("observations.not_stored", error=reason(error))

    def tell(self) -> None:
        """Tell what time alone has changed."""
        try:
            recorder = self._in_force()
            # First: of what is over nobody is reminded.
            recorded = hours.look(
                self._database, self._in_force, self._poller.watched, self._now(), self._kept
            )
            recorded += self._poller.hearers.expecter.look(self._now())
            recorded += Teller(recorder).tick(self._for_all, self._now()) if self.is_ours() else Recorded()
            recorded += self._tell_of_the_missed(recorder)
            # Afterwards: what cannot be worked out was tried just now.
            recorded += wish_alerts.look(
                self._database, recorder, self._wishes(), self._now(), among=self._ownership.among
            )
        except FAILURES as error:
            log.warning("tell.failed", error=reason(error))
            return
        log_recorded(recorded)
        # Always: a quiet window that has ended, or begun, changes what is due.
        self._wake()

    def _tell_of_the_missed(self, recorder: Recorder) -> Recorded:
        """Who was crossed off the list of those to be called back, and who is on it for too long."""
        if not self.is_ours():
            return Recorded()
        with self._database.read() as db:
            if missed.is_idle(db, self._now()):
                return Recorded()
        with self._for_all.write() as db:
            return missed.tick(db, recorder, self._now())

    def is_ours(self) -> bool:
        """Whether it is for this member to do what one does for all."""
        return self._ownership.holds(Kind.DUTY, HOUSE)

    def _kept(self, db: sa.Connection, systems: Collection[str]) -> Collection[str]:
        return self._ownership.kept(db, Kind.SYSTEM, systems)

    @property
    def _for_all(self) -> Readable:
        return of_house(self._database, self._ownership)

    def prune(self) -> None:
        """Forget what has served; not by a clock that may be years ahead."""
        if not self.is_ours():
            return
        if not self._is_clock_believed():
            log.warning("prune.put_off", reason="the clock was set, and may be set back")
            return
        try:
            self._housekeeper.run_once(self._now(), self._retention())
            self._housekeeper.forget_watches(self._now(), self._retention(), self._poller.watched().keys())
        except FAILURES as error:
            log.warning("prune.failed", error=reason(error))

    def tend_log(self) -> None:
        """Keep the log of the store short."""
        try:
            ended = self._database.tend_log()
        except FAILURES as error:
            log.warning("log.not_tended", error=reason(error))
            return
        if ended:
            log.warning("store.reads_ended", many=ended, reason="the log beside the database must not grow")

    def sweep(self, watched: Iterable[AnyWatch]) -> None:
        """End the alerts of what is not watched, or not told, any more."""
        polled = list(watched)
        configured: dict[str, set[str]] = {
            DAEMON: {endpoint_alerts.OWNER, self_check.OWNER, wish_alerts.OWNER}
        }
        for watch in polled:
            configured.setdefault(watch.system, set()).add(watch.name)
        for system in self._poller.hearers.expecter.systems():
            configured[system].add(expectations.OWNER)
        self._poller.hearers.keep({watch.id for watch in polled})
        if not self.is_ours():
            return
        recorder = self._in_force()
        try:
            with self._for_all.write() as db:
                now = self._now()
                recorded = sweep(db, recorder, configured, now)
                recorded += endpoint_alerts.sweep(db, recorder, now)
                subjects.sweep(db, _owners(configured), now)
                kept_since.begin(db, kept_since.CALLS, now)
                self._poller.hearers.expecter.sweep(db)
        except FAILURES as error:
            log.error("sweep.failed", error=reason(error))
            return
        log_recorded(recorded)
        self._wake()

    def announce(
        self,
        event_type: str,
        payload: dict[str, Json],
        *,
        of: str = "daemon",
    ) -> None:
        """Write one of the daemon's own events; `of`: the key under which it says more."""
        facts = [Fact(event_type, "daemon", {of: payload})]
        try:
            with self._database.write() as db:
                recorded = self._in_force().record(db, DAEMON, facts, self._now())
        except FAILURES as error:
            log.error("event.not_recorded", type=event_type, error=reason(error))
            return
        log_recorded(recorded)
        self._wake()


def _owners(configured: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """What sees subjects, by system: its watches, and with them the API."""
    return {system: {*names, api.OWNER} for system, names in configured.items()}
