"""TLS of our own over real sockets: who shakes hands late or never, and a certificate that is renewed."""

import logging
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from starlette.requests import Request

from daemon.web import tls
from daemon.web.connections import Bounds
from daemon.web.protection import Protection
from daemon.web.reach import Reach, Reached
from daemon.web.server import Server
from tests.support.certificates import Authority

SOON, FAR = 0.3, 60.0
BOUNDS = Bounds(connections=3, head=FAR, body=FAR, idle=FAR, leaving=FAR)
HOST = "127.0.0.1"
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class House:
    """A server whose certificate can be another at any time."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        pem = self.authority.issue(HOST)
        self.context = tls.context(pem, pem)
        self.app = FastAPI()
        self.asked, self.go = threading.Event(), threading.Event()
        self.app.get("/", response_class=PlainTextResponse)(self.root)
        self.app.get("/slow")(self.slow)
        self.app.get("/much", response_class=PlainTextResponse)(lambda: "x" * 3_000_000)

    def root(self, request: Request) -> str:
        return request.url.scheme

    def slow(self) -> str:
        self.asked.set()
        assert self.go.wait(20)
        return "slow"


class Caller:
    """The other end of one connection."""

    def __init__(self, house: House, port: int) -> None:
        self._house = house
        self.socket = socket.create_connection((HOST, port), timeout=20)
        self.certificate = b""

    def shake(self, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> "Caller":
        context = ssl.create_default_context(cafile=str(self._house.authority.pem))
        context.minimum_version = context.maximum_version = version
        secured = context.wrap_socket(self.socket, server_hostname=HOST)
        self.certificate = secured.getpeercert(binary_form=True) or b""
        self.socket = secured
        return self

    def say(self, words: bytes) -> "Caller":
        self.socket.sendall(words)
        return self

    def answer(self) -> tuple[int, bytes]:
        """The status and the body of the next answer; 0 where the connection ends without one."""
        with self.socket.makefile("rb") as lines:
            first = lines.readline()
            if not first:
                return 0, b""
            headers = dict(line.rstrip().split(b": ", 1) for line in iter(lines.readline, b"\r\n"))
            return int(first.split()[1]), lines.read(int(headers[b"content-length"]))

    def close(self) -> None:
        self.socket.close()

    def is_ended(self) -> bool:
        """Whether it ends, before anything else comes."""
        try:
            return self.socket.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True


Connect = Callable[..., Callable[[], Caller]]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def serving(house: House) -> Iterator[Connect]:
    """Starts a server with such bounds, and gives what connects to it."""
    with ExitStack() as cleanups:

        def start(**bounds: float) -> Callable[[], Caller]:
            app = Reached(Protection(house.app), "", Reach)
            bound = replace(BOUNDS, **bounds)  # type: ignore[arg-type] # one of them is whole
            server = Server(app, HOST, 0, bounds=bound, tls=lambda: house.context)
            server.start()
            cleanups.callback(server.stop, timeout=10)
            cleanups.callback(house.go.set)

            def connect() -> Caller:
                assert server.port
                caller = Caller(house, server.port)
                cleanups.callback(caller.close)
                return caller

            return connect

        yield start


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_answers_by_tls_and_knows_it(serving: Connect, version: ssl.TLSVersion) -> None:
    caller = serving()().shake(version)

    assert [caller.say(WHOLE).answer() for _ in range(3)] == [(200, b"https")] * 3


def test_browsers_are_told_to_come_by_tls_only(serving: Connect) -> None:
    caller = serving()().shake().say(WHOLE)

    with caller.socket.makefile("rb") as lines:
        head = list(iter(lines.readline, b"\r\n"))
    assert b"strict-transport-security: max-age=31536000\r\n" in head


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_older_versions_are_not_spoken(serving: Connect) -> None:
    with pytest.raises(ssl.SSLError):
        serving()().shake(ssl.TLSVersion.TLSv1_1)


def test_a_long_answer_comes_whole(serving: Connect) -> None:
    assert serving()().shake().say(WHOLE.replace(b"/ ", b"/much ", 1)).answer() == (200, b"x" * 3_000_000)


def test_who_never_shakes_hands_is_ended_when_a_head_would_be_late(serving: Connect) -> None:
    connect = serving(head=SOON)

    assert connect().is_ended()
    assert connect().say(b"\x16\x03\x01").is_ended()


def test_who_shakes_hands_and_says_nothing_is_ended_likewise(serving: Connect) -> None:
    assert serving(head=SOON)().shake().is_ended()


def test_those_who_never_shake_hands_make_room_the_longest_first(serving: Connect) -> None:
    connect = serving()
    silent = [connect() for _ in range(3)]

    assert connect().shake().say(WHOLE).answer() == (200, b"https")
    assert silent[0].is_ended()
    assert silent[1].shake().say(WHOLE).answer() == (200, b"https")


def test_any_number_of_those_who_never_shake_hands_keep_nobody_out(serving: Connect) -> None:
    connect = serving()
    silent = [connect() for _ in range(50)]

    assert connect().shake().say(WHOLE).answer() == (200, b"https")
    assert all(one.is_ended() for one in silent[:-2])


def test_a_request_under_way_makes_no_room(serving: Connect, house: House) -> None:
    connect = serving(connections=1)
    busy = connect().shake().say(WHOLE.replace(b"/ ", b"/slow ", 1))
    assert house.asked.wait(20)

    assert connect().is_ended()
    house.go.set()
    assert busy.answer() == (200, b'"slow"')


def test_each_place_is_given_back(serving: Connect) -> None:
    connect = serving(connections=1)
    for _ in range(5):
        caller = connect()
        caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        caller.socket.close()  # a reset, in the midst of the handshake
        caller = connect().shake().say(WHOLE)
        assert caller.answer() == (200, b"https")
        caller.socket.close()

    assert connect().shake().say(WHOLE).answer() == (200, b"https")


def test_what_is_said_together_with_the_end_of_the_handshake_is_not_lost(serving: Connect) -> None:
    """A client by hand: its last flight and its request go out in one piece."""
    connect = serving()
    for _ in range(20):
        caller = connect()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        inside = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
        while True:
            try:
                inside.do_handshake()
                break
            except ssl.SSLWantReadError:
                caller.socket.sendall(outgoing.read())
                incoming.write(caller.socket.recv(65536))
        inside.write(WHOLE)
        caller.socket.sendall(outgoing.read())
        said = b""
        while b"https" not in said:
            try:
                said += inside.read(65536)
            except ssl.SSLWantReadError:
                incoming.write(caller.socket.recv(65536))


@pytest.mark.parametrize(
    "said", [WHOLE, b"\x00" * 100, b"SSH-2.0-x\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 99]
)
def test_what_is_no_tls_ends_without_a_word_in_the_log(
    serving: Connect, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connect = serving(head=SOON)
    caller = connect().say(said)
    while not caller.is_ended():
        """An alert of TLS comes first."""
    assert connect().shake().say(WHOLE).answer() == (200, b"https")

    assert [one for one in caplog.records if one.levelno >= logging.WARNING or one.exc_info] == []


def test_a_new_certificate_is_for_those_who_come_and_cuts_nobody_off(serving: Connect, house: House) -> None:
    connect = serving()
    before = connect().shake().say(WHOLE)
    assert before.answer() == (200, b"https")
    pem = house.authority.issue(HOST)
    house.context = tls.context(pem, pem)

    after = connect().shake()
    assert after.certificate != before.certificate
    assert after.say(WHOLE).answer() == before.say(WHOLE).answer() == (200, b"https")


def test_the_end_of_the_server_waits_for_nobody_who_has_not_shaken_hands(
    house: House,
) -> None:
    server = Server(house.app, HOST, 0, bounds=BOUNDS, tls=lambda: house.context)
    server.start()
    assert server.port
    with socket.create_connection((HOST, server.port), timeout=20) as silent:
        Caller(house, server.port).shake().socket.close()  # so it was seen
        server.stop(timeout=10)
        assert silent.recv(1) == b""
