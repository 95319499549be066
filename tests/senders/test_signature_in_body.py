"""A signature beside the message in the body: both it and the headers are what the official library takes."""

import json
from dataclasses import replace

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from daemon.core.rendering.formats import Format, Shape
from daemon.senders.webhook import WebhookSender
from tests.support.attempts import BODY, OTHER, SECRET, attempt, message, target
from tests.support.fakes import Receiver


def test_who_sees_no_headers_can_check_it_and_who_sees_them_can_too(sender: WebhookSender) -> None:
    with Receiver() as receiver:
        attempt(sender, replace(target(receiver.url, secrets=(OTHER, SECRET)), signs_body=True))
        (got,) = receiver.received

    assert got.body.isascii()  # no charset need be guessed
    assert got.headers["content-type"] == "application/json"
    told = json.loads(got.body)
    assert (told["id"], told["body"]) == ("evt_1", BODY.decode())
    headers = {f"webhook-{name}": told[name] for name in ("id", "timestamp", "signature")}
    for secret in (SECRET, OTHER):
        assert Webhook(secret.value).verify(told["body"], headers) == json.loads(BODY)
        Webhook(secret.value).verify(got.body, got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET.value).verify(told["body"] + " ", headers)


def test_it_goes_with_what_the_endpoint_wants_of_a_body(sender: WebhookSender) -> None:
    body = json.dumps(
        {
            "type": "sms.received",
            "timestamp": "2026-11-23T01:02:03.456Z",
            "data": {
                "id": "evt_1",
                "system": "main",
                "sequence": 1,
                "subject": "sms/1",
                "sms": {"text": "secret"},
            },
        }
    ).encode()
    shape = Shape(Format.CLOUDEVENTS, redact=("sms.text",))
    with Receiver() as receiver:
        one = replace(target(receiver.url), signs_body=True, shape=shape)
        attempt(sender, one, message(body=body))
        (got,) = receiver.received

    told = json.loads(json.loads(got.body)["body"])
    assert (told["specversion"], told["data"]["sms"]["text"]) == ("1.0", "[redacted]")
