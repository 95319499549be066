"""Standard Webhooks 1.0.0: the three headers that let a receiver know who sent a body, and when. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from daemon.core.model import Secret

PREFIX = "whsec_"


def headers(secrets: Sequence[Secret], *, message: str, timestamp: int, body: bytes) -> list[tuple[str, str]]:
    """`webhook-id`, `webhook-timestamp` and `webhook-signature` of one attempt.

    `timestamp` is in whole seconds and belongs to the attempt; several secrets (a rotation) give
    several signatures, each separated by exactly one space.
    """
    signatures = " ".join(signature(secret, message, timestamp, body) for secret in secrets)
    return [
        ("webhook-id", message),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", signatures),
    ]


def signature(secret: Secret, message: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; the key is what `whsec_` encodes."""
    key = base64.b64decode(secret.value.removeprefix(PREFIX))
    content = f"{message}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
