"""Every body that a test makes the daemon write, held to the schema that the daemon publishes of its type.

A schema lets more fields come with a later version; here none may that is not described.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs
import sqlalchemy as sa

from daemon.schemas.event_schemas import event_types

FREE = frozenset({"result", "params", "meta", "withdrawn"})
"""Fields in which others may say what they like."""


def closed(schema: Any) -> Any:
    """A schema that takes no field beside those that it describes, but within what is anybody's own."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    shut = {name: closed(one) for name, one in schema.items()}
    if "properties" in schema and "required" in schema:
        shut["additionalProperties"] = schema.get("description", "").startswith("Beside these")
    return shut


@cache
def _validators() -> Mapping[str, Any]:
    return {
        one.name: jsonschema_rs.Draft202012Validator(closed(one.schema()), validate_formats=True)
        for one in event_types()
    }


def faults(body: bytes | str | Mapping[str, Any]) -> list[str]:
    """What a body has that its schema does not say, or lacks."""
    document = body if isinstance(body, Mapping) else json.loads(body)
    validator = _validators().get(str(document["type"]))
    if validator is None:
        return [f"{document['type']}: no row describes it"]
    return [
        f"{document['type']} {'.'.join(map(str, one.instance_path))}: {one.message}"
        for one in validator.iter_errors(document)
    ]


BARE = frozenset({"id", "system", "sequence", "subject"})


class Listener:
    """Hears every event that is written to whatever store; of those that a test makes up itself, which say
    nothing beside what they are about, nothing is asked."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.heard = 0

    def __enter__(self) -> "Listener":
        sa.event.listen(sa.Engine, "before_cursor_execute", self._take)
        return self

    def __exit__(self, *_: object) -> None:
        sa.event.remove(sa.Engine, "before_cursor_execute", self._take)

    def _take(self, *given: Any) -> None:
        statement, values = given[2], given[3]
        if not statement.startswith("INSERT INTO events "):
            return
        for row in values if isinstance(values, list) else [values]:
            for one in row.values() if isinstance(row, Mapping) else row:
                if isinstance(one, bytes | str) and one[:1] in (b"{", "{"):
                    document = json.loads(one)
                    self.heard += 1
                    self.faults += [] if document["data"].keys() == BARE else faults(document)
