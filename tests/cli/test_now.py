"""`yemotd now`: what HTTP says, for a terminal and for programs, with or without a daemon."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from daemon.cli import now as verb
from daemon.core.timestamps import iso
from daemon.host import clock
from daemon.store import database as databases
from tests.cli.conftest import Call
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.http_app import Setting
from tests.support.watched import DOWN, NOW, Watched, queue, sip, the_api
from tests.web.page.test_subjects import AGENTS, CALLERS, METRICS


@pytest.fixture
def watched(call: Call) -> Iterator[Watched]:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(
        SYSTEM + '[systems.sip]\n[[systems.queues]]\npath = "/5"\nname = "sales"\nevery = "30s"\n' + WEBHOOK,
        encoding="utf-8",
    )
    setting = Setting(databases.open_for_daemon("sqlite:///yemotd.db"), now=clock.utcnow)
    one = Watched(setting)
    details = {"callers": CALLERS, "agents": AGENTS, "unread": []}
    one.see(
        the_api(), sip("077", DOWN), sip("088"), queue("5", name="sales", metrics=METRICS, details=details)
    )
    yield one
    setting.database.close()


def test_a_terminal_and_http_have_one_document(call: Call, watched: Watched) -> None:
    with freeze_time(NOW):
        over_http: dict[str, Any] = watched.setting.client.get("/api/v1/now").json()
        code, out, _ = call("now", "--json")

    assert code == 0
    assert json.loads(out) == over_http


def test_people_read_what_is_off_who_waits_and_who_answers(call: Call, watched: Watched) -> None:
    with freeze_time(NOW):
        code, out, _ = call("now")

    assert code == 0
    for one in (
        "  phones  1 on, 1 off; seen 5 s ago\n",
        "    off       077  since ",
        "  queue   sales (queue/5): 7 waiting, the longest 3m20s; seen 5 s ago\n",
        "    waits     0501234567  3m20s\n",
        "    agents    1 free, 1 paused, 1 away, 1 not known\n",
        "      free      Dana\n",
    ):
        assert one in out, out


def test_a_threshold_that_is_crossed_is_said_with_its_limit(call: Call, watched: Watched) -> None:
    longest = {"metric": "longest_wait_seconds", "value": 200, "above": 180}
    crossed = {"metric": "calls_waiting", "value": 7, "above": 5.0}
    for why, said in (
        (crossed, "calls_waiting 7, above 5\n"),
        (
            {**crossed, "crossed": [crossed, longest]},
            "calls_waiting 7, above 5; longest_wait_seconds 200, above 180\n",
        ),
        ({"metric": "agents_available", "value": 0.5, "below": 1.5}, "agents_available 0.5, below 1.5\n"),
    ):
        watched.see(queue("5", DOWN, name="sales", metrics=METRICS, why=why))
        with freeze_time(NOW):
            out = call("now")[1]

        assert f"the longest 3m20s; seen 5 s ago; a threshold is crossed: {said}" in out


def test_names_stand_beside_the_numbers(call: Call, watched: Watched) -> None:
    path = Path("config.toml")
    names = '[contacts]\n"077" = "the front desk"\n"0501234567" = "Dana"\n'
    path.write_text(names + path.read_text(encoding="utf-8"), encoding="utf-8")
    with freeze_time(NOW):
        code, out, _ = call("now")

    assert code == 0
    assert "    off       the front desk (077)  since " in out
    assert "    waits     Dana (0501234567)  3m20s\n" in out


def test_what_is_old_is_said_to_be(call: Call, watched: Watched) -> None:
    watched.setting.database.close()
    with freeze_time(NOW.replace(hour=NOW.hour + 5)):
        _, out, _ = call("now")

    assert "no daemon runs here" in out
    assert "0 on, 0 off, 2 not known; seen 5 h ago" in out
    assert "not known (" in out


def test_it_prints_for_people_from_the_document_alone(call: Call, watched: Watched) -> None:
    """So that one that came over HTTP prints the same."""
    with freeze_time(NOW):
        document = json.loads(call("now", "--json")[1])
        printed = call("now")[1]

    assert "\n".join(verb.lines(document)) + "\n" == printed


def test_a_system_that_is_not_watched(call: Call, watched: Watched) -> None:
    code, out, err = call("now", "--system", "other")

    assert (code, out) == (65, "")
    assert "nothing is watched of a system 'other'" in err


def test_watching_goes_on_until_nobody_reads_and_says_what_cannot_be_read(
    call: Call, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = iter(range(4))
    monkeypatch.setattr(verb, "LOOK_SECONDS", 0.001)
    database = Path("yemotd.db")

    def is_read() -> bool:
        """Before the second look the database goes, and before the third it is back."""
        step = next(steps)
        if step == 1:
            database.rename("away.db")
        elif step == 2:
            Path("away.db").rename(database)
        return step < 3

    monkeypatch.setattr(verb, "is_read", is_read)
    watched.setting.database.close()
    with freeze_time(NOW):
        code, out, _ = call("now", "--watch", "--json")

    assert code == 0
    there, away, again = map(json.loads, out.splitlines())
    assert there["systems"] == again["systems"]
    assert "there is no database" in away["error"]
    assert iso(NOW) == there["now"]
