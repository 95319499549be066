"""The daemon as a process, while strangers take what they can of its HTTP side: it polls, tells, answers."""

import os
import resource
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from daemon.host.clock import monotonic
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.fakes import Receiver
from tests.support.process import HTTP_TOKEN, Process

pytestmark = pytest.mark.slow

MANY = 1_100
MIB = 1_048_576
HALF = b"GET /livez HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def daemon(tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    one = Process(tmp_path, base_url=simulator.base_url, webhook_url=receiver.url)
    yield one
    one.stop()


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """For the crowd, which this process plays."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(4096, before[1])), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def descriptors(daemon: Process) -> int:
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def resident(daemon: Process) -> int:
    """Bytes of memory that the process has."""
    pages = int(Path(f"/proc/{daemon.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def arrived(receiver: Receiver, text: str) -> None:
    """Wait until an SMS with this text arrived."""
    deadline = monotonic() + 30
    while not any(text in one.body.decode() for one in receiver.received):
        assert monotonic() < deadline
        receiver.wait_for(len(receiver.received) + 1, timeout=20)


@pytest.mark.usefixtures("many_descriptors")
def test_half_sent_heads_keep_nobody_from_polling_or_asking(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (1024, 1024))
    with ExitStack() as crowd:
        for _ in range(MANY):
            one = crowd.enter_context(socket.create_connection(("127.0.0.1", daemon.port), timeout=20))
            one.sendall(HALF)
        asked = monotonic()
        answers = [daemon.get(path, token=None) for path in ("/livez", "/readyz")]
        took = monotonic() - asked
        held = descriptors(daemon)
        system.receive_sms(sender="0541234567", recipient="0501234567", text="in the middle of it")
        arrived(receiver, "in the middle of it")

    assert answers == [(200, "ok\n")] * 2
    assert took < 5
    assert held < 1024 // 2 + 100  # its own
    assert daemon.stop() == 0
    about_it = [line for line in daemon.lines if line["event"] not in ("webhook.attempt", "event.recorded")]
    assert len(about_it) < 50
    assert daemon.count("http.full") == 1
    assert not [line for line in daemon.lines if line.get("level") == "error"]


def test_a_store_that_somebody_holds_keeps_nobody_from_asking(daemon: Process, tmp_path: Path) -> None:
    daemon.start()
    with closing(sqlite3.connect(tmp_path / "yemotd.db", isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(40) as pool:
            asked = monotonic()
            ready = [pool.submit(daemon.get, "/readyz", None) for _ in range(40)]
            lives = daemon.get("/livez", token=None)
            codes = {one.result()[0] for one in ready}
            took = monotonic() - asked
        foreign.execute("ROLLBACK")

    assert lives[0] == 200
    assert codes <= {200, 503}
    assert took < 4  # SQLite waits for 5 s


@pytest.mark.parametrize("piece", [MIB, 1], ids=["in one piece", "in chunks of a byte"])
@pytest.mark.parametrize("token", [HTTP_TOKEN, "wrong"])
@pytest.mark.usefixtures("many_descriptors")
def test_large_bodies_take_no_more_memory_than_they_may(daemon: Process, token: str, piece: int) -> None:
    daemon.start()
    head = f"POST /api/v1/silences HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    if piece == 1:
        head += "Transfer-Encoding: chunked\r\n\r\n"
        body = b"1\r\n \r\n" * (MIB // 8)
    else:
        head += f"Content-Length: {MIB}\r\n\r\n"
        body = b" " * (MIB - 1)
    daemon.get("/livez", token=None)
    before = resident(daemon)
    answers: list[bytes] = []

    def upload(_: int) -> None:
        """All of the body but its last byte, or as much of it as is taken."""
        caller = socket.create_connection(("127.0.0.1", daemon.port), timeout=20)
        callers.callback(caller.close)
        with suppress(OSError):
            caller.sendall(head.encode() + body)
            caller.settimeout(3)
            answers.append(caller.recv(12))

    with ExitStack() as callers:
        with ThreadPoolExecutor(30) as pool:
            list(pool.map(upload, range(300)))
        most = resident(daemon)
        lives = daemon.get("/livez", token=None)
    print(f"{(most - before) / MIB:.1f} MiB more")

    assert lives == (200, "ok\n")
    assert most - before < 64 * MIB
    # In crumbs it is cut off in the middle, and its answer may be lost with what was left unread.
    told = set() if piece == 1 else {b"HTTP/1.1 503"} if token == HTTP_TOKEN else {b"HTTP/1.1 401"}
    assert told <= set(answers) <= {*told, b"HTTP/1.1 400", b"HTTP/1.1 401", b""}
