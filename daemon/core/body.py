"""The body of an event: the bytes that every receiver, the API, the stream and the CLI show. Pure."""

import json
from datetime import datetime

from daemon.core.model import Fact, Json
from daemon.core.timestamps import iso


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
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Half a surrogate pair is no text and has no UTF-8; what came with one is shown with a "?".
    return text.encode("utf-8", "replace")
