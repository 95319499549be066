"""How long a system is left alone, and who tries first afterwards."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.durations import DAY, MINUTE, SECOND
from daemon.core.model import Failure, Unknown
from daemon.workers.system_pauses import FOR_A_POLL, LONGEST_WAIT, Pauses
from tests.support.fakes import FakeClock

WAIT = Unknown(Failure.THROTTLED, "HTTP 429", 429, DAY)
TIMEOUT = Unknown(Failure.TIMEOUT, "no complete answer in time")
REFUSED = Unknown(Failure.REFUSED, "not supported")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pauses(clock: FakeClock) -> Pauses:
    return Pauses(clock.monotonic)


def stands_in_the_way(pauses: Pauses, system: str = "main") -> Unknown | None:
    with pauses.asking(system) as why:
        return why


def test_a_wait_of_a_day_is_believed_for_a_while(pauses: Pauses, clock: FakeClock) -> None:
    assert pauses.take("main", WAIT) == LONGEST_WAIT
    clock.advance(LONGEST_WAIT.total_seconds() - 1)
    assert (stands_in_the_way(pauses), pauses.left()) == (WAIT, {"main": SECOND})
    clock.advance(1)

    assert stands_in_the_way(pauses) is None


def test_one_poll_tries_and_the_others_wait_until_it_is_answered(pauses: Pauses, clock: FakeClock) -> None:
    pauses.take("main", WAIT)
    clock.advance(LONGEST_WAIT.total_seconds())
    with pauses.asking("main") as first:
        assert (first, stands_in_the_way(pauses)) == (None, WAIT)
        assert pauses.left() == {"main": timedelta(0)}
        pauses.take("main", None)
        assert stands_in_the_way(pauses) is None

    assert pauses.left() == {}


@pytest.mark.parametrize("says", [TIMEOUT, WAIT])
def test_one_that_is_not_answered_frees_nobody_but_the_next_that_tries(
    pauses: Pauses, clock: FakeClock, says: Unknown
) -> None:
    pauses.take("main", WAIT)
    clock.advance(LONGEST_WAIT.total_seconds())
    with pauses.asking("main"):
        pauses.take("main", says)
        assert stands_in_the_way(pauses) is says
    clock.advance(LONGEST_WAIT.total_seconds())
    with pauses.asking("main") as why:
        assert (why, stands_in_the_way(pauses)) == (None, says)


def test_a_poll_that_crashed_tries_no_more(pauses: Pauses, clock: FakeClock) -> None:
    pauses.take("main", WAIT)
    clock.advance(LONGEST_WAIT.total_seconds())
    with pytest.raises(ZeroDivisionError), pauses.asking("main"):
        raise ZeroDivisionError

    assert stands_in_the_way(pauses) is None


def test_a_refusal_is_an_answer(pauses: Pauses, clock: FakeClock) -> None:
    pauses.take("main", WAIT)
    clock.advance(LONGEST_WAIT.total_seconds())
    pauses.take("main", REFUSED)

    assert pauses.left() == {}


def test_an_answer_that_was_under_way_ends_no_pause(pauses: Pauses) -> None:
    pauses.take("main", WAIT)
    pauses.take("main", None)

    assert stands_in_the_way(pauses) is WAIT


def test_a_failure_without_a_wish_for_patience_begins_no_pause(pauses: Pauses) -> None:
    pauses.take("main", TIMEOUT)

    assert (stands_in_the_way(pauses), pauses.left()) == (None, {})


def test_commands_leave_it_to_a_poll_for_a_moment(pauses: Pauses, clock: FakeClock) -> None:
    pauses.take("main", WAIT)
    clock.advance((LONGEST_WAIT + FOR_A_POLL).total_seconds() - 1)
    assert pauses.is_paused("main")
    clock.advance(1)

    assert not pauses.is_paused("main")


def test_other_systems_and_what_was_dropped_are_not_paused(pauses: Pauses) -> None:
    pauses.take("main", WAIT)
    assert (stands_in_the_way(pauses, "branch"), pauses.is_paused("branch")) == (None, False)
    pauses.drop()

    assert (stands_in_the_way(pauses), pauses.is_paused("main")) == (None, False)


WAITS = st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10_000))
CALLS = st.none() | st.builds(Unknown, st.sampled_from(Failure), st.just("why"), st.none(), WAITS)


@given(st.lists(st.tuples(CALLS, st.floats(0, 2000)), max_size=20))
def test_whatever_strangers_say_somebody_tries_within_a_quarter_of_an_hour(
    calls: list[tuple[Unknown | None, float]],
) -> None:
    clock = FakeClock()
    pauses = Pauses(clock.monotonic)
    for unknown, seconds in calls:
        pauses.take("main", unknown)
        clock.advance(seconds)
        assert all(left <= 15 * MINUTE for left in pauses.left().values())
    clock.advance(15 * 60 + 0.001)  # and what is lost in adding up
    with ExitStack() as polls:
        ways = [polls.enter_context(pauses.asking("main")) for _ in range(3)]
        assert ways[0] is None
        assert len({one is None for one in ways[1:]}) == 1
    pauses.take("main", None)

    assert stands_in_the_way(pauses) is None
