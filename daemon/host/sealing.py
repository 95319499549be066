"""What the store keeps and nobody may read there: locked by a key of this installation.

ChaCha20-Poly1305 (RFC 8439) with a nonce at random, which stands before it. What it is about is locked with
it: who moves a row's content into another opens nothing.
"""

import secrets

NONCE = 12
"""Bytes (RFC 8439, section 2.8). At random: among the few that are ever made by one key none comes twice."""


class SealError(ValueError):
    """It was locked by another key, or is not whole."""


def sealed(key: bytes, content: bytes, about: str) -> bytes:
    """Lock it; `key`: 32 bytes."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415 - few need it

    nonce = secrets.token_bytes(NONCE)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, content, about.encode())


def opened(key: bytes, content: bytes, about: str) -> bytes:
    """What was locked. Raises `SealError`."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    try:
        return ChaCha20Poly1305(key).decrypt(content[:NONCE], content[NONCE:], about.encode())
    except (InvalidTag, ValueError):
        raise SealError("it was locked by another key file, or is not whole") from None
