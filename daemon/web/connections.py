"""Connections: how many there may be, and how long one may take with what it has to say.

Built on uvicorn's own protocol, which bounds none of that. A connection is in one phase at a time:

```
         a            b             c
HEAD ------> BODY ------> WORK --------> IDLE ----> HEAD, with the first byte of the next request
                `------------------> REST
                       c
```

a: the head is there. b: the body is there. c: the answer is out; REST is what still comes of a body that
nobody waited for, and is thrown away. HEAD, BODY, REST and IDLE end after so long; WORK takes what it takes,
but an answer that nobody reads does not. Where all places are taken, who only waits makes room for who comes:
in HEAD, REST or IDLE, the longest first. A connection with a request under way never does.
"""

import asyncio
import fcntl
import logging
import socket
import termios
from array import array
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

import h11
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from daemon.web.framing import Wire
from daemon.web.problems import raw

log = structlog.get_logger()

# What strangers send wrong is answered, not logged: they would write our log.
_FAULTS_OF_OURS = logging.getLogger("uvicorn.connections")
_FAULTS_OF_OURS.setLevel(logging.ERROR)


LOOKS = 6
"""Within the time that an answer may be unread: whether it is."""
CUT_WITHIN = 1.0
"""Seconds that an answer, which waits to be read when the server ends, has for it."""


@dataclass(frozen=True)
class Bounds:
    """Of one server; times in seconds."""

    connections: int = 512
    head: float = 10
    body: float = 30
    """Also for an answer of which nothing is read."""
    idle: float = 75
    leaving: float = 5
    """For the last bytes of an answer, before the connection is cut."""
    told_every: float = 60
    """A line in the log, at most, while all places are taken."""


class Phase(Enum):
    """What is waited for; see above."""

    HEAD = "head"
    BODY = "body"
    WORK = "work"
    REST = "rest"
    IDLE = "idle"


MAKES_ROOM = (Phase.HEAD, Phase.REST, Phase.IDLE)


class Seats:
    """Who waits, the longest first; and what the log was told of those for whom there was no place."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._waiting: dict[Connection, None] = {}
        self._ended, self._refused = 0, 0
        self._told_at: float | None = None

    def wait(self, one: "Connection") -> None:
        """From now on it waits, after all others."""
        self.leave(one)
        self._waiting[one] = None

    def leave(self, one: "Connection") -> None:
        """It does not wait, or not any more."""
        self._waiting.pop(one, None)

    def make_room(self, now: float) -> bool:
        """End the connection that waits longest; False where none does."""
        longest = next(iter(self._waiting), None)
        if longest is None:
            self._refused += 1
        else:
            self._ended += 1
            longest.make_room()
        self._tell(now)
        return longest is not None

    def _tell(self, now: float) -> None:
        if self._told_at is not None and now < self._told_at + self.bounds.told_every:
            return
        self._told_at = now
        log.warning("http.full", most=self.bounds.connections, ended=self._ended, refused=self._refused)
        self._ended, self._refused = 0, 0


class Connection(H11Protocol):
    """One of them. Everything here is for the thread of the event loop."""

    seats: ClassVar[Seats]
    """Given by `bounded`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn: Wire = Wire()
        self.logger = _FAULTS_OF_OURS
        self._at: tuple[Phase, object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._taken_until = 0.0
        """When something of an answer that is waiting to be read was taken last, and what was left of it."""
        self._left_of_it = 0

    # What asyncio and uvicorn call

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _drop_the_dead(transport, self.seats.bounds.body)
        has_place = len(self.connections) <= self.seats.bounds.connections
        if has_place or self.seats.make_room(self.loop.time()):
            self._settle()
        else:
            self._refuse(503, "Too many connections", "Try again shortly.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._at = None
        self._clear()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._settle()

    def on_response_complete(self) -> None:
        self.cycle.body = bytearray()  # which would be kept until the next request
        super().on_response_complete()
        self._settle()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._left_of_it, self._taken_until = self._untaken(), self.loop.time()
        self._unread = self.loop.call_later(self._between_looks(), self._look_whether_taken)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def timeout_keep_alive_handler(self) -> None:
        self._leave()

    def shutdown(self) -> None:
        """The server ends: now, or after the answer that is under way."""
        if self._exchange is None or self._exchange.response_complete:
            self._leave()
        else:
            self._exchange.keep_alive = False
            if self._unread is not None:
                self._timer = self.loop.call_later(CUT_WITHIN, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "The request is no HTTP", self.conn.fault)

    def _should_upgrade(self) -> bool:
        return False

    # What is ours

    @property
    def _exchange(self) -> RequestResponseCycle | None:
        """The request under way, or the last one; None: there was none yet."""
        return self.cycle

    def _look_whether_taken(self) -> None:
        """Who reads slowly may go on; who takes nothing for so long is cut off. By what he has acknowledged:
        the buffer here stays as full while the kernel's is emptied."""
        left, now = self._untaken(), self.loop.time()
        if left < self._left_of_it:
            self._left_of_it, self._taken_until = left, now
        if now >= self._taken_until + self.seats.bounds.body:
            self.transport.abort()
        else:
            self._unread = self.loop.call_later(self._between_looks(), self._look_whether_taken)

    def _between_looks(self) -> float:
        return self.seats.bounds.body / LOOKS

    def _untaken(self) -> int:
        """Bytes that the other side has not acknowledged."""
        kept = array("i", [0])
        with suppress(OSError):
            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, kept)
        return kept[0] + self.transport.get_write_buffer_size()

    def make_room(self) -> None:
        """End, for somebody else."""
        self._refuse(503, "Too many connections", "Try again shortly.")

    def _phase(self) -> Phase:
        conn = self.conn
        if conn.their_state is h11.IDLE:
            return Phase.IDLE if self._exchange is not None and not conn.has_begun else Phase.HEAD
        if conn.their_state is h11.SEND_BODY:
            return Phase.REST if self.cycle.response_complete else Phase.BODY
        return Phase.WORK

    def _settle(self) -> None:
        """Look which phase it is in; a new one has a time of its own, and its place among those who wait."""
        if self.transport.is_closing():
            self._leave()
            return
        phase = self._phase()
        if self._at == (phase, self.cycle):
            return
        self._at = (phase, self.cycle)
        self._clear()
        bounds = self.seats.bounds
        late: dict[Phase, tuple[float, Callable[[], None]]] = {
            Phase.HEAD: (bounds.head, self._head_is_late),
            Phase.BODY: (bounds.body, self._body_is_late),
            Phase.REST: (bounds.body, self._leave),
            Phase.IDLE: (bounds.idle, self._leave),
        }
        if phase in late:
            self._timer = self.loop.call_later(*late[phase])
        if phase in MAKES_ROOM:
            self.seats.wait(self)

    def _head_is_late(self) -> None:
        if self.conn.has_begun:
            seconds = self.seats.bounds.head
            self._refuse(408, "The request takes too long", f"Its head has to be there within {seconds} s.")
        else:
            self._leave()

    def _body_is_late(self) -> None:
        seconds = self.seats.bounds.body
        self._refuse(408, "The request takes too long", f"Its body has to be there within {seconds} s.")

    def _refuse(self, status: int, title: str, detail: str | None) -> None:
        """Answer in place of the app, unless it has begun to; then leave."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self._is_quiet():
            headers, body = raw(status, title, detail)
            with suppress(h11.LocalProtocolError):  # an answer to HEAD has no body
                self.transport.write(self.conn.send(h11.Response(status_code=status, headers=headers)) or b"")
                self.transport.write(self.conn.send(h11.Data(body)) or b"")
        exchange = self._exchange
        if exchange is not None and not exchange.response_complete:
            exchange.disconnected = True
            exchange.message_event.set()
        self._leave()

    def _is_quiet(self) -> bool:
        """Whether it said nothing since its last request, and awaits no answer."""
        return self._at is not None and self._at[0] is Phase.IDLE

    def _leave(self) -> None:
        """Close when the last bytes are out, and cut it off where nobody takes them."""
        self._at = None
        self._clear()
        self.transport.close()
        self._timer = self.loop.call_later(self.seats.bounds.leaving, self.transport.abort)

    def _clear(self) -> None:
        self.seats.leave(self)
        if self._timer is not None:
            self._timer.cancel()


def _drop_the_dead(transport: asyncio.Transport, seconds: float) -> None:
    """Let the kernel end a connection whose other side acknowledges nothing for so long: else it tries for a
    quarter of an hour, and what is sent meanwhile seems to be read."""
    one = transport.get_extra_info("socket")
    with suppress(OSError, AttributeError):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(int(seconds * 1000), 1))


def bounded(bounds: Bounds) -> type[Connection]:
    """The protocol of one server."""
    return type("BoundedConnection", (Connection,), {"seats": Seats(bounds)})
