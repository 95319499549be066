"""SIGKILL while digests are made, and while what is expected does not come and comes: each digest is there
once, and arrives; what is missing is told once, and taken back once."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.core.digests.schedule import Told
from daemon.core.watches.expectations import Standing
from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store import digests, expectations
from tests.support import stores
from tests.support.engines import engine
from tests.support.fakes import Receiver
from tests.support.process import Process

__all__ = ["engine"]  # so that each test runs on both
pytestmark = pytest.mark.slow

NAMES = ("one", "two", "three", "four")
CONFIGURATION = """\
[daemon]
database = "{database}"
drain = "3s"
timezone = "UTC"
[http]
listen = ""
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
read_timeout = "2s"
deadline = "2s"
[systems.sms]
every = "200ms"
[[systems.expectations]]
type = "sms.received"
within = "1m"
[[webhooks]]
name = "crm"
url = "{webhook_url}"
secret_file = "secret"
events = ["activity.*", "sms.*"]
retries = ["50ms", "50ms", "200ms", "1s", "1s", "1s"]
"""


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem(now=utcnow)


@pytest.fixture
def daemon(engine: str, tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    """Digests that were due a while ago, told until the day before; and 59 s in which nothing came."""
    now = utcnow()
    at = (now - timedelta(minutes=7)).strftime("%H:%M")
    rows = "".join(f'[[digests]]\nname = "{name}"\nto = ["crm"]\nat = "{at}"\n' for name in NAMES)
    path = tmp_path / "yemotd.db"
    _seed(path, now)
    places = {
        "database": stores.url_at(path),
        "base_url": simulator.base_url,
        "webhook_url": receiver.url,
    }
    one = Process(tmp_path, CONFIGURATION + rows, **places)
    yield one
    one.stop()


def _seed(path: Path, now: datetime) -> None:
    before = now - timedelta(days=1)
    with closing(stores.at(path)) as database, database.write() as db:
        for name in NAMES:
            digests.save(db, name, Told(before, 0, before.date()))
        quiet = Standing(timedelta(seconds=59))
        expectations.save(db, "main", "activity/sms.received/sms.received", quiet)


def made(daemon: Process) -> int:
    return sum(line.get("type") == "digest.made" for line in daemon.lines)


def told(receiver: Receiver, type_: str) -> list[dict[str, Any]]:
    """What has arrived of a type, each event once."""
    found = {}
    for one in list(receiver.received):
        body = json.loads(one.body)
        if body["type"] == type_:
            found[body["data"]["id"]] = body["data"]
    return list(found.values())


def test_each_digest_is_made_once_and_arrives(daemon: Process, receiver: Receiver) -> None:
    daemon.start()
    for many in (1, 2, 3):
        daemon.wait_until(lambda _line, many=many: made(daemon) >= many)  # type: ignore[misc]
        daemon.kill()
        daemon.start()
    daemon.wait_until(lambda _line: made(daemon) >= len(NAMES))
    count = 0
    while len(told(receiver, "digest.made")) < len(NAMES):
        count = len(receiver.wait_for(count + 1, timeout=60))
    daemon.stop()

    arrived = told(receiver, "digest.made")
    assert sorted(one["digest"]["name"] for one in arrived) == sorted(NAMES)
    with closing(stores.at(daemon.directory / "yemotd.db")) as database, database.read() as db:
        events = db.exec_driver_sql("SELECT id FROM events WHERE type = 'digest.made'").scalars().all()
        kept = db.exec_driver_sql("SELECT event FROM digests").scalars().all()
    assert sorted(kept) == sorted(events)
    assert {one["id"] for one in arrived} == set(events)


def test_what_is_missing_is_told_once_and_taken_back_once(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    def has(type_: str) -> bool:
        return any(line.get("type") == type_ for line in daemon.lines)

    daemon.start()
    daemon.wait_until(lambda _line: has("activity.missing"))
    daemon.kill()
    daemon.start()
    system.receive_sms("0541234567", "at last")
    daemon.wait_until(lambda _line: has("activity.seen"))
    daemon.kill()
    daemon.start()
    count = 0
    while not told(receiver, "activity.seen"):
        count = len(receiver.wait_for(count + 1, timeout=60))
    daemon.stop()

    assert len(told(receiver, "activity.missing")) == len(told(receiver, "activity.seen")) == 1
    (missing,), (seen,) = told(receiver, "activity.missing"), told(receiver, "activity.seen")
    assert missing["alert"]["incident"] == seen["alert"]["incident"]
    assert missing["last_seen_at"] is None
    assert seen["last_seen_at"] is not None
