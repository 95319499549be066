"""The payload filter of an endpoint: conditions on what an event says. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

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


COMPARE: Mapping[Operator, Callable[[str, Sequence[str]], bool]] = {
    Operator.IS: lambda text, values: text in values,
    Operator.IN: lambda text, values: text in values,
    Operator.NOT_IN: lambda text, values: text not in values,
    Operator.CONTAINS: lambda text, values: any(one.casefold() in text.casefold() for one in values),
    Operator.STARTS_WITH: lambda text, values: text.casefold().startswith(
        tuple(one.casefold() for one in values)
    ),
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
    return COMPARE[one.operator](value if isinstance(value, str) else _as_json(value), one.values)


def _as_json(value: Json) -> str:
    """As it stands in the event's body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
