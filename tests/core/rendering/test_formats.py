"""What an endpoint gets of an event: whole, thin, redacted, as CloudEvents, for Slack."""

import json
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.event_types import EVENT_TYPES
from daemon.core.model import Fact, Json
from daemon.core.rendering import body
from daemon.core.rendering.formats import Format, Rendered, Shape, render
from tests.core.spellings import truths
from tests.support.fakes import START

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
    "shape",
    [Format.STANDARD, Format.CLOUDEVENTS, Format.CLOUDEVENTS_BINARY, Format.SLACK, Format.ALERTMANAGER],
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


@pytest.mark.parametrize(
    "text", ["2026", "050", "567", "sms", "redacted", "received_at", "2026-03-01", "7", "text"]
)
def test_what_a_short_or_common_text_says_harms_nothing_else(text: str) -> None:
    message: dict[str, Json] = {
        "from": "0501234567",
        "text": text,
        "received_at": "2026-03-01T14:00:00+02:00",
        "server_date": "2026-03-01 14:00:00",
    }
    told = data(render(stored({"sms": message}), Shape(redact=("sms.text",))))

    assert told == {
        "id": "evt_1",
        "system": "main",
        "sequence": 7,
        "subject": "sms/0501234567",
        "sms": {**message, "text": "[redacted]"},
    }


def test_a_date_that_is_redacted_stands_nowhere_else() -> None:
    payload: dict[str, Json] = {
        "sms": {"received_at": "2026-03-01T14:00:00+02:00"},
        "note": "2026-03-01T14:00:00+02:00",
    }
    told = data(render(stored(payload), Shape(redact=("sms.received_at",))))

    assert told["note"] == "[redacted]"


def test_no_rest_is_left_of_a_longer_value_that_begins_with_another() -> None:
    payload: dict[str, Json] = {"caller": {"phone": "0501234", "name": "0501234567"}, "note": "of 0501234567"}
    told = data(render(stored(payload), Shape(redact=("caller.phone", "caller.name"))))

    assert told["note"] == "of [redacted]"


def test_what_our_own_words_say_is_left() -> None:
    payload: dict[str, Json] = {"error": {"class": "timeout", "message": "error"}, "alert": ALERT["alert"]}
    told = data(render(stored(payload), Shape(redact=("error.message",))))

    assert told["alert"] == ALERT["alert"]


@pytest.mark.parametrize(
    ("subject", "field", "payload", "shown"),
    [
        ("sms/05", "sms.from", {"sms": {"from": "05"}}, "sms/[redacted]"),
        ("sms/0501234567", "sms", SMS, "sms/[redacted]"),
        ("sip/7", "account.user_name", {"account": {"user_name": "7"}}, "sip/[redacted]"),
        ("sip/7", "account", {}, "sip/[redacted]"),
        ("sip", "account.user_name", {"accounts": {"unregistered": ["7"]}}, "sip"),
        ("queue/5", "queue.path", {"queue": {"path": "/5"}}, "queue/[redacted]"),
        ("queue/5", "queue.name", {"queue": {"path": "/5", "name": "5"}}, "queue/5"),
        ("directory/.", "directory.path", {"directory": {"path": "/"}}, "directory/[redacted]"),
        ("endpoint/crm", "endpoint.name", {"endpoint": {"name": "crm"}}, "endpoint/[redacted]"),
        ("sms/abc", "queue.path", {"sms": {"from": "abc"}}, "sms/abc"),
        ("queue/0501234567", "caller.phone", {"caller": {"phone": "0501234567"}}, "queue/[redacted]"),
    ],
)
def test_the_subject_shows_no_field_that_is_redacted(
    subject: str, field: str, payload: dict[str, Json], shown: str
) -> None:
    whole = stored(payload, subject=subject)

    assert data(render(whole, Shape(redact=(field,))))["subject"] == shown
    binary = dict(render(whole, Shape(Format.CLOUDEVENTS_BINARY, redact=(field,))).headers)
    assert binary["ce-subject"] == binary["ce-partitionkey"] == shown


def test_a_digest_names_no_phone_that_is_redacted() -> None:
    listed: Json = [{"subject": "sip/7", "incident": "inc_1"}, {"subject": "queue/5", "incident": "inc_2"}]
    whole = stored({"quiet": {"incidents": listed}}, type_="quiet.ended", subject="endpoint/crm")
    told = data(render(whole, Shape(redact=("account.user_name",))))

    assert [one["subject"] for one in told["quiet"]["incidents"]] == ["sip/[redacted]", "queue/5"]


@pytest.mark.parametrize("field", ["account.user_name", "account", "quiet.incidents.account"])
def test_what_is_redacted_is_redacted_in_what_a_digest_says_of_each_incident(field: str) -> None:
    listed: Json = [{"subject": "sip/0773137770", "account": {"user_name": "0773137770"}}]
    whole = stored({"quiet": {"incidents": listed}}, type_="quiet.ended", subject="endpoint/crm")

    assert b"0773137770" not in render(whole, Shape(redact=(field,))).body


def test_the_phones_of_one_incident_are_redacted_as_a_single_one_is() -> None:
    payload: dict[str, Json] = {"accounts": {"unregistered": ["071", "7"], "total": 9}}
    for field in ("account.user_name", "accounts.unregistered.user_name"):
        told = data(render(stored(payload, subject="sip"), Shape(redact=(field,))))

        assert told["accounts"] == {"unregistered": ["[redacted]", "[redacted]"], "total": 9}


@pytest.mark.parametrize("value", ["x", 5, 1.5, True, None, ["a"], {"a": 1}])
def test_a_redacted_field_is_a_text_whatever_it_was(value: Json) -> None:
    assert data(render(stored({"sms": {"text": value}}), Shape(redact=("sms.text",))))["sms"] == {
        "text": "[redacted]"
    }


def test_redaction_reaches_the_keys_of_the_api_and_keeps_them_apart() -> None:
    errors = {"0501111111": "busy", "0502222222": "no answer"}
    payload: dict[str, Json] = {"command": {"params": {"phones": list(errors)}, "result": {"errors": errors}}}
    told = data(render(stored(payload, type_="command.failed"), Shape(redact=("command.params.phones",))))

    assert told["command"]["params"] == {"phones": "[redacted]"}
    assert list(told["command"]["result"]["errors"].values()) == ["busy", "no answer"]
    assert "0501111111" not in str(told)
    assert "0502222222" not in str(told)


@pytest.mark.parametrize("number", ["0501234567", "031234567", "1700123456", "+442079460958"])
@given(drawn=st.data())
def test_a_phone_that_is_redacted_stands_nowhere_in_another_spelling(
    number: str, drawn: st.DataObject
) -> None:
    spellings = [spelling for spelling, phone in truths() if phone == number]
    sender, mentioned = (drawn.draw(st.sampled_from(spellings)) for _ in range(2))
    payload: dict[str, Json] = {"sms": {"from": sender, "text": f"call me: {mentioned}, now"}}
    told = data(render(stored(payload, subject=f"sms/{sender}"), Shape(redact=("sms.from",))))

    assert told["sms"]["from"] == "[redacted]"
    assert "[redacted]" in told["sms"]["text"]
    assert not any(map(str.isdecimal, told["sms"]["text"]))


@pytest.mark.parametrize(
    "other", ["0501234568", "972501234568", "10501234567", "05012345678", "+44501234567"]
)
def test_another_phone_than_the_redacted_one_is_left_alone(other: str) -> None:
    payload: dict[str, Json] = {"sms": {"from": "972501234567", "text": f"call {other}"}}

    assert data(render(stored(payload), Shape(redact=("sms.from",))))["sms"]["text"] == f"call {other}"


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


@pytest.mark.parametrize(
    ("subject", "header"),
    [
        ("queue/5", "queue/5"),
        ("sms/דנה", "sms/%D7%93%D7%A0%D7%94"),
        ('a "b" 5%', "a%20%22b%22%205%25"),
        ("sms/😀\r\nx: y", "sms/%F0%9F%98%80%0D%0Ax:%20y"),
    ],
)
def test_a_header_is_percent_encoded_where_it_must_be(subject: str, header: str) -> None:
    headers = dict(render(stored(SMS, subject=subject), Shape(Format.CLOUDEVENTS_BINARY)).headers)

    assert headers["ce-subject"] == header
    assert not headers.keys() & {"ce-datacontenttype", "ce-data"}


def test_the_source_of_a_system_with_a_hebrew_name_is_a_urn() -> None:
    source = understood(render(stored({}, system="מוקד 1/2"), Shape(Format.CLOUDEVENTS))).get_source()

    assert source == "urn:yemotd:%D7%9E%D7%95%D7%A7%D7%93%201%2F2"


def test_slack_is_told_of_a_thin_event_without_content() -> None:
    told = json.loads(render(stored(SMS), Shape(Format.SLACK, is_thin=True)).body)["text"]

    assert told == "SMS received: SMS from 0501234567"


def test_slack_is_told_in_hebrew() -> None:
    told = json.loads(
        render(stored({"sms": {"from": "1", "text": "x"}}), Shape(Format.SLACK, language="he")).body
    )

    assert told["text"] == "מסרון מ-\u20681\u2069: \u2068x\u2069"


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
    assert told["blocks"][0]["text"] == {"type": "mrkdwn", "text": told["text"], "verbatim": True}
    assert told["blocks"][1]["elements"][0]["verbatim"]
    context = told["blocks"][1]["elements"][0]["text"]
    assert context == "main · 2026-03-01 12:00:00 (UTC) · phone off the network"


def test_slack_is_told_times_of_the_reader_s_zone() -> None:
    shape = Shape(Format.SLACK, language="he", zone=ZoneInfo("Asia/Jerusalem"))
    told = json.loads(render(stored(ALERT, type_="sip.account.unregistered"), shape).body)

    context = told["blocks"][1]["elements"][0]["text"]
    assert context == "main · 01.03.2026 בשעה 14:00:00 (שעון ישראל) · טלפון מנותק"


@pytest.mark.parametrize(
    "text",
    ["<!channel>", "<@U1>", "<https://evil.example|ok>", "https://evil.example", "*b* _i_ `c` ~s~", "@here"],
)
def test_what_somebody_wrote_is_no_markup_in_slack(text: str) -> None:
    told = json.loads(render(stored({"sms": {"from": "1", "text": text}}), Shape(Format.SLACK)).body)["text"]

    assert "<" not in told.replace("&lt;", "")
    assert ">" not in told.replace("&gt;", "")
    assert "://" not in told
    assert "@here" not in told
    assert "*b*" not in told
    assert "`c`" not in told


@pytest.mark.parametrize("count", range(1, 6))
def test_a_very_long_text_is_cut_for_slack_and_between_its_escapes(count: int) -> None:
    phones: Json = ["<&" * 200 + "x" * count] * 6
    whole = stored({"accounts": {"unregistered": phones, "total": 6}}, type_="sip.accounts.unregistered")
    told = json.loads(render(whole, Shape(Format.SLACK)).body)["blocks"][0]["text"]["text"]

    assert 2900 < len(told) <= 3000
    assert "&" not in told.replace("&lt;", "").replace("&amp;", "")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)


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


@given(
    secret=st.text("ABCDEFא1", min_size=12, max_size=20),
    others=st.lists(st.text("AB1", min_size=6, max_size=9), max_size=3),
    form=st.sampled_from(Format),
    is_thin=st.booleans(),
    language=st.sampled_from(["en", "he"]),
    event_type=st.sampled_from(EVENT_TYPES),
)
def test_a_redacted_value_is_found_wherever_it_was_copied(
    secret: str, others: list[str], form: Format, is_thin: bool, language: str, event_type: str
) -> None:
    payload: dict[str, Json] = {
        "caller": {"phone": secret, "others": others},
        "sms": {"from": f"x{secret}", "text": f"call {secret}{secret}!", "raw_text": secret},
        "account": {"user_name": secret},
        "error": {"class": "refused", "message": f"no {secret} here"},
        "alert": {"reason": "first", "note": secret},
        "result": {secret: [{"deep": f"{secret}y"}]},
    }
    shape = Shape(form, is_thin, ("caller.phone", "caller.others"), language)
    rendered = render(stored(payload, type_=event_type, subject=f"queue/{secret}"), shape)

    assert secret not in rendered.body.decode()
    assert secret not in unquote(str(rendered.headers))
