"""Parameters of actions on the simulator, read from JSON or TOML: all faults at once, each with its way out.

Pure. Which action takes which parameters stands in `actions`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from daemon.core import durations
from daemon.core.wording import closest, quoted

EnumT = TypeVar("EnumT", bound=Enum)
SHOWN = 60
"""Characters of a wrong value that are repeated."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what was given."""

    field: str
    message: str
    """With the value, and what was expected."""


@dataclass(frozen=True)
class Field:
    """One parameter."""

    name: str
    read: Callable[[object], object]
    """Raises ValueError that says what was expected."""
    is_required: bool = True


def optional(name: str, read: Callable[[object], object]) -> Field:
    """A parameter that may be left out."""
    return Field(name, read, is_required=False)


def read_all(fields: Sequence[Field], given: Mapping[str, object]) -> tuple[dict[str, Any], list[Problem]]:
    """The values of the parameters that were given, and everything that is wrong with them."""
    values: dict[str, Any] = {}
    problems = []
    for field in fields:
        if field.name not in given:
            if field.is_required:
                problems.append(Problem(field.name, f"missing; {_expectation(field)}"))
            continue
        try:
            values[field.name] = field.read(given[field.name])
        except ValueError as error:
            problems.append(Problem(field.name, f"{shown(given[field.name])}: {error}"))
    names = [field.name for field in fields]
    problems += [Problem(name, f"unknown; {suggestion(name, names)}") for name in given if name not in names]
    return values, problems


def suggestion(name: str, known: Sequence[str]) -> str:
    """Which of the known names may have been meant."""
    near = closest(name, known)
    if near is not None:
        return f"did you mean {quoted(near)}?"
    return f"known: {', '.join(known)}" if known else "there are none here"


def shown(value: object) -> str:
    """A wrong value, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def text(value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text")
    return value


def texts(value: object) -> list[str]:
    """A list of texts, at least one."""
    if not isinstance(value, list) or not value:
        raise ValueError("expected a list of texts")
    return [text(one) for one in value]


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def number(value: object) -> float:
    """From 0."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (math.isfinite(value) and value >= 0)
    ):
        raise ValueError("expected a number from 0")
    return float(value)


def count(value: object) -> int:
    """From 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("expected a whole number from 1")
    return value


def duration(value: object) -> timedelta:
    """`500ms`, `2s`."""
    if not isinstance(value, str):
        raise ValueError('expected a duration such as "500ms" or "2s"')
    return durations.parse(value)


def moment(value: object) -> datetime:
    """ISO 8601 with an offset; TOML has a type of its own for it."""
    expected = 'expected a time with an offset, such as "2026-11-23T09:15:00+02:00"'
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(expected) from None
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise ValueError(expected)
    return found


def day(value: object) -> date:
    """`YYYY-MM-DD`; TOML has a type of its own for it."""
    expected = 'expected a date such as "2026-11-23"'
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(expected) from None
    if not isinstance(found, date) or isinstance(found, datetime):
        raise ValueError(expected)
    return found


def among(known: Sequence[str]) -> Callable[[object], str]:
    """One of these names."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError(suggestion(str(value), known))
        return value

    return read


def one_of(kind: type[EnumT]) -> Callable[[object], EnumT]:
    """A member of an enumeration, by its value."""

    def read(value: object) -> EnumT:
        try:
            return kind(value)
        except ValueError:
            known = [str(member.value) for member in kind]
            raise ValueError(suggestion(str(value), known)) from None

    return read


def _expectation(field: Field) -> str:
    try:
        field.read(None)
    except ValueError as error:
        return str(error)
    return "it is needed"
