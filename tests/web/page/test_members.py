"""The daemons that share a database, on the front page and on that of a system; none of one alone."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from daemon.core.ownership import HOUSE, Kind, Share
from daemon.web.page.visitors import LANGUAGES
from tests.support.http_app import Setting
from tests.support.members import Members, endpoints, systems
from tests.support.watched import NOW, SECOND, Watched, sip, the_api
from tests.web.page.test_frame import unclosed
from tests.web.page.test_front import HOSTILE, banner, row, text

HOUR_AGO = NOW - timedelta(hours=1)
Look = Callable[..., str]


@pytest.fixture
def members(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> Members:
    return Members(setting.database, monkeypatch)


@pytest.fixture
def look(setting: Setting) -> Look:
    Watched(setting).see(the_api(), sip("071"))

    def seen(path: str = "/", language: str = "en") -> str:
        answer = setting.visitor(language=language).get(path)
        assert answer.status_code == 200, answer.text[:400]
        assert unclosed(answer.text) == []
        return answer.text

    return seen


def test_one_that_has_its_database_to_itself_shows_nothing_of_it(look: Look) -> None:
    for language in LANGUAGES:
        for path in ("/", "/systems/main"):
            html = look(path, language)
            assert "members" not in html
            assert not re.search("Polled by|בודק אותה", text(html))


def test_a_row_for_each_says_since_when_and_how_much_it_has(look: Look, members: Members) -> None:
    members.join("north", at=HOUR_AGO)
    members.join("south")
    members.hold("north", [*systems("main", "branch"), *endpoints("crm"), Share(Kind.DUTY, HOUSE)])
    members.are_connected("north", "south")

    html, hebrew = look(), look(language="he")

    assert row(html, "north") == (
        "at work north 2 systems, 1 endpoint, the common tasks since 11:01 · version 1.2.3"
    )
    assert row(html, "south") == "at work south has nothing since 12:00 · version 1.2.3"
    assert row(hebrew, "north") == "פועל north שתי מערכות, יעד אחד, המשימות המשותפות מאז 11:01 · גרסה 1.2.3"
    assert row(hebrew, "south") == "פועל south אין אצלו דבר מאז 12:00 · גרסה 1.2.3"
    assert banner(html)[0] == "well"
    assert banner(html)[2] == []


def test_one_that_differs_says_in_what_and_all_that_is_watched_is_well(look: Look, members: Members) -> None:
    members.join("north", "south")
    members.differ("south", "another file")
    members.are_connected("north", "south")

    html, hebrew = look(), look(language="he")

    assert "takes nothing south It differs from the others: another file" in row(html, "south")
    assert "אינו לוקח מערכות south הוא שונה מהאחרים: another file" in row(hebrew, "south")
    assert banner(html)[0] == "well"
    assert banner(html)[2] == ["yemotd on south takes nothing, for it differs from the others"]
    assert banner(hebrew)[2] == ["yemotd ב-south אינו לוקח מערכות, כי הוא שונה מהאחרים"]


def test_one_that_is_silent_says_since_when_or_how_it_is_known(
    setting: Setting, look: Look, members: Members
) -> None:
    """A process that is stopped has its session; of one that was killed the database knows at once."""
    members.join("north", "killed", "stopped")
    members.hold("stopped", systems("a", "b"))
    members.are_connected("north", "stopped")
    setting.silent = {"stopped": 70 * SECOND}

    html, hebrew = look(), look(language="he")

    assert "silent stopped Not heard of since 11:59; the others take over what it has 2 systems since" in row(
        html, "stopped"
    )
    assert "Its connection to the database is gone; the others take over" in row(html, "killed")
    assert "לא הגיב מאז 11:59; האחרים ממשיכים במקומו" in row(hebrew, "stopped")
    assert "החיבור שלו למסד הנתונים נותק; האחרים ממשיכים במקומו" in row(hebrew, "killed")
    assert banner(html)[2] == [
        "yemotd on killed is silent: its connection to the database is gone",
        "yemotd on stopped is silent, since 11:59",
    ]
    assert banner(hebrew)[2] == [
        "yemotd ב-killed אינו מגיב: החיבור שלו למסד הנתונים נותק",
        "yemotd ב-stopped אינו מגיב, מאז 11:59",
    ]


@pytest.mark.parametrize("path", ["/", "/systems/main"])
def test_a_system_says_who_polls_it(look: Look, members: Members, path: str) -> None:
    members.join("north")
    members.hold("north", systems("main"), at=HOUR_AGO)
    members.are_connected("north")

    assert "Polled by north, since 11:01" in text(look(path))
    assert "השרת north בודק אותה, מאז 11:01" in text(look(path, "he"))


@pytest.mark.parametrize("path", ["/", "/systems/main"])
@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_system_of_one_that_is_silent_says_so(
    setting: Setting, look: Look, members: Members, path: str, *, is_stopped: bool
) -> None:
    members.join("north", "south")
    members.hold("south", systems("main"), at=HOUR_AGO)
    members.are_connected("north", *(["south"] if is_stopped else []))
    setting.silent = {"south": 5 * SECOND} if is_stopped else {}

    assert "Not polled at present: south, which polled it, is silent" in text(look(path))
    assert "כרגע אינה נבדקת: השרת south, שבדק אותה, אינו מגיב" in text(look(path, "he"))


@pytest.mark.parametrize("path", ["/", "/systems/main"])
def test_a_system_that_nobody_polls_says_that(look: Look, members: Members, path: str) -> None:
    members.join("north")

    assert "Polled by nobody at present" in text(look(path))
    assert "אף שרת אינו בודק אותה כרגע" in text(look(path, "he"))


def test_a_large_installation_says_who_polls_each(setting: Setting, look: Look, members: Members) -> None:
    Watched(setting).see(*(sip(f"08{number:02}") for number in range(60)))
    members.join("north")
    members.hold("north", systems("main"), at=HOUR_AGO)
    members.are_connected("north")

    html = look()

    assert "All of main" in text(html)
    assert "Polled by north, since 11:01" in text(html)


@pytest.mark.parametrize("strange", HOSTILE)
def test_what_another_daemon_wrote_is_text(look: Look, members: Members, strange: str) -> None:
    """Each daemon writes its own row; and a name is what somebody configured, or called a machine."""
    members.join(strange, version=strange)
    members.hold(strange, systems("main"))
    members.differ(strange, strange)
    members.are_connected(strange)

    for language in LANGUAGES:
        for path in ("/", "/systems/main"):
            html = look(path, language)
            assert "<script>alert" not in html
            assert "<img" not in html
            assert "\u202e" not in html
            assert "x" * 200 not in html
