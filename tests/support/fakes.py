"""Doubles with the real signatures: a clock that is told the time, ids that count, a scripted receiver."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class FakeClock:
    """Wall and monotonic time, moved by hand."""

    at: datetime = START
    jumped: float = 0
    """Seconds that the clock on the wall was set forward by hand."""

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds() - self.jumped + 1000

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        """The clock on the wall is set; no time passes."""
        self.at += timedelta(seconds=seconds)
        self.jumped += seconds


class Ids:
    """`evt_1`, `evt_2`, …: one counter for each prefix."""

    def __init__(self) -> None:
        self._counters: dict[str, itertools.count[int]] = {}

    def __call__(self, prefix: str) -> str:
        return f"{prefix}_{next(self._counters.setdefault(prefix, itertools.count(1)))}"


@dataclass(frozen=True)
class Received:
    """One request as a receiver got it."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Script:
    """What a receiver answers next; the last answer repeats."""

    answers: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)

    def next(self) -> Callable[[BaseHTTPRequestHandler], None]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(status: int = 204, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """An ordinary answer; `retry_after="5"` becomes the header `retry-after`."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


class Receiver:
    """A webhook receiver on loopback that does what its script says."""

    def __init__(self, *answers: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.script = Script(list(answers) or [answer()])
        self.received: list[Received] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                reply = receiver._take(Received({k.lower(): v for k, v in self.headers.items()}, body))
                reply(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that left is part of many scripts

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def _take(self, received: Received) -> Callable[[BaseHTTPRequestHandler], None]:
        with self._arrived:
            self.received.append(received)
            self._arrived.notify_all()
            return self.script.next()

    def wait_for(self, many: int, timeout: float = 10) -> list[Received]:
        """The requests, once there are this many; an assertion fails if they do not come."""
        with self._arrived:
            has_arrived = self._arrived.wait_for(lambda: len(self.received) >= many, timeout)
            assert has_arrived, (len(self.received), self.received[-5:])
            return list(self.received)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
