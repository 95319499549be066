"""A receiver that misbehaves as its script says: a raw socket, and for each connection what becomes of it.

It stands below any HTTP server, which would not let most of it happen.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

PATIENCE = 10
"""Seconds after which a script gives up on its client, so that a broken test ends."""
DRIP_EVERY = 0.01


class Left(ConnectionError):
    """The client closed the connection where its script expected more of it."""


@dataclass(frozen=True)
class Request:
    """One request, byte for byte."""

    first: str
    """Its first line."""
    lines: tuple[str, ...]
    """Its headers as they came."""
    body: bytes = b""

    @property
    def headers(self) -> dict[str, str]:
        """By name in lower case."""
        pairs = (line.partition(":") for line in self.lines)
        return {name.lower(): value.strip() for name, _, value in pairs}


class Line:
    """One accepted connection, in the hands of its script."""

    def __init__(self, connection: socket.socket, heard: Callable[[Request], None]) -> None:
        self.sent = 0
        self._connection = connection
        self._heard = heard
        self._unread = b""
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def request(self) -> Request:
        """The next request, to its last byte."""
        while b"\r\n\r\n" not in self._unread:
            self.hear()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        length = int(Request(first, tuple(lines)).headers.get("content-length", 0))
        while len(self._unread) < length:
            self.hear()
        body, self._unread = self._unread[:length], self._unread[length:]
        request = Request(first, tuple(lines), body)
        self._heard(request)
        return request

    def until(self, end: bytes) -> bytes:
        """What the client says up to this, which is not part of it."""
        while end not in self._unread:
            self.hear()
        said, _, self._unread = self._unread.partition(end)
        return said

    def hear(self) -> None:
        """Wait for the client to say something, whatever it is."""
        received = self._connection.recv(65536)
        if not received:
            raise Left
        self._unread += received

    def say(self, data: bytes) -> None:
        self._connection.sendall(data)
        self.sent += len(data)

    def drip(self, pieces: Iterable[bytes]) -> None:
        """Say it bit by bit, until the client is tired of it."""
        self._connection.settimeout(DRIP_EVERY)
        for piece in pieces:
            self.say(piece)
            with suppress(TimeoutError):
                self.hear()

    def wait_until_left(self) -> None:
        """Say nothing more; the client has to end it."""
        while True:
            self.hear()

    def secure(self, context: ssl.SSLContext) -> None:
        """TLS from here on. A client that it refuses is left the time to hear of it."""
        self._connection = secured = context.wrap_socket(
            self._connection, server_side=True, do_handshake_on_connect=False
        )
        try:
            secured.do_handshake()
        except ssl.SSLError:
            self._connection = socket.socket(fileno=secured.detach())
            self.wait_until_left()

    def close(self) -> None:
        self._connection.close()

    def reset(self) -> None:
        """Close it as a crashed machine does: by RST, not by FIN."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def break_off(self) -> None:
        """End what its script waits for, from another thread."""
        with suppress(OSError):
            socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


Script = Callable[[Line], None]


class FaultReceiver:
    """Listens on a loopback port of its own; the last script is for all connections that follow, too."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Request] = []
        self.lines: list[Line] = []
        """Every connection so far."""
        self._scripts = list(scripts)
        self._tls = tls
        self._is_closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.url = f"{self.origin}/hook"
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def close(self) -> None:
        self._is_closing = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for line in self.lines:
            line.break_off()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def __enter__(self) -> "FaultReceiver":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        while not self._is_closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # it was shut down
                return
            line = Line(connection, self.received.append)
            self.lines.append(line)
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            self._threads.append(threading.Thread(target=self._play, args=(script, line)))
            self._threads[-1].start()

    def _play(self, script: Script, line: Line) -> None:
        with suppress(OSError):  # a client that leaves is part of many scripts
            if self._tls:
                line.secure(self._tls)
            script(line)
        line.close()


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """A flawless answer; `retry_after="5"` becomes the header `retry-after`."""
    return head(status, **headers, content_length=str(len(body))) + body


def head(status: int = 200, **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Said", *lines, "", ""]).encode()


def answering(one: bytes) -> Script:
    """Answers every request with this, and keeps the connection."""

    def script(line: Line) -> None:
        while True:
            line.request()
            line.say(one)

    return script


accepting = answering(answer())


def saying(data: bytes) -> Script:
    """Hears one request, says this, and closes."""

    def script(line: Line) -> None:
        line.request()
        line.say(data)

    return script


def resetting_after(data: bytes) -> Script:
    """Hears one request, says this, and crashes."""

    def script(line: Line) -> None:
        line.request()
        line.say(data)
        line.reset()

    return script


def dripping(*pieces: Iterable[bytes]) -> Script:
    """Hears one request, and answers it bit by bit."""

    def script(line: Line) -> None:
        line.request()
        for some in pieces:
            line.drip(some)

    return script


def silent(line: Line) -> None:
    """Hears everything and says nothing."""
    line.wait_until_left()


@contextmanager
def full_backlog(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """The port of a listener that accepts nobody, behind as many as its system accepts for it: whoever
    comes now hears nothing."""
    with socket.create_server((host, port), backlog=0) as listener, ExitStack() as waiting:
        address = listener.getsockname()
        is_full = False
        while not is_full:
            one = waiting.enter_context(socket.socket())
            one.settimeout(0.05)
            try:
                one.connect(address)
            except TimeoutError:
                is_full = True
        yield address[1]
