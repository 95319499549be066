"""`yemotd rehearse`: what a new configuration would have told, beside what was told, from the store alone."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.core.routing.plan import Interest
from daemon.store import database as databases
from daemon.workers.observation_keeper import ObservationKeeper
from tests.cli.conftest import Call
from tests.support.config_files import QUIET, SYSTEM, WEBHOOK
from tests.support.story import Story

SIP = '[systems.sip]\nevery = "10s"\nfor = "{hold}"\nflapping = "0s"\n'
SINCE = ("--since", "2026-03-01T12:00Z", "--until", "2026-03-01T12:15Z")


def configure(path: str, hold: str = "60s", more: str = "") -> None:
    Path(path).touch(mode=0o600)
    Path(path).write_text(QUIET + SYSTEM + SIP.format(hold=hold) + more + WEBHOOK, encoding="utf-8")


@pytest.fixture
def office(call: Call) -> None:
    """Two phones of a quarter of an hour, one of which drops for long, and one twice for short."""
    story = Story(Path("yemotd.db"), interests=[Interest("crm", ("*",), None)])
    story.phone("071", (100, 400))
    story.phone("072", (120, 200), (500, 590))
    story.api_fails(700, 720)
    story.run(until=900, step=5)
    story.poller.hearers.observations.flush()
    story.database.close()
    configure("config.toml")


def rehearsed(call: Call, *words: str, code: int = os.EX_OK) -> Any:
    found, out, err = call("rehearse", *words, *SINCE, "--json")
    assert (found, err) == (code, "")
    return json.loads(out)


@pytest.mark.usefixtures("office")
def test_what_is_in_force_rings_as_it_did(call: Call) -> None:
    found = rehearsed(call, "config.toml")
    assert found["counts"] == {"same": 3, "other": 0, "new": 0, "gone": 0}
    assert found["unseen"] == found["broken"] == []
    (watch,) = found["watches"]
    assert (watch["looks"], watch["failed"]) == (90, 2)
    pair = found["alerts"][0]
    assert [one["endpoint"] for one in pair["would"]["told"]] == ["crm", "crm"]
    assert pair["was"]["incident"] == "inc_1"


@pytest.mark.usefixtures("office")
def test_a_longer_for_lets_short_drops_go(call: Call) -> None:
    configure("new.toml", hold="2m")
    found = rehearsed(call, "new.toml")
    assert found["counts"] == {"same": 0, "other": 1, "new": 0, "gone": 2}
    assert {one["why"] for one in found["alerts"] if one["outcome"] == "gone"} == {"too_short"}
    code, out, _ = call("rehearse", "new.toml", *SINCE)
    assert code == os.EX_OK
    assert "1 would have fired, 3 did" in out
    assert "not: it was bad, but not for as long as `for` says" in out
    assert "told      crm: 1 alert, was 3" in out


@pytest.mark.usefixtures("office")
def test_what_is_ignored_or_not_watched_says_so(call: Call) -> None:
    configure("new.toml", more='ignore = ["072"]\n')
    assert [one["why"] for one in rehearsed(call, "new.toml")["alerts"]] == [None, "ignored", "ignored"]
    Path("less.toml").touch(mode=0o600)
    Path("less.toml").write_text(QUIET + SYSTEM + "[systems.units]\nbelow = 1\n" + WEBHOOK)
    found = rehearsed(call, "less.toml", code=os.EX_UNAVAILABLE)
    assert {one["why"] for one in found["alerts"]} == {"not_watched"}
    assert "main/units: nothing was kept of it" in found["left_out"]
    assert len(found["unseen"]) == 1


@pytest.mark.usefixtures("office")
def test_a_shorter_interval_cannot_be_tried_and_a_longer_one_can(call: Call) -> None:
    configure("new.toml")
    text = Path("new.toml").read_text()
    Path("new.toml").write_text(text.replace('every = "10s"', 'every = "5s"'))
    assert any('every = "5s" cannot be tried' in one for one in rehearsed(call, "new.toml")["left_out"])
    Path("new.toml").write_text(text.replace('every = "10s"', 'every = "60s"'))
    found = rehearsed(call, "new.toml")
    assert [one["would"]["fired_at"][11:19] for one in found["alerts"] if one["would"]] == ["12:03:00"] * 2


@pytest.mark.usefixtures("office")
def test_what_is_broken_is_said_and_the_rest_told(call: Call) -> None:
    database = databases.connect("sqlite:///yemotd.db")
    with database.write() as db:
        db.execute(sa.text("DROP TABLE silences"))
    database.close()
    found = rehearsed(call, "config.toml", code=os.EX_IOERR)
    assert found["counts"]["same"] == 3
    assert found["broken"] == ["silences: no such table: silences"]


@pytest.mark.usefixtures("office")
def test_a_configuration_with_faults_ends_it_with_all_of_them(call: Call) -> None:
    configure("new.toml", hold="soon")
    code, out, err = call("rehearse", "new.toml")
    assert (code, out) == (os.EX_CONFIG, "")
    assert "new.toml" in err
    assert call("rehearse", "away.toml")[0] == os.EX_CONFIG
    assert call("rehearse", "config.toml", "--since", "tomorrow")[0] == os.EX_USAGE


@pytest.mark.usefixtures("office")
def test_thresholds_and_for_are_proposed_by_how_often_they_would_have_rung(call: Call) -> None:
    found = rehearsed(call, "config.toml", "--suggest")
    rings = {one["for_seconds"]: one["rings"] for one in found["suggestions"]}
    assert rings == {0: 3, 30: 3, 60: 3, 120: 1, 300: 0, 900: 0}
    configure("new.toml", hold="2m")
    assert sum(one["would"] is not None for one in rehearsed(call, "new.toml")["alerts"]) == rings[120]
    assert "Proposed" in found["toml"]
    assert "suggest   main/sip for 120s: 1 times" in call("rehearse", "config.toml", *SINCE, "--suggest")[1]


def test_of_what_was_never_kept_nothing_can_be_said(call: Call) -> None:
    databases.open_for_daemon("sqlite:///yemotd.db").close()
    configure("config.toml")
    found = rehearsed(call, "config.toml", code=os.EX_UNAVAILABLE)
    assert [(one["since"], one["until"]) for one in found["unseen"]] == [(found["since"], found["until"])]


def test_it_goes_on_beside_the_daemon(call: Call) -> None:
    """Whose database it is."""
    configure("config.toml")
    database = databases.open_for_daemon("sqlite:///yemotd.db")
    try:
        ObservationKeeper(database, is_on=lambda: True).flush()
        rehearsed(call, "config.toml", code=os.EX_UNAVAILABLE)
    finally:
        database.close()
