"""How soon a change is told: the bounds, against the machine itself."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.core.alerts.life import OK, Seen, Turn, step
from daemon.core.durations import NOTHING
from daemon.core.model import Rule, Severity, Verdict
from daemon.core.watches import detection

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("hold", "every", "least", "most"),
    [(60, 30, 60, 90), (60, 20, 60, 80), (75, 30, 90, 120), (0, 15, 0, 15), (10, 30, 30, 60)],
)
def test_the_bounds(hold: int, every: int, least: int, most: int) -> None:
    assert detection.bounds(hold * SECOND, every * SECOND) == (least * SECOND, most * SECOND)


@pytest.mark.parametrize("hold", [0, 10, 30, 60, 75, 90])
@pytest.mark.parametrize("every", [10, 20, 30])
def test_the_machine_keeps_them(hold: int, every: int) -> None:
    """A change at every second between two polls."""
    least, most = detection.bounds(hold * SECOND, every * SECOND)
    waits = []
    for changed in range(every):
        alert, at, turn = OK, -every, None
        while turn is not Turn.FIRED:
            at += every
            verdict = Verdict.BAD if at >= changed else Verdict.GOOD
            seen = Seen(NOON + at * SECOND, None, every * SECOND)
            alert, turn = step(alert, verdict, seen, Rule(hold * SECOND, NOTHING, Severity.ERROR))
        waits.append((at - changed) * SECOND)

    assert min(waits) >= least
    assert max(waits) < most


def test_in_words() -> None:
    assert detection.show("unregistered", 60 * SECOND, 30 * SECOND) == "unregistered: told within 1m to 1m30s"
    assert detection.show("a message", NOTHING, 15 * SECOND) == "a message: told within 15s"
