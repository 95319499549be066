"""Who is let in by what he brings: a token, or the session of a page of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from daemon.web.attempts import Attempts, TooMany
from daemon.web.auth import Token
from daemon.web.cookies import SESSION
from daemon.web.forms import is_of_us
from daemon.web.hosts import Hosts, check_host
from daemon.web.problems import MEDIA_TYPE, Problem
from daemon.web.reach import client_of
from daemon.web.sessions import Sessions

SAFE = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""


MISDIRECTED = {
    421: {
        "description": "By a session: asked for by a name that is not known to be ours",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
}
SCHEME = "Session"
"""Of the OpenAPI document."""


@dataclass(frozen=True)
class Gate:
    """What the guards of all routes ask."""

    sessions: Sessions
    attempts: Attempts
    hosts: Hosts

    def bearer(self, request: Request, given: str, tokens: Sequence[Token]) -> list[Token]:
        """The tokens of this value. Raises `Problem` where too many wrong ones came."""
        try:
            return self.attempts.judge(client_of(request), given, tokens, at="api")
        except TooMany as error:
            headers = {"retry-after": str(error.seconds)}
            detail = f"None is looked at before that; try again in {error.seconds} s."
            raise Problem(429, "Too many wrong tokens came", detail, headers=headers) from None

    def by_session(self, request: Request) -> Token | None:
        """That by which somebody has signed in, of whose page this is a request that changes nothing."""
        # Not over TLS, a browser says neither of a GET of the page's own.
        is_silent = "sec-fetch-site" not in request.headers and "origin" not in request.headers
        if request.method not in SAFE or not (is_silent or is_of_us(request)):
            return None
        token = self.sessions.token_of(request)
        if token is not None:
            self.check_host(request)
        return token

    def check_host(self, request: Request) -> None:
        """Raises `Problem` for a request to a name that is not known to be ours."""
        check_host(request, self.hosts)


def by_session(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document in which each route below `/api/` that changes nothing takes a session, too."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    said = "The cookie of the page, for requests of the page itself; over TLS its name begins with __Host-"
    schemes[SCHEME] = {"type": "apiKey", "in": "cookie", "name": SESSION, "description": said}
    for path, operations in document["paths"].items():
        reads = operations.get("get", {})
        if reads and path.startswith("/api/") and {SCHEME: []} not in reads.get("security", ()):
            reads["security"] = [*reads.get("security", ()), {SCHEME: []}]
            reads["responses"] |= {str(code): one for code, one in MISDIRECTED.items()}
    return document
