"""Shabbat and Yom Tov: which days they are, and the minute in which they begin and end, at several places."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.core.routing.quiet import Quiet, lasting
from daemon.wiring.hebrew_calendar import HolyDays, Place, is_holy

JERUSALEM = Place(31.778, 35.235, ZoneInfo("Asia/Jerusalem"))
NEW_YORK = Place(40.7128, -74.0060, ZoneInfo("America/New_York"))
AUCKLAND = Place(-36.85, 174.76, ZoneInfo("Pacific/Auckland"))
MINUTE = timedelta(minutes=1)


def holy(
    place: Place, candles: int = 40, *, nightfall: int | None = None, is_israel: bool = True
) -> HolyDays:
    after_sunset = None if nightfall is None else nightfall * MINUTE
    return HolyDays(place, candles * MINUTE, 8.5, after_sunset, is_israel=is_israel)


def turns(days: HolyDays, since: str, until: str) -> list[str]:
    """When it begins and ends, by the clock of the place, to the minute."""
    at = datetime.fromisoformat(since).replace(tzinfo=days.place.zone).astimezone(UTC)
    end = datetime.fromisoformat(until).replace(tzinfo=days.place.zone).astimezone(UTC)
    found, before = [], days.covers(at)
    while at < end:
        at += MINUTE
        if days.covers(at) is not before:
            before = not before
            found.append(at.astimezone(days.place.zone).strftime("%a %H:%M"))
    return found


def test_a_shabbat_in_jerusalem() -> None:
    assert turns(holy(JERUSALEM), "2026-11-19", "2026-11-23") == ["Fri 15:58", "Sat 17:16"]


def test_two_days_of_rosh_hashana_after_a_shabbat_eve_are_one_time() -> None:
    """In 2026 it is on Saturday and Sunday, in Israel too."""
    assert turns(holy(JERUSALEM), "2026-09-10", "2026-09-15") == ["Fri 18:11", "Sun 19:25"]


def test_yom_tov_is_one_day_in_israel_and_two_elsewhere() -> None:
    """The first days of Sukkot in 2026 are a Saturday, and elsewhere the Sunday after it."""
    assert turns(holy(JERUSALEM), "2026-09-25", "2026-09-29")[-1].startswith("Sat")
    assert turns(holy(NEW_YORK, 18, is_israel=False), "2026-09-25", "2026-09-29")[-1].startswith("Sun")


def test_where_the_evening_is_another_day_in_utc() -> None:
    assert turns(holy(NEW_YORK, 18, is_israel=False), "2026-06-18", "2026-06-22") == [
        "Fri 20:13",
        "Sat 21:22",
    ]
    assert turns(holy(AUCKLAND, 18, is_israel=False), "2026-11-19", "2026-11-23") == [
        "Fri 19:56",
        "Sat 20:59",
    ]


def test_it_ends_so_long_after_sunset_where_that_is_asked_for() -> None:
    by_sun = turns(holy(JERUSALEM), "2026-11-20", "2026-11-23")[1]
    by_minutes = turns(holy(JERUSALEM, nightfall=72), "2026-11-20", "2026-11-23")[1]

    assert (by_sun, by_minutes) == ("Sat 17:16", "Sat 17:50")


@pytest.mark.parametrize("year", [2026, 2027, 2028])
def test_there_are_as_many_holy_days_as_there_are(year: int) -> None:
    """Seven days of Yom Tov a year in Israel; elsewhere twelve or thirteen. Some fall on a Shabbat."""
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    weekdays = [day for day in days if day.weekday() != 5]
    at_home = sum(is_holy(day, is_israel=True) for day in weekdays)
    abroad = sum(is_holy(day, is_israel=False) for day in weekdays)

    assert 3 <= at_home <= 7
    assert at_home < abroad <= 13
    assert all(is_holy(day, is_israel=True) for day in days if day.weekday() == 5)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 9, 21), True),  # Yom Kippur
        (date(2026, 9, 30), False),  # a half-holiday of Sukkot
        (date(2026, 3, 3), False),  # Purim
        (date(2026, 4, 2), True),  # the first day of Pesach
        (date(2026, 4, 8), True),  # the seventh
        (date(2026, 4, 9), False),  # the eighth is a day of the diaspora
        (date(2026, 7, 23), False),  # the ninth of Av is a fast, and a working day
    ],
)
def test_days_of_one_year_in_israel(day: date, *, expected: bool) -> None:
    assert is_holy(day, is_israel=True) is expected


def test_the_end_of_a_time_is_known_from_any_moment_in_it() -> None:
    days = holy(JERUSALEM)
    for moment in ("2026-11-20T16:00", "2026-11-21T17:15"):
        at = datetime.fromisoformat(moment).replace(tzinfo=JERUSALEM.zone)
        assert days.ends(at).astimezone(JERUSALEM.zone).strftime("%a %H:%M") == "Sat 17:15"
    before = datetime(2026, 11, 18, tzinfo=UTC)
    assert days.ends(before) == before


def test_days_that_follow_each_other_end_as_one() -> None:
    """Shabbat, and Rosh Hashana's second day on the Sunday."""
    days = holy(JERUSALEM)
    now = datetime(2026, 9, 12, 9, tzinfo=UTC)
    found = lasting([Quiet(days.covers, None, days.ends)], now)

    assert found is not None
    assert found.until is not None
    assert found.until.astimezone(JERUSALEM.zone).strftime("%a %H:%M") == "Sun 19:24"


@pytest.mark.parametrize(
    ("place", "since"),
    [
        (JERUSALEM, "2026-03-06T12:00"),
        (JERUSALEM, "2026-03-07T20:00"),
        (JERUSALEM, "2026-09-10T12:00"),  # Rosh Hashana on Shabbat
        (NEW_YORK, "2026-03-31T12:00"),  # Passover, of two days
        (AUCKLAND, "2026-11-22T12:00"),
    ],
)
def test_it_says_when_shabbat_or_a_holiday_begins_next(place: Place, since: str) -> None:
    days = holy(place)
    moment = datetime.fromisoformat(since).replace(tzinfo=place.zone)
    begin = days.begins(moment)
    first, *_ = turns(days, since, (moment + timedelta(days=9)).replace(tzinfo=None).isoformat())

    assert days.covers(begin)
    assert not days.covers(begin - timedelta(seconds=1))
    assert (begin + MINUTE).astimezone(place.zone).strftime("%a %H:%M") == first
