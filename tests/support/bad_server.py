"""A server that does what a script says, byte by byte: every way to fail that HTTP libraries hide.

It knows nothing of the API. A step gets the socket after one request was read, and says whether the
connection stays open.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

PATIENCE = 10.0
"""Seconds before a test gives up on what should have happened."""

Step = Callable[["Peer"], bool]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    verb: str
    target: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    connection: int
    """Which connection it came on, counted from 0."""


@dataclass(frozen=True)
class Peer:
    """The client, as a step sees it."""

    sock: socket.socket
    stopping: threading.Event


class ScriptedServer:
    """Plays one step for each request, in order, over all connections; then it hangs up."""

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._steps = list(steps)
        self._tls = tls
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._socks: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._acceptor = threading.Thread(target=self._accept)

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/ym/api/"

    def __enter__(self) -> "ScriptedServer":
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self.stop_listening()
        for sock in self._socks:
            hang_up(sock)
        for thread in self._threads:
            thread.join(PATIENCE)

    def stop_listening(self) -> None:
        """Take no more connections; those that are open go on."""
        hang_up(self._listener)
        self._acceptor.join(PATIENCE)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock, self.connections))
            self.connections += 1
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, connection: int) -> None:
        try:
            served = self._tls.wrap_socket(sock, server_side=True) if self._tls else sock
        except OSError:
            sock.close()
            return
        self._socks.append(served)
        try:
            while self._play(served, connection):
                pass
        except OSError:
            pass
        finally:
            hang_up(served)
            served.close()

    def _play(self, sock: socket.socket, connection: int) -> bool:
        received = read_request(sock, connection)
        if received is None:
            return False
        self.requests.append(received)
        return bool(self._steps) and self._steps.pop(0)(Peer(sock, self._stopping))


def read_request(sock: socket.socket, connection: int) -> Received | None:
    """The next request; None where the client hung up."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = sock.recv(65536)
        if not more:
            return None
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += sock.recv(65536)
    verb, target, _ = first.split(" ")
    return Received(verb, target, headers, body, connection)


def hang_up(sock: socket.socket) -> None:
    """End both directions, so that whoever waits on it wakes."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def http(body: bytes | str, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """A whole answer. `length`: a Content-Length that lies."""
    encoded = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(encoded) if length is None else length}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + encoded


def answers(body: bytes | str, *headers: str, status: str = "200 OK") -> Step:
    """Answer, and keep the connection."""
    return sends(http(body, *headers, status=status))


def sends(data: bytes) -> Step:
    """Send these bytes, and keep the connection."""

    def step(peer: Peer) -> bool:
        peer.sock.sendall(data)
        return True

    return step


def sends_and_cuts(data: bytes) -> Step:
    """Send these bytes, and hang up."""

    def step(peer: Peer) -> bool:
        peer.sock.sendall(data)
        return False

    return step


def cuts(peer: Peer) -> bool:
    """Hang up without an answer."""
    return False


def hangs(peer: Peer) -> bool:
    """Say nothing until the test is over."""
    peer.stopping.wait(PATIENCE)
    return False


def drips(head: bytes, drop: bytes = b"x", every: float = 0.02) -> Step:
    """Send `head`, then `drop` every so many seconds, without end."""

    def step(peer: Peer) -> bool:
        peer.sock.sendall(head)
        while not peer.stopping.wait(every):
            peer.sock.sendall(drop)
        return False

    return step
