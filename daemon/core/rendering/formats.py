"""How a stored event is told to one endpoint: whole or thin, redacted, in one of the formats. Pure.

The stored bytes go out as they are unless the endpoint wants something else; then the same bytes and the
same wish always give the same bytes, since they are signed, and sent again. Each format is a file in `wire/`
and a row here; `wire/seat.py` says what is in it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import Enum
from functools import cached_property
from typing import Any

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.rendering import names as naming
from daemon.core.rendering.hidden_fields import redacted
from daemon.core.rendering.wire import cloudevents, slack, standard
from daemon.core.rendering.wire.seat import Reader, Rendered, Wire

THIN = ("id", "system", "sequence", "subject", "superseded")
THIN_ALERT = ("incident", "status", "severity", "reason")


class Format(Enum):
    """What a body looks like: its word in the configuration, and what its file says of it."""

    STANDARD = "standard", standard.STANDARD
    CLOUDEVENTS = "cloudevents", cloudevents.STRUCTURED
    CLOUDEVENTS_BINARY = "cloudevents-binary", cloudevents.BINARY
    SLACK = "slack", slack.SLACK

    wire: Wire

    def __new__(cls, word: str, wire: Wire) -> "Format":
        one = object.__new__(cls)
        one._value_ = word
        one.wire = wire
        return one


@dataclass(frozen=True)
class Shape:
    """What one endpoint wants of a body."""

    format: Format = Format.STANDARD
    is_thin: bool = False
    """Ids, and how things stand; no content."""
    redact: tuple[str, ...] = ()
    """Dotted paths below `data`; lists are entered, and what stands there stands nowhere else either."""
    language: str = "en"
    """Of sentences: en or he."""
    has_names: bool = False
    """Whether `data.names` says how those are called that the event tells of."""
    zone: tzinfo = UTC
    """Of the times that people read."""
    base: str | None = None
    """What links to the page begin with; None: there are none."""
    fields: tuple[tuple[str, str], ...] = ()
    """What of the endpoint's own settings stands in the body."""
    is_templated: bool = False
    """Whether a template of the endpoint's says what is sent, and not the format."""

    @cached_property
    def is_plain(self) -> bool:
        """Whether the stored bytes go out as they are, where no names go with them."""
        return self.format is Format.STANDARD and not self.is_thin and not self.redact

    @cached_property
    def reader(self) -> Reader:
        """Who gets it."""
        return Reader(self.language, self.zone, self.is_thin, self.base, self.fields)

    @property
    def takes_names(self) -> bool:
        """Whether what an event was recorded with is of any matter: people are told names in any case."""
        return self.has_names or self.is_for_people

    @property
    def is_for_people(self) -> bool:
        """Whether there may be sentences in it."""
        return self.is_templated or self.format.wire.is_for_people


def render(body: bytes, shape: Shape, *, superseded: int = 0, names: str | None = None) -> Rendered:
    """One event's stored body as an endpoint wants it; `superseded`: older states that it stands for;
    `names`: as they were stored with it."""
    if not superseded and shape.is_plain and (names is None or not shape.has_names):
        return Rendered(body)
    event, contacts = prepared(body, shape, superseded=superseded, names=names)
    return shape.format.wire.write(event, shape.reader, contacts)


def prepared(
    body: bytes, shape: Shape, *, superseded: int = 0, names: str | None = None
) -> tuple[dict[str, Any], Contacts]:
    """What an endpoint may be told of an event, in whatever form; and how those are called whom it is of."""
    event = json.loads(body)
    if superseded:
        event["data"]["superseded"] = superseded
    if shape.redact:
        event = redacted(event, shape.redact)
    if shape.is_thin:
        event["data"] = _thin(event["data"])
    named = naming.told(event["data"], naming.read(names)) if names and shape.takes_names else {}
    if named and shape.has_names:
        event["data"]["names"] = named
    return event, Contacts.of(named.items()) if named and shape.is_for_people else NOBODY


def _thin(data: Mapping[str, Any]) -> dict[str, Any]:
    thin = {name: data[name] for name in THIN if name in data}
    if isinstance(alert := data.get("alert"), Mapping):
        thin["alert"] = {name: alert[name] for name in THIN_ALERT if name in alert}
    return thin
