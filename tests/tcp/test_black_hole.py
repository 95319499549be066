"""A name whose first address swallows every packet: each of the ways out takes the second in time."""

import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pycurl
import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.host import clock
from daemon.senders.webhook import WebhookSender
from daemon.senders.webhook_attempt import Handle
from daemon.yemot.transport import Reply, Request, Timeouts, Transport
from tests.support.attempts import attempt, target
from tests.support.bad_receiver import full_backlog
from tests.support.bad_server import ScriptedServer, answers
from tests.support.fakes import Receiver
from tests.support.mails import posting, server
from tests.support.smtp import MailServer

HOLE = "127.0.0.2"
NAME = "two.addresses.test"
CONNECT = timedelta(seconds=3)
"""For connecting: the black hole alone would take all of it."""


@pytest.fixture
def hole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name leads to the black hole, and then to where somebody listens."""
    real = socket.getaddrinfo

    def ask(host: str, port: int, **options: Any) -> list[Any]:
        if host != NAME:
            return real(host, port, **options)
        if options.get("flags"):
            raise socket.gaierror(socket.EAI_NONAME, "no number")
        stream = socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, ""
        return [(*stream, (HOLE, port)), (*stream, ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", ask)


def port_of(url: str) -> int:
    return urlsplit(url).port or 0


@pytest.mark.usefixtures("hole")
def test_the_api_is_reached() -> None:
    transport = Transport(Timeouts(connect=CONNECT), monotonic=clock.monotonic)
    with ScriptedServer(answers("{}")) as api:
        port = port_of(api.url)
        with full_backlog(HOLE, port):
            reply = transport.send(Request("GET", f"http://{NAME}:{port}/", {}), repeatable=False)
    transport.close()

    assert isinstance(reply, Reply)
    assert reply.body == b"{}"


@pytest.mark.usefixtures("hole")
def test_the_mail_server_is_reached() -> None:
    with MailServer() as mails, full_backlog(HOLE, mails.port):
        aim = replace(server(mails.port, timeout=CONNECT.total_seconds()), host=NAME)
        with posting(aim) as post:
            (ended,) = post.send()

    assert (ended.outcome, ended.address) == (Outcome.ACCEPTED, "127.0.0.1")


def test_a_webhook_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """libcurl brings its own; here it is told where the name leads, and has to have that turned on."""
    load = Handle.load
    with Receiver() as receiver:
        port = port_of(receiver.url)

        def load_with_addresses(handle: Handle, *arguments: Any) -> None:
            handle.curl.setopt(pycurl.RESOLVE, [f"{NAME}:{port}:{HOLE},127.0.0.1"])
            load(handle, *arguments)

        monkeypatch.setattr(Handle, "load", load_with_addresses)
        aim = replace(target(f"http://{NAME}:{port}/", allow="127.0.0.0/8"), connect_timeout=CONNECT)
        sender = WebhookSender({}, now=clock.utcnow, monotonic=clock.monotonic)
        with full_backlog(HOLE, port):
            (ended,) = attempt(sender, aim)
        sender.close()

    assert (ended.outcome, ended.address) == (Outcome.ACCEPTED, "127.0.0.1")


def test_a_resolver_that_hangs_holds_up_one_webhook_and_not_the_thread_of_all() -> None:
    """Else libcurl would wait for it where it is called."""
    asynchronous_names = 1 << 7  # CURL_VERSION_ASYNCHDNS

    assert pycurl.version_info()[4] & asynchronous_names
