"""How much of the bodies of requests is held at once: of each, and of all together.

What counts is memory, not only bytes: a body is one run of bytes whatever pieces it came in, and each value
in it will be an object. Who finds no room is told to come again; nobody waits with half a body in hand.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Message, Receive, Scope

from daemon.web.problems import Problem

LARGEST_BODY = 1_048_576
"""Bytes of a request; a campaign of 500 numbers takes a fiftieth of it."""
ALL_BODIES = 16 * LARGEST_BODY
"""Bytes of all requests under way."""
MOST_VALUES = 20_000
"""In a request; a campaign of 500 numbers in its longest form has 1,500."""
WEIGHT_OF_VALUE = 200
"""Bytes: an object of JSON with one field in it, or a list and its place in another."""
MARKS = b",[{"
"""One of them stands before every value but the first. In texts they count, too: there may be plenty."""


class Bodies:
    """The bodies of all requests under way. For one thread, that of the event loop."""

    def __init__(self, *, each: int = LARGEST_BODY, together: int = ALL_BODIES) -> None:
        self._each = each
        self._together = together
        self.held = 0
        """What all of them weigh, in bytes."""

    @contextmanager
    def one(self) -> Iterator["Body"]:
        """Room for a body, given back at the end."""
        body = Body(self)
        try:
            yield body
        finally:
            self.held -= body.weight

    def take(self, body: "Body", more: int) -> None:
        """Hold so much more of a body; raises `Problem` where there is no room."""
        if self.held + more > self._together:
            detail = "The bodies of other requests take all the room that there is; try again shortly."
            raise Problem(503, "Too much at once", detail, headers={"retry-after": "1"})
        self.held += more
        body.weight += more

    def too_large(self) -> Problem:
        """What ends a request with a longer body."""
        return Problem(413, "The body is too large", f"A body may have {self._each} bytes at most.")

    @property
    def each(self) -> int:
        """Bytes of one body, at most."""
        return self._each


class Body:
    """One of them: gathered before the app sees any of it, so a refusal needs no way back out of the app."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.weight = 0

    async def gathered(self, scope: Scope, receive: Receive) -> Receive | None:
        """Where the app finds the whole body in one piece; None: the client left before its end.

        Raises `Problem` for one that is too large, whatever length it declares, or that finds no room.
        """
        if declared(scope) > self._bodies.each:
            raise self._bodies.too_large()
        gathered, is_more = bytearray(), True
        while is_more:
            message = await receive()
            if message["type"] != "http.request":
                return None
            piece = message.get("body", b"")
            if len(gathered) + len(piece) > self._bodies.each:
                raise self._bodies.too_large()
            self._bodies.take(self, len(piece))
            gathered += piece
            is_more = message.get("more_body", False)
        self._weigh(gathered)
        return _whole(gathered, receive)

    def _weigh(self, gathered: bytearray) -> None:
        values = sum(map(gathered.count, MARKS))
        if values > MOST_VALUES:
            raise Problem(413, "The body is too large", f"A body may have {MOST_VALUES} values at most.")
        self._bodies.take(self, WEIGHT_OF_VALUE * values)


def _whole(gathered: bytearray, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": bytes(gathered), "more_body": False}]
    gathered.clear()

    async def receive_whole() -> Message:
        return messages.pop() if messages else await receive()

    return receive_whole


def declared(scope: Scope) -> int:
    """What `Content-Length` says; 0 where it says nothing, or nothing that is a number."""
    found = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    # No more digits than that: Python refuses to read an int of thousands of them.
    return int(found[:18]) if found.isdigit() else 0
