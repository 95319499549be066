"""Names in the whole daemon: in its webhooks and its log, given by others while it runs, and read anew."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.host.clock import monotonic
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.test_app import bodies, wait_for, wait_for_baseline
from tests.support.fakes import Receiver
from tests.support.process import CONFIGURATION, Process, run_cli

pytestmark = pytest.mark.slow

NAMED = CONFIGURATION + 'names = true\n[contacts]\n"0521111111" = "Rami"\ncontacts_file = "book.csv"\n'
PATIENCE = 20


@pytest.fixture
def daemon(tmp_path: Path, simulator: Simulator, receiver: Receiver) -> Iterator[Process]:
    (tmp_path / "book.csv").write_text("0541234567,Dana\n", encoding="utf-8")
    one = Process(tmp_path, NAMED, base_url=simulator.base_url, webhook_url=receiver.url)
    yield one
    one.stop()


def names(body: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = body["data"].get("names", {})
    return found


def told_as(receiver: Receiver, system: SimulatedSystem, sender: str, name: str) -> dict[str, Any]:
    """The first SMS from a number that comes with this name: who gave it may not have been heard yet."""
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline:
        many = len(bodies(receiver, "sms.received"))
        system.receive_sms(sender=sender, recipient="0773137770", text=f"number {many}")
        newest = wait_for(receiver, "sms.received", many + 1)[-1]
        if names(newest).get(newest["data"]["sms"]["from"]) == name:
            return newest
    raise AssertionError(names(newest))


def test_names_come_with_events_from_the_file_and_from_whoever_gives_them(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    first = told_as(receiver, system, "0541234567", "Dana")
    assert set(names(first)) == {first["data"]["subject"], first["data"]["sms"]["from"]}
    _, stored = daemon.get(f"/api/v1/events/{first['data']['id']}")
    assert stored == {**first, "data": {key: one for key, one in first["data"].items() if key != "names"}}

    assert run_cli(daemon.directory, "contacts", "add", "0509999999", "Yossi").returncode == 0
    told_as(receiver, system, "0509999999", "Yossi")
    status, _ = daemon.post("/api/v1/contacts", {"number": "0508888888", "name": "שרה"})
    assert status == 201
    system.receive_sms(sender="0508888888", recipient="0773137770", text="at once")
    told_as(receiver, system, "0508888888", "שרה")
    logged = [one for one in daemon.lines if one["event"] == "event.recorded" and one.get("name") == "Dana"]
    assert logged
    assert logged[0]["subject"] == first["data"]["subject"]


def test_a_reload_reads_the_file_anew_and_a_bad_one_changes_nothing(
    daemon: Process, system: SimulatedSystem, receiver: Receiver
) -> None:
    daemon.start()
    wait_for_baseline(daemon)
    book = daemon.directory / "book.csv"
    book.write_text("0541234567,Da\x1bna\n0521111111,\n", encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    refused = daemon.wait_for("config.refused")
    assert ["line 1" in refused["error"], "line 2" in refused["error"]] == [True, True]
    told_as(receiver, system, "0541234567", "Dana")

    book.write_text("0541234567,Dana Levi\n", encoding="utf-8")
    daemon.signal(signal.SIGHUP)
    daemon.wait_for("config.reloaded")
    told_as(receiver, system, "0541234567", "Dana Levi")
    told_as(receiver, system, "0521111111", "Rami")
    assert (
        json.loads(run_cli(daemon.directory, "contacts", "list", "--json").stdout.splitlines()[0])["name"]
        == "Rami"
    )
