"""SIGKILL while callers come, give up and are crossed off: each is told once, and listed once."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from daemon.host import clock
from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.process import TOKEN, Process

pytestmark = pytest.mark.slow

CONFIGURATION = """\
[daemon]
database = "sqlite:///yemotd.db"
drain = "1s"
[http]
listen = "127.0.0.1:0"
token_file = "http-token"
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
[[systems.queues]]
path = "/5"
every = "200ms"
log = false
[[systems.callbacks]]
path = "/5"
every = "200ms"
initial = "emit"
"""
ROUNDS = 4
PATIENCE = 20.0


@pytest.fixture
def system() -> SimulatedSystem:
    return SimulatedSystem(now=utcnow)


@pytest.fixture
def daemon(tmp_path: Path, system: SimulatedSystem) -> Iterator[Process]:
    with Simulator({TOKEN: system}, now=utcnow) as simulator:
        process = Process(tmp_path, CONFIGURATION, base_url=simulator.base_url)
        yield process
        process.kill()


def asked(daemon: Process, statement: str) -> list[tuple[Any, ...]]:
    path = daemon.directory / "yemotd.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(statement).fetchall()


def until(is_it: Callable[[], object]) -> None:
    end = clock.monotonic() + PATIENCE
    while not is_it():
        assert clock.monotonic() < end
        time.sleep(0.02)  # noqa: TID251 - another process is looked at


def is_seen(daemon: Process, call: str) -> bool:
    return any(
        call in state for (state,) in asked(daemon, "SELECT state FROM watches WHERE name = 'queue/5'")
    )


def told(daemon: Process, kind: str) -> Counter[str]:
    rows = asked(daemon, f"SELECT body FROM events WHERE type = 'queue.callback.{kind}'")  # noqa: S608
    return Counter(json.loads(body)["data"]["callback"]["phone"] for (body,) in rows)


def test_a_missed_caller_is_listed_once_and_crossed_off_once_whenever_it_is_killed(
    daemon: Process, system: SimulatedSystem
) -> None:
    random, queue = Random(1), system.queue("/5")  # noqa: S311 - of a game
    phones = [f"05412345{number:02}" for number in range(ROUNDS)]
    for phone in phones:
        daemon.start()
        call = queue.join(phone)
        until(partial(is_seen, daemon, call))
        queue.give_up(call)
        time.sleep(random.uniform(0, 0.4))  # noqa: TID251 - the moment of the kill
        daemon.kill()
    daemon.start()
    until(lambda: len(asked(daemon, "SELECT number FROM queue_calls")) == ROUNDS)

    left = asked(daemon, "SELECT phone, outcome FROM queue_calls")
    missed = {phone for phone, outcome in left if outcome == "abandoned"}
    listed = [phone for (phone,) in asked(daemon, "SELECT phone FROM callbacks")]
    assert sorted(phone for phone, _ in left) == phones
    assert {outcome for _, outcome in left} <= {"abandoned", "unknown"}
    assert sorted(listed) == sorted(missed)
    assert told(daemon, "due") == Counter(dict.fromkeys(missed, 1))

    sure = queue.join("0540000000")
    until(lambda: is_seen(daemon, sure))
    queue.give_up(sure)
    until(lambda: "0540000000" in told(daemon, "due"))
    assert daemon.post("/api/v1/missed/0540000000/done", {"by": "Dana"})[0] == 200
    daemon.kill()
    daemon.start()
    until(lambda: told(daemon, "done"))
    daemon.kill()
    daemon.start()

    assert told(daemon, "done") == Counter({"0540000000": 1})


def test_who_asked_to_be_called_back_is_listed_once_and_gone_once_whenever_it_is_killed(
    daemon: Process, system: SimulatedSystem
) -> None:
    random, queue = Random(2), system.queue("/5")  # noqa: S311 - of a game
    phones = [f"05412345{number:02}" for number in range(ROUNDS)]
    requests = []
    for phone in phones:
        daemon.start()
        requests.append(queue.request_callback(phone))
        time.sleep(random.uniform(0, 0.6))  # noqa: TID251 - the moment of the kill
        daemon.kill()
    daemon.start()
    until(lambda: len(told(daemon, "due")) == ROUNDS)
    for request in requests:
        queue.remove_callback(request)
        time.sleep(random.uniform(0, 0.6))  # noqa: TID251 - the moment of the kill
        daemon.kill()
        daemon.start()
    until(lambda: len(told(daemon, "done")) == ROUNDS)

    once = Counter(dict.fromkeys(phones, 1))
    assert (told(daemon, "due"), told(daemon, "done")) == (once, once)
    rows = asked(daemon, "SELECT phone, done FROM callbacks")
    assert sorted(rows) == [(phone, "gone") for phone in phones]
