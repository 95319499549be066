"""`python -m daemon.cli.failure_mail SUBJECT`: a mail by the configuration's `[smtp]`, its text from standard
input. No verb: for `tell-failure`, where the machine has no sendmail.

Exit codes: 0 it was taken for somebody, 69 for nobody, 78 there is no way to send it.
"""

import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from daemon.cli.output import complain
from daemon.config import failure_mail, load
from daemon.config.failure_mail import DEFAULT, Way
from daemon.config.load import ConfigError
from daemon.core.mail_addresses import parse
from daemon.core.visible import visible
from daemon.host import clock
from daemon.senders.smtp import Connection, Failed, Mail, Reach
from daemon.senders.smtp_socket import Stopwatch
from daemon.wiring.senders import server_of

WITHIN = timedelta(seconds=80)
"""For all of it; the unit that asks for it ends after two minutes."""
MOST_BYTES = 256 * 1024
"""Of the text: a status and some lines of the journal."""


def main() -> int:
    """Send it to each address; say of each that does not take it."""
    subject = sys.argv[1] if len(sys.argv) > 1 else "yemotd has failed"
    text = sys.stdin.buffer.read(MOST_BYTES).decode(errors="replace")
    try:
        path = load.find(None, os.environ)
        way = failure_mail.way(path, os.environ, os.environ.get("FAILURE_MAIL", DEFAULT))
    except ConfigError as error:
        complain(str(error))
        return os.EX_CONFIG
    told = sum(_sent(way, subject, text))
    return os.EX_OK if told else os.EX_UNAVAILABLE


def _sent(way: Way, subject: str, text: str) -> Iterator[bool]:
    """Over one connection, to whomever it takes it for within the time that there is."""
    known = server_of(way.smtp)
    watch = Stopwatch(clock.monotonic, WITHIN)
    connection = Connection(known, watch)
    try:
        connection.open()
        for to in way.to:
            yield _took(connection, Mail(to, letter(way, to, subject, text).as_bytes(policy=SMTP)), watch)
        connection.quit(Stopwatch(clock.monotonic, WITHIN))
    except Failed as failed:
        complain(f"{known.host}: {failed.error}")
    finally:
        connection.close()


def _took(connection: Connection, mail: Mail, watch: Stopwatch) -> bool:
    """Raises `Failed` where the next one would fare no better."""
    try:
        connection.deliver(mail)
    except Failed as failed:
        if failed.reach not in (Reach.MAIL, Reach.RECIPIENT):
            raise
        complain(f"{mail.recipient}: {failed.error}")
        if not connection.is_ready(watch):  # by RSET: else the next mail would be within this one
            raise
        return False
    return True


def letter(way: Way, to: str, subject: str, text: str) -> EmailMessage:
    """The mail, of seven bits on the wire, so that nothing has to be asked of the server for its text."""
    mail = EmailMessage()
    sender = parse(way.smtp.sender).wire
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = to
    mail["Subject"] = " ".join(subject.split())
    mail["Date"] = formatdate(clock.utcnow().timestamp())
    mail["Message-ID"] = make_msgid(domain=to.rpartition("@")[2] or "localhost")
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5
    mail.set_content(visible(text), cte="base64")
    return mail


if __name__ == "__main__":
    sys.exit(main())
