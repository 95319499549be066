"""How a stored event is told to one endpoint: whole or thin, redacted, as CloudEvents or for Slack. Pure.

The stored bytes go out as they are unless the endpoint wants something else; then the same bytes and the
same wish always give the same bytes, since they are signed, and sent again.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import quote

from daemon.core.phrases import sentence

JSON_TYPE = "application/json"
CLOUDEVENTS_TYPE = "application/cloudevents+json; charset=UTF-8"
REDACTED = "[redacted]"
SHORTEST_HIDDEN = 3
"""Characters of a redacted value from which on it is looked for elsewhere, too."""
SEQUENCE_DIGITS = 20
SLACK_CHARACTERS = 3000
"""The most that a section's text may have."""
ALIASES: Mapping[str, tuple[str, ...]] = {"sms.text": ("sms.raw_text",)}
"""Fields that tell the same in another way."""
THIN = ("id", "system", "sequence", "subject", "superseded")
THIN_ALERT = ("incident", "status", "severity", "reason")


class Format(Enum):
    """What a body looks like."""

    STANDARD = "standard"
    """`{"type", "timestamp", "data"}`, as Standard Webhooks suggests."""
    CLOUDEVENTS = "cloudevents"
    """CloudEvents 1.0, structured: attributes and data in the body."""
    CLOUDEVENTS_BINARY = "cloudevents-binary"
    """CloudEvents 1.0, binary: attributes as headers, data as the body."""
    SLACK = "slack"
    """One sentence, as Slack's incoming webhooks take it."""


@dataclass(frozen=True)
class Shape:
    """What one endpoint wants of a body."""

    format: Format = Format.STANDARD
    is_thin: bool = False
    """Ids, and how things stand; no content."""
    redact: tuple[str, ...] = ()
    """Dotted paths below `data`; lists are entered."""
    language: str = "en"
    """Of sentences: en or he."""

    @property
    def is_plain(self) -> bool:
        """Whether the stored bytes go out as they are."""
        return self.format is Format.STANDARD and not self.is_thin and not self.redact


@dataclass(frozen=True)
class Rendered:
    """A body with the headers that belong to its form."""

    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


def render(body: bytes, shape: Shape, *, superseded: int = 0) -> Rendered:
    """One event's stored body as an endpoint wants it; `superseded`: older states that it stands for."""
    if not superseded and shape.is_plain:
        return Rendered(body)
    event = json.loads(body)
    if superseded:
        event["data"]["superseded"] = superseded
    if shape.redact:
        event = _redacted(event, shape.redact)
    if shape.is_thin:
        event["data"] = _thin(event["data"])
    return _FORMATS[shape.format](event, shape)


def _standard(event: Mapping[str, Any], _shape: Shape) -> Rendered:
    return Rendered(_bytes(event))


def _cloudevents(event: Mapping[str, Any], _shape: Shape) -> Rendered:
    document = {**_attributes(event), "datacontenttype": JSON_TYPE, "data": event["data"]}
    return Rendered(_bytes(document), CLOUDEVENTS_TYPE)


def _cloudevents_binary(event: Mapping[str, Any], _shape: Shape) -> Rendered:
    # Printable ASCII stands for itself; quotes, percent signs and all else are percent-encoded as UTF-8.
    plain = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
    headers = tuple((f"ce-{name}", quote(value, safe=plain)) for name, value in _attributes(event).items())
    return Rendered(_bytes(event["data"]), JSON_TYPE, headers)


def _slack(event: Mapping[str, Any], shape: Shape) -> Rendered:
    text = _slack_text(sentence(event, shape.language))
    system = _slack_text(str(event["data"].get("system") or "yemotd"))
    context = f"{system} · {event['timestamp']} · {_slack_text(event['type'])}"
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": context, "verbatim": True}]},
    ]
    return Rendered(_bytes({"text": text, "blocks": blocks}))


_FORMATS = {
    Format.STANDARD: _standard,
    Format.CLOUDEVENTS: _cloudevents,
    Format.CLOUDEVENTS_BINARY: _cloudevents_binary,
    Format.SLACK: _slack,
}


def _attributes(event: Mapping[str, Any]) -> dict[str, str]:
    """The context attributes of CloudEvents 1.0, and the extensions `sequence` and `partitionkey`."""
    data = event["data"]
    system = data.get("system")
    return {
        "specversion": "1.0",
        "id": data["id"],
        "source": f"urn:yemotd:{quote(system, safe='')}" if system else "urn:yemotd",
        "type": event["type"],
        "time": event["timestamp"],
        "subject": data["subject"],
        "sequence": str(data["sequence"]).zfill(SEQUENCE_DIGITS),
        "partitionkey": data["subject"],
    }


def _thin(data: Mapping[str, Any]) -> dict[str, Any]:
    thin = {name: data[name] for name in THIN if name in data}
    if isinstance(alert := data.get("alert"), Mapping):
        thin["alert"] = {name: alert[name] for name in THIN_ALERT if name in alert}
    return thin


def _redacted(event: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The event without what stands at these paths, nor elsewhere what stood there."""
    hidden: set[str] = set()
    data = event["data"]
    for path in paths:
        for each in (path, *ALIASES.get(path, ())):
            data = _without(data, each.split("."), hidden)
    sought = [one for one in hidden if len(one) >= SHORTEST_HIDDEN]
    longest_first = sorted(sought, key=lambda one: (-len(one), one))
    kept = {name: event["data"][name] for name in ("id", "system", "sequence")}
    return {**event, "data": {**_scrubbed(data, longest_first), **kept}}


def _without(value: Any, path: list[str], hidden: set[str]) -> Any:
    """A copy in which what stands at a path is redacted; what stood there joins `hidden`."""
    if isinstance(value, list):
        return [_without(one, path, hidden) for one in value]
    if not path:
        if value is not None:
            hidden.update(_texts(value))
        return REDACTED
    if not isinstance(value, Mapping) or path[0] not in value:
        # A path that ends at the members of a list: `accounts.unregistered.user_name` of plain names.
        return value
    return {**value, path[0]: _without(value[path[0]], path[1:], hidden)}


def _texts(value: Any) -> Iterable[str]:
    """Every text within a value."""
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def _scrubbed(value: Any, hidden: list[str]) -> Any:
    """A copy in which these texts occur nowhere."""
    if isinstance(value, Mapping):
        return {name: _scrubbed(one, hidden) for name, one in value.items()}
    if isinstance(value, list):
        return [_scrubbed(one, hidden) for one in value]
    if isinstance(value, str):
        for text in hidden:
            value = value.replace(text, REDACTED)
    return value


def _slack_text(text: str) -> str:
    """A text in which Slack finds no link, no mention and no markup, cut to what it takes."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A sign of no width after what begins markup: *bold*, _italic_, ~struck~, `code`, and @channel.
    for sign in "*_~`@":
        escaped = escaped.replace(sign, sign + "\u200b")
    return escaped if len(escaped) <= SLACK_CHARACTERS else escaped[: SLACK_CHARACTERS - 1] + "…"


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
