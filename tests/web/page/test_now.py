"""The page for who was woken: what is off, who waits, who answers, in both languages."""

import re

import pytest

from daemon.core.contacts import Configured, key
from daemon.core.model import Failure
from daemon.core.watches.subjects import Subject, SubjectKind
from daemon.web.page.now import LINES, SYSTEMS
from daemon.web.page.visitors import LANGUAGES
from tests.support.http_app import Setting
from tests.support.watched import DOWN, NOW, SECOND, UNKNOWN, UP, Watched, queue, sip, the_api
from tests.web.page.test_frame import unclosed
from tests.web.page.test_front import HOSTILE, LOAD, size, text
from tests.web.page.test_subjects import AGENTS, CALLERS, METRICS


@pytest.fixture
def watched(setting: Setting) -> Watched:
    one = Watched(setting)
    one.see(the_api())
    return one


def page(watched: Watched, query: str = "", language: str = "en") -> str:
    answer = watched.setting.visitor(language=language).get(f"/now{query}")
    assert answer.status_code == 200, answer.text[:400]
    assert unclosed(answer.text) == []
    return answer.text


def first(html: str) -> tuple[str, str]:
    found = re.search(r'<div class="banner (\w+)">(.*?)</div>', html, re.DOTALL)
    assert found
    return found[1], text(found[2])


def busy(watched: Watched) -> None:
    details = {"callers": CALLERS, "agents": AGENTS, "unread": []}
    watched.see(sip("071", DOWN), sip("072"), queue("5", UP, "sales", METRICS, details=details))


def test_the_first_sentence_says_it_all(watched: Watched) -> None:
    busy(watched)

    assert first(page(watched)) == (
        "wrong",
        "1 phone is off, 7 callers wait, the longest 3 min 20 s, 1 agent is free",
    )
    assert first(page(watched, language="he"))[1] == (
        "טלפון אחד מנותק, 7 ממתינים, ההמתנה הארוכה 3 דק׳ 20 שנ׳, נציג אחד פנוי"
    )


def test_names_stand_beside_the_numbers_for_who_has_signed_in(watched: Watched) -> None:
    watched.setting.configured = Configured({key("071"): "the front desk", key("0501234567"): "דנה"})
    busy(watched)

    said = text(page(watched).replace("</p>", " </p>").replace("</li>", " </li>"))
    assert "the front desk (071)" in said
    assert "דנה (0501234567) 3 min 20 s" in said


def test_all_is_well(watched: Watched) -> None:
    watched.see(sip("071"), queue("5", metrics={"calls_waiting": 0}, details={"agents": [AGENTS[0]]}))

    assert first(page(watched)) == ("well", "no phone is off, nobody waits, 1 agent is free")


def test_who_is_off_who_waits_and_who_answers(watched: Watched) -> None:
    busy(watched)

    said = text(page(watched).replace("</p>", " </p>").replace("</li>", " </li>"))

    assert "1 on · 1 off" in said
    assert "0501234567 3 min 20 s" in said
    for one in ("1 free Dana", "1 paused Moshe", "1 unavailable Yael", "1 not known Gil"):
        assert one in said


def test_what_is_not_known_is_not_said_to_be_well(watched: Watched) -> None:
    details = {"callers": CALLERS, "agents": AGENTS, "unread": []}
    watched.see(sip("071"), queue("5", UP, "sales", METRICS, details=details), at=NOW - 1200 * SECOND)
    watched.fail(Failure.TIMEOUT)

    html = page(watched)

    assert first(html)[0] == "unknown"
    assert "not all of it is known" in first(html)[1]
    assert "no phone is off" not in first(html)[1]
    assert "when last seen: 7 callers wait" in text(html)
    assert "1 not known" in text(html)


def test_nothing_watched_says_so(setting: Setting) -> None:
    setting.schedule = []

    assert "Nothing is watched" in text(page(Watched(setting)))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HOSTILE)
def test_strangers_text_is_text(watched: Watched, name: str, language: str) -> None:
    caller = {"call_id": name, "phone": name, "wait_seconds": name, "position": None}
    agent = {"name": name, "paused": False, "status": name, "calls_taken": None}
    details = {"callers": [caller], "agents": [agent], "unread": [name]}
    watched.see(sip(name, DOWN), queue("5", DOWN, name, {name: name}, details=details, why={"metric": name}))
    watched.see(Subject("directory/2", SubjectKind.DIRECTORY, UNKNOWN, name, {"reason": name}))
    watched.setting.happen("sms.received", subject=f"sms/{name}")

    html = page(watched, language=language)

    assert not re.search(r"<script>alert|<img|<i>", html)
    assert "\u202e" not in html


def test_where_everything_is_wrong_it_stays_small(watched: Watched) -> None:
    callers = [{"phone": "0501234567", "call_id": f"c{each}"} for each in range(5_000)]
    for each in range(SYSTEMS + 20):
        details = {"callers": callers[:200], "agents": AGENTS * 40, "unread": []}
        watched.see(
            *(sip(f"07{one}", DOWN) for one in range(20)),
            queue("5", DOWN, "sales", METRICS, details=details),
            system=f"system-{each:03}",
        )

    html = page(watched)

    assert size(html) < LOAD
    assert html.count("<li data-key") <= LINES
    assert "And " in text(html)


def test_of_many_systems_those_that_are_not_well(watched: Watched) -> None:
    for each in range(SYSTEMS + 20):
        watched.see(the_api(), sip("071", DOWN if each == 40 else UP), system=f"system-{each:03}")

    html = page(watched)
    everything = page(watched, "?only=all")

    assert re.findall(r'<a id="/systems/([^"/]+)"', html) == ["system-040"]
    assert "Systems: 51, not well: 1; phones off: 1" in text(html)
    assert len(re.findall(r'<a id="/systems/([^"/]+)"', everything)) == SYSTEMS
    onward = re.search(r'href="/now(\?after=[^"]+)"', everything)
    assert onward
    then = re.findall(r'<a id="/systems/([^"/]+)"', page(watched, onward[1].replace("&amp;", "&")))
    assert then[-1] == f"system-{SYSTEMS + 19:03}"


def test_only_who_may_read_sees_it(watched: Watched) -> None:
    assert watched.setting.browser().get("/now").status_code == 303
    assert watched.setting.visitor("robot").get("/now").status_code == 403
