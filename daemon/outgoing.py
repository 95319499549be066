"""All senders, made of a configuration: where webhooks go, and how messages become mails."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Protocol
from zoneinfo import ZoneInfo

from daemon.config.settings import Config
from daemon.core.delivery import Message
from daemon.core.mails import Mail, Style, compose, held_back
from daemon.endpoints import notices, targets
from daemon.host import clock
from daemon.mailboxes import mailboxes, server
from daemon.senders.mail import Letter, MailSender
from daemon.senders.notify import NotifySender
from daemon.senders.senders import Senders
from daemon.senders.webhook import WebhookSender


class Outgoing:
    """The senders of a configuration; `take` puts another in its place, in the dispatcher's thread."""

    def __init__(self, config: Config) -> None:
        self.rests_until: Callable[[str], datetime | None] = lambda _endpoint: None
        """When an endpoint is mailed again that had all that it may have in an hour: the dispatcher knows."""
        self._styles = styles(config)
        self._render = _render(config)
        webhooks = WebhookSender(targets(config), now=clock.utcnow, monotonic=clock.monotonic)
        mails = MailSender(
            server(config.smtp),
            self._compose,
            now=clock.utcnow,
            monotonic=clock.monotonic,
            wake=webhooks.wake,
        )
        told = NotifySender(notices(config), now=clock.utcnow, monotonic=clock.monotonic, wake=webhooks.wake)
        self.senders = Senders(webhooks, mails, told)

    def take(self, config: Config) -> None:
        """Send by another configuration from now on."""
        self._styles, self._render = styles(config), _render(config)
        self.senders.webhooks.targets = targets(config)
        self.senders.mails.server = server(config.smtp)
        self.senders.notices.notices = notices(config)

    def _compose(self, endpoint: str, messages: Sequence[Message]) -> list[Letter]:
        """What is mailed to an endpoint at once, as one mail or several."""
        style, render, now = self._styles[endpoint], self._render, clock.utcnow()
        until = self.rests_until(endpoint)
        note = held_back(until, style) if until else None
        recipient = parseaddr(style.recipient)[1]
        return [
            Letter(mail.messages, render(mail, style, now=now), recipient)
            for mail in compose(messages, style, note=note)
        ]


def styles(config: Config) -> Mapping[str, Style]:
    """What each mailbox wants, by endpoint."""
    if config.smtp is None:
        return {}
    zone = ZoneInfo(config.daemon.timezone)
    return {
        one.endpoint: Style(
            one.endpoint,
            one.recipient,
            config.smtp.sender,
            one.email.language,
            zone,
            one.email.redact,
            one.email.name,
        )
        for one in mailboxes(config)
    }


class _Render(Protocol):
    def __call__(self, mail: Mail, style: Style, *, now: datetime) -> EmailMessage: ...


def _render(config: Config) -> _Render:
    """What makes letters. Jinja is loaded only where there is somebody to write to."""
    if not config.emails:
        return _nobody
    from daemon.senders.letters import Letters  # noqa: PLC0415 - as the docstring says

    return Letters(config.smtp.templates if config.smtp else None).render


def _nobody(mail: Mail, style: Style, *, now: datetime) -> EmailMessage:
    raise LookupError("there is no [[emails]] any more")
