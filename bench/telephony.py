"""A telephony API in this process: a log of messages for each of many systems, which is the same each time,
or has one more at every look; and when who was asked for."""

import asyncio
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from daemon.host import clock

ROWS = 20
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Asked(NamedTuple):
    """One question."""

    at: float
    """By the monotonic clock."""
    system: str


class Telephony:
    """Each system has a `base_url` of its own; its name is the first part of the path."""

    def __init__(self) -> None:
        self.is_changing = False
        """Whether every answer has one message more than the last."""
        self.asked: list[Asked] = []
        self.port = 0
        self._looks: dict[str, int] = defaultdict(lambda: ROWS)

    def base_url(self, system: str) -> str:
        return f"http://127.0.0.1:{self.port}/{system}/ym/api/"

    def answer(self, path: str) -> bytes:
        """The log of the system that is asked for."""
        system = path.split("/", 2)[1]
        self.asked.append(Asked(clock.monotonic(), system))
        if self.is_changing:
            self._looks[system] += 1
        newest = self._looks[system]
        rows = [_row(number) for number in range(newest, newest - ROWS, -1)]
        return json.dumps({"responseStatus": "OK", "rows": rows}).encode()


def _row(number: int) -> dict[str, str]:
    at = _BEGAN + timedelta(seconds=number)
    return {
        "dest": "97277000000",
        "phone": f"9725{number % 50:08}",
        "message": f"message {number}",
        "server_date": f"{at:%Y-%m-%d %H:%M:%S}",
    }


class _Connection(asyncio.Protocol):
    def __init__(self, telephony: Telephony) -> None:
        self._telephony = telephony
        self._read = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Questions have no body."""
        self._read += data
        while self._transport and b"\r\n\r\n" in self._read:
            head, _, self._read = self._read.partition(b"\r\n\r\n")
            text = self._telephony.answer(head.split(b" ", 2)[1].decode())
            said = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            self._transport.write(said % len(text) + text)


@contextmanager
def telephony() -> Iterator[Telephony]:
    """One at work, in a thread of its own."""
    made, loop = Telephony(), asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: _Connection(made), "127.0.0.1", 0))
    made.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        server.close()
        loop.close()
