"""How a request reached us: below which path, through which proxy, for whom.

From here on a path has the prefix, which is the application's `root_path`, and the scheme is that by which
it was asked. What is asked for without it is
answered as well: programs on this machine, and a proxy that takes the prefix off, need no other address.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.core.alerts.acknowledgement_link import PREFIX
from daemon.core.recording_links import PREFIX as RECORDING
from daemon.core.webhooks.addresses import Network
from daemon.web.proxies import Asker, asker

OPENS = (PREFIX, RECORDING)
"""Below these, a path is a token."""
ASKER, TLS = "yemotd.asker", "yemotd.tls"
"""In the scope of a request: for whom it is, and whether it came to us by TLS."""
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
    recording_links: timedelta | None = None
    """For how long after an event a link in a mail leads to its recording; None: there are no links."""


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
        scheme = scope.get("scheme", "http")
        found = asker(peer, scheme, scope["headers"], self._reach().trusted_proxies)
        reached = {
            "path": self._whole(scope["path"]),
            "root_path": self._prefix,
            "scheme": "https" if found.is_secure else "http",
            ASKER: found,
            TLS: scheme == "https",
        }
        before = _asking.set(found)
        try:
            await self._app({**scope, **reached}, receive, send)
        finally:
            _asking.reset(before)

    def _whole(self, path: str) -> str:
        """With the prefix, as ASGI has it, also where it was left out."""
        if path == self._prefix:
            return path + "/"
        return path if path.startswith(self._prefix + "/") else self._prefix + path


def client_of(request: Request) -> str:
    """The address of who asks, whatever proxies are between that are trusted; "unix" without one."""
    found: Asker | None = request.scope.get(ASKER)
    if found is not None:
        return found.address
    return request.client.host if request.client else asker(None, "http", (), ()).address


def path_of(scope: Scope) -> str:
    """The path as the routes have it: without the prefix."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def logged_path(request: Request) -> str:
    """The path of a request without what opens something: that is for no log."""
    path = path_of(request.scope)
    secret = next((one for one in OPENS if path.startswith(one)), None)
    return below(request, path if secret is None else f"{secret}…")


def below(request: Request, path: str) -> str:
    """A path of ours as it is asked for from outside: with the prefix."""
    return str(request.scope.get("root_path", "")) + path


def asking() -> str | None:
    """The address of whose request is under way in this context; None where there is none."""
    found = _asking.get()
    return found.address if found else None
