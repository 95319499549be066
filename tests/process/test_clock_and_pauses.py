"""The daemon as a process under a wall clock that is set, and under signals that stop it and let it go on."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.host.clock import monotonic, utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.test_app import bodies, texts, wait_for, wait_for_baseline
from tests.support.fakes import Receiver, answer
from tests.support.process import CONFIGURATION, Process
from tests.support.wall import IS_THERE, Wall

pytestmark = pytest.mark.slow

HOUR, DAY = 3600, 86400
SIZES = [-2 * HOUR, -8, 8, 5 * DAY, -50 * 365 * DAY, 10 * 365 * DAY]
COMMANDS = "[systems.sms]"
WITH_COMMANDS = CONFIGURATION.replace(
    COMMANDS, f'commands = ["*"]\ncampaign_units_per_day = 1000\n{COMMANDS}'
)
CAMPAIGN = {
    "type": "campaign.bridge",
    "system": "main",
    "params": {"phones": "0501234567", "ivr_path": "/1"},
}


@pytest.fixture
def wall(tmp_path: Path) -> Wall:
    if not IS_THERE:
        pytest.skip("libfaketime is not to be had for this machine")
    return Wall(tmp_path)


@pytest.fixture
def daemon(tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    one = Process(tmp_path, WITH_COMMANDS, base_url=simulator.base_url, webhook_url=receiver.url)
    yield one
    one.signal(signal.SIGCONT)
    one.stop()


def stopped_for(daemon: Process, seconds: float) -> None:
    """SIGSTOP, that long, SIGCONT. What is waited for is time itself: there is nothing that could tell it."""
    daemon.signal(signal.SIGSTOP)
    threading.Event().wait(seconds)
    daemon.signal(signal.SIGCONT)


def message(system: SimulatedSystem, text: str) -> None:
    system.receive_sms(sender="0541234567", recipient="0501234567", text=text)


def wait_for_text(receiver: Receiver, text: str) -> dict[str, Any]:
    many = 1
    while text not in texts(found := wait_for(receiver, "sms.received", many)):
        many = len(found) + 1
    return next(body for body in found if body["data"]["sms"]["text"] == text)


@pytest.mark.parametrize("seconds", SIZES)
def test_a_clock_that_is_set_holds_up_no_poll_no_retry_and_no_telling(
    daemon: Process, wall: Wall, system: SimulatedSystem, receiver: Receiver, seconds: int
) -> None:
    daemon.start(**wall.environment)
    wait_for_baseline(daemon)
    receiver.script.answers = [answer(503), answer(503), answer()]
    message(system, "before")
    receiver.wait_for(len(receiver.received) + 1, timeout=60)
    wall.set(seconds)
    wait_for_text(receiver, "before")
    message(system, "after")
    system.set_registered("0773137770", registered=False)
    wait_for_text(receiver, "after")
    (down,) = wait_for(receiver, "sip.account.unregistered")
    daemon.wait_for("clock.stepped")
    message(system, "later")
    later = wait_for_text(receiver, "later")

    signed_at = int(receiver.received[-1].headers["webhook-timestamp"])
    assert abs(signed_at - seconds - utcnow().timestamp()) < 5
    assert later["timestamp"][:13] == (utcnow() + timedelta(seconds=seconds)).isoformat()[:13]
    assert down["data"]["alert"]["status"] == "firing"
    assert len(bodies(receiver, "daemon.clock_stepped")) == (abs(seconds) >= 30)
    assert daemon.get("/livez")[0] == 200
    assert daemon.stop() == 0


@pytest.mark.parametrize("seconds", SIZES)
def test_a_clock_that_was_wrong_for_a_moment_leaves_nothing_behind(
    daemon: Process, wall: Wall, system: SimulatedSystem, receiver: Receiver, seconds: int
) -> None:
    daemon.start(**wall.environment)
    wait_for_baseline(daemon)
    wall.set(seconds)
    message(system, "while")
    wait_for_text(receiver, "while")
    daemon.wait_for("clock.stepped")
    wall.set(0)
    daemon.wait_for("clock.stepped", count=2)
    message(system, "after")
    wait_for_text(receiver, "after")
    _, status = daemon.get("/api/v1/status")

    soon = (utcnow() + timedelta(minutes=1)).isoformat()
    watches = [watch for one in status["systems"] for watch in one["watches"]]
    assert all(watch["next_run_at"] < soon for watch in watches), watches
    assert daemon.get("/livez")[0] == 200
    assert daemon.stop() == 0


def test_what_was_recorded_while_the_clock_was_ahead_is_told_after_the_restart(
    daemon: Process, wall: Wall, system: SimulatedSystem, receiver: Receiver
) -> None:
    wall.set(5 * DAY)
    daemon.start(**wall.environment)
    wait_for_baseline(daemon)
    receiver.script.answers = [answer(503)]
    message(system, "ahead")
    receiver.wait_for(len(receiver.received) + 1)
    daemon.kill()
    wall.set(0)
    receiver.script.answers = [answer()]
    daemon.start(**wall.environment)
    message(system, "right")

    assert [wait_for_text(receiver, text)["data"]["sms"]["text"] for text in ("ahead", "right")]
    assert daemon.stop() == 0


def test_a_start_in_the_wrong_year_costs_nothing_once_it_is_corrected(
    daemon: Process, wall: Wall, system: SimulatedSystem, receiver: Receiver
) -> None:
    wall.set(-56 * 365 * DAY)
    daemon.start(**wall.environment)
    wait_for_baseline(daemon)
    wall.set(0)
    daemon.wait_for("clock.stepped")
    before = cpu(daemon.pid)
    message(system, "right")
    wait_for_text(receiver, "right")
    lines = len(daemon.lines)

    assert cpu(daemon.pid) - before < 5
    assert lines < 100, daemon.lines
    assert not [one for one in daemon.lines if "missed" in json.dumps(one)]
    assert daemon.stop() == 0


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_campaign_of_before_the_step_is_sent_only_in_time_by_both_readings(
    daemon: Process, wall: Wall, simulator: Simulator, receiver: Receiver
) -> None:
    daemon.start(**wall.environment)
    wait_for_baseline(daemon)
    soon = (utcnow() + timedelta(seconds=3)).isoformat()
    _, waiting = daemon.post("/api/v1/commands", {**CAMPAIGN, "not_before": soon})
    wall.set(5 * DAY)
    expired = wait_for(receiver, "command.expired")

    assert [one["data"]["command"]["id"] for one in expired] == [waiting["id"]]
    # After the step a new one is as good as ever.
    _, given = daemon.post("/api/v1/commands", CAMPAIGN)
    (done,) = wait_for(receiver, "command.succeeded")
    assert done["data"]["command"]["id"] == given["id"]
    assert daemon.stop() == 0


@pytest.mark.parametrize("seconds", [0.1, 2.0, 7.0])
def test_it_goes_on_after_it_was_stopped(
    daemon: Process, system: SimulatedSystem, receiver: Receiver, seconds: float
) -> None:
    """Three times: what `sigtimedwait` gave back was whatever lay in its memory."""
    daemon.start()
    wait_for_baseline(daemon)
    for turn in range(3):
        stopped_for(daemon, seconds)
        message(system, f"after {turn}")
        wait_for_text(receiver, f"after {turn}")

    assert daemon.get("/livez")[0] == 200
    assert daemon.count("daemon.stuck") == 0
    assert daemon.stop() == 0


def test_an_answer_that_came_while_it_was_stopped_is_read(
    daemon: Process, simulator: Simulator, receiver: Receiver
) -> None:
    """The pause is longer than the deadline of two seconds."""
    daemon.start()
    wait_for_baseline(daemon)
    simulator.faults.set("CallExtensionBridging", Fault.SLOW, times=1, delay=timedelta(seconds=0.5))
    _, given = daemon.post("/api/v1/commands", CAMPAIGN)
    until = monotonic() + 10
    while simulator.faults.active and monotonic() < until:
        continue  # until the request is there
    stopped_for(daemon, 4)
    (done,) = wait_for(receiver, "command.succeeded")

    assert done["data"]["command"]["id"] == given["id"]
    assert daemon.stop() == 0


def test_signals_that_come_while_it_is_stopped_are_taken_in_their_order(
    daemon: Process, receiver: Receiver
) -> None:
    daemon.start()
    daemon.signal(signal.SIGSTOP)
    daemon.signal(signal.SIGHUP)
    daemon.signal(signal.SIGCONT)
    daemon.wait_for("config.reloaded")
    daemon.signal(signal.SIGSTOP)
    daemon.signal(signal.SIGTERM)
    daemon.signal(signal.SIGCONT)

    assert daemon.wait() == 0
    assert len(bodies(receiver, "daemon.stopped")) == 1
