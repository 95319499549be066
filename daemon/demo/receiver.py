"""The demo's webhook receiver: takes what the daemon sends, and believes nothing that is not signed.

It judges a request as Standard Webhooks wants: the signature in constant time, the timestamp within five
minutes, the id as what makes a repeat a repeat.
"""

import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from daemon.core.model import Secret
from daemon.core.webhooks.signing import signature
from daemon.host import clock

TOLERANCE_SECONDS = 300
"""How old or new a timestamp may be: what the libraries of Standard Webhooks allow."""


@dataclass(frozen=True)
class Received:
    """One request that was verified."""

    id: str
    body: bytes
    is_repeat: bool


class Receiver:
    """A receiver on loopback; `on_received` is called from its threads."""

    def __init__(self, secret: Secret, on_received: Callable[[Received], None]) -> None:
        self._secret = secret
        self._on_received = on_received
        self._lock = threading.Lock()
        self.bodies: dict[str, bytes] = {}
        """What was received, by event id."""
        self.repeats = 0
        self.refused = 0
        """Requests whose signature, time or body was wrong."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status = 204 if receiver._take(self.headers, body) else 401
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="receiver", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hooks/yemot"

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, headers: Any, body: bytes) -> bool:
        event = headers.get("webhook-id", "")
        if not self._is_genuine(event, headers, body):
            with self._lock:
                self.refused += 1
            return False
        with self._lock:
            is_repeat = event in self.bodies
            is_other = is_repeat and self.bodies[event] != body
            self.bodies[event] = body
            self.repeats += is_repeat
            self.refused += is_other
        self._on_received(Received(event, body, is_repeat))
        return True

    def _is_genuine(self, event: str, headers: Any, body: bytes) -> bool:
        try:
            timestamp = int(headers.get("webhook-timestamp", ""))
        except ValueError:
            return False
        if abs(clock.utcnow().timestamp() - timestamp) > TOLERANCE_SECONDS:
            return False
        expected = signature(self._secret, event, timestamp, body)
        given = headers.get("webhook-signature", "").split(" ")
        return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a sender that was killed in the middle of a request is part of the demo
