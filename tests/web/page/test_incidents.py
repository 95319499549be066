"""Incidents on the page: what was seen, who was told, and who was not and why, in both languages."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time
from enum import Enum
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.config.quiet import PLACES
from daemon.core.alerts.incidents import Incident
from daemon.core.alerts.life import Phase
from daemon.core.delivery.outcome import Outcome, Status
from daemon.core.durations import HOUR, MINUTE
from daemon.core.model import Interval, Json, Reason, Severity
from daemon.core.rendering.phrases_en import ENGLISH
from daemon.core.routing.ledger import Hold, Standing
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet, QuietNow, Weekly, Window
from daemon.core.routing.silences import Wish
from daemon.core.watches import sip
from daemon.operations import silences
from daemon.store import incidents
from daemon.web.page import quiet_words
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import ALL, Words
from daemon.web.page.writing import Writing
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.support.story import Story
from tests.web.page.test_frame import unclosed

SHABBAT = "Shabbat or Yom Tov in Jerusalem"
ZONE = ZoneInfo("Asia/Jerusalem")
NIGHT = Weekly(frozenset(range(7)), time(22), time(7), ZONE)
DAY = Weekly(frozenset(range(7)), time(8), time(18, 30), ZONE)


def said(html: str) -> str:
    """The words of a page, as one reads them."""
    apart = re.sub(r"</?(?:p|d[dlt]|li|h\d|div|section|option|summary)\b[^>]*>", " ", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", apart)).split())


@pytest.mark.parametrize(
    ("noun", "codes"),
    [
        ("incidents.hold", Hold),
        ("incidents.reason", Reason),
        ("incidents.standing", Standing),
        ("incidents.phase", Phase),
        ("incidents.severity", Severity),
        ("deliveries.status", Status),
        ("deliveries.outcome", Outcome),
    ],
)
def test_every_code_has_its_sentence(noun: str, codes: type[Enum]) -> None:
    assert [one for one in codes if f"{noun}.{one.value}" not in ALL] == []


def test_every_type_of_event_has_its_name() -> None:
    assert [one for one in ENGLISH if f"event.{one}" not in ALL] == []


def test_every_place_has_its_name() -> None:
    assert [one for one in PLACES if f"quiet.place.{one}" not in ALL] == []


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """One endpoint is told after a failure; the others are not, each for a reason."""
    one = Story(
        tmp_path / "one.db",
        interests=[
            Interest("crm", ("*",), None),
            Interest("ops/anna@example.org", (), None),
            Interest("grave", ("*",), None, min_severity=Severity.CRITICAL),
            Interest("later", ("*",), None, after=HOUR),
            Interest("asleep", ("*",), None, quiet=(Quiet(DAY.covers, None, DAY.ends, window(DAY)),)),
        ],
    )
    one.phone("077", (10, 10_000))
    one.endpoint_says(Outcome.UNREACHABLE, 0, 72)
    one.run(until=200)
    yield one
    one.database.close()


def window(one: Weekly) -> Window:
    return Window(days=one.days, start=one.start, end=one.end, zone="Asia/Jerusalem")


def shown(story: Story, language: str = "en", path: str = "/incidents/inc_1") -> str:
    setting = Setting(story.database, now=story.clock.now, interests=story.interests, zone=lambda: ZONE)
    answer = setting.visitor(language=language).get(path)
    assert answer.status_code == 200, answer.text
    assert unclosed(answer.text) == []
    return said(answer.text)


def test_an_incident_says_who_was_told_and_when_each_answered(story: Story) -> None:
    page = shown(story)

    assert page.startswith("Phone 077 is off the network")
    order = [
        "seen for the first time; waits to see whether it lasts",
        "fired, after 1 min in sight",
        "crm: told that it fires",
        "crm: Attempt 1: no connection, after less than 1 ms",
        "crm: Attempt 2: taken, after less than 1 ms",
    ]
    at = [page.index(one) for one in order]
    assert at == sorted(at)
    assert "between 14:00:00 and 14:00:10" in page


def test_an_incident_says_who_was_not_told_and_why(story: Story) -> None:
    page = shown(story)

    assert "not told: its events or systems do not cover this" in page
    assert "not told: it is told only of what is more severe" in page
    assert "not told: it is told only of what still fires at 15:02" in page
    assert "not told: quiet until 18:30, every day from 08:00 to 18:30" in page


def test_all_of_it_is_there_in_hebrew(story: Story) -> None:
    page = shown(story, "he")

    assert "נמסר שהתקלה נפתחה" in page
    assert "לא נמסר: שקט עד 18:30, בכל יום, משעה 08:00 עד 18:30" in page
    assert not re.search(r"not told|quiet until|fired", page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_end_says_how_it_ended_and_how_long_it_lasted(story: Story, language: str) -> None:
    story.down["077"] = [(10, 210)]
    story.run(until=400)
    page = shown(story, language)

    assert {"en": "It was seen to be well again.", "he": "נצפתה חזרה לתקינות."}[language] in page
    assert {"en": "3 min 20 s", "he": "3 דק׳ 20 שנ׳"}[language] in page
    assert "/silences?" not in page
    why = {"en": "it might be over before it is told", "he": "ייתכן שתסתיים לפני שתימסר"}[language]
    assert page.count(why) == 4  # of two endpoints, when it happened and as it stands


def test_what_could_not_be_seen_is_said(story: Story) -> None:
    story.api_fails(210, 400)
    story.run(until=300)
    page = shown(story)

    assert "The last answer said nothing of it" in page
    assert "could not be seen from here on; this time counts for nothing" in page


def test_who_silenced_it_is_said_with_the_words_of_whoever_did(tmp_path: Path) -> None:
    story = Story(tmp_path / "one.db", interests=[Interest("crm", ("*",), None)])
    comment = "a new phone <b>is</b> on its way\u202e"
    with story.database.write() as db:
        silences.mute(db, Wish("ops", comment, subject="sip/077", lasts=HOUR), "sil_1", story.clock.at)
    story.phone("077", (10, 10_000))
    story.run(until=200)

    page = shown(story)
    story.database.close()

    assert "silenced by ops until 15:00: a new phone <b>is</b> on its way⟨U+202E⟩" in page


def test_one_of_many_leads_to_what_tells_them_all(tmp_path: Path) -> None:
    story = Story(tmp_path / "one.db", interests=[Interest("crm", ("*",), None)])
    for name in ("01", "02", "03", "04"):
        story.phone(name, (10, 10_000))
    story.run(until=300)
    with story.database.read() as db:
        many, one = (
            next(each for each in incidents.firing(db) if each.kind.fires == type_)
            for type_ in ("sip.accounts.unregistered", "sip.account.unregistered")
        )
    setting = Setting(story.database, now=story.clock.now, interests=story.interests)
    html = setting.visitor().get(f"/incidents/{one.id}").text
    story.database.close()

    assert "folded into" in html
    assert f'href="/incidents/{many.id}"' in html


def fire(setting: Setting, many: int, **more: object) -> None:
    with setting.database.write() as db:
        for minute in range(many):
            at = START + minute * MINUTE
            one = Incident(
                f"inc_{minute:03}", "main", f"sip/{minute}", "sip", sip.KIND, "sip/0773137770",
                Severity.ERROR, {"account": {"user_name": "0773137770"}}, at, Interval(None, at), at,
            )  # fmt: skip
            incidents.save(db, replace(one, **more))  # type: ignore[arg-type] # the test's own words


def test_the_list_goes_on_from_page_to_page_within_its_filters(setting: Setting) -> None:
    fire(setting, 60)
    browser = setting.visitor()
    first = browser.get("/incidents?state=firing&system=main&subject=").text
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = browser.get(unescape(older)).text

    ids = [re.findall(r'<li id="(inc_\d+)"', one) for one in (first, second)]
    assert [*ids[0], *ids[1]] == [f"inc_{minute:03}" for minute in reversed(range(60))]
    assert "state=firing" in older
    assert 'rel="next"' not in second


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_list_says_what_would_stand_there(setting: Setting, language: str) -> None:
    browser = setting.visitor(language=language)
    words = Words(language)

    assert words("incidents.none") in browser.get("/incidents").text
    assert words("incidents.no_match") in browser.get("/incidents?subject=sip/0").text


def test_a_phone_is_found_in_any_spelling(setting: Setting) -> None:
    fire(setting, 1)

    assert 'id="inc_000"' in setting.visitor().get("/incidents?subject=sip/%2B972-77-313-77-70").text


def test_a_stranger_s_subject_is_text(setting: Setting) -> None:
    evil = '"><script>alert(1)</script>\u202e'
    fire(setting, 1, subject=f"sip/{evil}", payload={"account": {"user_name": evil}})
    browser = setting.visitor(language="he")
    for path in ("/incidents", "/incidents/inc_000", f"/incidents?subject={evil}"):
        html = browser.get(path).text
        assert "<script>alert" not in html
        assert "\u202e" not in html
        assert unclosed(html) == []


def test_silencing_is_offered_to_those_who_may(setting: Setting) -> None:
    fire(setting, 1)

    (link,) = re.findall(r'href="(/silences\?[^"]+)"', setting.visitor().get("/incidents/inc_000").text)
    query = "/silences?system=main&subject=sip%2F0773137770&type=sip.account.unregistered"
    assert unescape(link) == query
    assert "/silences?" not in setting.visitor("reader").get("/incidents/inc_000").text


def test_who_may_not_read_sees_none(setting: Setting) -> None:
    fire(setting, 1)

    assert setting.browser().get("/incidents/inc_000").status_code == 303
    assert setting.visitor().get("/incidents/inc_999").status_code == 404


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (datetime(2026, 11, 20, 12, 30, 1, tzinfo=UTC), f"quiet until 14:31, {SHABBAT}"),
        (
            datetime(2026, 11, 21, 15, 12, tzinfo=UTC),
            f"quiet until Saturday 17:12, {SHABBAT}",
        ),
        (None, f"quiet with no end in sight, {SHABBAT}"),
    ],
)
def test_a_quiet_window_is_said_with_its_end(until: datetime | None, expected: str) -> None:
    words = Words("en")
    writing = Writing(words, ZONE, datetime(2026, 11, 20, 12, tzinfo=UTC))
    found = QuietNow(Window(place="jerusalem", zone=ZONE.key), until, None)

    assert re.sub("[\u2068\u2069]", "", said(quiet_words.lasts(words, writing, found))) == expected


@pytest.mark.parametrize(
    ("window", "english", "hebrew"),
    [
        (Window(place="31.8, 35.2"), "Shabbat or Yom Tov in 31.8, 35.2", "שבת או יום טוב ב-31.8, 35.2"),
        (
            Window(days=frozenset({4, 6}), start=time(22), end=time(7)),
            "from 22:00 to 07:00, beginning on Sunday, Friday",
            "משעה 22:00 עד 07:00, בימים: יום ראשון, יום שישי",
        ),
    ],
)
def test_each_window_has_its_words(window: Window, english: str, hebrew: str) -> None:
    assert said(quiet_words.which(Words("en"), window)) == english
    assert said(quiet_words.which(Words("he"), window)) == hebrew


def test_word_that_did_not_arrive_is_not_said_to_have_been_told(tmp_path: Path) -> None:
    story = Story(tmp_path / "one.db", interests=[Interest("crm", ("*",), None)])
    story.phone("077", (10, 10_000))
    story.endpoint_says(Outcome.TIMEOUT, 0, 90)
    story.run(until=80)
    waiting = shown(story)
    story.endpoint_says(Outcome.REFUSED, 90, 1_000)
    story.run(until=300)
    lost = shown(story)
    story.database.close()

    assert "was sent word that it fires, 14:01 The message has not arrived yet." in waiting
    assert "But the message did not arrive: it was given up." in lost


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.ACCEPTED, "crm was told"),
        (Outcome.TIMEOUT, "a message is on its way to crm"),
        (Outcome.REFUSED, "the message to crm did not arrive"),
        (None, "nobody was told"),
    ],
)
def test_the_front_page_says_who_was_told(tmp_path: Path, outcome: Outcome | None, expected: str) -> None:
    story = Story(tmp_path / "one.db", interests=[Interest("crm", ("*",) if outcome else (), None)])
    story.phone("077", (10, 10_000))
    if outcome is not None:
        story.endpoint_says(outcome, 0, 1_000)
    story.run(until=90)
    page = shown(story, path="/")
    story.database.close()

    assert "Phone 077 is not registered, since 14:00" in page, page[:900]
    assert expected in page, page[:900]


def test_who_was_told_stands_before_who_never_asked_and_that_is_nothing_that_happened(story: Story) -> None:
    page = shown(story)
    unwanted = "its events or systems do not cover this"

    assert page.index("was sent word that it fires") < page.index(unwanted)
    assert page.count(unwanted) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_over_is_told_as_it_ended_and_not_with_the_numbers_of_its_end_as_if_it_fired(
    setting: Setting, language: str
) -> None:
    many: dict[str, Json] = {"accounts": {"unregistered": [], "total": 4}}
    fire(setting, 1, kind=sip.MANY, payload={"accounts": {"unregistered": ["01", "02"], "total": 4}})
    with setting.database.write() as db:
        one = incidents.read(db, incidents.Query())[0]
        incidents.save(db, replace(one, payload=many, ended_at=START + HOUR, end=Reason.RESOLVED))
    title = {"en": "The phones are back on the network", "he": "הטלפונים חזרו להיות מחוברים"}[language]

    assert title in said(setting.visitor(language=language).get("/incidents").text)
