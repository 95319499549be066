"""What a receiver gets: one message, signed and sent by the real sender over a real socket."""

import base64
from datetime import timedelta

from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.model import Secret
from daemon.core.webhooks import signing
from daemon.core.webhooks.signing import Signer, hmac_signer
from daemon.host import clock
from daemon.senders.webhook import WebhookSender
from daemon.senders.webhook_attempt import Target
from tests.support.fakes import Received, Receiver

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OLD = Secret("whsec_" + base64.b64encode(bytes(range(64))).decode())
FOREIGN = Secret("whsec_" + base64.b64encode(b"foreign" * 4).decode())
SIGN, SIGN_OLD = hmac_signer(SECRET), hmac_signer(OLD)
BODIES = {
    "a ping": b'{"type":"test.ping"}',
    "Hebrew": '{"type":"sms.received","data":{"sms":{"text":"שלום, \\"עולם\\"\\n"}}}'.encode(),
    "emoji": '{"text":"\U0001f4de \\ud83d"}'.encode(),
    "long": b'{"text":"' + b"x" * 100_000 + b'"}',
}


def sent(*signers: Signer, body: bytes = BODIES["Hebrew"]) -> Received:
    """The request that arrives when these sign it."""
    with Receiver() as receiver:
        ended = deliver(receiver.url, *signers, body=body)
        (received,) = receiver.received
    assert ended == [Outcome.ACCEPTED]
    return received


def deliver(url: str, *signers: Signer, body: bytes = BODIES["Hebrew"]) -> list[Outcome]:
    """What becomes of it when the real sender brings it to a receiver."""
    target = Target(url, signers, timedelta(seconds=10), timedelta(seconds=5))
    sender = WebhookSender({"crm": target}, now=clock.utcnow, monotonic=clock.monotonic)
    sender.start(Message(7, "lease_1", "crm", "lane", "evt_1", "sms.received", body, 1))
    ended: list[Attempted] = []
    while not ended:  # the target's timeout ends it
        ended = sender.finished(1)
    sender.close()
    return [one.outcome for one in ended]


def tampered(request: Received) -> dict[str, Received]:
    """The same request after somebody touched it, by what was touched."""
    earlier = str(int(request.headers["webhook-timestamp"]) - 1)
    stale = str(int(request.headers["webhook-timestamp"]) - 600)
    return {
        "body": Received(request.headers, request.body.replace(b"{", b"{ ", 1)),
        "id": Received(request.headers | {"webhook-id": "evt_2"}, request.body),
        "timestamp": Received(request.headers | {"webhook-timestamp": earlier}, request.body),
        "age": Received(request.headers | {"webhook-timestamp": stale}, request.body),
        "signature": Received(request.headers | {"webhook-signature": "v1,AAAA"}, request.body),
    }


def signed(
    *signers: Signer, seconds: int = 0, name: str = "evt_1", body: bytes = BODIES["Hebrew"]
) -> Received:
    """A request that is genuine, so many seconds from now, before or after."""
    at = int(clock.utcnow().timestamp()) + seconds
    return Received(dict(signing.headers(signers, message=name, timestamp=at, body=body)), body)
