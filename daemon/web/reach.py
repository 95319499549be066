"""How a request reached us: below which path, through which proxy, for whom.

The routes know nothing of it: they find the path without the prefix. What is asked for without it is
answered as well: programs on this machine, and a proxy that takes the prefix off, need no other address.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.core.webhooks.addresses import Network
from daemon.web.proxies import Asker, asker

ASKER, PREFIX = "yemotd.asker", "yemotd.prefix"
"""In the scope of a request."""
_asking: ContextVar[Asker | None] = ContextVar("asking", default=None)


@dataclass(frozen=True)
class Reach:
    """What `[http]` says of it; counts from a reload on."""

    base: str | None = None
    """What links outside the page begin with, without a slash at its end; None: there are none."""
    trusted_proxies: tuple[Network, ...] = ()
    shown: tuple[str, ...] = ()
    """Globs of the subjects that a visitor sees."""
    badges: tuple[str, ...] = ()
    """Globs of the subjects of which everybody gets a badge."""
    feed: bool = False


class Reached:
    """ASGI middleware, before everything that looks at a path or asks who asks."""

    def __init__(self, app: ASGIApp, prefix: str, reach: Callable[[], Reach]) -> None:
        self._app = app
        self._prefix = prefix
        self._reach = reach

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        peer = scope["client"][0] if scope.get("client") else None
        found = asker(peer, scope.get("scheme", "http"), scope["headers"], self._reach().trusted_proxies)
        before = _asking.set(found)
        try:
            await self._app({**scope, **self._below(scope), ASKER: found}, receive, send)
        finally:
            _asking.reset(before)

    def _below(self, scope: Scope) -> dict[str, object]:
        path: str = scope["path"]
        if not self._prefix or not (path + "/").startswith(self._prefix + "/"):
            return {PREFIX: self._prefix}
        raw = scope.get("raw_path", b"").removeprefix(self._prefix.encode())
        return {PREFIX: self._prefix, "path": path[len(self._prefix) :] or "/", "raw_path": raw or b"/"}


def client_of(request: Request) -> str:
    """The address of who asks, whatever proxies are between that are trusted; "unix" without one."""
    found: Asker | None = request.scope.get(ASKER)
    if found is not None:
        return found.address
    return request.client.host if request.client else asker(None, "http", (), ()).address


def is_secure(request: Request) -> bool:
    """Whether who asks does so by TLS, so that a cookie may be for TLS alone."""
    found: Asker | None = request.scope.get(ASKER)
    return found.is_secure if found is not None else request.url.scheme == "https"


def prefix_of(request: Request) -> str:
    """What paths of ours begin with, as a browser has to spell them; "" where there is nothing."""
    return str(request.scope.get(PREFIX, ""))


def asking() -> str | None:
    """The address of whose request is under way in this context; None where there is none."""
    found = _asking.get()
    return found.address if found else None
