"""Mail over a real socket: what goes out, in which connection, and how each message ends."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, Policy

import pytest

from daemon import clock
from daemon.core.delivery import Message, Outcome
from daemon.senders.mail import QUEUED_AT_MOST, Letter, MailSender
from tests.faults import PATIENCE, FaultReceiver, Line
from tests.senders.mails import letter, one_each, posting, server, to
from tests.smtp import Conversation, MailServer, parting


class Unprintable(EmailMessage):
    """A mail that has no bytes."""

    def as_bytes(self, unixfrom: bool = False, policy: Policy | None = None) -> bytes:
        raise LookupError("unknown encoding")


class Time:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_mail_arrives_as_it_was_composed() -> None:
    with MailServer() as mails, posting(server(mails.port)) as post:
        (ended,) = post.send(to("ops@pbx.test", event="evt_1"))

    (mail,) = mails.mails
    assert (ended.outcome, ended.error, ended.http_status) == (Outcome.ACCEPTED, None, None)
    assert ended.address == "127.0.0.1"
    assert (mail.mail_from, mail.rcpt_tos) == ("yemotd@pbx.test", ["ops@pbx.test"])
    got = message_from_bytes(mail.original_content or b"", policy=SMTP)
    assert (got["Message-ID"], got["Subject"]) == ("<evt_1@pbx.test>", "התראה")
    assert got.get_content() == "שלום\n"


def test_the_parts_of_an_attempt_are_timed_and_those_that_a_kept_connection_spared_are_none() -> None:
    with MailServer() as mails, posting(server(mails.port)) as post:
        (first,), (second,) = post.send(), post.send()

    assert 0 < first.phases.resolved <= first.phases.connected < first.phases.answered <= first.phases.total
    assert second.phases[:3] == (0, 0, 0)
    assert 0 < second.phases.answered <= second.phases.total
    assert second.address == "127.0.0.1"


def test_messages_that_were_started_together_for_an_endpoint_are_composed_together() -> None:
    batches: list[tuple[str, list[str]]] = []

    def compose(endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        batches.append((endpoint, [one.event for one in messages]))
        return [letter(*messages)]

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        ended = post.send(
            to("a@pbx.test", event="evt_1"),
            to("a@pbx.test", endpoint="night", event="evt_2"),
            to("a@pbx.test", event="evt_3"),
        )

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED] * 3
    assert batches == [("ops", ["evt_1", "evt_3"]), ("night", ["evt_2"])]
    assert (len(mails.mails), mails.connections) == (2, 1)


def test_what_is_under_way_is_counted_until_it_is_handed_back() -> None:
    release = threading.Event()

    def compose(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        assert release.wait(PATIENCE)
        return [letter(*messages)]

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        sender = post.sender
        assert sender.is_idle
        for event in ("evt_1", "evt_2"):
            sender.start(to("ops@pbx.test", event=event))
        assert (sender.in_flight("ops"), sender.in_flight("night"), sender.is_idle) == (2, 0, False)
        assert sender.finished() == []
        assert (sender.in_flight("ops"), sender.is_idle) == (2, False)
        release.set()

        assert len(post.wait()) == 2
        assert (sender.in_flight("ops"), sender.is_idle) == (0, True)


def test_a_recipient_that_is_refused_takes_no_other_with_it() -> None:
    with MailServer() as mails, posting(server(mails.port)) as post:
        mails.refusals["gone@pbx.test"] = "550 5.1.1 No such person"
        mails.refusals["busy@pbx.test"] = "450 4.2.1 Come back later"
        ended = post.send(*(to(f"{name}@pbx.test") for name in ("gone", "ops", "busy", "boss")))

    assert [(one.outcome, one.error) for one in ended] == [
        (Outcome.REFUSED, "550 5.1.1 No such person"),
        (Outcome.ACCEPTED, None),
        (Outcome.FAILED, "450 4.2.1 Come back later"),
        (Outcome.ACCEPTED, None),
    ]
    assert [mail.rcpt_tos for mail in mails.mails] == [["ops@pbx.test"], ["boss@pbx.test"]]
    assert mails.connections == 1


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [("550 5.1.1 No such person", Outcome.REFUSED), ("451 4.3.0 Later", Outcome.FAILED)],
)
def test_a_message_for_several_ends_as_the_worst_of_its_letters(refusal: str, outcome: Outcome) -> None:
    def compose(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        return [letter(*messages, recipient=f"{name}@pbx.test") for name in ("ops", "gone", "boss")]

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        mails.refusals["gone@pbx.test"] = refusal
        (ended,) = post.send()

    assert (ended.outcome, ended.error) == (outcome, refusal)
    assert len(mails.mails) == 2


def test_dots_at_the_beginning_of_lines_and_a_thousand_lines_arrive() -> None:
    text = "".join(f"{'.' * (number % 4)}line {number}\n" for number in range(1000)) + ".\n..\n"

    def compose(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        return [letter(*messages, text=text)]

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        (ended,) = post.send()

    assert ended.outcome is Outcome.ACCEPTED
    content = message_from_bytes(mails.mails[0].original_content or b"", policy=SMTP).get_content()
    assert content == text.replace("\n", "\r\n")


def test_what_goes_over_the_wire_are_seven_bits_in_short_lines() -> None:
    """Nothing has to be asked of the server then."""
    talk = Conversation()
    text = "שלום " * 500 + "\n"

    def compose(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        return [letter(*messages, text=text)]

    with FaultReceiver(talk) as receiver, posting(server(receiver.port), compose) as post:
        (ended,) = post.send()

    (mail,) = talk.mails
    assert ended.outcome is Outcome.ACCEPTED
    assert mail.isascii()
    assert max(map(len, mail.split(b"\r\n"))) < 998
    assert b"\n" not in mail.replace(b"\r\n", b"")


def test_the_greeting_asks_no_name_server() -> None:
    """A full name, or the address; nothing that anybody has to look up."""
    talk = Conversation()
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        post.send()

    verb, name = talk.commands[0].split()
    assert verb == "ehlo"
    assert name == "[127.0.0.1]" or "." in name


def test_a_mail_that_is_larger_than_the_server_takes_is_not_sent() -> None:
    talk = Conversation(ehlo=b"250-mail.test\r\n250 SIZE 100\r\n")
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        (ended,) = post.send()

    assert ended.outcome is Outcome.REFUSED
    assert (ended.error or "").endswith("bytes, and the server takes 100")
    assert "MAIL" not in talk.verbs


@pytest.mark.parametrize("limit", [b" 0", b"", b" nonsense"])
def test_a_server_that_names_no_limit_has_none(limit: bytes) -> None:
    talk = Conversation(ehlo=b"250-mail.test\r\n250 SIZE" + limit + b"\r\n")
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        (ended,) = post.send()

    assert ended.outcome is Outcome.ACCEPTED


def test_an_address_in_hebrew_goes_to_a_server_that_takes_it() -> None:
    with MailServer(enable_SMTPUTF8=True) as mails, posting(server(mails.port)) as post:
        ended = post.send(to("דוד@pbx.test", event="evt_1"), to("ops@pbx.test", event="evt_2"))

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED] * 2
    hebrew, plain = mails.mails
    assert (hebrew.rcpt_tos, hebrew.smtp_utf8, plain.smtp_utf8) == (["דוד@pbx.test"], True, False)
    assert "To: דוד@pbx.test".encode() in (hebrew.original_content or b"")


def test_an_address_in_hebrew_is_refused_where_the_server_does_not_take_it() -> None:
    with MailServer() as mails, posting(server(mails.port)) as post:
        ended = post.send(to("דוד@pbx.test", event="evt_1"), to("ops@pbx.test", event="evt_2"))

    assert [one.outcome for one in ended] == [Outcome.REFUSED, Outcome.ACCEPTED]
    assert ended[0].error == "the server takes only ASCII addresses (no SMTPUTF8), not דוד@pbx.test"


def test_a_message_that_cannot_be_composed_is_refused_alone() -> None:
    def compose(endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        if any(one.event == "evt_2" for one in messages):
            raise LookupError("no words for it")
        return one_each(endpoint, messages)

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        ended = post.send(*(to("ops@pbx.test", event=f"evt_{number}") for number in (1, 2, 3)))
        (later,) = post.send()

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED, Outcome.REFUSED, Outcome.ACCEPTED]
    assert ended[1].error == "no mail could be made of it"
    assert later.outcome is Outcome.ACCEPTED
    assert len(mails.mails) == 3


def test_a_letter_that_has_no_bytes_is_one_that_cannot_be_composed() -> None:
    def compose(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        return [Letter(tuple(messages), Unprintable(), "ops@pbx.test")]

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        (ended,) = post.send()

    assert ended.outcome is Outcome.REFUSED


def test_a_message_that_is_in_no_letter_is_refused_and_one_of_nobody_is_not_told() -> None:
    def compose(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        return [letter(messages[0], to("stranger@pbx.test"))]

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        ended = post.send(to("a@pbx.test"), to("b@pbx.test"))

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED, Outcome.REFUSED]


@pytest.mark.parametrize("address", ["a@pbx.test>\r\nDATA", "a@pbx.test> SIZE=1", "a\n@pbx.test", ""])
def test_what_is_no_address_is_refused_before_anybody_is_asked(address: str) -> None:
    """The configuration lets none through; were it to, no command may hide in one."""

    def compose(endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        first, second = one_each(endpoint, messages)
        return [first._replace(recipient=address), second]

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        ended = post.send(to("a@pbx.test"), to("b@pbx.test"))

    assert [one.outcome for one in ended] == [Outcome.REFUSED, Outcome.ACCEPTED]
    assert len(mails.mails) == 1


def test_a_fault_of_our_own_ends_the_mail_and_not_the_thread() -> None:
    with MailServer() as mails, posting(replace(server(mails.port), sender="a\r\nDATA")) as post:
        (ended,) = post.send()
        post.sender.server = server(mails.port)
        (later,) = post.send()

    assert (ended.outcome, ended.error) == (Outcome.FAILED, "a fault of our own: see the log")
    assert later.outcome is Outcome.ACCEPTED


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


def test_without_a_server_every_message_fails() -> None:
    with posting(None) as post:
        ended = post.send(to("a@pbx.test"), to("b@pbx.test"))

    assert [(one.outcome, one.error) for one in ended] == [
        (Outcome.FAILED, "there is no [smtp] to send it by")
    ] * 2


def test_letters_that_waited_too_long_for_others_are_given_back_untried() -> None:
    """Else their leases would end before they do."""
    time = Time()

    def compose(endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        if endpoint == "slow":
            time.now += QUEUED_AT_MOST.total_seconds()
        return one_each(endpoint, messages)

    with MailServer() as mails, posting(server(mails.port), compose, monotonic=time) as post:
        ended = post.send(to("a@pbx.test", endpoint="slow"), to("b@pbx.test"))
        (later,) = post.send()

    assert [(one.outcome, one.error) for one in ended] == [
        (Outcome.TIMEOUT, "the mails before it took too long")
    ] * 2
    assert later.outcome is Outcome.ACCEPTED


def test_a_sender_that_is_closed_has_no_thread() -> None:
    before = threading.active_count()
    with MailServer() as mails, posting(server(mails.port)) as post:
        post.send()

    assert threading.active_count() == before


def test_a_sender_that_is_closed_breaks_off_what_is_under_way() -> None:
    asked = threading.Event()

    def silent(line: Line) -> None:
        asked.set()
        line.wait_until_left()

    before = threading.active_count()
    with FaultReceiver(Conversation(rcpt=silent)) as receiver:
        with posting(server(receiver.port, timeout=60)) as post:
            post.sender.start(to("ops@pbx.test"))
            post.sender.finished()
            assert asked.wait(PATIENCE)
            began = clock.monotonic()
        took = clock.monotonic() - began

    assert took < 2
    assert threading.active_count() == before


def test_a_sender_that_never_sent_has_no_thread_to_close() -> None:
    before = threading.active_count()
    sender = MailSender(None, one_each, now=clock.utcnow, monotonic=clock.monotonic, wake=lambda: None)
    assert sender.finished() == []
    assert threading.active_count() == before
    sender.close()
