"""The sentence that people read of each event, in both languages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.events import EVENT_TYPES
from daemon.core.phrases import sentence
from daemon.core.phrases_en import ENGLISH
from daemon.core.phrases_he import HEBREW

PHONE = {"account": {"user_name": "0773137770"}}
QUEUE = {"queue": {"path": "/5", "name": "sales"}}
CROSSED = {**QUEUE, "threshold": {"metric": "calls_waiting", "above": 5.0, "clear": 3.0, "value": 12.0}}
MANY = {"accounts": {"unregistered": ["071", "072", "073", "074", "075", "076"], "total": 9}}
AWAY = {"error": {"class": "timeout"}, "watches": ["sip", "sms"]}


def said(event_type: str, data: dict[str, Any], language: str = "en") -> str:
    """Without the marks that keep directions apart."""
    text = sentence({"type": event_type, "data": {"subject": "x", **data}}, language)
    return text.replace("\u2068", "").replace("\u2069", "")


@pytest.mark.parametrize(
    ("event_type", "data", "english", "hebrew"),
    [
        ("sms.received", {"sms": {"from": "0501234567", "text": "שלום"}},
         "SMS from 0501234567: שלום", "מסרון מ-0501234567: שלום"),
        ("sip.account.unregistered", PHONE,
         "Phone 0773137770 is off the network", "הטלפון 0773137770 מנותק"),
        ("sip.account.registered", PHONE,
         "Phone 0773137770 is back on the network", "הטלפון 0773137770 חזר להיות מחובר"),
        ("sip.accounts.unregistered", MANY,
         "6 of 9 phones are off the network: 071, 072, 073, 074, 075, …",
         "6 מתוך 9 טלפונים מנותקים: 071, 072, 073, 074, 075, …"),
        ("queue.threshold.crossed", CROSSED,
         "Queue sales: calls waiting 12 (limit 5)", "תור sales: שיחות ממתינות 12 (הסף 5)"),
        ("queue.threshold.crossed",
         {"queue": {"path": "/5"}, "threshold": {"metric": "agents_available", "below": 1, "value": 0}},
         "Queue /5: agents available 0 (limit 1)", "תור /5: נציגים זמינים 0 (הסף 1)"),
        ("api.unreachable", AWAY,
         "Yemot does not answer (timeout); blind: sip, sms",
         "ימות המשיח אינה עונה (timeout); ללא מעקב: sip, sms"),
        ("endpoint.failing", {"endpoint": {"name": "crm", "error": "HTTP 500"}},
         "Endpoint crm takes no messages: HTTP 500", "היעד crm אינו מקבל הודעות: HTTP 500"),
        ("units.low", {"units": {"balance": 12.5}},
         "Units run low: 12.5 left", "היחידות עומדות להיגמר: נותרו 12.5"),
    ],
)  # fmt: skip
def test_what_people_read(event_type: str, data: dict[str, Any], english: str, hebrew: str) -> None:
    assert said(event_type, data) == english
    assert said(event_type, data, "he") == hebrew


def test_every_type_has_a_sentence_in_both_languages() -> None:
    assert set(ENGLISH) == set(HEBREW) == set(EVENT_TYPES)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@pytest.mark.parametrize("language", ["en", "he"])
def test_an_event_that_lacks_everything_gives_a_sentence_all_the_same(event_type: str, language: str) -> None:
    assert sentence({"type": event_type}, language)
    assert sentence({"type": event_type, "data": []}, language)


def test_a_type_that_is_not_known_is_told_by_its_name() -> None:
    assert said("new.type", {}) == "new.type: x"


@pytest.mark.parametrize(
    ("reason", "english", "hebrew"),
    [
        ("first", "", ""),
        ("resolved", "", ""),
        ("repeat", " (reminder)", " (תזכורת)"),
        ("catch_up", " (told late)", " (הודעה מאוחרת)"),
        ("removed", " (no longer watched)", " (כבר לא במעקב)"),
    ],
)
def test_why_it_is_told_is_said_where_that_matters(reason: str, english: str, hebrew: str) -> None:
    data = {**PHONE, "alert": {"reason": reason}}

    assert said("sip.account.unregistered", data).endswith("network" + english)
    assert said("sip.account.unregistered", data, "he").endswith("מנותק" + hebrew)


def test_within_hebrew_every_value_keeps_its_own_direction() -> None:
    event = {"type": "sip.account.unregistered", "data": PHONE}

    assert sentence(event, "he") == "הטלפון \u20680773137770\u2069 מנותק"
    assert "\u2068" not in sentence(event, "en")


def test_a_long_text_is_cut() -> None:
    assert len(said("sms.received", {"sms": {"from": "1", "text": "x" * 5000}})) < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["from", "name", "metric", "value", "total", "reason"]), inner)
    ),
    max_leaves=8,
)


PARTS = ["subject", "sms", "account", "queue", "threshold", "alert", "accounts", "watches"]


@given(
    event_type=st.sampled_from([*EVENT_TYPES, "odd"]),
    data=st.dictionaries(
        st.sampled_from(["subject", "sms", "account", "queue", "threshold", "alert", "accounts", "watches"]),
        JSON,
    ),
    language=st.sampled_from(["en", "he"]),
)
def test_whatever_an_event_says_there_is_a_sentence(
    event_type: str, data: dict[str, Any], language: str
) -> None:
    assert isinstance(sentence({"type": event_type, "data": data}, language), str)
