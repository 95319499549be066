"""Whom the sender trusts, and what it shows of itself. Whoever does not hold gets nothing to read."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import NETWORK, Outcome
from daemon.senders.webhook import WebhookSender
from daemon.senders.webhook_attempt import Target
from tests.support.attempts import attempt, target
from tests.support.bad_receiver import FaultReceiver, Line, Script, accepting, answer, saying, silent
from tests.support.certificates import Authority, server_side

LONG_PAST = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """Another authority."""
    return Authority(tmp_path, "stranger")


def secured(receiver: FaultReceiver, authority: Authority, host: str = "127.0.0.1") -> Target:
    return replace(target(receiver.url.replace("127.0.0.1", host)), ca_file=authority.pem)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_authority_of_one_s_own_is_enough(sender: WebhookSender, authority: Authority, host: str) -> None:
    with FaultReceiver(accepting, tls=server_side(authority.issue(host))) as receiver:
        (ended,) = attempt(sender, secured(receiver, authority, host))

    assert (ended.outcome, ended.error) == (Outcome.ACCEPTED, None)
    assert 0 < ended.phases.connected < ended.phases.secured < ended.phases.answered <= ended.phases.total


def test_files_may_have_hebrew_names(
    sender: WebhookSender, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    for file, name in ((authority.pem, "רשות.pem"), (stranger.issue("yemotd"), "אנחנו.pem")):
        (tmp_path / name).write_bytes(file.read_bytes())
    with FaultReceiver(accepting, tls=demanding(authority, stranger, ssl.TLSVersion.TLSv1_3)) as receiver:
        to = secured(receiver, authority)
        to = replace(to, ca_file=tmp_path / "רשות.pem", certificate=tmp_path / "אנחנו.pem")
        (ended,) = attempt(sender, to)

    assert (ended.outcome, ended.error) == (Outcome.ACCEPTED, None)


@pytest.mark.parametrize(
    ("issue", "why"),
    [
        (lambda ours, _: ours.issue("127.0.0.1", until=LONG_PAST), "has expired"),
        (lambda ours, _: ours.issue("crm.example"), "subject name"),
        (lambda ours, _: ours.issue("127.0.0.2"), "subject name"),
        (lambda _, strangers: strangers.issue("127.0.0.1"), "local issuer"),
    ],
    ids=["expired", "another host's", "another address's", "of an authority that nobody knows"],
)
def test_a_certificate_that_does_not_hold_gets_nothing_to_read(
    sender: WebhookSender,
    authority: Authority,
    stranger: Authority,
    issue: Callable[[Authority, Authority], Path],
    why: str,
) -> None:
    with FaultReceiver(accepting, tls=server_side(issue(authority, stranger))) as receiver:
        (ended,) = attempt(sender, secured(receiver, authority))

    assert (ended.outcome, ended.http_status) == (Outcome.UNTRUSTED, None)
    assert why in (ended.error or "")
    assert receiver.received == []


def test_an_authority_of_one_s_own_is_nobody_else_s(sender: WebhookSender, authority: Authority) -> None:
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as receiver:
        (ended,) = attempt(sender, target(receiver.url))

    assert ended.outcome is Outcome.UNTRUSTED
    assert receiver.received == []


def test_a_connection_is_not_lent_to_a_target_that_trusts_others(
    sender: WebhookSender, authority: Authority, stranger: Authority
) -> None:
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as receiver:
        attempt(sender, secured(receiver, authority))
        (ended,) = attempt(sender, secured(receiver, stranger))

    assert ended.outcome is Outcome.UNTRUSTED
    assert len(receiver.received) == 1


@pytest.mark.parametrize("place", ["receiver", "proxy"])
def test_a_reload_reads_the_file_of_authorities_again(
    sender: WebhookSender, authority: Authority, stranger: Authority, tmp_path: Path, place: str
) -> None:
    """Its name is the same; what it says is not."""
    trusted = tmp_path / "trusted.pem"
    ended = []
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as server:
        to = replace(target(server.url), ca_file=trusted)
        if place == "proxy":
            to = replace(to, url="http://crm.example/", proxy=server.origin)
        for one in (stranger, authority, stranger):
            trusted.write_bytes(one.pem.read_bytes())
            ended += attempt(sender, replace(to))

    assert [one.outcome for one in ended] == [Outcome.UNTRUSTED, Outcome.ACCEPTED, Outcome.UNTRUSTED]
    assert len(server.received) == 1


@pytest.mark.parametrize("content", [None, b"", b"nonsense"], ids=["gone", "empty", "nonsense"])
def test_a_file_of_authorities_that_is_of_no_use_is_the_attempt_s_failure(
    sender: WebhookSender, authority: Authority, tmp_path: Path, content: bytes | None
) -> None:
    trusted = tmp_path / "trusted.pem"
    if content is not None:
        trusted.write_bytes(content)
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as receiver:
        (ended,) = attempt(sender, replace(target(receiver.url), ca_file=trusted))

    assert ended.outcome is Outcome.UNTRUSTED
    assert receiver.received == []


versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def demanding(authority: Authority, clients: Authority, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = server_side(authority.issue("127.0.0.1"), clients=clients.pem)
    context.minimum_version = context.maximum_version = version
    return context


@versions
@pytest.mark.parametrize("is_split", [False, True], ids=["one file", "two files"])
def test_a_receiver_that_demands_a_certificate_gets_ours(
    sender: WebhookSender,
    authority: Authority,
    stranger: Authority,
    tmp_path: Path,
    version: ssl.TLSVersion,
    is_split: bool,
) -> None:
    ours = stranger.issue("yemotd")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    first, between, second = ours.read_text().partition("-----BEGIN PRIVATE KEY-----")
    certificate.write_text(first)
    key.write_text(between + second)
    with FaultReceiver(accepting, tls=demanding(authority, stranger, version)) as receiver:
        to = secured(receiver, authority)
        to = replace(to, certificate=certificate, key=key) if is_split else replace(to, certificate=ours)
        (ended,) = attempt(sender, to)

    assert (ended.outcome, ended.error) == (Outcome.ACCEPTED, None)


@versions
@pytest.mark.parametrize("shown", [None, "another authority's"])
def test_a_receiver_that_demands_another_certificate_is_not_mistaken_for_a_broken_network(
    sender: WebhookSender,
    authority: Authority,
    stranger: Authority,
    version: ssl.TLSVersion,
    shown: str | None,
) -> None:
    """In TLS 1.3 it can say so only when the handshake is over for us."""
    with FaultReceiver(accepting, tls=demanding(authority, stranger, version)) as receiver:
        to = secured(receiver, authority)
        (ended,) = attempt(sender, replace(to, certificate=authority.issue("yemotd")) if shown else to)

    assert ended.outcome is Outcome.UNTRUSTED
    assert "alert" in (ended.error or "")
    assert receiver.received == []


@pytest.mark.parametrize("missing", ["certificate", "key"])
def test_a_certificate_of_ours_that_is_of_no_use_is_the_attempt_s_failure(
    sender: WebhookSender, authority: Authority, tmp_path: Path, missing: str
) -> None:
    ours, nowhere = authority.issue("yemotd"), tmp_path / "nowhere.pem"
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as receiver:
        certificate, key = (nowhere, ours) if missing == "certificate" else (ours, nowhere)
        (ended,) = attempt(sender, replace(secured(receiver, authority), certificate=certificate, key=key))

    assert ended.outcome is Outcome.UNTRUSTED
    assert "nowhere.pem" in (ended.error or "")


def test_a_key_that_belongs_to_another_certificate_is_the_attempt_s_failure(
    sender: WebhookSender, authority: Authority
) -> None:
    ours, other = authority.issue("yemotd"), authority.issue("other")
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as receiver:
        (ended,) = attempt(sender, replace(secured(receiver, authority), certificate=ours, key=other))

    assert ended.outcome is Outcome.UNTRUSTED


def hears_one(then: Callable[[Line], None]) -> Script:
    """Waits for the client's first words, which TLS would answer."""

    def script(line: Line) -> None:
        line.hear()
        then(line)

    return script


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (hears_one(lambda line: line.say(answer(400))), Outcome.UNTRUSTED),
        (hears_one(lambda line: line.reset()), Outcome.UNREACHABLE),
        (hears_one(lambda line: line.close()), Outcome.UNREACHABLE),
        (lambda line: line.reset(), Outcome.UNREACHABLE),
        (silent, Outcome.TIMEOUT),
    ],
    ids=["plain HTTP", "reset", "closed", "reset at once", "silence"],
)
def test_a_handshake_that_comes_to_nothing(sender: WebhookSender, script: Script, outcome: Outcome) -> None:
    with FaultReceiver(script) as receiver:
        to = target(receiver.url.replace("http:", "https:"), timeout=60)
        (ended,) = attempt(sender, replace(to, connect_timeout=timedelta(seconds=0.2)))

    assert (ended.outcome, ended.http_status) == (outcome, None)
    assert (ended.outcome in NETWORK) is (outcome is not Outcome.UNTRUSTED)
    assert ended.took < timedelta(seconds=3)


@pytest.mark.parametrize(
    "script", [saying(b""), lambda line: (line.request(), line.reset())], ids=["closed", "reset"]
)
def test_what_breaks_after_the_handshake_is_the_network_s_failure(
    sender: WebhookSender, authority: Authority, script: Script
) -> None:
    with FaultReceiver(script, tls=server_side(authority.issue("127.0.0.1"))) as receiver:
        (ended,) = attempt(sender, secured(receiver, authority))

    assert ended.outcome is Outcome.UNREACHABLE


def test_plain_http_at_a_port_of_tls_is_no_answer(sender: WebhookSender, authority: Authority) -> None:
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as receiver:
        (ended,) = attempt(sender, target(receiver.url.replace("https:", "http:"), timeout=0.3))

    assert ended.outcome in NETWORK
    assert receiver.received == []
