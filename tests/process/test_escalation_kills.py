"""SIGKILL while alerts fire, are acknowledged, escalate and end: each endpoint hears of each once, in order,
and in the end that it is over; what was acknowledged stays so, and no step is taken twice."""

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from daemon.core.own_events import ABOUT, ACKNOWLEDGED, ESCALATED
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.engines import engine
from tests.support.fakes import Receiver
from tests.support.killing import killable
from tests.support.process import Process

__all__ = ["engine"]  # so that each test runs on both
pytestmark = pytest.mark.slow

CONFIGURATION = """\
[systems.units]
every = "200ms"
below = 100
[[escalations]]
name = "night"
events = ["units.low"]
after = "2s"
to = ["boss"]
[[escalations]]
name = "night"
after = "4h"
to = ["owner"]
"""
WEBHOOK = """\
[[webhooks]]
name = "{name}"
url = "{url}"
secret_file = "secret"
events = {events}
retries = ["50ms", "50ms", "200ms", "1s", "1s", "1s"]
[webhooks.headers]
x-endpoint = "{name}"
"""
EVENTS = {"ops": '["units.*"]', "boss": "[]", "owner": "[]"}
LOW, OK = "units.low", "units.ok"
ENOUGH, FEW = 10_000, 50
PATIENCE = 60
"""Seconds, for what takes a few."""


@pytest.fixture
def system() -> SimulatedSystem:
    one = SimulatedSystem(now=utcnow)
    one.set_units(ENOUGH)
    return one


@pytest.fixture
def daemon(engine: str, tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    webhooks = "".join(
        WEBHOOK.format(name=name, url=receiver.url, events=events) for name, events in EVENTS.items()
    )
    with killable(tmp_path, CONFIGURATION + webhooks, base_url=simulator.base_url) as one:
        yield one


def wait_until(receiver: Receiver, is_it: Callable[[], bool]) -> None:
    """Wait until what has arrived is as it should be."""
    until = monotonic() + PATIENCE
    count = len(receiver.received)
    while not is_it():
        assert monotonic() < until, [one.body for one in receiver.received]
        count = len(receiver.wait_for(count + 1, timeout=PATIENCE))


def heard(receiver: Receiver, endpoint: str) -> list[dict[str, Any]]:
    """What an endpoint got, each event once, in the order of the first time."""
    found: dict[str, dict[str, Any]] = {}
    for one in list(receiver.received):
        if one.headers["x-endpoint"] == endpoint:
            body = json.loads(one.body)
            if "alert" in body["data"]:
                found.setdefault(body["data"]["id"], body)
    return list(found.values())


def words(receiver: Receiver, endpoint: str, incident: str) -> list[str]:
    return [
        body["type"] for body in heard(receiver, endpoint) if body["data"]["alert"]["incident"] == incident
    ]


def has_heard(receiver: Receiver, endpoint: str, incident: str, type_: str) -> bool:
    return type_ in words(receiver, endpoint, incident)


def acknowledged(daemon: Process, incident: str, by: str) -> dict[str, Any]:
    """Acknowledge it, as somebody does who is not sure whether that was heard: again."""
    until = monotonic() + PATIENCE
    while monotonic() < until:
        try:
            status, answer = daemon.post(f"/api/v1/alerts/{incident}/ack", {"by": by})
        except OSError:
            daemon.start()
            continue
        assert status == 200, answer
        return dict(answer)
    raise AssertionError("the daemon does not come back")


def fired(receiver: Receiver, system: SimulatedSystem, before: int) -> str:
    """Have it fire, and wait until that was told; the incident."""
    system.set_units(FEW)
    wait_until(receiver, lambda: len(_fires(receiver)) > before)
    return str(_fires(receiver)[-1])


def _fires(receiver: Receiver) -> list[str]:
    found = [one["data"]["alert"]["incident"] for one in heard(receiver, "ops") if one["type"] == LOW]
    return list(dict.fromkeys(found))


def test_whenever_it_is_killed(daemon: Process, system: SimulatedSystem, receiver: Receiver) -> None:
    chance = random.Random(20261130)  # noqa: S311 - the same moments in every run
    daemon.start()

    # One that nobody has: it goes to the boss, whatever is killed meanwhile.
    alone = fired(receiver, system, 0)
    for _ in range(3):
        daemon.kill()
        daemon.start()
    wait_until(receiver, lambda: LOW in words(receiver, "boss", alone))
    daemon.kill()
    daemon.start()

    # Taken on late, killed in the middle of that, asked again.
    answers = []
    for _ in range(3):
        answers.append(acknowledged(daemon, alone, "Dana"))
        if chance.random() < 0.7:
            daemon.kill()
    assert [one["is_new"] for one in answers] == [True, False, False]
    daemon.stop()
    daemon.start()
    for endpoint in ("ops", "boss"):
        wait_until(receiver, partial(has_heard, receiver, endpoint, alone, ACKNOWLEDGED))
    system.set_units(ENOUGH)
    daemon.kill()
    daemon.start()
    wait_until(receiver, lambda: OK in words(receiver, "boss", alone) and OK in words(receiver, "ops", alone))

    # One that is taken on at once: it goes to nobody.
    taken = fired(receiver, system, 1)
    acknowledged(daemon, taken, "Moshe")
    daemon.kill()
    daemon.start()
    wait_until(receiver, lambda: ACKNOWLEDGED in words(receiver, "ops", taken))
    system.set_units(ENOUGH)
    wait_until(receiver, lambda: OK in words(receiver, "ops", taken))
    assert daemon.stop() == 0

    assert words(receiver, "boss", alone) == [LOW, ACKNOWLEDGED, OK]
    assert words(receiver, "ops", alone) == [LOW, ESCALATED, ACKNOWLEDGED, OK]
    assert words(receiver, "ops", taken) == [LOW, ACKNOWLEDGED, OK]
    assert heard(receiver, "owner") == []
    assert not [one for one in heard(receiver, "boss") if one["data"]["alert"]["incident"] == taken]
    said = [one["data"]["by"] for one in heard(receiver, "ops") if one["type"] in ABOUT - {ESCALATED}]
    assert said == ["Dana", "Moshe"]
