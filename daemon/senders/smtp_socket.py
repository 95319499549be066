"""smtplib's client with a deadline over all it does, and an end to what it reads.

smtplib waits for each read anew, so that a server that drips a byte a second is waited for without end,
and keeps as many lines of a reply as a server cares to send. Here each operation of the socket waits no
longer than what is left of the whole attempt. No thread is needed for it.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from daemon.core.delivery.outcome import Phases
from daemon.tcp.dial import dial

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

REPLY_BYTES = 64 * 1024
"""Ours. Of one reply, all its lines together; a line has at most 512 (RFC 5321, section 4.5.3.1.5)."""
CHUNK = 16 * 1024
"""Sent at once; no more than one record of TLS, so that the deadline holds for each."""
_REPLY = re.compile(rb"[2-5][0-9][0-9](?:[ -]|$)")
_FULL_NAME = re.compile(r"(?!-)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


class GarbledError(Exception):
    """Whoever answers does not speak SMTP."""


class Stopwatch:
    """The time of one attempt: what is left of it, and when its parts were done."""

    def __init__(self, monotonic: Callable[[], float], timeout: timedelta) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._until = self._began + timeout.total_seconds()
        self._phases = Phases()

    def left(self) -> float:
        """Seconds for the next operation. Raises TimeoutError when the deadline has passed."""
        left = self._until - self._monotonic()
        if left <= 0:
            raise TimeoutError("the deadline passed")
        return left

    @contextmanager
    def within(self, limit: timedelta) -> Iterator[None]:
        """A deadline that is nearer, for what is done inside."""
        until = self._until
        self._until = min(until, self._monotonic() + limit.total_seconds())
        try:
            yield
        finally:
            self._until = until

    def passed(self) -> int:
        """Microseconds since the attempt began."""
        return max(1, round((self._monotonic() - self._began) * 1_000_000))

    def mark(
        self,
        *,
        resolved: int | None = None,
        connected: int | None = None,
        secured: int | None = None,
        answered: int | None = None,
    ) -> None:
        """Note when a part was done."""
        told = {"resolved": resolved, "connected": connected, "secured": secured, "answered": answered}
        self._phases = self._phases._replace(**{name: at for name, at in told.items() if at is not None})

    def phases(self) -> Phases:
        """The parts so far, with the total until now."""
        return self._phases._replace(total=self.passed())


class TimedSmtp(smtplib.SMTP):
    """One connection; `watch` is that of the attempt which uses it at present."""

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__(local_hostname="")  # else smtplib would ask the DNS for it, for seconds
        self.watch = watch
        self.address: str | None = None
        """Where it led."""
        self._unread = b""
        self._is_broken_off = False

    @property
    def has_unread(self) -> bool:
        """Whether the server said more than it was asked."""
        return bool(self._unread)

    def dial(self, host: str, port: int) -> None:
        """Connect to the address that answers first.

        Raises OSError: `socket.gaierror` for a name that leads nowhere, or what the last address said.
        """
        try:
            opened = dial(
                host,
                port,
                self.watch.left,
                on_resolved=lambda: self.watch.mark(resolved=self.watch.passed()),
                is_broken_off=lambda: self._is_broken_off,
            )
        except OSError as error:
            if error.filename is None:
                raise
            raise type(error)(f"{error.filename}: {error.strerror}") from error
        self._take(opened)
        self.watch.mark(connected=self.watch.passed())
        self.address = opened.getpeername()[0]
        self.local_hostname = _own_name(opened)

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """TLS from here on. What the server offered before is forgotten with the next EHLO.

        Raises OSError, of which `ssl.SSLError` is one.
        """
        secured = context.wrap_socket(self._socket(), server_hostname=host, do_handshake_on_connect=False)
        self._take(secured)
        secured.settimeout(self.watch.left())
        secured.do_handshake()
        self.watch.mark(secured=self.watch.passed())

    def send(self, s: "ReadableBuffer | str") -> None:
        """Send it all; smtplib's every command passes here. Raises OSError."""
        data = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        for start in range(0, len(data), CHUNK):
            self._socket().settimeout(self.watch.left())
            self._socket().sendall(data[start : start + CHUNK])

    def getreply(self) -> tuple[int, bytes]:
        """The next reply, all its lines. Raises OSError, and `GarbledError` for what is no SMTP."""
        self.watch.mark(answered=0)
        if not self._unread:
            self._receive()
        answered = self.watch.passed()
        room = REPLY_BYTES
        lines = [self._line(room)]
        while lines[-1][3:4] == b"-":
            room -= len(lines[-1]) + 1
            lines.append(self._line(room))
        self.watch.mark(answered=answered)
        return int(lines[-1][:3]), b"\n".join(line[4:].strip() for line in lines)

    def break_off(self) -> None:
        """End whatever waits for this connection; callable from every thread."""
        self._is_broken_off = True
        opened = self.sock
        if opened is not None:
            with suppress(OSError):  # it may have ended by itself
                socket.socket.shutdown(opened, socket.SHUT_RDWR)

    def _take(self, opened: socket.socket) -> None:
        self.sock = opened
        if self._is_broken_off:  # before there was a socket to break off
            raise ConnectionAbortedError("broken off")

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise ConnectionAbortedError("not connected")
        return self.sock

    def _line(self, room: int) -> bytes:
        while b"\n" not in self._unread:
            if len(self._unread) > room:
                raise GarbledError("a reply without end")
            self._receive()
        line, _, self._unread = self._unread.partition(b"\n")
        line = line.rstrip(b"\r")
        if len(line) > room:
            raise GarbledError("a reply without end")
        if not _REPLY.match(line):
            raise GarbledError(f"no SMTP: {readable(line)}")
        return line

    def _receive(self) -> None:
        opened = self._socket()
        opened.settimeout(self.watch.left())
        received = opened.recv(CHUNK)
        if not received:
            raise ConnectionResetError("closed by the server")
        self._unread += received


def readable(said: bytes, most: int = 300) -> str:
    """What a server said, as one line for people: no control characters, and cut."""
    text = said.decode("utf-8", "replace")
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _own_name(opened: socket.socket) -> str:
    """What we call ourselves: the host's full name, else the connection's address. Asks nobody."""
    name = socket.gethostname()
    if _FULL_NAME.fullmatch(name):
        return name
    address = opened.getsockname()[0].partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
