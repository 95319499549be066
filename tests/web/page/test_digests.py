"""Digests on the page: none, some, and what one would say now, in both languages."""

from collections.abc import Iterator
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.core.digests.schedule import Digest
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import ALL
from tests.support import stores
from tests.support.http_app import Setting
from tests.web.page.test_commands import plain

OFFICE = Digest("משרד", ("ops", "crm"), time(18), frozenset({6, 0}), ZoneInfo("Asia/Jerusalem"), "day")


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    database = stores.on_file(tmp_path / "web.db")
    yield Setting(database, digests=[OFFICE])
    database.close()


def word(key: str, language: str) -> str:
    return ALL[key][1 if language == "he" else 0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_which_there_are(setting: Setting, language: str) -> None:
    page = plain(setting.visitor(language=language).get("/digests").text)
    assert "משרד" in page
    assert word("digests.covers.day", language) in page
    assert word("digests.new", language) in page
    setting.digests = []
    assert word("digests.none", language) in plain(setting.visitor(language=language).get("/digests").text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_shows_what_one_would_say_and_that_there_is_none(setting: Setting, language: str) -> None:
    visitor = setting.visitor(language=language)
    shown = visitor.get("/digests", params={"name": "משרד"})
    assert shown.status_code == 200
    assert ("סיכום יומי" if language == "he" else "Daily digest") in plain(shown.text)
    assert "U+" not in shown.text
    assert "preview" not in plain(shown.text.rpartition('id="preview"')[2])  # the foot with its ids
    gone = visitor.get("/digests", params={"name": "other"})
    assert gone.status_code == 404
    assert word("digests.gone", language) in plain(gone.text)


def test_a_name_is_shown_and_not_obeyed(setting: Setting) -> None:
    setting.digests = [
        Digest("<b>x</b>&\"'", ("<i>y</i>",), time(18), frozenset({0}), ZoneInfo("UTC"), "week")
    ]
    page = setting.visitor().get("/digests", params={"name": "<b>x</b>&\"'"}).text
    assert "<b>x" not in page
    assert "<i>y" not in page


def test_who_may_not_read_sees_nothing(setting: Setting) -> None:
    assert setting.browser().get("/digests").status_code in (303, 401)
