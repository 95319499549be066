"""JSON Schemas of what events say, put together in few words: one for each field, with what it means. Pure.

They are written where the event types are declared (`EventRow`), and everything that describes an event is
made of them: `/openapi.json`, `yemotd events types`, `docs/events.md`. What is not listed as `optional` is
always there; what may be there without a value says so by `maybe`.
"""

from collections.abc import Mapping, Sequence

from daemon.core.model import AlertKind, EventRow, Json, Schema


def text(says: str = "") -> Schema:
    """Any text."""
    return _with({"type": "string"}, says)


def whole(says: str = "") -> Schema:
    """A number without a fraction."""
    return _with({"type": "integer"}, says)


def number(says: str = "") -> Schema:
    """Any number."""
    return _with({"type": "number"}, says)


def flag(says: str = "") -> Schema:
    """Yes or no."""
    return _with({"type": "boolean"}, says)


def moment(says: str = "") -> Schema:
    """A time with its offset: RFC 3339."""
    return _with({"type": "string", "format": "date-time"}, says)


def day(says: str = "") -> Schema:
    """A date."""
    return _with({"type": "string", "format": "date"}, says)


def one_of(words: Sequence[str], says: str = "") -> Schema:
    """One of these words."""
    return _with({"type": "string", "enum": list(words)}, says)


def always(value: Json, says: str = "") -> Schema:
    """This value and no other."""
    return _with({"const": value}, says)


def listed(items: Schema, says: str = "") -> Schema:
    """As many as there are, or none."""
    return _with({"type": "array", "items": items}, says)


def by_name(values: Schema, says: str = "") -> Schema:
    """A value for each of some names, which are nobody's to know before."""
    return _with({"type": "object", "additionalProperties": values}, says)


def anything(says: str = "") -> Schema:
    """What others made up: nothing is promised of it."""
    return _with({}, says)


def record(
    fields: Mapping[str, Schema], says: str = "", *, optional: Mapping[str, Schema] | None = None
) -> Schema:
    """An object with these fields; those that are `optional` may be missing."""
    every = {**fields, **(optional or {})}
    return _with({"type": "object", "properties": every, "required": list(fields)}, says)


def maybe(shape: Schema) -> Schema:
    """The same, or null: unknown, or there is none."""
    says, kind = str(shape.get("description", "")), shape.get("type")
    bare = {name: value for name, value in shape.items() if name != "description"}
    if kind in ("object", "array") or kind is None:
        return _with({"anyOf": [bare, {"type": "null"}]}, says)
    words = bare.get("enum")
    more = {"enum": [*words, None]} if isinstance(words, list) else {}
    return _with({**bare, "type": [kind, "null"], **more}, says)


def pair(kind: AlertKind, fires: str, resolves: str, data: Mapping[str, Schema]) -> dict[str, EventRow]:
    """The rows of both sides of an alert, which say the same of what it is about."""
    return {kind.fires: EventRow(fires, data), kind.resolves: EventRow(resolves, data)}


def _with(shape: dict[str, Json], says: str) -> Schema:
    return {**shape, "description": says} if says else shape
