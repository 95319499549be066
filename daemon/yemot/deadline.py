"""Connections that keep a deadline: urllib3's, with the time that is left set before every socket operation.

A timeout of `requests` is per read, so a server that drips a byte a second is waited for without end. Here
each read waits no longer than what is left of the whole call. No thread is needed for it.
"""

import http.client
import io
import select
import socket
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from daemon.tcp.dial import dial

LAST_LOOK = 0.01
"""Seconds, past the deadline, for what is there already: the rest of a TLS record may be missing."""


@dataclass
class Exchange:
    """One request and its answer, under way. All times in seconds."""

    monotonic: Callable[[], float]
    """The clock that the deadline is read on."""
    deadline: float
    connect: float
    read: float
    needs_new_connection: bool
    has_connected: bool = False
    """A connection was opened for this request."""
    is_reused: bool = False
    """The connection had served a request before."""
    is_sent: bool = False
    """At least one byte of the request may have left."""
    has_answer: bool = False
    """At least one byte came back."""

    def left(self, limit: float) -> float:
        """How long the next operation may take. Raises TimeoutError when the deadline has passed."""
        return min(self.left_until(self.deadline), limit)

    def left_until(self, deadline: float) -> float:
        """How long there is until a moment of the clock. Raises TimeoutError when it has passed."""
        left = deadline - self.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left


CURRENT: ContextVar[Exchange] = ContextVar("exchange")
"""The exchange of this thread: urllib3 builds connections and responses where no argument reaches."""


class TimedReader(io.RawIOBase):
    """The bytes of a socket, each read within the exchange's deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, exchange: Exchange) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._sock.settimeout(self._patience())
        count: int | None = self._raw.readinto(buffer)
        if count:
            self._exchange.has_answer = True
        return count

    def _patience(self) -> float:
        """How long to wait for more. What lies in the socket is read before the deadline is judged: whoever
        was stopped for a while has an answer there that came in time."""
        try:
            return self._exchange.left(self._exchange.read)
        except TimeoutError:
            if not _has_come(self._sock):
                raise
            return LAST_LOOK

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._raw.close()


class TimedResponse(http.client.HTTPResponse):
    """An answer whose head and body are read within the deadline."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(TimedReader(raw, sock, CURRENT.get()))


class TimedConnection(HTTPConnection):
    """A plain connection that keeps the deadline of the current exchange."""

    response_class = TimedResponse

    def _new_conn(self) -> socket.socket:
        exchange = CURRENT.get()
        exchange.has_connected = True
        try:
            return _connect(self._dns_host, self.port, exchange)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connecting took too long") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error}") from error

    def request(self, *arguments: Any, **options: Any) -> None:
        exchange = CURRENT.get()
        if self.sock is not None and not exchange.has_connected:
            if exchange.needs_new_connection:
                self.close()
            else:
                exchange.is_reused = True
        super().request(*arguments, **options)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        exchange = CURRENT.get()
        if self.sock is not None:
            self.sock.settimeout(exchange.left(exchange.read))
        exchange.is_sent = True
        super().send(data)


class TimedTlsConnection(TimedConnection, HTTPSConnection):
    """The same over TLS; the handshake shares the limit of connecting."""


class TimedPool(HTTPConnectionPool):
    """urllib3's pool of plain connections, with ours in it."""

    ConnectionCls = TimedConnection


class TimedTlsPool(HTTPSConnectionPool):
    """urllib3's pool of TLS connections, with ours in it."""

    ConnectionCls = TimedTlsConnection


def _has_come(sock: socket.socket) -> bool:
    """Whether there is something to read at this moment."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    return bool(waiting.poll(0))


def _connect(host: str, port: int, exchange: Exchange) -> socket.socket:
    """Connect to the address that answers first; the name, all addresses and the handshake within
    `exchange.connect`."""
    until = exchange.monotonic() + exchange.left(exchange.connect)
    sock = dial(host, port, lambda: exchange.left_until(until))
    sock.settimeout(exchange.left_until(until))
    return sock
