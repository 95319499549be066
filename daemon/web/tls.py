"""TLS of the daemon's own: a connection comes in by a doorway, and is one of HTTP once it has shaken hands.

uvicorn would have its TLS from asyncio's listening socket, where who never shakes hands is counted by nobody
and stays for a minute. Here a place is taken with the first byte of TCP, and is lost like any other: after
so long, or to somebody who comes while all are taken.
"""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from uvicorn.config import Config
from uvicorn.server import ServerState

from daemon.web.connections import Bounds, Connection, Seats

Contexts = Callable[[], ssl.SSLContext]
"""That of the certificate in force, asked for each connection."""


def context(cert: Path, key: Path) -> ssl.SSLContext:
    """What a server needs to speak TLS 1.2 or later; OSError where the pair cannot be used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_RENEGOTIATION
    made.set_alpn_protocols(["http/1.1"])
    made.load_cert_chain(cert, key, password="")  # without one, OpenSSL would ask the terminal
    return made


class Secured(Connection):
    """A connection that has shaken hands. What it says before asyncio tells of that is kept so long."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._early: list[bytes] = []
        self._is_open, self._is_lost = False, False

    def open(self, transport: asyncio.Transport) -> None:
        """It has shaken hands; its place is that of the doorway."""
        if self._is_lost:
            return
        self._is_open = True
        self.connection_made(transport)
        for data in self._early:
            self.data_received(data)
        self._early.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        if self._is_open:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_open:
            super().data_received(data)
        else:
            self._early.append(data)

    def _has_place(self) -> bool:
        return True


class Doorway(asyncio.Protocol):
    """A connection that shakes hands. Everything here is for the thread of the event loop."""

    seats: ClassVar[Seats]
    contexts: ClassVar[Contexts]
    inside: ClassVar[type[Secured]]
    """Given by `secured`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = _loop or asyncio.get_running_loop()
        self._connections = server_state.connections
        self._inside = self.inside(config, server_state, app_state, self._loop)
        self._transport: asyncio.Transport | None = None
        self._shaking: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.pause_reading()  # until TLS reads
        self._transport = transport
        self.seats.unopened.add(self)
        if self.seats.has_place(len(self._connections)) or self.seats.make_room(self._loop.time()):
            self.seats.wait(self)
            self._shaking = self._loop.create_task(self._shake(transport))
        else:
            self.make_room()

    def make_room(self) -> None:
        """End, for somebody else; who has no TLS yet can be told nothing."""
        self._leave()
        if self._transport is not None:
            self._transport.abort()

    async def _shake(self, transport: asyncio.Transport) -> None:
        bounds, opened = self.seats.bounds, None
        try:
            opened = await self._loop.start_tls(
                transport,
                self._inside,
                type(self).contexts(),
                server_side=True,
                ssl_handshake_timeout=bounds.head,
                ssl_shutdown_timeout=bounds.leaving,
            )
        except OSError:
            return  # it hung up, takes too long, or speaks something else; asyncio has closed it
        finally:
            is_here = self in self.seats.unopened
            self._leave()
        if opened is None or opened.is_closing() or not is_here:
            transport.abort()
        else:
            self._inside.open(opened)

    def _leave(self) -> None:
        self.seats.unopened.discard(self)
        self.seats.leave(self)


def secured(bounds: Bounds, contexts: Contexts) -> type[Doorway]:
    """The protocol of one server with TLS."""
    seats = Seats(bounds)
    inside = type("SecuredConnection", (Secured,), {"seats": seats})
    given = {"seats": seats, "contexts": staticmethod(contexts), "inside": inside}
    return type("SecuredDoorway", (Doorway,), given)
