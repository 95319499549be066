"""Receivers with the official Python libraries accept what we sign and send, and nothing else."""

import json
from collections.abc import Callable

import pytest
import standardwebhooks
import svix.webhooks

from daemon.core.model import Secret
from daemon.senders import ed25519
from tests.support.fakes import Received
from tests.support.signing import BODIES, FOREIGN, OLD, SECRET, SIGN, SIGN_OLD, sent, tampered

Verify = Callable[[Secret, Received], object]


def by_standardwebhooks(secret: Secret, request: Received) -> None:
    parsed = standardwebhooks.Webhook(secret.value).verify(request.body, request.headers)
    assert parsed == json.loads(request.body)


def by_svix(secret: Secret, request: Received) -> None:
    svix.webhooks.Webhook(secret.value).verify(request.body, request.headers)


libraries = pytest.mark.parametrize("verify", [by_standardwebhooks, by_svix])


@libraries
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_we_send_is_accepted(verify: Verify, body: bytes) -> None:
    request = sent(SIGN, body=body)

    assert request.body == body
    verify(SECRET, request)


@libraries
@pytest.mark.parametrize("known", [SECRET, OLD], ids=["new", "old"])
def test_either_secret_of_a_rotation_is_enough(verify: Verify, known: Secret) -> None:
    verify(known, sent(SIGN, SIGN_OLD))


@libraries
def test_an_asymmetric_signature_beside_it_disturbs_nobody(verify: Verify) -> None:
    verify(SECRET, sent(ed25519.signer(Secret(ed25519.generate())), SIGN))


@libraries
@pytest.mark.parametrize("touched", ["body", "id", "timestamp", "age", "signature"])
def test_what_was_touched_on_the_way_is_refused(verify: Verify, touched: str) -> None:
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verify(SECRET, tampered(sent(SIGN))[touched])


@libraries
def test_another_secret_is_refused(verify: Verify) -> None:
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verify(FOREIGN, sent(SIGN, SIGN_OLD))
