"""How much of a request is read: no more than the limit, whatever it says of its length."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from fastapi import FastAPI, Request
from starlette.types import Message, Receive, Scope, Send

from daemon.web.limits import BodyLimit
from daemon.web.server import Server

MOST = 10
DISCONNECT: Message = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Exchange:
    """One request through the limit: what comes in, what the app saw of it, and what went out."""

    def __init__(self, *incoming: Message, length: str | None = None, kind: str = "http") -> None:
        self.left = list(incoming)
        self.seen: list[Message] = []
        self.sent: list[Message] = []
        self.is_app_asked = False
        headers = [] if length is None else [(b"content-length", length.encode())]
        scope = {"type": kind, "path": "/x", "headers": headers, "method": "POST", "query_string": b""}
        asyncio.run(BodyLimit(self.app, MOST)(scope, self.receive, self.send))

    async def app(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        self.is_app_asked = True
        while self.left or not self.seen or self.seen[-1].get("more_body"):
            self.seen.append(await receive())

    async def receive(self) -> Message:
        return self.left.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int | None:
        return next((one["status"] for one in self.sent if "status" in one), None)


@pytest.mark.parametrize("length", [None, "10", "0", "-1", "many", ""])
def test_a_body_within_the_limit_reaches_the_app_as_it_came(length: str | None) -> None:
    pieces = [piece(b"12345", more=True), piece(b"67890", more=True), piece(b""), DISCONNECT]
    exchange = Exchange(*pieces, length=length)

    assert exchange.seen == pieces
    assert exchange.sent == []


@pytest.mark.parametrize("length", ["11", "2000000", "9" * 5000])
def test_a_body_that_says_it_is_too_large_is_not_read_at_all(length: str) -> None:
    exchange = Exchange(piece(b"1"), length=length)

    assert (exchange.status, exchange.is_app_asked, len(exchange.left)) == (413, False, 1)


@pytest.mark.parametrize("length", [None, "5"])
def test_a_body_that_turns_out_too_large_is_not_read_to_its_end(length: str | None) -> None:
    exchange = Exchange(
        piece(b"12345", more=True), piece(b"678901", more=True), piece(b"2", more=True), length=length
    )

    assert (exchange.status, exchange.is_app_asked, len(exchange.left)) == (413, False, 1)


def test_a_body_that_is_too_large_is_answered_with_a_problem_document() -> None:
    exchange = Exchange(piece(b"12345678901"))
    start, body = exchange.sent

    assert (b"content-type", b"application/problem+json") in start["headers"]
    assert json.loads(body["body"]) == {
        "type": "about:blank",
        "title": "The body is too large",
        "status": 413,
        "detail": "A body may have 10 bytes at most.",
        "instance": "/x",
    }


def test_a_client_that_leaves_in_the_middle_is_not_waited_for() -> None:
    pieces = [piece(b"1", more=True), DISCONNECT]

    assert Exchange(*pieces).seen == pieces


def test_what_is_no_request_is_let_through() -> None:
    startup: Message = {"type": "lifespan.startup"}

    assert Exchange(startup, kind="lifespan").seen == [startup]


@pytest.fixture
def url() -> Iterator[str]:
    app = FastAPI()
    app.add_middleware(BodyLimit, most=1000)

    @app.post("/")
    async def length(request: Request) -> Any:
        return len(await request.body())

    server = Server(app, "127.0.0.1", 0)
    server.start()
    yield f"http://127.0.0.1:{server.port}/"
    server.stop(timeout=10)


def test_over_the_wire_a_body_in_chunks_counts_too(url: str) -> None:
    def chunks(many: int) -> Iterator[bytes]:
        yield from [b"x" * 100] * many

    with requests.Session() as session:
        answers = [
            session.post(url, data=data, timeout=10)
            for data in (chunks(10), chunks(11), b"x" * 1000, b"x" * 1001, chunks(10_000), b"x" * 5_000_000)
        ]
        # The connection serves on.
        again = session.post(url, data=b"x", timeout=10)

    assert [one.status_code for one in answers] == [200, 413, 200, 413, 413, 413]
    assert again.json() == 1
