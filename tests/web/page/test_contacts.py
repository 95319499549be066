"""Contacts on the page, given, taken away and brought in; and names beside numbers wherever it shows them."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from daemon.core.contacts import Configured
from daemon.core.model import Fact
from daemon.store import contacts, events
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import ALL
from daemon.web.reach import Reach
from tests.support import stores
from tests.support.fakes import START
from tests.support.hostile import OBEYED, REFUSED, SHOWN
from tests.support.http_app import Setting
from tests.support.story import Story
from tests.web.page.test_commands import plain

DANA = {"number": "054-1234567", "name": "Dana"}


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    database = stores.on_file(tmp_path / "web.db")
    yield Setting(database)
    database.close()


@pytest.fixture
def admin(setting: Setting) -> TestClient:
    return setting.visitor()


def names(setting: Setting) -> dict[str, str]:
    with setting.database.read() as db:
        return contacts.load(db)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_is_given_and_forgotten(setting: Setting, language: str) -> None:
    admin = setting.visitor(language=language)
    assert ALL["contacts.none"][1 if language == "he" else 0] in admin.get("/contacts").text

    assert setting.post(admin, "/contacts", **DANA).status_code == 303
    assert names(setting) == {"0541234567": "Dana"}
    page = admin.get("/contacts").text
    assert "<strong><bdi>Dana</bdi></strong>" in page
    assert "054-1234567" in page
    assert setting.post(admin, "/contacts/remove", number="+972541234567").status_code == 303
    assert setting.post(admin, "/contacts/remove", number="+972541234567").status_code == 303
    assert names(setting) == {}


def test_who_may_not_give_names_sees_them_and_no_form(setting: Setting, admin: TestClient) -> None:
    setting.post(admin, "/contacts", **DANA)
    reader = setting.visitor("reader")

    page = reader.get("/contacts").text
    assert "Dana" in page
    assert "<textarea" not in page
    assert "/contacts/remove" not in page
    assert setting.post(reader, "/contacts", **DANA).status_code == 403
    assert setting.post(reader, "/contacts/remove", number="054-1234567").status_code == 403
    assert setting.browser().get("/contacts").status_code in (303, 401)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_name_is_refused_in_the_language_of_who_typed_it(
    setting: Setting, language: str, name: str
) -> None:
    admin = setting.visitor(language=language)
    answer = setting.post(admin, "/contacts", number="0541234567", name=name)

    if answer.status_code == 303:  # a form's text comes without blanks and breaks around it
        assert list(names(setting).values()) == [name.strip()]
        return
    assert answer.status_code == 422
    assert names(setting) == {}
    (said,) = re.findall(r'id="fault-name">(.*?)</p>', answer.text, re.DOTALL)
    assert 'lang="en"' not in said
    assert not any(one in said for one in OBEYED)


def test_a_file_is_brought_in_whole_or_its_lines_are_told(setting: Setting, admin: TestClient) -> None:
    wrong = setting.post(admin, "/contacts/import", text="0541234567,Dana\r\n541234567,<b>\r\n")
    assert wrong.status_code == 422
    assert "has lost its first zero" in plain(wrong.text)
    assert names(setting) == {}

    assert setting.post(admin, "/contacts/import", text="0541234567,Dana\r\n/5,מכירות\r\n").status_code == 303
    assert names(setting) == {"0541234567": "Dana", "/5": "מכירות"}
    assert setting.post(admin, "/contacts/import", text="").status_code == 422


def test_what_the_configuration_names_is_shown_with_where_that_is(
    setting: Setting, admin: TestClient
) -> None:
    setting.configured = Configured({"0541234567": "D. Levi"}, {"/5": "Sales"})
    assert setting.post(admin, "/contacts", **DANA).status_code == 303
    page = plain(admin.get("/contacts").text)

    assert "contacts_file" in page
    assert "shows as D. Levi" in page
    assert "does not show" in page
    found = plain(admin.get("/contacts", params={"find": "sales"}).text)
    assert "Sales" in found
    assert "054" not in found.partition("Name or number")[2]


def told(story: Story) -> Setting:
    """A phone that dropped off, an SMS from it, and a name for both."""
    story.phone("0773137770", (10, 10_000))
    story.run(until=200)
    setting = Setting(story.database, now=story.clock.now)
    with story.database.write() as db:
        sms = {"from": "0773137770", "to": "0773137770", "text": "hello"}
        events.record(db, "main", [Fact("sms.received", "sms/0773137770", {"sms": sms})], START, story.ids)
    setting.configured = Configured({"0773137770": "Dana"})
    return setting


PLACES = (
    "/",
    "/systems/main",
    "/systems/main/sip/0773137770",
    "/incidents",
    "/incidents/{incident}",
    "/sms",
    "/sms?sender=0773137770",
    "/events",
    "/events?type=sms.received",
    "/deliveries/1",
    "/silences?subject=sip/0773137770",
    "/contacts",
)


def shown(body: str) -> str:
    """What is read of a page; names stand apart from what is around them."""
    return unescape(re.sub(r"</?(bdi|a|strong|q)\b[^>]*>", "", body))


def test_a_name_stands_beside_its_number_everywhere_and_does_nothing(tmp_path: Path) -> None:
    story = Story(tmp_path / "yemotd.db")
    setting = told(story)
    browser = setting.visitor()
    (incident,) = [one["id"] for one in setting.client.get("/api/v1/incidents").json()["incidents"]]
    for name in ("Dana", "דנה", *SHOWN):
        setting.configured = Configured({"0773137770": name})
        for place in PLACES:
            answer = browser.get(place.format(incident=incident))
            body = answer.text.partition("<body")[2]
            assert answer.status_code == 200, place
            assert "0773137770" in shown(body), (place, name)
            assert name in shown(body), (place, name)
            assert "<script>alert" not in answer.text, place
            assert "<img src=x" not in answer.text, place
    story.database.close()


def test_strangers_see_no_name(tmp_path: Path) -> None:
    story = Story(tmp_path / "yemotd.db")
    setting = told(story)
    setting.reach = lambda: Reach(
        base="http://x.example.org", shown=("main/sip/*",), badges=("*/*",), feed=True
    )
    for path in ("/", "/feed.atom", "/badge/main/sip/0773137770.svg"):
        answer = setting.browser().get(path)
        assert answer.status_code == 200, path
        assert "Dana" not in answer.text, path
    story.database.close()
