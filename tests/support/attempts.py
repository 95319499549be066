"""One attempt by the real sender, for tests of what comes of it."""

from datetime import timedelta
from ipaddress import ip_network

from daemon.core.delivery.outcome import Attempted, Message
from daemon.core.model import Secret
from daemon.core.webhooks.signing import hmac_signer
from daemon.host import clock
from daemon.senders.webhook import WebhookSender
from daemon.senders.webhook_attempt import Target

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = Secret("whsec_" + "QUJD" * 8)
BODY = '{"type":"sms.received","text":"שלום"}'.encode()


def target(
    url: str, *, timeout: float = 5, secrets: tuple[Secret, ...] = (SECRET,), allow: str = ""
) -> Target:
    networks = (ip_network(allow),) if allow else ()
    return Target(
        url, tuple(map(hmac_signer, secrets)), timedelta(seconds=timeout), timedelta(seconds=2), networks
    )


def message(endpoint: str = "crm", *, event: str = "evt_1", attempt: int = 1, body: bytes = BODY) -> Message:
    return Message(7, "lease_1", endpoint, "lane", event, "sms.received", body, attempt)


def attempt(sender: WebhookSender, to: Target, *messages: Message) -> list[Attempted]:
    sender.targets = {"crm": to}
    for one in messages or (message(),):
        sender.start(one)
    ended: list[Attempted] = []
    deadline = clock.monotonic() + 10
    while len(ended) < max(len(messages), 1):
        assert clock.monotonic() < deadline
        ended += sender.finished(1)
    return ended
