"""What a poll says of the API itself: every failure, and when a changed answer is news."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.alerts.life import Phase
from daemon.core.durations import NOTHING
from daemon.core.model import AlertKind, Failure, Rule, Severity, Unknown, Verdict
from daemon.core.watches.api import (
    REACHABLE,
    TOKEN,
    TOKEN_KEY,
    TOKEN_RULE,
    TOLD_FOR,
    Problems,
    conditions,
    fold,
    inhibits,
    schema_changed,
)
from tests.support.examples import examples

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULE = Rule(timedelta(seconds=60), timedelta(seconds=30), Severity.CRITICAL)
G, B, U = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN

VERDICTS = [
    (Failure.UNREACHABLE, B, U),
    (Failure.TIMEOUT, B, U),
    (Failure.FILTERED, B, U),
    (Failure.SERVER_ERROR, B, U),
    (Failure.MALFORMED, B, U),
    (Failure.THROTTLED, B, U),
    (Failure.TOKEN_REJECTED, G, B),
    (Failure.REFUSED, G, G),
    (Failure.OURS, U, U),
]


@pytest.mark.parametrize(("failure", "reachable", "accepted"), VERDICTS)
def test_what_each_failure_says_of_the_api_and_of_the_token(
    failure: Failure, reachable: Verdict, accepted: Verdict
) -> None:
    first, second = conditions("sip", Unknown(failure, "why"), RULE)

    assert (first.verdict, second.verdict) == (reachable, accepted)


def test_every_failure_says_something() -> None:
    assert {failure for failure, _, _ in VERDICTS} == set(Failure)


def test_an_answer_says_that_all_is_well() -> None:
    for condition in conditions("sip", None, RULE):
        assert (condition.verdict, condition.payload) == (G, {"error": None})


def test_each_watch_is_unreachable_by_itself_and_the_token_is_one_for_the_system() -> None:
    (sip, sip_token), (queue, queue_token) = (conditions(watch, None, RULE) for watch in ("sip", "queue/5"))

    assert (sip.key, sip.subject, queue.key, queue.subject) == (
        "api/sip",
        "api/sip",
        "api/queue/5",
        "api/queue/5",
    )
    assert sip_token == queue_token
    assert (sip_token.key, sip_token.subject) == (TOKEN_KEY, TOKEN_KEY)


def test_the_rule_of_the_system_holds_for_reaching_and_a_rejected_token_is_told_at_once() -> None:
    reachable, accepted = conditions("sip", None, RULE)

    assert (reachable.rule, accepted.rule) == (RULE, TOKEN_RULE)
    assert (TOKEN_RULE.hold, TOKEN_RULE.keep) == (timedelta(0), timedelta(0))


def test_the_pairs_of_types_are_those_of_product_md() -> None:
    assert [one.kind for one in conditions("sip", None, RULE)] == [None, TOKEN]
    assert fold({}, None, Severity.ERROR).kind == REACHABLE
    assert AlertKind("api.unreachable", "api.reachable") == REACHABLE
    assert AlertKind("api.token_rejected", "api.token_accepted") == TOKEN


@pytest.mark.parametrize("code", [None, 503])
def test_the_event_names_the_class_of_the_error_and_says_what_happened(code: int | None) -> None:
    for condition in conditions("sip", Unknown(Failure.SERVER_ERROR, "wait", code), RULE):
        assert condition.payload == {"error": {"class": "server_error", "message": "wait", "code": code}}


def changed(before: Problems, *lines: str, at: timedelta = NOTHING) -> tuple[int, Problems]:
    """How many facts, and what is remembered as a restart would find it."""
    facts, after = schema_changed("sip", "M", before, lines, NOON + at)
    assert [fact.payload for fact in facts] in ([], [{"schema": {"method": "M", "problems": list(lines)}}])
    return len(facts), after


def test_a_field_that_goes_missing_is_told_with_all_that_is_wrong() -> None:
    before = Problems(("a: missing",))
    (fact,), _ = schema_changed(
        "sip", "GetSipAccountsRegisteredStatus", before, ("a: missing", "b: missing"), NOON
    )

    assert (fact.type, fact.subject) == ("api.schema_changed", "api/sip")
    assert fact.payload == {
        "schema": {"method": "GetSipAccountsRegisteredStatus", "problems": ["a: missing", "b: missing"]}
    }


@pytest.mark.parametrize("told", [{}, {"a: missing": NOON - timedelta(days=9)}])
def test_the_same_trouble_is_told_once_however_long_it_lasts(told: dict[str, datetime]) -> None:
    assert changed(Problems(("a: missing",), told), "a: missing")[0] == 0


@pytest.mark.parametrize("before", [(), ("a: missing",)])
def test_an_answer_that_is_whole_again_is_no_news(before: tuple[str, ...]) -> None:
    assert changed(Problems(before))[0] == 0


def test_less_trouble_than_before_is_no_news() -> None:
    assert changed(Problems(("a: missing", "b: missing")), "b: missing")[0] == 0


@pytest.mark.parametrize(("passed", "times"), [(TOLD_FOR, 1), (TOLD_FOR / 2, 0), (-TOLD_FOR, 1)])
def test_trouble_that_comes_back_is_told_again_but_not_all_the_time(passed: timedelta, times: int) -> None:
    _, seen = changed(Problems(), "a: missing")
    _, well = changed(seen)

    assert changed(well, "a: missing", at=passed)[0] == times


LINES = {
    "rows[].message: missing in {} of {}": {"message"},
    "the JSON is broken: Expecting value: line {} column {} (char 7)": {"broken"},
    "the JSON is broken: 'utf-8' codec can't decode byte 0x{} in position {}: invalid": {"broken"},
    "entries: fewer than queueData.Calls counts": {"entries"},
    "rows[].phone: missing in {} of {}; rows[].message: missing in 3 of {}": {"phone", "message"},
}
"""What each is about, whatever stands in its place for numbers."""


@settings(max_examples=examples(100))
@given(st.lists(st.tuples(st.sampled_from(sorted(LINES)), st.integers(0, 10**6)), max_size=12))
def test_trouble_is_told_by_what_it_is_and_not_by_its_numbers(life: list[tuple[str, int]]) -> None:
    known, about = Problems(), set[str]()
    for line, number in life:
        times, known = changed(known, line.replace("{}", str(number)))

        assert times == (not about >= LINES[line])
        about |= LINES[line]


@pytest.mark.parametrize(
    ("phases", "expected", "blind"),
    [
        ({}, G, []),
        ({"api/sip": Phase.PENDING}, G, ["sip"]),
        ({"api/sip": Phase.FIRING}, B, ["sip"]),
        ({"api/sip": Phase.RECOVERING, "api/queue/5": Phase.PENDING}, B, ["queue/5", "sip"]),
        ({"api/sip": Phase.OK, "api": Phase.FIRING}, G, []),
        ({"api/token": Phase.FIRING, "api": Phase.FIRING}, G, []),
    ],
)
def test_people_are_told_once_for_a_system_and_what_is_blind(
    phases: dict[str, Phase], expected: Verdict, blind: list[str]
) -> None:
    told = fold(phases, None, Severity.ERROR)

    assert (told.key, told.subject, told.verdict) == ("api", "api", expected)
    assert told.payload["watches"] == blind


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ({}, False),
        ({"api/sip": Phase.PENDING}, False),
        ({"api/sip": Phase.FIRING}, True),
        ({"api/sip": Phase.RECOVERING}, True),
        ({"api/queue/5": Phase.FIRING, "api": Phase.FIRING}, False),
        ({"api/token": Phase.FIRING}, True),
    ],
)
def test_what_is_seen_through_the_api_is_inhibited_with_it(
    phases: dict[str, Phase], *, expected: bool
) -> None:
    assert inhibits(phases, "sip") is expected
