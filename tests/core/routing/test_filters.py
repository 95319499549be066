"""Which events pass a payload filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.model import Json
from daemon.core.routing.filters import Filter, Operator, passes
from tests.core.spellings import truths

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
        ("sms.from", Operator.IS, ("972501234567",), SMS, True),
        ("sms.from", Operator.IS, ("501234567",), SMS, False),
        ("sms.text", Operator.IS, ("your code is 1234",), SMS, False),
        ("alert.severity", Operator.IN, ("error", "critical"), QUEUE, True),
    ],
)
def test_a_field_is_compared(
    field: str, operator: Operator, values: tuple[str, ...], payload: dict[str, Json], expected: bool
) -> None:
    assert passes(payload, [Filter(field, operator, values)]) is expected


def said(sender: str) -> dict[str, Json]:
    return {"sms": {"from": sender, "text": sender, "to": None}}


PHONES = [spelling for spelling, phone in truths() if phone == "0501234567"]
NO_PHONES = [spelling for spelling, phone in truths() if phone is None]


@given(st.sampled_from(PHONES), st.sampled_from(PHONES), st.sampled_from(NO_PHONES))
def test_a_phone_is_the_same_in_every_spelling_of_the_value_and_of_the_field(
    sender: str, wanted: str, other: str
) -> None:
    for operator, is_held in ((Operator.IS, True), (Operator.IN, True), (Operator.NOT_IN, False)):
        assert passes(said(sender), [Filter("sms.from", operator, (other, wanted))]) is is_held
        assert passes(said(sender), [Filter("sms.from", operator, (other, "0501234568"))]) is not is_held


@given(st.sampled_from(NO_PHONES + PHONES), st.sampled_from(NO_PHONES))
def test_what_can_be_no_phone_is_compared_as_a_text(sender: str, wanted: str) -> None:
    assert passes(said(sender), [Filter("sms.from", Operator.IS, (wanted,))]) is (sender == wanted)


@pytest.mark.parametrize(
    ("sender", "beginning", "expected"),
    [
        ("972501234567", "05", True),
        ("972501234567", "0", True),
        ("972501234567", "050-12", True),
        ("0501234567", "+972 50", True),
        ("0501234567", "97250", True),
        ("0501234567", "00972", True),
        ("0501234567", "+972 (0)50", True),
        ("+972-50-123-4567", "050", True),
        ("972501234567", "052", False),
        ("0501234567", "+97252", False),
        ("0501234567", "9", False),
        ("0501234567", "5", False),
        ("0501234567", "+", False),
        ("0501234567", "", True),
        ("442079460958", "+44", True),
        ("+44 20 7946 0958", "44", True),
        ("0044 20 7946 0958", "+4420", True),
        ("447911123456", "04", False),
        ("05Yemot", "05", True),
        ("05Yemot", "+9725", False),
        ("1700123456", "1-700", True),
        ("+972-1-700-123-456", "1700", True),
        ("*2000", "2000", False),
    ],
)
def test_a_phone_begins_as_it_does_in_any_spelling(sender: str, beginning: str, *, expected: bool) -> None:
    assert passes(said(sender), [Filter("sms.from", Operator.STARTS_WITH, ("x", beginning))]) is expected


@given(st.sampled_from(PHONES), st.integers(1, 10))
def test_every_spelling_begins_as_its_national_form_does(sender: str, many: int) -> None:
    beginnings = ("0501234567"[:many], f"972{'501234567'[:many]}", f"+972-{'501234567'[:many]}")
    for one in beginnings:
        assert passes(said(sender), [Filter("sms.from", Operator.STARTS_WITH, (one,))])


@given(st.sampled_from(PHONES), st.integers(0, 9), st.integers(1, 10))
def test_every_spelling_has_in_it_what_its_national_form_has(sender: str, first: int, many: int) -> None:
    part = "0501234567"[first : first + many]

    assert passes(said(sender), [Filter("sms.from", Operator.CONTAINS, (part,))])
    assert passes(said(sender), [Filter("sms.from", Operator.CONTAINS, ("x", "972-50 123"))])
    assert not passes(said(sender), [Filter("sms.from", Operator.CONTAINS, ("999", "97251", "05012345678"))])


@pytest.mark.parametrize("wanted", ["0773137770", "+972-77-313-7770", "972773137770"])
def test_a_list_has_a_phone_in_it_whatever_its_spelling(wanted: str) -> None:
    down: dict[str, Json] = {"accounts": {"unregistered": ["077", "0773137770", 5], "total": 9}}

    assert passes(down, [Filter("accounts.unregistered", Operator.CONTAINS, (wanted,))])
    assert not passes(down, [Filter("accounts.unregistered", Operator.CONTAINS, ("0773137771", "Dana"))])
    assert not passes(down, [Filter("accounts.unregistered", Operator.IS, (wanted,))])


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
