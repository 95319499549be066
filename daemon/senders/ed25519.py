"""Standard Webhooks' asymmetric signatures, `v1a`: signed with `whsk_…`, checked by whoever has `whpk_…`.

`cryptography` takes a while to load, and few endpoints have such a key: whoever needs this file imports it
at the moment of need. No key is part of any message.
"""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from daemon.core.model import Secret
from daemon.core.webhooks.signing import PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX, Signer
from daemon.core.webhooks.verification import Verifier

VERSION = "v1a,"
KEY_BYTES = 32
"""Of a seed and of a public key (RFC 8032, section 5.1.5); a private key is the seed, or the seed and the
public key behind it."""


def signer(secret: Secret) -> Signer:
    """Signs by ed25519, in base64 after `v1a,`. Raises ValueError for what is no private key."""
    key = _private_key(secret)

    def sign(signed: bytes) -> str:
        return VERSION + binascii.b2a_base64(key.sign(signed), newline=False).decode()

    return sign


def public_key(secret: Secret) -> str:
    """`whpk_…`, for receivers. Raises ValueError for what is no private key."""
    return PUBLIC_PREFIX + _encoded(_private_key(secret).public_key().public_bytes_raw())


def verifier(public: str) -> Verifier:
    """Checks signatures with one public key. Raises ValueError for what is none."""
    if public.startswith(PRIVATE_PREFIX):
        raise ValueError("is the private key; receivers get the public one that belongs to it, whpk_…")
    raw = _decoded(public, PUBLIC_PREFIX)
    if len(raw) != KEY_BYTES:
        raise ValueError(f"expected {KEY_BYTES} bytes in base64 after whpk_, found {len(raw)}")
    key = Ed25519PublicKey.from_public_bytes(raw)

    def is_genuine(signed: bytes, signature: str) -> bool:
        try:
            key.verify(base64.b64decode(signature.removeprefix(VERSION), validate=True), signed)
        except (InvalidSignature, ValueError):
            return False
        return signature.startswith(VERSION)

    return is_genuine


def verify(public: str, content: bytes, signature: str) -> bool:
    """Whether `signature` (`v1a,…`) over `content` was made by the owner of a public key.

    Raises ValueError for what is no public key.
    """
    return verifier(public)(content, signature)


def generate() -> str:
    """A new private key: `whsk_` and the base64 of the seed and the public key, 64 bytes."""
    key = Ed25519PrivateKey.generate()
    return PRIVATE_PREFIX + _encoded(key.private_bytes_raw() + key.public_key().public_bytes_raw())


def _private_key(secret: Secret) -> Ed25519PrivateKey:
    if secret.value.startswith(PUBLIC_PREFIX):
        raise ValueError("is a public key, which cannot sign; expected the private one, whsk_…")
    raw = _decoded(secret.value, PRIVATE_PREFIX)
    if len(raw) not in (KEY_BYTES, 2 * KEY_BYTES):
        raise ValueError(
            f"expected {KEY_BYTES} bytes (the seed) or {2 * KEY_BYTES} (the seed and its public key) "
            f"in base64 after whsk_, found {len(raw)}"
        )
    seed, public = raw[:KEY_BYTES], raw[KEY_BYTES:]
    key = Ed25519PrivateKey.from_private_bytes(seed)
    if public and public != key.public_key().public_bytes_raw():
        raise ValueError(
            "its second half is not the public key of its first; copy it again, or make a new one"
        )
    return key


def _decoded(text: str, prefix: str) -> bytes:
    if text.startswith(PREFIX):
        raise ValueError(f"is a symmetric secret, which signs v1; expected {prefix}…")
    if not text.startswith(prefix):
        raise ValueError(f"expected {prefix} and base64")
    try:
        return base64.b64decode(text.removeprefix(prefix), validate=True)
    except ValueError:
        raise ValueError(f"expected base64 after {prefix}") from None


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
