"""Deliveries that are due: claimed in batches, handed to the sender, their results written in batches.

    begin                        -------------------------------------------- one transaction
      outbox.finish              IO     results in, what waited behind them promoted
      breaker.after              pure   what they say of their endpoints
      tell                       IO     turns of an endpoint's health, for the others
      outbox.claim               IO     leases out
    commit                       -------------------------------------------- nothing is sent before this
    sender.start                 IO     as many as each endpoint may have under way
    sender.finished              IO     until there is a batch of results, or a few milliseconds are over

One thread. Each endpoint has its own share of attempts under way, so a slow one holds up nobody. The
network is never inside a transaction, and the writer never in the way of the sender: a little more is
claimed than may be under way, so that what ends is followed at once.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
import structlog

from daemon.core.delivery import breaker, outcome
from daemon.core.delivery.breaker import Breaker, Health, Switch, Turn
from daemon.core.delivery.outage import Outage
from daemon.core.delivery.outcome import OPEN, Attempted, Message, Next, Outcome, Status
from daemon.core.delivery.route import Route
from daemon.core.durations import NOTHING
from daemon.core.routing import quiet
from daemon.core.routing.plan import Order
from daemon.store import endpoint_health, outbox
from daemon.store.database import Database
from daemon.store.outbox import Finished, Lease
from daemon.workers.endpoint_queue import AHEAD, Claim, Queue

log = structlog.get_logger()

BACKSTOP = timedelta(seconds=30)
"""The longest sleep: a wake that was missed costs no more than this."""
AFTER_AN_ERROR = 1.0
"""Seconds before the database is tried again."""
LEASE_MARGIN = timedelta(minutes=1)
GATHER = timedelta(milliseconds=5)
"""How long a result may wait for others to be written with."""
MOST_RESULTS = 500
"""Written in one transaction."""
TICK = timedelta(minutes=1)


class Sender(Protocol):
    """What the dispatcher needs of a sender."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""

    def start(self, message: Message) -> None:
        """Begin one attempt."""

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""

    def finished(self, timeout: float) -> list[Attempted]:
        """Attempts that ended; waits at most `timeout` seconds, or until woken."""

    def wake(self) -> None:
        """Make `finished` return at once."""


Tell = Callable[[sa.Connection, Sequence[Turn], datetime], None]
"""Writes what others are told of turns, in the dispatcher's transaction."""


class Dispatcher:
    """Sends what is due until it is stopped."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        routes: Mapping[str, Route],
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        new_id: Callable[[str], str],
        tell: Tell = lambda _db, _turns, _now: None,
        is_api_answering: Callable[[], bool | None] = lambda: None,
        on_attempted: Callable[[Sequence[Attempted]], None] = lambda _ended: None,
    ) -> None:
        self.routes = routes
        self._database = database
        self._sender = sender
        self._now = now
        self._jitter = jitter
        self._new_id = new_id
        self._tell = tell
        self._is_api_answering = is_api_answering
        self._on_attempted = on_attempted
        self._outage = Outage()
        self._ended: list[Attempted] = []
        self._queues: dict[str, Queue] = {}
        self._ticked_at: datetime | None = None
        self._is_looking = True
        """An operator may have left word in the store."""
        self._is_woken = threading.Event()
        self._is_stopping = threading.Event()
        self._claim_until: datetime | None = None
        self._reroutings: deque[tuple[Mapping[str, Route], Callable[[], None]]] = deque()

    def reroute(self, routes: Mapping[str, Route], then: Callable[[], None]) -> None:
        """Go by other routes from the next turn on, and call `then` at that moment, in the dispatcher's own
        thread: no turn sees an endpoint in the one place that has gone from the other. Callable from every
        thread."""
        self._reroutings.append((routes, then))
        self.wake()

    def wake(self) -> None:
        """Say that there may be something new to send; callable from every thread."""
        self._is_woken.set()
        self._sender.wake()

    def stop(self) -> None:
        """Make `run` come to its end; callable from every thread."""
        self._is_stopping.set()
        self._sender.wake()

    def recover(self) -> int:
        """Take up what the process before left: breakers, and leases, which are given back. Returns how
        many leases there were."""
        with self._database.write() as db:
            for name, stored in endpoint_health.load(db).items():
                self._queue(name).breaker = stored
            return outbox.release_all(db)

    def rests_until(self, endpoint: str) -> datetime | None:
        """When an endpoint is written to again that has had as many mails as it may have in an hour;
        None: there may be more. Callable from every thread."""
        route, queue = self.routes.get(endpoint), self._queues.get(endpoint)
        if route is None or queue is None or route.mailing is None:
            return None
        return queue.rests_until(route.mailing, self._now())

    def health(self) -> dict[str, Breaker]:
        """How each endpoint of the configuration is doing; callable from every thread."""
        queues = dict(self._queues)
        return {name: queues[name].breaker if name in queues else breaker.HEALTHY for name in self.routes}

    def run(self, *, drain: timedelta, turned: Callable[[], None] = lambda: None) -> None:
        """Send until `stop`; then what is due, for half of `drain`, and wait out the rest of it. Calls
        `turned` at every turn, so that a hang can be told from a quiet day.

        What is still under way at the end keeps its lease, and is sent again after the next start.
        """
        self._is_woken.set()
        while not self._is_stopping.is_set():
            turned()
            self._turn(BACKSTOP.total_seconds())
        stopped_at = self._now()
        self._claim_until = stopped_at + drain / 2
        self._is_woken.set()
        while (left := stopped_at + drain - self._now()) > NOTHING:
            started = self._turn(left.total_seconds())
            if not started and not self._ended and self._sender.is_idle:
                break
        self._claim_until = stopped_at
        self._turn(0)

    def run_once(self, timeout: float = 0) -> int:
        """Write what ended, claim and start what is due, then wait for an end, a wake, or the next due time,
        at most `timeout` seconds. Returns how many were started."""
        self._take_wake()
        self._exchange()
        started = self._start()
        # What was just written may be due again before long: the wait is measured now, not before.
        is_over = self._is_stopping.is_set() and self._sender.is_idle
        return started + self._gather(0 if is_over else min(timeout, self._patience()))

    def _turn(self, timeout: float) -> int:
        try:
            return self.run_once(timeout)
        except sa.exc.DBAPIError as error:
            # What ended stays here, and is written when the database is back: a delivery that was
            # accepted is not sent again for want of a commit.
            log.error("dispatcher.database_failed", error=str(error.orig), results_held=len(self._ended))
            self._take(self._sender.finished(AFTER_AN_ERROR))
            return 0

    def _exchange(self) -> None:
        """One transaction: results in, new leases out."""
        now = self._now()
        ready, ran = self._ready(now), self._tick(now)
        if not (self._ended or ready or ran or self._is_looking or self._to_release(now, {})):
            return
        ours = self._our_outage(now)
        finished = [self._decide(one, now, is_ours=one in ours) for one in self._ended]
        moved = self._moved([one for one in self._ended if one not in ours], ran, now)
        with self._database.write() as db:
            if ran:
                outbox.release_expired(db, now)
            lost = outbox.finish(db, finished, now) if finished else []
            self._obey(db, moved, now)
            turns = self._store(db, moved, now)
            released = self._to_release(now, moved)
            outbox.release(db, [message for queue in released for message in queue.claimed])
            touched = dict.fromkeys([*ready, *(one.attempted.message.endpoint for one in finished)])
            claims = {one: self._claim(db, one, moved, now) for one in touched if self._may_claim(one, now)}
        self._ended = []
        self._is_looking = False
        self._adopt(moved, released, claims)
        _log_finished(finished, lost)
        _log_turns(turns)

    def _our_outage(self, now: datetime) -> list[Attempted]:
        """Which of the attempts that ended failed by our own network."""
        suspects = [one for one in self._ended if one.outcome in outcome.NETWORK]
        api = self._is_api_answering() if suspects else None
        return [one for one in suspects if self._outage.is_ours(one, now, is_api_answering=api)]

    def _decide(self, attempted: Attempted, now: datetime, *, is_ours: bool) -> Finished:
        if attempted.outcome is Outcome.ACCEPTED:
            return Finished(attempted, outcome.DELIVERED)
        route = self.routes.get(attempted.message.endpoint)
        if route is None:  # it left the configuration meanwhile
            return Finished(attempted, Next(Status.PENDING, now), frees_lane=False)
        retries = route.retries(attempted.message.event_type)
        # What was mailed together is due together again, and makes the very same mail.
        jitter = 0.0 if route.mailing else self._jitter()
        then = outcome.after(attempted, now, jitter, retries, is_our_outage=is_ours)
        return Finished(attempted, then, then.status not in OPEN or route.order is Order.BEST_EFFORT)

    def _moved(self, ended: Sequence[Attempted], ran: timedelta, now: datetime) -> dict[str, Breaker]:
        """The breakers that are not what they were; adopted once that is committed."""
        moved: dict[str, Breaker] = {}
        for attempted in ended:
            name = attempted.message.endpoint
            before = moved.get(name, self._queue(name).breaker)
            jitter = 0.0 if attempted.outcome is Outcome.ACCEPTED else self._jitter()
            after = breaker.after(before, attempted, now, jitter)
            if after is not before:
                moved[name] = after
        for name, queue in self._queues.items() if ran else ():
            after = breaker.elapse(moved.get(name, queue.breaker), ran, now)
            if after is not queue.breaker:
                moved[name] = after
        return moved

    def _obey(self, db: sa.Connection, moved: dict[str, Breaker], now: datetime) -> None:
        """Do what operators have asked for since the last look."""
        if not self._is_looking:
            return
        asked = {name: switch for name, switch in endpoint_health.asked(db).items() if name in self.routes}
        for name, switch in asked.items():
            turn = breaker.enable if switch is Switch.ENABLE else breaker.disable
            moved[name] = turn(moved.get(name, self._queue(name).breaker), now)
        endpoint_health.done(db, asked)

    def _store(self, db: sa.Connection, moved: Mapping[str, Breaker], now: datetime) -> list[Turn]:
        """Write breakers, and what follows where the health of an endpoint has turned."""
        endpoint_health.save(db, moved)
        turns = [
            Turn(name, self._queue(name).breaker, after)
            for name, after in moved.items()
            if _has_turned(self._queue(name).breaker, after)
        ]
        for turn in turns:
            if turn.after.health is Health.HEALTHY:
                outbox.hasten(db, turn.endpoint, now)
                if turn.before.failing_since is not None:
                    outbox.revive(db, turn.endpoint, turn.before.failing_since, now)
        if turns:
            self._tell(db, self._reported(turns, moved), now)
            self._is_woken.set()
        return turns

    def _reported(self, turns: Sequence[Turn], moved: Mapping[str, Breaker]) -> list[Turn]:
        """The turns as others hear of them: endpoints that share a server turn together, but for those that
        an operator turns off and on."""
        names = {turn.endpoint: self._reported_as(turn.endpoint) for turn in turns}
        alone = [turn for turn in turns if names[turn.endpoint] == turn.endpoint or turn.is_by_operator]
        together = []
        for name in dict.fromkeys(name for endpoint, name in names.items() if name != endpoint):
            queues = {one: self._queue(one) for one in self.routes if self._reported_as(one) == name}
            before = breaker.worst(queue.breaker for queue in queues.values())
            after = breaker.worst(moved.get(one, queue.breaker) for one, queue in queues.items())
            if _has_turned(before, after):
                together.append(Turn(name, before, after))
        return alone + together

    def _reported_as(self, endpoint: str) -> str:
        route = self.routes.get(endpoint)
        return (route.reported_as if route else None) or endpoint

    def _claim(self, db: sa.Connection, name: str, moved: Mapping[str, Breaker], now: datetime) -> Claim:
        """Lease what an endpoint may have next, and see when there is more."""
        queue, route = self._queue(name), self.routes[name]
        state = moved.get(name, queue.breaker)
        room = queue.room(route, state, self._sender.in_flight(name), now)
        if room <= 0 or state.is_open(now):
            return Claim(state, due=now)
        # What is claimed ahead may wait for a whole attempt of each that is before it.
        lease = Lease(self._new_id("lease"), now, now + (1 + AHEAD) * route.timeout + LEASE_MARGIN)
        least = quiet.least_urgency(route.quiet, now)
        claimed = outbox.claim(db, name, room, lease, least=least, is_trial=state.is_half_open)
        mailed_at = now if route.mailing else None
        if len(claimed) == room:
            is_full = route.mailing is None
            return Claim(state, claimed.messages, now, is_full=is_full, mailed_at=mailed_at)
        due = outbox.next_due(db, name, least=least)
        if state.is_catching_up and (due is None or due > now):
            state = breaker.caught_up(state)
            endpoint_health.save(db, {name: state})
        return Claim(state, claimed.messages, due, mailed_at=mailed_at)

    def _adopt(
        self, moved: Mapping[str, Breaker], released: Sequence[Queue], claims: Mapping[str, Claim]
    ) -> None:
        """Take over what was committed."""
        for name, state in moved.items():
            self._queue(name).breaker = state
        for queue in released:
            queue.claimed.clear()
        for name, claim in claims.items():
            self._queue(name).take(claim)

    def _to_release(self, now: datetime, moved: Mapping[str, Breaker]) -> list[Queue]:
        """Queues that hold leases for what may not be sent now."""

        def may_send(name: str, queue: Queue) -> bool:
            return self._may_claim(name, now) and moved.get(name, queue.breaker).health is Health.HEALTHY

        return [queue for name, queue in self._queues.items() if queue.claimed and not may_send(name, queue)]

    def _start(self) -> int:
        """Start what is claimed, as far as each endpoint may have more under way."""
        started = 0
        for name, queue in self._queues.items():
            if queue.claimed and name in self.routes:
                for message in queue.start(self.routes[name], self._sender.in_flight(name)):
                    self._sender.start(message)
                    started += 1
        return started

    def _gather(self, timeout: float) -> int:
        """Wait for a first result, and a few milliseconds for others; what ends is followed at once."""
        ended = self._sender.finished(timeout)
        until = self._now() + GATHER
        started = 0
        while ended:
            self._take(ended)
            started += self._start()
            left = min(until - self._now(), GATHER)
            if left <= NOTHING or self._is_woken.is_set() or self._is_enough():
                break
            ended = self._sender.finished(left.total_seconds())
        return started

    def _take(self, ended: Sequence[Attempted]) -> None:
        now = self._now()
        for attempted in ended:
            self._outage.take(attempted, now)
        self._ended += ended
        self._on_attempted(ended)

    def _is_enough(self) -> bool:
        """Whether there is a batch of results, or an endpoint could have more under way than is claimed."""
        is_hungry = any(queue.is_full and not queue.claimed for queue in self._queues.values())
        return is_hungry or len(self._ended) >= MOST_RESULTS

    def _ready(self, now: datetime) -> list[str]:
        """Endpoints that may have something due."""
        return [name for name, due in self._dues(now) if due <= now]

    def _patience(self) -> float:
        """Seconds until something can be due; attempts that end, and wakes, cut it short."""
        if self._is_woken.is_set():
            return 0
        now = self._now()
        waits = [due - now for _, due in self._dues(now)]
        return max(min([BACKSTOP, *waits]).total_seconds(), 0)

    def _dues(self, now: datetime) -> list[tuple[str, datetime]]:
        """When to look for more, of the endpoints for which that can be said."""
        return [
            (name, due)
            for name, route in self.routes.items()
            if self._may_claim(name, now)
            and (due := self._queue(name).due_at(route, self._sender.in_flight(name), now)) is not None
        ]

    def _may_claim(self, name: str, now: datetime) -> bool:
        return name in self.routes and (self._claim_until is None or now < self._claim_until)

    def _queue(self, name: str) -> Queue:
        return self._queues.setdefault(name, Queue())

    def _tick(self, now: datetime) -> timedelta:
        """How long the daemon ran since the last tick, once a minute; else nothing."""
        last = self._ticked_at
        if last is None or now < last:
            last = self._ticked_at = now
        if now - last < TICK:
            return NOTHING
        self._ticked_at = now
        return min(now - last, 2 * TICK)  # else it did not run, but was suspended

    def _take_wake(self) -> None:
        if self._is_woken.is_set():
            self._is_woken.clear()
            while self._reroutings:
                self.routes, then = self._reroutings.popleft()
                then()
            self._is_looking = True
            for queue in self._queues.values():
                queue.forget()


def _has_turned(before: Breaker, after: Breaker) -> bool:
    """Whether others have to hear of it; also that an operator turned off what was off by itself."""
    return (after.health, after.disabled_by) != (before.health, before.disabled_by)


def _log_finished(finished: Sequence[Finished], lost: Sequence[Finished]) -> None:
    for one in finished:
        attempted, message = one.attempted, one.attempted.message
        is_accepted = attempted.outcome is Outcome.ACCEPTED
        if is_accepted and message.attempt == 1 and not lost:
            continue  # it is in the store; a line for each would be most of the log
        told: dict[str, object] = {
            "event_id": message.event,
            "endpoint": message.endpoint,
            "attempt": message.attempt,
            "ms": attempted.took // timedelta(milliseconds=1),
        }
        if one in lost:
            log.warning("delivery.lease_lost", **told)
        elif is_accepted:
            log.info("delivery.done", status=attempted.http_status, **told)
        elif one.then.status is Status.DEAD:
            log.error("delivery.dead", outcome=attempted.outcome.value, error=attempted.why, **told)
        else:
            told["due_at"] = one.then.due_at.isoformat() if one.then.due_at else None
            log.warning("delivery.retry", outcome=attempted.outcome.value, error=attempted.why, **told)


def _log_turns(turns: Sequence[Turn]) -> None:
    for turn in turns:
        told = {
            "endpoint": turn.endpoint,
            "health": turn.after.health.value,
            "before": turn.before.health.value,
            "error": turn.after.error,
        }
        is_well = turn.after.health is Health.HEALTHY
        log.log(logging.INFO if is_well else logging.WARNING, "endpoint.turned", **told)
