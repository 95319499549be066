"""The envelope: every way to fail has its name, and what is no answer is told apart from one."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from daemon.core.model import Failure, Unknown
from daemon.yemot.envelope import MAX_MESSAGE, MAX_WAIT, Answer, clean, judge
from daemon.yemot.transport import Reply

OK = '{"responseStatus":"OK"}'
NOW = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
HTML = "<!doctype html><html><head><title>Blocked &amp; gone</title></head></html>"


def unknown(answer: object) -> Unknown:
    assert isinstance(answer, Unknown), answer
    return answer


def judged(body: str | bytes, *, status: int = 200, retry_after: str | None = None) -> Answer | Unknown:
    encoded = body.encode() if isinstance(body, str) else body
    return judge(Reply(status, encoded, "text/plain", None, retry_after), NOW)


def envelope(status: str, message: str | None = None, code: object = None) -> str:
    return json.dumps({"responseStatus": status, "message": message, "messageCode": code})


ENVELOPES: list[tuple[str, str | None, object, Failure]] = [
    ("ERROR", "Username or password is incorrect", 1, Failure.TOKEN_REJECTED),
    ("ERROR", "Username or password is incorrect", None, Failure.TOKEN_REJECTED),
    ("ERROR", "anything", "1", Failure.TOKEN_REJECTED),
    ("EXCEPTION", "IllegalStateException(session token is invalid)", None, Failure.TOKEN_REJECTED),
    ("FORBIDDEN", "session is expired", None, Failure.TOKEN_REJECTED),
    ("ERROR", "MFA_REQUIRED ", None, Failure.TOKEN_REJECTED),
    ("ERROR", "שרת זה אינו תומך במערכת SIP", None, Failure.REFUSED),
    ("EXCEPTION", "This server does not support SIP", None, Failure.REFUSED),
    ("ERROR", "not configured", 101, Failure.REFUSED),
    ("ERROR", "no valid phones", "102", Failure.REFUSED),
    ("EXCEPTION", "not enough units", 103, Failure.REFUSED),
    ("ERROR", "Shabbat", 104, Failure.REFUSED),
    ("ERROR", "system", 105, Failure.SERVER_ERROR),
    ("ERROR", "caller id", 120, Failure.REFUSED),
    ("error", "something else", None, Failure.REFUSED),
    ("Exception", "NullPointerException", None, Failure.SERVER_ERROR),
    ("FORBIDDEN", "this address may not", None, Failure.REFUSED),
    ("NEVER SEEN", None, None, Failure.REFUSED),
]


@pytest.mark.parametrize(("status", "message", "code", "failure"), ENVELOPES)
def test_every_known_failure_has_its_name(
    status: str, message: str | None, code: object, failure: Failure
) -> None:
    assert unknown(judged(envelope(status, message, code))).failure is failure


@pytest.mark.parametrize("status", ["OK", "ok", " Ok "])
def test_ok_is_ok_in_any_case(status: str) -> None:
    assert isinstance(judged(envelope(status)), Answer)


def test_a_message_is_stripped_and_its_code_kept() -> None:
    assert judged(envelope("ERROR", " no \n", "101")) == Unknown(Failure.REFUSED, "no", 101)


def test_another_field_may_stand_in_for_the_message() -> None:
    body = '{"responseStatus":"EXCEPTION","message":null,"exceptionMessage":"deep trouble"}'
    assert unknown(judged(body)).message == "deep trouble"


@pytest.mark.parametrize(
    ("said", "wait"),
    [("55s", timedelta(seconds=55)), ("86400 s", MAX_WAIT), ("9" * 5000 + "s", MAX_WAIT)],
)
def test_a_wait_in_the_message_is_kept_and_believed_for_a_while(said: str, wait: timedelta) -> None:
    answer = judged(envelope("Exception", f"exception send by customer. wait {said}"))
    assert (unknown(answer).failure, unknown(answer).retry_after) == (Failure.THROTTLED, wait)


@pytest.mark.parametrize(("header", "wait"), [("7", 55), ("70", 70), ("soon", 55)])
def test_of_two_wishes_for_patience_the_longer_one_counts(header: str, wait: int) -> None:
    answer = judged(envelope("Exception", "wait 55s"), status=429, retry_after=header)
    assert unknown(answer).retry_after == timedelta(seconds=wait)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("Mon, 23 Nov 2026 01:03:03 GMT", timedelta(minutes=1)),
        ("Mon, 23 Nov 2020 01:03:03 GMT", timedelta(0)),
        ("0", timedelta(0)),
        ("86400", MAX_WAIT),
        ("9" * 5000, MAX_WAIT),
        ("0" * 5000 + "7", timedelta(seconds=7)),
        ("Tue, 24 Nov 2026 01:02:03 GMT", MAX_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_WAIT),
        ("1.5", None),
        ("٧", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(text: str | None, wait: timedelta | None) -> None:
    answer = unknown(judged("", status=429, retry_after=text))
    assert (answer.failure, answer.retry_after) == (Failure.THROTTLED, wait)


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (200, HTML, Failure.FILTERED),
        (200, "Welcome", Failure.FILTERED),
        (200, HTML.encode("utf-16"), Failure.FILTERED),
        (418, OK, Failure.FILTERED),
        (302, "", Failure.FILTERED),
        (302, OK, Failure.FILTERED),
        (403, HTML, Failure.FILTERED),
        (500, "", Failure.SERVER_ERROR),
        (502, HTML, Failure.SERVER_ERROR),
        (503, OK, Failure.SERVER_ERROR),
        (500, envelope("ERROR", "who knows"), Failure.SERVER_ERROR),
        (500, envelope("EXCEPTION", "session is expired"), Failure.TOKEN_REJECTED),
        (401, '{"error":"unauthorized"}', Failure.TOKEN_REJECTED),
        (404, '{"error":"no such method"}', Failure.REFUSED),
        (500, "Exception IllegalStateException (session is expired) thrown", Failure.TOKEN_REJECTED),
        (500, "Exception NullPointerException () thrown\n", Failure.SERVER_ERROR),
        (200, "", Failure.MALFORMED),
        (200, "{}", Failure.MALFORMED),
        (200, '{"responseStatus":null}', Failure.MALFORMED),
        (200, "[]", Failure.MALFORMED),
        (200, "null", Failure.MALFORMED),
        (200, '"OK"', Failure.MALFORMED),
        (200, '{"responseStatus":"OK"', Failure.MALFORMED),
        (200, OK + OK, Failure.MALFORMED),
        (200, '{"responseStatus":"OK","a":1,"a":2}', Failure.MALFORMED),
        (200, '{"responseStatus":"OK","a":NaN}', Failure.MALFORMED),
        (200, b'{"responseStatus":"OK","a":"\xff"}', Failure.MALFORMED),
        (200, '{"responseStatus":"OK","a":' + "9" * 5000 + "}", Failure.MALFORMED),
        (200, '{"responseStatus":"OK","a":' + "[" * 100_000 + "]" * 100_000 + "}", Failure.MALFORMED),
    ],
)
def test_what_is_no_answer_is_told_apart(status: int, body: str | bytes, failure: Failure) -> None:
    assert unknown(judged(body, status=status)).failure is failure


def test_a_byte_order_mark_is_no_fault() -> None:
    assert isinstance(judged(b"\xef\xbb\xbf" + OK.encode()), Answer)


def test_a_token_hidden_in_control_characters_is_not_shown() -> None:
    assert "token" not in clean("a to\x00k\u200ben b", ["token"])


def test_a_message_is_one_bounded_line_without_control_characters() -> None:
    told = clean("a\r\nb\x1b[31m\x00c\u202ed\ud800 " + "x" * 10_000_000, [])
    assert told.startswith("a b[31mcd\ufffd xxx")
    assert len(told) == MAX_MESSAGE
    assert told.isprintable()
