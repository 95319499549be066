"""Endpoints and deliveries on the page: how they are doing in words, and what can be done, once."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from enum import Enum
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from daemon.app.ping import ping
from daemon.app.subscribed import OTHER_KEY
from daemon.core.delivery.breaker import HEALTHY, DisabledBy, Health, Switch
from daemon.core.delivery.outcome import Outcome
from daemon.core.delivery.route import Mailing, Route
from daemon.core.durations import HOUR, MINUTE, SECOND
from daemon.core.model import Fact, Severity
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet, Weekly, Window
from daemon.core.routing.schedule import Schedule
from daemon.core.wishes import Kind, Wish, Wishes
from daemon.host.key_file import Key
from daemon.pipeline import wish_alerts
from daemon.store import endpoint_health, history, schema
from daemon.store.history import DeliveryView
from daemon.web.page.once import LASTS, Once
from daemon.web.page.spark import Bar, Stretch, spark, stretches
from daemon.web.page.visitors import LANGUAGES
from daemon.web.page.words import ALL, Words
from daemon.wiring.endpoints import interests
from tests.support import stores
from tests.support.config_files import SYSTEM, loaded
from tests.support.dispatching import Setting as Sending
from tests.support.fakes import START, Receiver, answer
from tests.support.http_app import Setting
from tests.support.plans import Plans
from tests.web.page.test_frame import unclosed
from tests.web.page.test_incidents import said

MAILBOX = "ops/anna@example.org"
CONFIGURATION = (
    SYSTEM
    + '[systems.sms]\n[[webhooks]]\nname = "crm"\nurl = "{url}"\nsecret_env = "SIGNING"\n'
    + '[smtp]\nhost = "localhost"\nfrom = "a@b.c"\n[[emails]]\nname = "ops"\nto = ["anna@example.org"]\n'
)
OTHER = Key(bytes(range(1, 41)), is_kept=True)
ROUTE = Route(4, 15 * SECOND, (Schedule(("*",), ()),))


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    """One delivery made, one given up, one that waits for a retry."""
    one = Sending(stores.on_file(tmp_path / "web.db"))
    one.receivers.answers["crm"] = lambda message: {
        "main/bad": Outcome.REFUSED,
        "main/slow": Outcome.TIMEOUT,
    }.get(message.lane, Outcome.ACCEPTED)
    one.interest(Interest("crm", ("*",), None))
    one.add("good", "bad", "slow")
    one.run()
    yield one
    one.database.close()


@pytest.fixture
def setting(sending: Sending, receiver: Receiver, tmp_path: Path) -> Setting:
    config = loaded(tmp_path, CONFIGURATION.format(url=receiver.url)).config
    return Setting(
        sending.database,
        now=sending.clock.now,
        interests=interests(config),
        ping=lambda endpoint: ping(sending.database, endpoint, config),
    )


def shown(setting: Setting, path: str = "/endpoints/crm", language: str = "en", token: str = "admin") -> str:
    answer = setting.visitor(token, language=language).get(path)
    assert answer.status_code == 200, answer.text
    assert unclosed(re.sub(r"<(rect|input)[^>]*/>", "", answer.text)) == []
    return said(answer.text)


def once(setting: Setting, path: str = "/endpoints/crm") -> str:
    found: list[str] = re.findall(r'name="once" value="([^"]+)"', setting.visitor().get(path).text)
    return found[0]


def said_after(answer: Response) -> str:
    """The sentence that is shown once, on the page to which an answer leads."""
    said_key: str = answer.cookies["said"]
    return ALL[said_key][0]


@pytest.mark.parametrize(
    ("noun", "codes"),
    [
        ("endpoints.health", Health),
        ("endpoints.by", DisabledBy),
        ("endpoints.asked", Switch),
    ],
)
def test_every_code_has_its_sentence(noun: str, codes: type[Enum]) -> None:
    assert [one for one in codes if f"{noun}.{one.value}" not in ALL] == []


def test_every_endpoint_is_listed_with_what_waits_for_it(setting: Setting) -> None:
    page = shown(setting, "/endpoints")

    assert "crm its last messages failed, since 12:00 one message waits" in page
    assert "one dead letter · Last answer: 12:00: no answer in time" in page
    assert f"{MAILBOX} takes what it is sent nothing waits · no dead letters · Last answer: none yet" in page


def test_it_is_all_there_in_hebrew(setting: Setting) -> None:
    page = shown(setting, "/endpoints", "he")

    assert "הודעה אחת ממתינה" in page
    assert "הודעה אחת לא נמסרה" in page
    assert "התשובה האחרונה: 12:00: לא הגיעה תשובה בזמן" in page


def test_where_an_endpoint_stands_is_shown_and_what_is_wrong_with_one_that_is_kept(
    setting: Setting, tmp_path: Path
) -> None:
    setting.config = loaded(tmp_path, CONFIGURATION.format(url="https://crm.example.org")).config
    settings = {"name": "kept", "url": "https://kept.example.org/of-nobody-s-eyes"}
    assert setting.admin.post("/api/v1/endpoints", json=settings).status_code == 201

    assert "Stands in: the store; it was added over HTTP" in shown(setting, "/endpoints")
    assert "Stands in the store; it was added over HTTP" in shown(setting, "/endpoints/kept")
    assert "Stands in the configuration file" in shown(setting)
    assert "מוגדר ב המאגר; הוא נוסף דרך HTTP" in shown(setting, "/endpoints/kept", "he")

    other = Setting(setting.database, interests=setting.interests, key=OTHER)
    for language, fault in (("en", OTHER_KEY), ("he", "הוא נשמר תחת קובץ מפתח אחר")):
        for path in ("/endpoints", "/endpoints/kept"):
            found = shown(other, path, language)
            assert fault in found
            assert "of-nobody-s-eyes" not in found


def test_without_an_endpoint_it_is_said_how_to_have_one(tmp_path: Path) -> None:
    setting = Setting(stores.on_file(tmp_path / "none.db"), interests=[])

    assert "the configuration has no endpoint" in shown(setting, "/endpoints")
    setting.database.close()


@pytest.mark.parametrize("name", [MAILBOX, "ops%2Fanna%40example.org"])
def test_a_mailbox_is_shown_by_the_name_that_it_has(setting: Setting, name: str) -> None:
    assert shown(setting, f"/endpoints/{name}").startswith(MAILBOX)


def test_one_that_is_not_there_is_said_to_be_so(setting: Setting) -> None:
    assert setting.visitor().get("/endpoints/crn").status_code == 404
    for act in ("test", "enable", "disable", "replay"):
        answer = setting.post(setting.visitor(), f"/endpoints/crn/{act}", which="failed")
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"health": Health.DEGRADED, "since": START}, "fails; one message at a time is tried, since 12:00"),
        (
            {"health": Health.SUSPENDED, "since": START, "not_before": START + HOUR},
            "no attempt before 13:00:00",
        ),
        ({"not_before": START + MINUTE}, "it asked us to wait until 12:01:00"),
        (
            {"health": Health.DISABLED, "disabled_by": DisabledBy.OPERATOR, "since": START},
            "an operator disabled it, since 12:00",
        ),
        (
            {"health": Health.DISABLED, "disabled_by": DisabledBy.GONE},
            "it answered that it wants no more messages What comes for it waits until it is enabled.",
        ),
        ({"failing_since": START}, "its last messages failed, since 12:00"),
        ({"error": "HTTP 503 <b>"}, "Failed last of HTTP 503 <b>"),
    ],
)
def test_its_health_is_said_in_words(setting: Setting, changed: dict[str, object], expected: str) -> None:
    with setting.database.write() as db:
        endpoint_health.save(db, {"crm": replace(HEALTHY, **changed)})  # type: ignore[arg-type]

    assert expected in shown(setting)


def test_what_holds_it_back_is_said_with_its_end(setting: Setting) -> None:
    zone = ZoneInfo("Asia/Jerusalem")
    day = Weekly(frozenset(range(7)), time(8), time(18), zone)
    window = Window(days=day.days, start=day.start, end=day.end)
    quiet = (Quiet(day.covers, Severity.CRITICAL, day.ends, window),)
    setting.interests = [Interest("crm", ("*",), None, quiet=quiet)]
    setting.routes = {"crm": replace(ROUTE, rate=0.5, mailing=Mailing(10 * MINUTE, 6))}
    setting.rests = {"crm": START + 40 * MINUTE}

    page = shown(setting)

    assert "quiet until 16:00, every day from 08:00 to 18:00; one message waits" in page
    assert "alerts of the severity “critical” and above are told all the same" in page
    assert "the next mail goes at 12:40" in page
    assert "at most 0.5 a second" in page
    assert "one mail in 10 min at most" in page


def test_what_waited_goes_out_at_its_own_rate(setting: Setting) -> None:
    with setting.database.write() as db:
        endpoint_health.save(db, {"crm": replace(HEALTHY, is_catching_up=True)})
    setting.routes = {"crm": replace(ROUTE, rate=80)}

    assert "what waited for it goes out at 50 a second at most" in shown(setting)


def test_a_wish_that_is_set_aside_is_said(setting: Setting, sending: Sending) -> None:
    wishes = Wishes()
    wishes.raised(Wish(Kind.ENDPOINT, "crm", "quiet"), ValueError())
    wish_alerts.look(sending.database, sending.recorder, wishes, START)

    assert "its setting quiet cannot be worked out and is set aside" in shown(setting)
    assert "instead: it holds nothing back" in shown(setting, "/endpoints")


def test_one_that_left_the_configuration_is_shown_and_not_touched(setting: Setting, sending: Sending) -> None:
    with sending.database.write() as db:
        sending.interest(Interest("old", ("*",), None))
        sending.recorder.record(db, "main", [Fact("sms.received", "a", {})], sending.clock.at)

    page = shown(setting, "/endpoints/old")

    assert "It has left the configuration" in page
    assert "Send a test" not in page


@pytest.mark.parametrize("switch", Switch)
@pytest.mark.parametrize("name", ["crm", MAILBOX])
def test_it_is_turned_off_and_on(setting: Setting, switch: Switch, name: str) -> None:
    with capture_logs() as lines:
        answer = setting.post(setting.visitor(), f"/endpoints/{name}/{switch.value}")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/endpoints/{name}")
    assert "at once" in shown(setting, f"/endpoints/{name}")
    assert setting.woken == 1
    assert [
        (one["token"], one["action"], one["target"]) for one in lines if one["event"] == "http.audit"
    ] == [("admin", f"endpoint.{switch.value}", name)]


def test_a_test_leads_to_what_came_of_it_and_a_second_click_sends_nothing(
    setting: Setting, receiver: Receiver
) -> None:
    browser, mark = setting.visitor(), once(setting)
    first = setting.post(browser, "/endpoints/crm/test", once=mark)
    second = setting.post(browser, "/endpoints/crm/test", once=mark)
    forged = setting.post(browser, "/endpoints/crm/test")

    assert len(receiver.received) == 1
    assert first.headers["location"] == "/deliveries/4"
    page = shown(setting, "/deliveries/4")
    assert "arrived" in page
    assert "test.ping" in page
    assert second.headers["location"] == forged.headers["location"] == "/endpoints/crm"
    assert "this form was sent before" in said_after(second)


def test_a_test_that_is_not_taken_shows_the_answer_as_text(setting: Setting, receiver: Receiver) -> None:
    receiver.script.answers = [answer(422, "<script>alert(1)</script>\u202e".encode())]
    led = setting.post(setting.visitor(), "/endpoints/crm/test", once=once(setting))
    html = setting.visitor().get(led.headers["location"]).text

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;⟨U+202E⟩" in html
    assert "it refused this message (HTTP 422)" in said(html)


def test_the_page_and_the_api_have_one_bound_for_tests(setting: Setting, sending: Sending) -> None:
    asked: list[int] = []
    with sending.database.read() as db:
        found = history.find(db, 1)
    assert found is not None

    def again(_endpoint: str) -> DeliveryView:
        asked.append(other.admin.post("/api/v1/endpoints/crm/test").status_code)
        if len(asked) == 1:
            page = other.post(other.visitor(), "/endpoints/crm/test", once=once(other))
            told.append(said_after(page))
        return found

    told: list[str] = []
    other = Setting(sending.database, now=sending.clock.now, ping=again)
    other.admin.post("/api/v1/endpoints/crm/test")

    assert asked[0] == 429
    assert "four endpoints are being tested already" in told[0]


def test_dead_letters_are_shown_with_their_reason_and_sent_once_more(
    setting: Setting, sending: Sending
) -> None:
    assert "SMS received · bad 12:00 · Delivery 2" in shown(setting)
    assert sending.statuses() == ["delivered", "dead", "pending"]

    with capture_logs() as lines:
        answer = setting.post(setting.visitor(), "/deliveries/2/retry", seen="dead.1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/deliveries/2")
    assert said_after(answer) == "It is due again."
    assert sending.statuses() == ["delivered", "pending", "pending"]
    assert ("admin", "delivery.retry", "2") in [
        (one["token"], one["action"], one["target"]) for one in lines if one["event"] == "http.audit"
    ]


def test_a_retry_that_was_sent_already_does_nothing_whatever_came_of_it(
    setting: Setting, sending: Sending
) -> None:
    browser = setting.visitor()
    setting.post(browser, "/deliveries/2/retry", seen="dead.1")
    second = setting.post(browser, "/deliveries/2/retry", seen="dead.1")
    sending.dispatcher.wake()
    sending.run()
    third = setting.post(browser, "/deliveries/2/retry", seen="dead.1")

    assert "it has not ended" in said_after(second)
    assert "it stands otherwise" in said_after(third)
    assert sending.statuses()[1] == "dead"
    assert len([one for one in sending.receivers.sent if one.lane == "main/bad"]) == 2
    assert setting.woken == 1


def test_what_is_on_its_way_is_not_sent_twice(setting: Setting) -> None:
    answer = setting.post(setting.visitor(), "/deliveries/3/retry", seen="pending.1")

    assert "it has not ended" in said_after(answer)


def test_a_replay_is_looked_at_before_it_is_sent_and_is_sent_once(setting: Setting, sending: Sending) -> None:
    browser = setting.visitor()
    look = browser.get("/endpoints/crm/replay?which=all&since=2026-03-01T12:00&until=&rate=&history=")
    assert sending.statuses() == ["delivered", "dead", "pending"]
    page = said(look.text)
    assert "Two messages would be sent." in page
    assert "One is on its way already." in page
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', look.text))

    first = browser.post("/endpoints/crm/replay", data=fields)
    assert sending.statuses() == ["pending", "pending", "pending"]
    sending.dispatcher.wake()
    sending.run()
    sent = len(sending.receivers.sent)
    second = browser.post("/endpoints/crm/replay", data=fields)
    sending.dispatcher.wake()
    sending.run()

    assert first.headers["location"] == second.headers["location"] == "/endpoints/crm"
    assert "this form was sent before" in said_after(second)
    assert len(sending.receivers.sent) == sent


def test_a_replay_that_failed_may_be_sent_once_more(setting: Setting, sending: Sending) -> None:
    browser = setting.visitor()
    form = {"which": "failed", "once": once(setting)}
    with setting.database.write() as db:
        db.exec_driver_sql("ALTER TABLE deliveries RENAME TO away")
    failed = setting.post(browser, "/endpoints/crm/replay", **form)
    with setting.database.write() as db:
        db.exec_driver_sql("ALTER TABLE away RENAME TO deliveries")

    again = setting.post(browser, "/endpoints/crm/replay", **form)

    assert failed.status_code == 503
    assert said_after(again) == ALL["endpoints.replayed"][0]
    assert sending.statuses() == ["delivered", "pending", "pending"]
    assert "this form was sent before" in said_after(setting.post(browser, "/endpoints/crm/replay", **form))


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ("since=noon", "From"),
        ("until=2026-13-01", "Until"),
        ("until=0001-01-01T00:00", "Until"),
        ("rate=0", "At most so many a second"),
        ("rate=nan", "At most so many a second"),
        ("which=some", "Which events"),
    ],
)
def test_a_replay_that_cannot_be_read_says_what(setting: Setting, query: str, which: str) -> None:
    answer = setting.visitor().get(f"/endpoints/crm/replay?{query}")

    assert answer.status_code == 422
    assert f"This cannot be read: {which}." in said(answer.text)
    fields = dict([query.split("=")])
    posted = setting.post(setting.visitor(), "/endpoints/crm/replay", **{"which": "failed", **fields})
    assert posted.status_code == 422


@pytest.mark.parametrize("token", ["reader", "commander"])
def test_only_an_admin_can_do_anything(setting: Setting, sending: Sending, token: str) -> None:
    browser = setting.visitor(token)
    for path in ("crm/test", "crm/enable", "crm/disable", "crm/replay"):
        assert setting.post(browser, f"/endpoints/{path}").status_code == 403
    assert setting.post(browser, "/deliveries/2/retry", seen="dead.1").status_code == 403
    assert browser.get("/endpoints/crm/replay").status_code == 403

    page = shown(setting, token=token)
    assert "With a token of the scope admin" in page
    assert "Send once more" not in page
    assert sending.statuses() == ["delivered", "dead", "pending"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_delivery_shows_every_attempt_and_how_long_its_parts_took(
    setting: Setting, sending: Sending, language: str
) -> None:
    html = setting.visitor(language=language).get("/deliveries/3").text
    words = Words(language)

    assert words("deliveries.outcome.timeout") in html
    assert words("deliveries.status.pending") in html
    assert words("deliveries.retry") not in html


def test_the_text_of_an_sms_is_shown_to_those_who_may_see_it(setting: Setting, sending: Sending) -> None:
    with sending.database.write() as db:
        message = {"from": "0501234567", "to": "077", "text": "the secret", "received_at": None}
        sending.recorder.record(db, "main", [Fact("sms.received", "sms/0501234567", {"sms": message})], START)

    assert "the secret" in shown(setting, "/deliveries/4")
    hidden = shown(setting, "/deliveries/4", token="reader")
    assert "the secret" not in hidden
    assert "[redacted]" in hidden


@pytest.mark.parametrize(("token", "is_shown"), [("reader", False), ("admin", True)])
def test_an_answer_that_says_back_the_text_of_an_sms_is_shown_to_those_who_may_see_it(
    setting: Setting, sending: Sending, token: str, is_shown: bool
) -> None:
    with sending.database.write() as db:
        message = {"from": "0501234567", "to": "077", "text": "the secret", "received_at": None}
        sending.recorder.record(db, "main", [Fact("sms.received", "sms/0501234567", {"sms": message})], START)
    sending.dispatcher.wake()
    sending.run()
    with sending.database.write() as db:
        db.execute(sa.update(schema.deliveries).values(first_response_head='got: "the secret"'))

    holder = setting.admin if is_shown else setting.client
    page, document = shown(setting, "/deliveries/4", token=token), holder.get("/api/v1/deliveries/4").text
    assert ["the secret" in one for one in (page, document)] == [is_shown, is_shown]
    other = holder.get("/api/v1/deliveries/1").json()
    assert other["attempts"][0]["response_head"] == 'got: "the secret"'  # of an event without a text


def test_no_page_of_an_endpoint_walks_what_there_ever_was(setting: Setting, sending: Sending) -> None:
    with sending.database.read() as db:
        with Plans(db) as plans:
            assert len(history.recent_attempts(db, "crm", 40)) == 3
        steps = [one for one in plans.all() if one.split()[1] in ("deliveries", "attempts")]

    assert steps
    assert [one for one in steps if not one.startswith("SEARCH")] == []


def test_the_last_attempts_are_found_behind_a_backlog(sending: Sending) -> None:
    sending.receivers.answers["crm"] = Outcome.TIMEOUT
    sending.add(*(f"late-{number}" for number in range(50)))
    with sending.database.read() as db:
        found = history.recent_attempts(db, "crm", 10)

    assert [delivery for delivery, _ in found] == [1, 2, 3]


TEXT = st.text(max_size=20)
BARS = st.lists(st.builds(Bar, st.booleans(), st.integers(0, 10**9), TEXT), max_size=50)


def parsed(drawn: str) -> ET.Element:
    """A picture; what XML cannot hold, HTML can."""
    return ET.fromstring(re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", drawn))  # noqa: S314 - ours


@given(BARS, TEXT)
def test_a_picture_of_attempts_is_well_formed_and_stays_within_its_frame(bars: list[Bar], words: str) -> None:
    drawn = str(spark(bars, words))
    root = parsed(drawn)
    assert {key for one in root for key in one.attrib} <= {"class", "x", "y", "width", "height"}
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    boxes = [{key: float(one.attrib[key]) for key in ("x", "y", "width", "height")} for one in root]

    assert len(boxes) == len(bars)
    for box, bar in zip(boxes, bars, strict=True):
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        assert 0 <= box["y"] <= box["y"] + box["height"] <= height + 0.11
        assert (box["y"] == 0) or bar.is_well


@given(st.lists(st.integers(1, 10**8), max_size=5))
def test_the_parts_of_an_attempt_fill_its_whole(lasts: list[int]) -> None:
    begins = [sum(lasts[:place]) for place in range(len(lasts))]
    parts = [Stretch("total", at, one, "") for at, one in zip(begins, lasts, strict=True)]
    root = parsed(str(stretches(parts, "")))
    ends = [float(one.attrib["x"]) + float(one.attrib["width"]) for one in root]

    assert len(ends) == len(parts)
    assert all(0 <= end <= 101 for end in ends)
    assert not ends or ends[-1] == pytest.approx(100, abs=0.5)


@given(st.text() | st.text("0123456789.", max_size=20))
def test_no_form_but_one_that_was_drawn_lately_acts_and_that_once(mark: str) -> None:
    forms = Once(lambda: START, lambda: START - HOUR)
    drawn = forms.draw()

    assert forms.take(drawn)
    assert not forms.take(drawn)
    assert not forms.take(mark) or mark.startswith(str(int(START.timestamp()))[:6])


def test_a_form_of_the_process_before_or_of_long_ago_acts_no_more() -> None:
    now = START
    forms = Once(lambda: now, lambda: START)
    early = Once(lambda: START - SECOND, lambda: START).draw()
    drawn = forms.draw()
    now = START + LASTS + SECOND

    assert not forms.take(early)
    assert not forms.take(drawn)
