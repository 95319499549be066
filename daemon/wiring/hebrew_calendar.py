"""Shabbat and Yom Tov at a place, computed offline: the Hebrew calendar and the sun.

They begin some minutes before the sunset of the eve, and end at nightfall: when the sun is some degrees
below the horizon, or some minutes after sunset. Days that follow each other are one time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from astral import Observer
from astral import sun as astral_sun
from pyluach.dates import GregorianDate

from daemon.config.quiet import NIGHTFALL_DEGREES, PLACES
from daemon.core.commands.policy import LONGEST_HOLIDAY
from daemon.core.durations import DAY

SATURDAY = 5
"""As `date.weekday` counts."""
STEP = timedelta(minutes=10)
"""How exact the end of a holiday is found."""
LATER = timedelta(minutes=30)
"""When to ask again where the calendar knows of no holiday."""


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

    def covers(self, moment: datetime) -> bool:
        """Whether it is Shabbat or Yom Tov at a moment."""
        today = moment.astimezone(self.place.zone).date()
        yesterday, tomorrow = today - DAY, today + DAY
        if self._is_holy(today):
            return self._is_holy(tomorrow) or moment < self._nightfall(today)
        if self._is_holy(tomorrow) and moment >= _sunset(self.place, today) - self.candle_lighting:
            return True
        return self._is_holy(yesterday) and moment < self._nightfall(yesterday)

    def _is_holy(self, day: date) -> bool:
        return is_holy(day, is_israel=self.is_israel)

    def _nightfall(self, day: date) -> datetime:
        if self.nightfall is not None:
            return _sunset(self.place, day) + self.nightfall
        return _dusk(self.place, day, self.nightfall_degrees)


@lru_cache(maxsize=64)
def is_holy(day: date, *, is_israel: bool) -> bool:
    """Whether a day is Shabbat or Yom Tov; half-holidays are not, nor fasts but Yom Kippur."""
    hebrew = GregorianDate(day.year, day.month, day.day)
    return day.weekday() == SATURDAY or bool(hebrew.festival(israel=is_israel, include_working_days=False))


@lru_cache(maxsize=64)
def _sunset(place: Place, day: date) -> datetime:
    return _of_the_sun(astral_sun.sunset, place, day)


@lru_cache(maxsize=64)
def _dusk(place: Place, day: date, degrees: float) -> datetime:
    return _of_the_sun(lambda observer, date: astral_sun.dusk(observer, date, degrees), place, day)


def _of_the_sun(find: Callable[[Observer, date], datetime], place: Place, day: date) -> datetime:
    """What the sun does in the evening of a local day. astral answers by days of UTC, so the evening may be
    filed under the day before or after."""
    observer = Observer(place.latitude, place.longitude)
    found = [find(observer, day + shift * DAY) for shift in (-1, 0, 1)]
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=place.zone)
    return min((one for one in found if one >= noon), key=lambda one: one - noon)


def holiday_end(now: datetime) -> datetime:
    """When Shabbat or the holiday of a moment is over in Jerusalem; a while later where there is none.

    Candles are lit nowhere earlier than there, so the platform stops no sooner.
    """
    latitude, longitude, candles = PLACES["jerusalem"]
    place = Place(latitude, longitude, ZoneInfo("Asia/Jerusalem"))
    days = HolyDays(place, candles, NIGHTFALL_DEGREES, None, is_israel=True)
    moment = now
    while days.covers(moment) and moment < now + LONGEST_HOLIDAY:
        moment += STEP
    return max(moment, now + LATER)
