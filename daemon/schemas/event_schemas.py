"""What each event type says, for programs: JSON Schemas, made of the rows that stand where the types are
declared. `/openapi.json` has them as its webhooks, `yemotd events types` and `docs/events.md` show the same.

They describe the body as it is stored, and as every endpoint gets it that wants nothing else. More fields may
come with a later version: nothing forbids them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.core.alert_shape import ALERT
from daemon.core.event_types import KINDS, OPT_IN, ROWS
from daemon.core.model import AlertKind, EventRow, Schema
from daemon.core.routing.plan import DIRECTED
from daemon.core.shapes import always, maybe, moment, record, text, whole

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class EventType:
    """One event type, as people and programs are shown it."""

    name: str
    row: EventRow
    kind: AlertKind | None
    """None: a fact."""

    @property
    def counterpart(self) -> str | None:
        """Of an alert's type the other one: what takes it back, or what that takes back."""
        if self.kind is None:
            return None
        return self.kind.resolves if self.name == self.kind.fires else self.kind.fires

    @property
    def is_by_default(self) -> bool:
        """Whether a bare `*` in an endpoint's `events` asks for it."""
        return self.name not in OPT_IN

    @property
    def is_directed(self) -> bool:
        """Whether it is for one endpoint alone."""
        return self.name in DIRECTED

    def schema(self) -> dict[str, Any]:
        """Of its body."""
        alert = {"alert": ALERT} if self.kind else {}
        data = record(
            {
                "id": text("`evt_…`: the same in every attempt, and the `webhook-id`."),
                "system": maybe(text("By its name; null: it is of the daemon itself.")),
                "sequence": whole("Grows by one with every event of a system."),
                "subject": text("What it is about: `sip/0773137770`, `queue/5`."),
                **self.row.data,
                **alert,
            },
            optional={
                **self.row.optional,
                "superseded": whole(
                    "Added on the way, where it is there: how many older messages of the same subject it "
                    "stands for."
                ),
            },
        )
        return {
            **record(
                {
                    "type": always(self.name),
                    "timestamp": moment("When the daemon observed it, in UTC."),
                    "data": data,
                }
            )
        }

    def document(self) -> dict[str, Any]:
        """As `yemotd events types --json` has it, one a line."""
        return {
            "type": self.name,
            "kind": "alert" if self.kind else "fact",
            "counterpart": self.counterpart,
            "by_default": self.is_by_default,
            "one_endpoint_only": self.is_directed,
            "when": self.row.when,
            "schema": {"$schema": DIALECT, **self.schema()},
        }


def event_types() -> list[EventType]:
    """All of them, in the order in which they are declared."""
    kinds = {name: kind for kind in KINDS.values() for name in (kind.fires, kind.resolves)}
    return [EventType(name, row, kinds.get(name)) for name, row in ROWS.items()]


def webhooks() -> dict[str, Any]:
    """The `webhooks` of the OpenAPI document: what endpoints are sent, by type."""
    return {one.name: {"post": _operation(one)} for one in event_types()}


def _operation(one: EventType) -> dict[str, Any]:
    return {
        "summary": one.row.when,
        "tags": ["webhooks"],
        "requestBody": {"required": True, "content": {"application/json": {"schema": one.schema()}}},
        "responses": {"2XX": {"description": "It was taken; anything else is tried again"}},
    }


@dataclass(frozen=True)
class Line:
    """One field of an event, as people are shown it."""

    path: str
    """`account.user_name`; `registrations[].uri` of what there may be many of."""
    type: str
    """In words: `text`, `number or null`."""
    is_optional: bool
    says: str


def lines(fields: Mapping[str, Schema], required: Sequence[str], under: str = "") -> list[Line]:
    """Fields and what is in them, in order, each on a line of its own."""
    found = []
    for name, shape in fields.items():
        path = f"{under}{name}"
        found.append(Line(path, type_of(shape), name not in required, str(shape.get("description", ""))))
        inner, mark = _inner(shape)
        properties, needed = inner.get("properties"), inner.get("required")
        if isinstance(properties, Mapping) and isinstance(needed, Sequence):
            of_it: Mapping[str, Any] = properties
            found += lines(of_it, [str(one) for one in needed], f"{path}{mark}.")
    return found


def fields_of(row: EventRow) -> list[Line]:
    """What a type carries beside what all do."""
    return lines({**row.data, **row.optional}, list(row.data))


def type_of(shape: Schema) -> str:
    """What a value may be, in words."""
    if "const" in shape:
        return _shown(shape["const"])
    if "enum" in shape:
        words = shape["enum"]
        return " or ".join(map(_shown, words)) if isinstance(words, list) else ""
    either = shape.get("anyOf")
    if isinstance(either, list):
        return " or ".join(type_of(one) for one in either if isinstance(one, Mapping))
    kind = shape.get("type")
    if kind == "array":
        items = shape["items"]
        return f"list of {type_of(items)}" if isinstance(items, Mapping) else "list"
    names = [one for one in (kind if isinstance(kind, list) else [kind]) if isinstance(one, str)]
    format_ = FORMATS.get(str(shape.get("format")))
    return " or ".join(format_ if format_ and one == "string" else NAMES[one] for one in names) or "anything"


FORMATS = {"date-time": "time", "date": "date"}
NAMES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "object": "object",
    "null": "null",
}


def _shown(value: object) -> str:
    return {"None": "null", "True": "true"}.get(str(value), f"`{value}`")


def _inner(shape: Schema) -> tuple[Schema, str]:
    """The object within a shape, and how a path into it is marked."""
    either = shape.get("anyOf")
    if isinstance(either, list):
        (shape,) = [one for one in either if isinstance(one, Mapping) and one.get("type") != "null"]
    if shape.get("type") == "array":
        items = shape.get("items")
        return (items, "[]") if isinstance(items, Mapping) else ({}, "")
    return shape, ""
