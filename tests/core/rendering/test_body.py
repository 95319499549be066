"""The body of an event, to the byte: receivers check signatures over it."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from daemon.config.event_examples import examples
from daemon.core.event_types import EVENT_TYPES
from daemon.core.model import Fact, Json
from daemon.core.rendering.body import render, summary

AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)


def body(payload: dict[str, Json], *, system: str = "main", at: datetime = AT) -> bytes:
    return render(
        Fact("sip.account.added", "sip/077", payload), event="evt_1", system=system, sequence=1234, at=at
    )


def test_the_body_is_minified_and_its_keys_stand_in_a_fixed_order() -> None:
    assert body({"account": {"user_name": "077", "registered": False}}) == (
        b'{"type":"sip.account.added","timestamp":"2026-11-23T01:02:03.456Z",'
        b'"data":{"id":"evt_1","system":"main","sequence":1234,"subject":"sip/077",'
        b'"account":{"user_name":"077","registered":false}}}'
    )


def test_the_keys_of_a_payload_keep_their_order() -> None:
    assert body({"z": 1, "a": None, "m": [1.5, True]}).endswith(b'"z":1,"a":null,"m":[1.5,true]}}')


def test_the_same_fact_gives_the_same_bytes() -> None:
    assert body({"a": "x"}) == body({"a": "x"})


def test_the_daemons_own_events_have_no_system() -> None:
    assert b'"system":null' in body({}, system="")


def test_the_time_is_told_in_utc_whatever_zone_it_came_in() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=3)))

    assert body({}, at=elsewhere) == body({})


def test_hebrew_is_written_as_utf_8_and_not_escaped() -> None:
    assert '"text":"שלום 😀"'.encode() in body({"text": "שלום 😀"})


def test_what_json_must_escape_is_escaped() -> None:
    assert rb'"text":"a\"b\\c\nd\u0000"' in body({"text": 'a"b\\c\nd\0'})


@pytest.mark.parametrize("text", ["a\ud83d", "\ude00b", "\ude00\ud83d", "\udc80"])
def test_half_a_surrogate_pair_is_shown_as_a_question_mark(text: str) -> None:
    written = body({"text": text})

    shown = json.loads(written.decode("utf-8"))["data"]["text"]
    assert shown == "".join("?" if "\ud800" <= letter <= "\udfff" else letter for letter in text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_figures_that_json_cannot_say_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        body({"value": value})


def test_what_a_terminal_would_obey_is_escaped() -> None:
    written = body({"text": "\x9b31m\u202e\x7f\u2028\x1b"})

    assert rb'"text":"\u009b31m\u202e\u007f\u2028\u001b"' in written
    assert json.loads(written)["data"]["text"] == "\x9b31m\u202e\x7f\u2028\x1b"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_has_a_line(event_type: str) -> None:
    found = examples()[event_type]

    assert found["data"]["subject"] in summary(found) or event_type.startswith("command.")


def test_the_line_of_an_sms_that_failed_says_why() -> None:
    found = json.loads(json.dumps(examples()["sms.failed"]))
    found["data"]["sms"]["reason"] = "the carrier says REJECTD"

    assert summary(found).endswith(" · the carrier says REJECTD")
