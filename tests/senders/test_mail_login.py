"""Logins: one try of a password, remembered when it was refused, and never shown to anybody."""

import base64
import threading
from datetime import datetime, timedelta

import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Secret
from daemon.host import clock
from daemon.senders.smtp import Server
from tests.support.bad_receiver import PATIENCE, FaultReceiver, Line
from tests.support.mails import PASSWORD, Time, posting, server, to, with_login
from tests.support.smtp import FINE, Answer, Conversation

WITH_LOGIN = b"250-mail.test\r\n250 AUTH CRAM-MD5 PLAIN LOGIN\r\n"
WITHOUT_PLAIN = b"250-mail.test\r\n250 AUTH=LOGIN\r\n"
REFUSED = b"535 5.7.8 Wrong\r\n"


def login_server(port: int) -> Server:
    return with_login(server(port))


def test_a_login_that_is_refused_ends_the_batch_and_is_not_tried_again_for_longer_and_longer() -> None:
    time, talk = Time(), Conversation(ehlo=WITH_LOGIN, auth=REFUSED)
    began = clock.utcnow()
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port), monotonic=time) as post:
        first, second = post.send(to("a@pbx.test"), to("b@pbx.test"))
        (meanwhile,) = post.send()
        assert talk.verbs.count("AUTH") == 1
        for minutes, logins in ((1, 2), (2, 3), (5, 4), (10, 5), (15, 6), (15, 7)):
            time.now += minutes * 60 - 1
            (early,) = post.send()
            assert (early.outcome, talk.verbs.count("AUTH")) == (Outcome.FORBIDDEN, logins - 1)
            time.now += 1
            post.send()
            assert talk.verbs.count("AUTH") == logins
        lines = len(receiver.lines)

    assert [one.outcome for one in (first, second, meanwhile)] == [Outcome.FORBIDDEN] * 3
    assert first.error == second.error == meanwhile.error
    words, _, at = (first.error or "").partition("; not tried again before ")
    assert words == "535 5.7.8 Wrong"
    due = datetime.fromisoformat(at)
    assert began <= due + timedelta(seconds=1) - timedelta(minutes=1) <= clock.utcnow() + timedelta(seconds=1)
    assert lines == 7
    assert "MAIL" not in talk.verbs


@pytest.mark.parametrize("code", [530, 534, 535, 538, 550])
def test_every_final_answer_to_a_login_is_remembered(code: int) -> None:
    talk = Conversation(ehlo=WITH_LOGIN, auth=b"%d 5.7.8 No\r\n" % code)
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port)) as post:
        ended = [*post.send(), *post.send()]

    assert [one.outcome for one in ended] == [Outcome.FORBIDDEN] * 2
    assert talk.verbs.count("AUTH") == 1


def test_a_login_that_fails_for_now_may_be_tried_again() -> None:
    talk = Conversation(ehlo=WITH_LOGIN, auth=[b"454 4.7.0 Not now\r\n", b"235 2.7.0 Welcome\r\n"])
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port)) as post:
        (first,), (second,) = post.send(), post.send()

    assert (first.outcome, first.error) == (Outcome.FAILED, "454 4.7.0 Not now")
    assert second.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    "ehlo", [b"250 mail.test\r\n", b"250 AUTH CRAM-MD5 NTLM\r\n", b"250-x\r\n250 AUTH GSSAPI\r\n"]
)
def test_a_server_that_offers_no_login_gets_no_mail_without(ehlo: bytes) -> None:
    talk = Conversation(ehlo=ehlo)
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port)) as post:
        ended = [*post.send(), *post.send()]
        lines = len(receiver.lines)

    assert [one.outcome for one in ended] == [Outcome.FORBIDDEN] * 2
    assert (ended[0].error or "").startswith("the server offers no login by PLAIN or LOGIN, but ")
    assert lines == 1
    assert "MAIL" not in talk.verbs


@pytest.mark.parametrize("verb", ["mail", "rcpt"])
def test_a_server_that_wants_a_login_where_none_is_configured_is_not_pestered(verb: str) -> None:
    talk = Conversation(None, **{verb: b"530 5.7.0 Authentication required\r\n"})
    with FaultReceiver(talk) as receiver, posting(server(receiver.port)) as post:
        ended = [*post.send(to("a@pbx.test"), to("b@pbx.test")), *post.send()]
        lines = len(receiver.lines)

    assert [one.outcome for one in ended] == [Outcome.FORBIDDEN] * 3
    assert (ended[0].error or "").startswith("530 5.7.0 Authentication required; not tried again before ")
    assert lines == 1


@pytest.mark.parametrize(
    ("mail", "outcome"), [(FINE, Outcome.ACCEPTED), (b"451 4.3.0 Oops\r\n", Outcome.FAILED)]
)
def test_a_success_starts_the_waits_from_the_beginning(mail: bytes, outcome: Outcome) -> None:
    time = Time()
    auth: list[Answer] = [REFUSED, REFUSED, b"235 2.7.0 Hi\r\n", REFUSED]
    talk = Conversation(ehlo=WITH_LOGIN, auth=auth, mail=mail)
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port), monotonic=time) as post:
        outcomes = []
        for minutes in (0, 1, 2, 1, 1):  # the fourth: over a new connection, as the old one rested
            time.now += minutes * 60
            outcomes += [one.outcome for one in post.send()]

    assert outcomes == [Outcome.FORBIDDEN] * 2 + [outcome] + [Outcome.FORBIDDEN] * 2
    assert talk.verbs.count("AUTH") == 5


def test_a_mail_that_is_taken_without_a_login_does_so_too() -> None:
    time = Time()
    talk = Conversation(mail=[b"530 5.7.0 Who?\r\n", b"530 5.7.0 Who?\r\n", FINE, b"530 5.7.0 Who?\r\n"])
    with FaultReceiver(talk) as receiver, posting(server(receiver.port), monotonic=time) as post:
        outcomes = []
        for minutes in (0, 1, 2, 1, 1):
            time.now += minutes * 60
            outcomes += [one.outcome for one in post.send()]

    assert outcomes == [Outcome.FORBIDDEN] * 2 + [Outcome.ACCEPTED] + [Outcome.FORBIDDEN] * 2
    assert talk.verbs.count("MAIL") == 5


def test_a_server_that_refused_the_login_is_left_at_once() -> None:
    left, talk = threading.Event(), Conversation(ehlo=WITH_LOGIN, auth=REFUSED)

    def until_it_leaves(line: Line) -> None:
        try:
            talk(line)
        except ConnectionError:
            left.set()

    with FaultReceiver(until_it_leaves) as receiver, posting(login_server(receiver.port)) as post:
        post.send()

        assert left.wait(PATIENCE)


def test_a_new_password_is_tried_at_once() -> None:
    talk = Conversation(ehlo=WITH_LOGIN, auth=[REFUSED, b"235 2.7.0 Welcome\r\n"])
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port)) as post:
        (before,) = post.send()
        post.sender.server = with_login(server(receiver.port), password=Secret("new"))
        (after,) = post.send()

    assert [before.outcome, after.outcome] == [Outcome.FORBIDDEN, Outcome.ACCEPTED]
    assert talk.commands[-5] == "AUTH PLAIN " + base64.b64encode(b"\0yemotd\0new").decode()


class Asking:
    """AUTH LOGIN, as the server sees it."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __call__(self, line: Line) -> None:
        for question in (b"Username:", b"Password:"):
            line.say(b"334 " + base64.b64encode(question) + b"\r\n")
            self.heard.append(base64.b64decode(line.until(b"\r\n")).decode())
        line.say(b"235 2.7.0 Welcome\r\n")


def test_a_server_that_knows_login_only_gets_name_and_password_one_by_one() -> None:
    asking = Asking()
    talk = Conversation(ehlo=WITHOUT_PLAIN, auth=asking)
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port)) as post:
        (ended,) = post.send()

    assert ended.outcome is Outcome.ACCEPTED
    assert "AUTH LOGIN" in talk.commands
    assert asking.heard == ["yemotd", PASSWORD.value]


def test_a_method_that_is_offered_but_not_known_is_passed_over() -> None:
    talk = Conversation(ehlo=WITH_LOGIN, auth=[b"504 5.5.4 Unknown\r\n", Asking()])
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port)) as post:
        (ended,) = post.send()

    assert ended.outcome is Outcome.ACCEPTED
    assert talk.verbs.count("AUTH") == 2


@pytest.mark.parametrize("ehlo", [WITH_LOGIN, WITHOUT_PLAIN], ids=["PLAIN", "LOGIN"])
def test_a_server_that_repeats_the_password_does_not_bring_it_into_words(ehlo: bytes) -> None:
    plain = base64.b64encode(f"\0yemotd\0{PASSWORD.value}".encode())
    alone = base64.b64encode(PASSWORD.value.encode())
    talk = Conversation(
        ehlo=ehlo, auth=b"535 5.7.8 No: " + b" ".join([plain, alone, PASSWORD.value.encode()]) + b"\r\n"
    )
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port)) as post:
        (ended,) = post.send()
        shown = f"{ended} {post.sender.server}"

    assert (ended.error or "").startswith("535 5.7.8 No: *** *** ***; not tried again before ")
    assert not [secret for secret in (PASSWORD.value, plain.decode(), alone.decode()) if secret in shown]
