"""Numbers for people: two decimals, and never another number."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.model import Rule, Severity, Verdict
from daemon.core.numbers import rounded, shown
from daemon.core.rendering.body import summary
from daemon.core.rendering.phrases import sentence
from daemon.core.watches import queues, units
from daemon.schemas.status import Configured, Running, Status
from daemon.store.views import Overview, WatchView

FINITE = st.floats(allow_nan=False, allow_infinity=False)
MONEY = st.floats(-1e9, 1e9)
COUNTS = st.integers(0, 500)


def decimals(number: object) -> int:
    """Of a number as JSON writes it."""
    return len(json.dumps(number).partition(".")[2])


@given(FINITE)
def test_no_number_has_an_exponent_or_a_third_decimal(number: float) -> None:
    said = shown(number)

    assert "e" not in said.lower()
    assert len(said.partition(".")[2]) <= 2 or abs(number) >= 1e15
    assert said not in ("-0", "") and not said.endswith(".")


@given(MONEY)
def test_what_is_shown_is_the_number(number: float) -> None:
    assert abs(rounded(number) - number) <= 0.005 + abs(number) * 1e-12
    assert float(shown(number)) == rounded(number)
    assert decimals(rounded(number)) <= 2
    assert rounded(rounded(number)) == rounded(number)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (7 / 3, "2.33"),
        (249.89999999999998, "249.9"),
        (0.285, "0.29"),
        (8.88178e-16, "0"),
        (-1e-9, "0"),
        (3.0, "3"),
        (100, "100"),
        (1234567.5, "1234567.5"),
        (1e22, "10000000000000000000000"),
    ],
)
def test_examples(number: float, said: str) -> None:
    assert shown(number) == said


@given(COUNTS, COUNTS)
def test_a_quotient_is_told_judged_and_said_with_the_same_two_decimals(waiting: int, available: int) -> None:
    agents = tuple(queues.Agent(f"SIP-{number}", paused=False, status="1") for number in range(available))
    unknown = dict.fromkeys(("abandoned", "completed", "talk_seconds", "hold_seconds", "strategy", "callers"))
    seen = queues.Observation(calls=waiting, agents=agents, **unknown)  # type: ignore[arg-type] # each is None
    value = queues.metrics(seen)["calls_per_agent"]

    assert value is not None
    assert decimals(value) <= 2
    # 1/8 is said as 0.13, which as floats are a little more than a half of the last decimal apart.
    assert abs(value - waiting / max(available, 1)) <= 0.005 + 1e-9


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_balance_is_told_as_it_is_judged(balance: float, below: float) -> None:
    limit = units.Limit(below, None, Rule(timedelta(0), timedelta(0), Severity.WARNING))
    change = units.diff(None, units.Observation(balance, None), limit, date(2026, 1, 1))
    (condition,) = change.conditions
    told = condition.payload["units"]["balance"]  # type: ignore[index, call-overload] # a mapping

    assert decimals(told) <= 2
    assert change.state.balance == told
    assert (condition.verdict is Verdict.BAD) == (told < below)  # type: ignore[operator] # a float


@given(st.timedeltas(timedelta(0), timedelta(days=9)))
def test_the_age_of_an_answer_has_two_decimals(age: timedelta) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    seen = WatchView("main", "sip", now - age, now, None, None, None)
    overview = Overview([seen], [], [], 0, None)
    told = Status.of(overview, Configured({("main", "sip"): timedelta(seconds=30)}, []), Running(None), now)

    assert decimals(told.systems[0].watches[0].age_seconds) <= 2


@pytest.mark.parametrize("language", ["en", "he"])
def test_what_an_older_version_stored_is_said_with_two_decimals(language: str) -> None:
    """And a limit as it is configured."""
    threshold = {"metric": "calls_per_agent", "above": 2.125, "clear": 2.0, "value": 2.3333333333333335}
    data = {"subject": "queue/5", "queue": {"path": "/5", "name": ""}, "threshold": threshold}
    event = {"type": "queue.threshold.crossed", "data": data}

    assert "2.33" in sentence(event, language)
    assert "2.333" not in sentence(event, language)
    assert "2.125" in sentence(event, language)
    assert summary(event) == "queue/5 · calls_per_agent 2.33"
