"""Which events pass a payload filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.model import Json
from daemon.core.routing.filters import Filter, Operator, passes

SMS: dict[str, Json] = {"sms": {"from": "0501234567", "text": "Your Code is 1234", "to": None}}
SIP: dict[str, Json] = {"account": {"user_name": "077", "registered": False}}
HEBREW: dict[str, Json] = {"accounts": {"unregistered": ["דנה", "077"], "total": 9.5}}
QUEUE: dict[str, Json] = {"queue": {"path": "/5", "calls_waiting": 12}, "alert": {"severity": "error"}}


@pytest.mark.parametrize(
    ("field", "operator", "values", "payload", "expected"),
    [
        ("sms.from", Operator.IS, ("0501234567",), SMS, True),
        ("sms.from", Operator.IS, ("050",), SMS, False),
        ("sms.from", Operator.IN, ("052", "0501234567"), SMS, True),
        ("sms.from", Operator.IN, ("052",), SMS, False),
        ("sms.from", Operator.NOT_IN, ("0501234567",), SMS, False),
        ("sms.from", Operator.NOT_IN, ("052",), SMS, True),
        ("sms.text", Operator.CONTAINS, ("code",), SMS, True),
        ("sms.text", Operator.CONTAINS, ("CODE", "קוד"), SMS, True),
        ("sms.text", Operator.CONTAINS, ("pin",), SMS, False),
        ("sms.from", Operator.STARTS_WITH, ("050", "052"), SMS, True),
        ("sms.from", Operator.STARTS_WITH, ("0771",), SMS, False),
        ("sms.text", Operator.STARTS_WITH, ("yOUR",), SMS, True),
        ("account.registered", Operator.IS, ("false",), SIP, True),
        ("queue.calls_waiting", Operator.IS, ("12",), QUEUE, True),
        ("queue.path", Operator.IS, ("5",), QUEUE, False),
        ("accounts.total", Operator.IS, ("9.5",), HEBREW, True),
        ("accounts.unregistered", Operator.CONTAINS, ('"דנה"',), HEBREW, True),
        ("sms.from", Operator.IS, ("972501234567",), SMS, False),
        ("sms.text", Operator.IS, ("your code is 1234",), SMS, False),
        ("alert.severity", Operator.IN, ("error", "critical"), QUEUE, True),
    ],
)
def test_a_field_is_compared(
    field: str, operator: Operator, values: tuple[str, ...], payload: dict[str, Json], expected: bool
) -> None:
    assert passes(payload, [Filter(field, operator, values)]) is expected


@pytest.mark.parametrize("operator", list(Operator))
def test_a_filter_says_nothing_of_events_of_another_kind(operator: Operator) -> None:
    assert passes(SIP, [Filter("sms.text", operator, ("x",))])


@pytest.mark.parametrize("field", ["sms.to", "sms.nothing", "sms.from.deeper", "sms.text.0"])
@pytest.mark.parametrize("operator", list(Operator))
def test_a_field_that_is_missing_or_null_does_not_pass_unless_it_is_excluded(
    field: str, operator: Operator
) -> None:
    assert passes(SMS, [Filter(field, operator, ("x", "null"))]) is (operator is Operator.NOT_IN)


def test_all_filters_must_hold() -> None:
    both = [
        Filter("sms.from", Operator.STARTS_WITH, ("050",)),
        Filter("sms.text", Operator.CONTAINS, ("pin",)),
    ]

    assert passes(SMS, both[:1])
    assert not passes(SMS, both)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(
    payload=st.dictionaries(st.sampled_from("abc"), JSON),
    field=st.lists(st.sampled_from("abcd"), min_size=1, max_size=4).map(".".join),
    operator=st.sampled_from(Operator),
    values=st.lists(st.text(max_size=3), min_size=1, max_size=3).map(tuple),
)
def test_whatever_an_event_says_there_is_an_answer(
    payload: dict[str, Json], field: str, operator: Operator, values: tuple[str, ...]
) -> None:
    assert passes(payload, [Filter(field, operator, values)]) in (True, False)
