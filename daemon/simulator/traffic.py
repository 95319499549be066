"""Callers of a queue, at random: they come, wait, are answered, give up, are put out; and what really became
of each, for whoever judges what somebody made of it.

A clock of its own: `step` does what happens next and says when. Whoever drives it sets the system's clock.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random

from daemon.simulator.call_log import Exit
from daemon.simulator.extensions import RINGING, SimulatedQueue

SHORTEST_RING = 4.0
"""Seconds: nobody is answered sooner after he began to wait."""
KICKED = "kicked"
BY_OTHERS = "kicked by others"


@dataclass(frozen=True)
class Office:
    """What a queue is like. Seconds, on the average."""

    agents: int = 3
    between: float = 20.0
    """Two callers."""
    patience: float = 60.0
    talk: float = 60.0
    longest_wait: float = 180.0
    """Then the platform puts a caller out."""
    outside: float = 0.05
    """How often an agent who is free makes a call that is none of the queue's, for each that comes."""
    hasty: float = 0.2
    """How many give up within a few seconds."""
    kicks: float = 0.03
    """How many are put out by a command."""
    resets: float = 0.002
    withheld: float = 0.05
    phones: int = 400
    """From so many people call."""


@dataclass
class Truth:
    """What really became of a caller."""

    phone: str
    call_id: str
    joined_at: datetime
    left_at: datetime | None = None
    how: str | None = None
    """Of `Exit`, or `KICKED`, `BY_OTHERS`."""
    waited: int = 0


@dataclass
class Traffic:
    """One queue's callers."""

    queue: SimulatedQueue
    random: Random
    office: Office
    now: Callable[[], datetime]
    kick: Callable[[str], object] = lambda _call_id: None
    """Hears of each call that is put out by a command of the office."""
    truths: dict[str, Truth] = field(default_factory=dict)
    """By call."""
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _seconds: float = 0.0
    _outside: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for number in range(self.office.agents):
            self.queue.add_agent(f"SIP-0770000000-{number + 1}")
        self._after(self._spread(self.office.between), self._comes)

    def until_next(self) -> timedelta:
        """How long nothing happens, since what happened last."""
        return timedelta(seconds=self._due[0][0] - self._seconds)

    def step(self) -> None:
        """What happens next, now."""
        self._seconds, _, happens = heapq.heappop(self._due)
        happens()

    def _comes(self) -> None:
        office = self.office
        phone = "" if self._is(office.withheld) else f"05{self.random.randrange(office.phones):08}"
        call_id = self.queue.join(phone)
        self.truths[call_id] = Truth(phone, call_id, self.now())
        hasty = self._is(office.hasty)
        patience = self.random.uniform(0.5, 6) if hasty else 2 + self._spread(office.patience)
        self._after(patience, lambda: self._gives_up(call_id, Exit.HUNG_UP))
        self._after(office.longest_wait, lambda: self._gives_up(call_id, Exit.TIMED_OUT))
        if self._is(office.kicks):
            self._after(self._spread(office.patience / 2), lambda: self._is_kicked(call_id))
        if self._is(office.resets):
            self.queue.reset()
        if self._is(office.outside):
            self._calls_out()
        self._after(SHORTEST_RING + self.random.uniform(0, 4), self._is_served)
        self._after(self._spread(office.between), self._comes)

    def _is_served(self) -> None:
        """The one who has waited longest is put through, where somebody is free."""
        ready = [call for call in self.queue.calls if self._waited(call.joined_at) >= SHORTEST_RING]
        free = [one.name for one in self.queue.agents if one.status in ("1", RINGING) and not one.paused]
        if not ready or not free:
            if self.queue.calls:
                self._after(1 + self.random.uniform(0, 3), self._is_served)
            return
        agent = self.random.choice(free)
        call = self.queue.answer(agent, ready[0].call_id)
        self._left(call.call_id, Exit.ANSWERED.value)
        self._after(1 + self._spread(self.office.talk), lambda: self._ends(agent))

    def _ends(self, agent: str) -> None:
        self.queue.hang_up(agent)
        self._after(self.random.uniform(0.5, 5), self._is_served)

    def _gives_up(self, call_id: str, how: Exit) -> None:
        if self.truths[call_id].how is None:
            self.queue.give_up(call_id, how=how)
            self._left(call_id, how.value)

    def _is_kicked(self, call_id: str) -> None:
        if self.truths[call_id].how is None:
            ours = self._is(0.5)
            if ours:
                self.kick(call_id)
            self.queue.kick(call_id, "GOTO:/1")
            self._left(call_id, KICKED if ours else BY_OTHERS)

    def _calls_out(self) -> None:
        free = [one.name for one in self.queue.agents if one.status == "1" and one.name not in self._outside]
        if free:
            agent = self.random.choice(free)
            self._outside.add(agent)
            self.queue.set_agent(agent, status="2")
            self._after(1 + self._spread(self.office.talk), lambda: self._is_back(agent))

    def _is_back(self, agent: str) -> None:
        self._outside.discard(agent)
        self.queue.set_agent(agent, status="1")
        self._after(self.random.uniform(0.5, 5), self._is_served)

    def _left(self, call_id: str, how: str) -> None:
        truth = self.truths[call_id]
        truth.left_at, truth.how = self.now(), how
        truth.waited = int(self._waited(truth.joined_at))

    def _waited(self, since: datetime) -> float:
        return (self.now() - since).total_seconds()

    def _is(self, share: float) -> bool:
        return self.random.random() < share

    def _spread(self, average: float) -> float:
        return min(self.random.expovariate(1 / average), 8 * average)

    def _after(self, seconds: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self._seconds + seconds, next(self._order), happens))
