"""Bearer tokens: who may do what. RFC 6750. And who needs none: a program on this machine."""

import hmac
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request

from daemon.core import scopes
from daemon.core.model import Secret
from daemon.web.problems import Problem

FORWARDED = ("forwarded", "via", "x-real-ip")
"""What a proxy says of whom it asks for, beside `X-Forwarded-…`."""


@dataclass(frozen=True)
class Token:
    """One bearer token of the configuration."""

    name: str
    secret: Secret
    scopes: frozenset[str]

    def allows(self, scope: str) -> bool:
        """Whether it opens what needs this scope; admin implies all, command and content imply read."""
        return scopes.allow(self.scopes, scope)


Tokens = Callable[[], Sequence[Token]]
"""Those of the configuration in force."""


@dataclass(frozen=True)
class Guard:
    """A dependency that lets a request with a good token pass, and raises `Problem` for any other.

    It is asked before any of the body is read (`entrance.py`), and again for the token by the route.
    """

    scope: str
    tokens: Tokens

    async def __call__(self, request: Request) -> Token:
        return self.token_of(request)

    def token_of(self, request: Request) -> Token:
        """The token that the request comes with."""
        known = self.tokens()
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
        if not matching[0].allows(self.scope):
            raise Problem(403, "The token is not allowed to do this", f"It needs the scope {self.scope!r}.")
        return matching[0]


@dataclass(frozen=True)
class GuardFromAfar(Guard):
    """Lets a program on this machine pass, and asks all others for a token."""

    async def __call__(self, request: Request) -> Token | None:  # type: ignore[override] # nobody needs it
        return None if is_from_here(request) else self.token_of(request)


def require(scope: str, tokens: Tokens) -> Guard:
    """A dependency that lets a request with a good token pass, and raises `Problem` for any other."""
    return Guard(scope, tokens)


def require_from_afar(scope: str, tokens: Tokens) -> Guard:
    """A dependency that lets a program on this machine pass, and asks all others for a token."""
    return GuardFromAfar(scope, tokens)


def is_from_here(request: Request) -> bool:
    """Whether a program on this machine asks for itself.

    The other end of the connection does not tell: behind a reverse proxy on this machine everybody comes
    from loopback. So nothing in the request may say that it was passed on, and it must be addressed to
    loopback: a proxy adds `X-Forwarded-For`, or keeps the name that it was asked by, or both (nginx neither,
    unless it is told to; the documentation says so). The address also keeps out a page in a browser of this
    machine whose name was made to lead here (DNS rebinding).
    """
    return (
        request.client is not None
        and _is_loopback(request.client.host)
        and _is_loopback(_name(request.headers.get("host", "")))
        and not any(name in FORWARDED or name.startswith("x-forwarded-") for name in request.headers)
    )


def _name(host: str) -> str:
    """The name or address in a Host header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
