"""How a caller left, by what two answers prove: against an oracle, which knows what really became of each."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Fact
from daemon.core.watches import callers, queues
from daemon.core.watches.outcomes import Between, Judged, Outcome, Tally, Why, judge, waited
from daemon.core.watches.queues import Agent, Caller, Queue, State
from daemon.simulator.call_log import Counting, Exit
from daemon.simulator.system import SimulatedSystem
from daemon.simulator.traffic import BY_OTHERS, KICKED, Office, Traffic
from daemon.yemot import answers

ZONE = ZoneInfo("Asia/Jerusalem")
MORNING = datetime(2026, 11, 30, 6, tzinfo=UTC)
COUNTINGS = [
    Counting(),
    Counting(at_end=True, is_smooth=True),
    Counting(timed_out=False),
    Counting(at_end=True, is_smooth=True, timed_out=False),
    Counting(kicked=True),
    Counting(at_end=True, is_smooth=True, kicked=True),
]
OFFICES = [
    Office(),
    Office(agents=1, between=40, talk=20),
    Office(agents=2, between=8, talk=15, hasty=0.5),
    Office(agents=6, between=6, talk=40, longest_wait=45, kicks=0.1),
    Office(agents=2, between=60, longest_wait=30, outside=0.4),
]
TRUE = {
    callers.ANSWERED: {Exit.ANSWERED.value},
    callers.ABANDONED: {Exit.HUNG_UP.value, Exit.TIMED_OUT.value, BY_OTHERS, KICKED},
}
"""By the counters; which of those who were not answered a command of ours put out, its own record says."""
FREE = (Agent("a", False, "1", 3),)


@dataclass
class Clock:
    now: datetime = MORNING

    def __call__(self) -> datetime:
        return self.now


def play(seed: int, office: Office, counting: Counting, every: float, *, seconds: float) -> Counter[str]:
    """What a queue watch makes of some traffic: how often each outcome, all of them right."""
    clock, random = Clock(), Random(seed)  # noqa: S311 - of a game
    system = SimulatedSystem(now=clock)
    queue = system.queue("/5")
    queue.counting = counting
    traffic = Traffic(queue, random, office, clock)
    watched = Queue("/5", "sales", (), timedelta(seconds=every))
    state: State | None = None
    last: datetime | None = None
    told: Counter[str] = Counter()
    happens, looks, end = clock.now + traffic.until_next(), clock.now, clock.now + timedelta(seconds=seconds)
    while clock.now < end:
        clock.now = min(happens, looks)
        if happens <= looks:
            traffic.step()
            happens = clock.now + traffic.until_next()
            continue
        looks += timedelta(seconds=every * random.uniform(0.98, 1.02))
        seen = answers.queue_state(queue.shown())
        assert isinstance(seen, queues.Observation)
        passed = NOTHING if last is None else clock.now - last
        change = queues.diff(state, seen, watched, Seen(clock.now, last, passed), ZONE, is_emitting=False)
        state, last = change.state, clock.now
        told.update(judged(fact, traffic) for fact in change.facts if fact.type in callers.GONE)
    return told


def judged(fact: Fact, traffic: Traffic) -> str:
    """What was told of a caller, which has to be true."""
    caller = fact.payload["caller"]
    assert isinstance(caller, dict)
    truth = traffic.truths[caller["call_id"]]
    assert truth.left_at is not None
    if fact.type in TRUE:
        assert truth.how in TRUE[fact.type], (fact, truth)
    bounds = caller["waited_seconds"]
    assert bounds is None or bounds[0] <= truth.waited <= bounds[1], (fact, truth)
    return fact.type


@pytest.mark.slow
@pytest.mark.parametrize("counting", COUNTINGS, ids=str)
@pytest.mark.parametrize("every", [1.0, 2.0, 5.0, 10.0, 30.0])
def test_what_is_said_of_random_callers_is_never_wrong(counting: Counting, every: float) -> None:
    told: Counter[str] = Counter()
    for seed, office in enumerate(OFFICES):
        told += play(seed, office, counting, every, seconds=3000)

    print(f"every {every:g} s, {counting}: unknown {told[callers.LEFT] / told.total():.0%} of {told.total()}")
    assert told.total()
    assert told[callers.ABANDONED]


def test_that_nobody_was_answered_is_said_at_any_interval() -> None:
    told = play(1, Office(agents=0), Counting(), 10, seconds=6000)

    assert told[callers.LEFT] < told.total() / 10


def between(
    before: Tally, after: Tally, watched: timedelta | None = timedelta(seconds=1), **more: bool
) -> Between:
    return Between(before, after, watched, **more)


QUIET = Tally(3, 41, 35, FREE)
GAVE_UP = replace(QUIET, abandoned=4)
TOOK = replace(QUIET, completed=42, agents=(Agent("a", False, "1", 4),))
WAITED_MORE = replace(QUIET, hold_seconds=36)
TALKING = (Agent("a", False, "2", 3),)
AMBIGUOUS, UNREADABLE, RESET, UNWATCHED = (
    Judged(Outcome.UNKNOWN, why) for why in (Why.AMBIGUOUS, Why.UNREADABLE, Why.RESET, Why.UNWATCHED)
)
ABANDONED, ANSWERED = Judged(Outcome.ABANDONED), Judged(Outcome.ANSWERED)
SECOND = timedelta(seconds=1)


def gave_up(**otherwise: Any) -> Between:
    return between(QUIET, replace(GAVE_UP, **otherwise))


@pytest.mark.parametrize(
    ("happened", "left", "expected"),
    [
        (gave_up(), 1, ABANDONED),
        (between(QUIET, GAVE_UP, 30 * SECOND), 1, ABANDONED),
        (gave_up(abandoned=6), 2, Judged(Outcome.ABANDONED, None, 1)),
        (gave_up(agents=TALKING), 1, AMBIGUOUS),
        (gave_up(agents=(Agent("a", False, "0", 3),)), 1, AMBIGUOUS),
        (gave_up(agents=()), 1, AMBIGUOUS),
        (gave_up(agents=(*FREE, Agent("b", False, "2", 0))), 1, AMBIGUOUS),
        (gave_up(hold_seconds=34), 1, AMBIGUOUS),
        (gave_up(agents=None), 1, UNREADABLE),
        (gave_up(completed=None), 1, UNREADABLE),
        (gave_up(completed=0), 1, RESET),
        (between(replace(QUIET, agents=TALKING), replace(GAVE_UP, agents=TALKING)), 1, ABANDONED),
        (between(QUIET, GAVE_UP, is_in_doubt=True), 1, RESET),
        (between(QUIET, GAVE_UP, None), 1, UNWATCHED),
        (Between(None, GAVE_UP, SECOND), 1, UNREADABLE),
        (between(QUIET, replace(QUIET, abandoned=0)), 1, RESET),
        (between(QUIET, TOOK), 1, ANSWERED),
        (between(QUIET, TOOK, 30 * SECOND), 1, AMBIGUOUS),
        (between(replace(QUIET, agents=TALKING), TOOK), 1, AMBIGUOUS),
        (between(QUIET, replace(TOOK, abandoned=4)), 2, AMBIGUOUS),
        (between(QUIET, WAITED_MORE, 10 * SECOND), 1, ANSWERED),
        (between(QUIET, WAITED_MORE, 50 * SECOND), 1, AMBIGUOUS),
        (between(QUIET, WAITED_MORE, 10 * SECOND), 2, AMBIGUOUS),
        (between(QUIET, QUIET), 1, AMBIGUOUS),
        (between(QUIET, replace(QUIET, abandoned=5)), 0, replace(AMBIGUOUS, unseen=2)),
        (between(QUIET, replace(QUIET, abandoned=5), None), 0, replace(UNWATCHED, unseen=2)),
    ],
)
def test_each_case(happened: Between, left: int, expected: Judged) -> None:
    assert judge(happened, [(5, 8)] * left) == expected


def test_who_may_have_been_taken_by_one_who_talked_all_the_while_is_not_told_as_abandoned() -> None:
    talking = replace(QUIET, agents=TALKING)
    happened = between(talking, replace(talking, abandoned=4))

    assert judge(happened, [(30, 34)]) == judge(happened, [(40, 44)]) == ABANDONED
    assert judge(happened, [(30, 35)]) == judge(happened, [(39, 44)]) == judge(happened, [None]) == AMBIGUOUS


def test_the_wait_lies_between_two_looks() -> None:
    assert waited(Caller("c", "05", 12, 1), timedelta(seconds=10)) == (12, 24)
    assert waited(Caller("c", "05", None, 1), timedelta(seconds=10)) is None
    assert waited(Caller("c", "05", 12, 1), None) is None
