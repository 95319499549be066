"""What webhooks and mailboxes have in common: what they are told, and when. Frozen models."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from daemon.configuration.values import (
    ClockTime,
    Duration,
    Number,
    Settings,
    Text,
    Timeout,
    Timezone,
    once,
    some,
)
from daemon.core.filters import Operator
from daemon.core.model import Severity

_FIELD = re.compile(r"[a-z_]+(\.[a-z_]+)*")

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = timedelta(minutes=1)

PLACES = {
    "jerusalem": (31.778, 35.235, 40 * MINUTE),
    "tel-aviv": (32.085, 34.782, 20 * MINUTE),
    "haifa": (32.794, 34.990, 30 * MINUTE),
    "beer-sheva": (31.252, 34.791, 20 * MINUTE),
    "bnei-brak": (32.084, 34.834, 20 * MINUTE),
    "petah-tikva": (32.087, 34.887, 40 * MINUTE),
    "eilat": (29.557, 34.952, 20 * MINUTE),
}
"""Latitude, longitude, and when candles are lit before sunset, by each place's custom."""
CANDLES = 18 * MINUTE
"""The same, elsewhere."""
NORTHERNMOST = 65
TILT = 23.45
"""Of the earth: how far the sun's height at midnight differs over the year, in degrees."""


class Quiet(Settings):
    """`[[webhooks.quiet]]`, `[[emails.quiet]]`: from a time to another, or Shabbat and Yom Tov."""

    start: ClockTime | None = Field(default=None, validation_alias="from")
    end: ClockTime | None = Field(default=None, validation_alias="to")
    days: Annotated[tuple[Day, ...], AfterValidator(some), AfterValidator(once)] = DAYS
    """On which it begins."""
    timezone: Timezone | None = None
    """None: the daemon's."""
    shabbat: Annotated[bool, Field(strict=True)] = False
    place: Literal[tuple(PLACES)] | None = None  # type: ignore[valid-type]
    latitude: Annotated[Number, Field(ge=-NORTHERNMOST, le=NORTHERNMOST)] | None = None
    longitude: Annotated[Number, Field(ge=-180, le=180)] | None = None
    candle_lighting: Duration | None = None
    """Before sunset; None: by the custom of the place."""
    nightfall: Timeout | None = None
    """After sunset; None: when the sun is `nightfall_degrees` below the horizon."""
    nightfall_degrees: Annotated[Number, Field(ge=3, le=12)] = 8.5
    israel: Annotated[bool, Field(strict=True)] = True
    """One day of Yom Tov; False: two."""
    break_through: Severity | None = None
    """Alerts of this severity and above are told all the same."""

    @property
    def sun(self) -> tuple[float, float, timedelta]:
        """Latitude, longitude, and the time of candle lighting before sunset."""
        latitude, longitude, candles = PLACES[self.place or "jerusalem"]
        if self.latitude is not None and self.longitude is not None:
            latitude, longitude, candles = self.latitude, self.longitude, CANDLES
        return latitude, longitude, candles if self.candle_lighting is None else self.candle_lighting

    @model_validator(mode="after")
    def _is_one_of_two_kinds(self) -> Self:
        if self.shabbat == (self.start is not None or self.end is not None):
            raise ValueError('give "from" and "to", or "shabbat = true"')
        if not self.shabbat and (self.start is None or self.end is None):
            raise ValueError('"from" and "to" go together')
        for_shabbat = ("place", "latitude", "longitude", "candle_lighting", "nightfall", "nightfall_degrees")
        odd = [name for name in (*for_shabbat, "israel") if name in self.model_fields_set]
        if not self.shabbat and odd:
            raise ValueError(f'"{odd[0]}" goes with "shabbat = true"')
        if self.shabbat and "days" in self.model_fields_set:
            raise ValueError('"days" goes with "from" and "to"')
        return self

    @model_validator(mode="after")
    def _knows_the_place(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError('"latitude" and "longitude" go together')
        if self.place is not None and self.latitude is not None:
            raise ValueError('give "place", or "latitude" and "longitude"')
        deepest = 90 - abs(self.sun[0]) - TILT
        if self.shabbat and self.nightfall is None and deepest <= self.nightfall_degrees:
            raise ValueError('in its summer nights the sun does not sink so low; give "nightfall" in minutes')
        return self


def _field(value: str) -> str:
    if not _FIELD.fullmatch(value):
        raise ValueError('expected a field of the event\'s data, such as "sms.text"')
    return value


def _lasting(value: str) -> str:
    if value.partition(".")[0] == "alert" and value != "alert.severity":
        raise ValueError('of an alert only "alert.severity" stays the same while it lasts')
    return value


FieldPath = Annotated[str, AfterValidator(_field)]


class Filter(Settings):
    """`[[webhooks.filters]]`, `[[emails.filters]]`: a condition on what an event says. All must hold."""

    field: Annotated[FieldPath, AfterValidator(_lasting)]
    equal: Text | None = Field(default=None, validation_alias="is")
    within: Annotated[tuple[Text, ...], AfterValidator(some)] | None = Field(
        default=None, validation_alias="in"
    )
    not_in: Annotated[tuple[Text, ...], AfterValidator(some)] | None = None
    contains: Annotated[tuple[Text, ...], AfterValidator(some)] | None = None
    starts_with: Annotated[tuple[Text, ...], AfterValidator(some)] | None = None

    @field_validator("contains", "starts_with", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def condition(self) -> tuple[Operator, tuple[str, ...]]:
        """The operator, and the values that it takes."""
        return self._conditions()[0]

    @model_validator(mode="after")
    def _has_one_condition(self) -> Self:
        if len(self._conditions()) != 1:
            raise ValueError('give one of "is", "in", "not_in", "contains" and "starts_with"')
        return self

    def _conditions(self) -> list[tuple[Operator, tuple[str, ...]]]:
        given = {
            Operator.IS: (self.equal,) if self.equal is not None else None,
            Operator.IN: self.within,
            Operator.NOT_IN: self.not_in,
            Operator.CONTAINS: self.contains,
            Operator.STARTS_WITH: self.starts_with,
        }
        return [(operator, values) for operator, values in given.items() if values is not None]


class Endpoint(Settings):
    """What `[[webhooks]]` and `[[emails]]` share."""

    events: tuple[Text, ...] = ("*",)
    systems: tuple[Text, ...] | None = None
    """None: all."""
    filters: tuple[Filter, ...] = ()
    redact: tuple[FieldPath, ...] = ()
    """Fields of the event's data that are not told."""
    expires: Duration | None = None
    """After so long an event is not worth telling any more; None or "0s": always."""
    min_severity: Severity = Severity.INFO
    """Of the alerts that it is told; facts have none."""
    after: Duration = timedelta(0)
    """It is told of an alert only when it has been firing for so long."""
    quiet: tuple[Quiet, ...] = ()


def no_repeat(value: Any) -> Any:
    """ "" is no repeat, where there is one by default."""
    return None if value == "" else value
