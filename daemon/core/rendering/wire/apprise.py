"""A title and a sentence for one of Apprise's services, which `senders/notify.py` hands to it.

What is too long for a service is cut where it is known which service that is: `size` says how much it takes
of one by its kind of text, since Apprise escapes it for what reads HTML or Markdown.
"""

import re
from collections.abc import Mapping
from typing import Any

from daemon.core.contacts import Contacts
from daemon.core.rendering.formats import Reader, Rendered, Wire, written
from daemon.core.rendering.wire.words import Said, said

HTML, MARKDOWN = "html", "markdown"
_IN_HTML: Mapping[str, int] = {" ": 6, "\t": 24, "\n": 8, "&": 5, "<": 4, ">": 4, '"': 6, "'": 6}
"""Characters of `&nbsp;`, `<br />` with its line's end, and the entities."""
_PUNCTUATION = re.compile(r"[^\w\s]|_")


def _write(event: Mapping[str, Any], reader: Reader, contacts: Contacts) -> Rendered:
    told = said(event, reader, contacts)
    document = {"title": told.system, "body": told.sentence, "type": _kind(told, event)}
    return Rendered(written({**document, "link": told.link} if told.link else document))


def _kind(told: Said, event: Mapping[str, Any]) -> str:
    """How the service is to show it."""
    if told.is_over:
        return "success"
    if not isinstance(event["data"].get("alert"), Mapping):
        return "info"
    return "failure" if told.is_serious else "warning"


def size(text: str, kind: str) -> int:
    """Characters that a text takes at most, once it is written for a service that reads this kind."""
    if kind == HTML:
        return sum(_IN_HTML.get(sign, 1) for sign in text)
    return len(text) + (len(_PUNCTUATION.findall(text)) if kind == MARKDOWN else 0)


WIRE = Wire(_write, is_signed=False, is_for_people=True, is_http=False)
