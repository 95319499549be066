"""Whom mail is handed to: with TLS to the one whose certificate holds, or to nobody."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.senders.smtp import Security
from tests.support.bad_receiver import FaultReceiver, Line, Script
from tests.support.certificates import Authority, server_side
from tests.support.mails import PASSWORD, posting, server, to, trusting, with_login
from tests.support.smtp import Answer, Conversation, MailServer, dropping

LONG_PAST = datetime(2001, 1, 1, tzinfo=UTC)
BOTH = pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
STARTTLS = b"250-mail.test\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"
WITH_LOGIN = b"250-mail.test\r\n250 AUTH CRAM-MD5 PLAIN LOGIN\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """Another authority."""
    return Authority(tmp_path, "stranger")


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
