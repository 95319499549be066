"""The body of an event: the bytes that every receiver, the API, the stream and the CLI show. Pure."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.model import Fact, Json
from daemon.core.numbers import shown
from daemon.core.timestamps import iso
from daemon.core.visible import escaped

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
# Made once: `json.dumps` makes one for each document.


def render(fact: Fact, *, event: str, system: str, sequence: int, at: datetime) -> bytes:
    """The body as minified JSON in UTF-8: `{"type", "timestamp", "data"}` of product.md.

    It is made once, when the event is written, and never again: signatures are over bytes.
    """
    document: dict[str, Json] = {
        "type": fact.type,
        "timestamp": iso(at),
        "data": {
            "id": event,
            "system": system or None,
            "sequence": sequence,
            "subject": fact.subject,
            **fact.payload,
        },
    }
    return spelled(document)


def spelled(document: Mapping[str, Any]) -> bytes:
    """A document as minified JSON in UTF-8, on one line."""
    text = _encode(document)
    # Half a surrogate pair is no text and has no UTF-8; what came with one is shown with a "?". What a
    # terminal would obey is escaped, so that it may show these bytes as they are.
    return escaped(text.encode("utf-8", "replace").decode()).encode()


def summary(body: Mapping[str, Any], contacts: Contacts = NOBODY) -> str:
    """What a body tells, in few words for one line; `body` is the parsed JSON of an event."""
    data = body["data"]
    words = [contacts.beside(str(data["subject"]))]
    if sms := data.get("sms"):
        words += _of_sms(sms)
    if threshold := data.get("threshold"):
        words.append(f"{threshold['metric']} {_figure(threshold['value'])}")
    if command := data.get("command"):
        words[0] = str(command["type"])
        if error := command["error"]:
            words.append(f"{error['class']}: {error['message']}")
    if alert := data.get("alert"):
        words.append(f"[{alert['severity']}] {alert.get('reason') or 'in hand: ' + str(data.get('by', '?'))}")
    if error := data.get("error"):
        words.append(f"{error['class']}: {error['message']}")
    return " · ".join(words)


def _of_sms(sms: Mapping[str, Any]) -> Iterator[str]:
    """What one says that came in; of one that went out, which is not told what it says, why it failed."""
    if "text" in sms:
        yield repr(sms["text"])
    elif reason := sms.get("reason"):
        yield str(reason)


def _figure(value: object) -> str:
    return shown(value) if isinstance(value, float) else str(value)
