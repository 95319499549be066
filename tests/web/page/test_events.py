"""The list of all that happened, and its search box: in both languages, for who may and who may not."""

from collections.abc import Iterator

import pytest

from daemon.core.durations import DAY
from daemon.core.model import Fact
from daemon.store import events
from daemon.web.page.events import SHOWN
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import Words
from daemon.workers.indexer import Indexer
from tests.support import stores
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.web.page.test_frame import unclosed
from tests.web.page.test_sms import EVIL, arrive


@pytest.fixture
def setting() -> Iterator[Setting]:
    one = Setting(stores.in_memory(), now=lambda: START + DAY)
    yield one
    one.database.close()


def page(
    setting: Setting, path: str = "/events", token: str = "admin", language: str = "en", code: int = 200
) -> str:
    answer = setting.visitor(token, language=language).get(path)
    assert answer.status_code == code, answer.text
    assert unclosed(answer.text) == []
    return str(answer.text)


def index(setting: Setting) -> None:
    Indexer(setting.database, monotonic=lambda: 0.0).run_once()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_said_in_words(setting: Setting, language: str) -> None:
    words = Words(language)

    assert words("events.none") in page(setting, language=language)
    found = page(setting, "/events?q=qqq&type=sms.recieved", language=language)
    assert words("events.no_match") in found
    assert words("events.unknown.type", what="sms.recieved") in found
    assert words("events.meant", near="sms.received") in found
    assert "type=sms.received" in found


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_said_is_found_among_all_that_happened(setting: Setting, language: str) -> None:
    arrive(setting, "שלום לכולם")
    arrive(setting, "להתראות", "Bank")
    setting.happen("sip.account.added", subject="sip/0773137770")
    index(setting)

    everything = page(setting, language=language)
    assert "שלום לכולם" in everything
    assert "/systems/main/sip%2F0773137770" in everything or "/systems/main/sip/0773137770" in everything
    found = page(setting, "/events?q=שלומ&type=sms.received", language=language)
    assert "שלום לכולם" in found
    assert "להתראות" not in found
    assert 'value="שלומ"' in found


def test_a_day_is_meant_with_all_of_it(setting: Setting) -> None:
    arrive(setting, "first day", at=START)
    arrive(setting, "second day", at=START + DAY)
    index(setting)
    day = START.date().isoformat()

    found = page(setting, f"/events?since={day}&until={day}")
    assert "first day" in found
    assert "second day" not in found


def test_older_ones_are_a_page_further(setting: Setting) -> None:
    for number in range(SHOWN + 1):
        arrive(setting, f"message {number:03}")
    index(setting)

    first = page(setting, "/events?q=message")
    assert "message 000" not in first
    assert 'rel="next"' in first
    place = first.split('rel="next" href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = page(setting, place)
    assert "message 000" in second
    assert 'rel="next"' not in second


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_may_not_see_texts_sees_none_and_searches_none(setting: Setting, language: str) -> None:
    arrive(setting, "secret words")
    index(setting)
    hidden = Words(language)("events.hidden")

    shown = page(setting, token="reader", language=language)
    assert hidden in shown
    assert "secret words" not in shown
    refused = page(setting, "/events?q=secret", token="reader", language=language, code=422)
    assert hidden in refused
    assert "secret words" not in refused


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("asked", "key", "values"),
    [
        ("q=***", "fault.nothing_asked", {}),
        ("since=soon", "fault.when_past", {}),
        ("until=25:00", "fault.no_clock", {"time": "25:00"}),
        ("since=2026-02-30", "fault.no_day", {"date": "2026-02-30"}),
        ("q=" + "+".join("abcdefghijk"), "fault.words", {"most": "10"}),
        ("contact=Dana", "fault.nobody", {"name": '"Dana"'}),
    ],
)
def test_what_makes_no_sense_is_said_in_words(
    setting: Setting, language: str, asked: str, key: str, values: dict[str, str]
) -> None:
    assert Words(language)(key, **values) in page(setting, f"/events?{asked}", language=language, code=422)


@pytest.mark.parametrize("evil", EVIL)
def test_a_strangers_text_harms_nothing(setting: Setting, evil: str) -> None:
    arrive(setting, evil)
    index(setting)
    with setting.database.write() as db:
        fact = Fact("sip.account.added", f"sip/{evil}"[:200], {"account": {"user_name": evil}})
        events.record(db, "main", [fact], START, lambda kind: f"{kind}_{next(setting.numbers)}")

    found = setting.visitor("admin").get(
        "/events", params={"q": evil[:150], "subject": evil[:100].strip("\x00\x1b")}
    )
    for text in (page(setting), found.text):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<h1>All is well" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_inbox_leads_to_the_search(setting: Setting, language: str) -> None:
    text = page(setting, "/sms?sender=Bank", language=language)

    assert 'action="/events"' in text
    assert '<input type="hidden" name="type" value="sms.received">' in text
    assert '<input type="hidden" name="sender" value="Bank">' in text
