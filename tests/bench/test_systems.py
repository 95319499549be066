"""How late a poll was, seen from outside."""

from datetime import UTC, datetime, timedelta

import pytest

from bench.systems import EVERY, late_ms

ASKED = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("next_run", "polled", "late"),
    [
        (20.0, -39.997, 3),  # it was due 40 s ago
        (59.5, -60.0, 500),  # it was due half a second ago, and is under way
        (59.5, 0.25, 750),  # that one, seen at its end
        (0.5, 0.503, None),  # due while the answer was made
        (-0.2, 0.1, 300),  # due before; it has a next time that was read before, and one of after that
        (60.5, 0.503, None),
    ],
)
def test_a_poll_is_late_by_when_it_was_due(next_run: float, polled: float, late: float | None) -> None:
    next_run_at, polled_at = (ASKED + timedelta(seconds=one) for one in (next_run, polled))
    watch = {"next_run_at": next_run_at.isoformat(), "polled_at": polled_at.isoformat()}

    assert timedelta(minutes=1) == EVERY
    assert late_ms(watch, ASKED) == late
