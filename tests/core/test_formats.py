"""What an endpoint gets of an event: whole, thin, redacted, as CloudEvents, for Slack."""

import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core import body
from daemon.core.events import EVENT_TYPES
from daemon.core.formats import Format, Rendered, Shape, render
from daemon.core.model import Fact, Json
from tests.fakes import START

SMS: dict[str, Json] = {
    "sms": {
        "from": "0501234567",
        "to": "0773137770",
        "text": "קוד 123456 & <b>",
        "raw_text": "קוד 123456 &amp;",
    }
}
ALERT: dict[str, Json] = {
    "account": {"user_name": "0773137770", "registered": False},
    "alert": {
        "incident": "inc_1",
        "status": "firing",
        "severity": "error",
        "reason": "first",
        "started_at": "2026-03-01T12:00:00.000Z",
        "changed_between": [None, "2026-03-01T12:00:00.000Z"],
    },
}


def stored(
    payload: dict[str, Json],
    *,
    type_: str = "sms.received",
    subject: str = "sms/0501234567",
    system: str = "main",
) -> bytes:
    return body.render(Fact(type_, subject, payload), event="evt_1", system=system, sequence=7, at=START)


def data(rendered: Rendered) -> Any:
    return json.loads(rendered.body)["data"]


def understood(rendered: Rendered) -> Any:
    """The event as the CloudEvents project's own library reads it."""
    headers = {"content-type": rendered.content_type, **dict(rendered.headers)}
    return from_http_event(HTTPMessage(headers, rendered.body))


def test_an_endpoint_without_wishes_gets_the_stored_bytes() -> None:
    whole = stored(SMS)

    assert render(whole, Shape()).body is whole
    assert render(whole, Shape()).content_type == "application/json"


def test_what_stands_for_older_states_says_how_many() -> None:
    assert data(render(stored(SMS), Shape(), superseded=3))["superseded"] == 3


def test_a_thin_event_says_what_it_is_and_how_things_stand_and_no_more() -> None:
    thin = data(
        render(stored(ALERT, type_="sip.account.unregistered", subject="sip/077"), Shape(is_thin=True))
    )

    assert thin == {
        "id": "evt_1",
        "system": "main",
        "sequence": 7,
        "subject": "sip/077",
        "alert": {"incident": "inc_1", "status": "firing", "severity": "error", "reason": "first"},
    }
    assert "sms" not in data(render(stored(SMS), Shape(is_thin=True)))


@pytest.mark.parametrize(
    "shape", [Format.STANDARD, Format.CLOUDEVENTS, Format.CLOUDEVENTS_BINARY, Format.SLACK]
)
@pytest.mark.parametrize(
    ("field", "secret"), [("sms.from", "0501234567"), ("sms.text", "998877"), ("sms", "0501234567")]
)
def test_what_is_redacted_stands_nowhere(shape: Format, field: str, secret: str) -> None:
    rendered = render(stored(SMS), Shape(shape, redact=(field,)))

    assert secret not in rendered.body.decode()
    assert secret not in str(rendered.headers)


def test_redaction_leaves_everything_else_as_it_is() -> None:
    told = data(render(stored(SMS), Shape(redact=("sms.text", "nothing.there", "sms.nothing"))))

    assert told["sms"] == {
        "from": "0501234567",
        "to": "0773137770",
        "text": "[redacted]",
        "raw_text": "[redacted]",
    }
    assert told["subject"] == "sms/0501234567"


def test_redaction_enters_lists() -> None:
    payload: dict[str, Json] = {"registrations": [{"uri": "sip:077@1.2.3.4"}, {"uri": "sip:088@1.2.3.4"}]}
    told = data(render(stored(payload), Shape(redact=("registrations.uri",))))

    assert told["registrations"] == [{"uri": "[redacted]"}, {"uri": "[redacted]"}]


def test_what_identifies_an_event_is_never_redacted() -> None:
    payload: dict[str, Json] = {"sms": {"text": "evt_1 main 2026"}}
    told = data(render(stored(payload), Shape(redact=("sms.text", "id", "system"))))

    assert (told["id"], told["system"], told["sequence"]) == ("evt_1", "main", 7)


@pytest.mark.parametrize("form", [Format.CLOUDEVENTS, Format.CLOUDEVENTS_BINARY])
@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_the_cloudevents_library_understands_every_type(form: Format, event_type: str) -> None:
    read = understood(render(stored(SMS, type_=event_type), Shape(form)))

    assert (read.get_id(), read.get_source(), read.get_type()) == ("evt_1", "urn:yemotd:main", event_type)
    assert read.get_specversion() == "1.0"
    assert read.get_time() == START
    assert read.get_subject() == "sms/0501234567"
    assert read.get_extension("sequence") == "00000000000000000007"
    assert read.get_data()["sms"] == SMS["sms"]


def test_the_daemon_s_own_events_have_a_source_too() -> None:
    assert understood(render(stored({}, system=""), Shape(Format.CLOUDEVENTS))).get_source() == "urn:yemotd"


@settings(deadline=None)
@given(
    subject=st.text(min_size=1, max_size=20).filter(str.strip),
    text=st.text(max_size=40),
    form=st.sampled_from([Format.CLOUDEVENTS, Format.CLOUDEVENTS_BINARY]),
)
def test_any_text_reaches_a_cloudevents_receiver(subject: str, text: str, form: Format) -> None:
    """Attributes that are headers are printable ASCII, whatever they say."""
    whole = stored({"sms": {"text": text}}, subject=subject)
    rendered = render(whole, Shape(form))
    read = understood(rendered)

    assert all(value.isascii() and value.isprintable() and " " not in value for _, value in rendered.headers)
    assert read.get_data() == json.loads(whole)["data"]
    assert read.get_subject() == json.loads(whole)["data"]["subject"]


def test_slack_gets_one_sentence() -> None:
    told = json.loads(render(stored(ALERT, type_="sip.account.unregistered"), Shape(Format.SLACK)).body)

    assert told["text"] == "Phone 0773137770 is off the network"
    assert told["blocks"][0]["text"]["text"] == told["text"]
    assert told["blocks"][1]["elements"][0]["text"].startswith("main · 2026-03-01T12:00:00")


@pytest.mark.parametrize(
    "text", ["<!channel>", "<@U1>", "<https://evil.example|ok>", "*b* _i_ `c` ~s~", "@here"]
)
def test_what_somebody_wrote_is_no_markup_in_slack(text: str) -> None:
    told = json.loads(render(stored({"sms": {"from": "1", "text": text}}), Shape(Format.SLACK)).body)["text"]

    assert "<" not in told.replace("&lt;", "")
    assert "@here" not in told
    assert "*b*" not in told
    assert "`c`" not in told


def test_a_very_long_text_is_cut_for_slack() -> None:
    told = json.loads(render(stored({"sms": {"from": "1", "text": "<" * 9000}}), Shape(Format.SLACK)).body)

    assert len(told["blocks"][0]["text"]["text"]) <= 3000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(
    payload=st.dictionaries(st.sampled_from(["sms", "account", "queue", "alert", "error", "a"]), VALUES),
    form=st.sampled_from(Format),
    is_thin=st.booleans(),
    redact=st.lists(
        st.sampled_from(["sms", "sms.a", "account.b.c", "alert", "a.a.a", "subject"]), max_size=3
    ),
    event_type=st.sampled_from(EVENT_TYPES),
    superseded=st.integers(0, 2),
)
def test_any_event_in_any_shape_gives_the_same_bytes_each_time(
    payload: dict[str, Any], form: Format, is_thin: bool, redact: list[str], event_type: str, superseded: int
) -> None:
    shape, whole = Shape(form, is_thin, tuple(redact)), stored(payload, type_=event_type)
    first = render(whole, shape, superseded=superseded)

    assert first == render(whole, shape, superseded=superseded)
    assert json.loads(first.body)


@given(secret=st.text("ABCDEF", min_size=12, max_size=20))
def test_a_redacted_value_is_found_wherever_it_was_copied(secret: str) -> None:
    payload: dict[str, Json] = {"caller": {"phone": secret}, "error": {"message": f"no {secret} here"}}
    rendered = render(stored(payload, subject=f"queue/{secret}"), Shape(redact=("caller.phone",)))

    assert secret not in rendered.body.decode()
