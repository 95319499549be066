"""Feeds over HTTP: who may, what comes next, how far it was read, and what was forgotten before that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.core import feeds as rules
from daemon.core.model import Fact
from daemon.store import events, pruning
from tests.support import stores
from tests.support.fakes import START
from tests.support.http_app import COMMANDER, Setting

ALL: dict[str, Any] = {"start": "oldest"}


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    database = stores.on_file(tmp_path / "web.db")
    yield Setting(database)
    database.close()


def put(setting: Setting, name: str = "crm", **body: Any) -> dict[str, Any]:
    answer = setting.admin.put(f"/api/v1/feeds/{name}", json=body)
    assert answer.status_code == 201, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def page(setting: Setting, name: str = "crm", **query: Any) -> dict[str, Any]:
    answer = setting.client.get(f"/api/v1/feeds/{name}", params=query)
    assert answer.status_code == 200, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [one["data"]["id"] for one in found["events"]]


def ack(setting: Setting, **body: Any) -> int:
    return setting.client.post("/api/v1/feeds/crm/ack", json=body).status_code


def forget(setting: Setting, *numbers: int) -> None:
    with setting.database.write() as db:
        assert pruning.forget_events(db, numbers) == len(numbers)


def test_a_feed_gives_the_same_until_it_is_acknowledged_and_then_what_comes_after(setting: Setting) -> None:
    setting.happen("sms.received")
    assert put(setting)["cursor"] == "1"
    assert page(setting) == {"gap": None, "events": [], "cursor": "1", "has_more": False}

    happened = setting.happen("sms.received", "sip.account.added", "sms.received")
    first = page(setting, limit=2)
    assert (ids(first), first["has_more"]) == (happened[:2], True)
    assert page(setting, limit=2) == first

    assert ack(setting, cursor=first["cursor"]) == 200
    assert ids(page(setting)) == happened[2:]
    assert ack(setting, event=happened[2]) == 200
    assert ids(page(setting)) == []


def test_it_moves_forward_only_unless_it_is_told_to_go_back(setting: Setting) -> None:
    happened = setting.happen("sms.received", "sms.received")
    put(setting, **ALL)
    assert ack(setting, event=happened[1]) == 200
    assert ack(setting, event=happened[0]) == 409
    assert ids(page(setting)) == []
    assert ack(setting, cursor="2") == 200  # where it is
    assert ack(setting, cursor="3") == 409  # ahead of all that happened
    assert ack(setting, event="evt_unknown") == 409
    assert ack(setting, cursor="0", back=True) == 200
    assert ids(page(setting)) == happened


@pytest.mark.parametrize(
    "body", [{}, {"cursor": "1", "event": "evt_1"}, {"cursor": 1}, {"cursor": "-1"}, {"cursor": "9" * 19}]
)
def test_what_says_not_how_far_is_refused(setting: Setting, body: dict[str, Any]) -> None:
    put(setting)
    assert ack(setting, **body) == 422


def test_it_gives_what_its_types_systems_and_filters_name(setting: Setting) -> None:
    put(setting, "mine", events=["sms.*"], systems=["main"], **ALL)
    put(setting, "others", filters=[{"field": "daemon.text", "not_in": ["שלום"]}], **ALL)
    happened = setting.happen("sms.received", "sip.account.added", "test.ping")
    setting.happen("sms.received", system="branch")
    assert ids(page(setting, "mine")) == happened[:1]
    others = page(setting, "others")
    assert (ids(others), others["cursor"], others["has_more"]) == ([], "4", False)


def test_a_feed_that_is_put_again_stays_where_it_is(setting: Setting) -> None:
    setting.happen("sms.received")
    made = put(setting, **ALL)
    happened = setting.happen("sip.account.added")
    again = setting.admin.put("/api/v1/feeds/crm", json={"events": ["sip.*"], "start": "now"})
    assert (again.status_code, again.json()["cursor"]) == (200, made["cursor"])
    assert ids(page(setting)) == happened


def test_what_was_forgotten_before_it_was_read_is_a_gap_and_holds_nothing_up(setting: Setting) -> None:
    put(setting)
    happened = setting.happen(*["sms.received"] * 4)
    forget(setting, 1, 3)
    found = page(setting)
    assert found["gap"] == {"from": "0", "to": "3", "count": 3}
    assert ids(found) == [happened[1], happened[3]]
    (listed,) = setting.client.get("/api/v1/feeds").json()["feeds"]
    assert (listed["gap"], listed["behind"]) == (found["gap"], 4)

    assert ack(setting, cursor=found["cursor"]) == 200
    assert page(setting) == {"gap": None, "events": [], "cursor": "4", "has_more": False}


def test_a_gap_behind_which_nothing_is_kept_is_passed_with_its_cursor(setting: Setting) -> None:
    put(setting)
    setting.happen("sms.received", "sms.received")
    forget(setting, 1, 2)
    found = page(setting)
    assert (found["gap"], found["events"], found["cursor"]) == ({"from": "0", "to": "2", "count": 2}, [], "2")
    assert ack(setting, cursor="2") == 200
    assert page(setting)["gap"] is None


def test_one_that_begins_with_the_oldest_has_no_gap(setting: Setting) -> None:
    happened = setting.happen("sms.received", "sms.received")
    forget(setting, 1)
    put(setting, **ALL)
    found = page(setting)
    assert (found["gap"], ids(found)) == (None, happened[1:])


def test_a_page_through_what_it_does_not_want_goes_on(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.store.events.SCANNED", 3)
    put(setting, events=["sms.*"])
    setting.happen(*["sip.account.added"] * 3)
    (wanted,) = setting.happen("sms.received")
    first = page(setting)
    assert (ids(first), first["cursor"], first["has_more"]) == ([], "3", True)
    assert ack(setting, cursor="3") == 200
    assert ids(page(setting)) == [wanted]


def test_who_reads_moves_on_and_only_an_admin_makes_and_removes(setting: Setting) -> None:
    put(setting)
    for one in (setting.client, setting.holder(COMMANDER)):
        assert one.put("/api/v1/feeds/crm", json={}).status_code == 403
        assert one.delete("/api/v1/feeds/crm").status_code == 403
        assert one.get("/api/v1/feeds").status_code == 200
        assert one.post("/api/v1/feeds/crm/ack", json={"cursor": "0"}).status_code == 200
    assert setting.holder("token-of-a-robot").get("/api/v1/feeds/crm").status_code == 403
    assert setting.anybody.get("/api/v1/feeds/crm").status_code == 401
    browser = setting.visitor()
    assert browser.post("/api/v1/feeds/crm/ack", json={"cursor": "0"}).status_code == 401
    assert setting.admin.delete("/api/v1/feeds/crm").json()["name"] == "crm"
    assert setting.client.get("/api/v1/feeds/crm").status_code == 404


def test_the_texts_are_for_who_may_see_them(setting: Setting) -> None:
    put(setting)
    with setting.database.write() as db:
        events.record(
            db, "main", [Fact("sms.received", "sms/054", {"sms": {"text": "שלום"}})], START, setting.new_id
        )
    assert "שלום" not in setting.client.get("/api/v1/feeds/crm").text
    assert "שלום" in setting.admin.get("/api/v1/feeds/crm").text


def test_there_are_a_hundred_at_most_and_none_of_a_system_that_is_not(setting: Setting) -> None:
    for number in range(rules.MOST):
        put(setting, f"feed-{number}")
    answer = setting.admin.put("/api/v1/feeds/more", json={})
    assert (answer.status_code, "remove one" in answer.json()["detail"]) == (409, True)
    assert setting.admin.put("/api/v1/feeds/feed-1", json={}).status_code == 200
    strange = setting.admin.put("/api/v1/feeds/feed-1", json={"systems": ["mian"]})
    assert (strange.status_code, "main" in strange.json()["detail"]) == (422, True)
    assert setting.admin.put("/api/v1/feeds/-bad", json={}).status_code == 422
