"""One attempt over a real socket: what goes out, how each end is named, what may not happen."""

import socket
import threading
from http.server import BaseHTTPRequestHandler

import pytest
from standardwebhooks import Webhook

from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.host import clock
from daemon.senders.webhook import WebhookSender
from tests.support.attempts import BODY, OTHER, SECRET, attempt, message, target
from tests.support.bad_receiver import PATIENCE, FaultReceiver, Line, Script, accepting, silent
from tests.support.bad_receiver import answer as said
from tests.support.fakes import Receiver, answer


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


def test_nobody_listening_is_unreachable(sender: WebhookSender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (ended,) = attempt(sender, target(f"http://127.0.0.1:{port}/"))

    assert (ended.outcome, ended.http_status) == (Outcome.UNREACHABLE, None)
    assert ended.error
    assert (ended.phases.connected, ended.phases.answered) == (0, 0)  # neither was reached


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


def test_a_message_over_a_connection_that_is_open_leaves_while_it_is_started(sender: WebhookSender) -> None:
    heard = threading.Semaphore(0)

    def telling(line: Line) -> None:
        while True:
            line.request()
            line.say(said())
            heard.release()

    with FaultReceiver(telling) as receiver:
        attempt(sender, target(receiver.url))
        assert heard.acquire(timeout=PATIENCE)
        sender.start(message())
        assert heard.acquire(timeout=PATIENCE), "nobody has asked yet what is finished"
        ended: list[Attempted] = []
        while not ended:
            ended = sender.finished(PATIENCE)

    assert len(receiver.lines) == 1
    assert ended[0].outcome is Outcome.ACCEPTED


def test_what_ended_while_it_was_started_is_told_without_a_wait(sender: WebhookSender) -> None:
    sender.targets = {"crm": target("ftp://127.0.0.1/")}
    sender.start(message())
    began = clock.monotonic()
    (ended,) = sender.finished(PATIENCE)

    assert ended.outcome is Outcome.UNREACHABLE
    assert clock.monotonic() - began < PATIENCE / 2


def test_all_that_was_started_leaves_before_anything_is_waited_for(sender: WebhookSender) -> None:
    """Also behind one that left at once, and of which nothing more is heard."""

    def tired(line: Line) -> None:
        line.request()
        line.say(said())
        line.wait_until_left()

    with FaultReceiver(tired) as silent_one, FaultReceiver(accepting) as quick_one:
        attempt(sender, target(silent_one.url))
        sender.targets = {**sender.targets, "quick": target(quick_one.url)}
        sender.start(message())
        sender.start(message("quick"))
        began = clock.monotonic()
        ended: list[Attempted] = []
        while not ended:
            ended = sender.finished(PATIENCE)
        took = clock.monotonic() - began

    assert [one.message.endpoint for one in ended] == ["quick"]
    assert took < 2.5, "half of the time that the silent one has"


def test_time_in_which_nobody_asks_stretches_no_deadline() -> None:
    """What libcurl waits for counts from when it said so, not from when the next one looks."""
    elapsed = [0.0]
    sender = WebhookSender({}, now=clock.utcnow, monotonic=lambda: elapsed[0])
    with FaultReceiver(silent) as receiver:
        sender.targets = {"crm": target(receiver.url, timeout=PATIENCE)}
        sender.start(message())
        while not receiver.lines:
            sender.finished(0)
        sender.finished(0)
        elapsed[0] = PATIENCE - 0.01
        began = clock.monotonic()
        sender.finished(PATIENCE)
        took = clock.monotonic() - began
        sender.close()

    assert took < PATIENCE / 2


def test_a_wake_from_another_thread_ends_the_wait(sender: WebhookSender) -> None:
    began = clock.monotonic()
    timer = threading.Timer(0.05, sender.wake)
    timer.start()

    assert sender.finished(10) == []
    assert clock.monotonic() - began < 5
    timer.join()


def test_a_name_that_leads_inside_is_refused_when_the_socket_is_opened(sender: WebhookSender) -> None:
    """`127.1` is no literal that the rules know, so it counts as a name, and leads to 127.0.0.1."""
    with FaultReceiver(accepting) as receiver:
        (ended,) = attempt(sender, target(receiver.url.replace("127.0.0.1", "127.1")))
        (allowed,) = attempt(sender, target(receiver.url.replace("127.0.0.1", "127.1"), allow="127.0.0.0/8"))

        assert ended.outcome is Outcome.GUARDED
        assert ended.error == (
            '127.1 leads to 127.0.0.1, which is not a public address; allow = ["127.0.0.1"] permits it'
        )
        assert allowed.outcome is Outcome.ACCEPTED
        assert len(receiver.lines) == 1


@pytest.mark.parametrize("endpoint", ["crm", "another"])
def test_a_connection_that_one_target_may_have_is_not_lent_to_one_that_may_not(
    sender: WebhookSender, endpoint: str
) -> None:
    """To another endpoint's, or to its own after a reload that took the permission away."""
    with Receiver() as receiver:
        inside = receiver.url.replace("127.0.0.1", "127.1")
        attempt(sender, target(inside, allow="127.0.0.0/8"))
        sender.targets = {endpoint: target(inside)}
        sender.start(message(endpoint))
        ended: list[Attempted] = []
        while not ended:
            ended = sender.finished(5)

        assert [one.outcome for one in ended] == [Outcome.GUARDED]
        assert ended[0].error == (
            '127.1 leads to 127.0.0.1, which is not a public address; allow = ["127.0.0.1"] permits it'
        )
        assert len(receiver.received) == 1


def test_a_reload_that_changes_a_target_changes_the_next_attempt(sender: WebhookSender) -> None:
    with Receiver() as receiver:
        attempt(sender, target(receiver.url))
        attempt(sender, target(receiver.url, secrets=(OTHER,)))
        first, second = receiver.received

    Webhook(SECRET.value).verify(first.body, first.headers)
    Webhook(OTHER.value).verify(second.body, second.headers)


def test_a_name_that_nobody_can_have_is_not_resolved(sender: WebhookSender) -> None:
    (ended,) = attempt(sender, target(f"http://{'x' * 64}.example/"))

    assert (ended.outcome, ended.address) == (Outcome.UNRESOLVED, None)


def test_a_sender_that_is_closed_hangs_up_on_everybody() -> None:
    """Who rests, and who still owes an answer."""
    left = threading.Semaphore(0)

    def until_it_leaves(script: Script) -> Script:
        def watched(line: Line) -> None:
            try:
                script(line)
            except ConnectionError:
                left.release()

        return watched

    resting, owing = until_it_leaves(accepting), until_it_leaves(silent)
    with FaultReceiver(resting) as one, FaultReceiver(owing) as other:
        sender = WebhookSender({}, now=clock.utcnow, monotonic=clock.monotonic)
        attempt(sender, target(one.url))
        sender.targets = {"other": target(other.url)}
        sender.start(message("other"))
        while not other.lines:
            sender.finished(0.01)
        sender.close()

        assert left.acquire(timeout=PATIENCE)
        assert left.acquire(timeout=PATIENCE)
