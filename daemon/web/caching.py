"""Answers that others keep for a while, and ask for again by what they have: RFC 9110, section 13."""

import hashlib

from fastapi import Request, Response

OPEN = {"cross-origin-resource-policy": "cross-origin"}
"""So that pages of other sites may show it."""


def cached(request: Request, body: bytes, media_type: str, *, seconds: int, vary: str = "") -> Response:
    """An answer to keep for so long; 304 where the asker has it already. Anybody may show it."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": f"public, max-age={seconds}", **OPEN}
    if vary:
        headers["vary"] = vary
    given = request.headers.get("if-none-match", "")
    if given.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in given.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
