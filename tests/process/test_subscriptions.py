"""Endpoints added over HTTP, to daemons that are killed, and to several on one PostgreSQL."""

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
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


def told(receiver: Receiver, ending: str) -> list[str]:
    """Of the alerts about accounts that were told, the incidents."""
    bodies = [json.loads(one.body) for one in receiver.received]
    return [one["data"]["alert"]["incident"] for one in bodies if one["type"] == f"sip.account.{ending}"]


def remembered(directory: Path, name: str) -> list[tuple[Any, ...]]:
    """What the store has of an endpoint beside what was sent to it."""
    with closing(sqlite3.connect(directory / "yemotd.db")) as db:
        told = db.execute("SELECT incident FROM ledger WHERE endpoint = ?", [name]).fetchall()
        waits = "SELECT id FROM deliveries WHERE endpoint = ? AND ended_at IS NULL"
        return [*told, *db.execute(waits, [name])]


def test_who_was_told_a_fire_hears_its_end_unless_he_was_taken_away(tmp_path: Path) -> None:
    """Narrowed, it is told the end of what it believes; taken away, nothing, and nothing believes it."""
    phone, asked = "0773137770", {"events": ["sip.account.*"]}
    system = SimulatedSystem(TOKEN.partition(":")[0], now=utcnow)
    system.add_sip_account(phone)
    simulator = Simulator({TOKEN: system}, now=utcnow)
    simulator.start()
    with Receiver() as crm, Receiver() as changed, Receiver() as gone:
        daemon = Process(
            tmp_path, permitting(CONFIGURATION), base_url=simulator.base_url, webhook_url=crm.url
        ).start()
        try:
            wait_until(
                lambda: all(
                    one["observed_at"] for one in daemon.get("/api/v1/status")[1]["systems"][0]["watches"]
                ),
                within=60,
            )
            for name, receiver in (("changed", changed), ("gone", gone)):
                kept = {"name": name, "url": receiver.url, **asked}
                assert daemon.post("/api/v1/endpoints", kept)[0] == 201
            system.set_registered(phone, registered=False)
            for receiver in (crm, changed, gone):
                wait_until(lambda one=receiver: told(one, "unregistered"))  # type: ignore[misc]
            wait_until(lambda: not has_open(daemon))
            assert remembered(tmp_path, "gone")

            assert daemon.patch("/api/v1/endpoints/changed", {"events": ["sms.*"]})[0] == 200
            assert daemon.delete("/api/v1/endpoints/gone")[0] == 200
            wait_until(lambda: remembered(tmp_path, "gone") == [])
            before = len(gone.received)

            system.set_registered(phone, registered=True)
            for receiver in (crm, changed):
                wait_until(lambda one=receiver: told(one, "registered"))  # type: ignore[misc]
            wait_until(lambda: not has_open(daemon))
            assert told(changed, "registered") == told(changed, "unregistered") == told(crm, "registered")
            system.set_registered(phone, registered=False)
            wait_until(lambda: len(told(crm, "unregistered")) == 2)
            assert daemon.stop() == 0
            assert len(told(changed, "unregistered")) == 1
            assert len(gone.received) == before
            assert remembered(tmp_path, "gone") == []
        finally:
            daemon.stop()
            simulator.stop()


def has_open(daemon: Process) -> bool:
    return any(one["open"] for one in daemon.get("/api/v1/status")[1]["endpoints"])


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

        status, taken = them.members["north"].delete("/api/v1/endpoints/n8n")
        assert status == 200, taken

        def is_gone_from(member: str) -> bool:
            found = them.members[member].get("/api/v1/endpoints")[1]["endpoints"]
            return all(one["name"] != "n8n" for one in found)

        wait_until(lambda: is_gone_from("north") and is_gone_from("south"))
        many = len(n8n.received)
        for system in them.systems:
            them.message(system)
        assert them.come_to_rest() == []
        assert len(n8n.received) == many
        open_for = "SELECT id FROM deliveries WHERE endpoint = %s AND ended_at IS NULL"
        assert them.rows(open_for, "n8n") == []
        assert them.rows("SELECT incident FROM ledger WHERE endpoint = %s", "n8n") == []
    assert [them.members[one].stop() for one in ("north", "south")] == [0, 0]
