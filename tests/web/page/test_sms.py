"""The SMS inbox: by sender and date, codes set apart, and texts that harm nothing."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.durations import DAY, HOUR, MINUTE
from daemon.core.model import Fact, Json, Secret
from daemon.operations import messages
from daemon.operations.messages import SENDERS, Message, Span
from daemon.store import events, latest
from daemon.web.auth import Token
from daemon.web.page.sms import EXCERPT, SHOWN, shown
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import Words
from tests.support import stores
from tests.support.examples import examples
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.support.plans import Plans
from tests.web.page.test_frame import unclosed
from tests.web.page.test_incidents import said

ZONE = ZoneInfo("Asia/Jerusalem")
EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</bdi></li></ul><h1>All is well</h1>",
    "\u202eevil\u2066 \u202b",
    "{{ 1234 * 1000 }} {% raw %}",
    "\x1b[2Jgone\x00",
    "𝕏" * 10_000,
    "ש\u0591\u05b0" * 3_000,
]


def arrive(
    setting: Setting,
    text: str,
    sender: str = "0501234567",
    at: datetime = START,
    type_: str = "sms.received",
    **more: object,
) -> int:
    message = {"from": sender, "to": "0773137770", "text": text, "received_at": at.isoformat(), **more}
    with setting.database.write() as db:
        events.record(
            db,
            "main",
            [Fact(type_, f"sms/{sender}", {"sms": message})],  # type: ignore[dict-item] # the test's own
            at,
            lambda kind: f"{kind}_{next(setting.numbers)}",
        )
        return events.newest(db)[0]


def page(setting: Setting, path: str = "/sms", token: str = "admin", language: str = "en") -> str:
    answer = setting.visitor(token, language=language).get(path)
    assert answer.status_code == 200, answer.text
    assert unclosed(answer.text) == []
    return answer.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_inbox_says_what_would_stand_there(setting: Setting, language: str) -> None:
    words = Words(language)

    assert words("sms.none") in page(setting, language=language)
    assert words("sms.no_match") in page(setting, "/sms?sender=050", language=language)


def test_messages_are_gathered_by_sender_whoever_wrote_last_first(setting: Setting) -> None:
    arrive(setting, "one", "0501234567", START)
    arrive(setting, "two", "Bank", START + MINUTE)
    arrive(setting, "three", "972501234567", START + 2 * MINUTE)
    html = page(setting)

    senders = re.findall(r'class="title" href="[^"]*"><bdi>([^<]+)', html)
    assert senders == ["972501234567", "Bank"]
    assert "two messages · 12:02:00" in said(html)
    assert "three" in html
    assert ">one<" not in html


@pytest.mark.parametrize("spelling", ["0501234567", "+972-50-123-4567", "972501234567"])
def test_a_sender_is_found_in_any_spelling_newest_first(setting: Setting, spelling: str) -> None:
    arrive(setting, "first", "0501234567")
    arrive(setting, "second", "972501234567")
    arrive(setting, "another", "0501234568")
    html = page(setting, f"/sms?sender={spelling.replace('+', '%2B')}")

    assert re.findall(r'<bdi class="text">(\w+)', html) == ["second", "first"]


def test_one_time_codes_are_set_apart(setting: Setting) -> None:
    arrive(setting, "Your code is 482913. Never share it.", "Bank")
    arrive(setting, "הקוד שלך הוא 7731", "Bank")
    arrive(setting, "Your order 482914 is on its way", "Shop")
    pattern = r'<code class="copy" dir="ltr" tabindex="0">(\d+)</code>'

    assert re.findall(pattern, page(setting)) == ["7731"]
    assert re.findall(pattern, page(setting, "/sms?sender=Bank")) == ["7731", "482913"]


def test_texts_are_shown_with_the_scope_content_alone(setting: Setting) -> None:
    setting.tokens.append(Token("clerk", Secret("token-of-a-clerk"), frozenset({"content"})))
    arrive(setting, "Your code is 482913", "Bank")
    for path in ("/sms", "/sms?sender=Bank"):
        hidden, open_ = page(setting, path, "reader"), page(setting, path, "clerk")
        assert "482913" not in hidden
        assert "[redacted]" in hidden
        assert "A token with the scope content shows them" in said(hidden)
        assert "Bank" in hidden
        assert "12:00" in hidden
        assert "482913" in open_
        assert "[redacted]" not in open_


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_more_than_text(setting: Setting, text: str, language: str) -> None:
    arrive(setting, text)
    arrive(setting, text, sender="<b>\u202eBank")
    for path in ("/sms", "/sms?sender=0501234567", "/sms?sender=%3Cb%3E%E2%80%AEBank"):
        html = setting.visitor(language=language).get(path)
        if html.status_code == 422:  # a sender with a sign that no line may have
            continue
        assert unclosed(html.text) == []
        assert not re.search(r"<script>|<img|<h1>All|<b>|1234000", html.text)
        # The two that isolate (U+2068, U+2069) are ours, within titles.
        assert not re.search("[\x00\x1b\u202a-\u202e\u2066\u2067]", html.text)


def test_a_long_text_is_folded_and_whole(setting: Setting) -> None:
    text = "דבר " * 2_500
    arrive(setting, text)
    html = page(setting, "/sms?sender=0501234567")

    assert "<details" in html
    assert "10000 characters" in said(html).replace(",", "")
    assert text in html
    assert len(page(setting)) < len(html)


@settings(max_examples=examples(200))
@given(st.text(max_size=2_000))
def test_whatever_a_text_is_its_beginning_is_one_short_line(text: str) -> None:
    one = shown(Message(1, "evt_1", "main", "050", "077", text, None, is_ambiguous=False, seen_at=START))

    assert len(one.excerpt) <= EXCERPT
    assert not re.search("[\x00-\x1f\u2028\u202a-\u202e\u2066-\u2069]", one.excerpt)


def test_dates_are_those_of_the_zone(setting: Setting) -> None:
    setting = Setting(setting.database, zone=lambda: ZONE)
    arrive(setting, "late", at=datetime(2026, 2, 28, 22, 30, tzinfo=UTC))  # March 1, 00:30
    arrive(setting, "next", at=datetime(2026, 3, 1, 22, 0, tzinfo=UTC))  # March 2, 00:00

    def texts(query: str) -> list[str]:
        found = page(setting, f"/sms?sender=0501234567&{query}")
        return re.findall(r'<bdi class="text">(\w+)', found)

    assert texts("since=2026-03-01&until=2026-03-01") == ["late"]
    assert texts("since=2026-03-02") == ["next"]
    assert texts("until=2026-02-28") == []
    assert texts("since=&until=") == ["next", "late"]
    assert "two messages" not in said(page(setting, "/sms?until=2026-03-01"))
    assert "00:30:00" in said(page(setting, "/sms?until=2026-03-01"))


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "9999-12-31", "0001-01-01", "2026-03-01T12:00"])
def test_a_date_that_is_none_is_said_to_be_so(setting: Setting, day: str) -> None:
    for name in ("since", "until"):
        answer = setting.visitor().get(f"/sms?{name}={day}")
        assert answer.status_code in (200, 422)
        assert (answer.status_code == 422) is ("is no date" in said(answer.text))


def test_a_message_that_was_seen_long_after_it_came_says_both(setting: Setting) -> None:
    arrive(setting, "late", received_at=(START - 3 * HOUR).isoformat())
    arrive(setting, "undated", "Bank", received_at=None)

    words = said(page(setting))
    assert "09:00:00, seen 12:00:00" in words
    assert "without a date of its own, seen 12:00:00" in words


def test_what_may_have_been_missed_is_said_among_the_messages(setting: Setting) -> None:
    arrive(setting, "before")
    with setting.database.write() as db:
        gap: dict[str, Json] = {
            "after": "2026-03-01 11:00:00",
            "before": "2026-03-01 11:30:00",
            "rows_read": 100,
        }
        facts = [Fact("sms.gap", "sms", {"gap": gap})]
        events.record(db, "main", facts, START, lambda _: f"gap_{next(setting.numbers)}")

    assert "11:00:00" in said(page(setting))


def test_the_inbox_goes_on_without_a_gap_or_a_repeat(setting: Setting) -> None:
    many = SENDERS * 2 + 5
    with setting.database.write() as db:
        facts = [
            Fact("sms.received", f"sms/05{number:08}", {"sms": {"text": str(number)}})
            for number in range(many)
        ]
        events.record(db, "main", facts, START, lambda kind: f"{kind}_{next(setting.numbers)}")
    keys, path = [], "/sms"
    while path:
        html = page(setting, path)
        keys += re.findall(r'data-key="(\d+)"', html)
        path = next(map(unescape, re.findall(r'rel="next" href="([^"]+)"', html)), "")

    assert keys == [str(number) for number in range(many, 0, -1)]


def test_every_message_is_in_the_window_of_one_page(setting: Setting) -> None:
    """Of 40 senders in turn and one who writes all the time."""
    for number in range(60):
        arrive(setting, str(number), "Chatty" if number % 2 else f"05{number % 40:08}")
    counted, before = 0, None
    while True:
        with setting.database.read() as db:
            found = messages.by_sender(db, Span(before=before), with_text=True)
        counted += found.looked_at
        assert sum(one.many for one in found.conversations) == found.looked_at
        assert len(found.conversations) <= SENDERS
        before = found.older
        if before is None:
            break

    assert counted == 60


def test_one_sender_goes_on_without_a_gap_or_a_repeat(setting: Setting) -> None:
    for number in range(SHOWN + 5):
        arrive(setting, str(number), "0501234567" if number % 2 else "972501234567")
    first = page(setting, "/sms?sender=0501234567")
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = page(setting, unescape(older))

    found = [re.findall(r'data-key="(\d+)"', one) for one in (first, second)]
    assert [*found[0], *found[1]] == [str(number) for number in range(SHOWN + 5, 0, -1)]


def test_no_list_of_messages_walks_what_there_ever_was(setting: Setting) -> None:
    for sender in ("0501234567", "972501234567", "Bank"):
        arrive(setting, "text", sender)
    whole = Span(START - DAY, START + DAY, 100)
    with setting.database.read() as db:
        with Plans(db) as plans:
            messages.by_sender(db, whole, with_text=True)
        by_sender = plans.all()
        with Plans(db) as plans:
            messages.of_sender(db, "0501234567", whole, 10, with_text=True)
            messages.of_sender(db, "Bank", whole, 10, with_text=True)
        of_sender = plans.all()

    steps = [one for one in (*by_sender, *of_sender) if " events" in one]
    assert [one for one in steps if not one.startswith("SEARCH events")] == []
    assert any("events_of_type" in one for one in by_sender)
    assert not any("events_of_type" in one or "TEMP B-TREE" in one for one in of_sender)


@settings(max_examples=examples(50))
@given(st.lists(st.integers(0, 50), max_size=30), st.integers(-1, 51))
def test_the_place_of_a_moment_is_found_by_halves(
    setting_of_many: Setting, minutes: list[int], asked: int
) -> None:
    with setting_of_many.database.write() as db:
        db.exec_driver_sql("DELETE FROM events")
        for minute in sorted(minutes):
            events.record(
                db,
                "main",
                [Fact("units.ok", "units", {})],
                START + minute * MINUTE,
                lambda _: f"evt_{next(NUMBERS)}",
            )
        at = latest.number_at(db, START + asked * MINUTE)
        rows = events.read(db, events.Query(limit=100))

    expected = [number for number, event in rows if event.timestamp >= START + asked * MINUTE]
    assert [number for number, _ in rows if number >= at] == expected


NUMBERS = iter(range(10**9))


@pytest.fixture(scope="module")
def setting_of_many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    one = Setting(stores.on_file(tmp_path_factory.mktemp("many") / "web.db"))
    yield one
    one.database.close()
