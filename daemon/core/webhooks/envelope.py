"""A message with its signature in the body, for receivers that see no headers: Google's Apps Script hands
none to a script. Pure.

What stands in the headers otherwise stands beside the message: its id, the time and the signatures of
Standard Webhooks, over the message as the text that is handed over. The headers sign what is sent, as ever.
"""

import json

CONTENT_TYPE = "application/json"


def enveloped(body: bytes, message: str, timestamp: int, signed: str) -> bytes:
    """One message so, in ASCII: nobody need guess a charset. The same message, time and signatures give the
    same bytes."""
    document = {"id": message, "timestamp": str(timestamp), "signature": signed, "body": body.decode()}
    return json.dumps(document, separators=(",", ":")).encode()
