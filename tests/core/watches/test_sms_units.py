"""The balance for SMS: when it is low, and that one which is not given says nothing."""

import json
from datetime import date, timedelta

import pytest

from daemon.core.model import Change, Rule, Severity, Verdict
from daemon.core.watches import sms_units
from daemon.core.watches.sms_units import Limit, Observation, State
from daemon.core.watches.subjects import MISSING, UNREADABLE, SubjectState

RULE = Rule(timedelta(0), timedelta(0), Severity.WARNING)
LIMIT = Limit(100, RULE)
GIVEN_NOT = Observation(None, is_given=False)


def judged(before: State | None, seen: Observation) -> Change[State]:
    change = sms_units.diff(before, seen, LIMIT)
    assert change.facts == ()
    assert sms_units.load(json.loads(json.dumps(sms_units.dump(change.state)))) == change.state
    return change


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        (250.5, Verdict.GOOD),
        (100, Verdict.GOOD),
        (99.999, Verdict.GOOD),  # nobody reads that 100 is below 100
        (99.99, Verdict.BAD),
        (0, Verdict.BAD),
        (-3, Verdict.BAD),
        (None, Verdict.UNKNOWN),
    ],
)
def test_it_is_low_below_the_limit_and_not_at_it(balance: float | None, expected: Verdict) -> None:
    (condition,) = judged(None, Observation(balance)).conditions

    assert (condition.key, condition.subject, condition.verdict) == ("sms_units/low", "sms_units", expected)
    assert condition.kind == sms_units.LOW


def test_what_is_not_given_moves_nothing_and_keeps_what_was_known() -> None:
    known = judged(None, Observation(42, date(2027, 1, 31))).state
    change = judged(known, GIVEN_NOT)

    assert change.state == known
    assert [one.verdict for one in change.conditions] == [Verdict.UNKNOWN]


@pytest.mark.parametrize(
    ("seen", "state", "why"),
    [
        (Observation(500), SubjectState.UP, {}),
        (Observation(5), SubjectState.DOWN, {"metric": "balance", "value": 5.0, "below": 100}),
        (GIVEN_NOT, SubjectState.UNKNOWN, {"reason": MISSING}),
        (Observation(None), SubjectState.UNKNOWN, {"reason": UNREADABLE}),
    ],
)
def test_how_it_stands_says_whether_it_was_given(
    seen: Observation, state: SubjectState, why: dict[str, object]
) -> None:
    (subject,) = sms_units.subjects(seen, judged(None, seen), LIMIT)

    assert (subject.subject, subject.state, subject.why) == ("sms_units", state, why)
