"""What is wrong, over HTTP: with whom it was told, as the command line has it."""

import json
from datetime import UTC, time, timedelta
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Severity
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet, Weekly, Window
from daemon.core.routing.silences import Silence
from daemon.store import silences
from tests.cli.conftest import Call, call
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.support.story import Story

__all__ = ["call"]

OPS = WEBHOOK.replace("crm", "ops") + 'after = "1h"\n'
INTERESTS = [Interest("crm", ("*",), None), Interest("ops", ("sip.account.registered",), None)]


def test_nothing_wrong_is_an_empty_list(setting: Setting) -> None:
    assert setting.client.get("/api/v1/alerts").json() == {"alerts": []}


def test_what_is_wrong_is_listed_with_whom_it_was_told(tmp_path: Path) -> None:
    story = Story(tmp_path / "yemotd.db", interests=INTERESTS)
    story.phone("077", (10, 10_000))
    story.phone("088", (170, 10_000))
    story.run(until=200)
    setting = Setting(story.database, interests=INTERESTS)

    firing, pending = setting.client.get("/api/v1/alerts").json()["alerts"]

    assert firing == {
        "system": "main",
        "type": "sip.account.unregistered",
        "subject": "sip/077",
        "phase": "firing",
        "severity": "error",
        "is_blind": False,
        "incident": "inc_1",
        "started_at": "2026-03-01T12:00:10.000Z",
        "told": {"crm": "firing", "ops": "untold, held: unwanted"},
        "held": {"ops": {"by": "unwanted", "until": None, "window": None, "silence": None}},
        "acknowledged": None,
    }
    assert (pending["subject"], pending["phase"]) == ("sip/088", "pending")
    assert (pending["incident"], pending["told"]) == (None, {})
    story.database.close()


def test_what_holds_it_back_is_told_with_its_end(tmp_path: Path) -> None:
    nights = Weekly(frozenset(range(7)), time(12), time(18), UTC)
    said = Window(days=nights.days, start=nights.start, end=nights.end, zone="UTC", name="nights")
    window = Quiet(nights.covers, Severity.CRITICAL, nights.ends, said, nights.begins)
    interests = [
        Interest("asleep", ("*",), None, quiet=(window,)),
        Interest("late", ("*",), None, after=timedelta(hours=1)),
        Interest("crm", ("*",), None),
    ]
    story = Story(tmp_path / "yemotd.db", interests=interests)
    story.phone("077", (10, 10_000))
    story.run(until=200)
    setting = Setting(story.database, interests=interests, now=story.clock.now)

    (alert,) = setting.client.get("/api/v1/alerts").json()["alerts"]
    asleep, late = alert["held"]["asleep"], alert["held"]["late"]
    assert (asleep["by"], asleep["until"]) == ("quiet", "2026-03-01T18:00:00.000Z")
    assert asleep["window"] == {
        "name": "nights",
        "days": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
        "from": "12:00",
        "to": "18:00",
        "timezone": "UTC",
        "holy": [],
        "place": None,
    }
    assert (late["by"], late["until"]) == ("escalation", "2026-03-01T13:01:10.000Z")
    assert "crm" not in alert["held"]
    status = setting.client.get("/api/v1/status").json()
    quiet = {one["name"]: one["quiet"] for one in status["endpoints"]}
    assert (quiet["asleep"]["until"], quiet["asleep"]["waits"]) == ("2026-03-01T18:00:00.000Z", 1)
    assert (quiet["asleep"]["break_through"], quiet["late"]) == ("critical", None)
    listed = {
        one["name"]: one["quiet"] for one in setting.client.get("/api/v1/endpoints").json()["endpoints"]
    }
    assert listed == quiet
    story.database.close()


def test_a_silence_that_comes_back_holds_until_its_hour(tmp_path: Path) -> None:
    story = Story(tmp_path / "yemotd.db", interests=[Interest("crm", ("*",), None)])
    hours = Weekly(frozenset(range(7)), time(11), time(12, 5), UTC)
    with story.database.write() as db:
        silences.add(db, Silence("sil_1", START, None, "*", "*", "sip/*", "-", "-", START, weekly=hours))
    story.phone("077", (10, 10_000))
    story.run(until=200)
    setting = Setting(story.database, interests=story.interests, now=story.clock.now)

    (alert,) = setting.client.get("/api/v1/alerts").json()["alerts"]
    assert alert["held"]["crm"] == {
        "by": "silenced",
        "until": "2026-03-01T12:05:00.000Z",
        "window": None,
        "silence": "sil_1",
    }
    story.run(until=400)
    story.expect((300, "sip.account.unregistered"))
    story.database.close()


def test_an_endpoint_that_left_the_configuration_is_not_spoken_of(tmp_path: Path) -> None:
    story = Story(tmp_path / "yemotd.db", interests=INTERESTS)
    story.phone("077", (10, 10_000))
    story.run(until=200)
    setting = Setting(story.database, interests=INTERESTS[1:])

    (alert,) = setting.client.get("/api/v1/alerts").json()["alerts"]

    assert alert["told"] == {"ops": "untold, held: unwanted"}
    story.database.close()


@pytest.fixture
def shared(call: Call) -> Setting:
    """The store of a directory with a configuration: an alert, a silence and deliveries in it."""
    Path("config.toml").touch(mode=0o600)
    Path("config.toml").write_text(SYSTEM + "[systems.sip]\n" + WEBHOOK + OPS, encoding="utf-8")
    story = Story(Path("yemotd.db"), interests=INTERESTS)
    story.phone("077", (10, 10_000))
    story.endpoint_says(Outcome.UNREACHABLE, 0, 72)
    story.run(until=200)
    mute = {"subject": "sip/*", "for": "2h", "comment": "a new phone"}
    setting = Setting(story.database, now=story.clock.now, interests=INTERESTS)
    assert setting.admin.post("/api/v1/silences", json=mute).status_code == 201
    return setting


@pytest.mark.parametrize(
    ("path", "verb"),
    [
        ("alerts", ("alerts", "list")),
        ("silences?all=true", ("silence", "list", "--all")),
        ("deliveries", ("deliveries", "list")),
        ("endpoints", ("endpoints", "list")),
    ],
)
def test_a_list_has_the_documents_of_the_command_line(
    shared: Setting, call: Call, path: str, verb: tuple[str, ...]
) -> None:
    (listed,) = [one for one in shared.client.get(f"/api/v1/{path}").json().values() if isinstance(one, list)]
    said = call(*verb, "--json")[1].splitlines()
    shared.database.close()

    assert listed
    assert listed == [json.loads(line) for line in said]


def test_one_delivery_is_the_document_of_the_command_line(shared: Setting, call: Call) -> None:
    document = shared.client.get("/api/v1/deliveries/1").json()
    said = call("deliveries", "show", "1", "--json")[1]
    shared.database.close()

    assert [one["outcome"] for one in document["attempts"]] == ["unreachable", "accepted"]
    assert document == json.loads(said)
