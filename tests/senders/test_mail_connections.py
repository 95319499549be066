"""The connection and the thread of a sender: kept, checked, replaced, closed."""

import threading
from datetime import timedelta

import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.host import clock
from daemon.senders.mail import MailSender
from tests.support.bad_receiver import PATIENCE, FaultReceiver, Line
from tests.support.mails import Time, one_each, posting, server, to
from tests.support.smtp import Conversation, MailServer, parting


def test_a_connection_that_the_server_closed_meanwhile_costs_no_attempt() -> None:
    talks = [Conversation(end=parting(b"250 2.0.0 Taken, and bye\r\n")), Conversation()]
    with FaultReceiver(*talks) as receiver, posting(server(receiver.port)) as post:
        (first,), (second,) = post.send(), post.send()
        lines = len(receiver.lines)

    assert [first.outcome, second.outcome] == [Outcome.ACCEPTED] * 2
    assert lines == 2
    assert [len(talk.mails) for talk in talks] == [1, 1]


@pytest.mark.parametrize(
    "tired",
    [
        Conversation(rset=b"421 4.4.2 Idle for too long\r\n"),
        Conversation(mail=[b"250 Fine\r\n", b"421 4.7.0 Too many\r\n"]),
    ],
    ids=["at the check", "at the next mail"],
)
def test_a_kept_connection_that_the_server_is_tired_of_costs_no_attempt(tired: Conversation) -> None:
    with FaultReceiver(tired, Conversation()) as receiver, posting(server(receiver.port)) as post:
        ended = post.send(to("a@pbx.test"), to("b@pbx.test"))
        lines = len(receiver.lines)

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED] * 2
    assert lines == 2


def test_a_connection_is_asked_for_a_clean_start_before_it_is_used_again() -> None:
    talk = Conversation(rcpt=[b"550 5.1.1 Unknown\r\n", b"250 Fine\r\n"])
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        post.send(to("gone@pbx.test"), to("ops@pbx.test"))

    assert talk.verbs[:8] == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA", "QUIT"]


def test_a_connection_that_rested_too_long_is_not_used_again() -> None:
    time, talk = Time(), Conversation()
    with FaultReceiver(talk) as receiver, posting(server(receiver.port), monotonic=time) as post:
        post.send()
        time.now += 29
        post.send()
        assert len(receiver.lines) == 1
        time.now += 31
        post.send()
        assert len(receiver.lines) == 2


def test_a_connection_that_nobody_needs_is_closed_with_a_word() -> None:
    left = threading.Event()

    def leaving(line: Line) -> None:
        line.say(b"221 2.0.0 Bye\r\n")
        left.set()

    talk = Conversation(quit=leaving)
    with (
        FaultReceiver(talk) as receiver,
        posting(server(receiver.port), idle=timedelta(milliseconds=20)) as post,
    ):
        post.send()

        assert left.wait(PATIENCE)


def test_a_new_server_is_the_next_mail_s_and_the_old_connection_is_closed() -> None:
    left = threading.Event()

    def leaving(line: Line) -> None:
        line.say(b"221 2.0.0 Bye\r\n")
        left.set()

    old = FaultReceiver(Conversation(quit=leaving))
    with old, MailServer() as new, posting(server(old.port)) as post:
        post.send()
        post.sender.server = server(new.port)
        assert left.wait(PATIENCE)
        (ended,) = post.send()

    assert ended.outcome is Outcome.ACCEPTED
    assert len(new.mails) == 1


def test_the_same_server_set_again_is_a_new_one() -> None:
    """What a file of authorities says may have changed."""
    with MailServer() as mails, posting(server(mails.port)) as post:
        post.send()
        post.sender.server = post.sender.server
        post.send()

    assert mails.connections == 2


def senders() -> set[threading.Thread]:
    """The threads that send; of others, some of another test may end meanwhile."""
    return {one for one in threading.enumerate() if one.name == "mail"}


def test_a_sender_that_is_closed_has_no_thread() -> None:
    before = senders()
    with MailServer() as mails, posting(server(mails.port)) as post:
        post.send()

    assert senders() == before


def test_a_sender_that_is_closed_breaks_off_what_is_under_way() -> None:
    asked = threading.Event()

    def silent(line: Line) -> None:
        asked.set()
        line.wait_until_left()

    before = senders()
    with FaultReceiver(Conversation(rcpt=silent)) as receiver:
        with posting(server(receiver.port, timeout=60)) as post:
            post.sender.start(to("ops@pbx.test"))
            post.sender.finished()
            assert asked.wait(PATIENCE)
            began = clock.monotonic()
        took = clock.monotonic() - began

    assert took < 2
    assert senders() == before


def test_a_sender_that_never_sent_has_no_thread_to_close() -> None:
    before = senders()
    sender = MailSender(None, one_each, now=clock.utcnow, monotonic=clock.monotonic, wake=lambda: None)
    assert sender.finished() == []
    assert senders() == before
    sender.close()
