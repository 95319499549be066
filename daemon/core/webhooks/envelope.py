"""A message with its signature in the body, for receivers that see no headers: Google's Apps Script hands
none to a script. Pure.

What stands in the headers otherwise stands beside the message: its id, the time and the signatures of
Standard Webhooks, over the message as the text that is handed over. The headers sign what is sent, as ever.
"""

import json
from collections.abc import Mapping

CONTENT_TYPE = "application/json"
HEADERS = {"id": "webhook-id", "timestamp": "webhook-timestamp", "signature": "webhook-signature"}
"""What stands beside the message, and the header that has it otherwise."""


def enveloped(body: bytes, message: str, timestamp: int, signed: str) -> bytes:
    """One message so, in ASCII: nobody need guess a charset. The same message, time and signatures give the
    same bytes."""
    document = {"id": message, "timestamp": str(timestamp), "signature": signed, "body": body.decode()}
    return json.dumps(document, separators=(",", ":")).encode()


def opened(received: bytes) -> tuple[Mapping[str, str], bytes] | None:
    """What stands in the headers otherwise, by their names there, and the message; None where a body is no
    such envelope."""
    try:
        document = json.loads(received)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.keys() != {*HEADERS, "body"}:
        return None
    if not all(isinstance(value, str) for value in document.values()):
        return None
    message = str(document["body"]).encode("utf-8", "surrogatepass")
    return {header: str(document[key]) for key, header in HEADERS.items()}, message
