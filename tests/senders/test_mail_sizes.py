"""Servers that take no large mails: what does not fit goes in parts, and nothing is lost for its size."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.delivery.outcome import Message, Outcome
from daemon.wiring.senders import Outgoing
from tests.core.rendering.test_mails import phone, sms
from tests.support.bad_receiver import FaultReceiver
from tests.support.config_files import SYSTEM, config
from tests.support.examples import examples
from tests.support.mails import Post, posting, server
from tests.support.smtp import Conversation, MailServer

EMAILS = """
[smtp]
host = "127.0.0.1"
from = "yemotd@pbx.test"
[[emails]]
name = "ops"
to = ["anna@example.org"]
language = "he"
"""
UNLIMITED = 33_554_432
"""Bytes: aiosmtpd's own default."""
SMALLEST = 64 * 1024
"""Bytes that every server takes (RFC 5321, section 4.5.3.1.7)."""
WORDS = ["שלום", "code 4821", "😀" * 9, "<&>\"'", "\n\n", "=?utf-8?q?a?=", "x" * 200, "\u202e"]


@contextmanager
def office(folder: Path, port: int) -> Iterator[Post]:
    """Mails to one mailbox as the daemon makes them, to a server on this port."""
    outgoing = Outgoing(config(folder, SYSTEM + EMAILS))
    with closing(outgoing.senders), posting(server(port), outgoing._compose, outgoing._shorten) as post:
        yield post


def letters(mails: MailServer) -> list[EmailMessage]:
    return [message_from_bytes(one.original_content or b"", policy=default) for one in mails.mails]


def events(letter: EmailMessage) -> list[str]:
    return str(letter["X-Yemotd-Event"]).split(", ")


def text(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.fixture(params=["said before", "said after the mail"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def small(way: str, most: int) -> MailServer:
    """A server that takes mails of so many bytes, and says so before the mail or after it."""
    if way == "said before":
        return MailServer(data_size_limit=most)
    return MailServer(data_size_limit=0, most=most)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_one_sms_that_is_too_large_takes_no_other_with_it_and_comes_shortened(folder: Path, way: str) -> None:
    large = "הודעה ארוכה " * 20_000
    told = [sms(number, large if number == 3 else f"text {number}") for number in range(1, 9)]
    with small(way, SMALLEST) as mails, office(folder, mails.port) as post:
        ended = post.send(*told)

    got = letters(mails)
    assert [one.outcome for one in ended] == [Outcome.ACCEPTED] * 8
    assert sorted(event for letter in got for event in events(letter)) == [f"evt_{n}" for n in range(1, 9)]
    (cut,) = [letter for letter in got if events(letter) == ["evt_3"]]
    assert "yemotd events show evt_3" in text(cut)
    assert len(large) > text(cut).count("הודעה") * len("הודעה ארוכה ") > 500
    assert not any("yemotd events show" in text(letter) for letter in got if letter is not cut)
    if way == "said before":
        assert max(mails.tried) <= SMALLEST, "it was known before"


def test_a_mailing_that_is_too_large_is_split_until_it_fits_with_every_sms_whole(
    folder: Path, way: str
) -> None:
    texts = [f"#{number}: " + "word " * 1500 for number in range(30)]
    with small(way, SMALLEST) as mails, office(folder, mails.port) as post:
        ended = post.send(*(sms(number, one) for number, one in enumerate(texts)))

    got = letters(mails)
    assert {one.outcome for one in ended} == {Outcome.ACCEPTED}
    assert [event for letter in got for event in events(letter)] == [f"evt_{n}" for n in range(30)]
    assert all(sum(one.strip() in text(letter) for letter in got) == 1 for one in texts)
    assert 1 < len(got) < 30


def test_the_parts_are_the_very_same_mails_the_next_time(folder: Path) -> None:
    texts = ["word " * 3000 for _ in range(6)]
    ids = []
    for _ in range(2):
        with small("said before", SMALLEST) as mails, office(folder, mails.port) as post:
            post.send(*(sms(number, one) for number, one in enumerate(texts)))
        ids.append([str(letter["Message-ID"]) for letter in letters(mails)])

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0]) > 1


MESSAGES = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from([1, 10, 300, 4000]), st.booleans()),
    min_size=1,
    max_size=9,
)


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(MESSAGES, st.integers(SMALLEST, 4 * SMALLEST), st.sampled_from(["said before", "said after the mail"]))
def test_nothing_is_lost_for_its_size(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, int, bool]], most: int, way: str
) -> None:
    messages: list[Message] = [
        phone(number, incident=f"inc_{number}") if is_alert else sms(number, word * times)
        for number, (word, times, is_alert) in enumerate(told)
    ]
    with small(way, most) as mails, office(tmp_path_factory.getbasetemp(), mails.port) as post:
        ended = post.send(*messages)

    assert [one.outcome for one in ended] == [Outcome.ACCEPTED] * len(messages)
    assert sorted(one for letter in letters(mails) for one in events(letter)) == sorted(
        m.event for m in messages
    )
    assert all(len(one.original_content or b"") <= most for one in mails.mails)


@pytest.mark.parametrize(
    ("said", "outcome", "mails"),
    [
        (b"552 5.3.4 Too big\r\n", Outcome.REFUSED, 8),
        (b"552 Too big\r\n", Outcome.REFUSED, 8),
        (b"554 5.2.3 Too big for this mailbox\r\n", Outcome.REFUSED, 8),
        (b"552 5.2.2 Mailbox full\r\n", Outcome.REFUSED, 1),
        (b"554 5.6.0 Spam\r\n", Outcome.REFUSED, 1),
        (b"452 4.3.1 Disk full\r\n", Outcome.FAILED, 1),
    ],
)
def test_only_what_is_said_of_the_size_makes_mails_smaller_and_that_has_an_end(
    folder: Path, said: bytes, outcome: Outcome, mails: int
) -> None:
    talk = Conversation(ehlo=b"250 mail.test\r\n", end=said)
    with FaultReceiver(talk) as receiver, office(folder, receiver.port) as post:
        (ended,) = post.send(sms(1, "x" * 20_000))

    assert (ended.outcome, ended.error) == (outcome, said.decode().strip())
    assert len(talk.mails) == mails
    assert mails == 1 or len(talk.mails[-1]) < SMALLEST // 8
