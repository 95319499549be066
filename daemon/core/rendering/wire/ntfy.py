"""A message to a topic of ntfy, and what its server answers.

"Publish as JSON" of ntfy's documentation, to the root of the server. From 4096 bytes on the server makes a
file of a message, and a document of more than twice that it does not take; a title has at most 200
characters. Priorities go from 1 to 5, 3 is that of what says none. A failure is JSON with `code` (its first
three digits are the status), `http` and `error`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from daemon.core.contacts import Contacts
from daemon.core.delivery.outcome import Outcome
from daemon.core.rendering.formats import Answer, Given, Place, Reader, Rendered, Verdict, Wire, written
from daemon.core.rendering.wire.answers import parsed
from daemon.core.rendering.wire.words import OPEN, Said, fitted, said

MESSAGE_BYTES = 4095
DOCUMENT_BYTES = 2 * 4096
TITLE_CHARACTERS = 200
URGENT, HIGH, USUAL = 5, 4, 3
SPENT = {42905, 42908}
"""Codes: all that may be sent in a day was sent."""
SPENT_FOR = timedelta(hours=1)
"""Ours. The day of the server ends at an hour that nobody says."""
OF_THE_TOPIC = {40009, 40010}
"""Codes: the name of the topic is none that the server takes."""
NOT_THEIRS = Verdict(Outcome.FAILED, None, "no answer of ntfy's: something in between gave it")
_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")


def _write(event: Mapping[str, Any], reader: Reader, contacts: Contacts) -> Rendered:
    told = said(event, reader, contacts)
    around: dict[str, Any] = {
        "topic": reader.field("topic"),
        "title": fitted(told.system, lambda one: len(one) <= TITLE_CHARACTERS),
        "priority": _priority(told),
    }
    if tag := _tag(told):
        around["tags"] = [tag]
    if told.link:
        around |= {
            "click": told.link,
            "actions": [{"action": "view", "label": OPEN[reader.language], "url": told.link}],
        }

    def document(sentence: str) -> dict[str, Any]:
        return {**around, "message": f"{sentence}\n{told.context}"}

    def fits(sentence: str) -> bool:
        whole = document(sentence)
        return len(whole["message"].encode()) <= MESSAGE_BYTES and len(written(whole)) <= DOCUMENT_BYTES

    return Rendered(written(document(fitted(told.sentence, fits))))


def _priority(told: Said) -> int:
    if told.severity == "critical":
        return URGENT
    return HIGH if told.is_serious else USUAL


def _tag(told: Said) -> str | None:
    """The short name of an emoji, which stands before the title."""
    if told.is_over:
        return "white_check_mark"
    if told.severity is None:
        return None
    return "rotating_light" if told.is_serious else "warning"


def _judge(by_status: Verdict, answer: Answer) -> Verdict:
    found = parsed(answer.body)
    if by_status.outcome is Outcome.ACCEPTED:
        if found.get("event") == "message" or (not found and answer.body.lstrip().startswith(b"{")):
            return by_status
        return NOT_THEIRS
    said_why = found.get("error")
    code = found["code"] if isinstance(found.get("code"), int) else 0
    if not isinstance(said_why, str):
        return by_status
    why = f"ntfy: {said_why}"
    if code in SPENT:
        return Verdict(Outcome.THROTTLED, by_status.retry_after or SPENT_FOR, why)
    if code in OF_THE_TOPIC:
        return Verdict(Outcome.FORBIDDEN, None, why)
    return by_status._replace(why=why)


def _place(given: Given) -> Place:
    """The root of the server, which has the topic behind it in the address that people know."""
    parts = urlsplit(given.url)
    root, _, topic = parts.path.rstrip("/").rpartition("/")
    if not _TOPIC.fullmatch(topic) or parts.query or parts.fragment:
        raise ValueError("url: expected the address of a topic, such as https://ntfy.sh/topic")
    token = given.settings.get("token")
    return Place(
        urlunsplit((parts.scheme, parts.netloc, f"{root}/", "", "")),
        (("authorization", f"Bearer {token}"),) if token else (),
        (("topic", topic),),
    )


WIRE = Wire(
    _write,
    is_signed=False,
    is_for_people=True,
    judge=_judge,
    takes=frozenset({"token"}),
    place=_place,
)
