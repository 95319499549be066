"""`yemotd events types`: what there can be, for people and for programs, in an empty directory."""

import json
import os

from daemon.core.event_types import EVENT_TYPES
from daemon.schemas.event_schemas import event_types
from tests.cli.conftest import Call


def test_every_type_is_listed_with_when_it_comes(call: Call) -> None:
    code, out, _ = call("events", "types")

    assert code == 0
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == [one.name for one in event_types()]
    assert {line.split()[1] for line in lines} == {"alert", "fact"}
    assert len(lines) == len(EVENT_TYPES)


def test_one_alone_is_shown_with_its_fields(call: Call) -> None:
    code, out, _ = call("events", "types", "sms.received")

    assert code == 0
    assert "  data.sms.text: text" in out.splitlines()
    assert "  data.sms.raw_text: text, may be missing. As it came, where `text` had to be decoded." in out


def test_programs_get_a_schema_a_line(call: Call) -> None:
    code, out, _ = call("events", "types", "sip.account.*", "--json")

    found = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {one["type"] for one in found} == {one for one in EVENT_TYPES if one.startswith("sip.account.")}
    assert found == [one.document() for one in event_types() if one.name.startswith("sip.account.")]


def test_a_type_that_there_is_not_is_answered_with_the_one_that_may_be_meant(call: Call) -> None:
    code, out, error = call("events", "types", "sms.recieved")

    assert (code, out) == (os.EX_DATAERR, "")
    assert 'did you mean "sms.received"?' in error
