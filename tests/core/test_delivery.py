"""What follows an attempt: every outcome, the schedule to its end, and what a receiver may ask for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.delivery import (
    FINAL,
    MAX_RETRY_AFTER,
    OPEN,
    Attempted,
    Message,
    Next,
    Outcome,
    Status,
    after,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
RETRIES = (5 * SECOND, 5 * MINUTE, 2 * HOUR)
ALMOST_ONE = 1 - 2**-53
REPEATED = sorted(set(Outcome) - FINAL - {Outcome.ACCEPTED}, key=lambda outcome: outcome.value)


def attempted(outcome: Outcome, *, attempt: int = 1, retry_after: timedelta | None = None) -> Attempted:
    message = Message(
        delivery=1,
        token="t",
        endpoint="crm",
        lane="main/sip/077",
        event="evt_1",
        event_type="sip.account.added",
        body=b"{}",
        attempt=attempt,
    )
    return Attempted(message, outcome, NOW - SECOND, SECOND, retry_after=retry_after)


def wait(one: Attempted, *, jitter: float = 0.0) -> timedelta:
    then = after(one, NOW, jitter, RETRIES)
    assert then.status is Status.PENDING
    assert then.due_at is not None
    return then.due_at - NOW


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.ACCEPTED, Next(Status.DELIVERED)),
        (Outcome.UNREACHABLE, Next(Status.PENDING, NOW + 5 * SECOND)),
        (Outcome.TIMEOUT, Next(Status.PENDING, NOW + 5 * SECOND)),
        (Outcome.THROTTLED, Next(Status.PENDING, NOW + 5 * SECOND)),
        (Outcome.FORBIDDEN, Next(Status.PENDING, NOW + 5 * SECOND)),
        (Outcome.GUARDED, Next(Status.PENDING, NOW + 5 * SECOND)),
        (Outcome.GONE, Next(Status.DEAD)),
        (Outcome.REFUSED, Next(Status.DEAD)),
    ],
)
def test_what_follows_each_outcome(outcome: Outcome, expected: Next) -> None:
    assert after(attempted(outcome), NOW, 0.0, RETRIES) == expected


def test_no_outcome_is_without_a_consequence() -> None:
    assert {*REPEATED, *FINAL, Outcome.ACCEPTED} == set(Outcome)


@pytest.mark.parametrize(("attempt", "pause"), list(enumerate(RETRIES, start=1)))
def test_each_failed_attempt_is_followed_by_its_own_wait(attempt: int, pause: timedelta) -> None:
    assert wait(attempted(Outcome.TIMEOUT, attempt=attempt)) == pause


@pytest.mark.parametrize("outcome", REPEATED)
def test_a_delivery_is_dead_when_the_schedule_is_used_up(outcome: Outcome) -> None:
    assert after(attempted(outcome, attempt=4), NOW, 0.0, RETRIES) == Next(Status.DEAD)
    assert after(attempted(outcome, attempt=9), NOW, 0.0, RETRIES) == Next(Status.DEAD)


def test_the_attempt_behind_the_last_wait_may_still_succeed() -> None:
    assert after(attempted(Outcome.ACCEPTED, attempt=4), NOW, 0.0, RETRIES) == Next(Status.DELIVERED)


def test_without_a_schedule_there_is_one_attempt() -> None:
    assert after(attempted(Outcome.TIMEOUT), NOW, 0.0, ()) == Next(Status.DEAD)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (timedelta(0), 5 * SECOND),
        (-HOUR, 5 * SECOND),
        (4 * SECOND, 5 * SECOND),
        (30 * SECOND, 30 * SECOND),
        (MAX_RETRY_AFTER, 4 * HOUR),
        (MAX_RETRY_AFTER + SECOND, 4 * HOUR),
        (timedelta(days=9999), 4 * HOUR),
    ],
)
def test_a_receiver_may_ask_for_a_longer_wait_of_up_to_four_hours(asked: timedelta, given: timedelta) -> None:
    assert wait(attempted(Outcome.THROTTLED, retry_after=asked)) == given


def test_a_long_wait_of_the_schedule_is_not_cut_at_four_hours() -> None:
    one = attempted(Outcome.THROTTLED, retry_after=SECOND)

    assert after(one, NOW, 0.0, [24 * HOUR]) == Next(Status.PENDING, NOW + 24 * HOUR)


@pytest.mark.parametrize("outcome", [Outcome.GONE, Outcome.REFUSED])
def test_a_final_refusal_stays_final_whatever_wait_it_asks_for(outcome: Outcome) -> None:
    assert after(attempted(outcome, retry_after=MINUTE), NOW, 0.0, RETRIES) == Next(Status.DEAD)


def test_a_receiver_cannot_extend_the_schedule() -> None:
    one = attempted(Outcome.THROTTLED, attempt=4, retry_after=MINUTE)

    assert after(one, NOW, 0.0, RETRIES) == Next(Status.DEAD)


@settings(max_examples=200, deadline=None)
@given(
    jitter=st.floats(0, ALMOST_ONE),
    attempt=st.integers(1, 3),
    asked=st.none() | st.integers(0, 100_000).map(lambda seconds: seconds * SECOND),
)
def test_jitter_only_ever_waits_longer_and_never_more_than_a_fifth(
    jitter: float, attempt: int, asked: timedelta | None
) -> None:
    one = attempted(Outcome.THROTTLED, attempt=attempt, retry_after=asked)
    floor = max(RETRIES[attempt - 1], min(asked or timedelta(0), 4 * HOUR))

    assert floor <= wait(one, jitter=jitter) <= floor * 1.2


def test_retries_that_failed_together_are_spread() -> None:
    assert wait(attempted(Outcome.TIMEOUT, attempt=2), jitter=0.5) == 5.5 * MINUTE
    assert wait(attempted(Outcome.THROTTLED, retry_after=HOUR), jitter=0.5) == 66 * MINUTE


def test_what_is_not_ended_is_open() -> None:
    assert set(OPEN) == set(Status) - {Status.DELIVERED, Status.DEAD, Status.SUPERSEDED}
