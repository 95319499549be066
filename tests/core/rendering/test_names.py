"""Names that go with an event: found when it is recorded, told to who asked, of nobody who is redacted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.rendering import names
from daemon.core.rendering.formats import Format, Shape, render
from daemon.core.rendering.mail_grouping import compose
from daemon.core.rendering.phrases import sentence
from tests.core.rendering.test_formats import ALERT, SMS, stored
from tests.core.rendering.test_mails import ENGLISH, phone, sms
from tests.support.hostile import SHOWN

BOOK = Contacts.of([("0501234567", "Dana"), ("0773137770", "Office"), ("/5", "מכירות"), ("agent-3", "Yossi")])
NAMED = {"sms/0501234567": "Dana", "0501234567": "Dana", "0773137770": "Office"}


def recorded(body: bytes, book: Contacts = BOOK) -> str | None:
    return names.stored(json.loads(body)["data"], book)


def rendered(body: bytes, shape: Shape, book: Contacts = BOOK) -> Any:
    return json.loads(render(body, shape, names=recorded(body, book)).body)


def test_the_names_are_of_what_stands_in_the_event_by_how_it_is_written_there() -> None:
    event = {
        "subject": "queue/5",
        "queue": {"path": "/5", "name": "0501234567"},
        "agent": {"name": "agent-3"},
        "caller": {"phone": "+972 50-123-4567"},
        "accounts": {"unregistered": ["0773137770", "x"]},
        "sms": {"text": "0501234567"},
        "quiet": {"incidents": [{"subject": "sip/0773137770"}]},
    }

    assert names.found(event, BOOK) == {
        "queue/5": "מכירות",
        "/5": "מכירות",
        "agent-3": "Yossi",
        "+972 50-123-4567": "Dana",
        "0773137770": "Office",
        "sip/0773137770": "Office",
    }
    assert names.found(event, NOBODY) == {}
    assert names.stored({"subject": "queue/6"}, BOOK) is None


def test_an_event_with_a_thousand_phones_has_a_bounded_number_of_names() -> None:
    many = [f"050{number:07}" for number in range(1000)]
    book = Contacts.of([(one, "x") for one in many])

    assert len(names.found({"accounts": {"unregistered": many}}, book)) == names.MOST_NAMES


def test_who_did_not_ask_gets_the_stored_bytes() -> None:
    body = stored(SMS)

    assert render(body, Shape(), names=recorded(body)).body == body
    assert "names" not in rendered(body, Shape(is_thin=True))["data"]
    assert "names" not in rendered(body, Shape(redact=("sms.text",)))["data"]


def test_who_asked_gets_an_extra_field_and_nothing_else_changes() -> None:
    body = stored(SMS)
    told = rendered(body, Shape(has_names=True))

    assert told["data"].pop("names") == NAMED
    assert told == json.loads(body)
    assert render(body, Shape(has_names=True), names=recorded(body)) == render(
        body, Shape(has_names=True), names=recorded(body)
    )
    assert render(stored(ALERT, subject="sip/1"), Shape(has_names=True), names=None).body == stored(
        ALERT, subject="sip/1"
    )


@pytest.mark.parametrize("form", [Format.CLOUDEVENTS, Format.CLOUDEVENTS_BINARY])
def test_cloudevents_have_it_in_their_data(form: Format) -> None:
    told = rendered(stored(SMS), Shape(form, has_names=True))

    assert (told["data"] if form is Format.CLOUDEVENTS else told)["names"] == NAMED


def test_what_is_left_out_or_redacted_has_no_name() -> None:
    body = stored(SMS)

    assert rendered(body, Shape(is_thin=True, has_names=True))["data"]["names"] == {"sms/0501234567": "Dana"}
    told = rendered(body, Shape(redact=("sms.from",), has_names=True))
    assert "Dana" not in json.dumps(told)
    assert told["data"]["names"] == {"0773137770": "Office"}
    slack = rendered(body, Shape(Format.SLACK, redact=("sms.from",)))
    assert "Dana" not in json.dumps(slack)


def test_slack_reads_the_name_beside_the_number() -> None:
    text = rendered(stored(SMS), Shape(Format.SLACK))["text"]

    assert text.startswith("SMS from Dana (0501234567): ")


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("language", ["en", "he"])
def test_an_odd_name_marks_nothing_up_in_a_messenger(name: str, language: str) -> None:
    book = Contacts.of([("0501234567", name)])
    text = rendered(stored(SMS), Shape(Format.SLACK, language=language), book)["text"]

    assert "0501234567" in text
    assert "<!" not in text
    assert "<script" not in text
    assert "*bold*" not in text
    assert "@here" not in text


@pytest.mark.parametrize("language", ["en", "he"])
@given(st.text(max_size=120))
def test_a_sentence_has_the_number_whatever_the_name(language: str, name: str) -> None:
    event = json.loads(stored(SMS))
    said = sentence(event, language, Contacts.of([("0501234567", name)]))

    assert "0501234567" in said


def test_a_queue_that_the_configuration_names_keeps_that_name_and_another_has_the_contact_s() -> None:
    event: dict[str, Any] = {
        "type": "queue.caller.joined",
        "data": {"queue": {"path": "/5", "name": "sales"}},
    }
    assert "Queue sales:" in sentence(event, "en", BOOK)
    event["data"]["queue"]["name"] = "/5"
    assert "Queue \u2068מכירות (/5)\u2069:" in sentence(event, "en", BOOK)


def test_mails_name_whose_phone_it_is_in_subject_headline_and_details() -> None:
    named = json.dumps({"077": "Office", "0541234567": "Dana"})
    (mail,) = compose([phone(1)._replace(names=named)], ENGLISH)
    (of_sms,) = compose([sms(2, "hello")._replace(names=named)], ENGLISH)

    assert mail.subject == "Phone Office (077): connection · main"
    assert mail.parts[0].headline == "Phone Office (077) is off the network"
    assert ("Phone", "Office (077)") in mail.parts[0].details
    assert of_sms.subject == "SMS from Dana (0541234567): hello"


@pytest.mark.parametrize("text", ["{", "[]", "5", '"x"', '{"a": 5}', '{"a": null}', "", "\x00"])
def test_names_that_cannot_be_read_keep_no_message(text: str) -> None:
    assert names.read(text) == {}
    assert render(stored(SMS), Shape(has_names=True), names=text).body == stored(SMS)
