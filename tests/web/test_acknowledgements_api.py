"""Acknowledging over HTTP: taken, repeated, refused, and shown wherever the alert is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon.core.routing.escalation import Escalation, Step
from daemon.core.routing.plan import Interest
from tests.support.http_app import COMMANDER, READER, Setting
from tests.support.story import SECOND, Story

PATH = "/api/v1/alerts/inc_1/ack"
NIGHT = Escalation("night", ("sip.*",), (Step("night", 1, 600 * SECOND, ("boss",)),))
INTERESTS = [Interest("crm", ("*",), None), Interest("boss", (), None)]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A phone that dropped off."""
    one = Story(tmp_path / "yemotd.db", interests=INTERESTS, escalations=[NIGHT])
    one.phone("077", (10, 300))
    one.run(until=200)
    yield one
    one.database.close()


@pytest.fixture
def setting(story: Story) -> Setting:
    return Setting(
        story.database, now=story.clock.now, new_id=story.ids, interests=INTERESTS, escalations=[NIGHT]
    )


def test_it_is_taken_on_and_shown_with_the_alert_and_the_incident(setting: Setting, story: Story) -> None:
    before = setting.client.get("/api/v1/incidents/inc_1").json()
    answer = setting.admin.post(PATH, json={"by": "Dana", "note": "on my way"})

    assert answer.status_code == 200
    has: dict[str, Any] = {
        "by": "Dana",
        "note": "on my way",
        "at": "2026-03-01T12:03:20.000Z",
        "until": None,
    }
    assert answer.json() == {
        **has,
        "incident": "inc_1",
        "type": "sip.account.unregistered",
        "system": "main",
        "subject": "sip/077",
        "is_new": True,
    }
    (alert,) = setting.client.get("/api/v1/alerts").json()["alerts"]
    assert alert["acknowledged"] == has
    incident = setting.client.get("/api/v1/incidents/inc_1").json()
    assert (incident["acknowledged"], incident["acknowledgements"]) == (has, [has])
    assert before["escalation"] == [
        {"name": "night", "step": 1, "to": ["boss"], "taken_at": None, "due_at": "2026-03-01T12:11:10.000Z"}
    ]
    assert incident["escalation"] == []


def test_without_a_body_it_is_the_token_that_has_it(setting: Setting) -> None:
    assert setting.admin.post(PATH).json()["by"] == "admin"
    assert setting.admin.post(PATH, json={}).json()["is_new"] is False


@pytest.mark.parametrize(
    ("body", "until"),
    [
        ({"for": "2h"}, "2026-03-01T14:03:20.000Z"),
        ({"until": "2026-03-01T20:00:00+02:00"}, "2026-03-01T18:00:00.000Z"),
    ],
)
def test_it_may_end_before_the_incident(setting: Setting, body: dict[str, str], until: str) -> None:
    assert setting.admin.post(PATH, json=body).json()["until"] == until


def test_somebody_else_has_to_say_that_it_is_taken_over(setting: Setting) -> None:
    setting.admin.post(PATH, json={"by": "Dana"})
    refused = setting.admin.post(PATH, json={"by": "Moshe"})
    taken = setting.admin.post(PATH, json={"by": "Moshe", "take_over": True})

    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("Dana has it already, since 2026-03-01T12:03:20.000Z")
    assert (taken.status_code, taken.json()["by"]) == (200, "Moshe")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"for": "2h", "until": "2026-03-01T20:00:00Z"}, "for"),
        ({"until": "2026-03-01T08:00:00Z"}, "until"),
        ({"for": "0s"}, "for"),
        ({"by": "  "}, "by"),
        ({"bye": "Dana"}, "bye"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(
    setting: Setting, body: dict[str, str], field: str
) -> None:
    answer = setting.admin.post(PATH, json=body)

    assert answer.status_code == 422
    assert answer.json()["faults"][0]["name"] == field


def test_what_is_over_or_unknown_cannot_be_taken_on(setting: Setting, story: Story) -> None:
    story.run(until=600)

    assert setting.admin.post(PATH).status_code == 409
    assert setting.admin.post("/api/v1/alerts/inc_9/ack").status_code == 404


def test_it_needs_the_scope_and_stands_in_the_audit(setting: Setting) -> None:
    for token in (READER, COMMANDER):
        assert setting.holder(token).post(PATH).status_code == 403
    with capture_logs() as logs:
        setting.admin.post(PATH, json={"by": "Dana"})

    (line,) = [one for one in logs if one["event"] == "http.audit"]
    assert (line["action"], line["target"], line["status"]) == ("alert.acknowledge", "inc_1", 200)
