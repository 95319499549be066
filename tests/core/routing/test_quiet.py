"""Quiet windows: by the clock on the wall, over midnight, over both changes of summer time."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.model import Severity
from daemon.core.routing.quiet import (
    EXACT,
    Quiet,
    Weekly,
    is_at_least,
    is_held,
    lasting,
    least_urgency,
    urgency,
)
from tests.support.examples import examples

ZONE = ZoneInfo("Asia/Jerusalem")
EVERY_DAY = frozenset(range(7))
FRIDAY = 4
NIGHT = Weekly(EVERY_DAY, time(22), time(7), ZONE)
MINUTE = timedelta(minutes=1)


def local(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE, fold=fold).astimezone(UTC)


def quiet_minutes(window: Weekly, since: datetime, until: datetime) -> int:
    return sum(window.covers(since + n * MINUTE) for n in range((until - since) // MINUTE))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-01T21:59:59", False),
        ("2026-03-01T22:00:00", True),
        ("2026-03-02T00:00:00", True),
        ("2026-03-02T06:59:59", True),
        ("2026-03-02T07:00:00", False),
    ],
)
def test_a_night_begins_at_its_first_minute_and_ends_before_its_last(at: str, *, expected: bool) -> None:
    assert NIGHT.covers(local(at)) is expected


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    window = Weekly(frozenset({FRIDAY}), time(22), time(7), ZONE)

    assert window.covers(local("2026-03-06T23:00"))
    assert window.covers(local("2026-03-07T06:00"))
    assert not window.covers(local("2026-03-06T06:00"))
    assert not window.covers(local("2026-03-07T23:00"))


def test_from_a_time_to_the_same_is_a_whole_day() -> None:
    window = Weekly(frozenset({FRIDAY}), time(8), time(8), ZONE)

    assert quiet_minutes(window, local("2026-03-05T00:00"), local("2026-03-10T00:00")) == 24 * 60


def test_the_night_in_which_summer_time_begins_is_an_hour_shorter() -> None:
    """In 2026, on March 27 at 02:00, the clock goes to 03:00."""
    assert quiet_minutes(NIGHT, local("2026-03-26T12:00"), local("2026-03-27T12:00")) == 8 * 60


def test_the_night_in_which_it_ends_is_an_hour_longer() -> None:
    """In 2026, on October 25 at 02:00, the clock goes back to 01:00."""
    assert quiet_minutes(NIGHT, local("2026-10-24T12:00"), local("2026-10-25T12:00")) == 10 * 60


def test_a_window_in_the_hour_that_is_skipped_does_not_take_place() -> None:
    window = Weekly(EVERY_DAY, time(2), time(3), ZONE)

    assert quiet_minutes(window, local("2026-03-26T12:00"), local("2026-03-27T12:00")) == 0
    assert quiet_minutes(window, local("2026-03-27T12:00"), local("2026-03-28T12:00")) == 60


def test_a_window_in_the_hour_that_is_repeated_takes_place_twice() -> None:
    window = Weekly(EVERY_DAY, time(1), time(2), ZONE)

    assert window.covers(local("2026-10-25T01:30", fold=0))
    assert window.covers(local("2026-10-25T01:30", fold=1))
    assert quiet_minutes(window, local("2026-10-24T12:00"), local("2026-10-25T12:00")) == 120


NOW = local("2026-03-01T23:00")
ASLEEP = Quiet(NIGHT.covers)
BREAKABLE = Quiet(NIGHT.covers, Severity.ERROR)


@pytest.mark.parametrize(
    ("windows", "severity", "expected"),
    [
        ((), Severity.INFO, False),
        ((ASLEEP,), Severity.CRITICAL, True),
        ((BREAKABLE,), Severity.CRITICAL, False),
        ((BREAKABLE,), Severity.ERROR, False),
        ((BREAKABLE,), Severity.WARNING, True),
        ((BREAKABLE,), None, True),
        ((BREAKABLE, ASLEEP), Severity.CRITICAL, True),
    ],
)
def test_what_a_window_holds(
    windows: tuple[Quiet, ...], severity: Severity | None, *, expected: bool
) -> None:
    assert is_held(windows, NOW, severity) is expected
    assert is_held(windows, local("2026-03-01T12:00"), severity) is False


@pytest.mark.parametrize(
    ("windows", "least"), [((), None), ((ASLEEP,), -1), ((BREAKABLE,), 1), ((BREAKABLE, ASLEEP), -1)]
)
def test_the_least_that_passes_is_what_all_lasting_windows_let_pass(
    windows: tuple[Quiet, ...], least: int | None
) -> None:
    assert least_urgency(windows, NOW) == least
    assert least_urgency(windows, local("2026-03-01T12:00")) is None


def test_only_where_something_can_be_broken_through_is_anything_urgent() -> None:
    assert urgency((ASLEEP, BREAKABLE), Severity.CRITICAL) == 0
    assert urgency((ASLEEP, BREAKABLE), Severity.INFO) == 3
    assert urgency((ASLEEP,), Severity.CRITICAL) is None


def test_severities_are_ordered() -> None:
    order = [Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.CRITICAL]

    assert [[is_at_least(one, least) for least in order].count(True) for one in order] == [1, 2, 3, 4]


TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
CLOCKS = st.sampled_from(["Asia/Jerusalem", "America/Havana", "Australia/Lord_Howe", "UTC"])
WEEKS = st.builds(Weekly, st.frozensets(st.integers(0, 6), min_size=1), TIMES, TIMES, CLOCKS.map(ZoneInfo))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)) | st.sampled_from(  # noqa: DTZ001 - in UTC
    [
        datetime(2026, 3, 26, 22, 59),  # noqa: DTZ001
        datetime(2026, 10, 24, 22, 15),  # noqa: DTZ001
        datetime(2026, 10, 24, 23, 15),  # noqa: DTZ001
        datetime(2026, 3, 8, 4, 30),  # noqa: DTZ001
    ]
)


@settings(max_examples=examples(60))
@given(st.lists(WEEKS, min_size=1, max_size=3), MOMENTS)
def test_the_end_that_is_told_is_the_first_moment_that_holds_nothing(
    weeks: list[Weekly], naive: datetime
) -> None:
    windows = [Quiet(one.covers, None, one.ends) for one in weeks]
    now = naive.replace(tzinfo=UTC, second=0, microsecond=0)
    found = lasting(windows, now)

    assert (found is not None) is is_held(windows, now)
    if found is not None and found.until is not None:
        held = int((found.until - now) / MINUTE)
        step = max(held // 400, 1)
        assert all(is_held(windows, now + minute * MINUTE) for minute in range(0, held, step))
        assert not is_held(windows, found.until)


def test_an_alert_that_breaks_through_waits_only_for_what_it_does_not_break() -> None:
    late = Weekly(EVERY_DAY, time(6), time(8), ZONE)
    windows = (Quiet(NIGHT.covers, Severity.ERROR, NIGHT.ends), Quiet(late.covers, None, late.ends))

    whole, through = lasting(windows, NOW), lasting(windows, NOW, Severity.CRITICAL)
    assert whole is not None
    assert whole.until == local("2026-03-02T08:00")
    assert through is None
    assert lasting(windows, local("2026-03-02T06:30"), Severity.CRITICAL) is not None


def test_where_no_end_is_in_sight_none_is_told() -> None:
    ever = Weekly(EVERY_DAY, time(0), time(0), ZONE)
    known = lasting([Quiet(ever.covers, None, ever.ends)], NOW)
    unknown = lasting([Quiet(lambda _moment: True)], NOW)

    assert known is not None
    assert unknown is not None
    assert (known.until, unknown.until) == (None, None)


@settings(max_examples=examples(60))
@given(
    st.frozensets(st.integers(0, 6), min_size=1),
    st.times(),
    st.times(),
    st.sampled_from([local("2026-03-20T00:00"), local("2026-10-18T00:00")]),
    st.timedeltas(timedelta(0), timedelta(days=14)),
)
def test_a_window_begins_at_the_first_moment_that_it_covers(
    days: frozenset[int], start: time, end: time, since: datetime, later: timedelta
) -> None:
    window, moment = Weekly(days, start, end, ZONE), since + later
    if window.covers(moment):
        return
    begin = window.begins(moment)

    assert begin is not None
    assert moment < begin <= moment + timedelta(days=8)
    assert window.covers(begin)
    assert not window.covers(begin - EXACT) or begin - EXACT < moment
    between = (moment + n * (begin - moment) / 20 for n in range(20))
    assert not any(window.covers(one) for one in between if one < begin)  # which microseconds round to


def test_a_window_whose_beginning_the_clock_skips_begins_there() -> None:
    window = Weekly(EVERY_DAY, time(2, 30), time(5), ZONE)
    begin = window.begins(local("2026-03-27T01:00"))

    assert begin is not None
    assert abs(begin - local("2026-03-27T03:00")) <= EXACT
