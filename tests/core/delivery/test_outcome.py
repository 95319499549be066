"""What follows an attempt: every outcome, the schedule to its end, and what is not the message's fault."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.delivery.outcome import (
    DEAD,
    DELIVERED,
    FINAL,
    MAX_RETRY_AFTER,
    OPEN,
    OUR_OUTAGE,
    Attempted,
    Message,
    Next,
    Outcome,
    Status,
    after,
)
from tests.support.examples import examples

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
RETRIES = (5 * SECOND, 5 * MINUTE, 2 * HOUR)
ALMOST_ONE = 1 - 2**-53
COUNTED = sorted(
    set(Outcome) - FINAL - {Outcome.ACCEPTED, Outcome.THROTTLED}, key=lambda outcome: outcome.value
)


def attempted(
    outcome: Outcome, *, failures: int = 0, retry_after: timedelta | None = None, is_early: bool = False
) -> Attempted:
    message = Message(
        delivery=1,
        token="t",
        endpoint="crm",
        lane="main/sip/077",
        event="evt_1",
        event_type="sip.account.added",
        body=b"{}",
        attempt=failures + 1,
        failures=failures,
        is_early=is_early,
    )
    return Attempted(message, outcome, NOW - SECOND, retry_after=retry_after)


def again(wait: timedelta, *, counts: bool = True) -> Next:
    return Next(Status.PENDING, NOW + wait, counts=counts)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.ACCEPTED, DELIVERED),
        (Outcome.UNRESOLVED, again(5 * SECOND)),
        (Outcome.UNREACHABLE, again(5 * SECOND)),
        (Outcome.UNTRUSTED, again(5 * SECOND)),
        (Outcome.TIMEOUT, again(5 * SECOND)),
        (Outcome.FAILED, again(5 * SECOND)),
        (Outcome.REDIRECTED, again(5 * SECOND)),
        (Outcome.FORBIDDEN, again(5 * SECOND)),
        (Outcome.GUARDED, again(5 * SECOND)),
        (Outcome.THROTTLED, again(SECOND, counts=False)),
        (Outcome.GONE, DEAD),
        (Outcome.REFUSED, DEAD),
    ],
)
def test_what_follows_each_outcome(outcome: Outcome, expected: Next) -> None:
    assert after(attempted(outcome), NOW, 0.0, RETRIES) == expected


def test_no_outcome_is_without_a_consequence() -> None:
    assert {*COUNTED, *FINAL, Outcome.ACCEPTED, Outcome.THROTTLED} == set(Outcome)


@pytest.mark.parametrize(("failures", "pause"), list(enumerate(RETRIES)))
def test_each_failed_attempt_is_followed_by_its_own_wait(failures: int, pause: timedelta) -> None:
    assert after(attempted(Outcome.TIMEOUT, failures=failures), NOW, 0.0, RETRIES) == again(pause)


@pytest.mark.parametrize("outcome", COUNTED)
def test_a_delivery_is_dead_when_the_schedule_is_used_up(outcome: Outcome) -> None:
    assert after(attempted(outcome, failures=3), NOW, 0.0, RETRIES) == DEAD
    assert after(attempted(outcome, failures=9), NOW, 0.0, RETRIES) == DEAD


def test_the_attempt_behind_the_last_wait_may_still_succeed() -> None:
    assert after(attempted(Outcome.ACCEPTED, failures=3), NOW, 0.0, RETRIES) == DELIVERED


def test_without_a_schedule_there_is_one_attempt() -> None:
    assert after(attempted(Outcome.TIMEOUT), NOW, 0.0, ()) == DEAD
    assert after(attempted(Outcome.TIMEOUT, is_early=True), NOW, 0.0, ()) == DEAD


@pytest.mark.parametrize("failures", [0, 3, 9])
def test_a_throttled_attempt_does_not_count_however_often(failures: int) -> None:
    one = attempted(Outcome.THROTTLED, failures=failures, retry_after=MINUTE)

    assert after(one, NOW, 0.0, RETRIES) == again(MINUTE, counts=False)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (timedelta(0), SECOND),
        (-HOUR, SECOND),
        (30 * SECOND, 30 * SECOND),
        (MAX_RETRY_AFTER, 4 * HOUR),
        (MAX_RETRY_AFTER + SECOND, 4 * HOUR),
        (timedelta(days=9999), 4 * HOUR),
    ],
)
def test_a_receiver_may_ask_for_a_wait_of_up_to_four_hours(asked: timedelta, given: timedelta) -> None:
    one = attempted(Outcome.THROTTLED, retry_after=asked)

    assert after(one, NOW, 0.0, RETRIES) == again(given, counts=False)


@pytest.mark.parametrize("failures", [0, 3, 9])
@pytest.mark.parametrize("outcome", [Outcome.UNRESOLVED, Outcome.UNREACHABLE, Outcome.TIMEOUT])
def test_our_own_outage_burns_no_attempt(outcome: Outcome, failures: int) -> None:
    then = after(attempted(outcome, failures=failures), NOW, 0.0, RETRIES, is_our_outage=True)

    assert then == again(OUR_OUTAGE, counts=False)


def test_a_trial_before_its_time_does_not_count_but_lets_others_be_tried_next() -> None:
    assert after(attempted(Outcome.TIMEOUT, is_early=True), NOW, 0.0, RETRIES) == again(
        5 * SECOND, counts=False
    )
    assert after(attempted(Outcome.TIMEOUT, failures=3, is_early=True), NOW, 0.0, RETRIES) == again(
        2 * HOUR, counts=False
    )


@pytest.mark.parametrize("asked", [NOW + 3 * MINUTE, NOW + SECOND])
def test_what_an_acceptance_brought_about_goes_on_by_its_schedule(asked: datetime) -> None:
    one = attempted(Outcome.TIMEOUT, failures=2, is_early=True)
    hastened = one._replace(message=one.message._replace(again_at=asked))

    assert after(hastened, NOW, 0.9, RETRIES) == Next(Status.PENDING, asked, counts=False)
    assert after(hastened, NOW, 0.0, RETRIES, is_our_outage=True) == again(OUR_OUTAGE, counts=False)


def test_no_clock_that_was_set_makes_a_hastened_delivery_wait_for_more_than_its_schedule() -> None:
    one = attempted(Outcome.TIMEOUT, failures=2, is_early=True)
    hastened = one._replace(message=one.message._replace(again_at=NOW + timedelta(days=5)))

    assert after(hastened, NOW, 0.0, RETRIES) == again(6 * MINUTE, counts=False)


@pytest.mark.parametrize("outcome", [Outcome.GONE, Outcome.REFUSED])
def test_a_final_refusal_stays_final_whatever_else_is_so(outcome: Outcome) -> None:
    one = attempted(outcome, retry_after=MINUTE, is_early=True)

    assert after(one, NOW, 0.0, RETRIES) == DEAD


@settings(max_examples=examples(200))
@given(
    jitter=st.floats(0, ALMOST_ONE),
    outcome=st.sampled_from([*COUNTED, Outcome.THROTTLED]),
    failures=st.integers(0, 2),
    asked=st.none() | st.integers(0, 100_000).map(lambda seconds: seconds * SECOND),
)
def test_jitter_only_ever_waits_longer_and_never_more_than_a_fifth(
    jitter: float, outcome: Outcome, failures: int, asked: timedelta | None
) -> None:
    one = attempted(outcome, failures=failures, retry_after=asked)
    least, then = after(one, NOW, 0.0, RETRIES).due_at, after(one, NOW, jitter, RETRIES).due_at

    assert least and then
    assert least - NOW <= then - NOW <= (least - NOW) * 1.2


def test_what_is_not_ended_is_open() -> None:
    assert set(OPEN) == set(Status) - {Status.DELIVERED, Status.DEAD, Status.SUPERSEDED, Status.UNKNOWN}
