"""The payload filter of an endpoint: conditions on what an event says. Pure.

Where both a value and the field can be a phone, they are compared as phones, whatever their spelling; else as
texts.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from daemon.core import phones
from daemon.core.model import Json


class Operator(Enum):
    """How a field is compared."""

    IS = "is"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"


@dataclass(frozen=True)
class Filter:
    """One condition; an event is told where all hold."""

    field: str
    """A dotted path below `data`, such as `sms.from`."""
    operator: Operator
    values: tuple[str, ...]
    """Any of them will do; with `NOT_IN` none may be."""


def _is_one_of(text: str, values: Sequence[str]) -> bool:
    return phones.key(text) in map(phones.key, values)


def _contains(text: str, values: Sequence[str]) -> bool:
    return any(one.casefold() in text.casefold() or phones.contains(text, one) for one in values)


def _starts_with(text: str, values: Sequence[str]) -> bool:
    return any(text.casefold().startswith(one.casefold()) or phones.begins_with(text, one) for one in values)


COMPARE: Mapping[Operator, Callable[[str, Sequence[str]], bool]] = {
    Operator.IS: _is_one_of,
    Operator.IN: _is_one_of,
    Operator.NOT_IN: lambda text, values: not _is_one_of(text, values),
    Operator.CONTAINS: _contains,
    Operator.STARTS_WITH: _starts_with,
}


def passes(payload: Mapping[str, Json], filters: Iterable[Filter]) -> bool:
    """Whether an event with this payload passes every filter.

    A filter on `sms.text` speaks of events that carry an `sms`; of others it says nothing, and they
    pass. Where the part is there and the field is not, the condition does not hold.
    """
    return all(_holds(payload, one) for one in filters)


def _holds(payload: Mapping[str, Json], one: Filter) -> bool:
    part, *rest = one.field.split(".")
    if part not in payload:
        return True
    value: Json = payload[part]
    for name in rest:
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None:
        return one.operator is Operator.NOT_IN
    text = value if isinstance(value, str) else _as_json(value)
    return COMPARE[one.operator](text, one.values) or _lists(value, one)


def _lists(value: Json, one: Filter) -> bool:
    """Whether a list, such as that of the accounts that dropped off, has one of these phones in it."""
    if one.operator is not Operator.CONTAINS or not isinstance(value, list):
        return False
    listed = {phones.phone(each) for each in value if isinstance(each, str)} - {None}
    return not listed.isdisjoint(map(phones.phone, one.values))


def _as_json(value: Json) -> str:
    """As it stands in the event's body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
