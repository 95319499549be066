"""What a counter grows by in an hour: resets, gaps and clocks invent nothing, and nothing seen is lost."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.durations import HOUR, NOTHING, SECOND
from daemon.core.watches import rates
from daemon.core.watches.rates import ENOUGH, SLOT, Rate
from tests.support.examples import examples


def observe(rate: Rate, value: int | None, seconds: float = 10, *, is_seen: bool = True) -> Rate:
    """One more reading, and the rate as a restart would find it."""
    passed = seconds * SECOND
    after = rates.observe(rate, value, passed=passed, observed=passed if is_seen else NOTHING)
    restarted = rates.load(json.loads(json.dumps(rates.dump(after))))
    assert restarted == after
    return restarted


def after(*values: int | None, seconds: float = 10) -> Rate:
    rate = Rate()
    for value in values:
        rate = observe(rate, value, seconds)
    return rate


def test_what_a_counter_shows_at_first_is_no_growth() -> None:
    assert after(41).at_least == 0


def test_growth_is_told_as_a_rate_once_half_an_hour_was_seen() -> None:
    rate = after(*range(19))
    while rate.observed < ENOUGH:
        assert (rate.per_hour, rate.at_least) == (None, 18)
        rate = observe(rate, 18)

    assert rate.per_hour == 36


def test_an_hour_later_it_is_forgotten() -> None:
    rate = after(0, 7, seconds=60)
    for _ in range(61):
        rate = observe(rate, 7, 60)

    assert (rate.per_hour, rate.is_steady) == (0, True)


@pytest.mark.parametrize(
    ("values", "grown"),
    [
        ((40, 41, 0, 0, 1, 2), 3),  # reset, at midnight or so
        ((40, 41, 3, 41, 42), 2),  # read wrongly once, from another server
        ((40, 41, 0, 41, 0, 41), 1),
        ((40, None, 45, 46), 1),
        ((2, 0, 2), 0),
    ],
)
def test_a_fall_is_a_reset_and_never_a_negative_or_a_huge_growth(
    values: tuple[int | None, ...], grown: int
) -> None:
    assert after(*values).at_least == grown


def test_after_a_while_a_counter_that_fell_has_been_reset() -> None:
    assert observe(after(2, *[0] * 20), 2).at_least == 2


def test_what_grew_unseen_is_not_counted_and_what_lies_back_is_forgotten() -> None:
    rate = after(0, 5)

    assert observe(rate, 90, 600, is_seen=False).at_least == 5
    assert observe(rate, 90, 9 * 3600, is_seen=False).at_least == 0


@dataclass(frozen=True)
class Reading:
    """What happened between two readings."""

    seconds: int
    grown: int
    is_reset: bool
    is_seen: bool
    is_readable: bool


readings = st.builds(
    Reading,
    st.sampled_from([1, 10, 60, 299, 300, 301, 4000]),
    st.integers(0, 5),
    st.sampled_from([False] * 9 + [True]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([True] * 9 + [False]),
)


@settings(max_examples=examples(200))
@given(st.lists(readings, max_size=60))
def test_no_more_is_told_than_what_happened_in_the_last_hour(life: list[Reading]) -> None:
    rate, counter, now = observe(Rate(), 0), 0, 0
    happened: list[tuple[int, int]] = []
    for one in life:
        now += one.seconds
        counter = one.grown if one.is_reset else counter + one.grown
        happened.append((now, one.grown))
        rate = observe(rate, counter if one.is_readable else None, one.seconds, is_seen=one.is_seen)

        last_hour = sum(grown for at, grown in happened if at > now - HOUR / SECOND)
        assert 0 <= rate.at_least <= last_hour
        assert rate.observed <= now * SECOND
        assert (rate.per_hour is None) == (rate.observed < ENOUGH)


@settings(max_examples=examples(60))
@given(st.lists(st.integers(0, 3), min_size=1, max_size=400))
def test_all_is_told_of_what_was_seen_throughout(growth: list[int]) -> None:
    rate, counter = Rate(7), 7
    for grown in growth:
        counter += grown
        rate = rates.observe(rate, counter, passed=20 * SECOND, observed=20 * SECOND)

    least, most = (int(one / (20 * SECOND)) for one in (HOUR - SLOT, HOUR))
    assert sum(growth[-least:]) <= rate.at_least <= sum(growth[-most:])
    assert rate.observed == min(len(growth) * 20 * SECOND, rate.observed) <= HOUR
