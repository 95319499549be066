"""Receivers that break off, drip, babble or say nothing: how each ends, when, and that it does no harm."""

import threading
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat

import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.host import clock
from daemon.senders.webhook import WebhookSender
from tests.support.attempts import attempt, message, target
from tests.support.bad_receiver import (
    PATIENCE,
    FaultReceiver,
    Line,
    Script,
    accepting,
    answer,
    answering,
    dripping,
    full_backlog,
    head,
    resetting_after,
    saying,
    silent,
)

DEADLINE = 0.2
SOON = timedelta(seconds=3)
"""Much later than the deadline, on a busy machine too, and much earlier than never."""

HALF = head(200, content_length="10") + b"hello"
CHUNKED = head(200, transfer_encoding="chunked")
BREAKS: dict[str, Script] = {
    "reset at once": lambda line: line.reset(),
    "closed at once": lambda line: line.close(),
    "reset before the answer": resetting_after(b""),
    "closed before the answer": saying(b""),
    "reset in the status line": resetting_after(b"HTTP/1.1 20"),
    "closed in the status line": saying(b"HTTP/1.1 20"),
    "closed in the first line": saying(b"HTTP/1.1 200 OK"),
    "closed after the first line": saying(b"HTTP/1.1 200 OK\r\n"),
    "reset in the head": resetting_after(b"HTTP/1.1 200 OK\r\nx-a: b\r\n"),
    "closed in a header": saying(b"HTTP/1.1 200 OK\r\nx-a: b"),
    "closed after a header": saying(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"),
    "closed after an interim answer": saying(head(100)),
    "closed in the head after an interim answer": saying(head(100) + b"HTTP/1.1 200 OK\r\nx-a: b\r\n"),
    "reset after the head": resetting_after(head(200, content_length="10")),
    "closed after the head": saying(head(200, content_length="10")),
    "reset in the body": resetting_after(HALF),
    "closed in the body": saying(HALF),
    "reset in a body without a length": resetting_after(head(200) + b"hello"),
    "closed between chunks": saying(CHUNKED + b"5\r\nhello\r\n"),
    "closed in a chunk": saying(CHUNKED + b"5\r\nhel"),
}
NO_HTTP: dict[str, Script] = {
    "a chunk without a size": saying(CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n"),
    "a chunk of less than nothing": saying(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk longer than its size": saying(CHUNKED + b"5\r\nhello, world\r\n0\r\n\r\n"),
    "a chunk of astronomic size": saying(CHUNKED + b"f" * 20 + b"\r\nhello"),
    "a length of less than nothing": saying(head(200, content_length="-5")),
    "two lengths": saying(head(200, content_length="5, 6") + b"hello"),
    "a header without a name": saying(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"),
    "another protocol": saying(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "binary": saying(bytes(range(256))),
    "a page without a head": saying(b"<html>200 OK</html>"),
    "no status": saying(b"HTTP/1.1 OK\r\n\r\n"),
    "status 000": saying(b"HTTP/1.1 000 OK\r\ncontent-length: 0\r\n\r\n"),
    "status 20": saying(b"HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n"),
    "HTTP/9": saying(b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n"),
    "another protocol from here on": saying(head(101, upgrade="h2c", connection="upgrade")),
    "a head without end": dripping(chain([b"HTTP/1.1 200 OK\r\n"], repeat(b"x: " + b"y" * 50_000 + b"\r\n"))),
}
TOO_SLOW: dict[str, Script] = {
    "silence": silent,
    "a dripping first line": dripping([b"HTTP/1.1 200 "], repeat(b"O")),
    "a dripping head": dripping([b"HTTP/1.1 200 OK\r\n"], repeat(b"x-a: b\r\n")),
    "dripping interim answers": dripping(repeat(head(100))),
    "a dripping body": dripping([head(200, content_length="10000")], repeat(b"x")),
    "a dripping body without a length": dripping([head(200)], repeat(b"x")),
    "dripping chunks": dripping([CHUNKED], repeat(b"1\r\nx\r\n")),
}


@pytest.mark.parametrize("script", [*BREAKS.values(), *NO_HTTP.values()], ids=[*BREAKS, *NO_HTTP])
def test_what_is_no_whole_answer_is_none_whatever_it_began_with(
    sender: WebhookSender, script: Script
) -> None:
    with FaultReceiver(script) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert ended.outcome is Outcome.UNREACHABLE
    assert ended.error
    assert len(receiver.lines) == 1


@pytest.mark.parametrize("script", TOO_SLOW.values(), ids=TOO_SLOW)
def test_the_deadline_is_for_the_whole_attempt(sender: WebhookSender, script: Script) -> None:
    with FaultReceiver(script) as receiver:
        (ended,) = attempt(sender, target(receiver.url, timeout=DEADLINE))

    assert ended.outcome is Outcome.TIMEOUT
    assert timedelta(seconds=DEADLINE) * 0.9 < ended.took < SOON


def test_a_receiver_that_stops_reading_meets_the_deadline_too(sender: WebhookSender) -> None:
    is_over = threading.Event()

    def deaf(line: Line) -> None:
        line.hear()
        is_over.wait(PATIENCE)

    with FaultReceiver(deaf) as receiver:
        (ended,) = attempt(sender, target(receiver.url, timeout=DEADLINE), message(body=b"x" * 30_000_000))
        is_over.set()

    assert ended.outcome is Outcome.TIMEOUT
    assert ended.took < SOON


def test_a_receiver_that_is_slow_to_accept_meets_the_deadline_for_connecting(sender: WebhookSender) -> None:
    with full_backlog() as port:
        to = replace(
            target(f"http://127.0.0.1:{port}/", timeout=60), connect_timeout=timedelta(seconds=DEADLINE)
        )
        (ended,) = attempt(sender, to)

    assert ended.outcome is Outcome.TIMEOUT
    assert ended.phases.connected == 0
    assert ended.took < SOON


@pytest.mark.parametrize("dies", [lambda line: line.close(), lambda line: line.reset()], ids=["FIN", "RST"])
def test_a_connection_that_dies_at_rest_costs_no_attempt(sender: WebhookSender, dies: Script) -> None:
    died = threading.Event()

    def once(line: Line) -> None:
        line.request()
        line.say(answer())
        dies(line)
        died.set()

    with FaultReceiver(once, accepting) as receiver:
        first = attempt(sender, target(receiver.url), message(event="evt_1"))
        assert died.wait(PATIENCE)
        second = attempt(sender, target(receiver.url), message(event="evt_2"))

    assert [one.outcome for one in first + second] == [Outcome.ACCEPTED] * 2
    assert [one.headers["webhook-id"] for one in receiver.received] == ["evt_1", "evt_2"]


@pytest.mark.parametrize("dies", [lambda line: line.close(), lambda line: line.reset()], ids=["FIN", "RST"])
def test_a_connection_that_dies_as_it_is_used_again_costs_no_attempt(
    sender: WebhookSender, dies: Script
) -> None:
    """The receiver's patience with an idle connection ends at the moment of the next request."""

    def one_too_many(line: Line) -> None:
        line.request()
        line.say(answer())
        line.request()
        dies(line)

    with FaultReceiver(one_too_many, accepting) as receiver:
        attempt(sender, target(receiver.url), message(event="evt_1"))
        (ended,) = attempt(sender, target(receiver.url), message(event="evt_2", attempt=4))

    _, unheard, again = receiver.received
    assert ended.outcome is Outcome.ACCEPTED
    assert again == unheard
    assert (again.headers["webhook-id"], again.headers["yemotd-attempt"]) == ("evt_2", "4")


@pytest.mark.parametrize(
    "then",
    [lambda line: line.close(), lambda line: line.reset(), lambda line: line.say(b"anybody there?")],
    ids=["FIN", "RST", "talk"],
)
def test_what_happens_on_a_connection_at_rest_keeps_nobody_busy(sender: WebhookSender, then: Script) -> None:
    happened = threading.Event()

    def once(line: Line) -> None:
        line.request()
        line.say(answer())
        then(line)
        happened.set()
        line.wait_until_left()

    with FaultReceiver(once) as receiver:
        attempt(sender, target(receiver.url))
        assert happened.wait(PATIENCE)
        rounds, until = 0, clock.monotonic() + DEADLINE
        while clock.monotonic() < until:
            sender.finished(DEADLINE)
            rounds += 1

    assert rounds < 10


def test_what_was_answered_in_part_is_not_sent_again_at_once(sender: WebhookSender) -> None:
    def half_hearted(line: Line) -> None:
        line.request()
        line.say(answer())
        line.request()
        line.say(b"HTTP/1.1 200 OK\r\nx-a: b\r\n")

    with FaultReceiver(half_hearted, accepting) as receiver:
        attempt(sender, target(receiver.url))
        (ended,) = attempt(sender, target(receiver.url))

    assert ended.outcome is Outcome.UNREACHABLE
    assert len(receiver.lines) == 1


def test_what_a_receiver_says_unasked_is_not_taken_for_the_next_answer(sender: WebhookSender) -> None:
    with FaultReceiver(answering(answer(200) + answer(410)), accepting) as receiver:
        ended = attempt(sender, target(receiver.url)) + attempt(sender, target(receiver.url))

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED] * 2
    assert len(receiver.lines) == 2


@pytest.mark.parametrize(
    "script",
    [*BREAKS.values(), *NO_HTTP.values(), TOO_SLOW["a dripping body"]],
    ids=[*BREAKS, *NO_HTTP, "a dripping body"],
)
def test_after_any_of_it_the_next_message_arrives(sender: WebhookSender, script: Script) -> None:
    """By the same sender and the same handle of libcurl."""
    with FaultReceiver(script, accepting) as receiver:
        to = target(receiver.url, timeout=0.5)
        attempt(sender, to, message(event="evt_1"))
        assert (sender.is_idle, sender.in_flight("crm")) == (True, 0)
        (ended,) = attempt(sender, to, message(event="evt_2"))

    assert ended.outcome is Outcome.ACCEPTED
    assert (ended.http_status, ended.error, ended.response_head) == (200, None, None)
    assert receiver.received[-1].headers["webhook-id"] == "evt_2"
    assert len(receiver.lines) == 2
