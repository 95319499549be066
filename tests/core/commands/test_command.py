"""How a command ends: every failure of the API against every nature of command."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.core.commands import command as commands
from daemon.core.commands.command import (
    HOLIDAY,
    LARGEST_RESULT,
    WAITS,
    Command,
    Done,
    Error,
    OnHoliday,
    Status,
    Trouble,
)
from daemon.core.commands.command_types import READS, TYPES, Nature
from daemon.core.commands.policy import Policy
from daemon.core.model import Failure, Unknown
from tests.support.fakes import START

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
POLICY = Policy(("*",), 50, zone=ZoneInfo("Asia/Jerusalem"))
OF = {
    Nature.READ: "sip.accounts",
    Nature.REPEATABLE: "queue.pause",
    Nature.ONCE: "campaign.bridge",
}


def running(nature: Nature = Nature.ONCE, **changed: Any) -> Command:
    """A command whose first attempt is under way."""
    one = Command(
        "cmd_1", "main", OF[nature], {}, "crm", START, START, START + HOUR, START, estimate=6.0, units=6.0
    )
    return replace(commands.claimed(one, START, POLICY), **changed)


def after(command: Command, outcome: Done | Unknown, policy: Policy = POLICY, jitter: float = 0) -> Command:
    return commands.after(command, outcome, START + SECOND, policy, jitter=jitter)


def failed(failure: Failure, **more: Any) -> Unknown:
    return Unknown(failure, "no", **more)


AGAIN, FAILED, UNKNOWN = Status.QUEUED, Status.FAILED, Status.UNKNOWN
ENDS = {  # (READ, REPEATABLE, ONCE)
    Failure.UNREACHABLE: (AGAIN, AGAIN, UNKNOWN),
    Failure.TIMEOUT: (AGAIN, AGAIN, UNKNOWN),
    Failure.FILTERED: (AGAIN, AGAIN, UNKNOWN),
    Failure.SERVER_ERROR: (AGAIN, AGAIN, UNKNOWN),
    Failure.MALFORMED: (AGAIN, AGAIN, UNKNOWN),
    Failure.OURS: (AGAIN, AGAIN, UNKNOWN),
    Failure.THROTTLED: (AGAIN, AGAIN, AGAIN),
    Failure.TOKEN_REJECTED: (FAILED, FAILED, FAILED),
    Failure.REFUSED: (FAILED, FAILED, FAILED),
}


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("nature", Nature)
def test_what_follows_each_failure(failure: Failure, nature: Nature) -> None:
    then = after(running(nature), failed(failure))

    assert then.status is ENDS[failure][list(Nature).index(nature)]
    assert then.error == Error(failure.value, "no")
    assert then.status.is_ended == (then.ended_at is not None)


@pytest.mark.parametrize("failure", set(Failure) - {Failure.TOKEN_REJECTED, Failure.REFUSED})
@pytest.mark.parametrize("nature", Nature)
def test_a_request_that_never_left_is_tried_again_whatever_it_costs(failure: Failure, nature: Nature) -> None:
    then = after(running(nature), failed(failure, is_unsent=True))

    assert (then.status, then.due_at, then.is_doubtful) == (AGAIN, START + SECOND + WAITS[0], False)


def test_every_type_of_the_contract_has_a_nature_and_only_campaigns_cost() -> None:
    assert [name for name, known in TYPES.items() if known.nature is Nature.ONCE] == [
        "campaign.bridge",
        "sms.send",
    ]
    assert set(READS) == {
        "pirsumphone.status",
        "campaign.status",
        "sip.contexts",
        "sip.accounts",
        "sms.log",
        "queue.state",
        "directory.stats",
    }


def test_the_waits_grow_until_it_is_given_up() -> None:
    command, waits = running(Nature.READ), []
    while True:
        then = after(command, failed(Failure.TIMEOUT))
        if then.status.is_ended:
            break
        waits.append(then.due_at - START - SECOND)
        command = commands.claimed(then, START, POLICY)

    assert tuple(waits) == WAITS
    assert (then.status, then.attempts) == (FAILED, len(WAITS) + 1)


def test_jitter_makes_a_wait_longer_and_never_shorter() -> None:
    then = after(running(Nature.READ), failed(Failure.TIMEOUT), jitter=0.5)
    assert then.due_at == START + SECOND + 1.1 * WAITS[0]


def test_a_wait_that_the_api_asks_for_is_a_floor() -> None:
    then = after(running(), failed(Failure.THROTTLED, retry_after=55 * SECOND))
    assert then.due_at == START + 56 * SECOND


def test_what_cannot_be_tried_again_in_time_has_failed_and_is_not_kept_waiting() -> None:
    command = running(Nature.READ, expires_at=START + 2 * SECOND)
    assert after(command, failed(Failure.TIMEOUT)).status is FAILED


def test_an_attempt_without_an_answer_leaves_a_doubt_that_only_an_answer_takes_away() -> None:
    doubtful = after(running(Nature.REPEATABLE), failed(Failure.TIMEOUT))
    again = commands.claimed(doubtful, START, POLICY)

    assert doubtful.is_doubtful
    assert after(again, failed(Failure.REFUSED)).status is UNKNOWN
    assert after(again, failed(Failure.UNREACHABLE, is_unsent=True)).is_doubtful
    assert commands.expired(doubtful, START).status is UNKNOWN
    assert after(again, Done({})).status is Status.SUCCEEDED


def test_a_read_leaves_no_doubt() -> None:
    assert not after(running(Nature.READ), failed(Failure.TIMEOUT)).is_doubtful


def test_what_is_not_known_says_what_to_look_at() -> None:
    assert "campaigns" in (after(running(), failed(Failure.TIMEOUT)).check or "")
    assert after(running(), Done({})).check is None
    for name, known in TYPES.items():
        one = replace(running(), type=name, status=UNKNOWN)
        assert (one.check is None) == (known.nature is Nature.READ)


def test_a_type_that_only_another_version_knows_is_not_sent_twice() -> None:
    strange = replace(running(), type="queue.gone")

    assert commands.interrupted(strange, START).status is UNKNOWN
    assert after(strange, failed(Failure.TIMEOUT)).status is UNKNOWN
    assert after(strange, failed(Failure.REFUSED)).status is FAILED
    assert after(strange, failed(Failure.TIMEOUT)).document()["check"] is None


@pytest.mark.parametrize(
    ("outcome", "units"),
    [
        (Done({}), 6.0),
        (Done({}, units=0.6), 0.6),
        (failed(Failure.TIMEOUT), 6.0),
        (failed(Failure.REFUSED), 0.0),
        (Done({}, FAILED, "nobody"), 0.0),
    ],
)
def test_what_was_not_carried_out_costs_nothing_and_what_may_have_been_costs_all(
    outcome: Done | Unknown, units: float
) -> None:
    assert after(running(), outcome).units == units


@pytest.mark.parametrize(
    ("nature", "status", "is_doubtful"),
    [(Nature.READ, AGAIN, False), (Nature.REPEATABLE, AGAIN, True), (Nature.ONCE, UNKNOWN, False)],
)
def test_a_process_that_ended_while_it_sent(nature: Nature, status: Status, is_doubtful: bool) -> None:
    then = commands.interrupted(running(nature), START + SECOND)

    assert (then.status, then.is_doubtful) == (status, is_doubtful)
    assert then.error is not None
    assert then.error.kind == Trouble.INTERRUPTED.value


def test_a_campaign_that_waits_for_the_end_of_a_holiday_is_put_back_and_counts_on_that_day() -> None:
    end = START + 30 * HOUR
    policy = replace(POLICY, holiday_end=lambda _now: end)
    command = running(on_holiday=OnHoliday.WAIT, expires_at=START + 96 * HOUR)
    refusal = failed(Failure.REFUSED, code=HOLIDAY)

    then = after(command, refusal, policy)

    assert (then.status, then.not_before, then.due_at) == (AGAIN, end, end)
    assert then.day == policy.day(end)
    assert after(replace(command, on_holiday=OnHoliday.FAIL), refusal, policy).status is FAILED
    assert after(replace(command, expires_at=end), refusal, policy).status is FAILED


def test_a_day_begins_at_local_midnight() -> None:
    assert POLICY.day(START.replace(hour=21, minute=59)).day == 1
    assert POLICY.day(START.replace(hour=22)).day == 2


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [(READS, False), (("queue.*",), True), (("*",), True), (("sip.*",), False), ((), False)],
)
def test_a_system_takes_what_its_globs_name_and_no_more(patterns: tuple[str, ...], allowed: bool) -> None:
    assert Policy(patterns).allows("queue.kick") is allowed


def test_everybody_hears_of_what_ended_but_for_what_was_cancelled() -> None:
    done = after(running(), Done({"x": 1}))
    fact = commands.told(done)

    assert fact is not None
    assert (fact.type, fact.subject) == ("command.succeeded", "command/cmd_1")
    assert fact.payload == {"command": done.document()}
    assert commands.told(commands.cancelled(running(), START)) is None
    assert commands.told(running()) is None


def test_a_result_that_is_too_large_for_an_event_is_left_out_and_said_so() -> None:
    fact = commands.told(after(running(), Done({"x": "y" * LARGEST_RESULT})))

    assert fact is not None
    command = fact.payload["command"]
    assert isinstance(command, dict)
    assert (command["result"], command["result_is_omitted"]) == (None, True)


def test_a_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    one = commands.fingerprint({"a": 1, "b": {"c": 2, "d": [1]}})
    assert one == commands.fingerprint({"b": {"d": [1], "c": 2}, "a": 1})
    assert one != commands.fingerprint({"a": 1, "b": {"c": 2, "d": [2]}})
