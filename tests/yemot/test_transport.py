"""The transport against servers that misbehave: deadlines, limits, trust, and what is sent twice."""

import gzip
import logging
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from daemon.core.model import Failure, Unknown
from daemon.host.clock import monotonic
from daemon.yemot.bounded_json import MAX_BODY
from daemon.yemot.transport import Reply, Request, Timeouts, Transport, tls_context
from tests.support.bad_server import (
    Peer,
    ScriptedServer,
    Step,
    answers,
    cuts,
    drips,
    hangs,
    http,
    sends,
    sends_and_cuts,
)

QUICK = Timeouts(timedelta(seconds=5), timedelta(seconds=5), timedelta(seconds=0.3))
PATIENT = Timeouts(timedelta(seconds=5), timedelta(seconds=5), timedelta(seconds=10))
LATE = 3.0
"""Seconds: far above the deadline, far below what the server would take."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(PATIENT, monotonic=monotonic)
    yield made
    made.close()


@pytest.fixture
def quick() -> Iterator[Transport]:
    made = Transport(QUICK, monotonic=monotonic)
    yield made
    made.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private authority's certificate, and beside it a server's: `leaf.pem`, `leaf.key`."""
    folder = tmp_path_factory.mktemp("tls")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl(folder, "req", "-x509", *key, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    leaf = [
        "-subj",
        "/CN=leaf",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
    ]
    openssl(folder, "req", "-x509", *key, *leaf, "-keyout", "leaf.key", "-out", "leaf.pem")
    return folder / "ca.pem"


@pytest.fixture
def server_tls(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.with_name("leaf.pem"), authority.with_name("leaf.key"))
    return context


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607


def get(transport: Transport, url: str, *, repeatable: bool = True) -> Reply | Unknown:
    return transport.send(Request("GET", url + "Method", {"authorization": "t"}), repeatable=repeatable)


def failure(reply: Reply | Unknown) -> Failure:
    assert isinstance(reply, Unknown), reply
    return reply.failure


def body(reply: Reply | Unknown) -> bytes:
    assert isinstance(reply, Reply), reply
    return reply.body


def test_an_answer_comes_with_its_status_and_the_headers_that_matter(transport: Transport) -> None:
    headers = ("Content-Type: text/x", "Date: Mon, 23 Nov 2026 01:02:03 GMT", "Retry-After: 7")
    with ScriptedServer(answers("hello", *headers, status="429 Slow Down")) as server:
        reply = get(transport, server.url)
    assert reply == Reply(429, b"hello", "text/x", "Mon, 23 Nov 2026 01:02:03 GMT", "7")


def test_the_connection_is_kept_for_the_next_read(transport: Transport) -> None:
    with ScriptedServer(*[answers("{}")] * 5) as server:
        for _ in range(5):
            get(transport, server.url)
        assert server.connections == 1


@pytest.mark.parametrize(
    "step",
    [
        hangs,
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", every=0.05),
        drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drips(HEAD + b"\r\n"),
        drips(b"HTTP/1.1 200 OK\r\n\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drips(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"a")[:10], b"\x00"),
    ],
    ids=["silence", "status", "header", "headers", "continue", "body", "endless", "chunks", "gzip"],
)
def test_the_deadline_holds_however_slowly_the_server_drips(quick: Transport, step: Step) -> None:
    with ScriptedServer(step) as server:
        started = monotonic()
        assert failure(get(quick, server.url)) in (Failure.TIMEOUT, Failure.MALFORMED)
        assert monotonic() - started < LATE


@pytest.mark.parametrize("step", [hangs, drips(HEAD + b"\r\n"), drips(HEAD + b"X-Slow: ")])
def test_a_deadline_that_passed_is_a_timeout(quick: Transport, step: Step) -> None:
    with ScriptedServer(step) as server:
        assert failure(get(quick, server.url)) is Failure.TIMEOUT


def test_the_deadline_is_read_on_the_clock_that_is_given() -> None:
    hurried = count(0.0, 4.0)
    transport = Transport(PATIENT, monotonic=lambda: next(hurried))

    with ScriptedServer(answers("{}")) as server:
        assert failure(get(transport, server.url)) is Failure.TIMEOUT
    transport.close()


def test_a_silence_longer_than_the_read_timeout_ends_the_call_before_the_deadline() -> None:
    timeouts = Timeouts(timedelta(seconds=5), timedelta(seconds=0.2), timedelta(seconds=60))
    transport = Transport(timeouts, monotonic=monotonic)
    with ScriptedServer(sends(HEAD + b"\r\nsome"), hangs) as server:
        started = monotonic()
        assert failure(get(transport, server.url)) is Failure.TIMEOUT
        assert monotonic() - started < LATE
    transport.close()


def test_the_deadline_holds_on_a_kept_alive_connection(quick: Transport) -> None:
    with ScriptedServer(answers("{}"), drips(HEAD + b"\r\n")) as server:
        get(quick, server.url)
        started = monotonic()
        assert failure(get(quick, server.url)) is Failure.TIMEOUT
        assert monotonic() - started < LATE
        assert server.connections == 1


def test_a_handshake_that_never_ends_is_a_timeout() -> None:
    transport = Transport(
        Timeouts(timedelta(seconds=0.2), timedelta(seconds=60), timedelta(seconds=60)), monotonic=monotonic
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = monotonic()
        reply = get(transport, f"https://127.0.0.1:{silent.getsockname()[1]}/")
        assert failure(reply) is Failure.TIMEOUT
        assert monotonic() - started < LATE
    transport.close()


def test_the_deadline_holds_over_tls(authority: Path, server_tls: ssl.SSLContext) -> None:
    transport = Transport(QUICK, ca_file=authority, monotonic=monotonic)
    with ScriptedServer(drips(HEAD + b"\r\n"), tls=server_tls) as server:
        started = monotonic()
        assert failure(get(transport, server.url)) is Failure.TIMEOUT
        assert monotonic() - started < LATE
    transport.close()


def test_a_port_where_nobody_listens_is_unreachable(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    reply = get(transport, f"http://127.0.0.1:{port}/")
    assert reply == Unknown(Failure.UNREACHABLE, "no connection: Connection refused", is_unsent=True)


def hangs_up(peer: Peer) -> bool:
    return False


@pytest.mark.parametrize("step", [hangs, hangs_up, sends(HEAD)], ids=["hangs", "hangs up", "is cut short"])
def test_what_has_left_may_have_been_carried_out_whatever_came_back(quick: Transport, step: Step) -> None:
    with ScriptedServer(step) as server:
        reply = get(quick, server.url, repeatable=False)
    assert isinstance(reply, Unknown)
    assert not reply.is_unsent


def test_a_second_try_that_did_not_leave_says_nothing_of_the_first(transport: Transport) -> None:
    with ScriptedServer(answers("{}"), hangs_up) as server:
        url = server.url
        get(transport, url)
        server.stop_listening()
        reply = get(transport, url)
    assert isinstance(reply, Unknown)
    assert not reply.is_unsent


def test_a_server_that_is_not_trusted_has_seen_nothing_of_the_request(server_tls: ssl.SSLContext) -> None:
    transport = Transport(QUICK, monotonic=monotonic)
    with ScriptedServer(answers("{}"), tls=server_tls) as server:
        reply = get(transport, server.url)
        assert isinstance(reply, Unknown)
        assert reply.is_unsent
        assert server.requests == []
    transport.close()


def test_a_name_that_does_not_exist_is_unreachable(transport: Transport) -> None:
    reply = get(transport, "http://" + "x" * 64 + ".invalid/")
    assert failure(reply) is Failure.UNREACHABLE


@pytest.mark.parametrize(
    "data",
    [
        http("{}", length=100),
        http("", length=5),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
)
def test_an_answer_that_was_cut_short_is_none(transport: Transport, data: bytes) -> None:
    with ScriptedServer(sends_and_cuts(data)) as server:
        assert get(transport, server.url) == Unknown(Failure.MALFORMED, "the answer was cut short")


def test_something_that_does_not_speak_http_is_filtered(transport: Transport) -> None:
    with ScriptedServer(sends_and_cuts(b"220 smtp.example.org ESMTP\r\n")) as server:
        assert failure(get(transport, server.url)) is Failure.FILTERED


def test_a_gzipped_answer_is_decoded(transport: Transport) -> None:
    with ScriptedServer(answers(gzip.compress(b"hello"), "Content-Encoding: gzip")) as server:
        assert body(get(transport, server.url)) == b"hello"


def test_a_broken_gzip_is_malformed(transport: Transport) -> None:
    with ScriptedServer(answers(b"no gzip at all", "Content-Encoding: gzip")) as server:
        assert failure(get(transport, server.url)) is Failure.MALFORMED


def test_a_body_at_the_limit_passes_and_one_beyond_does_not(transport: Transport) -> None:
    with ScriptedServer(answers(b"x" * MAX_BODY), answers(b"x" * (MAX_BODY + 1))) as server:
        assert len(body(get(transport, server.url))) == MAX_BODY
        assert failure(get(transport, server.url)) is Failure.MALFORMED


def test_the_limit_holds_after_decoding(transport: Transport) -> None:
    bomb = gzip.compress(bytes(MAX_BODY + 1))
    with ScriptedServer(answers(bomb, "Content-Encoding: gzip")) as server:
        assert failure(get(transport, server.url)) is Failure.MALFORMED


def test_a_read_on_a_stale_connection_is_sent_again_on_a_new_one(transport: Transport) -> None:
    with ScriptedServer(answers("one"), cuts, answers("two")) as server:
        get(transport, server.url)
        assert body(get(transport, server.url)) == b"two"
        assert [one.connection for one in server.requests] == [0, 0, 1]


def test_a_read_is_sent_again_only_once(transport: Transport) -> None:
    with ScriptedServer(answers("one"), cuts, cuts, answers("never")) as server:
        get(transport, server.url)
        assert failure(get(transport, server.url)) is Failure.UNREACHABLE
        assert len(server.requests) == 3


def test_a_read_that_dies_on_a_new_connection_is_not_sent_again(transport: Transport) -> None:
    with ScriptedServer(cuts, answers("never")) as server:
        assert failure(get(transport, server.url)) is Failure.UNREACHABLE
        assert len(server.requests) == 1


def test_a_read_that_dies_within_its_answer_is_not_sent_again(transport: Transport) -> None:
    with ScriptedServer(answers("one"), sends_and_cuts(http("{", length=9)), answers("never")) as server:
        get(transport, server.url)
        assert failure(get(transport, server.url)) is Failure.MALFORMED
        assert len(server.requests) == 2


def test_what_is_not_repeatable_goes_out_once_and_on_a_new_connection(transport: Transport) -> None:
    with ScriptedServer(answers("one"), cuts, answers("never")) as server:
        get(transport, server.url)
        assert failure(get(transport, server.url, repeatable=False)) is Failure.UNREACHABLE
        assert [one.connection for one in server.requests] == [0, 1]


def test_a_new_connection_over_tls_replaces_the_kept_one(authority: Path, server_tls: ssl.SSLContext) -> None:
    transport = Transport(PATIENT, ca_file=authority, monotonic=monotonic)
    with ScriptedServer(*[answers("{}")] * 3, tls=server_tls) as server:
        for repeatable in (True, False, True):
            assert body(get(transport, server.url, repeatable=repeatable)) == b"{}"
        assert [one.connection for one in server.requests] == [0, 1, 1]
    transport.close()


def test_redirects_are_not_followed_and_cookies_not_kept(transport: Transport) -> None:
    moved = answers("", "Location: /elsewhere", "Set-Cookie: a=b", status="302 Found")
    with ScriptedServer(moved, answers("{}")) as server:
        reply = get(transport, server.url)
        get(transport, server.url)
        assert isinstance(reply, Reply) and reply.status == 302
        assert [one.target for one in server.requests] == ["/ym/api/Method"] * 2
        assert all("cookie" not in one.headers for one in server.requests)


def test_proxies_of_the_environment_are_not_used(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    with ScriptedServer(answers("{}")) as server:
        assert body(get(transport, server.url)) == b"{}"


def test_an_untrusted_certificate_is_refused(transport: Transport, server_tls: ssl.SSLContext) -> None:
    with ScriptedServer(answers("{}"), tls=server_tls) as server:
        reply = get(transport, server.url)
        assert isinstance(reply, Unknown)
        assert reply.failure is Failure.UNREACHABLE
        assert "not trusted" in reply.message
        assert server.requests == []


def test_a_private_authority_is_trusted_beside_the_public_ones(
    authority: Path, server_tls: ssl.SSLContext
) -> None:
    transport = Transport(PATIENT, ca_file=authority, monotonic=monotonic)
    with ScriptedServer(answers("{}"), tls=server_tls) as server:
        assert body(get(transport, server.url)) == b"{}"
    transport.close()
    public = tls_context(None).cert_store_stats()["x509_ca"]
    assert tls_context(authority).cert_store_stats()["x509_ca"] == public + 1


def test_a_certificate_for_another_host_is_refused(authority: Path, server_tls: ssl.SSLContext) -> None:
    transport = Transport(PATIENT, ca_file=authority, monotonic=monotonic)
    with ScriptedServer(answers("{}"), tls=server_tls) as server:
        reply = get(transport, server.url.replace("127.0.0.1", "localhost"))
        assert failure(reply) is Failure.UNREACHABLE
        assert server.requests == []
    transport.close()


def test_systems_with_the_same_authority_share_one_context(authority: Path) -> None:
    assert tls_context(authority) is tls_context(authority)
    assert tls_context(None) is tls_context(None)
    assert tls_context(None) is not tls_context(authority)


def test_a_ca_file_that_changed_is_read_again(authority: Path, tmp_path: Path) -> None:
    copy = tmp_path / "ca.pem"
    copy.write_bytes(authority.read_bytes())
    before = tls_context(copy)
    copy.write_bytes(authority.with_name("leaf.pem").read_bytes())
    assert tls_context(copy) is not before


def test_a_ca_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    with pytest.raises(OSError, match=r".+"):
        Transport(PATIENT, ca_file=empty, monotonic=monotonic)
    with pytest.raises(OSError, match=r".+"):
        Transport(PATIENT, ca_file=tmp_path / "absent.pem", monotonic=monotonic)


def test_a_new_tls_connection_does_not_parse_the_authorities_again(
    authority: Path, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = Transport(PATIENT, ca_file=authority, monotonic=monotonic)
    loads: list[object] = []
    original = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *arguments: str) -> None:
        loads.append(arguments)
        original(context, *arguments)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    with ScriptedServer(answers("{}"), answers("{}"), tls=server_tls) as server:
        for _ in range(2):
            assert body(get(transport, server.url, repeatable=False)) == b"{}"
        assert server.connections == 2
    transport.close()
    assert loads == []


def test_headers_and_bodies_are_not_shown(transport: Transport, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    request = Request("POST", "http://127.0.0.1:1/", {"authorization": "token-secret"}, b"body-secret")
    reply = transport.send(request, repeatable=True)
    assert "secret" not in repr(request) + repr(reply) + caplog.text
