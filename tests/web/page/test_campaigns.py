"""A campaign on the page: how far it is, in each of its states, in both languages; and what else knows of
it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daemon.core.commands import following
from daemon.core.commands.command import Command, Status
from daemon.core.commands.following import Followed, Outcome, Progress, Traces
from daemon.core.durations import HOUR
from daemon.core.model import Json
from daemon.operations.acknowledgements import AsOf
from daemon.operations.explanations import explain
from daemon.store import campaigns, inbox
from daemon.web.page.visitors import LANGUAGES
from tests.support.http_app import Setting
from tests.support.watched import NOW, Watched, sip, the_api
from tests.web.page.test_commands import plain
from tests.web.page.test_frame import unclosed

BEGAN = NOW - timedelta(minutes=5)
RESULT: Json = {"campaign_id": "YA-1", "calls_count": 40, "rejected": []}
BRIDGE = Command(
    "cmd_1",
    "main",
    "campaign.bridge",
    {"phones": "tpl:12", "ivr_path": "ivr2:/1"},
    "crm",
    BEGAN,
    BEGAN,
    BEGAN,
    BEGAN,
    units=24.0,
    estimate=24.0,
    day=NOW.date(),
    status=Status.SUCCEEDED,
    started_at=BEGAN,
    ended_at=BEGAN,
    result=RESULT,
)
AT_WORK = Progress("RUNNING", 40, 12, 3, 0, 20, 5, 0, 25, 20, 18.5)
BEGUN = following.begun(BRIDGE)
assert BEGUN is not None
RUNS = following.after(BEGUN, AT_WORK, HOUR, NOW - timedelta(seconds=9))
SITUATIONS: dict[str, tuple[Followed, str, str]] = {
    "new": (BEGUN, "how it stands is not known", "לא ידוע מה מצבו"),
    "runs": (RUNS, "runs", "פועל"),
    "over": (replace(RUNS, outcome=Outcome.FINISHED, ended_at=NOW), "over", "הסתיים"),
    "stopped": (replace(RUNS, outcome=Outcome.STOPPED, ended_at=NOW), "stopped", "נעצר"),
    "unknown": (
        replace(BEGUN, outcome=Outcome.UNKNOWN, ended_at=NOW, reason="<script>"),
        "how it ended is not known",
        "לא ידוע איך הסתיים",
    ),
    "unlearned": (
        following.after(RUNS, Traces("<script>", 40, 4.0), HOUR, NOW),
        "If that stays so for a day",
        "אם כך יישאר במשך יממה",
    ),
    "odd": (replace(RUNS, progress=replace(AT_WORK, word="<SCRIPT>")), "<SCRIPT>", "<SCRIPT>"),
}


@pytest.fixture
def watched(setting: Setting) -> Watched:
    one = Watched(setting)
    one.see(the_api(), sip("072"))
    return one


def put(watched: Watched, one: Followed) -> None:
    with watched.setting.database.write() as db:
        inbox.add(db, BRIDGE, "f")
        campaigns.begin(db, replace(one, ended_at=None, outcome=None))
        assert campaigns.save(db, one)


def seen(watched: Watched, path: str, language: str = "en") -> str:
    answer = watched.setting.visitor(language=language).get(path)
    assert answer.status_code == 200, answer.text[:400]
    assert unclosed(answer.text) == []
    assert "<script>" not in answer.text.replace("<script src", "").lower()
    return plain(answer.text)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_its_command_s_page_says_how_it_stands(watched: Watched, situation: str, language: str) -> None:
    one, english, hebrew = SITUATIONS[situation]
    put(watched, one)
    said = seen(watched, "/commands/cmd_1", language)

    assert (hebrew if language == "he" else english) in said


def test_its_figures_are_there_and_what_is_not_known_says_so(watched: Watched) -> None:
    put(watched, RUNS)
    said = seen(watched, "/commands/cmd_1")

    for one in ("Calls made25", "Answered20", "Numbers not reached5", "so far18.5", "24 (estimated 24)"):
        assert one in said
    with watched.setting.database.write() as db:
        campaigns.save(db, BEGUN or RUNS)
    assert "Calls madenot known" in seen(watched, "/commands/cmd_1")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_runs_is_shown_with_what_is_there_now(watched: Watched, language: str) -> None:
    put(watched, RUNS)
    said = seen(watched, "/now", language)

    wanted = "runs · 20 of 40 answered · 25 calls made · 18.5 units"
    assert (wanted if language == "en" else "פועל · נענו 20 מתוך 40 · בוצעו 25 שיחות · 18.5 יחידות") in said


def test_what_is_over_is_not(watched: Watched) -> None:
    put(watched, SITUATIONS["over"][0])

    assert "calls made" not in seen(watched, "/now")


def now(watched: Watched) -> Any:
    (system,) = watched.setting.client.get("/api/v1/now").json()["systems"]
    return system["campaigns"]


def test_http_says_the_same_with_its_age(watched: Watched) -> None:
    assert now(watched) is None
    put(watched, RUNS)

    (one,) = now(watched)["listed"]
    assert (one["status"], one["answered"], one["price"], one["outcome"]) == ("RUNNING", 20, 18.5, None)
    assert one["age_seconds"] == pytest.approx(9, abs=1)
    assert now(watched)["more"] == 0


def test_a_command_is_explained_with_its_campaign(watched: Watched) -> None:
    put(watched, RUNS)
    with watched.setting.database.read() as db:
        found = explain(db, "cmd_1", AsOf(NOW)).document()
    over_http = watched.setting.client.get("/api/v1/explain?what=cmd_1").json()

    assert found.command is not None
    assert found.campaign is not None
    assert (found.command.status, found.campaign.answered, found.campaign.outcome) == ("succeeded", 20, None)
    assert over_http == found.model_dump()
    assert watched.setting.client.get("/api/v1/explain?what=cmd_9").status_code == 404
