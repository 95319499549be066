"""An overall OK does not mean that each item succeeded."""

from dataclasses import replace

import pytest

from daemon.core.commands import judgement
from daemon.core.commands.command import Command, Status
from daemon.core.commands.results import Bridged, Kicked
from tests.support.fakes import START

KICK = Command("cmd_1", "main", "queue.kick", {}, "crm", START, START, START, START)
CAMPAIGN = replace(KICK, type="campaign.bridge", estimate=1.8, units=1.8)


@pytest.mark.parametrize(
    ("statuses", "told", "status", "is_partial"),
    [
        ({"a": "OK"}, ["kicked"], Status.SUCCEEDED, False),
        ({"a": "ok", "b": "Call not found"}, ["kicked", "not_found"], Status.SUCCEEDED, True),
        ({"a": "OK", "b": None}, ["kicked", "unconfirmed"], Status.SUCCEEDED, True),
        ({"a": "Call not found"}, ["not_found"], Status.FAILED, False),
        ({"a": None}, ["unconfirmed"], Status.UNKNOWN, False),
        ({"a": None, "b": "Call not found"}, ["unconfirmed", "not_found"], Status.UNKNOWN, False),
    ],
)
def test_each_call_of_a_kick_is_told(
    statuses: dict[str, str | None], told: list[str], status: Status, is_partial: bool
) -> None:
    done = judgement.judge_kick(KICK, Kicked(statuses))

    assert isinstance(done.result, dict)
    calls = done.result["calls"]
    assert isinstance(calls, list)
    assert [(one["call_id"], one["status"], one["message"]) for one in calls if isinstance(one, dict)] == [
        (call_id, word, statuses[call_id]) for call_id, word in zip(statuses, told, strict=True)
    ]
    assert (done.status, done.result["is_partial"]) == (status, is_partial)


def test_a_call_that_is_gone_may_have_been_kicked_by_the_attempt_whose_answer_was_lost() -> None:
    doubtful = replace(KICK, is_doubtful=True)

    gone = judgement.judge_kick(doubtful, Kicked({"a": "Call not found"}))
    some = judgement.judge_kick(doubtful, Kicked({"a": "Call not found", "b": "OK"}))

    assert gone.status is Status.UNKNOWN
    assert some.status is Status.SUCCEEDED
    assert isinstance(gone.result, dict)
    assert gone.result["calls"] == [{"call_id": "a", "status": "gone", "message": "Call not found"}]


def bridged(calls_count: int | None, errors: dict[str, str] | None) -> Bridged:
    return Bridged("c-1", calls_count, errors, "menu", "0770000000", 1.0, 30)


def test_refusals_that_nobody_can_read_are_not_none_at_all() -> None:
    done = judgement.judge_campaign(CAMPAIGN, bridged(2, None))

    assert isinstance(done.result, dict)
    assert (done.result["rejected"], done.result["is_partial"]) == (None, True)


def test_numbers_that_are_not_dialled_are_named_with_their_reason_and_cost_nothing() -> None:
    done = judgement.judge_campaign(CAMPAIGN, bridged(2, {"05": "not Vaild"}))

    assert isinstance(done.result, dict)
    assert done.result["rejected"] == [{"phone": "05", "reason": "not Vaild"}]
    assert (done.result["campaign_id"], done.result["is_partial"]) == ("c-1", True)
    assert (done.status, done.units) == (Status.SUCCEEDED, 1.2)


@pytest.mark.parametrize(("calls_count", "units"), [(None, None), (3, 1.8), (400, 1.8)])
def test_a_campaign_costs_no_more_than_was_estimated(calls_count: int | None, units: float | None) -> None:
    assert judgement.judge_campaign(CAMPAIGN, bridged(calls_count, {})).units == units


def test_a_campaign_that_dials_nobody_has_failed() -> None:
    assert judgement.judge_campaign(CAMPAIGN, bridged(0, {"05": "not Vaild"})).status is Status.FAILED
