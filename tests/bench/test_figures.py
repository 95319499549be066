"""A figure: its median, its spread, and what becomes of one that was measured several times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Figure, Goal, Loop, repeated, spread

FAST, SLOW = Loop(40, 38), Loop(80, 76)


def test_the_spread_is_from_the_least_to_the_most_of_the_median() -> None:
    assert spread([9.0, 10.0, 12.0]) == pytest.approx(0.3)


@pytest.mark.parametrize("values", [(), (5.0,), (0.0, 0.0)])
def test_of_one_run_there_is_no_spread(values: tuple[float, ...]) -> None:
    assert spread(values) is None


@given(st.lists(st.floats(1e-3, 1e6), min_size=2), st.floats(1e-3, 1e3))
def test_the_spread_is_the_same_in_every_unit(values: list[float], factor: float) -> None:
    assert spread([one * factor for one in values]) == pytest.approx(spread(values))


def test_of_several_times_each_is_a_run_by_its_median() -> None:
    once = Figure("a", "a", "ms", (1.0, 2.0, 9.0), note="500 polls", loops=(FAST,))
    again = Figure("a", "a", "ms", (3.0, 4.0, 90.0), note="500 polls", loops=(SLOW,))
    (one,) = repeated([[once], [again]])

    assert one.runs == (2.0, 4.0)
    assert one.loops == (FAST, SLOW)
    assert one.note == "500 polls; 2 times"


def test_what_was_measured_once_stays_as_it_is() -> None:
    once = Figure("start", "start", "s", (1.0, 2.0))

    assert repeated([[once]]) == [once]


def test_no_fault_of_any_time_is_lost() -> None:
    good, bad = Figure("a", "a", "ms", (1.0,)), Figure("a", "a", "ms", (1.0,), faults=("3 of 4 arrived",))
    missing = Figure("b", "b", "", not_run="no Redis")
    one, other = repeated([[good], [bad, missing]])

    assert (one.faults, one.runs) == (("3 of 4 arrived",), (1.0, 1.0))
    assert (other.not_run, other.value) == ("no Redis", None)


def test_a_goal_is_not_reached_by_a_figure_that_is_not_to_be_believed() -> None:
    goal = Goal(10, is_floor=False)

    assert Figure("a", "a", "ms", (5.0,), goal).verdict == "yes"
    assert Figure("a", "a", "ms", (15.0,), goal).verdict == "no"
    assert Figure("a", "a", "ms", (5.0,), goal, faults=("lost one",)).verdict == "no"
    assert Figure("a", "a", "ms", (), goal).verdict == ""
