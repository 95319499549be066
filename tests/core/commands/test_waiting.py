"""Why a command waits: whatever holds it back, there is one reason, and a time where one is known."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.commands.command import HOLIDAY, Command, Error, OnHoliday, is_too_early
from daemon.core.commands.waiting import Wait, waiting
from daemon.core.durations import NOTHING
from tests.support.fakes import START

HOUR = timedelta(hours=1)
COMMAND = Command(
    id="cmd_1",
    system="main",
    type="campaign.bridge",
    params={},
    created_by="crm",
    created_at=START,
    not_before=START,
    expires_at=START + 24 * HOUR,
    due_at=START,
    is_start_given=True,
)
DELAYS = st.integers(-5, 5).map(lambda n: n * HOUR)


@given(
    DELAYS,
    DELAYS,
    st.integers(0, 3),
    st.none() | st.just("cmd_0"),
    st.none() | st.just(HOUR),
    st.sampled_from(OnHoliday),
    st.sampled_from([None, Error("refused", "-", HOLIDAY), Error("timeout", "-")]),
)
def test_one_that_waits_has_one_reason(
    not_before: timedelta,
    due: timedelta,
    attempts: int,
    ahead: str | None,
    paused: timedelta | None,
    on_holiday: OnHoliday,
    error: Error | None,
) -> None:
    command = replace(
        COMMAND,
        not_before=START + not_before,
        due_at=START + due,
        attempts=attempts,
        on_holiday=on_holiday,
        error=error,
    )
    found = waiting(command, ahead, paused, START, NOTHING)

    assert (found.why in (Wait.NOT_BEFORE, Wait.HOLIDAY)) == is_too_early(command, START, NOTHING)
    assert (found.until is not None) == (found.why not in (Wait.BEHIND, Wait.DUE))
    assert found.until is None or found.until > START
    assert (found.behind is not None) == (found.why is Wait.BEHIND)
    assert found.why is not Wait.HOLIDAY or (error is not None and error.code == HOLIDAY)
    if found.why is Wait.DUE:
        assert ahead is None
        assert paused is None
        assert not attempts or command.due_at <= START
