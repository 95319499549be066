"""Mails by the real sender, for tests of what comes of them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from daemon.core.delivery.outcome import Attempted, Message
from daemon.core.model import Secret
from daemon.host import clock
from daemon.senders import mail_head
from daemon.senders.mail import Compose, Letter, MailSender, Shorten
from daemon.senders.smtp import Security, Server
from tests.support.attempts import message
from tests.support.bad_receiver import PATIENCE

SENDER = "yemotd@pbx.test"
PASSWORD = Secret("s3cret-קוד")


def server(port: int, security: Security = Security.NONE, *, timeout: float = 5) -> Server:
    """One on loopback."""
    seconds = timedelta(seconds=timeout)
    return Server("127.0.0.1", port, security, SENDER, None, None, seconds, seconds)


def with_login(one: Server, username: str = "yemotd", password: Secret = PASSWORD) -> Server:
    return replace(one, username=username, password=password)


def trusting(one: Server, authority: Path, host: str = "127.0.0.1") -> Server:
    return replace(one, ca_file=authority, host=host)


def email(event: str, recipient: str, text: str = "שלום\n") -> EmailMessage:
    one = EmailMessage(policy=mail_head.AS_WRITTEN)
    one["Message-ID"] = f"<{event}@pbx.test>"
    one["From"], one["To"], one["Subject"] = SENDER, recipient, mail_head.text("Subject", "התראה")
    one.set_content(text, cte="quoted-printable")
    return one


def letter(*messages: Message, recipient: str = "ops@pbx.test", text: str = "שלום\n") -> Letter:
    return Letter(messages, email(messages[0].event, recipient, text), recipient)


def one_each(_endpoint: str, messages: Sequence[Message]) -> list[Letter]:
    """A letter for each message, to the address that its lane names."""
    return [letter(one, recipient=one.lane) for one in messages]


def to(recipient: str, *, endpoint: str = "ops", event: str | None = None) -> Message:
    """A message whose letter goes to this address."""
    return message(endpoint, event=event or f"evt_{recipient.partition('@')[0]}")._replace(lane=recipient)


class Time:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Post:
    """A sender, and somebody who waits for what ends."""

    def __init__(
        self,
        to: Server | None,
        compose: Compose,
        shorten: Shorten,
        monotonic: Callable[[], float],
        idle: timedelta,
    ) -> None:
        self._woken = threading.Semaphore(0)
        self.sender = MailSender(
            to, compose, shorten, now=clock.utcnow, monotonic=monotonic, wake=self._woken.release, idle=idle
        )

    def send(self, *messages: Message) -> list[Attempted]:
        """How all of them ended, in the order in which they were started."""
        started = messages or (to("ops@pbx.test"),)
        for one in started:
            self.sender.start(one)
        return sorted(self.wait(), key=lambda one: started.index(one.message))

    def wait(self) -> list[Attempted]:
        """How all that is under way ended."""
        ended = self.sender.finished()
        while not self.sender.is_idle:
            assert self._woken.acquire(timeout=PATIENCE)
            ended += self.sender.finished()
        return ended


@contextmanager
def posting(
    to: Server | None,
    compose: Compose = one_each,
    shorten: Shorten = lambda _endpoint, _message, _most: (),
    *,
    monotonic: Callable[[], float] = clock.monotonic,
    idle: timedelta = timedelta(seconds=30),
) -> Iterator[Post]:
    post = Post(to, compose, shorten, monotonic, idle)
    try:
        yield post
    finally:
        post.sender.close()
