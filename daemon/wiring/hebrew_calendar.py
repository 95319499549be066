"""Shabbat and Yom Tov at a place, computed offline: the Hebrew calendar and the sun.

They begin some minutes before the sunset of the eve, and end at nightfall: when the sun is some degrees
below the horizon, or some minutes after sunset. Days that follow each other are one time.

It answers for every place and day. The evening of a day is asked of the place's own day, not of a day of
UTC: it is the half turn of the sun from the noon that is nearest to the clock's. Where the sun does not sink
so low on that day, the moment counts at which it is lowest (midnight by the sun); where it does not rise so
high, the one at which it is highest (noon by the sun). Both are what the evening comes to, the nearer a
place is to where there is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from math import acos, cos, degrees, radians, sin
from zoneinfo import ZoneInfo

from astral import sun as astral_sun
from astral.julian import julianday, julianday_to_juliancentury
from pyluach.dates import GregorianDate

from daemon.config.quiet import QuietSettings
from daemon.core.commands.policy import LONGEST_HOLIDAY
from daemon.core.durations import DAY, MINUTE

SATURDAY = 5
"""As `date.weekday` counts."""
STEP = timedelta(minutes=10)
"""How exact the end of a holiday is found."""
LATER = timedelta(minutes=30)
"""When to ask again where the calendar knows of no holiday."""
SUNSET_DEGREES = 50 / 60
"""How far below the horizon the sun's middle is when it has set: half its breadth, and what the air bends."""
MINUTES_OF_A_DEGREE = 4
"""How long the sky takes to turn by one."""
NOON = 12 * 60
"""In minutes of the sun's day."""
HALVINGS = 16
"""Of the half day in which an evening is looked for: down to less than a second."""
WEEK = 7
"""Days, of which one is a Shabbat."""
LONGEST_WITHOUT = 250
"""Days, and more than from one Yom Tov to the next: from Shemini Atzeret to Pesach in a leap year, 202."""
NEAR = (-2, -1, 0, 1, 2)
"""Days around a moment whose holiness can reach it, also where a clock is half a day off the sun."""


@dataclass(frozen=True)
class Place:
    """Where the sun sets."""

    latitude: float
    longitude: float
    """Degrees, north and east positive."""
    zone: ZoneInfo


@dataclass(frozen=True)
class HolyDays:
    """Shabbat and Yom Tov at one place, by one custom."""

    place: Place
    candle_lighting: timedelta
    """Before sunset."""
    nightfall_degrees: float
    nightfall: timedelta | None
    """After sunset; None: by `nightfall_degrees`."""
    is_israel: bool
    """One day of Yom Tov; two elsewhere."""
    has_shabbat: bool = True
    has_holidays: bool = True

    def covers(self, moment: datetime) -> bool:
        """Whether it is Shabbat or Yom Tov at a moment."""
        return any(self._begins(day) <= moment < self._ends(day) for day in self._near(moment))

    def ends(self, moment: datetime) -> datetime:
        """When the last of the holy days of a moment is over; the moment itself where there is none."""
        near = ((self._begins(day), self._ends(day)) for day in self._near(moment))
        return max((end for begin, end in near if begin <= moment < end), default=moment)

    def begins(self, moment: datetime) -> datetime:
        """When Shabbat or Yom Tov begins next: the first of their eves after a moment."""
        today = moment.astimezone(self.place.zone).date()
        within = WEEK if self.has_shabbat else LONGEST_WITHOUT
        days = (today + shift * DAY for shift in range(min(NEAR), within + max(NEAR) + 1))
        return min(begin for day in days if self._is_kept(day) and (begin := self._begins(day)) > moment)

    def _near(self, moment: datetime) -> Iterator[date]:
        today = moment.astimezone(self.place.zone).date()
        near = (today + shift * DAY for shift in NEAR)
        return (day for day in near if self._is_kept(day))

    def _is_kept(self, day: date) -> bool:
        return is_holy(
            day,
            is_israel=self.is_israel,
            has_shabbat=self.has_shabbat,
            has_holidays=self.has_holidays,
        )

    def _begins(self, day: date) -> datetime:
        return sinks(self.place, day - DAY, SUNSET_DEGREES) - self.candle_lighting

    def _ends(self, day: date) -> datetime:
        if self.nightfall is not None:
            return sinks(self.place, day, SUNSET_DEGREES) + self.nightfall
        return sinks(self.place, day, self.nightfall_degrees)


def holy_days(window: QuietSettings, zone: ZoneInfo) -> HolyDays:
    """Shabbat and Yom Tov as a window has them, or excepts them."""
    latitude, longitude, candles = window.sun
    has_shabbat, has_holidays = window.holy
    return HolyDays(
        Place(latitude, longitude, zone),
        candles,
        window.nightfall_degrees,
        window.nightfall,
        is_israel=window.israel,
        has_shabbat=has_shabbat,
        has_holidays=has_holidays,
    )


@lru_cache(maxsize=512)
def is_holy(day: date, *, is_israel: bool, has_shabbat: bool = True, has_holidays: bool = True) -> bool:
    """Whether a day is Shabbat or Yom Tov, or that of the two which is asked for; half-holidays are not, nor
    fasts but Yom Kippur."""
    if has_shabbat and day.weekday() == SATURDAY:
        return True
    hebrew = GregorianDate(day.year, day.month, day.day)
    return has_holidays and bool(hebrew.festival(israel=is_israel, include_working_days=False))


@lru_cache(maxsize=512)
def sinks(place: Place, day: date, below: float) -> datetime:
    """When the sun sinks so many degrees below the horizon in the evening of a place's own day, in UTC; where
    it does not, as the module says. Exact to some seconds; by the formulas of NOAA's solar calculator.

    By halves, not by turning to where the sun was found the time before: near a pole in spring and autumn,
    where it sinks by its way among the stars alone, that leaps from noon to midnight and back.
    """
    noon = _noon(place, day)
    before, after = 0.0, 180.0  # in degrees of the sky's turn from noon
    for _ in range(HALVINGS):
        middle = (before + after) / 2
        is_above = _turned(place.latitude, _turn(noon, middle), below) > middle
        before, after = (middle, after) if is_above else (before, middle)
    return _turn(noon, after)


def _turn(noon: datetime, turned: float) -> datetime:
    """When the sky has turned by so many degrees since noon."""
    return noon + MINUTES_OF_A_DEGREE * turned * MINUTE


def _noon(place: Place, day: date) -> datetime:
    """The noon by the sun that is nearest to the clock's on a day."""
    found = datetime(day.year, day.month, day.day, 12, tzinfo=place.zone).astimezone(UTC)
    for _ in range(2):  # the second time by what the sun's clock is at noon
        shown = (found.hour * 60 + found.minute + found.second / 60) + astral_sun.eq_of_time(_century(found))
        off = NOON - shown - MINUTES_OF_A_DEGREE * place.longitude
        found += ((off + NOON) % (2 * NOON) - NOON) * MINUTE
    return found


def _turned(latitude: float, moment: datetime, below: float) -> float:
    """By how many degrees the sky turns from noon until the sun is so low: 0 where it is never so high, 180
    where it is never so low. `moment`: for where the sun stands among the stars."""
    tilt, north = radians(astral_sun.sun_declination(_century(moment))), radians(latitude)
    reached = (sin(radians(-below)) - sin(north) * sin(tilt)) / (cos(north) * cos(tilt))
    return degrees(acos(min(max(reached, -1.0), 1.0)))


def _century(moment: datetime) -> float:
    return julianday_to_juliancentury(julianday(moment))


@cache
def _in_jerusalem() -> HolyDays:
    """As the windows have them there where nothing else is said."""
    return holy_days(QuietSettings(shabbat=True, place="jerusalem"), ZoneInfo("Asia/Jerusalem"))


def holiday_end(now: datetime) -> datetime:
    """When Shabbat or the holiday of a moment is over in Jerusalem; a while later where there is none.

    Candles are lit nowhere earlier than there, so the platform stops no sooner.
    """
    days, moment = _in_jerusalem(), now
    while days.covers(moment) and moment < now + LONGEST_HOLIDAY:
        moment += STEP
    return max(moment, now + LATER)
