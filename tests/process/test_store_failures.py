"""A store that cannot be written for a while: nothing is lost, and everybody is told once it can be."""

import json
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.fakes import Receiver
from tests.support.process import CONFIGURATION, Process

pytestmark = pytest.mark.slow

HEARTBEAT = """
[heartbeat]
url_file = "heartbeat"
every = "100ms"
"""
MANY = 8


@pytest.fixture
def watcher() -> Iterator[Receiver]:
    """The dead man's switch."""
    with Receiver() as one:
        yield one


@pytest.fixture
def daemon(tmp_path: Path, simulator: Simulator, receiver: Receiver, watcher: Receiver) -> Iterator[Process]:
    one = Process(tmp_path, CONFIGURATION + HEARTBEAT, base_url=simulator.base_url, webhook_url=receiver.url)
    (tmp_path / "heartbeat").write_text(watcher.url)
    yield one
    one.stop()


def refuse_writes(daemon: Process) -> Callable[[], None]:
    """No file of the process may grow, as on a full disk; returns what ends that."""
    before = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (1, before[1]))

    def allow() -> None:
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, before)

    return allow


def arrived(receiver: Receiver, event_type: str) -> list[dict[str, Any]]:
    found = [json.loads(one.body) for one in receiver.received]
    return [body for body in found if body["type"] == event_type]


def until(receiver: Receiver, event_type: str, many: int) -> list[dict[str, Any]]:
    while len(found := arrived(receiver, event_type)) < many:
        receiver.wait_for(len(receiver.received) + 1, timeout=20)
    return found


def sign(watcher: Receiver, age: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The next sign of life of which that holds."""
    while True:
        received = watcher.wait_for(len(watcher.received) + 1, timeout=20)
        body: dict[str, Any] = json.loads(received[-1].body)
        if age(body):
            return body


def test_while_nothing_can_be_written_nothing_is_lost(
    daemon: Process, system: SimulatedSystem, receiver: Receiver, watcher: Receiver, tmp_path: Path
) -> None:
    daemon.start()
    sign(watcher, lambda body: all(one["age_seconds"] is not None for one in body["watches"]))
    system.receive_sms(sender="0541234567", recipient="0501234567", text="before")
    until(receiver, "sms.received", 1)

    allow_writes = refuse_writes(daemon)
    daemon.wait_for("store.failed")
    signs = len(watcher.received)
    for number in range(MANY):
        system.receive_sms(sender="0541234567", recipient="0501234567", text=f"number {number}")
    daemon.wait_for("poll.not_stored", count=3)
    code, ready = daemon.get("/readyz", token=None)
    assert (code, daemon.get("/livez", token=None)[0]) == (503, 200)
    assert "database" in str(ready)
    assert len(arrived(receiver, "sms.received")) == 1
    assert len(watcher.received) <= signs + 1  # one may have been under way
    allow_writes()

    found = until(receiver, "sms.received", MANY + 1)
    (told,) = until(receiver, "daemon.store_recovered", 1)
    sign(watcher, lambda _: True)
    assert daemon.get("/readyz", token=None)[0] == 200
    assert daemon.stop() == 0

    texts = [body["data"]["sms"]["text"] for body in found]
    assert texts == ["before", *(f"number {number}" for number in range(MANY))]
    assert told["data"]["store"]["error"]
    assert told["data"]["store"]["failing_since"] < told["timestamp"]
    with closing(sqlite3.connect(tmp_path / "yemotd.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
