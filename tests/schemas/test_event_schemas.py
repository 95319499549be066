"""What is published of each event type, and that what the daemon writes is that."""

from typing import Any

import jsonschema_rs
import pytest

from daemon.core import own_events
from daemon.core.delivery.breaker import DisabledBy, Health
from daemon.core.event_types import EVENT_TYPES, KINDS, OPT_IN, PARTS, ROWS
from daemon.core.model import EventRow, EventTypes
from daemon.schemas.event_schemas import event_types, fields_of, lines, webhooks
from tests.support import stores
from tests.support.event_bodies import Listener, closed, faults
from tests.support.event_examples import example, examples
from tests.support.http_app import Setting


def test_every_type_says_when_it_comes_and_what_it_says() -> None:
    """A new one needs a row where it is declared (`rows=`)."""
    assert set(ROWS) == set(EVENT_TYPES)
    assert [name for name, row in ROWS.items() if not row.when.endswith(".") or not row.data] == []


def test_a_row_of_a_type_that_a_part_does_not_give_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no types of this part: a\.b"):
        EventTypes(("a.a",), rows={"a.b": EventRow("Never.", {})})


def test_there_is_an_example_of_every_type() -> None:
    assert list(examples()) == [name for name in EVENT_TYPES if name in examples()]
    assert set(examples()) == set(EVENT_TYPES)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_what_the_daemon_writes_is_what_the_schema_says(name: str) -> None:
    assert faults(example(name)) == []


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_what_lacks_a_field_or_has_one_that_is_not_described_is_found(name: str) -> None:
    """Else the tests that go by it would find nothing."""
    more, fewer = example(name), example(name)
    more["data"]["odd"] = 1
    field = next(iter(ROWS[name].data))
    del fewer["data"][field]

    assert "odd" in "".join(faults(more))
    assert field in "".join(faults(fewer))


@pytest.mark.parametrize("one", event_types(), ids=lambda one: one.name)
def test_a_schema_is_one(one: Any) -> None:
    document = one.document()

    jsonschema_rs.meta.validate(document["schema"])
    assert jsonschema_rs.is_valid(document["schema"], example(one.name))
    assert document["kind"] == ("alert" if one.kind else "fact")
    assert (document["counterpart"] is None) == (one.kind is None)
    assert document["by_default"] == (one.name not in OPT_IN)


def test_every_field_is_shown_to_people_with_what_it_may_be() -> None:
    shown = [line for row in ROWS.values() for line in fields_of(row)]

    assert {line.type for line in shown}.isdisjoint({"", "object or null or null"})
    assert [line.path for line in shown if not line.type] == []
    assert any(line.path == "registrations[].uri" for line in shown)
    assert any(line.is_optional for line in shown)


def test_the_health_of_endpoints_is_described_by_the_words_that_it_has() -> None:
    assert tuple(one.value for one in Health) == own_events.HEALTH
    assert tuple(one.value for one in DisabledBy) == own_events.TURNED_OFF_BY


def test_an_alert_says_its_pair() -> None:
    by_name = {one.name: one for one in event_types()}

    for kind in KINDS.values():
        assert by_name[kind.fires].counterpart == kind.resolves
        assert by_name[kind.resolves].counterpart == kind.fires
    assert len(PARTS) >= 15


def test_programs_find_them_in_the_description_of_the_api() -> None:
    setting = Setting(stores.in_memory())
    document = setting.anybody.get("/openapi.json").json()
    setting.database.close()

    assert document["openapi"].startswith("3.1")
    assert document["webhooks"] == webhooks()
    assert set(document["webhooks"]) == set(EVENT_TYPES)
    operation = document["webhooks"]["sms.received"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert jsonschema_rs.is_valid(schema, example("sms.received"))
    assert not jsonschema_rs.is_valid(schema, example("sip.account.unregistered"))


def test_whatever_is_written_to_a_store_is_heard() -> None:
    """The listener that stories are held to."""
    with Listener() as listener:
        examples.cache_clear()
        examples()
    assert listener.heard >= len(EVENT_TYPES)
    assert listener.faults == []


def test_a_closed_schema_takes_nothing_more_at_any_depth() -> None:
    shut = closed({"type": "object", "properties": {"a": {"properties": {}, "required": []}}, "required": []})

    assert shut["additionalProperties"] is False
    assert shut["properties"]["a"]["additionalProperties"] is False


def test_a_path_leads_into_what_there_may_be_many_of() -> None:
    shape: dict[str, Any] = {
        "type": "array",
        "items": {"type": "object", "properties": {"b": {"type": "null"}}, "required": []},
    }

    assert [line.path for line in lines({"a": shape}, ["a"])] == ["a", "a[].b"]
