"""What the dispatcher keeps of one endpoint: how fast it is tried, and what is claimed for it."""

from collections import deque
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from daemon.core.delivery.breaker import Breaker, Health
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.delivery.rate import Bucket
from daemon.core.delivery.route import Route
from daemon.core.routing import quiet
from daemon.core.routing.plan import Order
from daemon.store import outbox
from daemon.store.outbox import Lease

AHEAD = 4
"""How many times its share is claimed for an endpoint beside what is under way, at most `MOST_AHEAD`."""
MOST_AHEAD = 256
"""As many again may be claimed behind others of their lanes, and follow one another at once."""


@dataclass(frozen=True)
class Claim:
    """What came of looking for an endpoint's next deliveries."""

    messages: Sequence[Message] = ()
    behind: Sequence[Message] = ()
    """Those that wait for one of these, or for each other; in order."""
    due: datetime | None = None
    """When there may be more; None: not before a wake."""
    is_full: bool = False
    """There was as much as was asked for, so there may be more at once."""
    mailed_at: datetime | None = None
    """Of a mailing: now."""


@dataclass(eq=False)
class Queue:
    """One endpoint's place in the dispatcher. For one thread."""

    endpoint: str
    mail_pace: MailPace
    claimed: deque[Message] = field(default_factory=deque)
    """Leased, and not started yet."""
    behind: dict[str, deque[Message]] = field(default_factory=dict)
    """The same, by lane: each may start once the one before it was accepted."""
    refused: list[Message] = field(default_factory=list)
    """Those that were behind one that was not accepted; to be given back."""
    is_full: bool = False
    """The last claim left something that is due."""
    _due: datetime | None = None
    _is_known: bool = False
    """Whether `_due` was read since the last wake."""
    _bucket: Bucket | None = None
    _spent_at: datetime | None = None
    """When another may have used up what its rate allows."""

    @property
    def is_hungry(self) -> bool:
        """Whether more could be under way than is claimed."""
        return self.is_full and not self.claimed

    @property
    def is_holding(self) -> bool:
        """Whether anything is leased, and not started yet."""
        return bool(self.claimed or self.behind)

    def opening(self, route: Route, state: Breaker, in_flight: int, now: datetime) -> int:
        """How many that are new would be started at once; callable from every thread."""
        is_well = state.health is Health.HEALTHY and not state.is_open(now)
        if self.is_full or not is_well or not _goes_at_once(route, state):
            return 0
        if quiet.least_urgency(route.quiet, now) is not None:
            return 0
        return route.max_in_flight + _most_ahead(route) - in_flight - len(self.claimed)

    def hand_over(self, message: Message) -> None:
        """What was leased for this endpoint elsewhere."""
        self.claimed.append(message)

    def follow(self, attempted: Attempted) -> bool:
        """An attempt has ended: what waits behind it in its lane may go, or is to be given back. Returns
        whether it goes, so that the lane is led."""
        message = attempted.message
        waiting = None if message.failures else self.behind.get(message.lane)
        if waiting is None:
            return False
        is_accepted = attempted.outcome is Outcome.ACCEPTED
        if is_accepted:
            self.claimed.appendleft(waiting.popleft())
        else:
            self.refused.extend(waiting)
        if not (is_accepted and waiting):
            del self.behind[message.lane]
        return is_accepted

    def release(self, db: sa.Connection) -> None:
        """Give back what is leased and was not started."""
        outbox.release(db, self.claimed, [one for waiting in self.behind.values() for one in waiting])

    def released(self) -> None:
        """That is committed."""
        self.claimed.clear()
        self.behind.clear()

    def start(self, route: Route, state: Breaker, in_flight: int) -> Iterator[Message]:
        """What may be started now, taken out of what is claimed."""
        for _ in range(min(route.share(state) - in_flight, len(self.claimed))):
            yield self.claimed.popleft()

    def room(self, route: Route, state: Breaker, in_flight: int, now: datetime) -> int:
        """How many deliveries may be claimed now."""
        held = in_flight + len(self.claimed)
        if state.is_half_open:
            return 1 - held
        if route.mailing is not None:
            is_free = not held and self._mailed_from(route, now) <= now
            return route.max_in_flight if is_free else 0
        room = route.guard.tried("rate", lambda: self._room_by_rate(route, state, now), instead=None)
        if room is not None:
            return min(route.max_in_flight - held, room)
        return route.max_in_flight + _most_ahead(route) - held

    def claim(self, db: sa.Connection, route: Route, state: Breaker, room: int, lease: Lease) -> Claim:
        """Lease what may be sent next, at most `room`, and see when there is more."""
        now, least = lease.at, quiet.least_urgency(route.quiet, lease.at)
        behind = self._room_behind(route, state) if least is None else 0
        claimed = outbox.claim(
            db, self.endpoint, room, lease, least=least, is_trial=state.is_half_open, behind=behind
        )
        mailed_at = now if route.mailing else None
        is_full = len(claimed) == room
        due = now if is_full else outbox.next_due(db, self.endpoint, least=least)
        return Claim(
            claimed.messages, claimed.behind, due, is_full and route.mailing is None, mailed_at=mailed_at
        )

    def due_at(self, route: Route, state: Breaker, in_flight: int, now: datetime) -> datetime | None:
        """When to look for more; None: not before something ends, or a wake."""
        if state.health is Health.DISABLED or in_flight + len(self.claimed) >= route.share(state):
            return None
        if self._is_known and self._due is None:
            return None
        if route.mailing is not None and (in_flight or self.claimed):
            return None
        # A trial need not be due.
        due = self._due if self._is_known and self._due and not state.is_half_open else now
        free = self._mailed_from(route, now) if route.mailing else due
        ready = route.guard.tried("rate", lambda: self._ready_by_rate(route, state, now), instead=None)
        return max(due, free, state.not_before or due, ready or due)

    def take(self, claim: Claim) -> None:
        """Take over a claim that was committed."""
        self.claimed.extend(claim.messages)
        for message in claim.behind:
            self.behind.setdefault(message.lane, deque()).append(message)
        self._due, self._is_known = claim.due, True
        self.is_full = claim.is_full
        if self._bucket is not None:
            self._bucket.take(len(claim.messages))
        if claim.messages and claim.mailed_at is not None:
            self.mail_pace.add(self.endpoint, claim.mailed_at)

    def drop(self, tokens: Container[str]) -> None:
        """Let go of what was claimed under these leases."""
        self.claimed = deque(one for one in self.claimed if one.token not in tokens)
        kept = {
            lane: deque(one for one in waiting if one.token not in tokens)
            for lane, waiting in self.behind.items()
        }
        self.behind = {lane: waiting for lane, waiting in kept.items() if waiting}

    def wait_until(self, due: datetime) -> None:
        """Look for nothing before that, or a wake."""
        self._due, self._is_known, self.is_full = due, True, False

    def take_up(self, now: datetime) -> None:
        """Until now another member sent to it, and nobody here knows how much."""
        self._bucket, self._spent_at = None, now

    def forget(self) -> None:
        """Something new may be due."""
        self._is_known = False

    def _mailed_from(self, route: Route, now: datetime) -> datetime:
        """From when on there may be a mailing; at once where that cannot be worked out."""
        mailing = route.mailing
        if mailing is None:
            return now
        return route.guard.tried(
            "group_interval", lambda: self.mail_pace.free_at(self.endpoint, mailing, now), instead=now
        )

    def _room_behind(self, route: Route, state: Breaker) -> int:
        """How many may be claimed behind others of their lanes."""
        if state.is_half_open or not _goes_at_once(route, state):
            return 0
        return _most_ahead(route) - sum(map(len, self.behind.values()))

    def _room_by_rate(self, route: Route, state: Breaker, now: datetime) -> int | None:
        """How many its rate lets go now; None: as many as it takes."""
        bucket = self._bucket_for(route, state)
        return None if bucket is None else bucket.room(now)

    def _ready_by_rate(self, route: Route, state: Breaker, now: datetime) -> datetime | None:
        """When its rate lets the next one go; None: at once."""
        bucket = self._bucket_for(route, state)
        return None if bucket is None else bucket.ready_at(now)

    def _bucket_for(self, route: Route, state: Breaker) -> Bucket | None:
        rate = route.rate_for(state)
        if rate is None:
            self._bucket = None
        elif self._bucket is None or self._bucket.rate != rate:
            self._bucket = Bucket(rate, spent_at=self._spent_at)
        return self._bucket


def _goes_at_once(route: Route, state: Breaker) -> bool:
    """Whether nothing is gained by waiting: no mail that gathers, no rate, no newer message that takes the
    place of an older one."""
    return route.mailing is None and route.order is not Order.LATEST and route.rate_for(state) is None


def _most_ahead(route: Route) -> int:
    return min(route.max_in_flight * AHEAD, MOST_AHEAD)
