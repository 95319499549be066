"""A message with its signature in the body: who opens it finds what was put in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.webhooks.envelope import enveloped, opened

WHOLE = {"id": "evt_1", "timestamp": "1", "signature": "v1,x", "body": "{}"}


@given(body=st.text(st.characters(codec="utf-8")), message=st.text(), at=st.integers(0), signed=st.text())
def test_what_is_opened_is_what_was_put_in(body: str, message: str, at: int, signed: str) -> None:
    headers = {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": signed}

    assert opened(enveloped(body.encode(), message, at, signed)) == (headers, body.encode())


@given(st.binary())
def test_no_bytes_are_too_odd_to_be_looked_at(received: bytes) -> None:
    assert opened(received) is None


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"[" * 100_000,
        b"1" * 5000,
        json.dumps([WHOLE]).encode(),
        json.dumps({**WHOLE, "more": "x"}).encode(),
        json.dumps({**WHOLE, "timestamp": 1}).encode(),
        json.dumps({**WHOLE, "body": {}}).encode(),
        json.dumps({key: WHOLE[key] for key in ("id", "timestamp", "signature")}).encode(),
    ],
)
def test_what_is_no_envelope_is_a_body_as_any_other(received: bytes) -> None:
    assert opened(received) is None
