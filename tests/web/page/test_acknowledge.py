"""The link of a mail and the form of an incident: who looks changes nothing, who sends has it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from daemon.core.alerts import acknowledgement_link
from daemon.core.alerts.acknowledgement import Acknowledgement
from daemon.core.routing.escalation import Escalation, Step
from daemon.core.routing.plan import Interest
from daemon.store import acknowledgements
from daemon.web.page.visitors import LANGUAGES
from daemon.web.reach import Reach
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.support.story import SECOND, Story
from tests.web.page.test_frame import unclosed
from tests.web.page.test_incidents import said

KEY = b"the key of the links in tests..."
INTERESTS = [Interest("crm", ("*",), None), Interest("ops/dana@example.org", (), None)]
NIGHT = Escalation("night", ("sip.*",), (Step("night", 1, 600 * SECOND, ("ops",)),))
REACHED = Reach(base="https://phones.example.org")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A phone that dropped off, and an SMS."""
    one = Story(tmp_path / "yemotd.db", interests=INTERESTS, escalations=[NIGHT])
    one.phone("077", (10, 1000))
    one.sms_arrives(13, "a secret text")
    one.run(until=200)
    yield one
    one.database.close()


@pytest.fixture
def setting(story: Story) -> Setting:
    return Setting(
        story.database,
        now=story.clock.now,
        new_id=story.ids,
        interests=INTERESTS,
        escalations=[NIGHT],
        link_key=KEY,
        reach=lambda: REACHED,
    )


def link(incident: str = "inc_1", endpoint: str = "ops/dana@example.org", key: bytes = KEY) -> str:
    return acknowledgement_link.path(key, incident, endpoint, START)


def has(story: Story) -> list[Acknowledgement]:
    with story.database.read() as db:
        return acknowledgements.of_incident(db, "inc_1")


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_follows_it_sees_what_it_is_about_and_acknowledges_nothing(
    setting: Setting, story: Story, language: str
) -> None:
    visitor = setting.browser()
    visitor.cookies.set("language", language)
    answer = visitor.get(link())
    head = visitor.head(link())

    assert (answer.status_code, head.status_code, head.text) == (200, 200, "")
    assert unclosed(answer.text) == []
    assert "077" in said(answer.text)
    assert "12:00:10" in said(answer.text)
    assert "secret" not in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert link().removeprefix("/ack/") not in answer.text
    assert has(story) == []


def test_who_sends_the_form_has_it_once(setting: Setting, story: Story) -> None:
    visitor = setting.browser()
    first = visitor.post(link(), data={"by": "Dana", "note": "on  my\nway"})
    again = visitor.post(link(), data={"by": "Moshe"})

    assert "Dana has it, since 12:03:20" in said(first.text)
    assert "Dana has it" in said(again.text)
    ((one,)) = has(story)
    assert (one.by, one.note) == ("Dana", "on my way")


@pytest.mark.parametrize("data", [None, {"by": " "}])
def test_without_a_name_it_is_whoever_the_mail_went_to(
    setting: Setting, story: Story, data: dict[str, str] | None
) -> None:
    setting.browser().post(link(), data=data)

    assert [one.by for one in has(story)] == ["dana@example.org"]


def test_what_is_over_is_said_and_not_taken_on(setting: Setting, story: Story) -> None:
    story.run(until=1200)
    answer = setting.browser().post(link(), data={"by": "Dana"})

    assert answer.status_code == 200
    assert "It is over" in said(answer.text)
    assert has(story) == []


def test_a_link_counts_for_a_day(setting: Setting, story: Story) -> None:
    story.clock.advance(timedelta(days=1).total_seconds())
    answer = setting.browser().post(link(), data={"by": "Dana"})

    assert answer.status_code == 410
    assert has(story) == []


@pytest.mark.parametrize(
    "path",
    [
        link(key=b"another key of another house ..."),
        link(incident="inc_9"),
        link(endpoint="gone"),
        "/ack/x",
        "/ack/...",
        link()[:-1],
    ],
)
def test_what_is_not_ours_leads_nowhere(setting: Setting, story: Story, path: str) -> None:
    visitor = setting.browser()

    assert visitor.get(path).status_code == 404
    assert visitor.post(path, data={"by": "Dana"}).status_code == 404
    assert has(story) == []


def test_without_an_address_of_its_own_there_are_no_links(story: Story) -> None:
    for reach, key in ((Reach(), KEY), (REACHED, None)):
        setting = Setting(story.database, interests=INTERESTS, link_key=key, reach=lambda reach=reach: reach)  # type: ignore[misc]
        assert setting.browser().get(link()).status_code == 404


def test_guessing_is_slow_and_the_right_one_is_not(setting: Setting) -> None:
    visitor = setting.browser()
    assert visitor.get(link()).status_code == 200
    codes = [visitor.get(f"/ack/guess{number}").status_code for number in range(12)]

    assert codes == [404] * 10 + [429] * 2
    assert visitor.get("/ack/guess99").headers["retry-after"] == "20"
    assert visitor.get(link()).status_code == 200


def test_no_log_has_the_token(setting: Setting, story: Story) -> None:
    token = link().removeprefix("/ack/")
    with capture_logs() as logs:
        setting.browser().post(link(), data={"by": "Dana"})
        with story.database.write() as db:
            db.execute(sa.text("DROP TABLE acknowledgements"))
        failed = setting.browser().get(link(), headers={"accept": "application/json"})

    assert failed.status_code >= 500
    assert [one["event"] for one in logs if one["event"].startswith("http.")][-1] != "http.audit"
    assert token not in repr(logs)
    assert token not in failed.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_an_incident_says_who_has_it_and_who_is_told_when_if_nobody_has(
    setting: Setting, story: Story, language: str
) -> None:
    visitor = setting.visitor(language=language)
    before = visitor.get("/incidents/inc_1")
    assert unclosed(before.text) == []
    wanted = {
        "en": "If nobody has it by 12:12, ops is told",
        "he": "אם עד 12:12 לא יאושר טיפול, תישלח הודעה אל ops",
    }
    assert wanted[language] in said(before.text)

    csrf = re.search('name="csrf" value="([^"]+)"', before.text)
    assert csrf
    fields = {"csrf": csrf[1], "by": "Dana", "note": "mine <b>", "for": "2h"}
    sent = visitor.post(
        "/incidents/inc_1/ack", data=fields, headers={"sec-fetch-site": "same-origin"}, follow_redirects=False
    )
    assert sent.status_code == 303, sent.text
    after = visitor.get("/incidents/inc_1")
    assert unclosed(after.text) == []
    wanted = {
        "en": "Dana has it, since 12:03:20, until 14:04, mine <b>",
        "he": "הטיפול אצל Dana, מאז 12:03:20, עד 14:04, mine <b>",
    }
    assert wanted[language] in said(after.text)


def test_who_may_only_read_has_no_form(setting: Setting, story: Story) -> None:
    visitor = setting.visitor("reader")
    page = visitor.get("/incidents/inc_1")

    assert "/incidents/inc_1/ack" not in page.text
    refused = visitor.post("/incidents/inc_1/ack", data={}, headers={"sec-fetch-site": "same-origin"})
    assert refused.status_code == 403
    assert has(story) == []
