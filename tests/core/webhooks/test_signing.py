"""Standard Webhooks: the published vector, and the official library as the judge."""

import base64
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from daemon.core.model import Secret
from daemon.core.webhooks.signing import content, headers, hmac_signer, keyed, signature
from daemon.host.clock import utcnow
from tests.support.examples import examples

GOLDEN = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OLD = Secret("whsec_" + base64.b64encode(b"old" * 10).decode())
FOREIGN = Secret("whsec_" + base64.b64encode(b"foreign" * 4).decode())
BODY = '{"text":"שלום"}'.encode()


def signed(*secrets: Secret, body: bytes = BODY) -> dict[str, str]:
    return dict(
        headers(
            [hmac_signer(one) for one in secrets],
            message="evt_1",
            timestamp=int(utcnow().timestamp()),
            body=body,
        )
    )


def test_the_published_vector() -> None:
    assert (
        signature(GOLDEN, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_the_prefix_of_a_secret_is_no_part_of_the_key() -> None:
    bare = Secret(GOLDEN.value.removeprefix("whsec_"))

    assert signature(bare, "evt_1", 1, b"{}") == signature(GOLDEN, "evt_1", 1, b"{}")


def test_the_headers_are_lower_case_and_stand_in_the_order_of_the_standard() -> None:
    assert headers([hmac_signer(GOLDEN)], message="evt_1", timestamp=1614265330, body=b"{}") == [
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signature(GOLDEN, "evt_1", 1614265330, b"{}")),
    ]


def test_during_a_rotation_every_secret_signs_with_one_space_between() -> None:
    both = dict(headers([hmac_signer(GOLDEN), hmac_signer(OLD)], message="evt_1", timestamp=1, body=b"{}"))[
        "webhook-signature"
    ]

    assert both == f"{signature(GOLDEN, 'evt_1', 1, b'{}')} {signature(OLD, 'evt_1', 1, b'{}')}"


@pytest.mark.parametrize("known", [GOLDEN, OLD])
def test_a_receiver_with_either_secret_of_a_rotation_accepts(known: Secret) -> None:
    assert Webhook(known.value).verify(BODY, signed(GOLDEN, OLD)) == {"text": "שלום"}


def test_a_receiver_with_another_secret_refuses() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(FOREIGN.value).verify(BODY, signed(GOLDEN, OLD))


@pytest.mark.parametrize(
    "changed",
    [{"webhook-id": "evt_2"}, {"webhook-timestamp": str(int(utcnow().timestamp()) - 9)}],
    ids=["id", "time"],
)
def test_a_receiver_refuses_headers_that_were_changed(changed: dict[str, str]) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(GOLDEN.value).verify(BODY, signed(GOLDEN) | changed)


def test_a_receiver_refuses_a_body_that_was_changed() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(GOLDEN.value).verify(BODY + b" ", signed(GOLDEN))


def test_the_signature_belongs_to_the_attempt() -> None:
    assert signature(GOLDEN, "evt_1", 1, BODY) != signature(GOLDEN, "evt_1", 2, BODY)


@settings(max_examples=examples(100))
@given(
    key=st.binary(min_size=24, max_size=64),
    message=st.from_regex(r"evt_[0-9a-z]{1,26}", fullmatch=True),
    timestamp=st.integers(0, 2**33),
    text=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_we_sign_as_the_official_library_does(key: bytes, message: str, timestamp: int, text: str) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()

    theirs = Webhook(secret).sign(message, datetime.fromtimestamp(timestamp, UTC), text)
    assert signature(Secret(secret), message, timestamp, text.encode()) == theirs


def test_another_scheme_stands_in_the_same_header() -> None:
    signers = [hmac_signer(GOLDEN), lambda signed: "v1a," + base64.b64encode(signed).decode()]

    listed = dict(headers(signers, message="evt_1", timestamp=1, body=b"{}"))["webhook-signature"]
    assert listed == f"{signature(GOLDEN, 'evt_1', 1, b'{}')} v1a,{base64.b64encode(b'evt_1.1.{}').decode()}"


def test_a_signer_can_sign_again_and_again() -> None:
    sign = hmac_signer(GOLDEN)

    assert [sign(content("evt_1", at, BODY)) for at in (1, 2, 1)] == [
        signature(GOLDEN, "evt_1", at, BODY) for at in (1, 2, 1)
    ]


@settings(max_examples=examples(100))
@given(key=st.binary(max_size=200), contents=st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_each_signature_is_as_if_its_signer_were_new(key: bytes, contents: list[bytes]) -> None:
    sign = keyed(key)

    assert [sign(one) for one in contents] == [
        "v1," + base64.b64encode(hmac.digest(key, one, "sha256")).decode() for one in contents
    ]


def test_a_long_key_makes_a_signature_on_one_line() -> None:
    secret = Secret("whsec_" + base64.b64encode(bytes(range(64))).decode())

    assert len(hmac_signer(secret)(b"x" * 100_000)) == len("v1,") + 44


def test_no_signature_shows_its_secret() -> None:
    assert GOLDEN.value not in str(signed(GOLDEN))
    assert (str(GOLDEN), repr(GOLDEN), f"{GOLDEN}") == ("***", "Secret(***)", "***")
