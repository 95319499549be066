"""The demo's receiver, judged from the other side by the official library."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from standardwebhooks import Webhook

from daemon.core.model import Secret
from daemon.demo.receiver import Received, Receiver
from daemon.host import clock

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"test.ping"}'


@pytest.fixture
def taken() -> list[Received]:
    return []


@pytest.fixture
def receiver(taken: list[Received]) -> Iterator[Receiver]:
    one = Receiver(Secret(SECRET), taken.append)
    one.start()
    yield one
    one.stop()


def send(
    receiver: Receiver, *, body: bytes = BODY, event: str = "evt_1", changed: dict[str, str] | None = None
) -> int:
    at = clock.utcnow()
    headers = {
        "webhook-id": event,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(event, at, BODY.decode()),
    }
    headers |= changed or {}
    return requests.post(receiver.url, data=body, headers=headers, timeout=10).status_code


def test_what_the_official_library_signs_is_taken(receiver: Receiver, taken: list[Received]) -> None:
    assert send(receiver) == 204
    assert taken == [Received("evt_1", BODY, is_repeat=False)]
    assert (receiver.bodies, receiver.repeats, receiver.refused) == ({"evt_1": BODY}, 0, 0)


def test_the_same_id_again_is_a_repeat(receiver: Receiver, taken: list[Received]) -> None:
    send(receiver)
    send(receiver)

    assert [one.is_repeat for one in taken] == [False, True]
    assert (receiver.repeats, receiver.refused) == (1, 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-id": "evt_2"},
        {"webhook-timestamp": "soon"},
    ],
)
def test_what_was_touched_on_the_way_is_refused(
    receiver: Receiver, taken: list[Received], changed: dict[str, str]
) -> None:
    assert send(receiver, changed=changed) == 401
    assert (taken, receiver.refused) == ([], 1)


def test_another_body_is_refused(receiver: Receiver, taken: list[Received]) -> None:
    assert send(receiver, body=BODY + b" ") == 401
    assert taken == []


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_of_another_time_is_refused(
    receiver: Receiver, taken: list[Received], minutes: int
) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)  # noqa: TID251 - the library signs with it
    stale = {
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("evt_1", at, BODY.decode()),
    }

    assert send(receiver, changed=stale) == 401
    assert taken == []
