"""SIGKILL at any moment while campaigns are followed: the end of each is told once, and as it was."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.test_command_kills import CONFIGURATION, give
from tests.support.engines import engine
from tests.support.fakes import Receiver
from tests.support.killing import killable
from tests.support.process import Process

__all__ = ["engine"]  # so that each test runs on both
pytestmark = pytest.mark.slow

CAMPAIGNS, KILLS = 12, 5


@pytest.fixture
def system() -> SimulatedSystem:
    one = SimulatedSystem(now=utcnow)
    one.set_units(10_000)
    return one


@pytest.fixture
def daemon(engine: str, tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    places = {"base_url": simulator.base_url, "webhook_url": receiver.url}
    events = 'events = ["command.*"]', 'events = ["campaign.*"]'
    with killable(tmp_path, CONFIGURATION.replace(*events), **places) as one:
        yield one


def told(receiver: Receiver) -> dict[str, dict[str, dict[str, Any]]]:
    """The ends of each campaign that receivers were told, by the id of the event: one may come twice."""
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for one in receiver.received:
        data = json.loads(one.body)["data"]
        found[data["campaign"]["command"]][data["id"]] = data["campaign"]
    return found


def test_every_campaign_has_one_end_whenever_the_daemon_is_killed(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    """A look follows at once on every start, so each kill is beside one: before it, in it or after it."""
    chance = random.Random(20261130)  # noqa: S311 - the same moments in every run
    daemon.start()
    ids = [give(daemon, f"05{number:08d}") for number in range(CAMPAIGNS)]
    _wait(lambda: len(system.campaigns) == CAMPAIGNS, "they are not dialled")
    answered = {}
    for number, campaign in enumerate(system.campaigns):
        answered[campaign.phones[0]] = is_answered = chance.random() < 0.5
        system.call_of_campaign(answered=is_answered, campaign=campaign.id)
        if number % (CAMPAIGNS // KILLS) == 0:
            looked = system.request_counts["GetCampaignStatus"]
            later = looked + chance.randrange(1, 6)
            _wait(lambda later=later: system.request_counts["GetCampaignStatus"] >= later, "it does not look")
            daemon.kill()
            daemon.start()
    _wait(lambda: told(receiver).keys() >= {*ids}, "not all of them were told", seconds=90)

    events = daemon.get("/api/v1/events?type=campaign.finished&limit=1000")[1]["events"]
    assert sorted(one["data"]["campaign"]["command"] for one in events) == sorted(ids)
    assert {len(one) for one in told(receiver).values()} == {1}
    phones = {one: daemon.get(f"/api/v1/commands/{one}")[1]["params"]["phones"] for one in ids}
    for command, ends in told(receiver).items():
        (end,) = ends.values()
        assert (end["outcome"], end["dialled"]) == ("finished", 1)
        assert end["answered"] == answered[phones[command]]
        assert end["price"] == (0.6 if end["answered"] else 0.1)


def _wait(until: Any, failing: str, seconds: float = 60) -> None:
    last = monotonic() + seconds
    while not until():
        assert monotonic() < last, failing
        Event().wait(0.05)  # the daemon needs the machine, too
