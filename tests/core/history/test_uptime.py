"""Uptime is a share of the time that was seen; beside it stands how much was not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.history.uptime import Uptime, uptime

seconds = st.integers(0, 10**9) | st.floats(0, 1e9)


@given(seconds, seconds, seconds)
def test_shares_are_between_nothing_and_all(up: float, down: float, span: float) -> None:
    found = uptime(up, down, span)

    assert 0 <= found.unseen <= 1
    assert found.share is None if up + down == 0 else found.share is not None and 0 <= found.share <= 1


@pytest.mark.parametrize(
    ("up", "down", "span", "expected"),
    [
        (0, 0, 100, Uptime(None, 1.0)),
        (50, 0, 100, Uptime(1.0, 0.5)),
        (75, 25, 100, Uptime(0.75, 0.0)),
        (0, 100, 100, Uptime(0.0, 0.0)),
        (0, 0, 0, Uptime(None, 0.0)),
    ],
)
def test_what_was_not_seen_is_neither_up_nor_down(
    up: float, down: float, span: float, expected: Uptime
) -> None:
    assert uptime(up, down, span) == expected


def test_a_time_is_not_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        uptime(-1, 0, 10)
