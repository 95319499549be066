"""Standard Webhooks 1.0.0: the three headers that let a receiver know who sent a body, and when. Pure."""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence

from daemon.core.model import Secret

PREFIX = "whsec_"
"""Of a symmetric secret."""
PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
"""Of the keys of an asymmetric signature."""

Signer = Callable[[bytes], str]
"""From the signed content, `id.timestamp.body`, to a signature with its version: `v1,…`."""


def headers(signers: Sequence[Signer], *, message: str, timestamp: int, body: bytes) -> list[tuple[str, str]]:
    """`webhook-id`, `webhook-timestamp` and `webhook-signature` of one attempt.

    `timestamp` is in whole seconds and belongs to the attempt. Several signers (a rotation, or a second
    scheme) give several signatures with exactly one space between: more breaks receivers.
    """
    return [
        ("webhook-id", message),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", signatures(signers, message, timestamp, body)),
    ]


def signatures(signers: Sequence[Signer], message: str, timestamp: int, body: bytes) -> str:
    """What stands in `webhook-signature`; "" without signers."""
    signed = content(message, timestamp, body)
    return " ".join([sign(signed) for sign in signers])


def signature(secret: Secret, message: str, timestamp: int, body: bytes) -> str:
    """The `v1` signature of one message, for those who sign few."""
    return hmac_signer(secret)(content(message, timestamp, body))


def content(message: str, timestamp: int | str, body: bytes) -> bytes:
    """What is signed: `id.timestamp.body`."""
    return f"{message}.{timestamp}.".encode() + body


def hmac_signer(secret: Secret) -> Signer:
    """Signs by HMAC-SHA256, in base64 after `v1,`; the key is what `whsec_` encodes, decoded once."""
    return keyed(base64.b64decode(secret.value.removeprefix(PREFIX)))


def keyed(key: bytes) -> Signer:
    """The same, with the bytes of a key."""
    # A copy of what the key alone makes: to begin with the key takes longer than to sign 600 bytes.
    begun = hmac.new(key, digestmod="sha256")

    def sign(signed: bytes) -> str:
        one = begun.copy()
        one.update(signed)
        return "v1," + binascii.b2a_base64(one.digest(), newline=False).decode()

    return sign
