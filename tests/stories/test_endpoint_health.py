"""An endpoint that dies and comes back, over real HTTP: what it is spared, what others are told, and that
its backlog arrives in order."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.config.webhooks import RETRIES
from daemon.core.delivery.breaker import COOLDOWNS, SUSPENDED_AFTER, Health
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.route import Route
from daemon.core.model import Fact, Secret
from daemon.core.routing.plan import Interest
from daemon.core.routing.schedule import Schedule
from daemon.core.webhooks.signing import hmac_signer
from daemon.host import clock
from daemon.pipeline.endpoint_alerts import Reporter
from daemon.pipeline.events import Recorder
from daemon.senders.webhook import WebhookSender
from daemon.senders.webhook_attempt import Target
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from tests.process.test_app import wait_for, wait_for_baseline
from tests.support import stores
from tests.support.fakes import FakeClock, Ids, Receiver, answer
from tests.support.process import CONFIGURATION, SECRET, TOKEN, Process, run_cli

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TURNS = ("endpoint.failing", "endpoint.suspended", "endpoint.resumed", "endpoint.recovered")


class Endpoints:
    """The dispatcher with its real sender and store, "crm" and "ops" on loopback; time is moved by hand."""

    def __init__(self, path: Path, **receivers: Receiver) -> None:
        self.receivers = receivers
        self.clock = FakeClock()
        self.database = stores.at(path)
        self.recorder = Recorder([Interest(name, ("*",), None) for name in receivers], Ids())
        signers = (hmac_signer(Secret(SECRET)),)
        targets = {name: Target(one.url, signers, 5 * SECOND, 5 * SECOND) for name, one in receivers.items()}
        self.sender = WebhookSender(targets, now=self.clock.now, monotonic=clock.monotonic)
        route = Route(4, 5 * SECOND, (Schedule(("*",), RETRIES),))
        self.dispatcher = Dispatcher(
            self.database,
            self.sender,
            dict.fromkeys(receivers, route),
            health=EndpointHealth(jitter=lambda: 0.0, tell=Reporter(lambda: self.recorder).tell),
            mail_pace=MailPace(),
            now=self.clock.now,
            jitter=lambda: 0.0,
            new_id=Ids(),
        )

    def add(self, *subjects: str) -> None:
        with self.database.write() as db:
            self.recorder.record(
                db, "main", [Fact("sms.received", subject, {}) for subject in subjects], self.clock.at
            )
        self.dispatcher.wake()

    def run(self, *, after: timedelta = timedelta(0)) -> int:
        """Let time pass, and send until nothing is due; how often "crm" was asked."""
        self.clock.advance(after.total_seconds())
        before = len(self.receivers["crm"].received)
        for _ in range(1000):
            self.dispatcher.run_once(0 if self.sender.is_idle else 5)
            if self.dispatcher.is_at_rest:
                return len(self.receivers["crm"].received) - before
        raise AssertionError("it never comes to rest")

    def health(self) -> Health:
        return self.dispatcher.health()["crm"].health

    def told(self, name: str) -> list[tuple[str, str]]:
        """Type and subject of each event that an endpoint was sent, in order of its first arrival."""
        first = {one.headers["webhook-id"]: one.body for one in reversed(self.receivers[name].received)}
        parsed = [json.loads(body) for body in reversed(first.values())]
        return [(one["type"], one["data"]["subject"]) for one in parsed]

    def turns(self, name: str) -> list[str]:
        return [type_ for type_, _ in self.told(name) if type_.startswith("endpoint.")]

    def close(self) -> None:
        self.sender.close()
        self.database.close()


@pytest.fixture
def endpoints(engine: str, tmp_path: Path) -> Iterator[Endpoints]:
    with Receiver(answer(500)) as crm, Receiver() as ops:
        one = Endpoints(tmp_path / "health.db", crm=crm, ops=ops)
        yield one
        one.close()


def test_an_endpoint_that_dies_is_spared_step_by_step_and_gets_all_of_it_in_order_when_it_is_back(
    endpoints: Endpoints,
) -> None:
    endpoints.add("a", "b", "c", "d", "e", "a", "b")
    endpoints.run()
    assert endpoints.health() is Health.DEGRADED
    assert endpoints.turns("ops") == [*TURNS[:1]]

    began = endpoints.clock.at
    for cooldown in COOLDOWNS[Health.DEGRADED]:
        assert endpoints.run(after=cooldown - SECOND) == 0
        assert endpoints.run(after=SECOND) == 1
    endpoints.add("a", "f", "b")
    while endpoints.clock.at - began < SUSPENDED_AFTER:
        assert endpoints.health() is Health.DEGRADED
        assert endpoints.run(after=MINUTE) == 1
    assert endpoints.health() is Health.SUSPENDED
    assert endpoints.turns("ops") == [*TURNS[:2]]
    assert len(endpoints.told("ops")) == 10 + 2, "what is in order elsewhere waited"

    endpoints.receivers["crm"].script.answers = [answer()]
    assert endpoints.run(after=COOLDOWNS[Health.SUSPENDED][0] - SECOND) == 0
    endpoints.run(after=SECOND)
    while endpoints.run(after=SECOND):
        pass
    assert endpoints.health() is Health.HEALTHY
    assert endpoints.turns("ops") == [*TURNS]
    assert endpoints.turns("crm") == []

    # The last failure is behind them: each of these was accepted.
    accepted = [one.headers["webhook-id"] for one in endpoints.receivers["crm"].received[-10:]]
    assert len(set(accepted)) == 10
    with endpoints.database.read() as db:
        written = db.exec_driver_sql("SELECT id, subject FROM events WHERE system = 'main' ORDER BY number")
        lanes = {id_: subject for id_, subject in written}
        left = db.exec_driver_sql("SELECT count(*) FROM deliveries WHERE status <> 'delivered'").scalar()
    for lane in "abcdef":
        of_lane = [one for one in lanes if lanes[one] == lane]
        assert [one for one in accepted if lanes[one] == lane] == of_lane
    assert left == 0


OPS = """\
[[webhooks]]
name = "ops"
url = "{ops_url}"
secret_file = "secret"
"""


@pytest.mark.slow
def test_the_whole_daemon_suspends_an_endpoint_that_forbids_until_an_operator_brings_it_back(
    tmp_path: Path,
) -> None:
    """With a SIGKILL in between: what is known of its health, and what waits for it, is in the store."""
    system = SimulatedSystem(now=clock.utcnow)
    with (
        Simulator({TOKEN: system}, now=clock.utcnow) as simulator,
        Receiver(answer(403)) as crm,
        Receiver() as ops,
    ):
        places = {"base_url": simulator.base_url, "webhook_url": crm.url, "ops_url": ops.url}
        daemon = Process(tmp_path, CONFIGURATION + OPS, **places)
        try:
            daemon.start()
            wait_for_baseline(daemon)
            for number in range(9):
                system.receive_sms(sender=f"054000000{number % 3}", text=f"text {number}")
            (failing,) = wait_for(ops, "endpoint.failing")
            (suspended,) = wait_for(ops, "endpoint.suspended")
            elsewhere = wait_for(ops, "sms.received", 9)
            daemon.kill()
            asked = len(crm.received)
            daemon.start()
            wait_for(ops, "daemon.started", 2)
            spared = len(crm.received) - asked
            crm.script.answers = [answer()]
            enabled = run_cli(tmp_path, "endpoints", "enable", "crm")
            (recovered,) = wait_for(ops, "endpoint.recovered")
            arrived = wait_for(crm, "sms.received", 9)
        finally:
            code = daemon.stop()

    assert (enabled.returncode, code, spared) == (0, 0, 0)
    assert suspended["data"]["endpoint"]["error"] == "HTTP 403"
    assert failing["data"]["alert"]["incident"] == recovered["data"]["alert"]["incident"]
    assert by_lane(arrived) == by_lane(elsewhere)
    with closing(sqlite3.connect(tmp_path / "yemotd.db")) as db:
        left = db.execute("SELECT * FROM deliveries WHERE status <> 'delivered' AND lane LIKE 'main/%'")
        assert left.fetchall() == []
    assert [one for one in kinds(crm) if one.startswith("endpoint.")] == []


def by_lane(found: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The texts of messages, by sender, in the order of their arrival."""
    lanes: dict[str, list[str]] = {}
    for body in found:
        lanes.setdefault(body["data"]["sms"]["from"], []).append(body["data"]["sms"]["text"])
    return lanes


def kinds(receiver: Receiver) -> list[str]:
    return [json.loads(one.body)["type"] for one in receiver.received]
