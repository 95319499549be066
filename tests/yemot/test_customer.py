"""Answers with passwords: what is asked for is read, and nothing else of them gets anywhere."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.model import Rule, Severity, Unknown
from daemon.core.watches import caller_ids, sms_units
from daemon.core.watches.caller_ids import Approval
from daemon.yemot import customer
from daemon.yemot.reads import Read
from tests.yemot.test_answers import JSON, SCALARS

RULE = Rule(timedelta(0), timedelta(0), Severity.WARNING)
TODAY = date(2026, 3, 1)
SECRET = "s3cret-9f2c"


def read(question: Read[Any], **data: object) -> Any:
    """What becomes of an answer's bytes."""
    body = json.dumps({"responseStatus": "OK", **data}).encode()
    found = question.decode(body)
    assert isinstance(found, dict)
    return question.parse(found)


@pytest.mark.parametrize(
    ("given_", "balance", "is_given", "problems"),
    [
        ({"smsUnits": 12.5}, 12.5, True, ()),
        ({"smsUnits": "12.5"}, 12.5, True, ()),
        ({"smsUnits": 0}, 0.0, True, ()),
        ({}, None, False, ()),
        ({"smsUnits": None}, None, False, ()),
        ({"smsUnits": ""}, None, False, ()),
        ({"smsUnits": "many"}, None, True, ("smsUnits: unreadable",)),
        ({"smsUnits": False}, None, True, ("smsUnits: unreadable",)),
    ],
)
def test_a_balance_that_is_not_given_is_no_fault_and_one_that_cannot_be_read_is(
    given_: dict[str, object], balance: float | None, is_given: bool, problems: tuple[str, ...]
) -> None:
    seen = read(customer.sms_units(), **given_)

    assert seen == sms_units.Observation(balance, None, is_given, problems)


def test_approvals_are_read_with_their_last_days() -> None:
    seen = read(
        customer.caller_ids(),
        callerIds=[
            {"callerId": "0771111111", "expiryDate": "2026-12-01 10:00:00"},
            {"callerId": 772222222, "expiryDate": None},
            {"callerId": "0773333333", "expiryDate": "soon"},
        ],
    )

    assert seen.approvals == (
        Approval("0771111111", date(2026, 12, 1)),
        Approval("772222222", None),
        Approval("0773333333", None, is_readable=False),
    )
    assert seen.problems == ("callerIds[].expiryDate: unreadable in 1 of 3",)


@pytest.mark.parametrize(
    "rows", [None, "none", 7, [{"expiryDate": None}], ["0771111111"], [{"callerId": {}}]]
)
def test_a_list_of_which_something_cannot_be_told_apart_is_none(rows: object) -> None:
    seen = read(customer.caller_ids(), **({} if rows is None else {"callerIds": rows}))

    assert seen.approvals is None
    assert seen.problems


def test_who_is_approved_still_is_the_customer_s_numbers_and_those_of_others() -> None:
    call = {"mainDid": "+972770000000", "secondaryDids": ["+972771111111"], "callerIds": ["+972502222222"]}
    approved = read(customer.approved_caller_ids(), call=call)

    assert approved == ("+972770000000", "+972771111111", "+972502222222")
    assert isinstance(read(customer.approved_caller_ids(), call={}), Unknown)
    assert isinstance(read(customer.approved_caller_ids()), Unknown)


FIELDS = st.sampled_from(
    ["accessPassword", "recordPassword", "email", "name", "units", "mainDid", "secondary_dids", "x"]
)
SECRETS = st.dictionaries(
    FIELDS,
    st.sampled_from([SECRET, {"a": [SECRET]}, [SECRET, {SECRET: 1}], f"a {SECRET} b"]),
    min_size=1,
)
OURS = st.fixed_dictionaries(
    {},
    optional={
        "smsUnits": SCALARS,
        "smsUnitsExpireDate": SCALARS,
        "callerIds": JSON | st.lists(st.fixed_dictionaries({"callerId": SCALARS, "expiryDate": SCALARS})),
    },
)


@given(SECRETS, OURS, st.sampled_from(["OK", "ERROR"]))
def test_no_secret_of_an_answer_gets_anywhere(
    secrets: dict[str, object], ours: dict[str, object], status: str
) -> None:
    """Neither what its bytes become, nor what is seen in it, told of it, kept of it or said to be wrong."""
    body = json.dumps({**secrets, **ours, "responseStatus": status}).encode()
    for question in (customer.sms_units(), customer.caller_ids()):
        try:
            data = question.decode(body)
        except ValueError as error:  # no JSON: infinity
            assert SECRET not in str(error)
            continue
        assert SECRET not in repr(data)
        assert isinstance(data, dict)
        seen = question.parse(data)
        assert SECRET not in repr(seen)
        for change in _changes(seen):
            assert SECRET not in repr(change)


def _changes(seen: object) -> list[object]:
    if isinstance(seen, sms_units.Observation):
        low = sms_units.Limit(100, RULE)
        units = sms_units.diff(None, seen, low)
        return [units, sms_units.subjects(seen, units, low), sms_units.dump(units.state), sms_units.saw(seen)]
    if isinstance(seen, caller_ids.Observation):
        limit = caller_ids.Limit(timedelta(days=30), RULE)
        approvals = caller_ids.diff(None, seen, limit, TODAY)
        stood = caller_ids.subjects(seen, approvals, limit, TODAY)
        return [approvals, stood, caller_ids.dump(approvals.state), caller_ids.saw(seen)]
    return []


def test_what_is_dropped_is_dropped_while_it_is_read() -> None:
    narrowed = customer.only("smsUnits")

    assert narrowed(b'{"smsUnits": 1, "accessPassword": "x", "message": "m"}') == {
        "smsUnits": 1,
        "message": "m",
    }
    assert narrowed(b"[1]") == [1]
