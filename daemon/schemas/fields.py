"""What may stand in a request: texts, times and durations that the store and a terminal can bear."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, StringConstraints, WithJsonSchema

from daemon.core import durations
from daemon.core.commands import command
from daemon.core.delivery import outcome
from daemon.core.timestamps import from_iso
from daemon.schemas.documents import words
from daemon.store.replay import Which

FIRST_YEAR, LAST_YEAR = 2000, 2200
"""Ours: a time outside of them is a slip, and near the ends of the calendar one overflows."""
LONGEST_LINE = 500
"""Enough for the name of any mailbox."""


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


Line = Annotated[str, StringConstraints(max_length=LONGEST_LINE), AfterValidator(_line)]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_line)]
Comment = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_line), AfterValidator(_said)]
Moment = Annotated[
    datetime, PlainValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Duration = Annotated[timedelta, PlainValidator(_duration), WithJsonSchema({"type": "string"})]
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
