"""An alert as an SMS: short, whole words, in both languages, and nothing in it that others wrote."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.commands.texts import PART, length, parts
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.event_types import ALERT_TYPES
from daemon.core.rendering.short_texts import cut, short
from tests.support.event_examples import example
from tests.support.examples import examples

ZONE = ZoneInfo("Asia/Jerusalem")
HOSTILE = "EVIL http://evil.example \u202e"


def told(event: dict[str, Any], language: str = "en", most: int = 2) -> str:
    return short(event, language, NOBODY, ZONE, parts=most)


@pytest.mark.parametrize("language", ["en", "he"])
@pytest.mark.parametrize("event_type", sorted(ALERT_TYPES))
@pytest.mark.parametrize("most", [1, 2])
def test_every_alert_fits_its_parts_and_says_what_it_is(event_type: str, language: str, most: int) -> None:
    text = told(example(event_type), language, most)

    assert 0 < length(text) <= most * PART
    assert "?" not in text
    assert "\n" not in text
    assert not any("\u2066" <= one <= "\u2069" for one in text)


def poisoned(value: Any) -> Any:
    """Every text that is no word of the daemon's own, by whoever wrote it."""
    if isinstance(value, dict):
        return {key: poisoned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one) for one in value]
    return HOSTILE if isinstance(value, str) else value


CONFIGURED = (("queue", "name"), ("queue", "path"), ("endpoint", "name"), ("wish", "name"))


@pytest.mark.parametrize("language", ["en", "he"])
@pytest.mark.parametrize("event_type", sorted(ALERT_TYPES))
def test_what_others_wrote_never_goes_out(event_type: str, language: str) -> None:
    event = example(event_type)
    data = {name: poisoned(one) for name, one in event["data"].items() if name not in ("system", "subject")}
    for part, name in CONFIGURED:
        if isinstance(data.get(part), dict) and name in data[part]:
            data[part][name] = "5"
    data.pop("watches", None)
    if isinstance(data.get("expectation"), dict):
        data["expectation"]["within"] = "4h"
    if isinstance(data.get("wish"), dict):
        data["wish"]["setting"] = "quiet"
    event["data"] = {**data, "system": "main", "subject": event["data"]["subject"]}

    assert "EVIL" not in told(event, language)


def test_a_phone_that_the_platform_names_is_told_only_as_a_number() -> None:
    event = example("sip.account.unregistered")
    event["data"]["account"]["user_name"] = "call 1-900-EVIL"
    event["data"]["subject"] = "sip/call 1-900-EVIL"

    assert "EVIL" not in told(event)


def test_a_name_that_is_configured_stands_beside_the_number() -> None:
    event = example("sip.account.unregistered")
    number = event["data"]["account"]["user_name"]
    book = Contacts.of([(number, "Dana")])

    assert "Dana" in short(event, "he", book, ZONE, parts=2)


def test_messages_that_never_arrived_are_counted() -> None:
    event = example("sip.account.unregistered")
    event["data"]["superseded"] = 3

    assert "3" in told(event)


@given(st.text(max_size=400), st.integers(1, 300))
@settings(max_examples=examples(300))
def test_what_is_cut_fits_and_keeps_whole_words(text: str, most: int) -> None:
    found = cut(text, most)

    assert length(found) <= max(most, 1)
    if length(text) <= most:
        assert found == text
    elif " " in found:
        assert text.startswith(found.removesuffix("…"))
        assert text[len(found) - 1] == " "


@pytest.mark.parametrize(
    ("text", "many"), [("", 1), ("a", 1), ("א" * 70, 1), ("א" * 71, 2), ("😀" * 35, 1), ("😀" * 36, 2)]
)
def test_a_part_is_seventy_units_of_utf_16(text: str, many: int) -> None:
    assert parts(text) == many
