"""What lies in the socket when the deadline has passed: it came in time, whoever was late to look."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from daemon.yemot.deadline import Exchange, TimedReader

PAST = Exchange(lambda: 100.0, deadline=1.0, connect=1.0, read=1.0, needs_new_connection=False)
Ends = tuple[socket.socket, socket.socket]
"""The server's, and ours."""


@pytest.fixture
def plain() -> Iterator[Ends]:
    theirs, ours = socket.socketpair()
    with closing(theirs), closing(ours):
        yield theirs, ours


@pytest.fixture
def secured(tmp_path: Path, plain: Ends) -> Iterator[Ends]:
    made = ["-nodes", "-days", "2", "-subj", "/CN=a", "-keyout", "a.key", "-out", "a.pem"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(["openssl", "req", "-x509", *key, *made], cwd=tmp_path, check=True, capture_output=True)  # noqa: S607
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "a.pem", tmp_path / "a.key")
    client = ssl.create_default_context(cafile=str(tmp_path / "a.pem"))
    client.check_hostname = False
    ends: list[ssl.SSLSocket] = []
    thread = threading.Thread(target=lambda: ends.append(server.wrap_socket(plain[0], server_side=True)))
    thread.start()
    with client.wrap_socket(plain[1]) as ours:
        thread.join(10)
        with ends[0]:
            yield ends[0], ours


@pytest.fixture(params=["plain", "secured"])
def ends(request: pytest.FixtureRequest) -> Ends:
    found: Ends = request.getfixturevalue(request.param)
    return found


def reader(ours: socket.socket) -> tuple[TimedReader, Callable[[int], bytes]]:
    timed = TimedReader(ours.makefile("rb", buffering=0), ours, PAST)

    def read(most: int) -> bytes:
        room = bytearray(most)
        return bytes(room[: timed.readinto(room) or 0])

    return timed, read


def test_what_came_in_time_is_read_and_then_it_is_over(ends: Ends) -> None:
    theirs, ours = ends
    theirs.sendall(b"answer")
    timed, read = reader(ours)
    with closing(timed):
        # In two reads: of what TLS has decrypted the rest is in no socket any more.
        assert read(3) + read(100) == b"answer"
        with pytest.raises(TimeoutError):
            read(1)


def test_half_a_record_is_not_waited_for(plain: Ends, secured: Ends) -> None:
    _, ours = secured
    raw = socket.socket(fileno=secured[0].detach())
    with closing(raw):
        raw.sendall(b"\x17\x03\x03\x01\x00half")
        timed, read = reader(ours)
        with closing(timed), pytest.raises(TimeoutError):
            read(1)


def test_an_end_that_came_in_time_is_an_end(plain: Ends) -> None:
    theirs, ours = plain
    theirs.close()
    timed, read = reader(ours)
    with closing(timed):
        assert read(1) == b""
