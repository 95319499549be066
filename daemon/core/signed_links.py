"""Links that count by who has them: what a token says, signed by a key of this installation. Pure.

A token is `content.signature`, both in base64 for addresses (RFC 4648, section 5) without padding; the
content is the time in whole seconds, what the link leads to, and the endpoint that it went to.
"""

import base64
import hashlib
import hmac
from binascii import Error
from datetime import UTC, datetime

LONGEST = 2000
"""Characters of a token; the name of an endpoint is a mailbox's, at most."""
SIGNATURE = 24
"""Bytes of an HMAC with SHA-256."""


def token(key: bytes, use: bytes, target: str, endpoint: str, at: datetime) -> str:
    """What stands in the address. `use`: what the link is for; a token of one use is none of another."""
    said = "\0".join((str(int(at.timestamp())), target, endpoint)).encode()
    return f"{_text(said)}.{_text(_signature(key, use, said))}"


def read(key: bytes, use: bytes, token: str) -> tuple[str, str, datetime] | None:
    """Target, endpoint and time of a token; None for whatever was not made by this key for this use."""
    said, _, signature = token.partition(".")
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        content, signed = _bytes(said), _bytes(signature)
    except (Error, ValueError):
        return None
    if not hmac.compare_digest(signed, _signature(key, use, content)):
        return None
    at, target, endpoint = content.decode().split("\0")
    return target, endpoint, datetime.fromtimestamp(int(at), UTC)


def _signature(key: bytes, use: bytes, said: bytes) -> bytes:
    return hmac.digest(key, use + b"\0" + said, hashlib.sha256)[:SIGNATURE]


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
