"""uvicorn in one thread of the daemon: its socket is bound before anything is promised."""

import resource
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from daemon.web.connections import Bounds, bounded
from daemon.web.tls import Contexts, Doorway, secured

TICKS = 10
"""uvicorn ticks ten times a second; after so many the loop says that it turns."""
QUEUE = 128
"""Connections that the kernel keeps until the loop takes them."""
TAKEN_AT_ONCE = 16
"""Connections that the loop takes in one turn, before it looks how many there are."""
ON_THE_WAY = 4 * TAKEN_AT_ONCE
"""Beyond the bound for a moment: taken, made, ended and closed in four turns."""


class _Uvicorn(uvicorn.Server):
    """Says that it turns. uvicorn's own way of it, `callback_notify`, goes by the wall clock, and falls
    silent where that is set back."""

    def __init__(self, config: uvicorn.Config, turned: Callable[[], None]) -> None:
        super().__init__(config)
        self._turned = turned

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS == 0:
            self._turned()
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """asyncio has one figure for what it takes in a turn and what the kernel keeps: the latter again."""
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(QUEUE)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn knows only those who have shaken hands."""
        protocol = self.config.http_protocol_class
        for one in list(protocol.seats.unopened) if issubclass(protocol, Doorway) else ():
            one.make_room()
        await super().shutdown(sockets)


class Server:
    """One listening address, or a socket that listens already."""

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        port: int,
        *,
        listening: socket.socket | None = None,
        turned: Callable[[], None] = lambda: None,
        bounds: Bounds | None = None,
        tls: Contexts | None = None,
    ) -> None:
        """`bounds`: half of the descriptors that the process may have, where nothing else is said; `tls`:
        asked for each connection."""
        self._address = (host, port)
        self._bounds = bounds or Bounds(connections=most_connections())

        config = uvicorn.Config(
            app,
            http=secured(self._bounds, tls) if tls else bounded(self._bounds),
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # it would believe whoever speaks from this machine
            ws="none",
            backlog=TAKEN_AT_ONCE,
            timeout_keep_alive=int(self._bounds.idle) + 1,  # ours comes first
        )
        self._server = _Uvicorn(config, turned)
        self._socket = listening
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Bind and serve; OSError, with the address, where that cannot be (a port in use)."""
        self._socket = self._socket or self._bound()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int | None:
        """The port that it listens on, also where 0 was asked for; 0 for a socket that has none. None: it
        does not listen yet."""
        if self._socket is None:
            return None
        name = self._socket.getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    def stop(self, timeout: float) -> None:
        """Answer what is under way, at most `timeout` seconds long, and listen no more."""
        self._server.should_exit = True
        if self._thread:
            self._thread.join(timeout)
            if self._thread.is_alive():
                self._server.force_exit = True
                self._thread.join(timeout)
        if self._socket:
            self._socket.close()

    def _bound(self) -> socket.socket:
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            return socket.create_server((host, port), family=family, backlog=QUEUE)
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror}: {host}:{port}") from None


def most_connections() -> int:
    """How many there may be: never more than half of the descriptors; polls and deliveries need theirs."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = Bounds.connections
    return most if soft == resource.RLIM_INFINITY else max(min(most, soft // 2 - ON_THE_WAY), 1)
