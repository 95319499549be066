"""How much may be read of a system's files, whatever the clock on the wall does, and whoever dies."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.allowance import MOST_A_DAY, PART, Allowance, Allowances
from daemon.core.durations import DAY, HOUR, NOTHING
from tests.support.fakes import FakeClock

READ = st.tuples(st.integers(1, MOST_A_DAY), st.integers(0, 100_000), st.sampled_from("ab"))
READS = st.lists(READ, max_size=30)


@given(READS)
def test_no_day_has_more_than_it_may(reads: list[tuple[int, int, str]]) -> None:
    clock = FakeClock()
    allowed = Allowance(clock.monotonic)
    taken = list[tuple[float, int]]()
    for many, later, watch in reads:
        clock.advance(later)
        if allowed.may(many):
            allowed.charge(watch, many)
            taken.append((clock.monotonic(), many))

        last_day = [size for at, size in taken if clock.monotonic() - at < DAY.total_seconds()]
        assert sum(last_day) <= MOST_A_DAY


def test_it_comes_back_after_a_day_by_the_monotonic_clock() -> None:
    clock = FakeClock()
    allowed = Allowance(clock.monotonic)
    allowed.charge("a", MOST_A_DAY)
    clock.jump(10 * DAY.total_seconds())
    assert not allowed.may(1)
    clock.advance((DAY + PART).total_seconds() - 1)
    assert not allowed.may(1)
    clock.advance(1)

    assert allowed.may(MOST_A_DAY)


def test_another_process_goes_on_where_it_was() -> None:
    clock = FakeClock()
    first, second = Allowance(clock.monotonic), Allowance(clock.monotonic)
    first.charge("a", 100)
    clock.advance(2 * HOUR.total_seconds())
    first.charge("a", MOST_A_DAY - 100)
    second.follow("a", first.spent("a"))

    assert not second.may(1)
    clock.advance(23 * HOUR.total_seconds())
    assert second.may(100)
    assert not second.may(101)
    second.follow("a", [(HOUR, 1)])
    assert not second.may(101), "it knows of more itself"


def test_a_clock_that_was_set_back_frees_nothing() -> None:
    allowed = Allowance(FakeClock().monotonic)
    allowed.follow("a", [(timedelta(days=-400), MOST_A_DAY)])

    assert allowed.spent("a") == ((NOTHING, MOST_A_DAY),)
    assert not allowed.may(1)


def test_all_watches_of_a_system_share_it_and_no_other_system() -> None:
    known = Allowances(FakeClock().monotonic)
    known.of("main").charge("a", MOST_A_DAY)

    assert not known.of("main").may(1)
    assert known.of("other").may(1)


def test_of_files_that_are_gone_nothing_is_remembered() -> None:
    clock = FakeClock()
    allowed = Allowance(clock.monotonic)
    for name in ("one", "two"):
        allowed.began("a", name)
    clock.advance(60)
    allowed.forget("a", ["two"])

    assert (allowed.since("a", "one"), allowed.since("a", "two")) == (None, timedelta(minutes=1))
