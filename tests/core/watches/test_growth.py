"""By how much a counter grew in all: what surely happened, through resets, wrong readings and blind times."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.watches import growth
from daemon.core.watches.growth import NONE, Growth

READINGS = st.lists(st.none() | st.integers(0, 9), max_size=12)


def after(*readings: int | None) -> int:
    found = NONE
    for one in readings:
        found = growth.load(json.loads(json.dumps(growth.dump(growth.observe(found, one)))))
    return found.total


def test_what_it_had_counted_before_is_none_of_ours() -> None:
    assert after(40) == 0
    assert after(40, 43) == 3


def test_what_it_grew_by_while_it_could_not_be_read_counts() -> None:
    assert after(40, None, None, 47) == 7


def test_a_reset_loses_what_nobody_had_read_and_nothing_else() -> None:
    assert after(40, 42, 1, 4) == 5


def test_a_wrong_reading_counts_nothing() -> None:
    assert after(40, 3, 40) == 0
    assert after(40, 0, 0, None, 41) == 1
    assert after(40, 3, 1, 40, 42) == 2


def test_a_counter_that_grows_past_what_it_once_was_goes_on() -> None:
    assert after(4, 0, 1, 2, 3, 4, 5, 6) == 5  # that it was 4 once is seen as one wrong reading less


def test_a_release_that_did_not_count_left_nothing() -> None:
    assert growth.load(None) == NONE


@given(READINGS)
def test_it_never_falls(readings: list[int | None]) -> None:
    totals = [after(*readings[:many]) for many in range(len(readings) + 1)]

    assert all(one <= then for one, then in pairwise(totals))


@given(st.integers(0, 100), st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_without_a_reset_it_is_all_that_happened_up_to_the_last_reading(
    first: int, life: list[tuple[int, bool]]
) -> None:
    found, counter, read = growth.observe(NONE, first), first, first
    for grown, is_readable in life:
        counter += grown
        read = counter if is_readable else read
        found = growth.observe(found, counter if is_readable else None)

    assert found == Growth(read, None, read - first)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_with_resets_it_is_never_more_than_what_happened(life: list[tuple[int, bool]]) -> None:
    found, counter, happened = growth.observe(NONE, 0), 0, 0
    for grown, is_reset in life:
        counter = grown if is_reset else counter + grown
        happened += grown
        found = growth.observe(found, counter)

        assert found.total <= happened


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.integers(0, 19), st.integers(0, 4))
def test_one_wrong_reading_changes_nothing(growths: list[int], at: int, wrong: int) -> None:
    counter, readings = 10, [10]
    for grown in growths:
        counter += grown
        readings.append(counter)
    spoilt = [*readings[: at + 1], wrong, *readings[at + 1 :]] if at + 1 < len(readings) else readings

    assert after(*spoilt) == after(*readings)
