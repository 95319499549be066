"""Deliveries that are due: claimed in batches, handed to the sender, their results written in batches.

    hand_over                    what others have leased and committed       from every thread
    sender.start                 IO     at once
    begin                        -------------------------------------------- one transaction
      outbox.finish              IO     results in, what waited behind them promoted
      health.write               IO     what they say of their endpoints, and turns told to the others
      outbox.claim               IO     leases out
    commit                       -------------------------------------------- nothing is sent before this
    sender.start                 IO     as many as each endpoint may have under way
    sender.finished              IO     until there is a batch of results, or a few milliseconds are over

One thread, but for `hand_over`. Each endpoint has its own share of attempts under way, so a slow one holds
up nobody. The network is never inside a transaction, and the writer never in the way of the sender: a little
more is claimed than may be under way, so that what ends is followed at once.
"""

import threading
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
import structlog

from daemon.core.delivery.breaker import Breaker
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import DELIVERED, Attempted, Message, Next, Outcome, Status
from daemon.core.delivery.route import Route
from daemon.core.durations import NOTHING
from daemon.core.routing.plan import Order
from daemon.store import lanes, ledger, outbox
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.store.outbox import Finished, Opening
from daemon.workers.delivery_log import log_finished, log_turns
from daemon.workers.endpoint_health import EndpointHealth, Moved
from daemon.workers.endpoint_queue import Claim, Queue
from daemon.workers.endpoint_queues import Queues, Stood
from daemon.workers.sender import Sender

log = structlog.get_logger()

BACKSTOP = timedelta(seconds=30)
"""The longest sleep: a wake that was missed costs no more than this."""
AFTER_AN_ERROR = 1.0
"""Seconds before the database is tried again."""
PAUSE = timedelta(seconds=5)
"""Whoever is back so much too late was stopped meanwhile, or held up."""
GATHER = timedelta(milliseconds=20)
"""How long a result may wait for others to be written with. Nothing that is sent waits for it; what is killed
meanwhile is sent a second time, as is what was under way."""
LULL = timedelta(milliseconds=5)
"""The same while nothing is under way: what waits behind it in its lane may go only then."""
MOST_LOOKS = 8
"""Ours. A sender may look up without a result, while its attempts go on; not for ever."""
MOST_RESULTS = 500
"""Written in one transaction."""
MANY_RESULTS = 32
"""Worth a transaction where no other can come at once."""


class Settlement(Protocol):
    """What has to be done before anything is sent by other routes."""

    def settle(self, db: sa.Connection, now: datetime) -> Callable[[], None]:
        """Do it; what to call once that is committed."""

    def failed(self, error: Exception) -> None:
        """It raised what nobody planned: it was undone, and is not done."""


class Dispatcher:
    """Sends what is due until it is stopped."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        routes: Mapping[str, Route],
        *,
        health: EndpointHealth,
        mail_pace: MailPace,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        new_id: Callable[[str], str],
        on_attempted: Callable[[Sequence[Attempted]], None] = lambda _ended: None,
        follow_clock: Callable[[], timedelta] = lambda: NOTHING,
    ) -> None:
        """`follow_clock`: has the store go by the wall clock where that was set, and says by how much."""
        self._database = database
        self._sender = sender
        self._health = health
        self._queues = Queues(routes, sender, health=health, mail_pace=mail_pace, new_id=new_id)
        self._now = now
        self._jitter = jitter
        self._on_attempted = on_attempted
        self._follow_clock = follow_clock
        self._shares = health.shares
        self._ended: list[Attempted] = []
        self._led: set[int] = set()
        """Deliveries that have ended, and what was behind them in their lanes goes already."""
        self._handed: deque[Message] = deque()
        """Leased and committed by others, for us to send."""
        self._is_looking = True
        """An operator may have left word in the store."""
        self._is_asked = False
        """One has; it is done while nobody else writes."""
        self._clear: frozenset[str] = frozenset()
        """Endpoints that are others' by now, and of which nothing is under way here any more."""
        self._is_woken = threading.Event()
        self._is_stopping = threading.Event()
        self._back_by = now()
        """When the last wait was to be over."""
        self._reroutings: deque[tuple[Mapping[str, Route], Callable[[], None], Settlement | None]] = deque()
        self._unsettled: list[Settlement] = []
        """Of reroutings that are taken over, until that is committed."""

    @property
    def routes(self) -> Mapping[str, Route]:
        """Where it sends, and how."""
        return self._queues.routes

    def reroute(
        self, routes: Mapping[str, Route], then: Callable[[], None], settlement: Settlement | None = None
    ) -> None:
        """Go by other routes from the next turn on, and call `then` at that moment, in the dispatcher's own
        thread: no turn sees an endpoint in the one place that has gone from the other. Callable from every
        thread.

        `settlement` is made within the transaction of that turn, when every lease of what was not sent yet is
        given back and before one is taken; again where that transaction fails.
        """
        self._reroutings.append((routes, then, settlement))
        self.wake()

    def opening(self, endpoint: str, now: datetime) -> Opening | None:
        """How much of what is new for an endpoint would be sent at once; callable from every thread. None:
        it waits to be claimed, behind what waits already or by a rule that is looked at then."""
        if self._is_stopping.is_set() or self._reroutings:
            return None
        return self._queues.opening(endpoint, now, handed=len(self._handed))

    def hand_over(self, messages: Sequence[Message]) -> None:
        """Send what was leased by an opening, and is committed; callable from every thread. To be called
        before another transaction begins, so that ours find it here, or in the store."""
        self._handed.extend(messages)
        self._sender.wake()

    def wake(self) -> None:
        """Say that there may be something new to send; callable from every thread."""
        self._is_woken.set()
        self._sender.wake()

    def stop(self) -> None:
        """Make `run` come to its end; callable from every thread."""
        self._is_stopping.set()
        self._sender.wake()

    def recover(self) -> int:
        """Take up what the process before left: breakers, and leases, which are given back; how many."""
        with self._database.write() as db:
            self._health.recover(db)
            released = outbox.release_all(db)
            loose = {name for name, route in self.routes.items() if route.order is Order.BEST_EFFORT}
            lanes.unite(db, self._now(), unordered=loose)
            return released

    def is_clear_of(self, endpoint: str) -> bool:
        """Whether nothing is under way for an endpoint that is to be another member's; callable from every
        thread."""
        if self._reroutings or endpoint in self.routes:
            return False
        return endpoint not in self._queues or endpoint in self._clear

    def go_on(self, stood: Stood) -> None:
        """Take up endpoints that are ours from now on; to be called as a rerouting's `then`."""
        self._health.go_on(stood.breakers)
        self._queues.take_up(stood, self._now())

    @property
    def is_at_rest(self) -> bool:
        """Whether there is nothing to send, to wait for or to write down. For the thread that runs it."""
        is_busy = self._ended or self._is_woken.is_set() or not self._sender.is_idle
        return not is_busy and not self._queues.ready(self._now())

    def health(self, endpoints: Iterable[str] | None = None) -> dict[str, Breaker]:
        """How each of these endpoints is doing (None: of those that are ours); callable from every thread."""
        routes = self.routes
        names = routes if endpoints is None else endpoints
        return {name: self._health.seen(name, is_ours=name in routes) for name in names}

    def forget(self, endpoints: Sequence[str]) -> None:
        """How these are doing; for its own thread, as what a settlement does once it is committed."""
        self._health.forget(endpoints)

    def learn(self, breakers: Mapping[str, Breaker]) -> None:
        """See how the endpoints do that other members try; callable from every thread."""
        self._health.learn(breakers)

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
        self._queues.claim_until = stopped_at + drain / 2
        self._is_woken.set()
        while (left := stopped_at + drain - self._now()) > NOTHING:
            started = self._turn(left.total_seconds())
            if not started and not self._ended and self._sender.is_idle:
                break
        self._queues.claim_until = stopped_at
        self._turn(0)

    def run_once(self, timeout: float = 0) -> int:
        """Write what ended, claim and start what is due, then wait for an end, a wake, or the next due time,
        at most `timeout` seconds. Returns how many were started."""
        self._take_wake()
        self._take_handed()
        started = 0 if self._queues.doubtful else self._start(unless=self._to_release(self._now(), {}))
        self._keep_time()  # behind what can be sent at once
        self._exchange()
        if not self._shares.is_sole:
            gone = (one for one in self._queues if one.endpoint not in self.routes)
            self._clear = frozenset(one.endpoint for one in gone if self._is_done_with(one))
        started += self._start()
        # What was just written may be due again before long: the wait is measured now, not before.
        is_over = self._is_stopping.is_set() and self._sender.is_idle
        patience = 0 if is_over or self._ended else min(timeout, self._patience())
        self._back_by = self._now() + timedelta(seconds=patience)
        return started + self._gather(patience)

    def _turn(self, timeout: float) -> int:
        try:
            return self.run_once(timeout)
        except FAILURES as error:
            # What ended stays here, and is written when the database is back: a delivery that was
            # accepted is not sent again for want of a commit.
            log.error("dispatcher.database_failed", error=reason(error), results_held=len(self._ended))
            self._take(self._sender.finished(AFTER_AN_ERROR))
            return 0

    def _keep_time(self) -> None:
        """Where the clock was set: what is kept in memory is moved as the store was."""
        step = NOTHING if self._is_stopping.is_set() else self._follow_clock()
        if not step:
            return
        self._health.follow(step)
        self._queues.follow(step)
        self._back_by += step

    def _exchange(self) -> None:
        """One transaction: results in, new leases out."""
        now = self._now()
        has_paused = (paused := now - self._back_by) > PAUSE
        ready, ran = self._queues.ready(now), self._health.tick(now)
        is_idle = not (self._ended or ready or ran or self._is_looking or self._unsettled or has_paused)
        doubtful = set(self._queues.doubtful)
        refused = [queue for queue in self._queues if queue.refused]
        if is_idle and not doubtful and not refused and not self._to_release(now, {}):
            return
        for queue in self._queues if doubtful else ():
            queue.drop(doubtful)
        ours = self._health.ours(self._ended, now)
        finished = [self._decide(one, now, is_ours=one in ours) for one in self._ended]
        moved = self._health.moved(self._ended, ran, now, ours)
        is_alone = self._has_to_be_alone(moved, ran, has_paused=has_paused)
        with self._database.write() if is_alone else self._database.write_beside() as db:
            self._take_handed()
            kept = self._shares.kept(db, self.routes)
            bound = self._shares.bound(kept)
            moved = {name: after for name, after in moved.items() if bound is None or name in kept}
            lost = self._finish(db, finished, refused, now)
            if has_paused:
                # Nobody ran: what came of the attempts under way may lie there, and has not been read yet.
                outbox.prolong(db, paused, bound)
            if ran:
                outbox.release_expired(db, now, bound)
            if self._is_looking and is_alone:
                self._health.obey(db, moved, kept, now)
            self._is_asked = self._is_looking and not is_alone and self._health.is_asked(db, kept)
            outbox.release_unsent(db, doubtful)
            turns = self._health.write(db, moved, self.routes, now)
            released = self._to_release(now, moved)
            _release(db, released)
            settled = [then for one in self._unsettled if (then := _settled(db, one, now)) is not None]
            touched = dict.fromkeys([*ready, *(one.attempted.message.endpoint for one in finished)])
            claims = self._queues.claim_all(db, touched, kept, moved, now)
        self._adopt(moved, released, claims, refused)
        self._queues.doubtful = set()
        self._ended = []
        self._led = set()
        self._unsettled = []
        self._is_looking = self._is_asked
        for then in settled:
            then()
        if turns or self._is_asked:
            self._is_woken.set()
        log_finished(finished, lost)
        log_turns(turns)

    def _has_to_be_alone(self, moved: Moved, ran: timedelta, *, has_paused: bool) -> bool:
        """Whether something is to be decided or told while no other member writes."""
        if self._shares.is_sole or self._unsettled or self._is_asked:
            return True
        return has_paused or bool(ran) or self._health.would_turn(moved)

    def _is_done_with(self, queue: Queue) -> bool:
        is_ended = any(one.message.endpoint == queue.endpoint for one in self._ended)
        return not (is_ended or queue.is_holding or queue.refused or self._sender.in_flight(queue.endpoint))

    def _finish(
        self, db: sa.Connection, finished: Sequence[Finished], refused: Iterable[Queue], now: datetime
    ) -> Sequence[Finished]:
        """Write results. Returns those whose lease was lost."""
        for queue in refused:
            outbox.release(db, (), queue.refused)
        lost = outbox.finish(db, finished, now) if finished else []
        ledger.take_back(db, [one.attempted.message.delivery for one in finished if one.is_lost], now)
        self._health.hasten(db, self._ended, now)
        return lost

    def _decide(self, attempted: Attempted, now: datetime, *, is_ours: bool) -> Finished:
        if attempted.outcome is Outcome.ACCEPTED:
            return Finished(attempted, DELIVERED, attempted.message.delivery not in self._led)
        route = self.routes.get(attempted.message.endpoint)
        if route is None:  # it left the configuration meanwhile
            return Finished(attempted, Next(Status.PENDING, now), frees_lane=False)
        then = route.after(attempted, now, self._jitter(), is_our_outage=is_ours)
        return Finished(attempted, then, route.frees_lane(then))

    def _take_handed(self) -> None:
        """Into the queues, where it is started, or given back, as what was claimed."""
        while self._handed:
            message = self._handed.popleft()
            self._queues[message.endpoint].hand_over(message)

    def _adopt(
        self,
        moved: Moved,
        released: Sequence[Queue],
        claims: Mapping[str, Claim],
        refused: Sequence[Queue],
    ) -> None:
        """Take over what was committed."""
        self._health.adopt(moved, self._ended)
        self._queues.adopt(released, claims, refused)

    def _to_release(self, now: datetime, moved: Mapping[str, Breaker]) -> list[Queue]:
        """Queues that hold leases for what may not be sent now."""
        return self._queues.to_release(now, moved, is_unsettled=bool(self._unsettled))

    def _start(self, unless: Container[Queue] = ()) -> int:
        """Start what is claimed, as far as each endpoint may have more under way."""
        started = 0
        for message in self._queues.startable(unless):
            self._begin(message)
            started += 1
        return started

    def _begin(self, message: Message) -> None:
        """Start one attempt. One that cannot be started has failed by a fault of ours, and is in nobody's
        way."""
        try:
            self._sender.start(message)
        except Exception:
            log.exception("delivery.not_started", endpoint=message.endpoint, event_id=message.event)
            why = "a fault of our own: see the log"
            failed = Attempted(message, Outcome.FAILED, self._now(), error=why, is_our_fault=True)
            self._take([failed])

    def _gather(self, timeout: float) -> int:
        """Wait for a first result, and a few milliseconds for others; what ends is followed at once."""
        ended = self._sender.finished(timeout)
        until = self._now() + GATHER
        started = looks = 0
        while ended or 0 < looks < MOST_LOOKS:
            looks = 1 if ended else looks + 1
            self._take(ended)
            started += self._start()
            left = min(until - self._now(), LULL if self._sender.is_idle else GATHER)
            if left <= NOTHING or self._handed or self._is_woken.is_set() or self._is_enough():
                break
            ended = self._sender.finished(left.total_seconds())
        return started

    def _take(self, ended: Sequence[Attempted]) -> None:
        # Kept first: whatever the others make of it, it is written.
        self._ended += ended
        self._led.update(
            one.message.delivery for one in ended if self._queues[one.message.endpoint].follow(one)
        )
        self._health.take(ended, self._now())
        self._on_attempted(ended)

    def _is_enough(self) -> bool:
        """Whether there is a batch of results, or an endpoint could have more under way than is claimed."""
        enough = MANY_RESULTS if self._sender.is_idle else MOST_RESULTS
        return len(self._ended) >= enough or self._queues.is_hungry

    def _patience(self) -> float:
        """Seconds until something can be due; attempts that end, and wakes, cut it short."""
        if self._is_woken.is_set():
            return 0
        now = self._now()
        waits = [due - now for _, due in self._queues.dues(now)]
        return max(min([BACKSTOP, *waits]).total_seconds(), 0)

    def _take_wake(self) -> None:
        if self._is_woken.is_set():
            self._is_woken.clear()
            while self._reroutings:
                self._queues.routes, then, settlement = self._reroutings.popleft()
                self._unsettled += [settlement] if settlement else []
                then()
            self._is_looking = True
            self._queues.forget()


def _release(db: sa.Connection, queues: Iterable[Queue]) -> None:
    for queue in queues:
        queue.release(db)


def _settled(db: sa.Connection, one: Settlement, now: datetime) -> Callable[[], None] | None:
    """What to call once a settlement is committed; None: it raised. What nobody planned would raise at every
    turn, and nobody would be told anything any more; so it is undone and told, and the others go on."""
    try:
        with db.begin_nested():
            return one.settle(db, now)
    except sa.exc.OperationalError:
        raise  # the store cannot be written now: at the next turn, with all the rest
    except Exception as error:
        log.exception("dispatcher.not_settled")
        one.failed(error)
        return None
