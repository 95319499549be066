"""Observations as what JSON can say, and back: by the fields of their classes, of whatever kind. Pure.

What a class leaves out of its comparison (`compare=False`) says nothing, and is left out here as well.
"""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from sys import modules
from typing import Any

from daemon.core import model
from daemon.core.model import Json

Decode = Callable[[Any], Any]
MILLISECOND = timedelta(milliseconds=1)


def dumped(value: Any) -> Json:
    """A value of a frozen class as what JSON can say. Raises TypeError for what nobody can write down."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): dumped(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [dumped(one) for one in value]
    if isinstance(value, AbstractSet):
        return sorted((dumped(one) for one in value), key=str)
    return _dumped(value)


def _dumped(value: Any) -> Json:
    if isinstance(value, Enum):
        return dumped(value.value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value // MILLISECOND
    if is_dataclass(value):
        return {one.name: dumped(getattr(value, one.name)) for one in fields(value) if one.compare}
    raise TypeError(f"{type(value).__name__} cannot be written down")


def loaded(of: type, stored: Json) -> Any:
    """The value of a class that was `dumped`. Raises AttributeError, LookupError, TypeError or ValueError for
    what is none of this release: another may have had other fields."""
    return _decoder(of)(stored)


@cache
def _decoder(hint: Any) -> Decode:
    if is_dataclass(hint):
        return _of_class(hint)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _of_several([one for one in inner if one is not types.NoneType])
    if origin is not None and issubclass(origin, Mapping):
        return _of_mapping(*inner)
    if origin is not None and issubclass(origin, Sequence | AbstractSet):
        return _of_many(origin, inner)
    return _of_one(hint)


def _of_class(of: Any) -> Decode:
    known = {**vars(model), **vars(modules[of.__module__])}
    hints = typing.get_type_hints(of, known, {"Json": Any})
    decoders = {one.name: _decoder(hints[one.name]) for one in fields(of) if one.compare and one.init}

    def decode(value: Any) -> Any:
        return of(**{name: decoders[name](one) for name, one in value.items()})

    return decode


def _of_several(hints: Sequence[Any]) -> Decode:
    """None, or the one that is no plain value of JSON; of several plain ones each is as it stands."""
    decode = _decoder(hints[0]) if len(hints) == 1 else _as_it_is
    return lambda value: None if value is None else decode(value)


def _of_mapping(key: Any, value: Any) -> Decode:
    of_key, of_value = _decoder(key), _decoder(value)
    return lambda found: {of_key(one): of_value(its) for one, its in found.items()}


def _of_many(origin: type, inner: Sequence[Any]) -> Decode:
    make: Callable[[Any], Any] = origin if origin in (list, set, frozenset) else tuple
    if origin is tuple and Ellipsis not in inner:
        each = [_decoder(one) for one in inner]
        return lambda found: tuple(decode(one) for decode, one in zip(each, found, strict=True))
    of_one = _decoder(inner[0])
    return lambda found: make(map(of_one, found))


def _of_one(hint: Any) -> Decode:
    if hint in (date, datetime):
        parse: Decode = hint.fromisoformat
        return parse
    if hint is timedelta:
        return lambda value: value * MILLISECOND
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return float if hint is float else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
