"""Notifications: Apprise against real services on loopback."""

import html
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email import charset
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler

import pytest
from apprise import NotifyFormat
from apprise.conversion import convert_between
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.model import Secret
from daemon.core.rendering.formats import Format, Shape
from daemon.core.rendering.wire.words import NOTHING, fitted
from daemon.host import clock
from daemon.senders.notify import Notice, NotifySender, fault, meaning, within
from tests.core.rendering.test_mails import phone, sms
from tests.support.fakes import FakeClock, Receiver, answer

TOKEN = "secrettoken1234"
converted: Callable[[NotifyFormat, NotifyFormat, str], str] = convert_between


def notice(receiver: Receiver, *, timeout: float = 10, language: str = "en", path: str = TOKEN) -> Notice:
    place = receiver.url.removeprefix("http://").rstrip("/").partition("/")[0]
    shape = Shape(Format.APPRISE, language=language)
    return Notice(Secret(f"json://{place}/{path}"), shape, timedelta(seconds=timeout))


@contextmanager
def sending(**notices: Notice) -> Iterator[tuple[NotifySender, Callable[[int], list[Attempted]]]]:
    """A sender, and what waits for so many attempts to end."""
    woken = threading.Event()
    sender = NotifySender(notices, now=clock.utcnow, monotonic=clock.monotonic, wake=woken.set)

    def ended(many: int) -> list[Attempted]:
        found = sender.finished()
        deadline = clock.monotonic() + 15
        while len(found) < many:
            assert clock.monotonic() < deadline, found
            woken.wait(min([1.0, *sender.patience]))
            woken.clear()
            found += sender.finished()
        return found

    yield sender, ended
    sender.close()


def hanging_until(release: threading.Event) -> Callable[[BaseHTTPRequestHandler], None]:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        release.wait(10)
        answer()(handler)

    return reply


def to(endpoint: str, message: Message) -> Message:
    return message._replace(endpoint=endpoint)


def told(receiver: Receiver) -> list[dict[str, str]]:
    return [json.loads(one.body) for one in receiver.received]


def test_an_event_is_told_as_a_sentence_in_the_reader_s_language() -> None:
    with Receiver() as receiver, sending(phone=notice(receiver, language="he")) as (sender, ended):
        sender.start(to("phone", phone(1)))
        (attempt,) = ended(1)
        (got,) = told(receiver)

    assert (attempt.outcome, attempt.error) == (Outcome.ACCEPTED, None)
    assert got["title"] == "main"
    assert "מנותק" in got["message"]
    assert got["type"] == "failure"
    assert sender.is_idle


def test_the_end_of_an_alert_looks_like_one_and_a_fact_like_a_fact() -> None:
    with Receiver() as receiver, sending(phone=notice(receiver)) as (sender, ended):
        sender.start(to("phone", phone(1, is_over=True)))
        sender.start(to("phone", sms(2, "hello")))
        ended(2)

    assert [one["type"] for one in told(receiver)] == ["success", "info"]
    assert [one["message"] for one in told(receiver)] == [
        "Phone 077 is back on the network",
        "SMS from 0541234567: hello",
    ]


def test_a_service_that_fails_is_tried_again_later_and_no_token_is_shown() -> None:
    with Receiver() as receiver, sending(phone=notice(receiver)) as (sender, ended):
        receiver.script.answers = [answer(500, TOKEN.encode())]
        sender.start(to("phone", phone(1)))
        (attempt,) = ended(1)

    assert attempt.outcome is Outcome.FAILED
    assert attempt.error
    assert TOKEN not in attempt.error


def test_nobody_listening_is_a_failure() -> None:
    with Receiver() as receiver:
        gone = notice(receiver)
    with sending(phone=gone) as (sender, ended):
        sender.start(to("phone", phone(1)))
        (attempt,) = ended(1)

    assert attempt.outcome is Outcome.FAILED
    assert TOKEN not in str(attempt)


def test_a_service_that_hangs_meets_the_deadline_and_holds_up_no_other() -> None:
    release = threading.Event()
    with Receiver() as slow, Receiver() as quick:
        slow.script.answers = [hanging_until(release)]
        notices = {"slow": notice(slow, timeout=0.3), "quick": notice(quick)}
        with sending(**notices) as (sender, ended):
            sender.start(to("slow", phone(1)))
            sender.start(to("quick", phone(2)))
            first, second = ended(2)
            release.set()

    assert {first.message.endpoint: first.outcome, second.message.endpoint: second.outcome} == {
        "quick": Outcome.ACCEPTED,
        "slow": Outcome.TIMEOUT,
    }
    assert sender.finished() == []


def test_what_waited_behind_one_that_hung_is_not_told_after_its_time() -> None:
    """It was given back, and comes again: told now, it would be told twice."""
    release = threading.Event()
    with Receiver() as slow, sending(slow=notice(slow, timeout=0.3)) as (sender, ended):
        slow.script.answers = [hanging_until(release)]
        sender.start(to("slow", sms(1, "first")))
        sender.start(to("slow", sms(2, "second")))
        outcomes = [one.outcome for one in ended(2)]
        release.set()
        sender.notices = {"slow": notice(slow)}
        sender.start(to("slow", sms(3, "third")))
        ended(1)
        messages = [one["message"].rpartition(" ")[2] for one in told(slow)]

    assert outcomes == [Outcome.TIMEOUT] * 2
    assert messages == ["first", "third"]


def test_what_is_redacted_is_not_told() -> None:
    with Receiver() as receiver:
        one = notice(receiver)
        hidden = replace(one, shape=replace(one.shape, redact=("sms.text",)))
        with sending(phone=hidden) as (sender, ended):
            sender.start(to("phone", sms(1, "the code is 482913")))
            ended(1)

    assert "482913" not in str(told(receiver))


@pytest.mark.parametrize("url", ["nosuch://x", "hello", "http://", ""])
def test_what_apprise_does_not_know_is_a_fault(url: str) -> None:
    assert fault(url) == "is no URL that Apprise knows"


def test_apprise_changes_nothing_about_our_mails() -> None:
    """One of its plugins sets how all mails of the process are encoded."""
    before = dict(charset.CHARSETS)
    fault("mailto://user:password@example.org")

    assert before == charset.CHARSETS


MARKUP = "<b>x</b><a href='https://e.example'>y</a> & [z](https://e.example) *w* _v_ `u` # t"
"""A stranger's; in a message it is nothing but text."""


class Words(HTMLParser):
    """What somebody reads who is shown HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", set[str]()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


def test_a_service_that_reads_html_is_given_text_as_text() -> None:
    with (
        Receiver() as receiver,
        sending(phone=notice(receiver, path=f"{TOKEN}?format=html")) as (sender, ended),
    ):
        sender.start(to("phone", sms(1, MARKUP)))
        ended(1)
    words = Words()
    words.feed(told(receiver)[0]["message"])

    assert words.text.replace("\xa0", " ").replace(NOTHING, "") == f"SMS from 0541234567: {MARKUP}"
    assert words.tags <= {"br", "p"}


@pytest.mark.parametrize("scheme", ["json", "mmost"])
def test_a_service_that_reads_markdown_is_given_text_as_text(scheme: str) -> None:
    with Receiver() as receiver:
        one = notice(receiver, path=f"{TOKEN}?format=markdown")
        one = replace(one, url=Secret(one.url.value.replace("json:", f"{scheme}:")))
        with sending(phone=one) as (sender, ended):
            receiver.script.answers = [answer(200, b"ok")]
            sender.start(to("phone", sms(1, MARKUP)))
            (attempt,) = ended(1)
    said = told(receiver)[0]
    text = said.get("message") or said["text"]

    assert attempt.outcome is Outcome.ACCEPTED
    assert re.sub(r"\\(\W|_)", r"\1", text.replace(NOTHING, "")).endswith(html.unescape(MARKUP))
    assert not re.search(r"(?<!\\)[\[*_`]", text)


def test_how_long_it_took_is_not_measured_by_a_clock_that_can_be_set() -> None:
    wall = FakeClock()
    with Receiver() as receiver:
        sender = NotifySender(
            {"phone": notice(receiver, timeout=0)}, now=wall.now, monotonic=wall.monotonic, wake=lambda: None
        )
        sender.start(to("phone", phone(1)))
        wall.advance(2)
        wall.jump(-3600)
        (attempt,) = sender.finished()
        sender.close()

    assert attempt.phases.total == 2_000_000


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Outcome.FORBIDDEN),
        (403, Outcome.FORBIDDEN),
        (429, Outcome.THROTTLED),
        (500, Outcome.FAILED),
        (404, Outcome.FAILED),
    ],
)
def test_the_status_of_a_no_says_whose_matter_it_is(status: int, outcome: Outcome) -> None:
    with Receiver(answer(status)) as receiver, sending(phone=notice(receiver)) as (sender, ended):
        sender.start(to("phone", phone(1)))
        (attempt,) = ended(1)

    assert attempt.outcome is outcome
    assert f"error={status}" in str(attempt.error)


@given(st.lists(st.sampled_from(["error=401", "error=429", "error=4011", "error=", "x"]), max_size=4))
def test_what_a_service_said_of_two_statuses_is_a_failure(said: list[str]) -> None:
    known = {one for one in said if one in ("error=401", "error=429")}
    found = {"error=401": Outcome.FORBIDDEN, "error=429": Outcome.THROTTLED}

    assert meaning(", ".join(said)) is (found[known.pop()] if len(known) == 1 else Outcome.FAILED)


def test_a_link_to_the_page_stands_below() -> None:
    with Receiver() as receiver:
        one = notice(receiver)
        linked = replace(one, shape=replace(one.shape, base="https://phones.example.org"))
        with sending(phone=linked) as (sender, ended):
            sender.start(to("phone", sms(1, "hello")))
            ended(1)

    assert told(receiver)[0]["message"].splitlines()[1] == "https://phones.example.org/events"


@dataclass(frozen=True)
class Service:
    """What Apprise says of one."""

    body_maxlen: int
    title_maxlen: int
    notify_format: str
    overflow_mode: str = "upstream"


HOSTILE = st.lists(
    st.sampled_from(["<b>", "&", '"', "*x*", "שלום", "עולם", "[a](b)", "a_b", "👍", "#", "\\", "1."])
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
    min_size=1,
    max_size=80,
).map(" ".join)


@given(
    body=HOSTILE,
    title=HOSTILE,
    kind=st.sampled_from(["text", "html", "markdown"]),
    room=st.integers(100, 400),
    title_room=st.sampled_from([0, 60, 250]),
    link=st.none() | st.just("https://phones.example.org/incidents/inc_1"),
)
def test_what_a_service_is_given_is_within_its_limits_once_it_is_escaped(
    body: str, title: str, kind: str, room: int, title_room: int, link: str | None
) -> None:
    title = fitted(title, lambda one: len(one) <= 10)
    shown, text = within(Service(room, title_room, kind), title, body, link)
    written, top = (converted(NotifyFormat.TEXT, NotifyFormat(kind), one) for one in (text, shown))
    above = f"<b>{top}</b><br />\r\n"

    assert len(written) + (0 if title_room else len(above)) <= room
    assert not title_room or len(shown) <= title_room


def test_who_wishes_several_messages_gets_the_whole_text() -> None:
    text = "שלום " * 200

    assert within(Service(160, 0, "text", "split"), "main", text, None) == ("main", text)
