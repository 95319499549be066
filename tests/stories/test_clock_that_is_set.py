"""Stories under a wall clock that is set, there and back, by seconds and by decades: what is told, and when
by the seconds that passed, is what is told under a clock that nobody touches."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.delivery.outcome import Outcome
from daemon.core.routing.plan import Interest
from tests.support.examples import examples
from tests.support.story import Story

HOUR, DAY = 3600.0, 86400.0
UNTIL = 700.0
Jumps = list[tuple[float, float]]


def played(path: Path, jumps: Jumps, *, killed_at: float | None = None, boot: str = "this one") -> Story:
    """A phone, messages, an API and an endpoint that come and go; the clock is set at times, by seconds."""
    story = Story(path, interests=[Interest("crm", ("*",), None, repeat=timedelta(seconds=120))])
    story.phone("077", (10, 200), (400, 650))
    for at in (45.0, 70.0, 71.0, 300.0, 420.0):
        story.sms_arrives(at, f"at {at}")
    story.api_fails(230, 320)
    story.endpoint_says(Outcome.UNREACHABLE, 60, 130)
    story.endpoint_says(Outcome.FAILED, 405, 440)
    stops = sorted([*jumps, *([(killed_at, 0.0)] if killed_at is not None else [])])
    for at, seconds in stops:
        story.run(until=at)
        if at == killed_at:
            story.boot = boot
            story.kill()
        story.clock.jump(seconds)
    story.run(until=UNTIL)
    story.database.close()
    return story


def told(story: Story) -> list[tuple[float, str, str, Outcome]]:
    """Every attempt: when, of what, and how it ended; what tells of the clock itself aside."""
    return [
        (at, message.event_type, message.lane, outcome)
        for at, message, outcome in story.told
        if message.event_type != "daemon.clock_stepped"
    ]


@pytest.fixture(scope="module")
def usual() -> list[tuple[float, str, str, Outcome]]:
    with TemporaryDirectory() as folder:
        return told(played(Path(folder) / "usual.db", []))


SIZES = [8.0, 90.0, 2 * HOUR, 5 * DAY, 56 * 365 * DAY]


@pytest.mark.parametrize("seconds", [sign * size for size in SIZES for sign in (1, -1)])
def test_set_for_good(usual: list[object], tmp_path: Path, seconds: float) -> None:
    assert usual
    assert told(played(tmp_path / "one.db", [(62.0, seconds)])) == usual


@pytest.mark.parametrize("lasts", [1.0, 8.0, 100.0])
@pytest.mark.parametrize("seconds", [sign * size for size in SIZES[2:] for sign in (1, -1)])
def test_set_and_right_again(usual: list[object], tmp_path: Path, seconds: float, lasts: float) -> None:
    jumps = [(62.0, seconds), (62.0 + lasts, -seconds)]

    assert told(played(tmp_path / "one.db", jumps)) == usual


at_any_time = st.floats(0, UNTIL - 1).map(lambda at: round(at, 1))
by_any_size = st.one_of(st.floats(-40 * 365 * DAY, 40 * 365 * DAY), st.floats(-7200, 7200)).map(round)


@settings(max_examples=examples(30))
@given(st.lists(st.tuples(at_any_time, by_any_size), max_size=4))
def test_at_any_time_by_any_size(usual: list[object], jumps: list[tuple[float, int]]) -> None:
    with TemporaryDirectory() as folder:
        assert told(played(Path(folder) / "one.db", [(at, float(by)) for at, by in jumps])) == usual


@settings(max_examples=examples(15))
@given(at=at_any_time, by=by_any_size)
def test_while_nobody_ran(at: float, by: int) -> None:
    """The process is killed, the clock set, and another starts: as if it had not been set."""
    with TemporaryDirectory() as folder:
        right = told(played(Path(folder) / "right.db", [], killed_at=at))
        wrong = told(played(Path(folder) / "wrong.db", [(at, float(by))], killed_at=at))

    assert wrong == right


def test_a_step_is_told_with_the_right_date(tmp_path: Path) -> None:
    story = played(tmp_path / "one.db", [(350.0, -5 * DAY)])

    (body,) = [one for one in story.bodies() if one["type"] == "daemon.clock_stepped"]
    after = [one for one in story.bodies() if one["type"] == "sms.received"][-1]
    data = body["data"]
    assert isinstance(data, dict)
    assert data["clock"] == {"by_seconds": 432000, "is_forward": False}
    assert str(body["timestamp"]).startswith("2026-02-24T12:05:5")
    assert str(after["timestamp"]).startswith("2026-02-24T12:07:")
