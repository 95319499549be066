"""Mail servers that refuse, break off, drip, babble or say nothing: how each mail ends, and when."""

import socket
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat

import pytest

from daemon.core.delivery.outcome import Message, Outcome
from daemon.host import clock
from daemon.senders.mail import Letter
from daemon.senders.smtp import Connection, Failed, Mail
from daemon.senders.smtp_courier import Courier
from daemon.senders.smtp_socket import REPLY_BYTES, Stopwatch
from tests.support.bad_receiver import FaultReceiver, Line, Script, full_backlog, silent
from tests.support.mails import letter, posting, server, to
from tests.support.smtp import Answer, Conversation, dropping, parting

DEADLINE = 0.2
SOON = timedelta(seconds=3)
"""Much later than the deadline, on a busy machine too, and much earlier than never."""


def resetting(line: Line) -> None:
    line.reset()


def saying(*pieces: bytes) -> Answer:
    def act(line: Line) -> None:
        for piece in pieces:
            line.say(piece)

    return act


def dripping(*pieces: bytes, then: bytes) -> Answer:
    def act(line: Line) -> None:
        line.drip(chain(pieces, repeat(then)))

    return act


def long_letter(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
    """More than any buffer on the way holds."""
    return [letter(*messages, text=("x" * 70 + "\n") * 200_000)]


REFUSALS: dict[str, tuple[Conversation, Outcome, str]] = {
    "421 at the greeting": (
        Conversation(greeting=parting(b"421 4.3.2 Not now\r\n")),
        Outcome.FAILED,
        "421 4.3.2 Not now",
    ),
    "554 at the greeting": (
        Conversation(greeting=parting(b"554 5.7.1 Not you\r\n")),
        Outcome.FAILED,
        "554 5.7.1 Not you",
    ),
    "421 at EHLO": (
        Conversation(ehlo=parting(b"421 4.3.2 Not now\r\n")),
        Outcome.FAILED,
        "421 4.3.2 Not now",
    ),
    "451 at MAIL": (Conversation(mail=b"451 4.3.0 Oops\r\n"), Outcome.FAILED, "451 4.3.0 Oops"),
    "421 at MAIL": (Conversation(mail=parting(b"421 4.7.0 Later\r\n")), Outcome.FAILED, "421 4.7.0 Later"),
    "550 at MAIL": (Conversation(mail=b"550 5.7.1 Not yours\r\n"), Outcome.FAILED, "550 5.7.1 Not yours"),
    "552 at MAIL": (Conversation(mail=b"552 5.3.4 Too big\r\n"), Outcome.REFUSED, "552 5.3.4 Too big"),
    "421 at RCPT": (Conversation(rcpt=parting(b"421 4.7.0 Later\r\n")), Outcome.FAILED, "421 4.7.0 Later"),
    "451 at RCPT": (Conversation(rcpt=b"451 4.7.1 Greylisted\r\n"), Outcome.FAILED, "451 4.7.1 Greylisted"),
    **{
        f"{code} at RCPT": (
            Conversation(rcpt=f"{code} 5.1.1 No\r\n".encode()),
            Outcome.REFUSED,
            f"{code} 5.1.1 No",
        )
        for code in (501, 550, 551, 553, 554)
    },
    "451 at DATA": (Conversation(data=b"451 4.3.0 Oops\r\n"), Outcome.FAILED, "451 4.3.0 Oops"),
    "554 at DATA": (Conversation(data=b"554 5.5.1 No\r\n"), Outcome.REFUSED, "554 5.5.1 No"),
    "250 at DATA": (Conversation(data=b"250 2.0.0 What?\r\n"), Outcome.FAILED, "250 2.0.0 What?"),
    "421 after the mail": (Conversation(end=parting(b"421 4.3.2 No\r\n")), Outcome.FAILED, "421 4.3.2 No"),
    "451 after the mail": (Conversation(end=b"451 4.3.0 Oops\r\n"), Outcome.FAILED, "451 4.3.0 Oops"),
    "552 after the mail": (Conversation(end=b"552 5.2.2 Full\r\n"), Outcome.REFUSED, "552 5.2.2 Full"),
    "554 after the mail": (Conversation(end=b"554 5.6.0 Spam\r\n"), Outcome.REFUSED, "554 5.6.0 Spam"),
    "without an enhanced code": (Conversation(rcpt=b"550 No\r\n"), Outcome.REFUSED, "550 No"),
    "without words": (Conversation(rcpt=b"550\r\n"), Outcome.REFUSED, "550"),
    "several lines": (
        Conversation(rcpt=b"550-5.1.1 No\r\n550-5.1.1 such\r\n550 5.1.1 person\r\n"),
        Outcome.REFUSED,
        "550 5.1.1 No such person",
    ),
    "in pieces": (
        Conversation(rcpt=saying(b"5", b"50-5.1.1 No\r", b"\n550 5.", b"1.1 body\r\n")),
        Outcome.REFUSED,
        "550 5.1.1 No body",
    ),
    "bare line feeds": (Conversation(rcpt=b"550-5.1.1 No\n550 body\n"), Outcome.REFUSED, "550 5.1.1 No body"),
    "Hebrew": (Conversation(rcpt="550 אין כאן איש\r\n".encode()), Outcome.REFUSED, "550 אין כאן איש"),
    "another encoding": (Conversation(rcpt=b"550 caf\xe9\r\n"), Outcome.REFUSED, "550 caf\ufffd"),
    "control characters": (
        Conversation(rcpt="550 a\x00b\x1b[31mc\td\u202ee\r\n".encode()),
        Outcome.REFUSED,
        "550 a b [31mc d e",
    ),
    "long": (
        Conversation(rcpt=b"550 " + b"x" * 20_000 + b"\r\n"),
        Outcome.REFUSED,
        "550 " + "x" * 295 + "…",
    ),
}


@pytest.mark.parametrize(("talk", "outcome", "error"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_told_in_the_server_s_words(talk: Conversation, outcome: Outcome, error: str) -> None:
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        (ended,) = post.send()
        lines = len(receiver.lines)

    assert (ended.outcome, ended.error, ended.http_status) == (outcome, error, None)
    assert 0 < ended.phases.answered <= ended.phases.total
    assert lines == 1


@pytest.mark.parametrize(
    ("verb", "said", "is_own"),
    [
        ("rcpt", b"450 4.2.1 Come back later\r\n", True),
        ("rcpt", b"452 4.2.2 Mailbox full\r\n", True),
        ("rcpt", b"450 Later\r\n", True),
        ("rcpt", b"550 5.1.1 No such person\r\n", True),
        ("rcpt", b"552 Mailbox full\r\n", True),
        ("end", b"452 4.2.2 Mailbox full\r\n", True),
        ("end", b"552 5.2.2 Mailbox full\r\n", True),
        ("rcpt", b"421 4.3.2 Closing\r\n", False),
        ("rcpt", b"530 5.7.0 Log in first\r\n", False),
        ("mail", b"451 4.3.0 Oops\r\n", False),
        ("data", b"451 4.3.0 Oops\r\n", False),
        ("end", b"452 4.3.1 Disk full\r\n", False),
        ("end", b"554 5.6.0 Spam\r\n", False),
        ("end", b"250 2.0.0 Fine\r\n", False),
    ],
)
def test_what_is_said_of_the_recipient_is_the_mailbox_s_own_matter(
    verb: str, said: bytes, *, is_own: bool
) -> None:
    talk = Conversation(None, **{verb: said})
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        (ended,) = post.send()

    assert ended.is_own is is_own


@pytest.mark.parametrize(
    "talk",
    [
        Conversation(mail=b"550 5.7.1 Not yours\r\n"),
        Conversation(greeting=parting(b"421 4.3.2 Not now\r\n")),
        Conversation(ehlo=dropping),
    ],
    ids=["our address", "closed for now", "no conversation"],
)
def test_what_would_happen_to_every_mail_is_asked_once(talk: Conversation) -> None:
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        first, *others = post.send(*(to(f"{name}@pbx.test") for name in "abc"))
        lines = len(receiver.lines)

    assert {(one.outcome, one.error) for one in others} == {(first.outcome, first.error)}
    assert lines == 1
    assert talk.verbs.count("MAIL") <= 1


@pytest.mark.parametrize("verb", ["rcpt", "data", "end"])
def test_after_a_closed_connection_the_next_mail_goes_over_a_new_one(verb: str) -> None:
    """421 in mid-session is often said to have this connection over, not the mail."""
    scripts = [Conversation(None, **{verb: parting(b"421 4.7.0 Enough\r\n")}), Conversation()]
    with FaultReceiver(*scripts) as receiver, posting(server(receiver.port)) as post:
        ended = post.send(to("a@pbx.test"), to("b@pbx.test"))

    assert [one.outcome for one in ended] == [Outcome.FAILED, Outcome.ACCEPTED]


def test_a_server_that_closes_for_now_is_believed_though_it_listens_on() -> None:
    talk = Conversation(rcpt=[b"421 4.7.0 Enough\r\n", b"250 Fine\r\n"])
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        ended = post.send(to("a@pbx.test"), to("b@pbx.test"))
        lines = len(receiver.lines)

    assert [one.outcome for one in ended] == [Outcome.FAILED, Outcome.ACCEPTED]
    assert lines == 2


@pytest.mark.parametrize("how", [dropping, resetting], ids=["closed", "reset"])
@pytest.mark.parametrize("verb", ["greeting", "ehlo", "mail", "rcpt", "data"])
def test_a_connection_that_is_lost_before_the_mail_is_unreachable(verb: str, how: Answer) -> None:
    talk = Conversation(None, **{verb: how})
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        (ended,) = post.send()
        lines = len(receiver.lines)

    assert ended.outcome is Outcome.UNREACHABLE
    # A reset may come before the connection is noticed to be there.
    stages = (verb.upper(),) if verb != "greeting" else ("the greeting", "connecting")
    assert (ended.error or "").startswith(stages)
    assert ended.phases.answered == 0
    assert lines == 1


@pytest.mark.parametrize("how", [dropping, resetting], ids=["closed", "reset"])
def test_a_connection_that_is_lost_within_the_mail_is_unreachable(how: Script) -> None:
    def data(line: Line) -> None:
        line.say(b"354 Go ahead\r\n")
        line.until(b"Subject")
        how(line)

    talk = Conversation(data=data, ehlo=b"250 mail.test\r\n")
    with FaultReceiver(talk) as receiver, posting(server(receiver.port), long_letter) as post:
        (ended,) = post.send()
        lines = len(receiver.lines)

    assert ended.outcome is Outcome.UNREACHABLE
    assert (ended.error or "").startswith("the mail: ")
    assert lines == 1


@pytest.mark.parametrize("how", [dropping, resetting], ids=["closed", "reset"])
def test_a_mail_whose_answer_was_lost_is_sent_once_more_as_it_was(how: Answer) -> None:
    talks = [Conversation(end=how), Conversation()]
    with FaultReceiver(*talks) as receiver, posting(server(receiver.port)) as post:
        (ended,) = post.send()

    assert ended.outcome is Outcome.ACCEPTED
    assert talks[0].mails == talks[1].mails
    assert len(talks[0].mails) == 1


def test_a_mail_whose_answer_is_lost_again_is_unreachable() -> None:
    talk = Conversation(end=dropping)
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        (ended,) = post.send()
        lines = len(receiver.lines)

    assert (ended.outcome, ended.error) == (Outcome.UNREACHABLE, "the end of the mail: closed by the server")
    assert (lines, len(talk.mails)) == (2, 2)


def test_both_tries_of_a_mail_share_the_deadline() -> None:
    scripts: list[Script] = [Conversation(end=dropping), silent]
    with FaultReceiver(*scripts) as receiver, posting(server(receiver.port, timeout=DEADLINE)) as post:
        (ended,) = post.send()

    assert (ended.outcome, ended.error) == (Outcome.TIMEOUT, "the greeting: timed out")
    assert ended.took < SOON


SLOW: dict[str, Script] = {
    "silence": silent,
    "a dripping greeting": Conversation(greeting=dripping(b"220 ", then=b"x")),
    "a dripping EHLO": Conversation(ehlo=dripping(then=b"250-X\r\n")),
    "silence after EHLO": Conversation(ehlo=silent),
    "a dripping answer to MAIL": Conversation(mail=dripping(then=b"250-Fine\r\n")),
    "a dripping answer to RCPT": Conversation(rcpt=dripping(b"250 ", then=b"x")),
    "silence after DATA": Conversation(data=silent),
    "a dripping answer to the mail": Conversation(end=dripping(b"250 ", then=b"x")),
    "silence after the mail": Conversation(end=silent),
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW)
def test_no_server_can_stretch_the_deadline(script: Script) -> None:
    with FaultReceiver(script) as receiver, posting(server(receiver.port, timeout=DEADLINE)) as post:
        began = clock.monotonic()
        (ended,) = post.send()
        took = timedelta(seconds=clock.monotonic() - began)
        lines = len(receiver.lines)

    assert ended.outcome is Outcome.TIMEOUT
    assert (ended.error or "").endswith("timed out")
    assert ended.phases.answered == 0
    assert timedelta(seconds=DEADLINE) <= ended.took <= took < SOON
    assert lines == 1


def test_a_server_that_reads_bit_by_bit_cannot_either() -> None:
    never = threading.Event()

    def data(line: Line) -> None:
        line.say(b"354 Go ahead\r\n")
        while not never.wait(0.01):
            line.hear()

    talk = Conversation(data=data, ehlo=b"250 mail.test\r\n")
    with (
        FaultReceiver(talk) as receiver,
        posting(server(receiver.port, timeout=2 * DEADLINE), long_letter) as post,
    ):
        (ended,) = post.send()

    assert (ended.outcome, ended.error) == (Outcome.TIMEOUT, "the mail: timed out")
    assert ended.took < SOON


def test_a_kept_connection_that_has_gone_silent_leaves_time_for_a_new_one() -> None:
    """The check is given the time for connecting, not all there is."""
    with FaultReceiver(Conversation(rset=silent), Conversation()) as receiver:
        patient = replace(server(receiver.port), connect_timeout=timedelta(seconds=DEADLINE))
        with posting(patient) as post:
            ended = post.send(to("a@pbx.test"), to("b@pbx.test"))

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED] * 2


NO_SMTP: dict[str, Script] = {
    "another protocol": Conversation(greeting=b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a page": Conversation(greeting=b"HTTP/1.1 200 OK\r\n\r\n"),
    "an empty line": Conversation(greeting=b"\r\n"),
    "no number": Conversation(mail=b"OK\r\n"),
    "a long number": Conversation(mail=b"2500 Fine\r\n"),
    "no such number": Conversation(mail=b"150 Fine\r\n"),
    "binary": Conversation(mail=bytes(range(128, 256)) + b"\n"),
    "a line without end": Conversation(mail=dripping(b"250 ", then=b"x" * 50_000)),
    "lines without end": Conversation(mail=dripping(then=b"250-x\r\n" * 5_000)),
    "a line that ends late": Conversation(mail=b"250 " + b"x" * REPLY_BYTES + b"\r\n"),
}


@pytest.mark.parametrize("script", NO_SMTP.values(), ids=NO_SMTP)
def test_who_does_not_speak_smtp_is_not_read_to_the_end(script: Script) -> None:
    with FaultReceiver(script) as receiver, posting(server(receiver.port)) as post:
        (ended,) = post.send()
        said = max(line.sent for line in receiver.lines)

    assert ended.outcome is Outcome.UNREACHABLE
    assert said < 20 * REPLY_BYTES
    assert ended.took < SOON


def test_a_server_that_knows_no_ehlo_is_greeted_the_old_way() -> None:
    talk = Conversation(ehlo=b"502 5.5.1 What?\r\n")
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        (ended,) = post.send()

    assert ended.outcome is Outcome.ACCEPTED
    assert talk.verbs[:3] == ["EHLO", "HELO", "MAIL"]
    assert talk.commands[2] == "MAIL FROM:<yemotd@pbx.test>"


def test_nobody_listening_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with posting(server(port)) as post:
        (ended,) = post.send()

    assert (ended.outcome, ended.address) == (Outcome.UNREACHABLE, None)
    assert ended.error == f"connecting: 127.0.0.1:{port}: Connection refused"
    assert (ended.phases.connected, ended.phases.answered) == (0, 0)


def test_nobody_accepting_is_a_timeout() -> None:
    with full_backlog() as port, posting(server(port, timeout=DEADLINE)) as post:
        (ended,) = post.send()

    assert (ended.outcome, ended.error) == (Outcome.TIMEOUT, "connecting: timed out")
    assert ended.took < SOON


@pytest.mark.parametrize("host", ["mail.invalid", f"{'x' * 64}.test"])
def test_a_name_without_an_address_is_unresolved(host: str) -> None:
    with posting(replace(server(25), host=host)) as post:
        (ended,) = post.send()

    assert (ended.outcome, ended.address) == (Outcome.UNRESOLVED, None)
    assert (ended.error or "").startswith("connecting: ")


def test_what_is_broken_off_before_it_began_does_not_begin() -> None:
    """The sender is closed while its thread is on the way to a new connection."""
    with FaultReceiver(Conversation()) as receiver:
        one = server(receiver.port)
        courier = Courier(one, now=clock.utcnow, monotonic=clock.monotonic, idle=SOON)
        courier.break_off()
        carried = courier.carry(Mail("ops@pbx.test", b"\r\n"))
        connection = Connection(one, Stopwatch(clock.monotonic, one.timeout))
        connection.break_off()
        with pytest.raises(Failed) as failed:
            connection.open()
        connection.close()
        lines = len(receiver.lines)

    assert (carried.outcome, carried.error) == (Outcome.UNREACHABLE, "broken off")
    assert (failed.value.outcome, lines) == (Outcome.UNREACHABLE, 0)
