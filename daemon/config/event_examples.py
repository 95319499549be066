"""A body of every event type, and of each what else may come of its type: what templates are judged by.

The bodies stand in `event_examples.json` beside this, as the daemon's own code wrote them (`make events`).
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from daemon.core.alert_shape import ALERT
from daemon.core.event_types import ALERT_TYPES, ROWS
from daemon.core.model import Schema

FILE = Path(__file__).with_name("event_examples.json")


@cache
def examples() -> Mapping[str, Mapping[str, Any]]:
    """A body of every type. Not to be changed."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_bytes())
    return found


def variants(event_type: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies of a type, each with what is special about it, for people: as it mostly is; without whatever
    may be missing; and with null wherever nobody may know."""
    body = examples()[event_type]
    row = ROWS[event_type]
    alert = {"alert": ALERT} if event_type in ALERT_TYPES else {}
    required = {**row.data, **alert}
    kept = {name: one for name, one in body["data"].items() if name not in row.optional}
    yield "", {**body, "data": dict(body["data"])}
    yield "where nothing is there that may be missing", {**body, "data": _bare(kept, required)}
    yield "where nobody knows what may be null", {**body, "data": _unknown(body["data"], required)}


def _bare(data: Mapping[str, Any], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    return {name: _without(one, schemas.get(name, {})) for name, one in data.items()}


def _without(value: Any, schema: Any) -> Any:
    """A value without the fields that its schema does not ask for."""
    inner = _inner(schema)
    if isinstance(value, list):
        return [_without(one, inner.get("items", {})) for one in value]
    fields = inner.get("properties")
    if not isinstance(value, dict) or fields is None:
        return value
    asked = inner.get("required", ())
    return {name: _without(one, fields[name]) for name, one in value.items() if name in asked}


def _unknown(data: Mapping[str, Any], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    return {name: _nulled(one, schemas.get(name, {})) for name, one in data.items()}


def _nulled(value: Any, schema: Any) -> Any:
    """A value with null wherever its schema lets it be."""
    if _may_be_null(schema):
        return None
    if isinstance(value, list):
        return [_nulled(one, schema.get("items", {})) for one in value]
    fields = schema.get("properties")
    if not isinstance(value, dict) or fields is None:
        return value
    return {name: _nulled(one, fields.get(name, {})) for name, one in value.items()}


def _may_be_null(schema: Any) -> bool:
    kind = schema.get("type")
    either = schema.get("anyOf", ())
    return (isinstance(kind, list) and "null" in kind) or {"type": "null"} in either


def _inner(schema: Any) -> Any:
    """Of what may be null, what it is where it is not."""
    either = schema.get("anyOf", ())
    return next((one for one in either if one != {"type": "null"}), schema)
