"""One connection to the simulator: requests read whole, answers written as bytes.

What an answer is, and whether it goes out well, is decided elsewhere (`server`, `wire`).
"""

from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from daemon.simulator.faults import Reply
from daemon.simulator.incoming import Incoming
from daemon.simulator.wire import Wire, send

MOST_BYTES = 1024 * 1024
"""Ours. Of a request's body, far above that of a campaign with all its numbers."""


class Handler(BaseHTTPRequestHandler):
    """The standard library makes one for each connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Wire

    def do_GET(self) -> None:
        """Answer one request, of any verb."""
        try:
            self._serve()
        except OSError:  # the client has left
            self.close_connection = True

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a request's line holds tokens."""

    def _serve(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            self.close_connection = True
            self.connection.sendall(self._bytes(refusal))
            return
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        reply, fault = self.server.respond(self._incoming(body))
        if not send(self.server, self.connection, fault, self._bytes(reply)):
            self.close_connection = True

    def _refusal(self) -> Reply | None:
        """Why the body of this request cannot be read."""
        length = self.headers.get("content-length") or "0"
        if self.headers.get("transfer-encoding"):
            return _plain(HTTPStatus.LENGTH_REQUIRED)
        if not (length.isascii() and length.isdigit()):
            return _plain(HTTPStatus.BAD_REQUEST)
        return _plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE) if int(length) > MOST_BYTES else None

    def _incoming(self, body: bytes) -> Incoming:
        target = urlsplit(self.path)
        return Incoming(
            verb=self.command,
            path=target.path,
            query=dict(parse_qsl(target.query, keep_blank_values=True)),
            content_type=self.headers.get_content_type(),
            body=body,
            authorization=self.headers.get("authorization") or "",
            switch_id=self.headers.get("switch-id") or "",
        )

    def _bytes(self, reply: Reply) -> bytes:
        headers = [
            ("Date", format_datetime(self.server.now(), usegmt=True)),
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            *reply.headers,
            *([("Connection", "close")] if self.close_connection else []),
        ]
        lines = [f"HTTP/1.1 {reply.status.value} {reply.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in headers]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + reply.body


def _plain(status: HTTPStatus) -> Reply:
    return Reply(status.phrase.encode(), status, "text/plain")
