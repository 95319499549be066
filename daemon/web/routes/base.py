"""What all routes below `/api/v1` share: a token that may read, and how its lack is told."""

from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer

from daemon.web.auth import Tokens, require
from daemon.web.problems import responses

BEARER = HTTPBearer(auto_error=False, description="A token of `[http]` in the configuration")
"""For the OpenAPI document; `require` is what looks at the token."""


def reading(tag: str, tokens: Tokens) -> APIRouter:
    """A router for routes that need a token which may read, at least."""
    return APIRouter(
        prefix="/api/v1",
        tags=[tag],
        dependencies=[Depends(BEARER), Depends(require("read", tokens))],
        responses=responses(401, 403, 422, 429, 503),
    )
