"""Proxies, each endpoint's own; and the environment, which may name others and is not asked."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import FINAL, Outcome
from daemon.senders.webhook import WebhookSender
from tests.support.attempts import attempt, target
from tests.support.bad_receiver import (
    FaultReceiver,
    Line,
    Script,
    accepting,
    answer,
    answering,
    head,
    resetting_after,
)
from tests.support.certificates import Authority, server_side

HOOK = "https://crm.example/hook"
"""Of a name that only a proxy could resolve."""


def tunnel(inside: ssl.SSLContext) -> Script:
    """A proxy that tunnels, and at the tunnel's other end a receiver."""

    def script(line: Line) -> None:
        line.request()
        line.say(head(200))
        line.secure(inside)
        accepting(line)

    return script


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_proxy_is_handed_the_message_with_its_whole_address(sender: WebhookSender) -> None:
    """The name is the proxy's to resolve, and where it leads the proxy's to judge."""
    with FaultReceiver(accepting) as proxy:
        to = replace(target("http://crm.example:8080/hook?a=1"), proxy=proxy.origin)
        (ended,) = attempt(sender, to)

    assert (ended.outcome, ended.address) == (Outcome.ACCEPTED, "127.0.0.1")
    assert proxy.received[0].first == "POST http://crm.example:8080/hook?a=1 HTTP/1.1"
    assert proxy.received[0].headers["host"] == "crm.example:8080"


def test_through_a_tunnel_a_proxy_learns_the_name_and_nothing_else(
    sender: WebhookSender, authority: Authority
) -> None:
    with FaultReceiver(tunnel(server_side(authority.issue("crm.example")))) as proxy:
        to = replace(target(HOOK), headers=(("authorization", "Bearer ours"),), ca_file=authority.pem)
        (ended,) = attempt(sender, replace(to, proxy=proxy.origin.replace("//", "//us:pass%20word@")))

    asked, told = proxy.received
    assert (ended.outcome, ended.http_status) == (Outcome.ACCEPTED, 200)
    assert asked.first == "CONNECT crm.example:443 HTTP/1.1"
    assert asked.headers.keys() == {"host", "user-agent", "proxy-connection", "proxy-authorization"}
    assert asked.headers["proxy-authorization"] == "Basic dXM6cGFzcyB3b3Jk"
    assert told.first == "POST /hook HTTP/1.1"
    assert told.headers["authorization"] == "Bearer ours"
    assert "proxy-authorization" not in told.headers


def test_a_tunnel_s_other_end_has_to_prove_who_it_is(sender: WebhookSender, authority: Authority) -> None:
    with FaultReceiver(tunnel(server_side(authority.issue("evil.example")))) as proxy:
        (ended,) = attempt(sender, replace(target(HOOK), ca_file=authority.pem, proxy=proxy.origin))

    assert ended.outcome is Outcome.UNTRUSTED
    assert [one.first for one in proxy.received] == ["CONNECT crm.example:443 HTTP/1.1"]


@pytest.mark.parametrize("status", [301, 400, 403, 407, 410, 429, 502, 503])
def test_a_proxy_s_refusal_is_not_the_receiver_s(sender: WebhookSender, status: int) -> None:
    """Else 410 from a proxy would end the endpoint, and 400 the message."""
    refusal = answer(status, b"not through here", retry_after="60")
    with FaultReceiver(answering(refusal)) as proxy:
        (ended,) = attempt(sender, replace(target(HOOK), proxy=proxy.origin))

    assert (ended.outcome, ended.http_status) == (Outcome.UNREACHABLE, None)
    assert str(status) in (ended.error or "")


def test_a_proxy_that_wants_to_know_who_we_are_costs_no_message(sender: WebhookSender) -> None:
    with FaultReceiver(answering(answer(407, proxy_authenticate="Basic"))) as proxy:
        (ended,) = attempt(sender, replace(target("http://crm.example/"), proxy=proxy.origin))

    assert ended.outcome not in FINAL


@pytest.mark.parametrize(
    "script", [lambda line: line.reset(), resetting_after(b""), resetting_after(b"HTTP/1.1 200 OK\r\n")]
)
@pytest.mark.parametrize("url", [HOOK, "http://crm.example/hook"])
def test_a_proxy_that_breaks_off_is_the_network_s_failure(
    sender: WebhookSender, script: Script, url: str
) -> None:
    with FaultReceiver(script) as proxy:
        (ended,) = attempt(sender, replace(target(url), proxy=proxy.origin))

    assert ended.outcome is Outcome.UNREACHABLE


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_proxy_with_tls_is_trusted_as_the_receiver_is(
    sender: WebhookSender, authority: Authority, is_trusted: bool
) -> None:
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as proxy:
        to = replace(target("http://crm.example/"), proxy=proxy.origin)
        (ended,) = attempt(sender, replace(to, ca_file=authority.pem) if is_trusted else to)

    assert ended.outcome is (Outcome.ACCEPTED if is_trusted else Outcome.UNTRUSTED)
    assert len(proxy.received) == is_trusted


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("value", ["*", "127.0.0.1", "crm.example,127.0.0.0/8"])
def test_the_environment_cannot_lead_past_an_endpoint_s_proxy(
    sender: WebhookSender, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with FaultReceiver(accepting) as receiver, FaultReceiver(accepting) as proxy:
        attempt(sender, replace(target(receiver.url), proxy=proxy.origin))

    assert len(proxy.received) == 1
    assert receiver.lines == []


@pytest.mark.parametrize("is_secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    "name", ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
)
def test_a_proxy_in_the_environment_is_not_asked(
    sender: WebhookSender,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    is_secure: bool,
) -> None:
    tls = server_side(authority.issue("127.0.0.1")) if is_secure else None
    with FaultReceiver(accepting) as trap, FaultReceiver(accepting, tls=tls) as receiver:
        monkeypatch.setenv(name, trap.origin)
        (ended,) = attempt(sender, replace(target(receiver.url), ca_file=authority.pem))

    assert ended.outcome is Outcome.ACCEPTED
    assert trap.lines == []


@pytest.mark.parametrize("place", ["receiver", "proxy"])
@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_an_authority_in_the_environment_is_not_trusted(
    sender: WebhookSender,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    place: str,
) -> None:
    monkeypatch.setenv(name, str(authority.pem))
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as server:
        to = target(server.url)
        if place == "proxy":
            to = replace(to, url="http://crm.example/", proxy=server.origin)
        (ended,) = attempt(sender, to)

    assert ended.outcome is Outcome.UNTRUSTED
    assert server.received == []


def test_the_environment_cannot_take_trust_away(
    sender: WebhookSender, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    with FaultReceiver(accepting, tls=server_side(authority.issue("127.0.0.1"))) as receiver:
        (ended,) = attempt(sender, replace(target(receiver.url), ca_file=authority.pem))

    assert ended.outcome is Outcome.ACCEPTED


def test_credentials_that_lie_about_are_not_used(
    sender: WebhookSender, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login us password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with FaultReceiver(answering(answer(401, www_authenticate='Basic realm="us"'))) as receiver:
        attempt(sender, target(receiver.url))

    (request,) = receiver.received
    assert "authorization" not in request.headers
