"""`GET /api/v1/history`, and how each subject stands in `GET /api/v1/status`: of a day that was lived."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.core.model import Failure
from daemon.core.timestamps import iso
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.support.story import Story

SECOND = timedelta(seconds=1)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Two phones, one of which drops off after a minute; after three minutes the API is away for one."""
    one = Story(tmp_path / "yemotd.db")
    one.phone("077", (60, 10_000))
    one.phone("088")
    one.api_fails(180, 240, Failure.TIMEOUT)
    one.run(until=300)
    yield one
    one.database.close()


@pytest.fixture
def setting(story: Story) -> Setting:
    historian = story.poller.hearers.historian
    setting = Setting(story.database, now=story.clock.now)
    setting.unflushed = Asked(historian.unflushed)
    setting.seen = story.poller.unflushed()
    return setting


class Asked(dict[str, Any]):
    """What is not flushed, at the time of asking."""

    def __init__(self, ask: Any) -> None:
        self._ask = ask

    def get(self, system: str, default: Any = None) -> Any:
        return self._ask(system)


def subjects(setting: Setting, query: str = "") -> dict[str, dict[str, Any]]:
    (system,) = setting.client.get(f"/api/v1/status{query}").json()["systems"]
    return {one["subject"]: one for one in system["subjects"]}


def test_the_status_says_of_each_subject_how_it_stands(setting: Setting) -> None:
    found = subjects(setting)

    assert list(found) == ["api", "sip/077", "sip/088"]
    assert {name: one["state"] for name, one in found.items()} == {
        "api": "up",
        "sip/077": "down",
        "sip/088": "up",
    }
    phone = found["sip/077"]
    assert phone["since"] == iso(START + 60 * SECOND)
    assert phone["why"] == {"registered": False, "phase": "firing"}
    assert phone["incident"] == "inc_1"
    assert (phone["uptime"], phone["details"]) == (None, None)
    assert found["sip/088"]["since"] == iso(START)


def test_while_the_api_is_away_it_is_down_and_what_is_seen_through_it_is_not_known(tmp_path: Path) -> None:
    story = Story(tmp_path / "yemotd.db")
    story.phone("077")
    story.api_fails(60, 10_000, Failure.TIMEOUT)
    story.run(until=130)
    found = subjects(Setting(story.database, now=story.clock.now))
    story.database.close()

    assert {name: one["state"] for name, one in found.items()} == {"api": "down", "sip/077": "unknown"}
    assert found["api"]["why"] == {
        "failure": "timeout",
        "message": "scripted",
        "watches": ["sip", "sms"],
        "phase": "firing",
    }
    assert found["sip/077"]["why"] == {"failure": "timeout", "message": "scripted"}
    assert found["sip/077"]["seen_at"] == iso(START + 50 * SECOND)


def test_what_was_seen_too_long_ago_is_not_known_whoever_asks(setting: Setting, story: Story) -> None:
    seen_at = subjects(setting)["sip/088"]["seen_at"]
    story.clock.advance(3600)
    found = subjects(setting)

    assert {one["state"] for one in found.values()} == {"unknown"}
    assert found["sip/088"]["why"] == {"reason": "not_asked", "was": "up"}
    assert found["sip/088"]["since"] == found["sip/088"]["seen_at"] == seen_at


def test_the_status_has_the_uptime_where_it_is_asked_for(setting: Setting) -> None:
    phone = subjects(setting, "?uptime=true")["sip/077"]["uptime"]

    assert list(phone) == ["24h", "7d", "30d"]
    assert phone["24h"]["up"] == 60
    assert phone["24h"]["down"] + phone["24h"]["up"] < 240
    assert sum(phone["24h"].values()) == 86_400 + 300
    api = subjects(setting, "?uptime=true")["api"]["uptime"]["24h"]
    assert (api["up"] + api["down"], api["down"]) == (290, 60)


def test_the_status_of_one_system_has_nothing_of_others(setting: Setting, story: Story) -> None:
    whole = setting.client.get("/api/v1/status").json()

    assert setting.client.get("/api/v1/status?system=main").json() == whole
    assert setting.client.get("/api/v1/status?system=other").status_code == 404


def asked(setting: Setting, **query: object) -> Any:
    params = {"system": "main", "subject": "sip/077", **query}
    return setting.client.get("/api/v1/history", params={key: str(one) for key, one in params.items()})


def test_history_says_for_how_long_a_phone_was_on_the_network(setting: Setting, story: Story) -> None:
    before = asked(setting, **{"from": iso(START)}).json()
    story.poller.hearers.historian.flush(story.clock.now())
    after = asked(setting, **{"from": iso(START)}).json()

    assert before == after
    assert (before["system"], before["subject"], before["step_seconds"]) == ("main", "sip/077", 60)
    assert [(one["up"], one["down"], one["unknown"]) for one in before["buckets"]] == [
        (60, 0, 0),
        (0, 60, 0),
        (0, 50, 10),
        (0, 0, 60),
        (0, 50, 10),
    ]
    assert before["samples"] == {}


def test_by_default_it_is_the_last_day_by_minutes(setting: Setting) -> None:
    found = asked(setting).json()

    assert found["step_seconds"] == 60
    assert len(found["buckets"]) == 1440


@pytest.mark.parametrize(
    ("back", "step"),
    [
        (timedelta(hours=25), 60),
        (timedelta(hours=26), 3600),
        (timedelta(days=31), 3600),
        (timedelta(days=32), 86_400),
        (timedelta(days=730), 86_400),
    ],
)
def test_the_step_is_the_shortest_that_is_kept_for_so_long(
    setting: Setting, story: Story, back: timedelta, step: int
) -> None:
    found = asked(setting, **{"from": iso(story.clock.now() - back)}).json()

    assert found["step_seconds"] == step
    assert len(found["buckets"]) <= 2000


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "from"),
        ({"from": "2026-02-27T00:00:00Z", "to": "2026-02-27T01:00:00Z", "step": "60s"}, "step"),
        ({"from": "2025-03-01T00:00:00Z", "step": "1h"}, "step"),
        ({"from": "2019-03-01T00:00:00Z", "step": "1d"}, "step"),
        ({"step": "5m"}, "step"),
        ({"from": "yesterday"}, "from"),
    ],
)
def test_what_makes_no_sense_or_is_not_kept_is_refused_with_why(
    setting: Setting, query: dict[str, str], name: str
) -> None:
    answer = asked(setting, **query)

    assert answer.status_code == 422
    assert name in [one["name"] for one in answer.json()["faults"]]


def test_a_subject_that_there_never_was_is_404_and_one_that_is_gone_keeps_its_history(
    setting: Setting, story: Story
) -> None:
    assert asked(setting, subject="sip/nobody").status_code == 404
    assert asked(setting, system="other").status_code == 404

    story.down.pop("077")
    story.run(until=600)

    assert "sip/077" not in subjects(setting)
    assert sum(one["down"] for one in asked(setting).json()["buckets"]) > 100


def test_what_lies_ahead_has_no_buckets(setting: Setting) -> None:
    found = asked(setting, **{"from": "2199-01-01T00:00:00Z", "to": "2199-01-01T01:00:00Z"}).json()

    assert found["buckets"] == []
