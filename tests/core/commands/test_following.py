"""A campaign from its start to its end: what is told of it is what was seen."""

from dataclasses import replace
from datetime import timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.commands import following
from daemon.core.commands.command import Command, Status
from daemon.core.commands.following import (
    FINAL_LOOKS,
    UNLEARNED,
    Followed,
    Glance,
    Outcome,
    Progress,
    Source,
    Traces,
    after,
)
from daemon.core.durations import HOUR, MINUTE, NOTHING, SECOND
from daemon.core.model import Json
from tests.support.fakes import START

ONE = Followed("cmd_1", "main", "YA-1", 10, 6.0, START.date(), START)
AT_WORK = Progress("RUNNING", 10, 4, 2, 0, 3, 1, 0, 6, 3, 4.5)
IDLE = Progress("RUNNING", 10, 0, 0, 0, 8, 2, 0, 10, 8, 7.5)
VOID = Progress("RUNNING", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0)
OVER = replace(IDLE, word="FINISHED")
NOT_FOUND = Traces("campaign not found")


def seen(*glances: Glance, every: timedelta = MINUTE, one: Followed = ONE) -> Followed:
    """After these looks, one after the other; the first of them looks back on nothing."""
    for number, glance in enumerate(glances):
        one = after(one, glance, every if number else NOTHING, START + number * every)
        if one.ended_at is not None:
            break
    return one


def test_it_is_over_by_the_word_of_the_platform() -> None:
    found = seen(AT_WORK, OVER)

    assert (found.outcome, found.ended_at, found.busy_at) == (Outcome.FINISHED, START + MINUTE, START)
    assert seen(AT_WORK, replace(IDLE, word="STOPPED")).outcome is Outcome.STOPPED


def test_it_is_over_when_nobody_is_left_to_call_in_two_looks_and_not_in_one() -> None:
    assert seen(AT_WORK, IDLE).outcome is None
    assert seen(AT_WORK, IDLE, AT_WORK, IDLE).outcome is None
    assert seen(AT_WORK, IDLE, IDLE).outcome is Outcome.FINISHED
    assert seen(AT_WORK, replace(IDLE, word=None), replace(IDLE, word="NEW")).outcome is Outcome.FINISHED


def test_what_has_not_begun_is_not_over() -> None:
    assert seen(*[VOID] * 20).outcome is None
    assert seen(VOID, replace(VOID, word=None), NOT_FOUND, VOID).outcome is None


def test_calls_that_go_on_after_its_end_are_waited_for_but_not_for_ever() -> None:
    still = replace(AT_WORK, word="STOPPED")

    assert seen(*[still] * (FINAL_LOOKS - 1)).outcome is None
    assert seen(*[still] * 2, replace(IDLE, word="STOPPED")).outcome is Outcome.STOPPED
    assert seen(*[still] * FINAL_LOOKS).outcome is Outcome.STOPPED


def test_where_nothing_is_to_be_learned_that_is_said_after_a_day_of_looking() -> None:
    looks = UNLEARNED // HOUR
    almost = seen(*[NOT_FOUND] * looks, every=HOUR)
    found = seen(*[NOT_FOUND] * (looks + 1), every=HOUR)

    assert (almost.outcome, almost.unlearned) == (None, UNLEARNED - HOUR)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, NOT_FOUND.why)
    assert following.told(found, spent=6.0, per_day=None).payload["campaign"] == {
        "command": "cmd_1",
        "id": "YA-1",
        "outcome": "unknown",
        "reason": "campaign not found",
        "status": None,
        "numbers": 10,
        "dialled": None,
        "answered": None,
        "failed": None,
        "price": None,
        "price_from": None,
        "estimate": 6.0,
        "budget": {"day": "2026-03-01", "counted": 6.0, "spent": 6.0, "per_day": None},
        "started_at": "2026-03-01T12:00:00.000Z",
        "ended_between": [None, None],
    }


def test_one_look_that_learns_something_begins_the_day_anew() -> None:
    looks = [NOT_FOUND] * 20 + [AT_WORK] + [NOT_FOUND] * 23

    assert seen(*looks, every=HOUR).outcome is None


@pytest.mark.parametrize(
    ("glances", "counted"),
    [
        ([AT_WORK], 6.0),
        ([replace(AT_WORK, price=9.0)], 9.0),
        ([replace(OVER, price=9.0)], 9.0),
        ([replace(OVER, price=2.5)], 2.5),
        ([replace(OVER, price=None)], 6.0),
        ([replace(OVER, price=0.0)], 6.0),
        ([replace(OVER, price=0.0, dialled=0)], 0.0),
        ([replace(NOT_FOUND, price=7.0)], 7.0),
        ([replace(NOT_FOUND, price=1.0)], 6.0),
    ],
)
def test_the_real_price_counts_once_it_is_over_and_before_that_at_least_the_estimate(
    glances: list[Glance], counted: float
) -> None:
    assert seen(*glances).counted == counted


def test_charges_are_its_price_where_its_status_says_none() -> None:
    found = seen(replace(NOT_FOUND, price=7.0))

    assert found.price == (7.0, Source.CHARGES)
    assert seen(replace(NOT_FOUND, price=7.0), OVER).price == (7.5, Source.STATUS)


counts = st.none() | st.integers(0, 5)
progresses = st.builds(
    Progress,
    word=st.sampled_from([None, "RUNNING", "PAUSED", "STOPPING", "STOPPED", "FINISHED", "?"]),
    **dict.fromkeys(("numbers", "pending", "active", "redial", "done", "failed", "blocked"), counts),
    dialled=counts,
    answered=counts,
    price=st.none() | st.floats(0, 1000),
)
glances_of_any_kind = st.lists(
    progresses | st.builds(Traces, why=st.just("106"), listed=counts, price=st.none() | st.floats(0, 99)),
    min_size=1,
    max_size=12,
)


@given(glances_of_any_kind)
def test_nothing_is_finished_that_was_not_seen_to_be(glances: list[Glance]) -> None:
    """By the platform's word, or by two looks in a row that show nobody to call."""
    states = [*accumulate(glances, lambda one, glance: after(one, glance, HOUR, START), initial=ONE)]
    for (before, glance), found in zip(zip(states, glances, strict=False), states[1:], strict=True):
        if before.outcome is not None:
            assert found == before
            continue
        if found.outcome not in (Outcome.FINISHED, Outcome.STOPPED):
            continue
        assert isinstance(glance, Progress)
        assert glance.word in ("FINISHED", "STOPPED") or (glance.busy == 0 and before.idle)


@given(glances_of_any_kind)
def test_a_restart_between_any_two_looks_changes_nothing(glances: list[Glance]) -> None:
    """All that is remembered of a campaign is what the store keeps of it."""
    one = again = ONE
    for glance in glances:
        one = after(one, glance, HOUR, START)
        progress, traces = following.load(following.dump(again))
        again = after(replace(again, progress=progress, traces=traces), glance, HOUR, START)

    assert one == again


@given(glances_of_any_kind)
def test_looks_come_at_a_pace_that_is_bounded_on_both_sides(glances: list[Glance]) -> None:
    states = [*accumulate(glances, lambda one, glance: after(one, glance, HOUR, one.started_at), initial=ONE)]
    calm = 0
    for before, found in pairwise(states):
        wait, calm = following.wait(before, found, calm)
        assert following.SOON <= wait <= following.LATE_UNSEEN


def test_what_does_not_move_is_looked_at_ever_less_often() -> None:
    before, calm, waits = ONE, 0, []
    for number in range(10):
        found = after(before, AT_WORK, MINUTE, START + number * MINUTE)
        wait, calm = following.wait(before, found, calm)
        waits.append(wait)
        before = found
    unseen, calm = [], 0
    for number in range(10):
        wait, calm = following.wait(ONE, after(ONE, NOT_FOUND, MINUTE, START + number * MINUTE), calm)
        unseen.append(wait)

    assert waits[:4] == [15 * SECOND, 30 * SECOND, 60 * SECOND, 120 * SECOND]
    assert waits[-1] == following.LATE
    assert (unseen[0], unseen[-1]) == (following.SOON_UNSEEN, following.LATE_UNSEEN)


@pytest.mark.parametrize("status", [one for one in Status if one is not Status.SUCCEEDED])
def test_only_a_campaign_that_was_accepted_is_followed(status: Status) -> None:
    command = Command("cmd_1", "main", "campaign.bridge", {}, "crm", START, START, START, START)
    result: Json = {"campaign_id": "YA-1", "calls_count": 10}
    given = replace(command, units=6.0, day=START.date(), started_at=START, result=result)

    assert following.begun(replace(given, status=Status.SUCCEEDED)) == ONE
    assert following.begun(replace(given, status=status)) is None
    assert following.begun(replace(given, type="queue.kick", status=Status.SUCCEEDED)) is None
