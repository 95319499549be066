"""The one reader of the wall clock: what it gives, and that nobody else looks."""

from datetime import UTC, datetime

import pytest
from freezegun import freeze_time

from daemon.host import clock

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def milliseconds(ulid: str) -> int:
    """The time in an id, since 1970."""
    number = 0
    for letter in ulid.split("_")[1][:10]:
        number = number * 32 + ALPHABET.index(letter)
    return number


@pytest.mark.parametrize(
    "moment",
    ["2001-09-09T01:46:40Z", "2024-02-29T23:59:59.999Z", "2026-03-27T02:00:00+02:00", "2038-01-19T03:14:08Z"],
)
def test_the_wall_clock_is_aware_and_in_utc(moment: str) -> None:
    with freeze_time(moment):
        now = clock.utcnow()

    assert (now, now.tzinfo) == (datetime.fromisoformat(moment), UTC)


def test_an_id_begins_with_its_time() -> None:
    with freeze_time("2026-03-01T12:00:00.500Z"):
        made = clock.new_id("evt")

    assert made.startswith("evt_")
    assert milliseconds(made) == 1_772_366_400_500


def test_ids_are_sorted_by_their_time_over_years() -> None:
    made = []
    for year in (2001, 2026, 2038, 2100):
        with freeze_time(f"{year}-01-01T00:00:00Z"):
            made.append(clock.new_id("evt"))

    assert made == sorted(made)
    assert len({len(one) for one in made}) == 1


def test_two_ids_of_one_moment_differ() -> None:
    with freeze_time("2026-03-01T12:00:00Z"):
        assert clock.new_id("evt") != clock.new_id("evt")
