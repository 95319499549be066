"""A window of time as it is configured: from a time to another, or Shabbat and Yom Tov at a place."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from daemon.config.values import ClockTime, Duration, Number, Settings, Timezone, Wait, at_most, once, some
from daemon.core.durations import HOUR, MINUTE
from daemon.core.model import Severity

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HolyDay = Literal["shabbat", "holidays"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PLACES = {
    "jerusalem": (31.778, 35.235, 40 * MINUTE),
    "tel-aviv": (32.085, 34.782, 20 * MINUTE),
    "haifa": (32.794, 34.990, 30 * MINUTE),
    "beer-sheva": (31.252, 34.791, 20 * MINUTE),
    "bnei-brak": (32.084, 34.834, 20 * MINUTE),
    "petah-tikva": (32.087, 34.887, 40 * MINUTE),
    "eilat": (29.557, 34.952, 20 * MINUTE),
}
"""Latitude and longitude in degrees, north and east positive, and when candles are lit before sunset, by each
place's custom."""
CANDLES = 18 * MINUTE
"""The same, elsewhere, as Hebcal has it."""
NIGHTFALL_DEGREES = 8.5
"""How far below the horizon the sun is when three small stars are seen, as Hebcal reckons."""
LONGEST_EVENING = 6 * HOUR
"""Ours: of candles before sunset, and of nightfall after it."""
TILT = 23.45
"""Of the earth, 23.44 rounded up: how far the sun's height at midnight differs over the year, in degrees."""
OF_THE_SUN = (
    "place",
    "latitude",
    "longitude",
    "candle_lighting",
    "nightfall",
    "nightfall_degrees",
    "israel",
)
"""What only says something where Shabbat or Yom Tov is asked of the sun."""
BY_THE_CLOCK = {"days": "days", "except": "excepted"}


class QuietSettings(Settings):
    """`[[webhooks.quiet]]` and its like: from a time to another, or Shabbat and Yom Tov."""

    start: ClockTime | None = Field(default=None, validation_alias="from")
    end: ClockTime | None = Field(default=None, validation_alias="to")
    days: Annotated[tuple[Day, ...], AfterValidator(some), AfterValidator(once)] = DAYS
    """On which it begins."""
    timezone: Timezone | None = None
    """None: the daemon's."""
    shabbat: Annotated[bool, Field(strict=True)] = False
    holidays: Annotated[bool, Field(strict=True)] | None = None
    """Yom Tov; None: with `shabbat`."""
    excepted: Annotated[tuple[HolyDay, ...], AfterValidator(some), AfterValidator(once)] = Field(
        default=(), validation_alias="except"
    )
    """What is taken out of a window that goes by the clock: it does not last then."""
    place: Literal[tuple(PLACES)] | None = None  # type: ignore[valid-type]
    latitude: Annotated[Number, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[Number, Field(ge=-180, le=180)] | None = None
    candle_lighting: Annotated[Duration, AfterValidator(at_most(LONGEST_EVENING))] | None = None
    """Before sunset; None: by the custom of the place."""
    nightfall: Annotated[Wait, AfterValidator(at_most(LONGEST_EVENING))] | None = None
    """After sunset; None: when the sun is `nightfall_degrees` below the horizon."""
    nightfall_degrees: Annotated[Number, Field(ge=3, le=12)] = NIGHTFALL_DEGREES
    israel: Annotated[bool, Field(strict=True)] = True
    """One day of Yom Tov; False: two."""
    break_through: Severity | None = None
    """Alerts of this severity and above are told all the same."""

    @property
    def holy(self) -> tuple[bool, bool]:
        """Whether it is about Shabbat, and whether about Yom Tov: what it lasts for, or what is excepted."""
        if self.excepted:
            return "shabbat" in self.excepted, "holidays" in self.excepted
        return self.shabbat, self.shabbat if self.holidays is None else self.holidays

    @property
    def sun(self) -> tuple[float, float, timedelta]:
        """Latitude, longitude, and the time of candle lighting before sunset."""
        latitude, longitude, candles = PLACES[self.place or "jerusalem"]
        if self.latitude is not None and self.longitude is not None:
            latitude, longitude, candles = self.latitude, self.longitude, CANDLES
        return latitude, longitude, candles if self.candle_lighting is None else self.candle_lighting

    @property
    def where(self) -> str:
        """Of Shabbat: the place by its name, or where it is."""
        if self.latitude is not None and self.longitude is not None:
            return f"{self.latitude:g}, {self.longitude:g}"
        return self.place or "jerusalem"

    @model_validator(mode="after")
    def _is_one_of_two_kinds(self) -> Self:
        is_holy = self.shabbat or self.holidays is True
        if is_holy == (self.start is not None or self.end is not None):
            raise ValueError('give "from" and "to", or "shabbat = true", or "holidays = true"')
        if not is_holy and (self.start is None or self.end is None):
            raise ValueError('"from" and "to" go together')
        if not is_holy and self.holidays is False:
            raise ValueError('"holidays = false" goes with "shabbat = true"')
        odd = [name for name in OF_THE_SUN if name in self.model_fields_set]
        if not is_holy and not self.excepted and odd:
            raise ValueError(f'"{odd[0]}" goes with "shabbat = true", "holidays = true" or "except"')
        by_the_clock = [key for key, name in BY_THE_CLOCK.items() if name in self.model_fields_set]
        if is_holy and by_the_clock:
            raise ValueError(f'"{by_the_clock[0]}" goes with "from" and "to"')
        return self

    @model_validator(mode="after")
    def _knows_the_place(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError('"latitude" and "longitude" go together')
        if self.place is not None and self.latitude is not None:
            raise ValueError('give "place", or "latitude" and "longitude"')
        deepest = 90 - abs(self.sun[0]) - TILT
        if any(self.holy) and self.nightfall is None and deepest <= self.nightfall_degrees:
            raise ValueError('in its summer nights the sun does not sink so low; give "nightfall" in minutes')
        return self
