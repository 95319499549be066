"""Links to recordings: for one event, one reader and a while; made by nobody else."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.recording_links import LONGEST, PREFIX, Link, path, read
from tests.support.fakes import START

KEY, OTHER = b"k" * 32, b"o" * 32
DAY = timedelta(days=1)


def token(key: bytes = KEY) -> str:
    return path(key, "evt_1", "ops/dana@example.org", START).removeprefix(PREFIX)


def test_a_link_says_what_it_was_made_for() -> None:
    assert read(KEY, token()) == Link("evt_1", "ops/dana@example.org", START)
    assert token() == token()


def test_it_counts_for_as_long_as_is_said_and_never_longer_than_a_week() -> None:
    link = Link("evt_1", "ops", START)

    assert link.counts(START + DAY - timedelta(seconds=1), DAY)
    assert not link.counts(START + DAY, DAY)
    assert not link.counts(START - DAY, DAY)
    assert not link.counts(START + LONGEST, 99 * DAY)


@given(st.text(max_size=300))
def test_nothing_else_opens_anything(said: str) -> None:
    assert read(KEY, said) is None


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_sign_opens_nothing(place: int, step: int) -> None:
    good = token()
    at = place % len(good)
    bad = good[:at] + chr((ord(good[at]) + step) % 128) + good[at + 1 :]

    assert read(KEY, bad) in (None, read(KEY, good))  # of the last sign some bits say nothing
    assert read(OTHER, good) is None
