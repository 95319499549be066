"""Whom mail is handed to, and what they get to see: TLS or nothing, and one try of a password."""

import base64
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import pytest

from daemon import clock
from daemon.core.delivery import Outcome
from daemon.core.model import Secret
from daemon.senders.smtp import Security, Server
from tests.certificates import Authority, server_side
from tests.faults import PATIENCE, FaultReceiver, Line, Script
from tests.senders.mails import PASSWORD, posting, server, to, trusting, with_login
from tests.smtp import FINE, Answer, Conversation, MailServer, dropping

LONG_PAST = datetime(2001, 1, 1, tzinfo=UTC)
BOTH = pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
STARTTLS = b"250-mail.test\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"
WITH_LOGIN = b"250-mail.test\r\n250 AUTH CRAM-MD5 PLAIN LOGIN\r\n"
WITHOUT_PLAIN = b"250-mail.test\r\n250 AUTH=LOGIN\r\n"
REFUSED = b"535 5.7.8 Wrong\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """Another authority."""
    return Authority(tmp_path, "stranger")


class Time:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@BOTH
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_authority_of_one_s_own_and_a_login_are_enough(
    authority: Authority, security: Security, host: str
) -> None:
    tls = server_side(authority.issue(host))
    login = ("yemotd", PASSWORD.value)
    with MailServer(tls=tls, is_implicit=security is Security.TLS, login=login) as mails:
        one = trusting(server(mails.port, security), authority.pem, host)
        with posting(with_login(one)) as post:
            first, second = post.send(to("a@pbx.test"), to("b@pbx.test"))

    assert [first.outcome, second.outcome] == [Outcome.ACCEPTED] * 2, first.error
    assert 0 < first.phases.connected < first.phases.secured < first.phases.answered < first.phases.total
    assert second.phases.secured == 0
    assert (mails.connections, len(mails.mails)) == (1, 2)
    assert mails.logins == [("PLAIN", PASSWORD.value)]


@BOTH
@pytest.mark.parametrize(
    ("issue", "why"),
    [
        (lambda ours, _: ours.issue("127.0.0.1", until=LONG_PAST), "certificate has expired"),
        (lambda ours, _: ours.issue("mail.example"), "IP address mismatch"),
        (lambda _, strangers: strangers.issue("127.0.0.1"), "unable to get local issuer certificate"),
    ],
    ids=["expired", "another host's", "of an authority that nobody knows"],
)
def test_a_certificate_that_does_not_hold_gets_nothing_to_read(
    authority: Authority,
    stranger: Authority,
    security: Security,
    issue: Callable[[Authority, Authority], Path],
    why: str,
) -> None:
    tls = server_side(issue(authority, stranger))
    talk = Conversation(tls, ehlo=STARTTLS)
    with FaultReceiver(talk, tls=tls if security is Security.TLS else None) as receiver:
        one = trusting(server(receiver.port, security), authority.pem)
        with posting(with_login(one)) as post:
            ended = post.send(to("a@pbx.test"), to("b@pbx.test"))
        lines = len(receiver.lines)

    assert [one.outcome for one in ended] == [Outcome.UNTRUSTED] * 2
    assert (ended[0].error or "").startswith("TLS: ")
    assert why in (ended[0].error or "")
    assert lines == 1
    assert talk.verbs == (["EHLO", "STARTTLS"] if security is Security.STARTTLS else [])


def test_an_authority_of_one_s_own_is_nobody_else_s(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the environment say whom to trust, or where to write keys."""
    keys = authority.pem.with_name("keys")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    with (
        FaultReceiver(Conversation(), tls=server_side(authority.issue("127.0.0.1"))) as receiver,
        posting(server(receiver.port, Security.TLS)) as post,
    ):
        (ended,) = post.send()

    assert ended.outcome is Outcome.UNTRUSTED
    assert not keys.exists()


@pytest.mark.parametrize("content", [None, b"", b"nonsense"], ids=["gone", "empty", "nonsense"])
def test_a_file_of_authorities_that_is_of_no_use_is_the_mail_s_failure(
    authority: Authority, tmp_path: Path, content: bytes | None
) -> None:
    trusted = tmp_path / "trusted.pem"
    if content is not None:
        trusted.write_bytes(content)
    with (
        FaultReceiver(Conversation(), tls=server_side(authority.issue("127.0.0.1"))) as receiver,
        posting(trusting(server(receiver.port, Security.TLS), trusted)) as post,
    ):
        (ended,) = post.send()

    assert ended.outcome is Outcome.UNTRUSTED
    assert (ended.error or "").startswith(f"{trusted}: ")


def test_a_server_of_an_old_tls_is_not_trusted(authority: Authority) -> None:
    old = server_side(authority.issue("127.0.0.1"))
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        FaultReceiver(Conversation(), tls=old) as receiver,
        posting(trusting(server(receiver.port, Security.TLS), authority.pem)) as post,
    ):
        (ended,) = post.send()

    assert ended.outcome is Outcome.UNTRUSTED


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"ehlo": WITH_LOGIN}, Outcome.UNTRUSTED),
        ({"ehlo": b"502 5.5.1 What?\r\n"}, Outcome.UNTRUSTED),
        ({"ehlo": STARTTLS, "starttls": b"502 5.5.1 What?\r\n"}, Outcome.UNTRUSTED),
        ({"ehlo": STARTTLS, "starttls": b"454 4.7.0 Not now\r\n"}, Outcome.FAILED),
        ({"ehlo": STARTTLS, "starttls": dropping}, Outcome.UNREACHABLE),
        ({"ehlo": STARTTLS, "starttls": b"220 Go\r\n250 2.0.0 Fine\r\n"}, Outcome.UNTRUSTED),
        ({"ehlo": STARTTLS, "starttls": b"220 Go\r\n250-mail.test\r\n250 AUTH PLAIN\r\n"}, Outcome.UNTRUSTED),
    ],
    ids=[
        "not offered",
        "only HELO",
        "refused",
        "not now",
        "lost",
        "an answer too many",
        "EHLO's answer, too",
    ],
)
def test_without_tls_nothing_is_said(answers: dict[str, Answer], outcome: Outcome) -> None:
    talk = Conversation(None, **answers)
    with (
        FaultReceiver(talk) as receiver,
        posting(with_login(server(receiver.port, Security.STARTTLS))) as post,
    ):
        (ended,) = post.send()

    assert ended.outcome is outcome
    assert not {"AUTH", "MAIL"} & set(talk.verbs)


def test_what_was_offered_before_tls_is_forgotten(authority: Authority) -> None:
    """Somebody on the way may have offered it."""
    tls = server_side(authority.issue("127.0.0.1"))
    talk = Conversation(tls, ehlo=[STARTTLS, b"250 mail.test\r\n"])
    with (
        FaultReceiver(talk) as receiver,
        posting(with_login(trusting(server(receiver.port, Security.STARTTLS), authority.pem))) as post,
    ):
        (ended,) = post.send()

    assert ended.outcome is Outcome.FORBIDDEN
    assert talk.verbs[:3] == ["EHLO", "STARTTLS", "EHLO"]
    assert "AUTH" not in talk.verbs


def until_the_handshake(line: Line, security: Security) -> None:
    if security is Security.STARTTLS:
        line.say(b"220 mail.test ESMTP\r\n")
        for answer in (STARTTLS, b"220 Go ahead\r\n"):
            line.until(b"\r\n")
            line.say(answer)


@pytest.mark.parametrize("how", [dropping, Line.reset], ids=["closed", "reset"])
@BOTH
def test_a_handshake_that_breaks_says_nothing_of_trust(
    authority: Authority, security: Security, how: Script
) -> None:
    def breaking(line: Line) -> None:
        until_the_handshake(line, security)
        line.hear()
        how(line)

    with FaultReceiver(breaking) as receiver:
        one = trusting(server(receiver.port, security), authority.pem)
        with posting(one) as post:
            (ended,) = post.send()

    assert ended.outcome is Outcome.UNREACHABLE
    assert (ended.error or "").startswith("TLS: ")


@BOTH
def test_a_handshake_that_drips_cannot_stretch_the_deadline(authority: Authority, security: Security) -> None:
    def dripping(line: Line) -> None:
        until_the_handshake(line, security)
        line.hear()
        line.say(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB
        line.drip(repeat(b"\x00"))

    with FaultReceiver(dripping) as receiver:
        one = trusting(server(receiver.port, security, timeout=0.2), authority.pem)
        with posting(one) as post:
            (ended,) = post.send()

    assert (ended.outcome, ended.error) == (Outcome.TIMEOUT, "TLS: timed out")
    assert ended.took < timedelta(seconds=3)


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


def test_a_success_starts_the_waits_from_the_beginning() -> None:
    time = Time()
    talk = Conversation(ehlo=WITH_LOGIN, auth=[REFUSED, REFUSED, b"235 2.7.0 Hi\r\n", REFUSED])
    with FaultReceiver(talk) as receiver, posting(login_server(receiver.port), monotonic=time) as post:
        outcomes = []
        for minutes in (0, 1, 2, 1, 1):  # the fourth: over a new connection, as the old one rested
            time.now += minutes * 60
            outcomes += [one.outcome for one in post.send()]

    assert outcomes == [Outcome.FORBIDDEN] * 2 + [Outcome.ACCEPTED] + [Outcome.FORBIDDEN] * 2
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
