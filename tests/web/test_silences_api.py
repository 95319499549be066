"""Silences over HTTP: added, shown, ended, and refused with the field that is wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.http_app import COMMANDER, Setting
from tests.support.story import Story

PHONE = {"subject": "sip/077", "comment": "a new phone"}


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A phone that dropped off."""
    one = Story(tmp_path / "yemotd.db")
    one.phone("077", (10, 10_000))
    one.run(until=200)
    yield one
    one.database.close()


@pytest.fixture
def setting(story: Story) -> Setting:
    return Setting(story.database, now=story.clock.now)


def faults(document: Any) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in document["faults"]}


def test_a_silence_is_added_with_what_it_mutes_now(setting: Setting) -> None:
    answer = setting.admin.post("/api/v1/silences", json={**PHONE, "for": "2h"})

    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/v1/silences/sil_1"
    assert answer.json() == {
        "id": "sil_1",
        "type": "*",
        "system": "*",
        "subject": "sip/077",
        "starts_at": "2026-03-01T12:03:20.000Z",
        "ends_at": "2026-03-01T14:03:20.000Z",
        "expired_at": None,
        "author": "admin",
        "comment": "a new phone",
        "created_at": "2026-03-01T12:03:20.000Z",
        "weekly": None,
        "mutes": [
            {
                "incident": "inc_1",
                "type": "sip.account.unregistered",
                "system": "main",
                "subject": "sip/077",
            }
        ],
        "unknown": [],
    }
    assert setting.woken == 1
    shown = setting.client.get("/api/v1/silences/sil_1").json()
    assert {**shown, "mutes": answer.json()["mutes"], "unknown": []} == answer.json()


def test_one_that_comes_back_is_added_with_its_hours(setting: Setting) -> None:
    hours = {"days": ["sun", "mon"], "from": "02:00", "to": "24:00"}
    answer = setting.admin.post("/api/v1/silences", json={**PHONE, **hours})

    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert document["weekly"] == {
        "days": ["sun", "mon"],
        "from": "02:00",
        "to": "00:00",
        "timezone": "UTC",
    }
    assert document["ends_at"] is None
    assert setting.client.get("/api/v1/silences").json()["silences"][0]["weekly"] == document["weekly"]
    assert setting.admin.post(f"/api/v1/silences/{document['id']}/expire").status_code == 200
    assert setting.client.get("/api/v1/silences").json() == {"silences": []}


def test_a_silence_mutes_what_fires_after_it(setting: Setting, story: Story) -> None:
    setting.admin.post("/api/v1/silences", json={"subject": "sip/*", "for": "2h", "comment": "-"})
    story.phone("088", (200, 10_000))
    story.run(until=400)

    (_, new) = setting.client.get("/api/v1/alerts").json()["alerts"]

    assert (new["subject"], new["told"]) == ("sip/088", {"crm": "untold, held: silenced"})


def test_times_may_have_any_offset_and_hebrew_with_its_marks_is_text(setting: Setting) -> None:
    asked = {
        "system": "main",
        "starts_at": "2026-03-01T15:00:00+02:00",
        "ends_at": "2026-03-01T20:00:00Z",
        "comment": "  תחזוקה\u200f של הספק  ",
    }

    added = setting.admin.post("/api/v1/silences", json=asked).json()

    assert (added["starts_at"], added["ends_at"]) == ("2026-03-01T13:00:00.000Z", "2026-03-01T20:00:00.000Z")
    assert added["comment"] == "תחזוקה\u200f של הספק"


def test_a_silence_is_ended_and_then_only_shown_where_it_is_asked_for(setting: Setting) -> None:
    setting.admin.post("/api/v1/silences", json={**PHONE, "until_resolved": True})
    listed = setting.client.get("/api/v1/silences").json()["silences"]

    ended = setting.admin.post("/api/v1/silences/sil_1/expire")

    assert [one["id"] for one in listed] == ["sil_1"]
    assert (ended.status_code, ended.json()["expired_at"]) == (200, "2026-03-01T12:03:20.000Z")
    assert setting.woken == 2
    assert setting.client.get("/api/v1/silences").json() == {"silences": []}
    (one,) = setting.client.get("/api/v1/silences?all=true").json()["silences"]
    assert one == ended.json()


def test_what_has_ended_cannot_be_ended_again(setting: Setting, story: Story) -> None:
    setting.admin.post("/api/v1/silences", json={**PHONE, "for": "1m"})
    setting.admin.post("/api/v1/silences", json={**PHONE, "for": "2h"})
    setting.admin.post("/api/v1/silences/sil_2/expire")
    story.clock.advance(60)

    for number in (1, 2):
        answer = setting.admin.post(f"/api/v1/silences/sil_{number}/expire")
        assert answer.status_code == 409
        assert answer.json()["detail"] == f"The silence 'sil_{number}' has ended already."


@pytest.mark.parametrize(
    ("asked", "status", "wrong"),
    [
        ({"for": "2h", "subject": "*"}, 422, {"type": "mute everything"}),
        ({"for": "2h", "subject": "**"}, 422, {"subject": "mute everything"}),
        ({}, 422, {"for": "give one of", "ends_at": "give one of", "until_resolved": "give one of"}),
        ({"for": "2h", "until_resolved": True}, 422, {"until_resolved": "give one of"}),
        ({"for": "soon"}, 422, {"for": "expected a duration"}),
        ({"for": 7200}, 422, {"for": "expected a duration"}),
        ({"for": "9" * 15 + "d"}, 422, {"for": "at most 3650d"}),
        ({"for": "0s"}, 422, {"for": "over before it begins"}),
        ({"ends_at": "2026-03-01T12:00:00Z"}, 422, {"ends_at": "over before it begins"}),
        ({"ends_at": "2026-03-01T18:00:00"}, 422, {"ends_at": "with its offset"}),
        ({"ends_at": 1_772_388_000}, 422, {"ends_at": "with its offset"}),
        ({"ends_at": "9999-12-31T23:59:59Z"}, 422, {"ends_at": "between 2000 and 2200"}),
        ({"ends_at": "0001-01-01T00:00:00+23:59"}, 422, {"ends_at": "between 2000 and 2200"}),
        ({"ends_at": "2199-12-31T23:59:59-23:59"}, 422, {"ends_at": "more than 3650d"}),
        ({"for": "2h", "starts_at": "2199-01-01T00:00:00Z"}, 422, {"starts_at": "more than 3650d"}),
        ({"for": "2h", "comment": " "}, 422, {"comment": "must not be empty"}),
        ({"for": "2h", "comment": None}, 422, {"comment": "expected text"}),
        ({"for": "2h", "comment": "a\0b"}, 422, {"comment": "without control characters"}),
        ({"for": "2h", "comment": "x" * 1001}, 422, {"comment": "at most 1000 characters"}),
        ({"for": "2h", "type": ""}, 422, {"type": "must not be empty"}),
        ({"from": "02:00"}, 422, {"to": "go together"}),
        ({"from": "2", "to": "04:00"}, 422, {"from": "expected a time of day"}),
        ({"from": "02:00", "to": "04:00", "for": "2h"}, 422, {"for": "until it is ended by hand"}),
        ({"from": "02:00", "to": "04:00", "days": ["Sunday"]}, 422, {"days.0": "expected one of 'mon'"}),
        ({"from": "02:00", "to": "04:00", "days": []}, 422, {"days": "expected at least 1"}),
        ({"for": "2h", "days": ["sun"]}, 422, {"days": "goes with"}),
        ({"until_resolved": "yes"}, 422, {"until_resolved": "expected true or false"}),
        ({"for": "2h", "author": "me"}, 422, {"author": "is not known here"}),
        ({"until_resolved": True, "subject": "sip/000"}, 409, {"until_resolved": "nothing that it matches"}),
    ],
)
def test_a_silence_that_is_not_one_is_refused_with_its_field(
    setting: Setting, asked: dict[str, Any], status: int, wrong: dict[str, str]
) -> None:
    answer = setting.admin.post("/api/v1/silences", json={**PHONE, **asked})

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = faults(answer.json())
    assert set(wrong) <= set(found), found
    assert all(words in found[name] for name, words in wrong.items()), found
    assert setting.client.get("/api/v1/silences?all=true").json() == {"silences": []}
    assert setting.woken == 0


@pytest.mark.parametrize("path", ["/api/v1/silences/sil_0", "/api/v1/silences/sil_0/expire"])
def test_a_silence_that_is_not_there_is_said_to_be_so(setting: Setting, path: str) -> None:
    answer = setting.admin.post(path) if path.endswith("expire") else setting.admin.get(path)

    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no silence 'sil_0'."


def test_whoever_changes_something_is_written_down(setting: Setting) -> None:
    with capture_logs() as lines:
        setting.admin.post("/api/v1/silences", json={**PHONE, "for": "2h"})
        setting.admin.post("/api/v1/silences", json={**PHONE, "for": "0s"})
        setting.admin.post("/api/v1/silences/sil_1/expire")
        setting.admin.post("/api/v1/silences/sil_0/expire")
        setting.admin.get("/api/v1/silences")

    audit = [(one["token"], one["action"], one["target"], one["status"]) for one in lines]
    assert {one["event"] for one in lines} == {"http.audit"}
    assert audit == [
        ("admin", "silence.add", "sil_1", 201),
        ("admin", "silence.add", None, 422),
        ("admin", "silence.expire", "sil_1", 200),
        ("admin", "silence.expire", "sil_0", 404),
    ]


def test_only_an_admin_mutes(setting: Setting) -> None:
    for caller in (setting.client, setting.holder(COMMANDER)):
        assert caller.post("/api/v1/silences", json={**PHONE, "for": "2h"}).status_code == 403
        assert caller.post("/api/v1/silences/sil_1/expire").status_code == 403
    assert setting.client.get("/api/v1/silences?all=true").json() == {"silences": []}
