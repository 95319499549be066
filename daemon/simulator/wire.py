"""The simulator's connections: which are open, how they end, and answers that are sent badly on purpose.

The standard library's server closes a connection politely and forgets it; tests of a client need the
opposite, and a stop that leaves nothing behind.
"""

import socket
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from daemon.simulator.faults import DEFAULT_DELAY, ActiveFault, Fault, Reply
from daemon.simulator.incoming import Incoming

DROP_SECONDS = 0.05
"""Between two bytes of an answer that drips, and between two looks whether the client is still there."""
NO_LINGER = struct.pack("ii", 1, 0)
"""Of SO_LINGER (socket(7)): closing resets the connection."""
LOT = 64 * 1024
"""Bytes that are sent at once of an answer without an end."""
POLL_SECONDS = 0.2
"""Between two looks whether it has to stop."""
STOP_SECONDS = 5.0
"""The longest wait for a connection at the end."""


class Wire(ThreadingHTTPServer):
    """A server that knows its connections."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        *,
        respond: Callable[[Incoming], tuple[Reply, ActiveFault | None]],
        now: Callable[[], datetime],
    ) -> None:
        """Raises OSError where the address is taken."""
        self.respond = respond
        self.now = now
        self.stopping = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._reset: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, handler)
        self._acceptor = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": POLL_SECONDS}, name="simulator", daemon=True
        )

    def start(self) -> None:
        """Begin to accept."""
        self._acceptor.start()

    def stop(self) -> None:
        """Accept no more, end every connection, and wait for their threads."""
        self.stopping.set()
        # Wakes the acceptor, which would otherwise look at the end of its interval only.
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()
        self._acceptor.join()
        self.server_close()
        with self._lock:
            left = dict(self._open)
        for connection, thread in left.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(STOP_SECONDS)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            is_reset = request in self._reset
            self._reset.discard(request)
        # A polite end would reach the client before the reset does.
        if is_reset:
            self.close_request(request)
        else:
            super().shutdown_request(request)
        with self._lock:
            self._open.pop(request, None)

    def reset(self, connection: socket.socket) -> None:
        """End this connection with RST when its request is over."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        with self._lock:
            self._reset.add(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left early is no error. Anything else is ours, and shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def send(wire: Wire, connection: socket.socket, active: ActiveFault | None, reply: bytes) -> bool:
    """Send the bytes of an answer, as badly as the fault says. Whether the connection may be used again.

    Raises OSError where the client has left.
    """
    badly = BADLY.get(active.fault) if active else None
    if active is None or badly is None:
        connection.sendall(reply)
        return True
    return badly(wire, connection, active, reply)


def _hang(wire: Wire, connection: socket.socket, active: ActiveFault, reply: bytes) -> bool:
    while not wire.stopping.wait(DROP_SECONDS) and not _has_left(connection):
        pass
    return False


def _drip_head(wire: Wire, connection: socket.socket, active: ActiveFault, reply: bytes) -> bool:
    return _drip(wire, connection, reply)


def _drip_body(wire: Wire, connection: socket.socket, active: ActiveFault, reply: bytes) -> bool:
    head, end, body = reply.partition(b"\r\n\r\n")
    connection.sendall(head + end)
    return _drip(wire, connection, body)


def _drip(wire: Wire, connection: socket.socket, drops: bytes) -> bool:
    for index in range(len(drops)):
        connection.sendall(drops[index : index + 1])
        if wire.stopping.wait(DROP_SECONDS):
            return False
    return True


def _reset(wire: Wire, connection: socket.socket, active: ActiveFault, reply: bytes) -> bool:
    wire.reset(connection)
    return False


def _cut(wire: Wire, connection: socket.socket, active: ActiveFault, reply: bytes) -> bool:
    head, end, body = reply.partition(b"\r\n\r\n")
    connection.sendall(head + end + body[: len(body) // 2])
    return False


def _endless(wire: Wire, connection: socket.socket, active: ActiveFault, reply: bytes) -> bool:
    head, end, body = reply.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    connection.sendall(b"\r\n".join(lines) + end)
    lot = (body or b"\0") * (LOT // max(len(body), 1) + 1)
    while not wire.stopping.is_set():
        connection.sendall(lot)
    return False


def _slow(wire: Wire, connection: socket.socket, active: ActiveFault, reply: bytes) -> bool:
    if wire.stopping.wait((active.delay or DEFAULT_DELAY).total_seconds()):
        return False
    connection.sendall(reply)
    return True


def _has_left(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


BADLY: dict[Fault, Callable[[Wire, socket.socket, ActiveFault, bytes], bool]] = {
    Fault.HANG: _hang,
    Fault.DRIP_HEAD: _drip_head,
    Fault.DRIP_BODY: _drip_body,
    Fault.RESET: _reset,
    Fault.CUT: _cut,
    Fault.ENDLESS: _endless,
    Fault.SLOW: _slow,
}
