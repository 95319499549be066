"""Who is to be called back, on the page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.watches.callers import ABANDONED, LEFT
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import ALL
from tests.support import stores
from tests.support.callers import AVI, DANA, Office, left
from tests.support.hostile import OBEYED
from tests.support.http_app import Setting


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    database = stores.on_file(tmp_path / "web.db")
    yield Setting(database)
    database.close()


@pytest.fixture
def office(setting: Setting) -> Office:
    return Office(setting.database)


def word(key: str, language: str) -> str:
    return ALL[key][1 if language == "he" else 0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_listed_is_shown_and_crossed_off(setting: Setting, office: Office, language: str) -> None:
    admin = setting.visitor(language=language)
    assert word("missed.none", language) in admin.get("/missed").text

    office.sees(left(ABANDONED), left(ABANDONED, AVI, "c2"), left(LEFT, "0500000000", "c3"), unseen=2)
    page = admin.get("/missed").text
    assert DANA in page
    assert word("missed.unknown.one", language) in page
    assert word("missed.unseen.two", language) in page
    answer = setting.post(admin, "/missed/done", callback="cb_1", note=" called \n back ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/missed")
    assert DANA not in admin.get("/missed").text
    assert setting.post(admin, "/missed/done", callback="cb_1").status_code == 303
    assert setting.post(admin, "/missed/done", callback="cb_0").status_code == 303


def test_a_phone_is_called_by_a_touch_and_what_no_telephone_dials_is_not(
    setting: Setting, office: Office
) -> None:
    for number, phone in enumerate(("+972-54-1234567", "0012125550100", "0772222770=2")):
        office.sees(left(ABANDONED, phone, f"c{number}"))
    page = setting.visitor().get("/missed").text

    assert re.findall('href="(tel:[^"]*)"', page) == ["tel:0541234567", "tel:+12125550100"]
    assert "0772222770=2" in page


def test_who_may_only_read_has_no_button(setting: Setting, office: Office) -> None:
    office.sees(left(ABANDONED))
    reader = setting.visitor("reader")

    assert DANA in reader.get("/missed").text
    assert 'action="/missed/done"' not in reader.get("/missed").text
    assert setting.post(reader, "/missed/done", callback="cb_1").status_code == 403


def test_what_a_stranger_wrote_is_shown_and_not_obeyed(setting: Setting, office: Office) -> None:
    office.sees(*(left(ABANDONED, f"05412345{n:02}", f"{one}<script>") for n, one in enumerate(OBEYED)))
    page = setting.visitor().get("/missed").text

    assert "<script>" not in page.replace('<script src="', "")
    assert not any(one in page for one in OBEYED if not one.isspace() and one not in "<>&\"'")


def test_the_list_is_shown_a_hundred_at_a_time(setting: Setting, office: Office) -> None:
    office.sees(*(left(ABANDONED, f"05412{n:05}", f"c{n}") for n in range(101)))
    visitor = setting.visitor()
    page = visitor.get("/missed").text

    assert page.count('data-key="cb_') == 100
    assert visitor.get("/missed?after=cb_100").text.count('data-key="cb_') == 1
    assert visitor.get("/missed?after=cb_0", follow_redirects=False).status_code == 303
