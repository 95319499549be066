"""When a digest is due: each once, whatever the clock, the file and the daemon do."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.digests.schedule import APART, LATEST, LONGEST, Digest, Told, due, first

ZONE = ZoneInfo("Asia/Jerusalem")
EVERY_DAY = frozenset(range(7))
DAILY = Digest("office", ("ops",), time(18), EVERY_DAY, ZONE, "day")
WEEKLY = replace(DAILY, days=frozenset({3}), covers="week")
FIRST, LAST = (datetime(2026, month, 1) for month in (1, 12))  # noqa: DTZ001 - hypothesis wants them so
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def begun(digest: Digest, at: datetime) -> Told:
    until, day = first(digest, at)
    return Told(until, 0, day)


def made(digest: Digest, told: Told, at: datetime) -> Told | None:
    """What is told after a look, where that made one."""
    found = due(digest, told, at)
    return None if found is None else Told(at, 0, found.day)


def test_one_that_is_new_tells_from_when_it_would_have_been_due() -> None:
    told = begun(DAILY, local("2026-11-23T17:00"))
    assert told.until == local("2026-11-22T18:00")
    assert due(DAILY, told, local("2026-11-23T17:59:59")) is None
    found = due(DAILY, told, local("2026-11-23T18:00"))
    assert found is not None
    assert (found.at, found.day, found.begin) == (
        local("2026-11-23T18:00"), date(2026, 11, 23), local("2026-11-22T18:00"),
    )  # fmt: skip


def test_on_days_that_are_not_its_own_it_is_not_made_and_the_next_tells_them() -> None:
    of_work = replace(DAILY, days=frozenset({6, 0, 1, 2, 3}))  # Sunday to Thursday
    told = Told(local("2026-11-26T18:00"), 0, date(2026, 11, 26))  # a Thursday
    assert due(of_work, told, local("2026-11-27T18:30")) is None
    assert due(of_work, told, local("2026-11-28T18:30")) is None
    found = due(of_work, told, local("2026-11-29T18:00"))
    assert found is not None
    assert found.begin == local("2026-11-26T18:00")


def test_one_that_is_late_is_made_once_and_the_next_at_its_time() -> None:
    told = Told(local("2026-11-22T18:00"), 0, date(2026, 11, 22))
    late = made(DAILY, told, local("2026-11-23T23:30"))
    assert late is not None
    assert due(DAILY, late, local("2026-11-23T23:31")) is None
    assert due(DAILY, late, local("2026-11-24T17:59")) is None
    found = due(DAILY, late, local("2026-11-24T18:00"))
    assert found is not None
    assert found.begin == local("2026-11-23T23:30")


def test_one_that_is_too_late_is_told_by_the_next() -> None:
    told = Told(local("2026-11-22T18:00"), 0, date(2026, 11, 22))
    assert due(DAILY, told, local("2026-11-23T18:00") + LATEST["day"] + MINUTE) is None
    found = due(DAILY, told, local("2026-11-24T18:00"))
    assert found is not None
    assert found.begin == told.until


def test_after_a_long_absence_it_reaches_back_so_far_and_no_further() -> None:
    told = Told(local("2026-01-22T18:00"), 0, date(2026, 1, 22))
    found = due(DAILY, told, local("2026-11-24T18:00"))
    assert found is not None
    assert found.begin == local("2026-11-24T18:00") - LONGEST["day"]


@pytest.mark.parametrize("at", [time(18, 5), time(20), time(23, 59)])
def test_another_time_on_a_day_that_had_its_own_makes_no_second(at: time) -> None:
    told = made(DAILY, Told(local("2026-11-22T18:00"), 0, date(2026, 11, 22)), local("2026-11-23T18:00:03"))
    assert told is not None
    later = replace(DAILY, at=at)
    assert due(later, told, local("2026-11-23T23:59:30")) is None
    found = due(later, told, local("2026-11-24T23:59:30"))
    assert found is not None
    assert found.begin == local("2026-11-23T18:00:03")


def test_a_time_that_is_over_by_the_new_file_is_made_up_for_at_once() -> None:
    told = Told(local("2026-11-22T18:00"), 0, date(2026, 11, 22))
    assert due(replace(DAILY, at=time(17)), told, local("2026-11-23T17:30")) is not None


def test_a_week_is_due_on_its_day() -> None:
    told = Told(local("2026-11-19T18:00"), 0, date(2026, 11, 19))
    for day in range(20, 26):
        assert due(WEEKLY, told, local(f"2026-11-{day}T18:30")) is None
    found = due(WEEKLY, told, local("2026-11-26T18:00"))
    assert found is not None
    assert found.begin == told.until


@pytest.mark.parametrize(
    ("at", "day", "expected"),
    [
        (time(2, 30), "2026-03-27", "2026-03-27T00:30"),  # which that night does not have: 03:30
        (time(1, 30), "2026-10-25", "2026-10-24T22:30"),  # which that night has twice: the first
    ],
)
def test_where_the_clocks_change_it_is_due_once(at: time, day: str, expected: str) -> None:
    digest = replace(DAILY, at=at)
    when = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    told = begun(digest, when - MINUTE)
    count, now, found = 0, when - MINUTE, None
    while now < when + 3 * HOUR:
        after = made(digest, told, now)
        if after is not None:
            count, told, found = count + 1, after, now
        now += MINUTE
    assert (count, found) == (1, when)
    assert digest.day_of(when) == date.fromisoformat(day)


def test_a_clock_that_was_years_ahead_leaves_it_well() -> None:
    """What is told is moved along with the clock; the day is not."""
    told, year = Told(local("2026-11-22T18:00"), 0, date(2026, 11, 22)), timedelta(days=365)
    ahead = replace(told, until=told.until + year)
    assert due(DAILY, ahead, local("2026-11-23T10:00") + year) is None
    there = made(DAILY, ahead, local("2026-11-23T18:00") + year)
    assert there is not None
    back = replace(there, until=there.until - year)
    assert due(DAILY, back, local("2026-11-23T18:00:30")) is None
    assert due(DAILY, back, local("2026-11-24T18:00")) is not None


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, float]]:
    kinds = st.sampled_from(["pass", "pass", "pass", "set", "away"])
    return [
        (kind, draw(st.floats(-30, 30) if kind == "set" else st.floats(0.05, 30)))
        for kind in draw(st.lists(kinds, max_size=12))
    ]


@given(
    life=lives(),
    at=st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    days=st.sets(st.integers(0, 6), min_size=1).map(frozenset),
    start=st.datetimes(FIRST, LAST).map(lambda one: one.replace(tzinfo=UTC)),
)
def test_whatever_the_clock_does_none_overlaps_and_none_is_close(
    life: list[tuple[str, float]], at: time, days: frozenset[int], start: datetime
) -> None:
    """Looked at every ten minutes of the time that passes, which no clock on the wall shows."""
    digest = replace(DAILY, at=at, days=days)
    wall, passed = start, timedelta(0)
    told = begun(digest, wall)
    elapsed_at = timedelta(0) - (wall - told.until)  # of `until`, by the time that passes
    for kind, hours in life:
        by = timedelta(hours=hours)
        if kind == "set":
            wall, told = wall + by, replace(told, until=told.until + by)
            continue
        if kind == "away":
            wall, passed = wall + by, passed + by
            continue
        end = passed + by
        while passed < end:
            after = made(digest, told, wall)
            if after is not None:
                assert told.until <= after.until
                assert passed - elapsed_at >= APART  # of real time, whatever was set
                told, elapsed_at = after, passed
            wall, passed = wall + 10 * MINUTE, passed + 10 * MINUTE


@given(start=st.datetimes(FIRST, LAST), days=st.integers(3, 40))
def test_while_nothing_happens_there_is_one_a_day_at_its_time(start: datetime, days: int) -> None:
    now = start.replace(tzinfo=UTC, second=0, microsecond=0)
    told, end, found = begun(DAILY, now), now + days * DAY, []
    while now < end:
        after = made(DAILY, told, now)
        if after is not None:
            found.append(now.astimezone(ZONE))
            told = after
        now += 20 * MINUTE
    assert len(found) in (days - 1, days, days + 1)
    assert len({one.date() for one in found}) == len(found)
    assert all(timedelta(0) <= one - one.replace(hour=18, minute=0) < 20 * MINUTE for one in found)
