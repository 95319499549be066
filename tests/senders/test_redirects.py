"""A redirect that says success: what is asked then, of whom, for how long, and what comes of it."""

import re
import socket
import threading
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.redaction import spellings
from daemon.core.webhooks.redirects import prefix
from daemon.host import clock
from daemon.senders.webhook import WebhookSender
from daemon.senders.webhook_attempt import Target
from tests.support.attempts import attempt, message, target
from tests.support.bad_receiver import (
    FaultReceiver,
    Line,
    Script,
    accepting,
    answer,
    answering,
    saying,
    silent,
)
from tests.support.certificates import Authority, server_side

KEY = "AehSKLjVgOxSMUs1O-P0daWDd58ucki0"
GOOGLE = "/macros/echo?user_content_key=" + KEY


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def leading(where: str, status: int = 302) -> Script:
    """A receiver that answers each request by a redirect, with a page, as Google's does."""
    return answering(answer(status, b"<HTML>Moved", location=where, content_type="text/html"))


def accepting_below(origin: str, to: Target, authority: Authority) -> Target:
    return replace(to, accepts=prefix(origin + "/macros/"), ca_file=authority.pem)


def test_a_redirect_that_says_success_is_one_once_it_was_asked(
    sender: WebhookSender, authority: Authority
) -> None:
    tls = server_side(authority.issue("127.0.0.1"))
    keeping = answering(answer(200, b'{"kept":true}'))
    with (
        FaultReceiver(keeping, tls=tls) as answers,
        FaultReceiver(leading(answers.origin + GOOGLE)) as script,
    ):
        to = accepting_below(answers.origin, target(script.url), authority)
        ended = attempt(sender, replace(to, headers=(("Authorization", "Bearer x"), ("Cookie", "a=b"))))
        (again,) = attempt(sender, sender.targets["crm"], message(event="evt_2"))
    (one,) = ended
    assert (one.outcome, one.http_status, one.error) == (Outcome.ACCEPTED, 200, None)
    assert one.response_head == '{"kept":true}'
    assert again.outcome is Outcome.ACCEPTED
    assert [request.first for request in script.received] == ["POST /hook HTTP/1.1"] * 2
    assert [request.headers["webhook-id"] for request in script.received] == ["evt_1", "evt_2"]
    for request in answers.received:
        assert (request.first, request.body) == (f"GET {GOOGLE} HTTP/1.1", b"")
        assert {*request.headers} <= {"host", "accept", "user-agent"}
    assert len(answers.received) == 2
    assert (sender.in_flight("crm"), sender.is_idle) == (0, True)


@pytest.mark.parametrize(
    ("script", "outcome", "why"),
    [
        (answering(answer(204)), Outcome.ACCEPTED, None),
        (answering(answer(500)), Outcome.FAILED, "HTTP 500"),
        (answering(answer(404)), Outcome.FAILED, "HTTP 404"),
        (answering(answer(410)), Outcome.FAILED, "HTTP 410"),
        (answering(answer(400)), Outcome.FAILED, "HTTP 400"),
        (answering(answer(403)), Outcome.FAILED, "HTTP 403"),
        (answering(answer(429, retry_after="7")), Outcome.THROTTLED, "HTTP 429"),
        (answering(answer(302, location="/macros/again")), Outcome.REDIRECTED, "HTTP 302"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-"), Outcome.UNREACHABLE, ""),
        (silent, Outcome.TIMEOUT, "timed out"),
    ],
    ids=[
        "no content",
        "fault",
        "not found",
        "gone",
        "refused",
        "forbidden",
        "later",
        "on",
        "half a head",
        "silence",
    ],
)
def test_only_a_second_answer_that_is_good_is_success(
    sender: WebhookSender, authority: Authority, script: Script, outcome: Outcome, why: str | None
) -> None:
    tls = server_side(authority.issue("127.0.0.1"))
    with FaultReceiver(script, tls=tls) as answers, FaultReceiver(leading(answers.origin + GOOGLE)) as first:
        (one,) = attempt(sender, accepting_below(answers.origin, target(first.url, timeout=1.5), authority))

    assert one.outcome is outcome
    if why is None:
        assert one.error is None
    else:
        assert one.error
        assert one.error.startswith("after the redirect to 127.0.0.1: ")
        assert why in one.error
    assert KEY not in f"{one.error} {one.response_head}"
    assert len(answers.received) <= 1


@pytest.mark.parametrize("status", [301, 302, 303, 305, 307, 308])
def test_a_login_page_is_no_success_and_nobody_asks_it(
    sender: WebhookSender, authority: Authority, status: int
) -> None:
    with FaultReceiver(accepting) as login:
        away = leading(f"{login.origin}/ServiceLogin?continue=opensesame", status)
        with FaultReceiver(away) as script:
            to = accepting_below("https://script.googleusercontent.com", target(script.url), authority)
            (one,) = attempt(sender, to)

    assert (one.outcome, one.http_status) == (Outcome.REDIRECTED, status)
    assert (
        one.error
        == f"HTTP {status} to 127.0.0.1, which is not below accept_redirect, https://script.googleusercontent.com/macros/"
    )
    assert login.received == []


def test_a_host_that_says_a_secret_back_is_not_told(sender: WebhookSender, authority: Authority) -> None:
    with FaultReceiver(leading("https://x.OpenSesame.evil.example/")) as script:
        to = accepting_below("https://answers.example", target(script.url), authority)
        (one,) = attempt(sender, replace(to, hidden=spellings(["OpenSesame"])))

    assert one.error == "HTTP 302 to ***, which is not below accept_redirect, https://answers.example/macros/"


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_move_is_no_success_wherever_it_leads(
    sender: WebhookSender, authority: Authority, status: int
) -> None:
    where = "https://answers.example/macros/echo"
    with FaultReceiver(leading(where, status)) as script:
        (one,) = attempt(sender, accepting_below("https://answers.example", target(script.url), authority))

    assert (one.outcome, one.error) == (Outcome.REDIRECTED, f"HTTP {status} to answers.example")


def test_without_the_wish_no_redirect_is_one(sender: WebhookSender) -> None:
    with FaultReceiver(leading("https://script.googleusercontent.com" + GOOGLE)) as script:
        (one,) = attempt(sender, target(script.url))

    assert (one.outcome, one.http_status) == (Outcome.REDIRECTED, 302)


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"content_type": "text/html; charset=utf-8"}, Outcome.FAILED),
        ({"Content_Type": "Text/HTML"}, Outcome.FAILED),
        ({"content_type": "application/json"}, Outcome.ACCEPTED),
        ({}, Outcome.ACCEPTED),
    ],
)
def test_a_page_in_the_place_of_the_redirect_is_an_error_of_the_script(
    sender: WebhookSender, authority: Authority, headers: dict[str, str], outcome: Outcome
) -> None:
    with FaultReceiver(answering(answer(200, b"<html>TypeError", **headers))) as script:
        (one,) = attempt(sender, accepting_below("https://answers.example", target(script.url), authority))

    assert (one.outcome, one.http_status) == (outcome, 200)
    assert ("a page in the place of the redirect" in (one.error or "")) is (outcome is Outcome.FAILED)


def test_the_address_of_the_answer_is_guarded_like_the_first(
    sender: WebhookSender, authority: Authority
) -> None:
    name = socket.gethostname()
    inside = ip_network(socket.gethostbyname(name))
    with FaultReceiver(leading(f"https://{name}:1{GOOGLE}")) as script:
        to = accepting_below(f"https://{name}:1", target(script.url), authority)
        (guarded,) = attempt(sender, to)
        (allowed,) = attempt(sender, replace(to, allow=(inside,)))

    assert guarded.outcome is Outcome.GUARDED
    assert guarded.error
    assert guarded.error.startswith(f"after the redirect to {name.lower()}: {name.lower()} leads to ")
    assert allowed.outcome is Outcome.UNREACHABLE  # nobody listens at that port


def test_whom_nobody_vouches_for_is_asked_nothing(sender: WebhookSender, tmp_path: Path) -> None:
    (tmp_path / "strangers").mkdir()
    ours, theirs = Authority(tmp_path), Authority(tmp_path / "strangers")
    tls = server_side(theirs.issue("127.0.0.1"))
    with (
        FaultReceiver(accepting, tls=tls) as answers,
        FaultReceiver(leading(answers.origin + GOOGLE)) as script,
    ):
        (one,) = attempt(sender, accepting_below(answers.origin, target(script.url), ours))

    assert one.outcome is Outcome.UNTRUSTED
    assert answers.received == []


def test_both_requests_have_the_time_of_one(sender: WebhookSender, authority: Authority) -> None:
    release = threading.Event()

    def slow(line: Line) -> None:
        line.request()
        release.wait(10)
        line.say(answer(302, location=answers.origin + GOOGLE))
        line.wait_until_left()

    tls = server_side(authority.issue("127.0.0.1"))
    with FaultReceiver(silent, tls=tls) as answers, FaultReceiver(slow) as script:
        sender.targets = {"crm": accepting_below(answers.origin, target(script.url, timeout=3), authority)}
        sender.start(message())
        began = clock.monotonic()
        while clock.monotonic() - began < 2:  # of its three seconds
            assert sender.finished(0.1) == []
        release.set()
        ended: list[Attempted] = []
        while not ended:
            ended = sender.finished(5)

    assert ended[0].outcome is Outcome.TIMEOUT
    assert ended[0].took >= timedelta(seconds=2.9)
    # libcurl says how long it waited for the second alone: what the first had left.
    waited = re.search(r"after (\d+) milliseconds", ended[0].error or "")
    assert waited
    assert int(waited[1]) < 2700


def test_a_sender_that_ends_lets_go_of_what_is_being_asked(authority: Authority) -> None:
    sender = WebhookSender({}, now=clock.utcnow, monotonic=clock.monotonic)
    tls = server_side(authority.issue("127.0.0.1"))
    heard = threading.Event()

    def waiting(line: Line) -> None:
        line.request()
        heard.set()
        line.wait_until_left()

    with (
        FaultReceiver(waiting, tls=tls) as answers,
        FaultReceiver(leading(answers.origin + GOOGLE)) as script,
    ):
        sender.targets = {"crm": accepting_below(answers.origin, target(script.url), authority)}
        sender.start(message())
        while not heard.is_set():
            assert sender.finished(0.1) == []
        assert (sender.in_flight("crm"), sender.is_idle) == (1, False)
        sender.close()


def test_what_the_answer_says_back_is_not_shown(sender: WebhookSender, authority: Authority) -> None:
    tls = server_side(authority.issue("127.0.0.1"))

    def echoing(line: Line) -> None:
        request = line.request()
        line.say(answer(200, f"you asked {request.first} {KEY}; posted opensesame".encode()))

    with (
        FaultReceiver(echoing, tls=tls) as answers,
        FaultReceiver(leading(answers.origin + GOOGLE)) as script,
    ):
        to = accepting_below(answers.origin, target(script.url), authority)
        (one,) = attempt(sender, replace(to, hidden=spellings(["opensesame"])))

    assert one.outcome is Outcome.ACCEPTED
    assert one.response_head
    assert KEY not in one.response_head
    assert "opensesame" not in one.response_head
