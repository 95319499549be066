"""The filters and tests that a template may use: values of JSON in, values of JSON out, none of them lazy.

Whoever calls one has paid for what it takes, and pays for what it gives; what may make more than it takes
says how much before it makes it.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any
from urllib.parse import quote

from jinja2 import Undefined

from daemon.core.rendering.clock_words import told_time
from daemon.core.templates.budget import LARGEST, Budget, is_scalar, kind_of
from daemon.core.templates.faults import TemplateFault
from daemon.core.templates.values import Written, as_json, as_text

LONGEST_CUT = 100_000
"""Ours. Signs that a filter may be asked to keep."""
MOST_DIGITS = 12
"""Behind the point, of `round`."""
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")

Operation = Callable[..., Any]


def _text(value: Any) -> str:
    if not is_scalar(value):
        raise TemplateFault(f"expected text, found {kind_of(value)}")
    return as_text(value)


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        return list(value)
    raise TemplateFault(f"expected a list, found {kind_of(value)}")


def number(value: Any) -> int | float:
    """A number, neither true nor false. Raises TemplateFault."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateFault(f"expected a number, found {kind_of(value)}")
    return value


def bounded(value: int | float) -> int | float:
    """A number that JSON has, and that is not too large. Raises TemplateFault."""
    if isinstance(value, int) and abs(value) > LARGEST:
        raise TemplateFault("a number becomes too large")
    if isinstance(value, float) and not math.isfinite(value):
        raise TemplateFault("a number becomes too large")
    return value


def _length(value: Any) -> int:
    if isinstance(value, str | list | Mapping):
        return len(value)
    raise TemplateFault(f"{kind_of(value)} has no length")


def _truncate(value: Any, length: int = 255, end: str = "…") -> str:
    """At most so many signs, the last words left out."""
    text, most = _text(value), _limit(length)
    if len(text) <= most:
        return text
    kept = text[: max(most - len(end), 0)]
    at = kept.rfind(" ")
    return ((kept[:at] if at > len(kept) // 2 else kept).rstrip() + end)[:most]


def _limit(length: Any) -> int:
    most = number(length)
    if not isinstance(most, int) or not 0 <= most <= LONGEST_CUT:
        raise TemplateFault(f"expected a whole number up to {LONGEST_CUT:,}")
    return most


def _replace(budget: Budget, value: Any, old: Any, new: Any) -> str:
    text, sought, put = _text(value), _text(old), _text(new)
    if not sought:
        raise TemplateFault("there is nothing to replace")
    budget.pay(text.count(sought) * len(put))
    return text.replace(sought, put)


def _join(budget: Budget, value: Any, between: Any = "", attribute: Any = None) -> str:
    these = [as_text(one) for one in _map(value, attribute=attribute)]
    link = _text(between)
    budget.pay(len(link) * len(these))
    return link.join(these)


def _map(value: Any, attribute: Any = None) -> list[Any]:
    """The same field of each; the values themselves where none is named."""
    return _list(value) if attribute is None else [_field(one, attribute) for one in _list(value)]


def _field(value: Any, path: Any) -> Any:
    for name in _text(path).split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise TemplateFault("one of the list has no field of this name")
        value = value[name]
    return value


_ABSENT = object()


def _select(value: Any, attribute: Any, equal: Any = _ABSENT) -> list[Any]:
    return [one for one in _list(value) if _has(one, attribute, equal)]


def _reject(value: Any, attribute: Any, equal: Any = _ABSENT) -> list[Any]:
    return [one for one in _list(value) if not _has(one, attribute, equal)]


def _has(one: Any, attribute: Any, equal: Any) -> bool:
    found = one.get(_text(attribute)) if isinstance(one, Mapping) else None
    return bool(found) if equal is _ABSENT else type(found) is type(equal) and bool(found == equal)


def _key(one: Any) -> tuple[int, Any]:
    """Numbers before texts, and nothing first of all."""
    if one is None:
        return 0, 0
    if isinstance(one, int | float):
        return 1, one
    return 2, _text(one).casefold()


def _sort(value: Any, attribute: Any = None, reverse: Any = False) -> list[Any]:
    these = _list(value)
    keys = [_key(one) for one in _map(these, attribute=attribute)]
    order = sorted(range(len(these)), key=lambda at: keys[at], reverse=bool(reverse))
    return [these[at] for at in order]


def _unique(value: Any) -> list[Any]:
    return list({_key(one): one for one in reversed(_list(value))}.values())[::-1]


def _sum(value: Any, attribute: Any = None) -> int | float:
    total: int | float = 0
    for one in _map(value, attribute=attribute):
        total = bounded(total + number(one))
    return total


def _least(value: Any, attribute: Any = None) -> Any:
    return min(_map(value, attribute=attribute), key=_key, default=None)


def _most(value: Any, attribute: Any = None) -> Any:
    return max(_map(value, attribute=attribute), key=_key, default=None)


def _first(value: Any) -> Any:
    return next(iter(value if isinstance(value, str) else _list(value)), None)


def _last(value: Any) -> Any:
    return (list(value)[-1:] if isinstance(value, str) else _list(value)[-1:] or [None])[0] if value else None


def _reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else _list(value)[::-1]


def _items(value: Any) -> list[list[Any]]:
    if not isinstance(value, Mapping):
        raise TemplateFault(f"expected an object, found {kind_of(value)}")
    return [[key, one] for key, one in value.items()]


def _int(value: Any, default: Any = 0) -> Any:
    if isinstance(value, str):
        return bounded(int(value)) if _INTEGER.fullmatch(value) else default
    return int(bounded(value)) if isinstance(value, int | float) else default


def _float(value: Any, default: Any = 0.0) -> Any:
    try:
        return bounded(float(value)) if is_scalar(value) and value is not None else default
    except (ValueError, OverflowError):
        return default


def _round(value: Any, precision: Any = 0) -> int | float:
    digits = number(precision)
    if not isinstance(digits, int) or not 0 <= digits <= MOST_DIGITS:
        raise TemplateFault(f"expected a whole number up to {MOST_DIGITS}")
    found = bounded(round(number(value), digits))
    return int(found) if digits == 0 else found


def _urlencode(value: Any) -> str:
    return quote(_text(value), safe="")


def _default(value: Any, instead: Any = "", also_empty: Any = False) -> Any:
    is_missing = isinstance(value, Undefined) or value is None or (also_empty and not value)
    return instead if is_missing else value


PLAIN: Mapping[str, Operation] = {
    "abs": lambda value: bounded(abs(number(value))),
    "capitalize": lambda value: _text(value).capitalize(),
    "count": _length,
    "first": _first,
    "float": _float,
    "int": _int,
    "items": _items,
    "last": _last,
    "length": _length,
    "list": _list,
    "lower": lambda value: _text(value).lower(),
    "map": _map,
    "max": _most,
    "min": _least,
    "rejectattr": _reject,
    "reverse": _reverse,
    "round": _round,
    "selectattr": _select,
    "sort": _sort,
    "string": as_text,
    "sum": _sum,
    "title": lambda value: _text(value).title(),
    "tojson": lambda value: Written(as_json(value)),
    "trim": lambda value: _text(value).strip(),
    "truncate": _truncate,
    "unique": _unique,
    "upper": lambda value: _text(value).upper(),
    "urlencode": _urlencode,
}
"""What makes no more than it takes, but for a small part."""
GROWING: Mapping[str, Operation] = {"join": _join, "replace": _replace}
"""What may make more, and pays for that itself."""
LENIENT: Mapping[str, Operation] = {"d": _default, "default": _default}
"""What takes also a value that is not there."""


def local(zone: tzinfo, language: str) -> Operation:
    """The filter `local`: a time of an event as people read it."""

    def told(value: Any) -> str:
        found = told_time(value, zone, language)
        if found is None:
            raise TemplateFault("expected a time as events have it, such as timestamp")
        return found

    return told


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TESTS: Mapping[str, Operation] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "undefined": lambda value: isinstance(value, Undefined),
    "none": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "mapping": lambda value: isinstance(value, Mapping),
    "sequence": _is_list,
    "even": lambda value: number(value) % 2 == 0,
    "odd": lambda value: number(value) % 2 == 1,
}
