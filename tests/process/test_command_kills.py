"""SIGKILL at any moment while commands are given and carried out: no campaign is dialled twice, nothing that
was accepted is lost, and what is said of it is true."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.host.clock import monotonic, utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.engines import engine
from tests.support.fakes import Receiver
from tests.support.killing import killable
from tests.support.process import Process

__all__ = ["engine"]  # so that each test runs on both
pytestmark = pytest.mark.slow

CONFIGURATION = """\
commands = ["*"]
commands_rate = 1000.0
campaign_units_per_day = 100000
[systems.units]
every = "24h"
below = 1
[[webhooks]]
name = "crm"
url = "{webhook_url}"
secret_file = "secret"
events = ["command.*"]
retries = ["50ms", "50ms", "200ms", "1s"]
"""
CAMPAIGNS, KILLS = 60, 6


@pytest.fixture
def system() -> SimulatedSystem:
    one = SimulatedSystem(now=utcnow)
    one.set_units(10_000)
    one.queue("/5").add_agent("SIP-1")
    return one


@pytest.fixture
def daemon(engine: str, tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    places = {"base_url": simulator.base_url, "webhook_url": receiver.url}
    with killable(tmp_path, CONFIGURATION, **places) as one:
        yield one


def campaign(phone: str) -> dict[str, Any]:
    return {"type": "campaign.bridge", "system": "main", "params": {"phones": phone, "ivr_path": "/1"}}


def give(daemon: Process, phone: str, asked: Callable[[str], dict[str, Any]] = campaign) -> str:
    """Give a command, as a client does that is not sure whether its request arrived: again with its key."""
    until = monotonic() + 60
    while monotonic() < until:
        try:
            status, answer = daemon.post("/api/v1/commands", asked(phone), idempotency_key=phone)
        except OSError:
            daemon.start()
            continue
        assert status == 202, answer
        return str(answer["id"])
    raise AssertionError("the daemon does not come back")


def told(receiver: Receiver) -> dict[str, set[str]]:
    """What receivers were told of each command."""
    found: dict[str, set[str]] = {}
    for one in receiver.received:
        body = json.loads(one.body)
        found.setdefault(body["data"]["command"]["id"], set()).add(body["type"])
    return found


def test_whenever_it_is_killed(
    daemon: Process, system: SimulatedSystem, simulator: Simulator, receiver: Receiver
) -> None:
    chance = random.Random(20261123)  # noqa: S311 - the same moments in every run
    kills = sorted(chance.sample(range(CAMPAIGNS), KILLS))
    daemon.start()
    phones, ids = [f"05{number:08d}" for number in range(CAMPAIGNS)], []
    for number, phone in enumerate(phones):
        ids.append(give(daemon, phone))
        if number in kills:
            # Some while the answer is under way, which never comes; others wherever it happens to be.
            if chance.random() < 0.5:
                simulator.faults.set("CallExtensionBridging", Fault.HANG, times=1)
                ids.append(give(daemon, "059" + phone[3:]))
                _wait_until_one_is_running(daemon)
            daemon.kill()
            daemon.start()
    ends = [ended(daemon, command) for command in ids]
    until = monotonic() + 30
    while told(receiver).keys() < {*ids} and monotonic() < until:
        receiver.wait_for(len(receiver.received) + 1, timeout=30)  # some come twice, under their id

    dialled = Counter(phone for one in system.campaigns for phone in one.phones)
    statuses = Counter(end["status"] for end in ends)
    assert max(dialled.values()) == 1
    assert len(set(ids)) == len(ids)
    for end in ends:
        phone = end["params"]["phones"]
        assert end["status"] in ("succeeded", "unknown"), end
        assert end["status"] == "unknown" or dialled[phone] == 1
    assert 1 <= statuses["unknown"] <= KILLS
    assert system.request_counts["CallExtensionBridging"] <= len(ids)
    assert {key: {f"command.{end['status']}"} for key, end in zip(ids, ends, strict=True)} == told(receiver)


def _wait_until_one_is_running(daemon: Process) -> None:
    until = monotonic() + 10
    while monotonic() < until:
        if daemon.get("/api/v1/commands?status=running")[1]["commands"]:
            return
    raise AssertionError("it is not sent")


def ended(daemon: Process, command: str) -> dict[str, Any]:
    until = monotonic() + 60
    while monotonic() < until:
        status, answer = daemon.get(f"/api/v1/commands/{command}?wait=5s")
        assert status == 200, answer
        if answer["ended_at"] is not None:
            return dict(answer)
    raise AssertionError(f"{command} does not end")


def test_a_campaign_under_way_is_waited_for_when_the_daemon_stops(
    daemon: Process, system: SimulatedSystem, simulator: Simulator, receiver: Receiver
) -> None:
    simulator.faults.set("CallExtensionBridging", Fault.SLOW, delay=timedelta(seconds=1))
    daemon.start()
    command = give(daemon, "0501234567")
    _wait_until_one_is_running(daemon)

    assert daemon.stop() == 0
    assert len(system.campaigns) == 1
    assert told(receiver) == {command: {"command.succeeded"}}
