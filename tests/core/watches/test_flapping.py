"""Flapping: how much change it takes, how much calm ends it, and what it means in time."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.watches import flapping
from daemon.core.watches.flapping import CALM, CLEAR, RAISE, SLOTS, Ring, observe, slot_length

SECOND = timedelta(seconds=1)
SLOT = 30 * SECOND


def after(*changes: bool, ring: Ring = CALM, observed: timedelta = SLOT) -> Ring:
    for is_changed in changes:
        ring = observe(ring, SLOT, observed, is_changed=is_changed)
    return ring


def test_a_change_in_every_slot_is_all_of_it() -> None:
    assert after(*[True] * SLOTS).percent == pytest.approx(100)


def test_the_newest_change_weighs_most() -> None:
    new = after(*[False] * 19, True)
    old = after(True, *[False] * 19)

    assert new.percent / old.percent == pytest.approx(1.18 / 0.80)


def test_what_the_documentation_says_of_a_window_of_ten_minutes() -> None:
    """Six changes in a row, and it flaps; fifteen calm slots later, 7.5 minutes, it does not."""
    changing = [after(*[True] * many).is_flapping for many in range(1, 8)]
    calming = [after(*[True] * 6, *[False] * many).is_flapping for many in range(20)]

    assert changing.index(True) + 1 == 6
    assert calming.index(False) * SLOT == timedelta(minutes=7.5)


def test_between_the_two_limits_it_stays_what_it_was() -> None:
    was_calm = after(*[True] * 5)
    ring = after(*[True] * 6)
    while ring.percent > RAISE:
        ring = after(False, ring=ring)

    assert CLEAR < was_calm.percent < RAISE
    assert not was_calm.is_flapping
    assert ring.is_flapping


def test_two_changes_within_a_slot_are_one() -> None:
    once = after(True)
    twice = after(True, ring=once, observed=5 * SECOND)

    assert (once.slots, twice.slots) == (1, 1)


def test_time_that_was_not_observed_moves_nothing() -> None:
    ring = after(True, False, True)

    assert after(False, ring=ring, observed=timedelta(0)) == ring


def test_what_is_long_ago_is_forgotten() -> None:
    assert after(*[True] * 20, *[False] * 20).is_calm


@pytest.mark.parametrize(
    ("window", "every", "length"), [(600, 10, 30), (600, 30, 30), (600, 60, 60), (1200, 10, 60)]
)
def test_a_slot_is_a_twentieth_of_the_window_and_no_shorter_than_a_poll(
    window: int, every: int, length: int
) -> None:
    assert slot_length(window * SECOND, every * SECOND) == length * SECOND


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=60))
def test_a_ring_survives_restarts_and_stays_within_its_bounds(seen: list[tuple[bool, int]]) -> None:
    ring = CALM
    for is_changed, seconds in seen:
        ring = observe(ring, SLOT, seconds * SECOND, is_changed=is_changed)
        assert 0 <= ring.percent <= 100.0001
        assert ring.filled < SLOT
        assert ring == flapping.load(json.loads(json.dumps(flapping.dump(ring))))
