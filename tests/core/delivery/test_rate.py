"""So many a second, whatever the clock does."""

from datetime import timedelta

import pytest

from daemon.core.delivery.rate import FASTEST, SLOWEST, Bucket, fault
from tests.support.fakes import START

SECOND = timedelta(seconds=1)


def test_a_second_s_worth_may_go_at_once_and_then_as_fast_as_the_rate() -> None:
    bucket = Bucket(10)
    assert bucket.room(START) == 10

    bucket.take(10)
    assert bucket.room(START) == 0
    assert bucket.room(START + 0.25 * SECOND) == 2
    assert bucket.room(START + 60 * SECOND) == 10


def test_it_says_when_the_next_may_go() -> None:
    bucket = Bucket(0.5)
    assert bucket.ready_at(START) == START

    bucket.take(1)
    assert bucket.ready_at(START) == START + 2 * SECOND
    assert bucket.ready_at(START + SECOND) == START + 2 * SECOND


@pytest.mark.parametrize("rate", [0.1, 1, 3, 50])
def test_over_a_long_time_the_rate_is_kept(rate: float) -> None:
    bucket, went = Bucket(rate), 0
    for tenth in range(1, 1001):
        room = bucket.room(START + tenth * SECOND / 10)
        bucket.take(room)
        went += room

    assert went == pytest.approx(99.9 * rate + max(rate, 1), abs=1.5)


@pytest.mark.parametrize("rate", [0.0, -1.0, 5e-324, 1e-300, float("nan"), float("inf"), 1e300])
def test_a_rate_that_cannot_be_kept_is_none(rate: float) -> None:
    assert fault(rate)


@pytest.mark.parametrize("rate", [SLOWEST, FASTEST])
def test_the_slowest_and_the_fastest_are_rates(rate: float) -> None:
    bucket = Bucket(rate)
    bucket.take(bucket.room(START))

    assert fault(rate) is None
    assert bucket.ready_at(START) - START <= timedelta(hours=3)


def test_a_clock_that_is_set_back_does_not_stop_it_for_long() -> None:
    bucket = Bucket(1)
    bucket.take(bucket.room(START))
    earlier = START - timedelta(days=1)

    assert bucket.room(earlier) == 0
    assert bucket.room(earlier + SECOND) == 1
