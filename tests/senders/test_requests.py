"""What stands on the wire: each format in bytes, what is signed, and an endpoint's own headers."""

import json
import os
from dataclasses import replace

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks import Webhook

from daemon.core.delivery.outcome import Message, Outcome
from daemon.core.model import Fact
from daemon.core.rendering import body
from daemon.core.rendering.formats import Format, Shape, render
from daemon.core.webhooks.signing import signature
from daemon.senders.webhook import WebhookSender
from daemon.senders.webhook_attempt import Target
from tests.support.attempts import OTHER, SECRET, attempt, message, target
from tests.support.bad_receiver import FaultReceiver, Request, accepting, answer, answering
from tests.support.fakes import START

SMS = {"from": "0501234567", "to": "0773137770", "text": 'שלום "עולם" 😀\n', "received_at": "2026-03-01"}
STORED = body.render(
    Fact("sms.received", "sms/דנה 5%", {"sms": {**SMS}}), event="evt_1", system="main", sequence=7, at=START
)
SHAPES = {
    **{one.value: Shape(one) for one in Format},
    "thin": Shape(is_thin=True),
    "redacted": Shape(redact=("sms.text",)),
    "Hebrew": Shape(Format.SLACK, language="he"),
}
ACCEPTED_AS = {
    Format.SLACK: b"ok",
    Format.TELEGRAM: b'{"ok":true,"result":{"message_id":7}}',
    Format.NTFY: b'{"id":"sPs71M8A2T35","time":1,"event":"message","topic":"phones"}',
}
"""What a service says that takes a message, where its status alone does not say so."""
shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def requested(sender: WebhookSender, to: Target, one: Message | None = None) -> Request:
    """The request that arrives; `to` is completed with its URL."""
    with FaultReceiver(answering(answer(body=ACCEPTED_AS.get(to.shape.format, b"")))) as receiver:
        (ended,) = attempt(sender, replace(to, url=receiver.url), one or message(body=STORED))
    assert ended.outcome is Outcome.ACCEPTED
    (request,) = receiver.received
    return request


@pytest.mark.parametrize(
    ("form", "content_type"),
    [
        (Format.STANDARD, "application/json"),
        (Format.CLOUDEVENTS, "application/cloudevents+json; charset=UTF-8"),
        (Format.CLOUDEVENTS_BINARY, "application/json"),
        (Format.SLACK, "application/json"),
        (Format.ALERTMANAGER, "application/json"),
    ],
)
def test_each_format_has_its_content_type(sender: WebhookSender, form: Format, content_type: str) -> None:
    request = requested(sender, replace(target(""), shape=Shape(form)))

    assert [line for line in request.lines if line.lower().startswith("content-type:")] == [
        f"content-type: {content_type}"
    ]


@shapes
@pytest.mark.parametrize("superseded", [0, 3])
def test_what_is_signed_are_the_bytes_that_are_sent(
    sender: WebhookSender, shape: Shape, superseded: int
) -> None:
    one = message(body=STORED)._replace(superseded=superseded)
    request = requested(sender, replace(target(""), shape=shape), one)

    assert request.body == render(STORED, shape, superseded=superseded).body
    assert request.headers["content-length"] == str(len(request.body))
    assert Webhook(SECRET.value).verify(request.body, request.headers) == json.loads(request.body)


def test_a_retry_signs_the_same_bytes_at_its_own_time(sender: WebhookSender) -> None:
    with FaultReceiver(accepting) as receiver:
        to = target(receiver.url)
        for times in (1, 2):
            attempt(sender, to, message(body=STORED, attempt=times))

    first, second = receiver.received
    assert first.body == second.body == STORED
    for request in (first, second):
        at = int(request.headers["webhook-timestamp"])
        assert request.headers["webhook-signature"] == signature(SECRET, "evt_1", at, STORED)


def test_two_secrets_sign_with_one_space_between(sender: WebhookSender) -> None:
    request = requested(sender, target("", secrets=(SECRET, OTHER)))
    at = int(request.headers["webhook-timestamp"])
    both = [signature(secret, "evt_1", at, STORED) for secret in (SECRET, OTHER)]

    assert f"webhook-signature: {' '.join(both)}" in request.lines


@shapes
def test_without_a_secret_nothing_pretends_to_be_signed(sender: WebhookSender, shape: Shape) -> None:
    request = requested(sender, replace(target("", secrets=()), shape=shape))

    assert "webhook-signature" not in request.headers
    assert request.headers["webhook-id"] == "evt_1"


@pytest.mark.parametrize("form", [Format.CLOUDEVENTS, Format.CLOUDEVENTS_BINARY])
def test_a_receiver_with_the_cloudevents_library_gets_the_event(sender: WebhookSender, form: Format) -> None:
    request = requested(sender, replace(target(""), shape=Shape(form)))
    event = from_http_event(HTTPMessage(request.headers, request.body))

    assert (event.get_id(), event.get_type(), event.get_source()) == (
        "evt_1",
        "sms.received",
        "urn:yemotd:main",
    )
    assert (event.get_subject(), event.get_time()) == ("sms/דנה 5%", START)
    assert event.get_extension("sequence") == "00000000000000000007"
    assert event.get_data() == json.loads(STORED)["data"]


def test_an_endpoint_s_own_headers_go_with_every_message(sender: WebhookSender) -> None:
    own = (("authorization", "Bearer a:b=="), ("x-tenant", "7"), ("Accept", "text/plain"), ("x-empty", ""))
    with FaultReceiver(accepting) as receiver:
        to = replace(target(receiver.url), headers=own)
        attempt(sender, to)
        attempt(sender, to)

    for request in receiver.received:
        assert {f"{name}:{f' {value}' if value else ''}" for name, value in own} <= set(request.lines)
        names = [line.partition(":")[0].lower() for line in request.lines]
        assert len(names) == len(set(names))


def test_every_header_of_a_message_is_the_message_s(sender: WebhookSender) -> None:
    """A handle is used again; nothing of the message before may stay."""
    with FaultReceiver(accepting) as receiver:
        to = replace(target(receiver.url), shape=Shape(Format.CLOUDEVENTS_BINARY))
        attempt(sender, to, message(body=STORED, attempt=5))
        attempt(sender, to, message(body=STORED.replace(b"evt_1", b"evt_2"), event="evt_2"))

    _, request = receiver.received
    assert (request.headers["webhook-id"], request.headers["ce-id"]) == ("evt_2", "evt_2")
    assert request.headers["yemotd-attempt"] == "1"
    assert b"evt_2" in request.body


def test_a_request_is_what_http_wants_and_no_more(sender: WebhookSender) -> None:
    request = requested(sender, target(""))

    assert request.first == "POST /hook HTTP/1.1"
    assert request.headers.keys() == {
        "host",
        "user-agent",
        "accept",
        "content-type",
        "content-length",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "yemotd-event",
        "yemotd-delivery",
        "yemotd-attempt",
    }


@pytest.mark.parametrize("size", [0, 1, 1025, 2_000_000])
def test_a_body_of_any_size_goes_out_at_once(sender: WebhookSender, size: int) -> None:
    """Without `Expect: 100-continue`, for which some receivers have no answer."""
    whole = os.urandom(size)
    request = requested(sender, target(""), message(body=whole))

    assert request.body == whole
    assert not {"expect", "transfer-encoding"} & request.headers.keys()
