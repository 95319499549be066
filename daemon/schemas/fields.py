"""What may stand in a request: texts, times and durations that the store and a terminal can bear."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
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

from daemon.core import durations, search, when
from daemon.core.commands import command
from daemon.core.delivery import outcome
from daemon.core.timestamps import with_offset
from daemon.core.when import Towards
from daemon.schemas.documents import DAYS, words
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
CLOCK_TIME = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
FIRST_YEAR, LAST_YEAR = 2000, 2200
"""Ours: a time outside of them is a slip, and near the ends of the calendar one overflows."""
HOUR = "([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
WHEN = f"{MOMENT[:-1]}$|{DURATION}|^(now|(today|yesterday|tomorrow)( {HOUR})?|{HOUR})$"
"""A moment as people write it. What `core/when.py` has beside that is taken, too."""
QUESTION = "^[A-Za-z0-9]{1,20}( [A-Za-z0-9]{1,20}){0,8}$"
"""What is looked for in texts. Every script is taken; the description says what surely is."""
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


def on_one_line(text: str) -> str:
    """The text as it is, or a ValueError. Only control characters are refused: Hebrew comes with marks that
    are not printable by themselves."""
    if any(one < " " or "\x7f" <= one < "\xa0" for one in text):
        raise ValueError("expected text on one line, without control characters")
    return text


def said(text: str) -> str:
    """The text without blanks around it; a ValueError where there is nothing else."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


def _moment(value: object) -> datetime:
    moment = with_offset(value)
    if moment is None:
        raise ValueError("expected a time with its offset, such as 2026-11-23T18:00:00+02:00 or …Z")
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise ValueError(f"expected a time between {FIRST_YEAR} and {LAST_YEAR}")
    return moment.astimezone(UTC)


def _when(text: str) -> str:
    """What it comes to depends on when it is asked, and where; that it names a moment does not."""
    when.moment(text, _ANY_TIME, UTC, towards=Towards.PAST)
    return text


def _question(text: str) -> str:
    search.terms(text)
    return text


_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def _one_of(enum: type[Enum]) -> Callable[[str], str]:
    known = [one.value for one in enum]

    def check(word: str) -> str:
        if word not in known:
            raise ValueError(f"expected one of {', '.join(map(repr, known))}")
        return word

    return check


def _clock_time(value: object) -> time:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and re.fullmatch(CLOCK_TIME, value):
        return time.fromisoformat("00:00" if value == "24:00" else value)
    raise ValueError('expected a time of day such as "22:00"')


def _day(value: object) -> str:
    if value not in DAYS:
        raise ValueError(f"expected one of {', '.join(map(repr, DAYS))}")
    return str(value)


def _duration(value: object) -> timedelta:
    if not isinstance(value, str):
        raise ValueError('expected a duration such as "30s" or "5m"')
    return durations.parse(value)


Line = Annotated[
    str, StringConstraints(max_length=LONGEST_LINE), AfterValidator(on_one_line), Described(pattern=LINE)
]
Glob = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(on_one_line), Described(pattern=LINE)
]
Comment = Annotated[
    str,
    StringConstraints(max_length=1000),
    AfterValidator(on_one_line),
    AfterValidator(said),
    Described(pattern=SAID),
]
When = Annotated[str, AfterValidator(_when), WithJsonSchema({"type": "string", "pattern": WHEN})]
Question = Annotated[
    str,
    StringConstraints(max_length=search.LONGEST_QUESTION),
    AfterValidator(on_one_line),
    AfterValidator(_question),
    WithJsonSchema({"type": "string", "maxLength": search.LONGEST_QUESTION, "pattern": QUESTION}),
]
Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT}),
]
Duration = Annotated[
    timedelta, PlainValidator(_duration), WithJsonSchema({"type": "string", "pattern": DURATION})
]
ClockTime = Annotated[
    time, PlainValidator(_clock_time), WithJsonSchema({"type": "string", "pattern": CLOCK_TIME})
]
Day = Annotated[str, PlainValidator(_day), WithJsonSchema({"type": "string", "enum": list(DAYS)})]
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
