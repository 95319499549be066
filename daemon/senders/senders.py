"""Every kind of sender as one, for the dispatcher, which knows of endpoints only."""

from daemon.core.delivery import Attempted, Message
from daemon.senders.mail import MailSender
from daemon.senders.webhook import WebhookSender


class Senders:
    """Webhooks, which are waited for, and mails, whose thread wakes whoever waits."""

    def __init__(self, webhooks: WebhookSender, mails: MailSender) -> None:
        self.webhooks = webhooks
        self.mails = mails

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self.webhooks.is_idle and self.mails.is_idle

    def start(self, message: Message) -> None:
        """Begin one attempt."""
        is_webhook = message.endpoint in self.webhooks.targets
        (self.webhooks if is_webhook else self.mails).start(message)

    def in_flight(self, endpoint: str) -> int:
        """How many attempts for an endpoint are under way."""
        return self.webhooks.in_flight(endpoint) + self.mails.in_flight(endpoint)

    def finished(self, timeout: float) -> list[Attempted]:
        """Attempts that ended; waits at most `timeout` seconds for the first, or for `wake`."""
        mailed = self.mails.finished()
        ended = self.webhooks.finished(0 if mailed else timeout)
        return mailed + ended + self.mails.finished()

    def wake(self) -> None:
        """Make `finished` return at once; callable from every thread."""
        self.webhooks.wake()

    def close(self) -> None:
        """Break off what is under way."""
        self.mails.close()
        self.webhooks.close()
