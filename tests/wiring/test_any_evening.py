"""Every place, nightfall rule and day that a configuration accepts has an evening, and Shabbat an answer."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from astral import Observer
from astral import sun as astral_sun
from astral.julian import julianday, julianday_to_juliancentury
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from daemon.config.quiet import LONGEST_EVENING, PLACES, QuietSettings
from daemon.core.durations import DAY, HOUR, MINUTE, NOTHING
from daemon.wiring.hebrew_calendar import (
    NEAR,
    SUNSET_DEGREES,
    HolyDays,
    Place,
    holiday_end,
    holy_days,
    is_holy,
    sinks,
)

ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
DATES = st.dates(date(1900, 1, 1), date(2999, 12, 31))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
LATITUDES = st.floats(-90, 90) | st.sampled_from([-90.0, 90.0, 66.6, -66.6, 0.0, 40.7128])
LONGITUDES = st.floats(-180, 180) | st.sampled_from([-180.0, 180.0, 179.99, -74.006, 0.0])
DEGREES = st.floats(3, 12) | st.just(SUNSET_DEGREES)
EVENINGS = st.timedeltas(MINUTE, LONGEST_EVENING)
NEW_YORK = (40.7128, -74.006, ZoneInfo("America/New_York"))
REYKJAVIK = (64.1, -21.9, ZoneInfo("Atlantic/Reykjavik"))
NEAREST_TO_A_POLE = 89.8
"""Degrees; where a place is nearer, astral answers for this one."""
ALMOST = 0.05
"""Degrees: a third of a minute of the sky's turn at the equator."""


@st.composite
def windows(draw: st.DrawFn) -> tuple[QuietSettings, ZoneInfo]:
    """Whatever `[[webhooks.quiet]]` with `shabbat = true` is accepted with."""
    keys: dict[str, object] = {"shabbat": True, "israel": draw(st.booleans())}
    if draw(st.booleans()):
        keys |= {"latitude": draw(LATITUDES), "longitude": draw(LONGITUDES)}
    else:
        keys["place"] = draw(st.sampled_from(sorted(PLACES)))
    keys |= {"candle_lighting": draw(st.timedeltas(NOTHING, LONGEST_EVENING))} if draw(st.booleans()) else {}
    by_degrees = {"nightfall_degrees": draw(st.floats(3, 12))}
    keys |= {"nightfall": draw(EVENINGS)} if draw(st.booleans()) else by_degrees
    try:
        return QuietSettings.model_validate(keys), draw(ZONES)
    except ValidationError:
        return QuietSettings.model_validate({**keys, "nightfall": 72 * MINUTE}), draw(ZONES)


@given(windows(), MOMENTS)
@example((QuietSettings(shabbat=True, latitude=40.7128, longitude=-74.006), NEW_YORK[2]),
         datetime(2026, 5, 8, 6, tzinfo=UTC))  # fmt: skip
@example((QuietSettings.model_validate(
            {"shabbat": True, "latitude": 64.1, "longitude": -21.9, "nightfall": "60m"}), REYKJAVIK[2]),
         datetime(2026, 6, 19, tzinfo=UTC))  # fmt: skip
def test_every_window_answers_at_every_moment(window: tuple[QuietSettings, ZoneInfo], at: datetime) -> None:
    days = holy_days(*window)

    assert days.covers(at) in (True, False)


@given(LATITUDES, LONGITUDES, ZONES, DATES, DEGREES)
@example(*NEW_YORK, date(2026, 5, 8), SUNSET_DEGREES)
@example(90.0, 0.0, ZoneInfo("UTC"), date(2026, 6, 21), SUNSET_DEGREES)
@example(-90.0, 180.0, ZoneInfo("UTC"), date(2026, 6, 21), 12.0)
@example(89.8, 0.0, ZoneInfo("Africa/Abidjan"), date(2000, 9, 24), SUNSET_DEGREES)
def test_the_sun_stands_there_or_at_its_lowest_or_highest(
    latitude: float, longitude: float, zone: ZoneInfo, day: date, below: float
) -> None:
    """Asked of the sun's height by another way, as seen at that moment and at the two ends of the evening."""
    latitude = min(max(latitude, -NEAREST_TO_A_POLE), NEAREST_TO_A_POLE)
    found = sinks(Place(latitude, longitude, zone), day, below)
    noon, at, midnight = (height(latitude, longitude, one) for one in evening(longitude, zone, day, found))

    is_reached = midnight + ALMOST < -below < noon - ALMOST
    assert not is_reached or at == pytest.approx(-below, abs=ALMOST)
    assert midnight <= -below + ALMOST or at == pytest.approx(midnight, abs=ALMOST)
    assert noon >= -below - ALMOST or at == pytest.approx(noon, abs=ALMOST)


def test_at_a_pole_the_sun_sinks_by_its_way_among_the_stars() -> None:
    """Once a year, and there its height is its declination, whatever the hour."""
    found = sinks(Place(90.0, 0.0, ZoneInfo("UTC")), date(2000, 9, 24), SUNSET_DEGREES)
    tilt = astral_sun.sun_declination(julianday_to_juliancentury(julianday(found)))

    assert tilt == pytest.approx(-SUNSET_DEGREES, abs=ALMOST)


def evening(longitude: float, zone: ZoneInfo, day: date, found: datetime) -> list[datetime]:
    """Noon by the sun, what was found, and the midnight after it; it must lie between the two, and noon at
    the clock's own, give or take half a day."""
    clock = datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC)
    near = (astral_sun.noon(Observer(0, longitude), clock.date() + shift * DAY) for shift in (-2, -1, 0, 1))
    noon = max(one for one in near if one <= found + 3 * MINUTE)
    assert noon - 3 * MINUTE <= found <= noon + 12 * HOUR + 3 * MINUTE
    assert abs(noon - clock) <= 12 * HOUR + 3 * MINUTE
    return [noon, found, noon + 12 * HOUR]


def height(latitude: float, longitude: float, at: datetime) -> float:
    return astral_sun.elevation(Observer(latitude, longitude), at, with_refraction=False)


@given(st.floats(-60, 60), st.floats(-170, 170), DATES, DEGREES)
def test_the_evening_is_what_another_finds_where_it_finds_one(
    latitude: float, longitude: float, day: date, below: float
) -> None:
    """astral's own, asked of the three days of UTC that the evening may be in."""
    zone = ZoneInfo("Etc/GMT" + f"{-round(longitude / 15):+d}")
    found, theirs = sinks(Place(latitude, longitude, zone), day, below), []
    for shift in (-1, 0, 1):
        try:
            theirs.append(astral_sun.dusk(Observer(latitude, longitude), found.date() + shift * DAY, below))
        except ValueError:
            return

    assert min(abs(one - found) for one in theirs) < 10 * MINUTE


@given(LATITUDES, LONGITUDES, ZONES, DATES)
def test_evenings_follow_each_other_a_day_apart(
    latitude: float, longitude: float, zone: ZoneInfo, day: date
) -> None:
    """Also where the clock skips a day or an hour: none is left out, none comes twice."""
    place = Place(latitude, longitude, zone)
    before, after = (sinks(place, one, SUNSET_DEGREES) for one in (day, day + DAY))

    assert NOTHING <= after - before <= 3 * DAY


@cache
def shabbat_minutes(place: str) -> list[datetime]:
    days = holy_days(QuietSettings(shabbat=True, place=place), ZoneInfo("Asia/Jerusalem"))
    at = datetime(2026, 9, 1, tzinfo=UTC)
    return [at + n * HOUR for n in range(24 * 40) if days.covers(at + n * HOUR)]


def test_commands_and_windows_know_one_shabbat_in_jerusalem() -> None:
    """For each hour of Tishri: the command that is refused waits until the window is over, to the step."""
    window = holy_days(QuietSettings(shabbat=True), ZoneInfo("Asia/Jerusalem"))

    for at in shabbat_minutes("jerusalem"):
        end = holiday_end(at)
        assert not window.covers(end)
        assert end - at <= 30 * MINUTE or window.covers(end - 10 * MINUTE)


@given(windows(), DATES)
def test_a_shabbat_is_a_day_long(window: tuple[QuietSettings, ZoneInfo], day: date) -> None:
    """From Friday's evening to Saturday's; with the neighbours that are holy, too, it is longer."""
    days: HolyDays = holy_days(*window)
    saturday = day + (5 - day.weekday()) % 7 * DAY
    begins, ends = days._begins(saturday), days._ends(saturday)

    assert is_holy(saturday, is_israel=days.is_israel)
    assert timedelta(hours=10) <= ends - begins <= 2 * DAY + 2 * LONGEST_EVENING
    assert days.covers(begins)
    assert days.covers(ends - timedelta(seconds=1))
    shown = {(one.astimezone(days.place.zone).date() - saturday) // DAY for one in (begins, ends)}
    assert shown <= set(NEAR)
