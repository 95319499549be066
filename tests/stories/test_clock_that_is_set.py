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
from tests.support.engines import ON_SQLITE, USED, each
from tests.support.examples import examples
from tests.support.story import RETRIES, Story

HOUR, DAY = 3600.0, 86400.0
UNTIL = 700.0
CRM = Interest("crm", ("sms.*", "sip.*", "api.*"), None, repeat=timedelta(seconds=120))
"""It hears nothing of the clock: what it takes hastens what waits for it."""
Jumps = list[tuple[float, float]]
Told = list[tuple[float, str, str, Outcome]]


def played(path: Path, jumps: Jumps, *, killed_at: float | None = None, boot: str = "this one") -> Story:
    """A phone, messages, an API and an endpoint that come and go; the clock is set at times, by seconds."""
    story = Story(path, interests=[CRM, Interest("ops", ("daemon.*",), None)])
    story.phone("077", (10, 200), (400, 650))
    for at in (45.0, 70.0, 71.0, 300.0, 420.0):
        story.sms_arrives(at, f"at {at}")
    story.api_fails(230, 320)
    story.endpoint_says(Outcome.UNREACHABLE, 60, 130)
    story.endpoint_says(Outcome.FAILED, 405, 440)
    stops: list[tuple[float, float | None]] = [
        *jumps,
        *([(killed_at, None)] if killed_at is not None else []),
    ]
    for at, seconds in sorted(stops, key=lambda stop: stop[0]):
        story.run(until=at)
        if seconds is not None:
            story.clock.jump(seconds)
        else:
            story.boot = boot
            story.kill()
    story.run(until=UNTIL)
    story.database.close()
    return story


def told(story: Story) -> Told:
    """Every attempt at "crm": when, of what, and how it ended."""
    return [
        (at, message.event_type, message.lane, outcome)
        for at, message, outcome in story.told
        if message.endpoint == "crm"
    ]


@pytest.fixture(scope="module")
def usual() -> Told:
    """On SQLite, for both."""
    with TemporaryDirectory() as folder:
        return told(played(Path(folder) / "usual.db", []))


SIZES = [8.0, 90.0, 2 * HOUR, 5 * DAY, 56 * 365 * DAY]


@USED
@each("seconds", [sign * size for size in SIZES for sign in (1, -1)], every=5)
def test_set_for_good(usual: Told, tmp_path: Path, seconds: float) -> None:
    assert usual
    assert told(played(tmp_path / "one.db", [(62.0, seconds)])) == usual


@USED
@ON_SQLITE
@USED
@pytest.mark.parametrize("lasts", [1.0, 8.0, 100.0])
@pytest.mark.parametrize("seconds", [sign * size for size in SIZES[2:] for sign in (1, -1)])
def test_set_and_right_again(usual: Told, tmp_path: Path, seconds: float, lasts: float) -> None:
    jumps = [(62.0, seconds), (62.0 + lasts, -seconds)]

    assert told(played(tmp_path / "one.db", jumps)) == usual


at_any_time = st.floats(0, UNTIL - 1).map(lambda at: round(at, 1))
by_any_size = st.one_of(st.floats(-40 * 365 * DAY, 40 * 365 * DAY), st.floats(-7200, 7200)).map(round)


@USED
@settings(max_examples=examples(30))
@given(st.lists(st.tuples(at_any_time, by_any_size), max_size=4))
def test_at_any_time_by_any_size(usual: Told, jumps: list[tuple[float, int]]) -> None:
    with TemporaryDirectory() as folder:
        assert told(played(Path(folder) / "one.db", [(at, float(by)) for at, by in jumps])) == usual


def set_while_nobody_ran(path: Path, at: float, by: float, boot: str = "this one") -> Told:
    """The clock is set, the process killed, and another starts."""
    return told(played(path / f"{by}.db", [(at, by)] if by else [], killed_at=at, boot=boot))


@USED
@each("seconds", [-size for size in SIZES[2:]], every=2)
def test_set_back_while_nobody_ran_and_something_waits(tmp_path: Path, seconds: float) -> None:
    """A retry, an alert that is reminded of; on a machine that was not started anew."""
    right = set_while_nobody_ran(tmp_path, 100.0, 0)

    assert set_while_nobody_ran(tmp_path, 100.0, seconds) == right


@USED
@each("seconds", [-size for size in SIZES[2:]], every=2)
def test_set_back_while_the_machine_was_started_anew(tmp_path: Path, seconds: float) -> None:
    """How late it is nobody knows to the second, but to the ten of the last look."""
    right = set_while_nobody_ran(tmp_path, 100.0, 0)

    assert_in_time(set_while_nobody_ran(tmp_path, 100.0, seconds, boot="another"), right)


@USED
@settings(max_examples=examples(10))
@given(at=at_any_time, by=by_any_size)
def test_while_nobody_ran(at: float, by: int) -> None:
    with TemporaryDirectory() as folder:
        right = set_while_nobody_ran(Path(folder), at, 0)

        assert_in_time(set_while_nobody_ran(Path(folder), at, float(by)), right)


def assert_in_time(found: Told, wanted: Told) -> None:
    """The same arrives in each lane, none of it later than one more retry would be."""

    def arrived(told: Told) -> dict[str, list[tuple[float, str]]]:
        lanes: dict[str, list[tuple[float, str]]] = {}
        for at, kind, lane, outcome in told:
            if outcome is Outcome.ACCEPTED:
                lanes.setdefault(lane, []).append((at, kind))
        return lanes

    found_in, wanted_in = arrived(found), arrived(wanted)
    assert {lane: [kind for _, kind in told] for lane, told in found_in.items()} == {
        lane: [kind for _, kind in told] for lane, told in wanted_in.items()
    }
    late = [
        mine - theirs
        for lane, told in found_in.items()
        for (mine, _), (theirs, _) in zip(told, wanted_in[lane], strict=True)
    ]
    assert max(late) <= RETRIES[-1].total_seconds()


@USED
def test_a_step_is_told_with_the_right_date(tmp_path: Path) -> None:
    story = played(tmp_path / "one.db", [(350.0, -5 * DAY)])

    (body,) = [one for one in story.bodies() if one["type"] == "daemon.clock_stepped"]
    after = [one for one in story.bodies() if one["type"] == "sms.received"][-1]
    data = body["data"]
    assert isinstance(data, dict)
    assert data["clock"] == {"by_seconds": 432000, "is_forward": False}
    assert str(body["timestamp"]).startswith("2026-02-24T12:05:5")
    assert str(after["timestamp"]).startswith("2026-02-24T12:07:")
