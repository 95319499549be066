"""What the workers need to know of mailboxes, out of the configuration.

Each address of an `[[emails]]` is an endpoint of its own, `ops/anna@example.org`: what one refuses, the
others get, and the ledger knows what each was told. They share a server, so its health is told as one, and
that of a mailbox which it refuses by the mailbox's own name.
"""

from collections.abc import Iterator
from typing import NamedTuple

from daemon.config.mail import Email
from daemon.config.settings import Config
from daemon.core.delivery.route import Mailing
from daemon.core.mail_addresses import parse
from daemon.core.routing.schedule import Schedule
from daemon.wiring.phones import phones

SERVER = "smtp"
"""The name under which others hear of the health of the server of all mailboxes."""
MOST_IN_ONE = 100
"""Messages that are mailed together; what is left follows."""
LETTERS = 5
"""About as many mails as one mailing makes, each of which may take as long as the server may."""


class Mailbox(NamedTuple):
    """One address, and what it wants."""

    endpoint: str
    recipient: str
    """As it was configured, perhaps with a name."""
    email: Email


def mailboxes(config: Config) -> Iterator[Mailbox]:
    """Every address that gets mails."""
    for email in config.emails:
        for recipient in email.to:
            yield Mailbox(f"{email.name}/{parse(recipient).address}", recipient, email)


def endpoint_names(config: Config) -> list[str]:
    """What everybody is called who is told, in the order of the configuration."""
    return [
        *(one.name for one in config.webhooks),
        *(one.endpoint for one in mailboxes(config)),
        *(one.name for one in config.notify),
        *(one.endpoint for one in phones(config)),
    ]


def schedule(email: Email) -> Schedule:
    """How long mails are tried."""
    return Schedule(("*",), email.retries, email.expires or None)


def mailing(email: Email) -> Mailing:
    """How what is due goes together."""
    return Mailing(email.group_interval, email.most_per_hour)
