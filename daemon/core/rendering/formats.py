"""How a stored event is told to one endpoint: whole or thin, redacted, as CloudEvents or for Slack. Pure.

The stored bytes go out as they are unless the endpoint wants something else; then the same bytes and the
same wish always give the same bytes, since they are signed, and sent again.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote

from daemon.core import phones
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.model import Failure, Reason, Severity
from daemon.core.rendering import names as naming

JSON_TYPE = "application/json"
CLOUDEVENTS_TYPE = "application/cloudevents+json; charset=UTF-8"
REDACTED = "[redacted]"
SHORTEST_HIDDEN, SHORTEST_WITHIN = 3, 6
"""Characters of a redacted value from which on it is looked for elsewhere: as a whole word, and then also
within one. Shorter ones are in too much that has nothing to do with them."""
SEQUENCE_DIGITS = 20
"""Of CloudEvents' extension `sequence`, which is compared as text: every number of 64 bits fits."""
SLACK_CHARACTERS = 3000
"""The most that the text of a section has in Slack's Block Kit, by its reference of blocks."""
SLACK_ESCAPES: Mapping[str, str] = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    # A sign of no width after what begins markup: *bold*, _italic_, ~struck~, `code`, and @channel.
    **{sign: sign + "\u200b" for sign in "*_~`@"},
}
ALIASES: Mapping[str, str] = {
    "sms.text": "sms.raw_text",
    "account.user_name": "accounts.unregistered.user_name",
    "callback.phone": "digest.systems.callbacks.phone",
}
"""Fields that tell the same in another way."""
SUBJECTS: Mapping[str, str] = {
    "sms.from": "sms/",
    "account.user_name": "sip/",
    "queue.path": "queue/",
    "directory.path": "directory/",
    "endpoint.name": "endpoint/",
}
"""Fields that subjects are made of. An event without the field (a digest) may have such a subject, too."""
HELD = "quiet.incidents"
"""Where a digest lists incidents, each of which says what its own event says."""
OUR_WORDS = {one.value for words in (Severity, Reason, Failure) for one in words} | {"firing", "resolved"}
OUR_NAMES = re.compile(r"[a-z][a-z_]*")
"""Keys that we made, in contrast to those of the API's (phones, call ids)."""
DATES = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?)?|\d\d:\d\d:\d\d \d{4}-\d\d-\d\d"
)
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
    """Dotted paths below `data`; lists are entered, and what stands there stands nowhere else either."""
    language: str = "en"
    """Of sentences: en or he."""
    has_names: bool = False
    """Whether `data.names` says how those are called that the event tells of."""
    zone: tzinfo = UTC
    """Of the times that people read."""

    @cached_property
    def is_plain(self) -> bool:
        """Whether the stored bytes go out as they are, where no names go with them."""
        return self.format is Format.STANDARD and not self.is_thin and not self.redact

    @property
    def takes_names(self) -> bool:
        """Whether what an event was recorded with is of any matter: people are told names in any case."""
        return self.has_names or self.format is Format.SLACK


class Rendered(NamedTuple):
    """A body with the headers that belong to its form. A tuple: one is made for each attempt."""

    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


def render(body: bytes, shape: Shape, *, superseded: int = 0, names: str | None = None) -> Rendered:
    """One event's stored body as an endpoint wants it; `superseded`: older states that it stands for;
    `names`: as they were stored with it."""
    if not superseded and shape.is_plain and (names is None or not shape.has_names):
        return Rendered(body)
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
    if shape.format is Format.SLACK:
        return _slack(event, shape, Contacts.of(named.items()) if named else NOBODY)
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


def _slack(event: Mapping[str, Any], shape: Shape, contacts: Contacts) -> Rendered:
    # All words that there are: whoever sends no sentence, or only lists what was sent, need not load them.
    from daemon.core.rendering.clock_words import told_time  # noqa: PLC0415
    from daemon.core.rendering.phrases import notice, sentence, type_name  # noqa: PLC0415

    if shape.is_thin:
        text = _slack_text(notice(event, shape.language, contacts))
    else:
        text = _slack_text(sentence(event, shape.language, contacts, shape.zone))
    system = _slack_text(str(event["data"].get("system") or "yemotd"))
    at = told_time(event["timestamp"], shape.zone, shape.language) or str(event["timestamp"])
    context = f"{system} · {at} · {_slack_text(type_name(event['type'], shape.language))}"
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": context, "verbatim": True}]},
    ]
    return Rendered(_bytes({"text": text, "blocks": blocks}))


_FORMATS = {
    Format.STANDARD: _standard,
    Format.CLOUDEVENTS: _cloudevents,
    Format.CLOUDEVENTS_BINARY: _cloudevents_binary,
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


def redacted(event: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The event without what stands at these paths, nor elsewhere what stood there."""
    wished = tuple(paths)
    hidden: set[str] = set()
    data = event["data"]
    paths_of_one = (*wished, *(alias for field, alias in ALIASES.items() if _covers(wished, field)))
    for path in (*paths_of_one, *(f"{HELD}.{path}" for path in paths_of_one)):
        data = _without(data, path.split("."), hidden)
    subjects = tuple(kind for field, kind in SUBJECTS.items() if _covers(wished, field))
    kept = {name: event["data"][name] for name in ("id", "system", "sequence")}
    return {**event, "data": {**_Scrub(hidden, subjects).clean(data), **kept}}


def _covers(paths: Iterable[str], field: str) -> bool:
    return any(f"{field}.".startswith(f"{path}.") for path in paths)


def _without(value: Any, path: list[str], hidden: set[str]) -> Any:
    """A copy in which what stands at a path is redacted; what stood there joins `hidden`."""
    if not path:
        hidden.update(_texts(value))
        return REDACTED
    if isinstance(value, list):
        # The members of `accounts.unregistered` are names themselves: `….user_name` means them, too.
        return [_without(one, path if isinstance(one, Mapping | list) else [], hidden) for one in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    return {**value, path[0]: _without(value[path[0]], path[1:], hidden)}


def _texts(value: Any) -> Iterable[str]:
    """Every text within a value."""
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


class _Scrub:
    """Takes texts out of all that is left, and the names out of subjects of some kinds."""

    def __init__(self, hidden: Iterable[str], subjects: tuple[str, ...]) -> None:
        self._hidden = {text for one in hidden if len(text := one.strip()) >= SHORTEST_HIDDEN}
        self._subjects = subjects
        longest_first = sorted(self._hidden, key=lambda one: (-len(one), one))
        # Nothing is as good as what cannot match.
        spelled = filter(None, map(phones.pattern, longest_first))
        self._pattern = re.compile("|".join([*spelled, *map(_sought, longest_first)]) or r"(?!)")

    def clean(self, value: Any) -> Any:
        """A copy in which these texts occur nowhere."""
        if isinstance(value, Mapping):
            return self._clean_mapping(value)
        if isinstance(value, list):
            return [self.clean(one) for one in value]
        return self._clean_text(value) if isinstance(value, str) else value

    def _clean_mapping(self, value: Mapping[str, Any]) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        for name, one in value.items():
            shown = name if OUR_NAMES.fullmatch(name) else self._clean_text(name)
            if shown in cleaned:
                shown = f"{shown} ({len(cleaned)})"
            is_subject = name == "subject" and isinstance(one, str)
            cleaned[shown] = self._clean_subject(one) if is_subject else self.clean(one)
        return cleaned

    def _clean_subject(self, subject: str) -> str:
        kind, slash, name = subject.partition("/")
        if not slash:
            return self._clean_text(subject)
        return kind + slash + (REDACTED if subject.startswith(self._subjects) else self._clean_text(name))

    def _clean_text(self, text: str) -> str:
        if text == REDACTED or text in OUR_WORDS:
            return text
        if DATES.fullmatch(text):
            # An SMS that says "2026" must not break the dates of its event.
            return REDACTED if text in self._hidden else text
        return self._pattern.sub(REDACTED, text)


def _sought(text: str) -> str:
    """A pattern for a text: anywhere, or as a whole word where it is short."""
    if len(text) >= SHORTEST_WITHIN:
        return re.escape(text)
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w$", text) else ""
    return before + re.escape(text) + after


def _slack_text(text: str) -> str:
    """A text in which Slack finds no link, no mention and no markup, cut to what it takes."""
    shown: list[str] = []
    length = 0
    for sign in text.replace("://", ":\u200b//"):
        escaped = SLACK_ESCAPES.get(sign, sign)
        length += len(escaped)
        if length >= SLACK_CHARACTERS:
            return "".join(shown) + "…"
        shown.append(escaped)
    return "".join(shown)


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
