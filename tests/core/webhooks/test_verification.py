"""Why a webhook is, or is not, genuine: every reason by itself, and every mistake made on purpose."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from daemon.core.model import Secret
from daemon.core.webhooks.mistakes import Mistake
from daemon.core.webhooks.signing import headers, hmac_signer, keyed
from daemon.core.webhooks.verification import Problem, Verification, verify
from daemon.host import clock
from daemon.senders import ed25519
from tests.support.examples import examples

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER = Secret("whsec_" + base64.b64encode(b"other" * 6).decode())
PRIVATE = Secret(
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
OF_PUBLIC = ed25519.verifier(PUBLIC)
BODY = '{"type":"sms.received","data":{"id":"evt_1","sms":{"text":"שלום","url":"https://a/b"}}}'.encode()
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS = int(AT.timestamp())


def signed(
    body: bytes = BODY, *, secret: Secret = SECRET, message: str = "evt_1", at: int = SECONDS
) -> dict[str, str]:
    return dict(headers([hmac_signer(secret)], message=message, timestamp=at, body=body))


def with_signature(signature: str) -> dict[str, str]:
    return signed() | {"webhook-signature": signature}


def by_key(key: bytes, content: bytes = f"evt_1.{SECONDS}.".encode() + BODY) -> dict[str, str]:
    return with_signature(keyed(key)(content))


def judged(
    given: dict[str, str],
    body: bytes = BODY,
    *,
    secrets: tuple[Secret, ...] = (SECRET,),
    late: float = 0,
    tolerance: timedelta = timedelta(minutes=5),
    reach: timedelta = timedelta(0),
) -> Verification:
    now = AT + timedelta(seconds=late)
    return verify(body, given, secrets=secrets, now=now, tolerance=tolerance, reach=reach)


def problems(verification: Verification) -> list[Problem | Mistake]:
    return [one.problem for one in verification.findings]


def texts(verification: Verification) -> str:
    return "\n".join(one.text for one in verification.findings)


def test_what_was_signed_with_the_secret_is_genuine() -> None:
    assert judged(signed()) == Verification(is_genuine=True, findings=(), id="evt_1", signed_at=AT)


def test_the_published_vectors_are_genuine() -> None:
    given = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    asymmetric = {
        "webhook-signature": "v1a,"
        "hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    }
    body, now = b'{"test": 2432232314}', datetime.fromtimestamp(1614265330, UTC)

    assert verify(body, given, secrets=[SECRET], now=now).is_genuine
    assert verify(body, given | asymmetric, secrets=[], verifiers=[OF_PUBLIC], now=now).is_genuine


def test_the_names_of_headers_may_be_in_any_case() -> None:
    assert judged({name.title(): f" {value} " for name, value in signed().items()}).is_genuine


@pytest.mark.parametrize("secrets", [(SECRET, OTHER), (OTHER, SECRET)])
@pytest.mark.parametrize("signers", [(SECRET,), (OTHER,), (SECRET, OTHER)])
def test_any_secret_that_matches_any_signature_is_enough(
    secrets: tuple[Secret, ...], signers: tuple[Secret, ...]
) -> None:
    given = headers([hmac_signer(one) for one in signers], message="evt_1", timestamp=SECONDS, body=BODY)

    assert judged(dict(given), secrets=secrets).is_genuine


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_or_empty_is_named(name: str) -> None:
    without = {key: value for key, value in signed().items() if key != name}

    assert texts(judged(without)) == f"the header {name} is missing"
    assert texts(judged(without | {name: ""})) == f"the header {name} is empty"
    assert not judged(without).is_genuine


def test_everything_that_is_missing_is_said_at_once() -> None:
    assert problems(judged({})) == [Problem.HEADER_MISSING] * 3
    assert (judged({}).id, judged({}).signed_at) == (None, None)


@pytest.mark.parametrize(
    ("timestamp", "said"),
    [
        ("soon", "is not a whole number; expected seconds since 1970, such as"),
        ("1772366400.5", "is not a whole number"),
        ("-1772366400", "is not a whole number"),
        ("١٧٧٢٣٦٦٤٠٠", "is not a whole number"),
        ("9" * 5000, "is not a whole number"),
        ("1772366400000", "is in milliseconds, it seems"),
    ],
)
def test_a_timestamp_that_is_none_is_refused_however_well_it_is_signed(timestamp: str, said: str) -> None:
    sign = hmac_signer(SECRET)
    given = {
        "webhook-id": "evt_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(f"evt_1.{timestamp}.".encode() + BODY),
    }

    assert problems(judged(given)) == [Problem.TIMESTAMP_UNREADABLE]
    assert said in texts(judged(given))
    assert not judged(given).is_genuine


@pytest.mark.parametrize(
    ("late", "problem", "said"),
    [
        (300, None, ""),
        (-300, None, ""),
        (300.2, Problem.TOO_OLD, "5m1s ago, more than 5m: it came late"),
        (7200, Problem.TOO_OLD, "2h ago, more than 5m"),
        (-301, Problem.TOO_NEW, "5m1s ahead, more than 5m: this clock is behind"),
        (-86400, Problem.TOO_NEW, "1d ahead, more than 5m"),
    ],
)
def test_a_timestamp_that_is_too_old_or_too_new_is_measured(
    late: float, problem: Problem | None, said: str
) -> None:
    verification = judged(signed(), late=late)

    assert problems(verification) == ([problem] if problem else [])
    assert verification.is_genuine is (problem is None)
    assert said in texts(verification)


def test_the_tolerance_can_be_another() -> None:
    assert judged(signed(), late=7200, tolerance=timedelta(hours=2)).is_genuine
    assert not judged(signed(), late=2, tolerance=timedelta(seconds=1)).is_genuine


def test_a_timestamp_past_the_calendar_is_too_new() -> None:
    assert problems(judged(signed(at=99_999_999_999))) == [Problem.TOO_NEW]


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        ("v2,AAAA", "no signature of a known version, v1 or v1a; found 'v2'"),
        ("V1,AAAA v0,AAAA", "found 'V1', 'v0'"),
        ("sha256=AAAA", "entry 1: no comma; expected one, between version and base64"),
        ("v1,AAAA,v1,AAAA", "entry 1: 3 commas"),
    ],
)
def test_a_list_without_a_signature_of_a_known_version_is_said(signature: str, said: str) -> None:
    verification = judged(with_signature(signature))

    assert Problem.VERSION_UNKNOWN in problems(verification)
    assert said in texts(verification)
    assert not verification.is_genuine


def test_two_spaces_in_a_list_that_matches_are_a_remark() -> None:
    """The standard lets a receiver take any that matches; the official library for Python fails on it."""
    given = with_signature("v1,AAAA  " + signed()["webhook-signature"])

    assert judged(given).is_genuine
    assert problems(judged(given)) == [Problem.LIST_MALFORMED]
    with pytest.raises(ValueError, match="unpack"):
        Webhook(SECRET.value).verify(
            BODY, given | {"webhook-timestamp": str(int(clock.utcnow().timestamp()))}
        )


def test_a_signature_for_which_there_is_no_key_is_told_from_one_that_is_wrong() -> None:
    asymmetric = dict(headers([ed25519.signer(PRIVATE)], message="evt_1", timestamp=SECONDS, body=BODY))

    assert problems(judged(asymmetric)) == [Problem.KEY_MISSING]
    assert "a public key, whpk_…" in texts(judged(asymmetric))
    by_public = verify(BODY, signed(), secrets=[], verifiers=[OF_PUBLIC], now=AT)
    assert problems(by_public) == [Problem.KEY_MISSING]
    assert "a secret, whsec_…" in texts(by_public)


def test_one_of_two_schemes_is_enough() -> None:
    signers = [hmac_signer(SECRET), ed25519.signer(PRIVATE)]
    given = dict(headers(signers, message="evt_1", timestamp=SECONDS, body=BODY))

    assert judged(given).is_genuine
    assert verify(BODY, given, secrets=[], verifiers=[OF_PUBLIC], now=AT).is_genuine
    assert verify(BODY, given, secrets=[OTHER], verifiers=[OF_PUBLIC], now=AT).is_genuine
    assert not judged(given, secrets=(OTHER,)).is_genuine


def test_what_nothing_explains_was_signed_with_another_secret() -> None:
    verification = judged(signed(secret=OTHER))

    assert not verification.is_genuine
    assert problems(verification) == [Problem.NO_MATCH, Problem.UNEXPLAINED]
    assert "another secret" in texts(verification)


def test_what_was_changed_in_its_meaning_is_not_explained_away() -> None:
    changed = BODY.replace(b"sms.received", b"sms.gap")

    assert problems(judged(signed(), changed)) == [Problem.NO_MATCH, Problem.UNEXPLAINED]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: body + b"\n", "has a line break at its end that was not signed"),
        (lambda body: body + b"\r\n", "has a line break at its end that was not signed"),
        (lambda body: b"\xef\xbb\xbf" + body, "byte order mark that was not signed"),
        (lambda body: body.decode().encode("utf-16"), "is in UTF-16"),
        (lambda body: body.decode().encode("cp1255"), "is in Windows-1255"),
        (lambda body: body.decode("latin-1").encode(), "read as Latin-1 and encoded in UTF-8 a second time"),
        (lambda body: json.dumps(json.loads(body)).encode(), "the same JSON was signed without spaces"),
        (lambda body: json.dumps(json.loads(body), indent=4).encode(), "written anew"),
        (lambda body: json.dumps(json.loads(body), ensure_ascii=False).encode(), "written anew"),
    ],
    ids=["LF", "CRLF", "BOM", "UTF-16", "cp1255", "Latin-1", "Python", "pretty", "unescaped"],
)
def test_a_body_that_was_changed_on_the_way_is_said_how(change: Callable[[bytes], bytes], said: str) -> None:
    verification = judged(signed(), change(BODY))

    assert problems(verification) == [Problem.NO_MATCH, Mistake.BODY]
    assert said in texts(verification)
    assert not verification.is_genuine


@pytest.mark.parametrize(
    ("original", "said"),
    [
        (BODY + b"\n", "lost the line break at its end"),
        (BODY + b"\r\n", "lost the line break at its end"),
        (BODY.decode("latin-1").encode(), "read as Latin-1 before it was signed"),
        (json.dumps(json.loads(BODY)).encode(), "with spaces, with \\u for what is not ASCII"),
        (json.dumps(json.loads(BODY), ensure_ascii=False).encode(), "was signed with spaces"),
        (json.dumps(json.loads(BODY), separators=(",", ":")).encode(), "without spaces, with \\u"),
        (json.dumps(json.loads(BODY), indent=2, ensure_ascii=False).encode(), "was signed indented"),
        (json.dumps(json.loads(BODY), sort_keys=True).encode(), "with sorted keys and \\u"),
        (
            json.dumps(json.loads(BODY), separators=(",", ":")).replace("/", "\\/").encode(),
            "\\/ for /",
        ),
    ],
    ids=["LF", "CRLF", "Latin-1", "Python", "spaces", "ASCII", "pretty", "sorted", "PHP"],
)
def test_what_was_signed_in_another_form_is_said_which(original: bytes, said: str) -> None:
    verification = judged(signed(original))

    assert problems(verification) == [Problem.NO_MATCH, Mistake.BODY]
    assert said in texts(verification)


def test_half_a_surrogate_pair_does_not_end_the_search() -> None:
    verification = judged(signed(b'{"a": "\\ud83d"}'), b'{"a":"\\ud83d"}')

    assert problems(verification) == [Problem.NO_MATCH, Mistake.BODY]


@pytest.mark.parametrize(
    ("received", "original"),
    [
        (b"a\r\nb", b"a\nb"),
        (b"a\nb", b"a\r\nb"),
        (b'{\n"a": 1\n}\n', b'{"a": 1}'),
    ],
)
def test_line_breaks_that_were_changed_are_said(received: bytes, original: bytes) -> None:
    verification = judged(signed(original), received)

    assert problems(verification) == [Problem.NO_MATCH, Mistake.BODY]
    assert "line break" in texts(verification)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (SECRET.value.encode(), "the whole text of the secret was the key"),
        (SECRET.value.removeprefix("whsec_").encode(), "the base64 of the secret was the key, not decoded"),
        (base64.urlsafe_b64decode(SECRET.value + "=="), "decoded together with whsec_"),
    ],
)
def test_a_secret_that_was_not_decoded_is_said(key: bytes, said: str) -> None:
    verification = judged(by_key(key))

    assert problems(verification) == [Problem.NO_MATCH, Mistake.KEY]
    assert said in texts(verification)


def test_a_text_that_is_no_secret_but_was_the_key_is_said() -> None:
    verification = judged(by_key(b"my own secret"), secrets=(Secret("my own secret"),))

    assert problems(verification) == [Problem.SECRET_UNUSABLE, Problem.KEY_MISSING, Mistake.KEY]
    assert "my own secret" not in texts(verification)


@pytest.mark.parametrize("secret", ["\udcff", "whsec_\udcff", "whsec_", "", "a"])
def test_no_secret_is_too_odd_to_judge_with(secret: str) -> None:
    """The environment can hold bytes that are no text."""
    assert not judged(signed(), secrets=(Secret(secret),)).is_genuine


@pytest.mark.parametrize(
    ("content", "said"),
    [(f"{SECONDS}.".encode() + BODY, "the id was not signed"), (BODY, "the body alone was signed")],
)
def test_a_signature_over_less_than_all_is_said(content: bytes, said: str) -> None:
    verification = judged(with_signature(hmac_signer(SECRET)(content)))

    assert problems(verification) == [Problem.NO_MATCH, Mistake.CONTENT]
    assert said in texts(verification)


def test_the_id_of_another_message_is_said_with_the_right_one() -> None:
    verification = judged(signed() | {"webhook-id": "evt_2"})

    assert problems(verification) == [Problem.NO_MATCH, Mistake.ID]
    assert "'evt_1', was signed" in texts(verification)


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "5s earlier"), (7200, "2h earlier"), (86400, "1d earlier"), (-60, "1m later")]
)
def test_the_timestamp_of_another_attempt_is_said_with_the_right_one(seconds: int, said: str) -> None:
    given = signed() | {"webhook-timestamp": str(SECONDS + seconds)}
    verification = judged(given, late=seconds, reach=timedelta(days=1))

    assert problems(verification) == [Problem.NO_MATCH, Mistake.TIMESTAMP]
    assert f"{SECONDS} was signed, {said}" in texts(verification)


def test_another_attempt_is_looked_for_as_far_as_is_asked_and_no_farther() -> None:
    given = signed() | {"webhook-timestamp": str(SECONDS + 10)}

    assert Mistake.TIMESTAMP in problems(judged(given, reach=timedelta(seconds=10)))
    assert Problem.UNEXPLAINED in problems(judged(given, reach=timedelta(seconds=9)))


def test_the_search_for_another_attempt_is_short_for_a_large_body() -> None:
    body = b"x" * 2_000_000
    near, far = (signed(body) | {"webhook-timestamp": str(SECONDS + away)} for away in (1, 30))

    assert Mistake.TIMESTAMP in problems(judged(near, body, reach=timedelta(days=1)))
    assert Problem.UNEXPLAINED in problems(judged(far, body, reach=timedelta(days=1)))


def test_several_mistakes_at_once_are_said_together() -> None:
    key = SECRET.value.encode()
    verification = judged(by_key(key), BODY + b"\n")

    assert problems(verification) == [Problem.NO_MATCH, Mistake.KEY, Mistake.BODY]


def test_mistakes_with_an_asymmetric_signature_are_found_as_well() -> None:
    given = dict(headers([ed25519.signer(PRIVATE)], message="evt_1", timestamp=SECONDS, body=BODY))
    verification = verify(BODY + b"\n", given, secrets=[], verifiers=[OF_PUBLIC], now=AT)

    assert problems(verification) == [Problem.NO_MATCH, Mistake.BODY]


@pytest.mark.parametrize("secret", [Secret(PUBLIC), PRIVATE])
def test_an_asymmetric_key_in_the_place_of_a_secret_is_said(secret: Secret) -> None:
    verification = judged(signed(), secrets=(secret,))

    assert problems(verification) == [Problem.SECRET_UNUSABLE, Problem.KEY_MISSING]
    assert f"is a key of v1a, {secret.value[:5]}…" in texts(verification)
    assert secret.value[8:] not in texts(verification)


def test_which_of_several_secrets_cannot_be_used_is_said() -> None:
    verification = judged(signed(), secrets=(Secret("whsec_***"), SECRET))

    assert verification.is_genuine
    assert texts(verification) == "secret 1 is not whsec_ and base64"


def test_the_reasons_stand_in_the_order_of_the_check() -> None:
    given = with_signature("v1,AAAA  v1") | {"webhook-timestamp": str(SECONDS - 600)}

    assert problems(judged(given, secrets=(SECRET, Secret(PUBLIC)))) == [
        Problem.TOO_OLD,
        Problem.SECRET_UNUSABLE,
        Problem.LIST_MALFORMED,
        Problem.LIST_MALFORMED,
        Problem.NO_MATCH,
        Problem.UNEXPLAINED,
    ]


def test_hex_is_no_signature() -> None:
    digest = hmac.digest(base64.b64decode(SECRET.value[6:]), BODY, hashlib.sha256).hex()

    assert not judged(with_signature("v1," + digest)).is_genuine


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b'{"id": "\\ud800"}', b"\xff\xfe\xfd", b"9" * 5000])
def test_no_body_is_too_odd_to_judge(body: bytes) -> None:
    assert judged(signed(body), body).is_genuine
    assert problems(judged(signed(b"-", secret=OTHER), body))[-1] is Problem.UNEXPLAINED


@settings(max_examples=examples(200))
@given(
    changes=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.text(max_size=30) | st.sampled_from(["v1,", "v1a,x", ",", "v1,שלום", "\ud800", "0"]),
    ),
    body=st.just(BODY) | st.binary(max_size=40),
)
def test_whatever_comes_is_judged_as_the_official_library_judges(
    changes: dict[str, str], body: bytes
) -> None:
    now = clock.utcnow()
    sent = signed(at=int(now.timestamp())) | changes
    ours = verify(body, sent, secrets=[SECRET], now=now, reach=timedelta(0)).is_genuine
    try:
        Webhook(SECRET.value).verify(body, sent, json_parse=False)
        theirs = True
    except (WebhookVerificationError, ValueError):  # of which it raises some for headers that are odd
        theirs = False

    assert ours == theirs
