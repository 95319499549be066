"""Approvals of caller ids: which end soon, and when one is believed to be gone."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.model import Change, Rule, Severity, Verdict
from daemon.core.watches import caller_ids
from daemon.core.watches.caller_ids import Approval, Limit, Observation, State
from daemon.core.watches.subjects import MISSING, SubjectState

RULE = Rule(timedelta(0), timedelta(0), Severity.WARNING)
DAY = timedelta(days=1)
TODAY = date(2026, 3, 1)
LIMIT = Limit(30 * DAY, RULE)
ONE, TWO = "0771111111", "0502222222"
G, B, U, GONE = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN, Verdict.GONE


def judged(before: State | None, seen: Observation) -> Change[State]:
    change = caller_ids.diff(before, seen, LIMIT, TODAY)
    assert change.facts == ()
    assert caller_ids.load(json.loads(json.dumps(caller_ids.dump(change.state)))) == change.state
    return change


def verdicts(change: Change[State]) -> dict[str, Verdict]:
    return {one.subject.removeprefix("caller_id/"): one.verdict for one in change.conditions}


def listing(*approvals: Approval, still: tuple[str, ...] | None = None) -> Observation:
    return Observation(approvals, still)


@pytest.mark.parametrize(
    ("days", "expected"), [(365, G), (31, G), (30, B), (1, B), (0, B), (-1, B), (-400, B), (None, G)]
)
def test_an_approval_ends_soon_from_the_first_day_within_the_time(
    days: int | None, expected: Verdict
) -> None:
    last = None if days is None else TODAY + days * DAY
    change = judged(None, listing(Approval(ONE, last)))

    assert verdicts(change) == {ONE: expected}
    assert change.conditions[0].payload["caller_id"] == {
        "number": ONE,
        "expires_on": None if last is None else last.isoformat(),
        "days_left": days,
    }


def test_each_number_stands_for_itself() -> None:
    soon, later = Approval(ONE, TODAY + DAY), Approval(TWO, TODAY + 99 * DAY)
    change = judged(None, listing(soon, later))

    assert verdicts(change) == {ONE: B, TWO: G}
    assert {one.key for one in change.conditions} == {f"caller_id/{ONE}", f"caller_id/{TWO}"}


def test_what_cannot_be_read_is_unknown_and_keeps_what_was_known() -> None:
    known = judged(None, listing(Approval(ONE, TODAY + DAY))).state
    unread = judged(known, listing(Approval(ONE, None, is_readable=False)))

    assert verdicts(unread) == {ONE: U}
    assert unread.state == known
    assert verdicts(judged(known, Observation(None))) == {ONE: U}
    assert judged(known, Observation(None)).state == known


@pytest.mark.parametrize(
    ("still", "expected"),
    [
        (None, U),
        ((f"+972{ONE[1:]}",), U),
        (("+972509999999",), GONE),
        ((), GONE),
    ],
)
def test_a_number_is_gone_where_both_lists_say_so(still: tuple[str, ...] | None, expected: Verdict) -> None:
    known = judged(None, listing(Approval(ONE, TODAY + DAY), Approval(TWO, None))).state
    change = judged(known, listing(Approval(TWO, None), still=still))

    assert verdicts(change) == {ONE: expected, TWO: G}
    assert (ONE in change.state.expires_on) is (expected is U)


def test_a_number_twice_with_two_dates_is_not_believed() -> None:
    once, again = Approval(ONE, TODAY), Approval(ONE, TODAY + 99 * DAY)

    assert caller_ids.approvals([once, once]) == (once,)
    assert caller_ids.approvals([once, again, once]) == (Approval(ONE, None, is_readable=False),)


def test_how_each_stands_says_why() -> None:
    known = judged(None, listing(Approval(ONE, TODAY + DAY), Approval(TWO, None))).state
    seen = listing(Approval(TWO, None))
    one, two = sorted(
        caller_ids.subjects(seen, judged(known, seen), LIMIT, TODAY),
        key=lambda found: found.subject != "caller_id/" + ONE,
    )
    soon = listing(Approval(ONE, TODAY + DAY))
    (down,) = caller_ids.subjects(soon, judged(None, soon), LIMIT, TODAY)

    assert (one.state, one.why) == (SubjectState.UNKNOWN, {"reason": MISSING})
    assert (two.state, two.why) == (SubjectState.UP, {})
    assert (down.state, down.why) == (SubjectState.DOWN, {"metric": "days_left", "value": 1, "at_most": 30})


numbers = st.sampled_from([ONE, TWO, "0773333333", "x/y"])
approvals = st.builds(
    Approval, numbers, st.none() | st.dates(date(2025, 1, 1), date(2027, 1, 1)), st.booleans()
)
observations = st.builds(
    Observation,
    st.none() | st.lists(approvals, max_size=4).map(caller_ids.approvals),
    st.none() | st.lists(numbers, max_size=3).map(tuple),
)


@given(st.lists(observations, min_size=1, max_size=8))
def test_nothing_is_lost_that_nobody_says_is_gone(seen: list[Observation]) -> None:
    """Of every number that was ever listed each look says something, until both lists have it no more."""
    state, known = None, set[str]()
    for one in seen:
        change = judged(state, one)
        known |= {each.number for each in one.approvals or ()}
        judged_now = verdicts(change)
        assert judged_now.keys() == known
        gone = {number for number, verdict in judged_now.items() if verdict is GONE}
        assert not gone or (one.approvals is not None and one.still is not None)
        known -= gone
        assert change.state.expires_on.keys() == known
        state = change.state
