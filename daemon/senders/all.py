"""Every kind of sender as one, for the dispatcher, which knows of endpoints only."""

from daemon.core.delivery.outcome import Attempted, Message
from daemon.senders.mail import MailSender
from daemon.senders.notify import NotifySender
from daemon.senders.webhook import WebhookSender


class Senders:
    """Webhooks, which are waited for; mails and notifications, whose threads wake whoever waits."""

    def __init__(self, webhooks: WebhookSender, mails: MailSender, notices: NotifySender) -> None:
        self.webhooks = webhooks
        self.mails = mails
        self.notices = notices

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self.webhooks.is_idle and self.mails.is_idle and self.notices.is_idle

    def start(self, message: Message) -> None:
        """Begin one attempt."""
        if message.endpoint in self.webhooks.targets:
            self.webhooks.start(message)
        elif message.endpoint in self.notices.notices:
            self.notices.start(message)
        else:
            self.mails.start(message)

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""
        return sum(one.in_flight(endpoint) for one in (self.webhooks, self.mails, self.notices))

    def finished(self, timeout: float) -> list[Attempted]:
        """Attempts that ended; waits at most `timeout` seconds for the first, or for `wake`."""
        before = self.mails.finished() + self.notices.finished()
        patience = 0 if before else min([timeout, *self.notices.patience])
        ended = self.webhooks.finished(patience)
        return before + ended + self.mails.finished() + self.notices.finished()

    def wake(self) -> None:
        """Make `finished` return at once; callable from every thread."""
        self.webhooks.wake()

    def close(self) -> None:
        """Break off what is under way."""
        self.notices.close()
        self.mails.close()
        self.webhooks.close()
