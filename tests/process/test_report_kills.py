"""SIGKILL at any moment while files of rows appear and are read: each row is told once, and none is lost."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support import stores
from tests.support.engines import engine
from tests.support.fakes import Receiver
from tests.support.process import Process

__all__ = ["engine"]  # so that each test runs on both
pytestmark = pytest.mark.slow

CONFIGURATION = """\
[daemon]
database = "{database}"
drain = "5s"
[http]
listen = "127.0.0.1:0"
token_file = "http-token"
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
[[systems.reports]]
path = "/1"
file = "ApprovalAll"
every = "200ms"
fields = ["P050"]
[[webhooks]]
name = "crm"
url = "{webhook_url}"
secret_file = "secret"
events = ["report.*"]
retries = ["50ms", "50ms", "200ms", "1s"]
"""
FILES, ROWS, KILLS = 12, 25, 5
"""A file that appears is read at once; one that grows not before five minutes are over."""


@pytest.fixture
def daemon(
    engine: str, tmp_path: Path, system: SimulatedSystem, simulator: Simulator, receiver: Receiver
) -> Iterator[Process]:
    system.files.put("1/ApprovalAll.ymgr", b"P050#0\n")
    database = stores.url_at(tmp_path / "yemotd.db")
    places = {"database": database, "base_url": simulator.base_url, "webhook_url": receiver.url}
    one = Process(tmp_path, CONFIGURATION, **places)
    yield one
    one.stop()


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem(now=utcnow)


def is_at_its_baseline(daemon: Process) -> bool:
    (system,) = daemon.get("/api/v1/status")[1]["systems"]
    return any(one["observed_at"] for one in system["watches"])


def told(receiver: Receiver) -> dict[str, str]:
    """Rows by the id of the event that told them; each event is the same however often it came."""
    bodies: list[dict[str, Any]] = [json.loads(one.body)["data"] for one in list(receiver.received)]
    return {one["id"]: one["row"]["P050"] for one in bodies}


def test_whenever_it_is_killed(daemon: Process, system: SimulatedSystem, receiver: Receiver) -> None:
    chance = random.Random(20261130)  # noqa: S311 - the same moments in every run
    kills = frozenset(chance.sample(range(FILES), KILLS))
    daemon.start()
    until = monotonic() + 30
    while not is_at_its_baseline(daemon):
        assert monotonic() < until
    written = []
    for number in range(FILES):
        rows = [f"{number}-{one}" for one in range(ROWS)]
        written += rows
        lines = "".join(f"P050#{one}\n" for one in rows)
        system.files.put(f"1/ApprovalAll.2026-{number + 10}.ymgr", lines.encode())
        if number in kills:
            receiver.wait_for(chance.randrange(len(written) - ROWS, len(written)) or 1, timeout=30)
            daemon.kill()
            daemon.start()
    many = len(receiver.received)
    while len(told(receiver)) < len(written):
        receiver.wait_for(many + 1, timeout=30)  # some come twice, under their id
        many = len(receiver.received)

    assert sorted(told(receiver).values()) == sorted(written)
