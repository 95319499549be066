"""Units: when they are low or about to expire, and what an unreadable field may not move."""

import json
from datetime import date, timedelta

import pytest

from daemon.core.model import AlertKind, Change, Rule, Severity, Verdict
from daemon.core.watches import units
from daemon.core.watches.units import Limit, Observation, State

RULE = Rule(timedelta(0), timedelta(0), Severity.WARNING)
G, B, U = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN
TODAY = date(2026, 3, 1)
DAY = timedelta(days=1)
LIMIT = Limit(100, 30 * DAY, RULE)


def judged(before: State | None, seen: Observation, *, limit: Limit = LIMIT) -> tuple[State, Change[State]]:
    change = units.diff(before, seen, limit, TODAY)
    assert change.facts == ()
    restarted = units.load(json.loads(json.dumps(units.dump(change.state))))
    assert restarted == change.state
    return restarted, change


def verdicts(change: Change[State]) -> dict[str, Verdict]:
    return {one.key: one.verdict for one in change.conditions}


@pytest.mark.parametrize(
    ("balance", "expected"),
    [(250.5, G), (100.01, G), (100, G), (99.99, B), (0, B), (-3, B), (None, U)],
)
def test_units_are_low_below_the_limit_and_not_at_it(balance: float | None, expected: Verdict) -> None:
    _, change = judged(None, Observation(balance, TODAY + 99 * DAY))

    assert verdicts(change) == {"units/low": expected, "units/expiring": G}


@pytest.mark.parametrize(
    ("days", "expected"), [(365, G), (31, G), (30, B), (29, B), (1, B), (0, B), (-1, B), (-400, B)]
)
def test_units_expire_soon_from_the_first_day_within_the_time(days: int, expected: Verdict) -> None:
    _, change = judged(None, Observation(500, TODAY + days * DAY))

    assert verdicts(change) == {"units/low": G, "units/expiring": expected}


def test_an_unreadable_date_says_nothing_of_the_expiry() -> None:
    assert verdicts(judged(None, Observation(500, None))[1]) == {"units/low": G, "units/expiring": U}


@pytest.mark.parametrize(
    ("limit", "keys"),
    [
        (Limit(100, None, RULE), ["units/low"]),
        (Limit(None, 30 * DAY, RULE), ["units/expiring"]),
        (Limit(None, None, RULE), []),
        (Limit(0, timedelta(0), RULE), ["units/low", "units/expiring"]),
    ],
)
def test_only_what_is_watched_is_judged(limit: Limit, keys: list[str]) -> None:
    assert list(verdicts(judged(None, Observation(5, TODAY), limit=limit)[1])) == keys


def test_the_events_of_units_show_the_balance_and_the_days_left() -> None:
    _, change = judged(None, Observation(42.5, date(2026, 3, 11)))

    for condition in change.conditions:
        assert condition.payload == {"units": {"balance": 42.5, "expires_on": "2026-03-11", "days_left": 10}}
        assert (condition.subject, condition.rule) == ("units", RULE)
    assert [one.kind for one in change.conditions] == [
        AlertKind("units.low", "units.ok"),
        AlertKind("units.expiring", "units.renewed"),
    ]


def test_what_cannot_be_read_of_the_units_keeps_what_was_known() -> None:
    state, _ = judged(None, Observation(42, date(2026, 3, 11)))
    state, change = judged(state, Observation(None, None))

    assert state == State(42, "2026-03-11")
    assert verdicts(change) == {"units/low": U, "units/expiring": U}
    assert change.conditions[0].payload == {"units": {"balance": None, "expires_on": None, "days_left": None}}


def test_a_balance_of_nothing_is_a_balance() -> None:
    state, _ = judged(None, Observation(42, TODAY))

    assert judged(state, Observation(0, TODAY))[0] == State(0, "2026-03-01")
