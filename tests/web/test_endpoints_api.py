"""Endpoints over HTTP: how they are doing; tested, turned off and on, sent the past again."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.app.ping import ping
from daemon.core.delivery.breaker import Switch
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest
from daemon.store import endpoint_health, history
from daemon.store.history import DeliveryView
from daemon.wiring.endpoints import interests
from daemon.wiring.senders import public_keys
from tests.support import stores
from tests.support.config_files import SYSTEM, loaded
from tests.support.dispatching import Setting as Sending
from tests.support.fakes import Receiver, answer
from tests.support.http_app import COMMANDER, Setting

MAILBOX = "ops/anna@example.org"
KEY = "whsk_" + "A" * 43 + "="
CONFIGURATION = (
    SYSTEM
    + '[systems.sms]\n[[webhooks]]\nname = "crm"\nurl = "{url}"\nsecret_env = "SIGNING"\n'
    + 'signing_key = "{key}"\n'
    + '[smtp]\nhost = "localhost"\nfrom = "a@b.c"\n[[emails]]\nname = "ops"\nto = ["anna@example.org"]\n'
)


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    """One delivery made, one given up, one that waits for a retry."""
    one = Sending(stores.on_file(tmp_path / "web.db"))
    one.receivers.answers["crm"] = lambda message: {
        "main/bad": Outcome.REFUSED,
        "main/slow": Outcome.TIMEOUT,
    }.get(message.lane, Outcome.ACCEPTED)
    one.interest(Interest("crm", ("*",), None))
    one.add("good", "bad", "slow")
    one.run()
    yield one
    one.database.close()


@pytest.fixture
def setting(sending: Sending, receiver: Receiver, tmp_path: Path) -> Setting:
    """A webhook "crm" with a key, and a mailbox whose name has a slash in it."""
    config = loaded(tmp_path, CONFIGURATION.format(url=receiver.url, key=KEY)).config
    return Setting(
        sending.database,
        now=sending.clock.now,
        interests=interests(config),
        keys=public_keys(config),
        ping=lambda endpoint: ping(sending.database, endpoint, config),
    )


def test_endpoints_are_listed_with_what_waits_for_them(setting: Setting) -> None:
    crm, ops = setting.client.get("/api/v1/endpoints").json()["endpoints"]

    assert crm.pop("public_key").startswith("whpk_")
    assert crm == {
        "name": "crm",
        "is_configured": True,
        "health": "healthy",
        "since": None,
        "failing_since": "2026-03-01T12:00:00.000Z",
        "disabled_by": None,
        "not_before": None,
        "error": None,
        "asked": None,
        "open": 1,
        "oldest_open_at": "2026-03-01T12:00:00.000Z",
        "dead": 1,
        "quiet": None,
        "template": None,
        "source": "file",
        "fault": None,
    }
    assert (ops["name"], ops["open"], ops["public_key"]) == (MAILBOX, 0, None)


@pytest.mark.parametrize("name", [MAILBOX, "ops%2Fanna%40example.org", "crm"])
def test_an_endpoint_is_shown_also_where_its_name_has_a_slash(setting: Setting, name: str) -> None:
    listed = setting.client.get("/api/v1/endpoints").json()["endpoints"]

    answer = setting.client.get(f"/api/v1/endpoints/{name}")

    assert answer.status_code == 200
    assert answer.json() in listed
    assert answer.json()["name"] == name.replace("%2F", "/").replace("%40", "@")


def test_an_endpoint_that_left_the_configuration_is_shown_and_not_touched(
    setting: Setting, sending: Sending
) -> None:
    with sending.database.write() as db:
        sending.interest(Interest("old", ("*",), None))
        sending.recorder.record(db, "main", [Fact("sms.received", "a", {})], sending.clock.at)

    shown = setting.client.get("/api/v1/endpoints/old").json()

    assert (shown["is_configured"], shown["open"]) == (False, 1)
    for action in ("test", "replay", "enable", "disable"):
        assert setting.admin.post(f"/api/v1/endpoints/old/{action}").status_code == 404


@pytest.mark.parametrize("name", ["crm", MAILBOX])
@pytest.mark.parametrize("switch", [Switch.DISABLE, Switch.ENABLE])
def test_an_endpoint_is_turned_off_and_on(setting: Setting, name: str, switch: Switch) -> None:
    answer = setting.admin.post(f"/api/v1/endpoints/{name}/{switch.value}")

    assert (answer.status_code, answer.json()["name"], answer.json()["asked"]) == (200, name, switch.value)
    assert setting.woken == 1
    with setting.database.read() as db:
        assert endpoint_health.asked(db) == {name: switch}


def test_the_dispatcher_does_what_was_asked(setting: Setting, sending: Sending) -> None:
    setting.admin.post("/api/v1/endpoints/crm/disable")
    sending.dispatcher.wake()
    sending.run()

    crm = setting.client.get("/api/v1/endpoints/crm").json()

    assert (crm["health"], crm["disabled_by"], crm["asked"]) == ("disabled", "operator", None)


def test_a_test_is_sent_at_once_and_answered_with_its_attempt(setting: Setting, receiver: Receiver) -> None:
    setting.admin.post("/api/v1/endpoints/crm/disable")
    answer = setting.admin.post("/api/v1/endpoints/crm/test")
    (got,) = receiver.received

    document = answer.json()
    assert (answer.status_code, document["status"], document["type"]) == (200, "delivered", "test.ping")
    assert json.loads(got.body)["data"]["id"] == document["event"]
    assert [one["outcome"] for one in document["attempts"]] == ["accepted"]
    assert setting.client.get(f"/api/v1/deliveries/{document['id']}").json() == document


def test_a_test_that_is_not_taken_is_an_answer_all_the_same(setting: Setting, receiver: Receiver) -> None:
    receiver.script.answers = [answer(422, b'{"error": "unknown customer"}')]

    document = setting.admin.post("/api/v1/endpoints/crm/test")

    (attempt,) = document.json()["attempts"]
    assert (document.status_code, document.json()["status"]) == (200, "dead")
    assert (attempt["outcome"], attempt["http_status"]) == ("refused", 422)
    assert attempt["response_head"] == '{"error": "unknown customer"}'


def test_a_mailbox_is_tested_by_the_name_that_it_has(setting: Setting) -> None:
    document = setting.admin.post(f"/api/v1/endpoints/{MAILBOX}/test").json()

    assert (document["endpoint"], document["type"]) == (MAILBOX, "test.ping")
    assert len(document["attempts"]) == 1


def test_tests_of_slow_endpoints_leave_the_others_their_threads(setting: Setting, sending: Sending) -> None:
    begun, may_end = threading.Semaphore(0), threading.Event()
    with sending.database.read() as db:
        found = history.find(db, 1)
    assert found is not None

    def slow(_endpoint: str) -> DeliveryView:
        begun.release()
        assert may_end.wait(20)
        return found

    other = Setting(sending.database, ping=slow)
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(other.admin.post("/api/v1/endpoints/crm/test").status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert begun.acquire(timeout=20)
    refused = other.admin.post("/api/v1/endpoints/crm/test")
    may_end.set()
    for thread in threads:
        thread.join(20)

    assert (refused.status_code, refused.json()["title"]) == (429, "Too many tests are under way")
    assert statuses == [200] * 4
    assert other.admin.post("/api/v1/endpoints/crm/test").status_code == 200


def test_a_replay_can_be_looked_at_before(setting: Setting, sending: Sending) -> None:
    seen = setting.admin.post("/api/v1/endpoints/crm/replay", json={"dry_run": True})
    before = sending.statuses()
    sent = setting.admin.post("/api/v1/endpoints/crm/replay", json={"which": "all"})

    assert seen.json() == {
        "endpoint": "crm",
        "events": ["evt_2"],
        "outdated": 0,
        "under_way": 0,
        "is_dry_run": True,
        "details": [
            {
                "event": "evt_2",
                "timestamp": "2026-03-01T12:00:00.000Z",
                "type": "sms.received",
                "subject": "bad",
            }
        ],
    }
    assert before == ["delivered", "dead", "pending"]
    assert (sent.status_code, sent.json()["events"], sent.json()["under_way"]) == (200, ["evt_1", "evt_2"], 1)
    assert sending.statuses() == ["pending", "pending", "pending"]


def test_a_replay_is_narrowed_and_paced(setting: Setting, sending: Sending) -> None:
    def events(**asked: object) -> list[str]:
        body = {"which": "all", "dry_run": True, **asked}
        found: list[str] = setting.admin.post("/api/v1/endpoints/crm/replay", json=body).json()["events"]
        return found

    assert events(since="2026-03-01T12:00:00Z") == ["evt_1", "evt_2"]
    assert events(until="2026-03-01T14:00:00+02:00") == events(type="sip.*") == events(system="branch") == []
    setting.admin.post("/api/v1/endpoints/crm/replay", json={"which": "all", "rate": 0.5})
    due = [one["due_at"] for one in setting.client.get("/api/v1/deliveries").json()["deliveries"][1:]]
    assert due == ["2026-03-01T12:00:02.000Z", "2026-03-01T12:00:00.000Z"]


def test_a_replay_without_a_body_sends_the_dead_letters(setting: Setting, sending: Sending) -> None:
    answer = setting.admin.post("/api/v1/endpoints/crm/replay")

    assert (answer.status_code, answer.json()["events"]) == (200, ["evt_2"])
    assert setting.woken == 1
    assert sending.statuses() == ["delivered", "pending", "pending"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"which": "some"}, "which"),
        ({"since": "noon"}, "since"),
        ({"until": "2026-03-01T12:00:00"}, "until"),
        ({"rate": 0}, "rate"),
        ({"rate": "5"}, "rate"),
        ({"rate": True}, "rate"),
        ({"history": 1}, "history"),
        ({"type": "a\0"}, "type"),
        ({"systems": "main"}, "systems"),
        ([], "body"),
        ("all", "body"),
    ],
)
def test_a_replay_that_makes_no_sense_names_its_field(
    setting: Setting, sending: Sending, body: object, field: str
) -> None:
    answer = setting.admin.post("/api/v1/endpoints/crm/replay", json=body)

    assert answer.status_code == 422
    assert [one["name"] for one in answer.json()["faults"]] == [field]
    assert sending.statuses() == ["delivered", "dead", "pending"]


@pytest.mark.parametrize("path", ["crn", "crn/test", "crn/replay", "crn/enable", "crn/disable"])
def test_an_endpoint_that_is_not_there_is_said_to_be_so(setting: Setting, path: str) -> None:
    method = "POST" if "/" in path else "GET"

    answer = setting.admin.request(method, f"/api/v1/endpoints/{path}")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "No endpoint is called 'crn'; did you mean \"crm\"?"


def test_only_an_admin_touches_an_endpoint_and_that_is_written_down(setting: Setting) -> None:
    actions = ("test", "replay", "disable", "enable")
    with capture_logs() as lines:
        for caller in (setting.client, setting.holder(COMMANDER)):
            for action in actions:
                assert caller.post(f"/api/v1/endpoints/crm/{action}").status_code == 403
        for action in actions:
            assert setting.admin.post(f"/api/v1/endpoints/crm/{action}").status_code == 200
        setting.admin.post("/api/v1/endpoints/crm/replay", json={"dry_run": True})
        setting.admin.post("/api/v1/endpoints/crn/test")

    audit = [one for one in lines if one["event"] == "http.audit"]
    assert {one["token"] for one in audit} == {"admin"}
    assert [(one["action"], one["target"], one["status"]) for one in audit] == [
        ("endpoint.test", "crm", 200),
        ("endpoint.replay", "crm", 200),
        ("endpoint.disable", "crm", 200),
        ("endpoint.enable", "crm", 200),
        ("endpoint.test", "crn", 404),
    ]
