"""What is shown to who may read, but neither texts of SMS nor rows of reports: the same documents, with
`[redacted]` for them.

Texts stand in the events `sms.*`, and in what the command `sms.log` gave back, which its events show, too;
rows in `report.row.added`. Who is sent an event may say back what it got: so what was answered to one with
texts is not shown either.
"""

import json
from collections.abc import Mapping
from typing import Any

from daemon.core.rendering import body as bodies

REDACTED = "[redacted]"
TEXTS = ("text", "raw_text")
"""The fields of a message that are its content."""
ROW = "row"
"""All of its fields are."""


def redacted(body: bytes) -> bytes:
    """An event's body with what is content as `[redacted]`; the same bytes where there is none."""
    if not any(f'"{one}":'.encode() in body for one in (*TEXTS, ROW)):
        return body
    document = json.loads(body)
    data = document["data"]
    hidden = {
        **data,
        **_each(data, "sms", _message),
        **_each(data, ROW, _row),
        **_each(data, "command", redacted_command),
    }
    return body if hidden == data else bodies.spelled({**document, "data": hidden})


def has_texts(body: bytes) -> bool:
    """Whether there is anything to hide in an event's body."""
    return redacted(body) is not body


def redacted_command(command: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a command with the texts of SMS, and the rows of a report, in its result as
    `[redacted]`."""
    return {**command, **_each(command, "result", _result)}


def _result(result: Mapping[str, Any]) -> dict[str, Any]:
    if result.get("report") is not None:
        return {**result, "report": REDACTED}
    messages = result.get("messages")
    if not isinstance(messages, list):
        return dict(result)
    return {**result, "messages": [_message(one) if isinstance(one, Mapping) else one for one in messages]}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    return {key: REDACTED if key in TEXTS and value else value for key, value in message.items()}


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(row, REDACTED)


def _each(document: Mapping[str, Any], key: str, hide: Any) -> dict[str, Any]:
    """The part of a document with this name, hidden; nothing where it has none."""
    part = document.get(key)
    return {key: hide(part)} if isinstance(part, Mapping) else {}
