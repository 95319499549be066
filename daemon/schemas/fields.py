"""What may stand in a request: texts, times and durations that the store and a terminal can bear."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated

from pydantic import (
    AfterValidator,
    GetJsonSchemaHandler,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from daemon.core import durations
from daemon.core.commands import command
from daemon.core.delivery import outcome
from daemon.core.timestamps import from_iso
from daemon.schemas.documents import words
from daemon.store.replay import Which

PRINTABLE = r"[^\u0000-\u001f\u007f-\u009f]"
"""For the description, as all patterns here are: what it says has to be what is taken, to the letter."""
LINE = f"^{PRINTABLE}*$"
SAID = rf"^{PRINTABLE}*[^\s\u0000-\u001f\u007f-\u009f]{PRINTABLE}*$"
_UNIT = {"d": 3, "h": 4, "m": 6, "s": 8, "ms": 10}
"""Digits of which even all together are no more than ten years."""
_PARTS = "".join(f"([0-9]{{1,{digits}}}{unit})?" for unit, digits in _UNIT.items())
DURATION = f"^(?=[0-9]){_PARTS}$|^([12][0-9]{{3}}|3[0-5][0-9]{{2}}|36[0-4][0-9]|3650)d$"
"""Ten years at most. More digits are taken where they come to no more; the description leaves them out."""
_DAYS = "|".join(
    (
        "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])",
        "(0[469]|11)-(0[1-9]|[12][0-9]|30)",
        "02-(0[1-9]|1[0-9]|2[0-8])",
    )
)
_LEAP_YEARS = "20([02468][048]|[13579][26])|21(0[48]|[2468][048]|[13579][26])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
DAY = f"(2[01][0-9]{{2}}-({_DAYS})|({_LEAP_YEARS})-02-29)"
"""Of the years from 2000 to 2199, and such as there are."""
MOMENT = f"^{DAY}T{_TIME}$"
"""RFC 3339. What ISO 8601 has beside that is taken, too."""
FIRST_YEAR, LAST_YEAR = 2000, 2200
"""Ours: a time outside of them is a slip, and near the ends of the calendar one overflows."""
LONGEST_LINE = 500
"""Enough for the name of any mailbox."""


@dataclass(frozen=True)
class Described:
    """What stands in the description of a field, too; a check of ours does what it says."""

    pattern: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}


def _line(text: str) -> str:
    """Only control characters are refused: Hebrew comes with marks that are not printable by themselves."""
    if any(one < " " or "\x7f" <= one < "\xa0" for one in text):
        raise ValueError("expected text on one line, without control characters")
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


def _moment(value: object) -> datetime:
    moment = from_iso(value)
    if moment is None:
        raise ValueError("expected a time with its offset, such as 2026-11-23T18:00:00+02:00 or …Z")
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise ValueError(f"expected a time between {FIRST_YEAR} and {LAST_YEAR}")
    return moment.astimezone(UTC)


def _one_of(enum: type[Enum]) -> Callable[[str], str]:
    known = [one.value for one in enum]

    def check(word: str) -> str:
        if word not in known:
            raise ValueError(f"expected one of {', '.join(map(repr, known))}")
        return word

    return check


def _duration(value: object) -> timedelta:
    if not isinstance(value, str):
        raise ValueError('expected a duration such as "30s" or "5m"')
    return durations.parse(value)


Line = Annotated[
    str, StringConstraints(max_length=LONGEST_LINE), AfterValidator(_line), Described(pattern=LINE)
]
Glob = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_line), Described(pattern=LINE)
]
Comment = Annotated[
    str,
    StringConstraints(max_length=1000),
    AfterValidator(_line),
    AfterValidator(_said),
    Described(pattern=SAID),
]
Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT}),
]
Duration = Annotated[
    timedelta, PlainValidator(_duration), WithJsonSchema({"type": "string", "pattern": DURATION})
]
# Texts: an enum would be a component of its own in the OpenAPI document, and two are called `Status`.
DeliveryStatus = Annotated[
    str,
    AfterValidator(_one_of(outcome.Status)),
    WithJsonSchema({"type": "string", **words(outcome.Status)}),
]
CommandStatus = Annotated[
    str,
    AfterValidator(_one_of(command.Status)),
    WithJsonSchema({"type": "string", **words(command.Status)}),
]
WhichEvents = Annotated[
    str, AfterValidator(_one_of(Which)), WithJsonSchema({"type": "string", **words(Which)})
]
