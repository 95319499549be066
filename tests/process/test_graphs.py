"""A real Prometheus scrapes the daemon, which polls the simulator; what the dashboard asks has an answer."""

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daemon.host import clock
from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.parts import program
from tests.support.paths import ROOT
from tests.support.process import TOKEN, Process, free_port
from tests.web.test_metrics import RULES, RULES_OF_PHONES

pytestmark = [pytest.mark.slow, pytest.mark.needs("prometheus")]

DASHBOARD: dict[str, Any] = json.loads(
    (ROOT / "packaging" / "monitoring" / "yemotd-dashboard.json").read_text(encoding="utf-8")
)
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
[systems.sip]
every = "200ms"
for = "0s"
[systems.units]
every = "1s"
below = 1
[systems.sms_units]
every = "1s"
below = 1
[[systems.queues]]
path = "/5"
name = "sales"
every = "200ms"
log = false
[[webhooks]]
name = "crm"
url = "{webhook_url}"
secret_file = "secret"
"""
SCRAPING = """\
global: {{ scrape_interval: 5s, evaluation_interval: 5s }}
rule_files: [daemon.yml, phones.yml]
scrape_configs:
  - job_name: yemotd
    static_configs: [{{ targets: ["127.0.0.1:{port}"] }}]
"""
VARIABLES = {"$system": ".+", "$__rate_interval": "1m"}
"""As Grafana would put them, where all systems are chosen."""
PATIENCE = 120.0


@dataclass
class Prometheus:
    """A server of its own, in a folder of its own."""

    directory: Path
    port: int

    def get(self, path: str, **parameters: str) -> Any:
        """What its API answers; None: it does not yet."""
        words = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/{path}?{words}", timeout=15
            ) as answer:
                return json.load(answer)["data"]
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) and error.code != 503:
                pytest.fail(f"{path} {words}: {error.read().decode()}")
            return None

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of now."""
        found = self.get("query", query=expression)
        return found["result"] if found else []

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        """The same, as soon as there are any."""
        end = clock.monotonic() + PATIENCE
        while not (found := self.query(expression)):
            assert clock.monotonic() < end, f"no result: {expression}"
            time.sleep(0.1)  # noqa: TID251 - another process is looked at
        return found


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Process]:
    system = SimulatedSystem(now=utcnow)
    system.add_sip_account("0773137770")
    system.add_sip_account("0773137771", registered=False)
    queue = system.queue("/5")
    queue.add_agent("101")
    with Simulator({TOKEN: system}, now=utcnow) as simulator:
        (tmp_path / "daemon").mkdir()
        process = Process(
            tmp_path / "daemon",
            CONFIGURATION,
            base_url=simulator.base_url,
            webhook_url=f"http://127.0.0.1:{free_port()}/",
        )
        try:
            process.launch()
            process.wait_for("daemon.ready", timeout=PATIENCE)
            queue.join("0541234567")
            yield process
        finally:
            process.kill()


@pytest.fixture
def prometheus(tmp_path: Path, daemon: Process) -> Iterator[Prometheus]:
    directory = tmp_path / "prometheus"
    directory.mkdir()
    for name, text in (
        ("prometheus.yml", SCRAPING.format(port=daemon.port)),
        ("daemon.yml", RULES),
        ("phones.yml", RULES_OF_PHONES),
    ):
        (directory / name).write_text(text, encoding="utf-8")
    port = free_port()
    with (directory / "log").open("wb") as log:
        running = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield Prometheus(directory, port)
    finally:
        running.terminate()
        running.wait(60)


def panels() -> list[dict[str, Any]]:
    return [one for one in DASHBOARD["panels"] if one["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every query of the dashboard, with the panel that it is of, as Grafana would ask it."""
    for panel in panels():
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            yield panel["title"], expression


def test_each_query_of_the_dashboard_and_each_rule_has_an_answer(
    daemon: Process, prometheus: Prometheus
) -> None:
    for settled in (
        'yemotd_sip_accounts{state="unregistered"} == 1',
        'yemotd_sip_accounts{state="unknown"} == 0',
        "yemotd_queue_callers_waiting == 1",
    ):
        prometheus.wait_for(settled)
    found = {(title, asked): prometheus.wait_for(asked) for title, asked in expressions()}
    value = {title: ones[0]["value"][1] for (title, _), ones in found.items()}

    assert (value["Phones off"], value["Phones not known"]) == ("1", "0")
    accounts = next(ones for (title, _), ones in found.items() if title == "Each account")
    assert {one["metric"]["account"]: one["value"][1] for one in accounts} == {
        "0773137770": "1",
        "0773137771": "0",
    }
    assert value["Callers waiting"] == "1"
    (definition,) = [
        one["query"]["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"
    ]
    selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", definition).groups()  # type: ignore[union-attr]
    assert prometheus.get(f"label/{label}/values", **{"match[]": selector}) == ["main"]
    rules: Mapping[str, Any] = prometheus.get("rules")
    health = {one["name"]: one["health"] for group in rules["groups"] for one in group["rules"]}
    assert len(health) == len(re.findall("alert: ", RULES + RULES_OF_PHONES))
    assert not [name for name, word in health.items() if word == "err"]
    prometheus.wait_for('up{job="yemotd"} == 1')
    (target,) = prometheus.get("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")


def test_what_the_daemon_cannot_see_ends_and_is_not_drawn_on(daemon: Process, prometheus: Prometheus) -> None:
    line = 'yemotd_sip_account_registered{account="0773137770"}'
    prometheus.wait_for(line)
    daemon.places["base_url"] = f"http://127.0.0.1:{free_port()}/"
    daemon.configure(CONFIGURATION)
    daemon.signal(signal.SIGHUP)

    prometheus.wait_for('yemotd_sip_accounts{state="unknown"} == 2')
    assert prometheus.query(line) == []
