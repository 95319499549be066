"""How callers left a queue, as far as two answers of GetQueueRealTime prove it. Pure.

The platform does not say what became of a caller who waits no more. It counts, and what it counts is that of
the whole queue: somebody may have come and gone between the two answers, seen by neither, and have been
counted. So a counter that grew by one while one left proves nothing by itself. What is taken as proof:

    ABANDONED   nobody was answered at all: no counter of answers grew, the average wait stands where it was,
                no agent is on a call who was not before; and as many were counted as abandoned as have left.
                Where an agent was on a call all the while, it may have ended and another begun: then the wait
                of each who left has to be one that would have moved the average
    ANSWERED    a) as many were answered as have left, by agents who had been free, nobody was counted as
                   abandoned, and the answers lie so close together that nobody who came in between can have
                   been answered yet; or
                b) one has left, and the average wait of those who were answered has risen, which only a wait
                   above it does: nobody who came in between had waited as long

What is taken for granted (what is known of the counters: `docs/platform.md`): a counter of answers grows
once for each, when it is answered or when that call ends; who hangs up is counted at once; `Holdtime` is an
average of the waits of those who were answered, and of calls that are counted when they end it is Asterisk's:
a quarter of the newest wait, and three of what it was. That who is put out by time or by a key is counted as
abandoned is not taken for granted.

Anything else is UNKNOWN, with the reason. The platform's log settles it later, where it can be read.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from daemon.core.durations import SECOND

if TYPE_CHECKING:
    from daemon.core.watches.queues import Agent, Caller, Observation

SOONEST = 4 * SECOND
"""Ours. Nobody is answered sooner after he has begun to wait: a telephone has to ring and be picked up."""
LATENESS = SECOND
"""Ours. By so much an answer may be older than the moment at which it was read."""
LONGEST = 7 * 24 * 3600
"""Ours. Seconds; more is no wait."""
EARLY_OR_LATE = 1.1
"""The poller takes a gap for its interval where it is so near to it."""
QUARTER = 4
"""One more second of a wait, divided by this and rounded down, is none of the average."""
RINGING = "6"
IDLE = frozenset({"1", "4", "5", RINGING})
"""Device states of Asterisk in which nobody talks: not in use, invalid, unavailable, ringing."""


class Outcome(Enum):
    """How a caller left."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    """Without having been answered: hung up, waited too long, or went elsewhere, but not by us."""
    KICKED = "kicked"
    """By a command of ours."""
    UNKNOWN = "unknown"
    UNSEEN = "unseen"
    """Counted as abandoned, and seen by nobody: they came and went between two answers."""


class Why(Enum):
    """Why it is not known."""

    UNREADABLE = "unreadable"
    """A counter, the callers or the agents could not be read in one of the two answers."""
    UNWATCHED = "unwatched"
    """The queue was not watched all the while."""
    RESET = "reset"
    """The counters began anew."""
    AMBIGUOUS = "ambiguous"
    """What the counters say can have come about in more than one way."""
    COMMAND = "command"
    """A command that is to put the caller out was under way."""


@dataclass(frozen=True)
class Tally:
    """What one answer counts; None: unreadable."""

    abandoned: int | None
    completed: int | None
    hold_seconds: int | None
    agents: tuple["Agent", ...] | None

    @classmethod
    def of(cls, seen: "Observation", *, is_sure_of_agents: bool) -> "Tally":
        """Of an answer. `is_sure_of_agents`: that none is listed is believed."""
        agents = seen.agents if is_sure_of_agents else None
        return cls(seen.abandoned, seen.completed, seen.hold_seconds, agents)


@dataclass(frozen=True)
class Between:
    """What happened between two answers."""

    before: Tally | None
    """None: of the answer before the callers were unreadable, or nothing is known of it."""
    after: Tally
    watched: timedelta | None
    """What lies between them; None: not all of it was watched."""
    is_in_doubt: bool = False
    """A counter fell just before, and whether it really began anew is not known yet."""


@dataclass(frozen=True)
class Judged:
    """How those left who left between two answers: all of them in one way, or nobody knows."""

    outcome: Outcome
    why: Why | None = None
    unseen: int = 0
    """So many more, at least, were counted as abandoned than were seen to leave."""


def judge(between: Between, waits: Sequence[tuple[int, int] | None]) -> Judged:
    """How those left who waited in the answer before; `waits`: of each, as in `waited`."""
    left = len(waits)
    then, now = between.before, between.after
    if then is None or None in (then.abandoned, then.completed, now.abandoned, now.completed):
        return Judged(Outcome.UNKNOWN, Why.UNREADABLE)
    abandoned, answered = _grown(then.abandoned, now.abandoned), _grown(then.completed, now.completed)
    if between.is_in_doubt or abandoned < 0 or answered < 0:
        return Judged(Outcome.UNKNOWN, Why.RESET)
    unseen = max(abandoned - left, 0)
    if between.watched is None:
        return Judged(Outcome.UNKNOWN, Why.UNWATCHED, unseen)
    reach = between.watched * EARLY_OR_LATE + LATENESS
    if left and abandoned >= left and not answered and _is_nobody_answered(then, now, waits):
        return Judged(Outcome.ABANDONED, None, unseen)
    if left and _are_all_answered(then, now, left, reach):
        return Judged(Outcome.ANSWERED, None, abandoned)
    is_blind = then.agents is None or now.agents is None
    return Judged(Outcome.UNKNOWN, Why.UNREADABLE if is_blind else Why.AMBIGUOUS, unseen)


def waited(caller: "Caller", passed: timedelta | None) -> tuple[int, int] | None:
    """Within which seconds the wait lies of a caller who left within `passed` after having been seen to wait;
    None: not known."""
    if caller.wait_seconds is None or passed is None:
        return None
    longest = passed * EARLY_OR_LATE + LATENESS
    return caller.wait_seconds, caller.wait_seconds + math.ceil(longest / SECOND)


def dump(tally: Tally | None) -> list[object] | None:
    """What one answer counts, as JSON."""
    if tally is None:
        return None
    agents = None
    if tally.agents is not None:
        agents = [[one.name, one.paused, one.status, one.calls_taken] for one in tally.agents]
    return [tally.abandoned, tally.completed, tally.hold_seconds, agents]


def load(stored: Sequence[Any] | None, agent: Any) -> Tally | None:
    """What `dump` wrote; `agent` makes one of its values."""
    if stored is None:
        return None
    abandoned, completed, hold, agents = stored
    return Tally(abandoned, completed, hold, None if agents is None else tuple(agent(*one) for one in agents))


def _grown(then: int | None, now: int | None) -> int:
    return (now or 0) - (then or 0)


def _is_nobody_answered(then: Tally, now: Tally, waits: Sequence[tuple[int, int] | None]) -> bool:
    """Whether nobody at all can have been answered."""
    if then.agents is None or now.agents is None or then.hold_seconds != now.hold_seconds:
        return False
    before = {one.name: one for one in then.agents}
    if before.keys() - {one.name for one in now.agents}:
        return False  # who is gone may have taken somebody along
    talking = [one for one in now.agents if one.status not in IDLE]
    if talking and not all(_would_move(now.hold_seconds, one) for one in waits):
        return False
    return all(_has_taken_nobody(one, before.get(one.name)) for one in now.agents)


def _has_taken_nobody(agent: "Agent", before: "Agent | None") -> bool:
    if before is None:
        return not agent.calls_taken and agent.status in IDLE
    if agent.calls_taken != before.calls_taken:
        return False
    if agent.status in IDLE:
        return True
    return agent.status is not None and agent.status == before.status and agent.status != "0"


def _would_move(hold: int | None, wait: tuple[int, int] | None) -> bool:
    """Whether an average that moves a quarter of the way would be another after any of these waits."""
    if hold is None or wait is None:
        return False
    least, most = wait
    return most < hold or least > hold + QUARTER


def _are_all_answered(then: Tally, now: Tally, left: int, reach: timedelta) -> bool:
    """Whether all who left were; nobody who came in between can have waited for longer than `reach`."""
    if left == 1 and _has_risen(then, now, above=reach):
        return True
    if reach > SOONEST or now.abandoned != then.abandoned:
        return False
    return left == _grown(then.completed, now.completed) == _taken_by_the_free(then, now)


def _taken_by_the_free(then: Tally, now: Tally) -> int | None:
    """How many callers agents have taken who were free before; None: others may have taken some, too."""
    if then.agents is None or now.agents is None:
        return None
    before: Mapping[str, Agent] = {one.name: one for one in then.agents}
    taken = 0
    for one in now.agents:
        was = before.get(one.name)
        if was is None or one.calls_taken is None or was.calls_taken is None:
            return None
        more = one.calls_taken - was.calls_taken
        if more < 0 or (more and was.status not in IDLE):
            return None
        taken += more
    return taken


def _has_risen(then: Tally, now: Tally, *, above: timedelta) -> bool:
    """Whether the average wait rose to where the waits of those who came in between cannot have put it."""
    if then.hold_seconds is None or now.hold_seconds is None:
        return False
    return now.hold_seconds > then.hold_seconds >= above / SECOND
