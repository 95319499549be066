"""What follows from a share that this member takes or gives: polls, commands and deliveries begin and end.

taken     what the member before left under way is sorted out, in one transaction
begun     polls are scheduled, commands looked for, endpoints routed
leaving   the reverse; what is under way ends by itself
settled   what is only in memory yet is written, while that is still ours to do
lost      what is in memory says nothing any more
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
import structlog

from daemon.app.in_force import Current
from daemon.core.delivery.route import Route, share_of
from daemon.core.durations import HOUR
from daemon.core.ownership import HOUSE, Kind, Share
from daemon.core.routing.plan import Order
from daemon.store import endpoint_health, lanes, mailings, outbox
from daemon.store.database import Database
from daemon.workers import kept_pauses
from daemon.workers.chores import Chores
from daemon.workers.commander import Commander
from daemon.workers.dispatcher import Dispatcher, Settlement
from daemon.workers.endpoint_queues import Stood
from daemon.workers.poller import Poller
from daemon.workers.system_pauses import Pauses

log = structlog.get_logger()


class Keeping:
    """For the thread that shares out, but for `has` and `routes`."""

    def __init__(
        self,
        database: Database,
        current: Current,
        *,
        dispatcher: Dispatcher,
        commander: Commander,
        poller: Poller,
        pauses: Pauses,
        chores: Chores,
        now: Callable[[], datetime],
        reschedule: Callable[[], None],
        kept: Callable[[sa.Connection, Kind, Iterable[str]], Collection[str]],
    ) -> None:
        """`reschedule`: poll what this member has, and nothing else; `kept`: which of these are its own until
        the transaction ends that asks."""
        self._database = database
        self._current = current
        self._dispatcher = dispatcher
        self._commander = commander
        self._poller = poller
        self._pauses = pauses
        self._chores = chores
        self._now = now
        self._reschedule = reschedule
        self._kept = kept
        self._one_reroute = threading.Lock()
        self._mine: frozenset[Share] = frozenset()
        self._stood = Stood()
        """How those endpoints do that were just taken."""

    def has(self, system: str) -> bool:
        """Whether a system is polled here."""
        return (Kind.SYSTEM, system) in self._mine

    def routes(self, routes: Mapping[str, Route]) -> Mapping[str, Route]:
        """Those of them that this member sends by."""
        return {
            name: route
            for name, route in routes.items()
            if (Kind.ENDPOINT, share_of(name, route)) in self._mine
        }

    def reroute(self, then: Callable[[], None], settlement: Settlement | None = None) -> None:
        """Send by what is in force and ours, by just that; callable from every thread."""
        with self._one_reroute:
            self._dispatcher.reroute(self.routes(self._current().routes), then, settlement)

    def taken(self, shares: Collection[Share]) -> None:
        """Sort out what was under way."""
        systems, endpoints = _names(shares, Kind.SYSTEM), _names(shares, Kind.ENDPOINT)
        self._poller.forget(systems)
        with self._database.write() as db:
            # Who was stopped since it took them may have lost them again.
            released = self._take_up(db, self._kept(db, Kind.ENDPOINT, endpoints))
            kept_pauses.go_on(db, self._pauses, systems, self._now())
        left = self._commander.recover(systems) if systems else 0
        if released or left:
            log.info("shares.recovered", deliveries=released, commands=left)

    def begun(self, shares: Collection[Share]) -> None:
        """Poll, command and send."""
        self._mine |= set(shares)
        stood, self._stood = self._stood, Stood()
        self._follow(shares, lambda: self._dispatcher.go_on(stood))
        self._commander.wake()
        if (Kind.DUTY, HOUSE) in shares:
            self._chores.sweep(self._current().watches)

    def leaving(self, shares: Collection[Share]) -> None:
        """Begin nothing more of these."""
        self._mine -= set(shares)
        self._follow(shares)

    def is_free(self, share: Share) -> bool:
        """Whether nothing is under way any more of what is leaving."""
        if share.kind is Kind.SYSTEM:
            return not (self._poller.is_asking(share.name) or self._commander.is_busy(share.name))
        return all(map(self._dispatcher.is_clear_of, self._endpoints((share,))))

    def settled(self, shares: Collection[Share]) -> None:
        """Write down what was seen of systems that are given away."""
        if _names(shares, Kind.SYSTEM):
            self._poller.flush()
            self._poller.hearers.historian.flush(self._now())
            self._poller.hearers.observations.flush()

    def lost(self, shares: Collection[Share]) -> None:
        """Forget what is in memory."""
        had = self._mine.intersection(shares)
        self._mine -= had
        self._poller.forget(_names(shares, Kind.SYSTEM))
        if had:
            self._follow(had)

    def learn(self, db: sa.Connection) -> None:
        """See how the endpoints do that others have."""
        self._dispatcher.learn(endpoint_health.load(db))

    def _take_up(self, db: sa.Connection, groups: Collection[str]) -> int:
        """Leases of who had these endpoints are given back: what it was sending is sent again. Returns how
        many."""
        endpoints = self._endpoints([Share(Kind.ENDPOINT, one) for one in groups])
        if not endpoints:
            return 0
        released = outbox.release_all(db, endpoints)
        routes = self._current().routes
        loose = {name for name, route in routes.items() if route.order is Order.BEST_EFFORT}
        lanes.unite(db, self._now(), unordered=loose)
        breakers = endpoint_health.load(db)
        mailed = [name for name in endpoints if routes[name].mailing is not None]
        self._stood = Stood(
            endpoints,
            {name: breakers[name] for name in endpoints if name in breakers},
            {name: mailings.mailed(db, name, self._now() - HOUR) for name in mailed},
        )
        return released

    def _follow(self, shares: Iterable[Share], then: Callable[[], None] = lambda: None) -> None:
        kinds = {share.kind for share in shares}
        if Kind.ENDPOINT in kinds:
            self.reroute(then)
        if Kind.SYSTEM in kinds:
            self._reschedule()

    def _endpoints(self, shares: Collection[Share]) -> list[str]:
        """The endpoints that these are of."""
        groups = set(_names(shares, Kind.ENDPOINT))
        return [name for name, route in self._current().routes.items() if share_of(name, route) in groups]


def wanted(current: Current) -> set[Share]:
    """All that a configuration has to share out."""
    now = current()
    endpoints = {share_of(name, route) for name, route in now.routes.items()}
    return {
        Share(Kind.DUTY, HOUSE),
        *(Share(Kind.SYSTEM, system.name) for system in now.config.systems),
        *(Share(Kind.ENDPOINT, one) for one in endpoints),
    }


def _names(shares: Iterable[Share], kind: Kind) -> list[str]:
    return [share.name for share in shares if share.kind is kind]
