"""Asymmetric signatures: the published vector, and keys that are none."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.model import Secret
from daemon.core.webhooks.signing import content
from daemon.senders import ed25519
from tests.support.examples import examples

PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
SIGNED = content("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
SIGNATURE = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
RAW = base64.b64decode(PRIVATE.removeprefix("whsk_"))


def key(raw: bytes, prefix: str = "whsk_") -> str:
    return prefix + base64.b64encode(raw).decode()


def test_the_published_vector() -> None:
    assert ed25519.signer(Secret(PRIVATE))(SIGNED) == SIGNATURE
    assert ed25519.public_key(Secret(PRIVATE)) == PUBLIC
    assert ed25519.verify(PUBLIC, SIGNED, SIGNATURE)


def test_the_seed_alone_is_the_same_key() -> None:
    seed = Secret(key(RAW[:32]))

    assert ed25519.signer(seed)(SIGNED) == SIGNATURE
    assert ed25519.public_key(seed) == PUBLIC


@pytest.mark.parametrize(
    ("public", "signed", "signature"),
    [
        (PUBLIC, SIGNED + b" ", SIGNATURE),
        (PUBLIC, SIGNED, SIGNATURE.replace("hnO3", "hnO4")),
        (PUBLIC, SIGNED, SIGNATURE.replace("v1a,", "v1,")),
        (PUBLIC, SIGNED, SIGNATURE.removeprefix("v1a,")),
        (PUBLIC, SIGNED, SIGNATURE[:-4]),
        (PUBLIC, SIGNED, "v1a,***"),
        (PUBLIC, SIGNED, "v1a,שלום"),
        (PUBLIC, SIGNED, ""),
        (ed25519.public_key(Secret(ed25519.generate())), SIGNED, SIGNATURE),
    ],
    ids=["content", "signature", "version", "no version", "length", "base64", "Hebrew", "nothing", "key"],
)
def test_what_was_touched_on_the_way_is_refused(public: str, signed: bytes, signature: str) -> None:
    assert not ed25519.verify(public, signed, signature)


@settings(max_examples=examples(50))
@given(signed=st.binary(max_size=200))
def test_a_new_key_signs_what_its_public_key_accepts(signed: bytes) -> None:
    secret = ed25519.generate()

    assert len(base64.b64decode(secret.removeprefix("whsk_"))) == 64
    assert ed25519.verify(ed25519.public_key(Secret(secret)), signed, ed25519.signer(Secret(secret))(signed))


def test_every_new_key_is_another() -> None:
    assert len({ed25519.generate() for _ in range(10)}) == 10


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "is a symmetric secret, which signs v1; expected whsk_…"),
        (PUBLIC, "is a public key, which cannot sign; expected the private one, whsk_…"),
        (PRIVATE.removeprefix("whsk_"), "expected whsk_ and base64"),
        ("", "expected whsk_ and base64"),
        ("whsk_", "(the seed and its public key) in base64 after whsk_, found 0"),
        ("whsk_שלום", "expected base64 after whsk_"),
        (PRIVATE[:-3], "expected base64 after whsk_"),
        (key(RAW[:31]), "expected 32 bytes (the seed) or 64"),
        (key(RAW + b"!"), "found 65"),
        (key(RAW[:32] + RAW[:32]), "its second half is not the public key of its first"),
    ],
)
@pytest.mark.parametrize("use", [ed25519.signer, ed25519.public_key])
def test_what_is_no_private_key_is_refused_with_the_way_out_and_not_shown(
    use: Callable[[Secret], object], secret: str, said: str
) -> None:
    with pytest.raises(ValueError) as refused:
        use(Secret(secret))

    assert said in str(refused.value)
    assert len(secret) < 10 or secret[8:] not in str(refused.value)


@pytest.mark.parametrize(
    ("public", "said"),
    [
        (PRIVATE, "is the private key; receivers get the public one that belongs to it, whpk_…"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "expected whpk_…"),
        ("public-key-of-crm", "expected whpk_ and base64"),
        (key(RAW, "whpk_"), "expected 32 bytes in base64 after whpk_, found 64"),
    ],
)
def test_what_is_no_public_key_is_refused_and_not_shown(public: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        ed25519.verify(public, SIGNED, SIGNATURE)

    assert said in str(refused.value)
    assert public[6:] not in str(refused.value)
