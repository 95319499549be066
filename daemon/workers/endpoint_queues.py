"""What the dispatcher keeps of all endpoints: what is claimed for them, and when there may be more."""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from daemon.core.delivery.breaker import Breaker, Health
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Message
from daemon.core.delivery.route import Route
from daemon.store.outbox import Lease, Opening
from daemon.workers.endpoint_health import EndpointHealth, Moved
from daemon.workers.endpoint_queue import AHEAD, Claim, Queue
from daemon.workers.sender import Sender

LEASE_MARGIN = timedelta(minutes=1)
NOT_OURS = timedelta(milliseconds=500)
"""How long an endpoint is left alone that is another member's by now; its route goes within a second."""


@dataclass(frozen=True)
class Stood:
    """How endpoints stood with the member that had them."""

    endpoints: Collection[str] = ()
    breakers: Mapping[str, Breaker] = field(default_factory=dict)
    """Of those that were ever anything but well."""
    mailed: Mapping[str, Collection[datetime]] = field(default_factory=dict)
    """When there were mails to them, in the last hour."""


class Queues:
    """For the dispatcher's thread, but for `opening`."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        sender: Sender,
        *,
        health: EndpointHealth,
        mail_pace: MailPace,
        new_id: Callable[[str], str],
    ) -> None:
        self.routes = routes
        self.claim_until: datetime | None = None
        """From then on nothing is claimed any more; None: the end is not in sight."""
        self.doubtful: set[str] = set()
        """Leases that were taken in a turn, until all that it claimed is in the queues. Where an error keeps
        it from that they are given back by the next one: nothing was sent by them."""
        self._sender = sender
        self._health = health
        self._mail_pace = mail_pace
        self._new_id = new_id
        self._all: dict[str, Queue] = {}

    def __getitem__(self, endpoint: str) -> Queue:
        if endpoint not in self._all:
            self._all[endpoint] = Queue(endpoint, self._mail_pace)
        return self._all[endpoint]

    def __iter__(self) -> Iterator[Queue]:
        return iter(self._all.values())

    def __contains__(self, endpoint: str) -> bool:
        return endpoint in self._all

    @property
    def is_hungry(self) -> bool:
        """Whether an endpoint could have more under way than is claimed."""
        return any(one.is_hungry for one in self)

    def opening(self, endpoint: str, now: datetime, handed: int) -> Opening | None:
        """How much of what is new would be sent at once, beside what was handed over and not taken yet;
        callable from every thread. None: nothing."""
        route, queue = self.routes.get(endpoint), self._all.get(endpoint)
        if route is None or queue is None or not self._health.shares.may_begin(self.routes, endpoint):
            return None
        standing = self._standing(endpoint)
        room = route.guard.tried("delivery", lambda: queue.opening(*standing, now), instead=0) - handed
        return Opening(self._lease(route, now), room) if room > 0 else None

    def ready(self, now: datetime) -> list[str]:
        """Endpoints that may have something due."""
        return [name for name, due in self.dues(now) if due <= now]

    def dues(self, now: datetime) -> list[tuple[str, datetime]]:
        """When to look for more, of the endpoints for which that can be said."""
        return [
            (name, due)
            for name in self.routes
            if self._may_claim(name, now) and (due := self._due(name, now)) is not None
        ]

    def to_release(self, now: datetime, moved: Mapping[str, Breaker], *, is_unsettled: bool) -> list[Queue]:
        """Those that hold leases for what may not be sent now."""

        def may_send(name: str) -> bool:
            state = moved.get(name, self._health.of(name))
            is_open = self._may_claim(name, now) and state.health is Health.HEALTHY
            return is_open and not is_unsettled

        return [queue for queue in self if queue.is_holding and not may_send(queue.endpoint)]

    def startable(self, unless: Container[Queue] = ()) -> Iterator[Message]:
        """What is claimed, as far as each endpoint may have more under way; to be started one by one."""
        for queue in self:
            name = queue.endpoint
            if queue.claimed and queue not in unless and self._health.shares.may_begin(self.routes, name):
                yield from queue.start(*self._standing(name))

    def claim_all(
        self,
        db: sa.Connection,
        names: Iterable[str],
        kept: Container[str],
        moved: Moved,
        now: datetime,
    ) -> dict[str, Claim]:
        """Lease what these endpoints may have next, as far as they are ours."""
        claims = {}
        for name in names:
            if name not in kept:
                self[name].wait_until(now + NOT_OURS)
            elif self._may_claim(name, now):
                claims[name] = self._claim(db, name, moved, now)
        return claims

    def adopt(self, released: Sequence[Queue], claims: Mapping[str, Claim], refused: Sequence[Queue]) -> None:
        """Take over what was committed."""
        for queue in refused:
            queue.refused.clear()
        for queue in released:
            queue.released()
        for name, claim in claims.items():
            self[name].take(claim)

    def take_up(self, stood: Stood, now: datetime) -> None:
        """Another member sent to these until now."""
        for name in stood.endpoints:
            self[name].take_up(now)
            self._mail_pace.take_up(name, stood.mailed.get(name, ()))

    def follow(self, step: timedelta) -> None:
        """The clock was set, and what the store holds is moved with it."""
        self._mail_pace.follow(step)
        self.forget()

    def forget(self) -> None:
        """Something new may be due for each of them."""
        for queue in self:
            queue.forget()

    def _claim(self, db: sa.Connection, name: str, moved: Moved, now: datetime) -> Claim:
        """Lease what an endpoint may have next, and see when there is more."""
        queue, route = self[name], self.routes[name]
        state = moved.get(name, self._health.of(name))
        room = queue.room(route, state, self._sender.in_flight(name), now)
        if room <= 0 or state.is_open(now):
            return Claim(due=now)
        lease = self._lease(route, now)
        self.doubtful.add(lease.token)
        claim = queue.claim(db, route, state, room, lease)
        if state.is_catching_up and (claim.due is None or claim.due > now):
            self._health.catch_up(db, name, moved)
        return claim

    def _lease(self, route: Route, now: datetime) -> Lease:
        # What is claimed ahead may wait for a whole attempt of each that is before it.
        until = now + (1 + AHEAD) * route.timeout + LEASE_MARGIN
        return Lease(self._new_id("lease"), now, until, route.timeout)

    def _due(self, name: str, now: datetime) -> datetime | None:
        """When to look for more for one endpoint. Where that cannot be worked out it is left alone, and the
        others go on."""
        guard, queue = self.routes[name].guard, self[name]
        return guard.tried("delivery", lambda: queue.due_at(*self._standing(name), now), instead=None)

    def _may_claim(self, name: str, now: datetime) -> bool:
        return name in self.routes and (self.claim_until is None or now < self.claim_until)

    def _standing(self, name: str) -> tuple[Route, Breaker, int]:
        """How an endpoint is tried, how it is doing, and how many attempts for it are under way."""
        return self.routes[name], self._health.of(name), self._sender.in_flight(name)
