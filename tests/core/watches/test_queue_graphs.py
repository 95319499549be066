"""What of a queue is drawn: agents by what they do, and the calls that were counted since it is watched."""

from dataclasses import replace

from daemon.core.model import Json
from daemon.core.watches import queues
from daemon.core.watches.queues import (
    ABANDONED_IN_ALL,
    AGENTS,
    ANSWERED_IN_ALL,
    NOBODY_AFTER,
    Observation,
    State,
)
from tests.core.watches.test_queues import NOBODY, agent, diff, queue, staff


def drawn(before: State | None, seen: Observation) -> tuple[State, dict[str, Json]]:
    """The state, and the values of the queue's subject."""
    state, change = diff(before, seen)
    (subject,) = queues.subjects(seen, change, queue())
    return state, dict(subject.metrics or {})


def counts(abandoned: int | None, completed: int | None) -> Observation:
    return replace(NOBODY, abandoned=abandoned, completed=completed)


def test_agents_are_counted_by_what_they_do() -> None:
    seen = staff(agent("1"), agent("2", status="2"), agent("3", paused=True), agent("4", status="2"))

    assert drawn(None, seen)[1][AGENTS] == {"free": 1, "on_call": 2, "paused": 1}


def test_agents_whom_an_answer_did_not_show_are_not_counted_as_they_were() -> None:
    state, _ = drawn(None, staff(agent("1")))

    assert drawn(state, replace(NOBODY, agents=None))[1][AGENTS] is None


def test_that_there_is_no_agent_is_drawn_once_it_is_believed() -> None:
    state, _ = drawn(None, staff(agent("1")))
    shown = []
    for _ in range(NOBODY_AFTER + 1):
        state, values = drawn(state, NOBODY)
        shown.append(values[AGENTS])

    assert shown == [*[None] * (NOBODY_AFTER - 1), {}, {}]


def test_calls_are_counted_on_from_the_first_answer_through_restarts_and_resets() -> None:
    state, shown = None, []
    for seen in (
        counts(40, 400),
        counts(42, 401),
        counts(None, None),
        counts(45, 409),
        counts(0, 0),
        counts(1, 2),
    ):
        state, values = drawn(state, seen)
        shown.append((values[ABANDONED_IN_ALL], values[ANSWERED_IN_ALL]))

    assert shown == [(0, 0), (2, 1), (None, None), (5, 9), (5, 9), (6, 11)]


def test_no_event_tells_what_is_only_drawn() -> None:
    state, _ = diff(None, replace(NOBODY, callers=()))
    _, change = diff(state, staff(agent("1", paused=True)))
    (fact,) = change.facts
    told = fact.payload["queue"]

    assert isinstance(told, dict)
    assert not {AGENTS, ABANDONED_IN_ALL, ANSWERED_IN_ALL} & told.keys()


def test_a_state_of_the_release_before_begins_to_count() -> None:
    state, _ = diff(None, counts(40, 400))
    stored = queues.dump(state)
    del stored["in_all"]

    assert drawn(queues.load(stored), counts(45, 400))[1][ABANDONED_IN_ALL] == 0
