"""Connections over real sockets: how many there may be, how long each may take, who makes room for whom."""

import json
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import takewhile
from typing import Any

import pytest
from fastapi import FastAPI, Request
from structlog.testing import capture_logs

from daemon.web.connections import Bounds
from daemon.web.server import ON_THE_WAY, Server, most_connections

SOON, FAR = 0.2, 60.0
BOUNDS = Bounds(connections=4, head=FAR, body=FAR, idle=FAR, leaving=FAR)
HALF = b"GET /here HTTP/1.1\r\nHost: x\r\n"
WHOLE = HALF + b"\r\n"
UPLOAD = b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


class House:
    """A server whose one slow route answers when the test says so."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.asked, self.go = threading.Event(), threading.Event()
        self.seen: list[int] = []

        @self.app.get("/here")
        async def here() -> str:
            return "here"

        @self.app.get("/slow")
        def slow() -> str:
            self.asked.set()
            assert self.go.wait(20)
            return "slow"

        @self.app.get("/much")
        async def much() -> str:
            return "x" * 50_000_000

        @self.app.post("/length")
        async def length(request: Request) -> int:
            self.seen.append(len(await request.body()))
            return self.seen[-1]


class Caller:
    """The other end of one connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def say(self, words: bytes) -> "Caller":
        self.socket.sendall(words)
        return self

    def answer(self) -> tuple[int, Any]:
        """The status and the document of the next answer; 0 where the connection ends without one."""
        with self.socket.makefile("rb") as lines:
            first = lines.readline()
            if not first:
                return 0, None
            headers = dict(line.rstrip().split(b": ", 1) for line in iter(lines.readline, b"\r\n"))
            return int(first.split()[1]), json.loads(lines.read(int(headers[b"content-length"])))

    def is_ended(self) -> bool:
        """Whether it ends, before anything else comes."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


Connect = Callable[..., Callable[[], Caller]]


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def serving(house: House) -> Iterator[Connect]:
    """Starts a server with such bounds, and gives what connects to it."""
    with ExitStack() as cleanups:

        def start(**bounds: float) -> Callable[[], Caller]:
            server = Server(house.app, "127.0.0.1", 0, bounds=replace(BOUNDS, **bounds))  # type: ignore[arg-type] # one of them is whole
            server.start()
            cleanups.callback(server.stop, timeout=10)
            cleanups.callback(house.go.set)

            def connect() -> Caller:
                assert server.port
                caller = Caller(server.port)
                cleanups.callback(caller.socket.close)
                return caller

            return connect

        yield start


@pytest.mark.parametrize("said", [HALF, b"G", WHOLE + HALF])
def test_half_a_head_is_waited_for_so_long_and_then_told(serving: Connect, said: bytes) -> None:
    caller = serving(head=SOON)().say(said)
    answers = [caller.answer() for _ in range(2 if said.startswith(WHOLE) else 1)]

    assert answers[-1][0] == 408
    assert answers[-1][1]["detail"] == f"Its head has to be there within {SOON} s."
    assert caller.is_ended()


def test_a_connection_that_says_nothing_ends_without_a_word(serving: Connect) -> None:
    assert serving(head=SOON)().is_ended()


def test_a_head_that_comes_byte_by_byte_gets_no_more_time(serving: Connect) -> None:
    caller = serving(head=SOON)()
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        for number in range(1_000_000):
            caller.say(b"X-%d: y\r\n" % number if number else HALF)
            caller.socket.settimeout(SOON / 10)
            try:
                if not caller.socket.recv(1000):
                    raise ConnectionResetError
            except TimeoutError:
                continue


def test_half_a_body_is_waited_for_so_long_and_then_told(serving: Connect, house: House) -> None:
    caller = serving(body=SOON)().say(UPLOAD + b"12345")

    assert caller.answer() == (
        408,
        {
            "type": "about:blank",
            "title": "The request takes too long",
            "status": 408,
            "detail": f"Its body has to be there within {SOON} s.",
        },
    )
    assert caller.is_ended()
    assert house.seen == []


def test_the_rest_of_a_body_that_nobody_reads_is_waited_for_so_long(serving: Connect) -> None:
    caller = serving(body=SOON)().say(WHOLE.replace(b"\r\n\r\n", b"\r\nContent-Length: 10\r\n\r\n"))

    assert caller.answer() == (200, "here")
    assert caller.is_ended()


def test_a_connection_with_nothing_to_do_ends_after_so_long(serving: Connect) -> None:
    caller = serving(idle=SOON)().say(WHOLE)

    assert caller.answer() == (200, "here")
    assert caller.is_ended()


def test_a_connection_serves_on(serving: Connect) -> None:
    caller = serving()()

    for _ in range(3):
        assert caller.say(WHOLE).answer() == (200, "here")
        assert caller.say(UPLOAD + b"1234567890").answer() == (200, 10)


def test_an_answer_that_nobody_reads_is_cut_off(serving: Connect) -> None:
    connect = serving(body=SOON, connections=1)
    deaf = connect().say(WHOLE.replace(b"/here", b"/much"))
    assert deaf.socket.recv(10, socket.MSG_PEEK) == b"HTTP/1.1 2"
    statuses = (connect().say(WHOLE).answer()[0] for _ in range(100_000))

    assert {*takewhile(lambda status: status != 200, statuses)} <= {503}
    assert connect().say(WHOLE).answer() == (200, "here")


def test_an_answer_that_is_read_slowly_may_take_long(serving: Connect) -> None:
    connect = serving(body=2 * SOON)
    slow, pace, had = connect().say(WHOLE.replace(b"/here", b"/much")).socket, threading.Event(), 0
    for _ in range(40):  # several times what it may be unread
        had += len(slow.recv(1 << 17))
        pace.wait(SOON / 4)
    assert had < 1 << 23  # which is little of it

    while had < 50_000_000:
        had += len(slow.recv(1 << 20)) or pytest.fail("it was cut off")


@pytest.mark.parametrize("waiting", [b"", HALF, WHOLE])
def test_who_waits_longest_makes_room_for_who_comes(serving: Connect, waiting: bytes) -> None:
    connect = serving()
    first, *others = [connect() for _ in range(BOUNDS.connections)]
    for one in (first, *others):
        one.say(waiting)
        if waiting == WHOLE:
            assert one.answer() == (200, "here")
    with capture_logs() as logs:
        newcomer = connect().say(WHOLE)
        answers = [newcomer.answer(), *([first.answer()] if waiting != WHOLE else [])]

    assert answers[0] == (200, "here")
    assert [one[0] for one in answers[1:]] in ([], [503])
    assert first.is_ended()
    for one in others:
        assert one.say(WHOLE if waiting == WHOLE else WHOLE.removeprefix(waiting)).answer() == (200, "here")
    assert [one["event"] for one in logs] == ["http.full"]


def test_a_request_under_way_makes_no_room(serving: Connect, house: House) -> None:
    connect = serving(connections=1)
    busy = connect().say(WHOLE.replace(b"/here", b"/slow"))
    assert house.asked.wait(20)
    refused = [connect().answer() for _ in range(3)]
    house.go.set()

    assert [status for status, _ in refused] == [503] * 3
    assert refused[0][1]["title"] == "Too many connections"
    assert busy.answer() == (200, "slow")


def test_what_there_is_no_place_for_is_counted_and_told_once(serving: Connect, house: House) -> None:
    with capture_logs() as logs:
        connect = serving(connections=1)
        connect().say(WHOLE.replace(b"/here", b"/slow"))
        assert house.asked.wait(20)
        for _ in range(20):
            assert connect().answer()[0] == 503

    assert logs == [
        {"event": "http.full", "log_level": "warning", "most": 1, "ended": 0, "refused": 1},
    ]


def test_nobody_is_kept_from_asking_by_those_who_do_not_ask(serving: Connect) -> None:
    connect = serving(connections=20)
    crowd = [connect().say(HALF) for _ in range(200)]

    assert connect().say(WHOLE).answer() == (200, "here")
    assert sum(one.answer()[0] == 503 for one in crowd[:181]) == 181


@pytest.mark.parametrize(
    "said",
    [b"\x16\x03\x01\x02\x00\x01\x00\n\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"x" * 20_000],
)
def test_what_is_no_http_is_refused_and_not_logged(serving: Connect, said: bytes) -> None:
    connect = serving()
    with capture_logs() as logs:
        status, document = connect().say(said).answer()

    assert (status, document["title"]) == (400, "The request is no HTTP")
    assert logs == []


def test_the_end_waits_for_nobody_who_waits(house: House) -> None:
    server = Server(house.app, "127.0.0.1", 0, bounds=BOUNDS)
    server.start()
    assert server.port
    callers = [Caller(server.port) for _ in range(3)]
    callers[0].say(HALF)
    assert callers[1].say(WHOLE).answer() == (200, "here")
    assert callers[2].say(WHOLE + HALF).answer() == (200, "here")
    server.stop(timeout=20)

    assert all(one.is_ended() for one in callers)
    for one in callers:
        one.socket.close()


@pytest.mark.parametrize(
    ("soft", "most"),
    [(1024, 512 - ON_THE_WAY), (256, 128 - ON_THE_WAY), (64, 1), (1_000_000, 512), (-1, 512)],
)
def test_never_more_than_half_of_the_descriptors(
    monkeypatch: pytest.MonkeyPatch, soft: int, most: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, -1))

    assert most_connections() == most
