"""How a stored event is told to one endpoint: whole or thin, redacted, in one of the formats. Pure.

The stored bytes go out as they are unless the endpoint wants something else; then the same bytes and the
same wish always give the same bytes, since they are signed, and sent again.

A format is one file in `wire/` and one row in `Format`. The row makes it a word of `format = "…"` in the
configuration, of `/openapi.json`, and of every test that goes through all formats (any event in any shape,
text that is only text); the file, which has the name of the word, gives a `WIRE`, and is loaded where it is
used. What it has to say:

    write          the body of an event, made anew for each attempt: the same event gives the same bytes
    is_signed      False: its receiver knows no signature, so no signing secret is asked for. One that is
                   given signs all the same, for a relay of one's own
    is_for_people  sentences, so `language`, the names of contacts and the zone are of matter to it, and one
                   goes out at a time
    judge          what a whole answer means, where its status does not say all. It is asked of every
                   answer, successes too, gets what the status means, and gives that back or better. It never
                   raises, whatever the other side says
    needs, takes   settings of its own, such as a bot's token, which `check_token` judges; `place` makes the
                   address of them

Strangers' text is made the service's own kind of text by the format, within its limits. Where an event goes,
and who may read it, is no matter of a format.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from enum import Enum
from functools import cached_property
from importlib import import_module
from typing import Any, NamedTuple

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.delivery.outcome import Outcome
from daemon.core.rendering import names as naming

JSON_TYPE = "application/json"
THIN = ("id", "system", "sequence", "subject", "superseded")
THIN_ALERT = ("incident", "status", "severity", "reason")


class Rendered(NamedTuple):
    """A body with the headers that belong to its form. A tuple: one is made for each attempt."""

    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


class Reader(NamedTuple):
    """Who gets it, as far as a body goes by that."""

    language: str = "en"
    """Of sentences: en or he."""
    zone: tzinfo = UTC
    """Of the times that people read."""
    is_thin: bool = False
    """Whether it is told ids and how things stand, and no content."""
    base: str | None = None
    """What links to the page begin with; None: there are none."""
    fields: tuple[tuple[str, str], ...] = ()
    """What of the endpoint's own settings stands in the body: a chat, a topic."""

    def field(self, name: str) -> str:
        """One of them; "" where there is none."""
        return dict(self.fields).get(name, "")


class Answer(NamedTuple):
    """What a receiver said: all of it is a stranger's."""

    status: int
    lines: Sequence[bytes]
    """Of its head, as they came; those of interim answers before it come first."""
    body: bytes
    """As much of it as is read: it may break off anywhere."""

    def header(self, name: str) -> str | None:
        """The value of a header, by its name in small letters; None where there is none. The last counts."""
        for line in reversed(self.lines):
            key, colon, value = line.partition(b":")
            if colon and key.strip().lower() == name.encode():
                return value.strip().decode("utf-8", "replace")
        return None


class Verdict(NamedTuple):
    """What an answer means."""

    outcome: Outcome
    retry_after: timedelta | None = None
    """How long it asks to be left alone; `outcome.pause` bounds what it is granted."""
    why: str | None = None
    """What is wrong, for people, in the words of the service; None: its status says enough."""


class Given(NamedTuple):
    """What the configuration says of where an endpoint's messages go."""

    url: str
    settings: Mapping[str, str]
    """Those of its own that a format needs or takes, secrets as they are."""


class Place(NamedTuple):
    """Where they go: the address of each request, and what of the settings stands in it."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    """What stands in the body: `Reader.fields`."""


def _as_given(given: Given) -> Place:
    return Place(given.url)


def _any_token(_token: str) -> None:
    """Whatever a header can carry."""


Write = Callable[[Mapping[str, Any], Reader, Contacts], Rendered]
Judge = Callable[[Verdict, Answer], Verdict]


@dataclass(frozen=True)
class Wire:
    """One format."""

    write: Write
    is_signed: bool = True
    is_for_people: bool = False
    is_http: bool = True
    """False: its body is handed to Apprise, which makes requests of it, and says yes or no."""
    judge: Judge | None = None
    """None: the status says it all, and the body of an answer is not looked at."""
    needs: frozenset[str] = frozenset()
    """Settings of the endpoint that must be there, beside its `url`."""
    takes: frozenset[str] = frozenset()
    """All that it has a use for, with those that it needs."""
    check_token: Callable[[str], None] = _any_token
    """Raises ValueError, without a part of it, for what is no token of the service's."""
    place: Callable[[Given], Place] = _as_given
    """Where requests go. Raises ValueError, without a part of a secret, for what leads nowhere."""


class Format(Enum):
    """What a body looks like, by its word in the configuration."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"
    CLOUDEVENTS_BINARY = "cloudevents-binary"
    SLACK = "slack"
    TELEGRAM = "telegram"
    NTFY = "ntfy"
    APPRISE = "apprise"
    ALERTMANAGER = "alertmanager"

    @cached_property
    def wire(self) -> Wire:
        """What its file says of it."""
        file = import_module(f"daemon.core.rendering.wire.{self.value.replace('-', '_')}")
        wire: Wire = file.WIRE
        return wire


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
        is_told = self.format is not Format.STANDARD and self.format.wire.is_for_people
        return self.is_templated or is_told


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
        from daemon.core.rendering.hidden_fields import redacted  # noqa: PLC0415 - few hide anything

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


def written(document: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """A document as JSON is sent: short, in UTF-8, the same each time. Raises ValueError for numbers that
    JSON does not have."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
