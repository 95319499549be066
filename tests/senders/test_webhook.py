"""One attempt over a real socket: what goes out, how each end is named, what may not happen."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network

import pytest
from standardwebhooks import Webhook

from daemon import clock
from daemon.core.delivery import Attempted, Message, Outcome
from daemon.core.model import Secret
from daemon.core.signing import hmac_signer
from daemon.senders.webhook import Target, WebhookSender, outcome
from tests.fakes import Receiver, answer

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = Secret("whsec_" + "QUJD" * 8)
BODY = '{"type":"sms.received","text":"שלום"}'.encode()


def target(
    url: str, *, timeout: float = 5, secrets: tuple[Secret, ...] = (SECRET,), allow: str = ""
) -> Target:
    networks = (ip_network(allow),) if allow else ()
    return Target(
        url, tuple(map(hmac_signer, secrets)), timedelta(seconds=timeout), timedelta(seconds=2), networks
    )


def message(endpoint: str = "crm", *, event: str = "evt_1", attempt: int = 1) -> Message:
    return Message(7, "lease_1", endpoint, "lane", event, "sms.received", BODY, attempt)


@pytest.fixture
def sender() -> Iterator[WebhookSender]:
    one = WebhookSender({}, now=clock.utcnow, monotonic=clock.monotonic)
    yield one
    one.close()


def attempt(sender: WebhookSender, to: Target, *messages: Message) -> list[Attempted]:
    sender.targets = {"crm": to}
    for one in messages or (message(),):
        sender.start(one)
    ended: list[Attempted] = []
    deadline = clock.monotonic() + 10
    while len(ended) < max(len(messages), 1):
        assert clock.monotonic() < deadline
        ended += sender.finished(1)
    return ended


def test_a_receiver_with_the_official_library_accepts_it(sender: WebhookSender) -> None:
    with Receiver() as receiver:
        (ended,) = attempt(sender, target(receiver.url))
        (got,) = receiver.received

    assert (ended.outcome, ended.http_status, ended.error) == (Outcome.ACCEPTED, 204, None)
    assert got.body == BODY
    assert Webhook(SECRET.value).verify(got.body, got.headers) == {"type": "sms.received", "text": "שלום"}


def test_while_a_secret_rotates_receivers_with_either_accept_it(sender: WebhookSender) -> None:
    with Receiver() as receiver:
        attempt(sender, target(receiver.url, secrets=(OTHER, SECRET)))
        (got,) = receiver.received

    for secret in (SECRET, OTHER):
        Webhook(secret.value).verify(got.body, got.headers)


def test_the_headers_say_which_attempt_of_what_this_is(sender: WebhookSender) -> None:
    with Receiver() as receiver:
        attempt(sender, target(receiver.url), message(attempt=3))
        headers = receiver.received[0].headers

    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("yemotd/")
    assert (headers["webhook-id"], headers["yemotd-event"]) == ("evt_1", "sms.received")
    assert (headers["yemotd-delivery"], headers["yemotd-attempt"]) == ("7", "3")
    assert "expect" not in headers


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Outcome.ACCEPTED),
        (202, Outcome.ACCEPTED),
        (301, Outcome.REDIRECTED),
        (308, Outcome.REDIRECTED),
        (400, Outcome.REFUSED),
        (401, Outcome.FORBIDDEN),
        (403, Outcome.FORBIDDEN),
        (404, Outcome.FAILED),
        (408, Outcome.FAILED),
        (410, Outcome.GONE),
        (413, Outcome.REFUSED),
        (422, Outcome.REFUSED),
        (425, Outcome.FAILED),
        (429, Outcome.THROTTLED),
        (500, Outcome.FAILED),
        (503, Outcome.FAILED),
    ],
)
def test_every_status_has_its_meaning(status: int, expected: Outcome) -> None:
    assert outcome(status, has_retry_after=False) is expected


def test_a_redirect_is_not_followed(sender: WebhookSender) -> None:
    with Receiver() as elsewhere, Receiver(answer(307, location=elsewhere.url)) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

        assert (ended.outcome, ended.http_status) == (Outcome.REDIRECTED, 307)
        assert elsewhere.received == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_may_ask_for_patience(sender: WebhookSender, status: int) -> None:
    with Receiver(answer(status, b"later", retry_after="120")) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert (ended.outcome, ended.retry_after) == (Outcome.THROTTLED, timedelta(seconds=120))
    assert ended.response_head == "later"


def test_nobody_listening_is_unreachable(sender: WebhookSender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (ended,) = attempt(sender, target(f"http://127.0.0.1:{port}/"))

    assert (ended.outcome, ended.http_status) == (Outcome.UNREACHABLE, None)
    assert ended.error


def test_an_answer_that_drips_does_not_stretch_the_deadline(sender: WebhookSender) -> None:
    left = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not left.wait(0.02):
            handler.wfile.write(b"x-drip: 1\r\n")
            handler.wfile.flush()

    with Receiver(drip) as receiver:
        began = clock.monotonic()
        (ended,) = attempt(sender, target(receiver.url, timeout=0.3))
        left.set()

    assert ended.outcome is Outcome.TIMEOUT
    assert clock.monotonic() - began < 3


def test_an_endless_answer_is_cut_and_still_an_answer(sender: WebhookSender) -> None:
    with Receiver(answer(200, b"x" * 10_000_000)) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert ended.outcome is Outcome.ACCEPTED
    assert ended.response_head is not None
    assert len(ended.response_head) <= 500


def test_a_connection_is_used_again_and_its_death_is_no_failure(sender: WebhookSender) -> None:
    def last(handler: BaseHTTPRequestHandler) -> None:
        answer()(handler)
        handler.connection.shutdown(socket.SHUT_RDWR)  # without saying so beforehand

    with Receiver(last, answer()) as receiver:
        first = attempt(sender, target(receiver.url), message(event="evt_1"))
        second = attempt(sender, target(receiver.url), message(event="evt_2"))

    assert [one.outcome for one in first + second] == [Outcome.ACCEPTED] * 2


def test_a_slow_receiver_holds_up_nobody_else(sender: WebhookSender) -> None:
    release = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        release.wait(10)
        answer()(handler)

    with Receiver(slow) as slow_one, Receiver() as quick_one:
        sender.targets = {"slow": target(slow_one.url), "quick": target(quick_one.url)}
        sender.start(message("slow"))
        sender.start(message("quick"))
        first: list[Attempted] = []
        while not first:
            first = sender.finished(5)
        assert [one.message.endpoint for one in first] == ["quick"]
        assert (sender.in_flight("slow"), sender.in_flight("quick")) == (1, 0)
        release.set()
        last: list[Attempted] = []
        while not last:
            last = sender.finished(5)

    assert [one.message.endpoint for one in last] == ["slow"]
    assert sender.is_idle


def test_a_wake_from_another_thread_ends_the_wait(sender: WebhookSender) -> None:
    began = clock.monotonic()
    timer = threading.Timer(0.05, sender.wake)
    timer.start()

    assert sender.finished(10) == []
    assert clock.monotonic() - began < 5
    timer.join()


def test_a_name_that_leads_inside_is_refused_when_the_socket_is_opened(sender: WebhookSender) -> None:
    """`127.1` is no literal that the rules know, so it counts as a name, and leads to 127.0.0.1."""
    with Receiver() as receiver:
        (ended,) = attempt(sender, target(receiver.url.replace("127.0.0.1", "127.1")))
        (allowed,) = attempt(sender, target(receiver.url.replace("127.0.0.1", "127.1"), allow="127.0.0.0/8"))

        assert ended.outcome is Outcome.GUARDED
        assert ended.error == (
            '127.1 leads to 127.0.0.1, which is not a public address; allow = ["127.0.0.1"] permits it'
        )
        assert allowed.outcome is Outcome.ACCEPTED
        assert len(receiver.received) == 1


def test_a_reload_that_changes_a_target_changes_the_next_attempt(sender: WebhookSender) -> None:
    with Receiver() as receiver:
        attempt(sender, target(receiver.url))
        attempt(sender, target(receiver.url, secrets=(OTHER,)))
        first, second = receiver.received

    Webhook(SECRET.value).verify(first.body, first.headers)
    Webhook(OTHER.value).verify(second.body, second.headers)


def test_nothing_is_taken_from_the_environment(
    sender: WebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    with Receiver() as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert ended.outcome is Outcome.ACCEPTED
