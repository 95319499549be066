"""SIGKILL while the log of a queue is read: how each caller left is known once, whoever saw him, and who is
to be called back is listed once.

The log is read at most every five minutes, also across starts. So between two lives the clock goes on by as
much, as on a machine that was off meanwhile: the clock of the platform, and that of the process.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest

from daemon.core.allowance import SELDOM
from daemon.host import clock
from daemon.pipeline.missed import HELD
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.process import TOKEN, Process
from tests.support.wall import IS_THERE, Wall

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not IS_THERE, reason="libfaketime is not to be had for this machine"),
]

CONFIGURATION = """\
[daemon]
database = "sqlite:///yemotd.db"
drain = "1s"
[http]
listen = ""
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
[[systems.queues]]
path = "/5"
every = "200ms"
"""
LIVES = 3
PATIENCE = 120.0
LATER = SELDOM + timedelta(seconds=2)
BEFORE = "0549999999"


class Office:
    """The daemon, the platform, and the time that both go by."""

    def __init__(self, folder: Path) -> None:
        self.wall, self.ahead = Wall(folder), timedelta()
        self.system = SimulatedSystem(now=self.now)
        self.queue = self.system.queue("/5")
        self.simulator = Simulator({TOKEN: self.system}, now=self.now)
        self.simulator.start()
        self.daemon = Process(folder, CONFIGURATION, base_url=self.simulator.base_url)

    def now(self) -> datetime:
        return clock.utcnow() + self.ahead

    def start(self) -> None:
        many = self.daemon.count("daemon.ready")
        self.daemon.launch(**self.wall.environment)
        self.daemon.wait_for("daemon.ready", count=many + 1, timeout=PATIENCE)

    def start_later(self, later: timedelta = LATER) -> None:
        """On a machine that was off for so long; mostly for as long as the log is left alone."""
        with closing(sqlite3.connect(self.daemon.directory / "yemotd.db", timeout=10)) as db, db:
            db.execute("UPDATE clock SET boot = 'of another start'")
        self.ahead += later
        self.wall.set(self.ahead.total_seconds())
        self.start()

    def asked(self, statement: str) -> list[tuple[Any, ...]]:
        path = self.daemon.directory / "yemotd.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(statement).fetchall()

    def state(self, watch: str) -> str:
        found = self.asked(f"SELECT state FROM watches WHERE name = '{watch}'")  # noqa: S608 - ours
        return str(found[0][0] or "") if found else ""

    def reads(self) -> int:
        return self.system.request_counts["RenderYMGRFile"]

    def told(self, type_: str) -> Counter[str]:
        rows = self.asked(f"SELECT body FROM events WHERE type = '{type_}'")  # noqa: S608 - ours
        return Counter(json.loads(body)["data"]["callback"]["phone"] for (body,) in rows)


def until(is_it: Callable[[], object]) -> None:
    end = clock.monotonic() + PATIENCE
    while not is_it():
        assert clock.monotonic() < end
        Event().wait(0.02)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    one = Office(tmp_path)
    yield one
    one.daemon.kill()
    one.simulator.stop()


def test_each_caller_is_counted_once_whenever_it_is_killed(office: Office) -> None:
    random, queue = Random(3), office.queue  # noqa: S311 - of a game
    queue.give_up(queue.join(BEFORE))
    office.start()
    until(lambda: office.state("queue/5") and office.state("queue-log/5"))
    phones = []
    for life in range(LIVES):
        seen, unseen = f"05411111{life:02}", f"05422222{life:02}"
        call = queue.join(seen)
        until(lambda call=call: call in office.state("queue/5"))  # type: ignore[misc]
        queue.give_up(call)
        Event().wait(random.uniform(0, 0.4))  # the moment of the kill
        office.daemon.kill()
        queue.give_up(queue.join(unseen))
        phones += [seen, unseen]
        before = office.reads()
        office.start_later()
        until(lambda before=before: office.reads() > before)  # type: ignore[misc]
        Event().wait(random.uniform(0, 0.05))  # the moment of the kill, while it is taken in
        office.daemon.kill()
        office.start_later()
    until(lambda: set(phones) <= {phone for (phone,) in office.asked("SELECT phone FROM queue_calls")})
    office.daemon.kill()
    office.start_later(HELD)  # until a row that may be of two calls is known to be of one
    until(lambda: len(office.told("queue.callback.due")) == len(phones))

    left = office.asked("SELECT phone, outcome, many FROM queue_calls WHERE many > 0")
    assert sorted(left) == sorted((phone, "abandoned", 1) for phone in phones)
    assert office.told("queue.callback.due") == Counter(dict.fromkeys(phones, 1))
    listed = [phone for (phone,) in office.asked("SELECT phone FROM callbacks")]
    assert sorted(listed) == sorted(phones)
