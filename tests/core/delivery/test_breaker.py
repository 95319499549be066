"""The health of an endpoint: every way down, every way up, and what moves nothing."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.delivery.breaker import (
    COOLDOWNS,
    DISABLED_AFTER,
    HEALTHY,
    Breaker,
    DisabledBy,
    Health,
    after,
    caught_up,
    disable,
    elapse,
    enable,
    worst,
)
from daemon.core.delivery.outcome import Attempted, Message, Outcome
from tests.support.examples import examples
from tests.support.fakes import START

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
FAILURES = [
    one
    for one in Outcome
    if one not in (Outcome.ACCEPTED, Outcome.REFUSED, Outcome.GONE, Outcome.THROTTLED, Outcome.FORBIDDEN)
]


def attempted(outcome: Outcome, *, attempt: int = 1, retry_after: timedelta | None = None) -> Attempted:
    message = Message(1, "t", "crm", "main/a", "evt_1", "sms.received", b"{}", attempt)
    status = 500 if outcome is Outcome.FAILED else None
    return Attempted(message, outcome, START, http_status=status, retry_after=retry_after)


def lived(*outcomes: Outcome, every: timedelta = SECOND, attempt: int = 1) -> Breaker:
    """The breaker after attempts that end one `every` apart, the last at START."""
    breaker = HEALTHY
    for index, outcome in enumerate(outcomes):
        at = START - (len(outcomes) - 1 - index) * every
        breaker = after(breaker, attempted(outcome, attempt=attempt), at, 0.0)
    return breaker


def times(outcome: Outcome, many: int) -> Iterable[Outcome]:
    return [outcome] * many


DEGRADED = lived(*times(Outcome.FAILED, 5))
SUSPENDED = lived(*times(Outcome.FORBIDDEN, 3))


@pytest.mark.parametrize("outcome", FAILURES)
def test_five_new_messages_in_a_row_that_fail_degrade_an_endpoint(outcome: Outcome) -> None:
    assert lived(*times(outcome, 4)).health is Health.HEALTHY
    assert lived(*times(outcome, 5)).health is Health.DEGRADED


def test_one_success_between_failures_begins_the_count_anew() -> None:
    row = [*times(Outcome.FAILED, 4), Outcome.ACCEPTED, *times(Outcome.FAILED, 4)]

    assert lived(*row).health is Health.HEALTHY


def test_retries_of_one_message_degrade_nobody_in_less_than_a_minute() -> None:
    """One poisoned message with a short schedule is no reason to slow the others down."""
    retried = times(Outcome.FAILED, 20)

    assert lived(*retried, attempt=2, every=2 * SECOND).health is Health.HEALTHY


def test_an_endpoint_with_little_to_do_is_found_out_by_time() -> None:
    row = times(Outcome.TIMEOUT, 3)

    assert lived(*row, attempt=2, every=30 * SECOND).health is Health.DEGRADED
    assert lived(*row, attempt=2, every=29 * SECOND).health is Health.HEALTHY


def test_three_rejections_in_a_row_suspend_at_once() -> None:
    assert SUSPENDED.health is Health.SUSPENDED
    assert lived(Outcome.FORBIDDEN, Outcome.FORBIDDEN, Outcome.FAILED).health is Health.HEALTHY


def test_what_has_been_failing_for_ten_minutes_is_suspended() -> None:
    failing = after(DEGRADED, attempted(Outcome.FAILED), START + 9 * MINUTE, 0.0)
    assert failing.health is Health.DEGRADED

    suspended = after(failing, attempted(Outcome.FAILED), START + 10 * MINUTE, 0.0)
    assert (suspended.health, suspended.since) == (Health.SUSPENDED, START + 10 * MINUTE)


def test_a_refused_message_says_nothing_of_the_endpoint_and_uses_up_no_trial() -> None:
    assert lived(*times(Outcome.REFUSED, 100)) is HEALTHY
    assert DEGRADED.is_open(START)

    tried = after(DEGRADED, attempted(Outcome.REFUSED), START + 5 * SECOND, 0.0)
    assert (tried.health, tried.trials, tried.is_open(START)) == (Health.DEGRADED, DEGRADED.trials, False)


@pytest.mark.parametrize("breaker", [HEALTHY, DEGRADED, SUSPENDED])
def test_gone_disables_at_once(breaker: Breaker) -> None:
    gone = after(breaker, attempted(Outcome.GONE), START, 0.0)

    assert (gone.health, gone.disabled_by) == (Health.DISABLED, DisabledBy.GONE)
    assert gone.is_open(START + timedelta(days=999))


@pytest.mark.parametrize("breaker", [DEGRADED, SUSPENDED])
def test_each_failed_trial_is_followed_by_a_longer_cooldown(breaker: Breaker) -> None:
    ladder, now = COOLDOWNS[breaker.health], START
    waits = []
    for _ in ladder:
        assert breaker.not_before
        waits.append(breaker.not_before - now)
        now = breaker.not_before
        breaker = after(breaker, attempted(Outcome.FAILED), now, 0.0)

    assert waits == list(ladder)
    assert breaker.not_before
    assert breaker.not_before - now == ladder[-1]


def test_success_climbs_one_step_at_a_time() -> None:
    first = after(SUSPENDED, attempted(Outcome.ACCEPTED), START + MINUTE, 0.0)
    assert (first.health, first.is_open(START + MINUTE)) == (Health.DEGRADED, False)

    second = after(first, attempted(Outcome.ACCEPTED), START + MINUTE, 0.0)
    assert (second.health, second.is_catching_up) == (Health.HEALTHY, True)
    assert caught_up(second).is_catching_up is False


def test_a_relapse_after_the_first_success_begins_with_short_cooldowns() -> None:
    first = after(SUSPENDED, attempted(Outcome.ACCEPTED), START + MINUTE, 0.0)
    again = after(first, attempted(Outcome.FAILED), START + MINUTE, 0.0)

    assert again.health is Health.DEGRADED
    assert again.not_before == START + MINUTE + COOLDOWNS[Health.DEGRADED][0]


def test_a_receiver_s_wish_pauses_the_whole_endpoint() -> None:
    paused = after(HEALTHY, attempted(Outcome.THROTTLED, retry_after=2 * MINUTE), START, 0.5)

    assert paused.health is Health.HEALTHY
    assert paused.is_open(START + 2 * MINUTE)
    assert not paused.is_open(START + 2 * MINUTE * 1.1)


def test_a_success_that_was_under_way_does_not_end_the_pause() -> None:
    paused = after(HEALTHY, attempted(Outcome.THROTTLED, retry_after=MINUTE), START, 0.0)
    later = after(paused, attempted(Outcome.ACCEPTED), START + SECOND, 0.0)

    assert later.is_open(START + 59 * SECOND)
    assert not later.is_open(START + MINUTE)
    assert later.any_failures == 0


def test_without_a_wish_the_pause_doubles_up_to_five_minutes() -> None:
    breaker, now, waits = HEALTHY, START, []
    for _ in range(4):
        breaker = after(breaker, attempted(Outcome.THROTTLED, attempt=2), now, 0.0)
        assert breaker.not_before
        waits.append((breaker.not_before - now) / SECOND)
        now = breaker.not_before

    assert waits == [1, 2, 4, 8]


def test_many_that_were_under_way_when_the_pause_began_are_one_wish() -> None:
    breaker = HEALTHY
    for _ in range(8):
        breaker = after(breaker, attempted(Outcome.THROTTLED), START, 0.0)

    assert breaker.health is Health.HEALTHY
    assert breaker.not_before == START + SECOND


def test_the_longest_of_their_wishes_counts() -> None:
    short = after(HEALTHY, attempted(Outcome.THROTTLED, retry_after=SECOND), START, 0.0)
    both = after(short, attempted(Outcome.THROTTLED, retry_after=HOUR), START, 0.0)

    assert both.not_before == START + HOUR


def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    long = after(HEALTHY, attempted(Outcome.THROTTLED, retry_after=HOUR), START, 0.0)
    both = after(long, attempted(Outcome.THROTTLED, retry_after=SECOND), START, 0.0)

    assert both.not_before == START + HOUR


def test_a_week_in_which_we_ran_disables_and_time_off_does_not_count() -> None:
    almost = elapse(SUSPENDED, DISABLED_AFTER - SECOND, START)
    assert almost.health is Health.SUSPENDED
    assert almost.is_open(START)

    over = elapse(almost, SECOND, START)
    assert (over.health, over.disabled_by) == (Health.DISABLED, DisabledBy.HEALTH)
    assert elapse(DEGRADED, 2 * DISABLED_AFTER, START) is DEGRADED


@pytest.mark.parametrize("outcome", list(Outcome))
def test_nothing_but_an_operator_enables_what_is_disabled(outcome: Outcome) -> None:
    off = disable(HEALTHY, START)

    assert after(off, attempted(outcome), START, 0.0) is off
    assert elapse(off, 2 * DISABLED_AFTER, START) is off
    assert enable(off, START).health is Health.HEALTHY


def test_an_operator_s_word_is_kept_as_such() -> None:
    by_health = elapse(SUSPENDED, DISABLED_AFTER, START)

    assert disable(by_health, START).disabled_by is DisabledBy.OPERATOR
    assert enable(HEALTHY, START) is HEALTHY
    assert enable(SUSPENDED, START).is_catching_up


def test_success_of_a_healthy_endpoint_changes_nothing() -> None:
    """Not even the object: what is the same need not be stored."""
    back = caught_up(enable(SUSPENDED, START))

    assert after(HEALTHY, attempted(Outcome.ACCEPTED), START, 0.0) is HEALTHY
    assert after(back, attempted(Outcome.ACCEPTED), START, 0.0) is back


@settings(max_examples=examples(300))
@given(
    row=st.lists(
        st.tuples(st.sampled_from(list(Outcome)), st.integers(0, 400), st.integers(1, 3), st.floats(0, 0.99)),
        max_size=60,
    )
)
def test_in_any_life_it_knows_its_way_and_two_successes_lead_up(
    row: list[tuple[Outcome, int, int, float]],
) -> None:
    breaker, now = HEALTHY, START
    for outcome, seconds, attempt, jitter in row:
        now += seconds * SECOND
        before, breaker = breaker, after(breaker, attempted(outcome, attempt=attempt), now, jitter)
        assert breaker.is_half_open <= (breaker.failing_since is not None)
        if breaker.not_before and outcome is not Outcome.ACCEPTED:
            assert breaker.not_before - now <= 1.2 * 4 * HOUR
        if before.health is Health.DISABLED:
            assert breaker is before
    for _ in range(2):
        breaker = after(breaker, attempted(Outcome.ACCEPTED), now, 0.0)

    assert breaker.health in (Health.HEALTHY, Health.DISABLED)


def refused_alone(breaker: Breaker, *minutes: int, outcome: Outcome = Outcome.FAILED) -> Breaker:
    """The breaker after attempts that failed for this endpoint alone, so many minutes after START."""
    for one in minutes:
        breaker = after(breaker, attempted(outcome)._replace(is_own=True), START + one * MINUTE, 0.0)
    return breaker


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.REFUSED])
def test_an_endpoint_that_is_refused_alone_is_found_out_by_time(outcome: Outcome) -> None:
    brief = refused_alone(HEALTHY, *[0] * 100, *range(15), outcome=outcome)

    assert brief.health is Health.HEALTHY
    assert refused_alone(brief, 15, outcome=outcome).health is Health.DEGRADED
    assert refused_alone(HEALTHY, 0, 60 * 24, outcome=outcome).health is Health.DEGRADED
    assert refused_alone(HEALTHY, 60 * 24, outcome=outcome).health is Health.HEALTHY


@pytest.mark.parametrize("down", [DEGRADED, SUSPENDED])
def test_who_refuses_one_of_those_that_share_a_server_is_there_for_the_others(down: Breaker) -> None:
    alone = refused_alone(down, 0)

    assert (alone.health, alone.is_own, alone.failing_since) == (Health.HEALTHY, True, START)
    assert worst([down, alone]) is down
    assert worst([alone, HEALTHY]) is HEALTHY


def test_one_that_is_refused_alone_stays_so_whatever_its_server_does_until_it_is_served() -> None:
    refused = refused_alone(HEALTHY, 0, 15)
    down = after(refused, attempted(Outcome.UNREACHABLE), START + HOUR, 0.0)

    assert (down.health, down.is_own) == (Health.SUSPENDED, True)
    served = after(down, attempted(Outcome.ACCEPTED), START + HOUR, 0.0)
    assert (served.health, served.is_own) == (Health.DEGRADED, True)
    well = after(served, attempted(Outcome.ACCEPTED), START + HOUR, 0.0)
    assert (well.health, well.is_own) == (Health.HEALTHY, False)


def test_one_that_was_refused_alone_for_a_week_is_disabled_alone() -> None:
    refused = refused_alone(HEALTHY, 0, 15, 30)
    disabled = elapse(refused, DISABLED_AFTER, START + HOUR)

    assert (refused.health, disabled.health, disabled.is_own) == (Health.SUSPENDED, Health.DISABLED, True)


def test_failures_of_a_server_and_of_one_endpoint_are_never_added_up() -> None:
    refused = refused_alone(HEALTHY, 0, 5, 10)
    down = after(refused, attempted(Outcome.FAILED), START + 14 * MINUTE, 0.0)

    assert (down.health, down.any_failures, down.failing_since) == (Health.HEALTHY, 1, START + 14 * MINUTE)
