"""The senders of a configuration: what they say in a mail that the configuration alone does not tell them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.wishes import Wishes
from daemon.host import clock
from daemon.wiring.senders import Outgoing
from tests.support.attempts import message
from tests.support.bad_receiver import PATIENCE
from tests.support.config_files import SYSTEM, config
from tests.support.smtp import MailServer

MAILBOX = "ops/anna@example.org"
LIMITED = """
[smtp]
host = "127.0.0.1"
port = {port}
from = "yemotd@pbx.test"
security = "none"

[[emails]]
name = "ops"
to = ["anna@example.org"]
most_per_hour = {most}
"""
EVENT = {
    "type": "sms.received",
    "timestamp": "2026-03-01T10:00:00.000Z",
    "data": {
        "id": "evt_1",
        "system": "main",
        "sequence": 1,
        "subject": "sms/0541234567",
        "sms": {
            "from": "0541234567",
            "to": "0773137770",
            "text": "hello",
            "received_at": "2026-03-01T12:00:00+02:00",
        },
    },
}
REST = "No more mails are sent until"


@contextmanager
def outgoing(directory: Path, port: int, *, most: int) -> Iterator[Outgoing]:
    one = Outgoing(config(directory, SYSTEM + LIMITED.format(port=port, most=most)))
    try:
        yield one
    finally:
        one.senders.close()


def mailed(out: Outgoing, server: MailServer) -> str:
    """The text of a mail about one SMS."""
    out.senders.start(message(MAILBOX, body=json.dumps(EVENT).encode()))
    ended: list[Attempted] = []
    deadline = clock.monotonic() + PATIENCE
    while not ended:
        assert clock.monotonic() < deadline
        ended = out.senders.finished(1)
    assert ended[0].outcome is Outcome.ACCEPTED
    mail = message_from_bytes(server.mails[-1].original_content or b"", EmailMessage, policy=SMTP)
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_the_last_mail_of_an_hour_says_until_when_there_are_no_more(tmp_path: Path) -> None:
    with MailServer() as server, outgoing(tmp_path, server.port, most=2) as out:
        out.mail_pace.add(MAILBOX, clock.utcnow())
        first = mailed(out, server)
        out.mail_pace.add(MAILBOX, clock.utcnow())
        last = mailed(out, server)

    assert REST not in first
    assert REST in last


def test_after_a_reload_it_is_the_new_limit_that_counts(tmp_path: Path) -> None:
    with MailServer() as server, outgoing(tmp_path, server.port, most=1) as out:
        out.mail_pace.add(MAILBOX, clock.utcnow())
        out.prepared(config(tmp_path, SYSTEM + LIMITED.format(port=server.port, most=2)), Wishes())()

        assert REST not in mailed(out, server)
