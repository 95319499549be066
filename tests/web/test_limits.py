"""How much of the bodies of requests is held: of each no more than its limit, nor of all together."""

import asyncio
import json
import socket
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from daemon.web.limits import MOST_VALUES, WEIGHT_OF_VALUE, Bodies
from daemon.web.problems import Problem
from daemon.web.server import Server
from tests.support import stores
from tests.support.http_app import Setting

MOST = 10
DISCONNECT: Message = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Exchange:
    """One body through the limit: what comes in, and what the app finds of it."""

    def __init__(self, *incoming: Message, length: str | None = None, bodies: Bodies | None = None) -> None:
        self.left = list(incoming)
        self.seen: Message | None = None
        self.problem: Problem | None = None
        self.bodies = bodies or Bodies(each=MOST)
        headers = [] if length is None else [(b"content-length", length.encode())]
        asyncio.run(self.run({"type": "http", "headers": headers}))

    async def run(self, scope: dict[str, object]) -> None:
        with self.bodies.one() as body:
            try:
                receive = await body.gathered(scope, self.receive)
            except Problem as problem:
                self.problem = problem
                return
            self.held = self.bodies.held
            if receive is not None:
                self.seen = await receive()
                self.then = await receive() if self.left else None

    async def receive(self) -> Message:
        return self.left.pop(0)


@pytest.mark.parametrize("length", [None, "10", "0", "-1", "many", ""])
def test_a_body_within_the_limit_reaches_the_app_in_one_piece(length: str | None) -> None:
    pieces = [piece(b"12345", more=True), piece(b"67890", more=True), piece(b""), DISCONNECT]
    exchange = Exchange(*pieces, length=length)

    assert exchange.seen == piece(b"1234567890")
    assert exchange.then == DISCONNECT
    assert (exchange.held, exchange.bodies.held) == (10, 0)


@pytest.mark.parametrize("length", ["11", "2000000", "9" * 5000])
def test_a_body_that_says_it_is_too_large_is_not_read_at_all(length: str) -> None:
    exchange = Exchange(piece(b"1"), length=length)

    assert exchange.problem
    assert (exchange.problem.status, len(exchange.left)) == (413, 1)
    assert exchange.problem.detail == "A body may have 10 bytes at most."


@pytest.mark.parametrize("length", [None, "5"])
def test_a_body_that_turns_out_too_large_is_not_read_to_its_end(length: str | None) -> None:
    pieces = [piece(b"12345", more=True), piece(b"678901", more=True), piece(b"2", more=True)]
    exchange = Exchange(*pieces, length=length)

    assert exchange.problem
    assert (exchange.problem.status, len(exchange.left), exchange.bodies.held) == (413, 1, 0)


def test_half_a_body_never_reaches_the_app() -> None:
    exchange = Exchange(piece(b"1", more=True), DISCONNECT)

    assert (exchange.seen, exchange.problem, exchange.bodies.held) == (None, None, 0)


def test_what_others_hold_is_not_to_be_had() -> None:
    bodies = Bodies(each=MOST, together=15)
    with bodies.one() as other:
        bodies.take(other, 10)
        small = Exchange(piece(b"12345"), bodies=bodies)
        large = Exchange(piece(b"123", more=True), piece(b"456", more=True), piece(b"7"), bodies=bodies)

        assert small.seen == piece(b"12345")
        assert large.problem
        assert (large.problem.status, large.problem.headers) == (503, {"retry-after": "1"})
        assert len(large.left) == 1
        assert bodies.held == 10
    assert bodies.held == 0


@given(st.lists(st.lists(st.binary(max_size=8), min_size=1, max_size=6), max_size=6))
def test_no_more_is_held_than_may_be_and_all_is_given_back(requests: Sequence[Sequence[bytes]]) -> None:
    bodies = Bodies(each=20, together=40)

    async def run() -> None:
        await asyncio.gather(*(one(pieces) for pieces in requests))

    async def one(pieces: Sequence[bytes]) -> None:
        incoming = [piece(each, more=True) for each in pieces[:-1]] + [piece(pieces[-1])]

        async def receive() -> Message:
            await asyncio.sleep(0)
            assert bodies.held <= 40
            return incoming.pop(0)

        with bodies.one() as body:
            try:
                whole = await body.gathered({"headers": []}, receive)
            except Problem as problem:
                assert problem.status in (413, 503)
                return
            assert whole
            assert (await whole())["body"] == b"".join(pieces)

    asyncio.run(run())
    assert bodies.held == 0


@pytest.mark.parametrize(
    "body", [b"[" + b"[]," * 100_000 + b"0]", b'{"a":' * 100_000, b"[0" + b",0" * 100_000]
)
def test_what_would_be_many_objects_is_refused_before_it_is_read_as_json(body: bytes) -> None:
    exchange = Exchange(piece(body), bodies=Bodies())

    assert exchange.problem
    assert exchange.problem.status == 413
    assert exchange.problem.detail == f"A body may have {MOST_VALUES} values at most."


def test_the_objects_to_come_are_held_too() -> None:
    exchange = Exchange(piece(json.dumps([0] * 1000).encode()), bodies=Bodies())

    assert exchange.held == 3000 + 1000 * WEIGHT_OF_VALUE


@pytest.fixture
def setting() -> Iterator[Setting]:
    one = Setting(stores.in_memory())
    yield one
    one.database.close()


@pytest.fixture
def url(setting: Setting) -> Iterator[str]:
    server = Server(setting.app, "127.0.0.1", 0)
    server.start()
    yield f"http://127.0.0.1:{server.port}/api/v1/silences"
    server.stop(timeout=10)


def test_over_the_wire_a_body_in_chunks_counts_too(url: str) -> None:
    def chunks(many: int) -> Iterator[bytes]:
        yield from [b" " * 1000] * many

    with requests.Session() as session:
        session.headers["authorization"] = "Bearer token-of-an-admin"
        bodies: list[Any] = [
            chunks(1048),
            chunks(1049),
            b" " * 1_048_576,
            b" " * 1_048_577,
            chunks(5_000),
            b" " * 5_000_000,
        ]
        answers = [session.post(url, data=one, timeout=20) for one in bodies]
        # The connection serves on.
        again = session.get(url, timeout=20)

    assert [one.status_code for one in answers] == [422, 413, 422, 413, 413, 413]
    assert again.status_code == 200


def test_over_the_wire_the_token_is_looked_at_while_the_body_is_still_to_come(url: str) -> None:
    address = urlsplit(url)
    assert address.hostname
    with socket.create_connection((address.hostname, address.port or 0), timeout=20) as caller:
        caller.sendall(b"POST /api/v1/silences HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")

        assert caller.recv(20).startswith(b"HTTP/1.1 401")
