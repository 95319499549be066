"""The daemon's own time: what steps of the wall clock do to it, and what is known of them afterwards."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.durations import NOTHING
from daemon.core.timeline import SLACK, Look, Timeline, step_between
from tests.support.fakes import START, FakeClock

YEARS = 30 * 365 * 86400.0
jumps = st.one_of(st.floats(-YEARS, YEARS), st.floats(-10, 10)).map(lambda seconds: round(seconds, 3))
lives = st.lists(st.one_of(st.tuples(st.just("pass"), st.floats(0, 1000)), st.tuples(st.just("jump"), jumps)))


@given(lives)
def test_until_it_is_followed_a_step_changes_nothing(life: list[tuple[str, float]]) -> None:
    clock = FakeClock()
    timeline = Timeline(clock.now, clock.monotonic)
    passed = 0.0
    for what, seconds in life:
        if what == "pass":
            clock.advance(seconds)
            passed += seconds
        else:
            clock.jump(seconds)
        wanted = START + timedelta(seconds=passed)

        assert abs(timeline.now() - wanted) < timedelta(milliseconds=1)


@given(lives)
def test_what_is_followed_is_where_the_wall_stands(life: list[tuple[str, float]]) -> None:
    clock = FakeClock()
    timeline = Timeline(clock.now, clock.monotonic)
    for what, seconds in life:
        clock.advance(seconds) if what == "pass" else clock.jump(seconds)
        step = timeline.step()
        timeline.follow(step)

        assert abs(timeline.now() - clock.now()) <= SLACK + timedelta(milliseconds=1)
        assert timeline.step() == NOTHING


@given(st.floats(-0.4, 0.4))
def test_two_clocks_that_are_read_one_after_the_other_are_no_step(apart: float) -> None:
    clock = FakeClock()
    timeline = Timeline(clock.now, clock.monotonic)
    clock.jump(apart)

    assert timeline.step() == NOTHING


def test_a_stop_between_two_readings_is_no_step() -> None:
    clock = FakeClock()
    reads = iter([*[0.0] * 2, 600.0, *[0.0] * 10])

    def wall() -> datetime:
        clock.advance(next(reads))  # stopped after the one was read, and before the other
        return clock.now()

    timeline = Timeline(wall, clock.monotonic)
    timeline.step()

    assert timeline.step() == NOTHING


@given(jumps, st.floats(0, 1e7))
def test_a_step_while_nobody_ran_is_known_to_the_same_machine(jump: float, passed: float) -> None:
    then = Look(START, timedelta(hours=1), "boot")
    wall = START + timedelta(seconds=passed) + timedelta(seconds=jump)
    now = Look(wall, timedelta(hours=1) + timedelta(seconds=passed), "boot")
    wanted = timedelta(seconds=jump)

    found = step_between(then, now)

    assert abs(found - wanted) <= timedelta(milliseconds=1) or (
        found == NOTHING and abs(wanted) <= SLACK * 1.01
    )


@pytest.mark.parametrize("boot", ["another", ""])
@given(wall=jumps.map(lambda seconds: START + timedelta(seconds=seconds)))
def test_across_a_new_start_it_is_known_only_that_time_went_on(boot: str, wall: datetime) -> None:
    then = Look(START, timedelta(hours=1), "boot" if boot else "")

    found = step_between(then, Look(wall, timedelta(minutes=1), boot))

    assert found == (wall - START if wall < START - SLACK else NOTHING)


@given(lives)
def test_when_it_began_is_as_long_ago_as_it_was(life: list[tuple[str, float]]) -> None:
    clock = FakeClock()
    timeline = Timeline(clock.now, clock.monotonic)
    began = clock.monotonic()
    for what, seconds in life:
        clock.advance(seconds) if what == "pass" else clock.jump(seconds)
        timeline.follow(timeline.step())

        passed = timedelta(seconds=clock.monotonic() - began)
        assert abs(timeline.now() - timeline.began - passed) < timedelta(milliseconds=1)
