"""Without the scope `content`: everything but the texts of SMS, wherever they stand."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.model import Fact
from daemon.core.rendering import body
from daemon.schemas.redaction import REDACTED, redacted, redacted_command
from tests.support.fakes import START

SECRET = "קוד-4711"
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
CONTENT = st.text(min_size=1, max_size=30).map(lambda one: one + SECRET)
MESSAGE = st.fixed_dictionaries(
    {"from": TEXT, "text": CONTENT, "server_date": TEXT}, optional={"raw_text": CONTENT, "to": TEXT}
)


def rendered(type_: str, payload: dict[str, Any]) -> bytes:
    return body.render(Fact(type_, "sms/054", payload), event="evt_1", system="main", sequence=1, at=START)


@given(MESSAGE)
def test_the_texts_of_a_message_are_hidden_and_nothing_else(message: dict[str, Any]) -> None:
    whole = rendered("sms.received", {"sms": message})
    shown = redacted(whole)

    expected = json.loads(whole)
    for name in {"text", "raw_text"} & expected["data"]["sms"].keys():
        expected["data"]["sms"][name] = REDACTED
    assert json.loads(shown) == expected
    assert list(json.loads(shown)["data"]) == list(expected["data"])
    assert SECRET.encode() not in shown
    assert b"\n" not in shown
    assert redacted(shown) == shown


@given(st.dictionaries(TEXT, CONTENT, min_size=1, max_size=4))
def test_the_row_of_a_report_is_hidden_and_which_fields_it_has_is_not(row: dict[str, str]) -> None:
    report = {"path": "/1", "file": "ApprovalAll", "name": "ApprovalAll.ymgr"}
    shown = redacted(rendered("report.row.added", {"report": report, "row": row}))

    assert json.loads(shown)["data"]["row"] == dict.fromkeys(row, REDACTED)
    assert json.loads(shown)["data"]["report"] == report
    assert redacted(shown) == shown


@given(st.lists(MESSAGE, max_size=3), st.sampled_from(["command.succeeded", "command.unknown"]))
def test_the_texts_that_a_command_read_are_hidden_in_its_events(messages: list[Any], type_: str) -> None:
    result = {"messages": messages, "problems": ["a row"]}
    shown = redacted(rendered(type_, {"command": {"type": "sms.log", "result": result}}))

    assert SECRET.encode() not in shown
    given_back = json.loads(shown)["data"]["command"]["result"]
    assert [one["text"] for one in given_back["messages"]] == [REDACTED] * len(messages)
    assert given_back["problems"] == ["a row"]


@given(st.dictionaries(TEXT.filter(lambda one: one not in ("sms", "command", "row")), JSON, max_size=3))
def test_what_has_no_message_is_the_same_to_the_byte(payload: dict[str, Any]) -> None:
    whole = rendered("queue.threshold.crossed", {**payload, "agent": {"text": "busy", "raw_text": "1"}})

    assert redacted(whole) == whole


def test_a_command_without_a_result_or_with_another_is_as_it_was() -> None:
    results: list[Any] = [None, [], "text", {"messages": None}, {"messages": ["text"]}]
    for result in (*results, {"calls": [{"text": "x"}]}):
        command = {"id": "cmd_1", "result": result, "text": "x"}
        assert redacted_command(command) == command
