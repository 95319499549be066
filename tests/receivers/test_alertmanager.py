"""A real Alertmanager, told by the daemon what happens: what it takes for firing and for over."""

import json
import re
import subprocess
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.core.event_types import EVENT_TYPES, matches
from daemon.host import clock
from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.parts import program
from tests.support.paths import ROOT
from tests.support.process import TOKEN, Process, free_port
from tests.web.test_metrics import RULES, RULES_OF_PHONES, SCRAPING

pytestmark = [pytest.mark.slow, pytest.mark.needs("prometheus-alertmanager")]

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
[systems.sms]
every = "200ms"
[systems.sip]
every = "200ms"
for = "0s"
keep_firing = "0s"
[[webhooks]]
name = "alarms"
url = "http://127.0.0.1:{port}/api/v2/alerts"
format = "alertmanager"
events = ["sip.*", "sms.*"]
retries = ["200ms", "200ms", "200ms", "500ms", "1s", "1s", "2s", "5s"]
"""
ROUTES = """\
global: { resolve_timeout: 20s }
route: { receiver: nobody }
receivers: [{ name: nobody }]
"""
"""It takes what nobody speaks of for over after so long: enough for a busy machine to see it before."""
PATIENCE = 120.0
PAGE = (ROOT / "docs" / "receivers" / "alertmanager.md").read_text(encoding="utf-8")


class Alertmanager:
    """A server of its own, in a folder of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        directory.mkdir()
        (directory / "alertmanager.yml").write_text(ROUTES, encoding="utf-8")

    def start(self) -> None:
        """Start it; what it knew of alerts is gone."""
        with (self.directory / "log").open("ab") as log:
            self._running = subprocess.Popen(
                [
                    program("prometheus-alertmanager"),
                    f"--config.file={self.directory / 'alertmanager.yml'}",
                    f"--storage.path={self.directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        """End it."""
        self._running.terminate()
        self._running.wait(60)

    def alerts(self) -> list[dict[str, Any]] | None:
        """Those that it takes for firing; None: it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v2/alerts", timeout=15) as answer:
                found: list[dict[str, Any]] = json.load(answer)
                return found
        except OSError:
            return None

    def wait_until(self, is_it: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Those, as soon as something holds of them."""
        end = clock.monotonic() + PATIENCE
        while (found := self.alerts()) is None or not is_it(found):
            assert clock.monotonic() < end, found
            time.sleep(0.1)  # noqa: TID251 - another process is looked at
        return found


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    one = Alertmanager(tmp_path / "alertmanager")
    one.start()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def system() -> SimulatedSystem:
    system = SimulatedSystem(now=utcnow)
    system.add_sip_account("0773137770")
    return system


@pytest.fixture
def daemon(tmp_path: Path, system: SimulatedSystem, alertmanager: Alertmanager) -> Iterator[Process]:
    (tmp_path / "daemon").mkdir()
    with Simulator({TOKEN: system}, now=utcnow) as simulator:
        port = str(alertmanager.port)
        process = Process(tmp_path / "daemon", CONFIGURATION, base_url=simulator.base_url, port=port)
        try:
            process.launch()
            process.wait_for("daemon.ready", timeout=PATIENCE)
            yield process
        finally:
            process.kill()


def names(found: list[dict[str, Any]]) -> list[str]:
    return sorted(one["labels"]["alertname"] for one in found)


def seen(daemon: Process, state: str) -> bool:
    """Whether the phone has been seen so."""
    status, document = daemon.get("/api/v1/status")
    assert status == 200
    return [one["state"] for one in document["systems"][0]["subjects"] if one["kind"] == "sip"] == [state]


def until(is_it: Callable[[], bool]) -> None:
    end = clock.monotonic() + PATIENCE
    while not is_it():
        assert clock.monotonic() < end
        time.sleep(0.05)  # noqa: TID251 - another process is looked at


def test_an_alert_lasts_until_the_daemon_says_that_it_is_over(
    daemon: Process, system: SimulatedSystem, alertmanager: Alertmanager
) -> None:
    until(lambda: seen(daemon, "up"))
    system.set_registered("0773137770", registered=False)
    (fires,) = alertmanager.wait_until(bool)
    system.receive_sms("0541234567", "your code is 4711")
    alertmanager.wait_until(lambda found: "sms.received" in names(found))
    # The fact is over by itself, after `resolve_timeout`; the alert is not, though nobody spoke of it either.
    (still,) = alertmanager.wait_until(lambda found: "sms.received" not in names(found))

    assert fires["labels"]["alertname"] == "sip.account.unregistered"
    assert (fires["labels"]["system"], fires["labels"]["subject"]) == ("main", "sip/0773137770")
    assert "0773137770" in fires["annotations"]["summary"]
    assert still["fingerprint"] == fires["fingerprint"]

    system.set_registered("0773137770", registered=True)
    alertmanager.wait_until(lambda found: not found)


def test_what_happened_while_it_was_away_is_told_as_it_is_now(
    daemon: Process, system: SimulatedSystem, alertmanager: Alertmanager
) -> None:
    until(lambda: seen(daemon, "up"))
    alertmanager.wait_until(lambda found: not found)
    alertmanager.stop()
    system.set_registered("0773137770", registered=False)
    daemon.wait_for("delivery.retry", timeout=PATIENCE)
    alertmanager.start()

    assert names(alertmanager.wait_until(bool)) == ["sip.account.unregistered"]
    daemon.kill()
    system.set_registered("0773137770", registered=True)
    daemon.launch()
    alertmanager.wait_until(lambda found: not found)


def test_the_page_shows_what_was_tried() -> None:
    (settings,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (shown,), (tried,) = tomllib.loads(settings)["webhooks"], tomllib.loads(CONFIGURATION)["webhooks"]

    assert (shown["format"], shown["url"]) == (tried["format"], tried["url"].replace("{port}", "9093"))
    assert names_any(shown["events"])


def names_any(patterns: list[str]) -> bool:
    return all(any(matches([one], kind) for kind in EVENT_TYPES) for one in patterns)


@pytest.mark.needs("promtool")
def test_prometheus_takes_what_the_two_pages_give_together(tmp_path: Path) -> None:
    (alerting,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    rules = {"yemotd.yml": RULES, "yemotd-phones.yml": RULES_OF_PHONES}
    for name, text in rules.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    whole = f"{SCRAPING}{alerting}rule_files: {json.dumps([*rules])}\n"
    (tmp_path / "prometheus.yml").write_text(whole, encoding="utf-8")
    checked = subprocess.run(
        [program("promtool"), "check", "config", str(tmp_path / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
