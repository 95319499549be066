"""Bearer tokens: who may do what. RFC 6750."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import Request

from daemon.core.model import Secret
from daemon.web.problems import Problem

IMPLIED = {"admin": {"admin", "command", "read"}, "command": {"command", "read"}, "read": {"read"}}


@dataclass(frozen=True)
class Token:
    """One bearer token of the configuration."""

    name: str
    secret: Secret
    scopes: frozenset[str]

    def allows(self, scope: str) -> bool:
        """Whether it opens what needs this scope; admin implies all, command implies read."""
        return any(scope in IMPLIED.get(one, {one}) for one in self.scopes)


Tokens = Callable[[], Sequence[Token]]
"""Those of the configuration in force."""


def require(scope: str, tokens: Tokens) -> Callable[[Request], Token]:
    """A dependency that lets a request with a good token pass, and raises `Problem` for any other."""

    def check(request: Request) -> Token:
        known = tokens()
        if not known:
            raise Problem(401, "No token is configured", "Give [http] a token_file, and reload.")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            raise Problem(401, "A token is needed", "Send the header Authorization: Bearer <token>.")
        # Every token is compared, each in constant time: an answer's time tells nothing.
        matching = [
            one for one in known if hmac.compare_digest(one.secret.value.encode(), given.strip().encode())
        ]
        if not matching:
            raise Problem(
                401, "The token is not known", "It may have been replaced; see [http] in the configuration."
            )
        if not matching[0].allows(scope):
            raise Problem(403, "The token is not allowed to do this", f"It needs the scope {scope!r}.")
        return matching[0]

    return check
