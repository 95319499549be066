"""Mail over a real socket: what goes out, in which connection, and how each message ends."""

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, Policy
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import Message, Outcome
from daemon.core.delivery.route import QUEUED_AT_MOST
from daemon.senders.mail import Letter
from daemon.wiring.senders import Outgoing
from daemon.wiring.senders import server as wired
from tests.core.rendering.test_mails import phone
from tests.support.bad_receiver import PATIENCE, FaultReceiver
from tests.support.config_files import SYSTEM, config
from tests.support.mails import Time, letter, one_each, posting, server, to
from tests.support.smtp import Conversation, MailServer

IN_HEBREW = """
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
from = "Yemot alerts <alerts@דוגמה.com>"
[[emails]]
name = "ops"
to = ["Anna <anna@דוגמה.com>"]
"""


class Unprintable(EmailMessage):
    """A mail that has no bytes."""

    def as_bytes(self, unixfrom: bool = False, policy: Policy | None = None) -> bytes:
        raise LookupError("unknown encoding")


def test_a_mail_arrives_as_it_was_composed() -> None:
    with MailServer() as mails, posting(server(mails.port)) as post:
        (ended,) = post.send(to("ops@pbx.test", event="evt_1"))

    (mail,) = mails.mails
    assert (ended.outcome, ended.error, ended.http_status) == (Outcome.ACCEPTED, None, None)
    assert ended.address == "127.0.0.1"
    assert (mail.mail_from, mail.rcpt_tos) == ("yemotd@pbx.test", ["ops@pbx.test"])
    got = message_from_bytes(mail.original_content or b"", policy=SMTP)
    assert (got["Message-ID"], got["Subject"]) == ("<evt_1@pbx.test>", "התראה")
    assert got.get_content() == "שלום\r\n"


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

    assert [(one.outcome, one.is_own) for one in ended] == [
        (Outcome.REFUSED, True),
        (Outcome.ACCEPTED, False),
    ]
    assert ended[0].error == "the server takes only ASCII addresses (no SMTPUTF8), not דוד@pbx.test"


@pytest.mark.parametrize("recipient", ["ops@pbx.test", "דוד@pbx.test"])
def test_a_sender_in_hebrew_is_the_server_s_matter_where_it_does_not_take_it(recipient: str) -> None:
    talk = Conversation()
    with FaultReceiver(talk) as receiver:
        own = replace(server(receiver.port), sender="התראות@pbx.test")
        with posting(own) as post:
            ended = post.send(to(recipient, event="evt_1"), to("boss@pbx.test", event="evt_2"))

    error = "the server takes only ASCII addresses (no SMTPUTF8), not התראות@pbx.test"
    assert [(one.outcome, one.error, one.is_own) for one in ended] == [(Outcome.FAILED, error, False)] * 2
    assert "MAIL" not in talk.verbs


def test_a_sender_in_hebrew_is_told_to_a_server_that_takes_it() -> None:
    with MailServer(enable_SMTPUTF8=True) as mails:
        own = replace(server(mails.port), sender="התראות@pbx.test")
        with posting(own) as post:
            (ended,) = post.send()

    assert ended.outcome is Outcome.ACCEPTED
    assert (mails.mails[0].mail_from, mails.mails[0].smtp_utf8) == ("התראות@pbx.test", True)


def test_domains_in_hebrew_go_to_every_server_in_ascii(tmp_path: Path) -> None:
    with MailServer() as mails:
        loaded = config(tmp_path, SYSTEM + IN_HEBREW.format(port=mails.port))
        outgoing = Outgoing(loaded)
        with (
            closing(outgoing.senders),
            posting(wired(loaded.smtp), outgoing._compose, outgoing._shorten) as post,
        ):
            (ended,) = post.send(phone(1)._replace(endpoint="ops/anna@דוגמה.com"))

    assert (ended.outcome, ended.error) == (Outcome.ACCEPTED, None)
    (mail,) = mails.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("alerts@xn--6dbbec0c.com", ["anna@xn--6dbbec0c.com"])
    assert not mail.smtp_utf8
    assert (mail.original_content or b"").isascii()


def test_a_message_that_cannot_be_composed_fails_alone() -> None:
    def compose(endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        if any(one.event == "evt_2" for one in messages):
            raise LookupError("no words for it")
        return one_each(endpoint, messages)

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        ended = post.send(*(to("ops@pbx.test", event=f"evt_{number}") for number in (1, 2, 3)))
        (later,) = post.send()

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED, Outcome.FAILED, Outcome.ACCEPTED]
    assert (ended[1].error, ended[1].is_our_fault) == ("no mail could be made of it", True)
    assert later.outcome is Outcome.ACCEPTED
    assert len(mails.mails) == 3


def test_a_thread_that_ended_is_started_again_and_what_it_had_in_hand_has_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with MailServer() as mails, posting(server(mails.port)) as post:
        with monkeypatch.context() as patch:
            patch.setattr(post.sender, "_serve", broken)
            (ended,) = post.send(to("ops@pbx.test", event="evt_1"))
        worker = post.sender._worker
        assert worker is not None
        with monkeypatch.context() as patch:
            patch.setattr(post.sender, "_next", broken)
            patch.setattr("threading.excepthook", lambda _: None)
            with post.sender._changed:
                post.sender._changed.notify_all()
            post.sender.server = server(mails.port)  # which it looks up at once
            worker.join(10)
            assert not worker.is_alive()
        (later,) = post.send(to("ops@pbx.test", event="evt_2"))

    assert (ended.outcome, ended.error) == (Outcome.FAILED, "a fault of our own: see the log")
    assert later.outcome is Outcome.ACCEPTED


def broken(*_: object) -> None:
    raise LookupError("a fault of ours")


def test_a_letter_that_has_no_bytes_is_one_that_cannot_be_composed() -> None:
    def compose(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        return [Letter(tuple(messages), Unprintable(), "ops@pbx.test")]

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        (ended,) = post.send()

    assert (ended.outcome, ended.is_our_fault) == (Outcome.FAILED, True)


def test_a_message_that_is_in_no_letter_has_failed_and_one_of_nobody_is_not_told() -> None:
    def compose(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        return [letter(messages[0], to("stranger@pbx.test"))]

    with MailServer() as mails, posting(server(mails.port), compose) as post:
        ended = post.send(to("a@pbx.test"), to("b@pbx.test"))

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED, Outcome.FAILED]


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
