"""Endpoints added over HTTP, to daemons that are killed, and to several on one PostgreSQL."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from daemon.host.clock import utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.process.test_app import wait_for_baseline
from tests.support.fakes import Received, Receiver
from tests.support.postgresql import NEEDED
from tests.support.process import CONFIGURATION, PATIENCE, TOKEN, Process
from tests.support.several import Several, several, wait_until

pytestmark = pytest.mark.slow

PERMITTED = 'token_file = "http-token"\nendpoints_allow = ["127.0.0.1"]\n'


def permitting(configuration: str) -> str:
    return configuration.replace('token_file = "http-token"\n', PERMITTED, 1)


def texts(received: list[Received]) -> list[str]:
    by_id = {one.headers["webhook-id"]: one for one in received}  # what was told twice is one
    bodies = [json.loads(one.body) for one in by_id.values()]
    return [one["data"]["sms"]["text"] for one in bodies if one["type"] == "sms.received"]


def is_genuine(one: Received, secret: str) -> bool:
    Webhook(secret).verify(one.body, {key.lower(): value for key, value in one.headers.items()})
    return True


@pytest.fixture
def them(tmp_path: Path) -> Iterator[Several]:
    with several(tmp_path) as one:
        one.configuration = permitting(one.configuration)
        yield one


def test_one_that_was_added_is_there_after_a_kill_and_its_secret_is_in_no_file(tmp_path: Path) -> None:
    system = SimulatedSystem(TOKEN.partition(":")[0], now=utcnow)
    simulator = Simulator({TOKEN: system}, now=utcnow)
    simulator.start()
    with Receiver() as crm, Receiver() as n8n:
        daemon = Process(
            tmp_path, permitting(CONFIGURATION), base_url=simulator.base_url, webhook_url=crm.url
        ).start()
        try:
            wait_for_baseline(daemon)
            asked = {"name": "n8n", "url": n8n.url, "events": ["sms.received"]}
            status, made = daemon.post("/api/v1/endpoints", asked)
            assert status == 201, made
            daemon.kill()
            daemon.start()
            system.receive_sms("0541234567", "after the kill")
            wait_until(lambda: texts(n8n.received) == ["after the kill"])
            assert is_genuine(n8n.received[0], made["secret"])
            (source,) = [
                one["source"]
                for one in daemon.get("/api/v1/endpoints")[1]["endpoints"]
                if one["name"] == "n8n"
            ]
            assert source == "store"

            daemon.signal(signal.SIGHUP)
            daemon.wait_for("config.taken_over", timeout=PATIENCE)
            system.receive_sms("0541234567", "after the reload")
            wait_until(lambda: len(texts(n8n.received)) == 2)
        finally:
            daemon.stop()
            simulator.stop()
    secret = made["secret"].removeprefix("whsec_").encode()
    assert not [one for one in tmp_path.rglob("*") if one.is_file() and secret in one.read_bytes()]
    assert not any(made["secret"] in json.dumps(line) for line in daemon.lines)


@pytest.mark.needs(*NEEDED)
def test_what_one_member_adds_all_tell_and_what_it_takes_away_none(them: Several) -> None:
    them.begin("north", "south")
    with Receiver() as n8n:
        asked: dict[str, Any] = {"name": "n8n", "url": n8n.url, "events": ["sms.received"]}
        status, made = them.members["north"].post("/api/v1/endpoints", asked)
        assert status == 201, made

        def is_known_to(member: str) -> bool:
            found = them.members[member].get("/api/v1/endpoints")[1]["endpoints"]
            return any((one["name"], one["source"]) == ("n8n", "store") for one in found)

        wait_until(lambda: is_known_to("north") and is_known_to("south"))
        wait_until(lambda: them.holders("endpoint").get("n8n") is not None, what=them.holders)
        for system in them.systems:
            them.message(system)
        sent = {text for _, text in them.sent.values()}
        wait_until(lambda: {*texts(n8n.received)} == sent, what=lambda: texts(n8n.received))
        assert all(is_genuine(one, made["secret"]) for one in n8n.received)
        assert them.told("daemon.member_differs") == []

        status, rotated = them.members["south"].post("/api/v1/endpoints/n8n/rotate", {"overlap": "0s"})
        assert status == 200, rotated
        many = len(n8n.received)
        them.message()
        wait_until(lambda: len(n8n.received) > many)
        assert them.come_to_rest() == []
    assert [them.members[one].stop() for one in ("north", "south")] == [0, 0]
