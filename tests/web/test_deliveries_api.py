"""Deliveries over HTTP: listed, narrowed, shown, and sent once more."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.core.delivery.outcome import Outcome
from daemon.core.routing.plan import Interest
from tests.support import stores
from tests.support.dispatching import Setting as Sending
from tests.support.http_app import Setting
from tests.support.story import Story


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
def setting(sending: Sending) -> Setting:
    return Setting(sending.database, now=sending.clock.now)


def test_deliveries_are_paged_newest_first(setting: Setting) -> None:
    first = setting.client.get("/api/v1/deliveries", params={"limit": 2}).json()
    last = setting.client.get("/api/v1/deliveries", params={"limit": 2, "before": first["next"]}).json()

    assert [one["id"] for one in first["deliveries"]] == [3, 2]
    assert (first["next"], first["has_more"]) == (2, True)
    assert [one["id"] for one in last["deliveries"]] == [1]
    assert (last["next"], last["has_more"]) == (None, False)


def test_deliveries_are_narrowed(setting: Setting) -> None:
    def ids(**params: str) -> list[int]:
        found = setting.client.get("/api/v1/deliveries", params=params).json()["deliveries"]
        return [one["id"] for one in found]

    assert ids(status="dead") == [2]
    assert ids(endpoint="crm", type="sms.*", status="pending") == [3]
    assert ids(type="sip.*") == ids(endpoint="ops") == []


def test_a_delivery_is_shown_with_every_attempt(setting: Setting) -> None:
    document = setting.client.get("/api/v1/deliveries/2").json()

    (attempt,) = document.pop("attempts")
    assert document == {
        "text": None,
        "id": 2,
        "event": "evt_2",
        "type": "sms.received",
        "system": "main",
        "subject": "bad",
        "endpoint": "crm",
        "status": "dead",
        "created_at": "2026-03-01T12:00:00.000Z",
        "due_at": "2026-03-01T12:00:00.000Z",
        "ended_at": "2026-03-01T12:00:00.000Z",
        "error": None,
        "superseded": 0,
        "template": None,
        "tries": 1,
    }
    assert (attempt["number"], attempt["outcome"]) == (1, "refused")
    assert set(attempt["microseconds"]) == {"resolved", "connected", "secured", "answered", "total"}


def test_a_dead_letter_is_sent_again_with_the_id_that_it_had(setting: Setting, sending: Sending) -> None:
    answer = setting.admin.post("/api/v1/deliveries/2/retry")

    assert (answer.status_code, answer.json()["status"], answer.json()["event"]) == (200, "pending", "evt_2")
    assert setting.woken == 1
    sending.receivers.answers = {"crm": Outcome.ACCEPTED}
    sending.dispatcher.wake()
    sending.run()
    assert sending.statuses() == ["delivered", "delivered", "pending"]
    assert [one.event for one in sending.receivers.sent].count("evt_2") == 2


def test_what_is_on_its_way_cannot_be_sent_again(setting: Setting) -> None:
    answer = setting.admin.post("/api/v1/deliveries/3/retry", params={"history": "true"})

    assert answer.status_code == 409
    assert answer.json()["detail"] == "Delivery 3 has not ended: it is pending."
    assert setting.woken == 0


def test_what_is_not_true_any_more_is_sent_only_where_history_is_asked_for(tmp_path: Path) -> None:
    story = Story(tmp_path / "yemotd.db")
    story.phone("077", (10, 200))
    story.run(until=400)
    setting = Setting(story.database, now=story.clock.now)
    listed = setting.client.get("/api/v1/deliveries", params={"type": "sip.*"}).json()["deliveries"]
    fired = listed[-1]["id"]

    refused = setting.admin.post(f"/api/v1/deliveries/{fired}/retry")
    taken = setting.admin.post(f"/api/v1/deliveries/{fired}/retry?history=true")

    assert listed[-1]["type"] == "sip.account.unregistered"
    assert refused.status_code == 409
    assert [one["name"] for one in refused.json()["faults"]] == ["history"]
    assert (taken.status_code, taken.json()["status"]) == (200, "pending")
    story.database.close()


@pytest.mark.parametrize("number", [4, 2**63 - 1])
def test_a_delivery_that_is_not_there_is_said_to_be_so(setting: Setting, number: int) -> None:
    shown = setting.client.get(f"/api/v1/deliveries/{number}")
    retried = setting.admin.post(f"/api/v1/deliveries/{number}/retry")

    assert (shown.status_code, retried.status_code) == (404, 404)
    assert shown.json()["detail"] == f"There is no delivery {number}."


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"/api/v1/deliveries/{2**63}", "delivery_id"),
        ("/api/v1/deliveries/-1", "delivery_id"),
        ("/api/v1/deliveries/first", "delivery_id"),
        (f"/api/v1/deliveries/{'9' * 5000}", "delivery_id"),
        (f"/api/v1/deliveries?before={2**63}", "before"),
        ("/api/v1/deliveries?limit=1001", "limit"),
        ("/api/v1/deliveries?status=lost", "status"),
        ("/api/v1/deliveries?type=%00", "type"),
        (f"/api/v1/deliveries?endpoint={'x' * 501}", "endpoint"),
    ],
)
def test_a_question_that_makes_no_sense_names_its_field(setting: Setting, path: str, field: str) -> None:
    answer = setting.client.get(path)

    assert answer.status_code == 422
    assert [one["name"] for one in answer.json()["faults"]] == [field]


def test_only_an_admin_sends_again_and_that_is_written_down(setting: Setting) -> None:
    with capture_logs() as lines:
        assert setting.client.post("/api/v1/deliveries/2/retry").status_code == 403
        assert setting.admin.post("/api/v1/deliveries/2/retry").status_code == 200
        assert setting.admin.post("/api/v1/deliveries/2/retry").status_code == 409

    assert [(one["action"], one["target"], one["status"]) for one in lines] == [
        ("delivery.retry", "2", 200),
        ("delivery.retry", "2", 409),
    ]
    assert json.dumps(lines).count('"admin"') == 2
