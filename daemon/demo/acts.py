"""The acts of the demo: between two of them it waits until what the scenario promises was told. Pure.

A scenario says when the API comes back. When it is told that it was away depends on timeouts, on a daemon
that was killed a moment before, and on how busy the machine is.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from daemon.core.commands.following import FINISHED
from daemon.core.digests.digest import MADE
from daemon.core.watches.api import REACHABLE
from daemon.simulator.actions import Prepared, prepare
from daemon.simulator.faults import ALL, Fault
from daemon.simulator.scenario import Scenario, Step

FIRST_CALL, BETWEEN_CALLS = timedelta(seconds=3), timedelta(seconds=3)
"""Of the scenario: the campaign is over before the API goes away."""
SELDOM_SECONDS = 10.0
"""What is looked at less often than this, as a queue's log is, is not waited for at the end."""


def acts(scenario: Scenario) -> list[Scenario]:
    """The scenario in parts, with times from their own starts; one ends where a hanging API would return."""
    parts: list[list[Step]] = [[]]
    is_hanging = False
    for step in scenario.steps:
        if is_hanging and _is_return(step):
            parts.append([])
        is_hanging = (is_hanging or _is_outage(step)) and not _is_return(step)
        parts[-1].append(step)
    starts = [timedelta(0), *(part[-1].at for part in parts[:-1])]
    return [
        replace(scenario, steps=tuple(replace(step, at=step.at - start) for step in part))
        for part, start in zip(parts, starts, strict=True)
    ]


def with_calls(scenario: Scenario, answered: Sequence[bool]) -> Scenario:
    """The same, with a campaign that calls its numbers from `FIRST_CALL` on, and is over after the last."""
    steps = []
    for number, is_answered in enumerate(answered):
        call = prepare("campaign.call", {"answered": is_answered, "seconds": 45})
        assert isinstance(call, Prepared)  # noqa: S101 - its parameters are ours
        steps.append(Step(FIRST_CALL + number * BETWEEN_CALLS, scenario.token, call))
    return replace(scenario, steps=tuple(sorted((*scenario.steps, *steps), key=lambda step: step.at)))


def ended_campaigns(bodies: Iterable[bytes]) -> list[dict[str, Any]]:
    """What was told of campaigns that are over."""
    events = map(json.loads, bodies)
    return [one["data"]["campaign"] for one in events if one["type"] == FINISHED]


def is_told_away(bodies: Iterable[bytes]) -> bool:
    """Whether these events, in the order in which they came, say that the API is away."""
    told = [json.loads(body)["type"] for body in bodies]
    return [one for one in told if one in (REACHABLE.fires, REACHABLE.resolves)][-1:] == [REACHABLE.fires]


def is_told_the_day(bodies: Iterable[bytes]) -> bool:
    """Whether a digest is among these events."""
    return any(json.loads(body)["type"] == MADE for body in bodies)


def is_seen_since(status: Mapping[str, Any] | None, moment: str) -> bool:
    """Whether all that is looked at every `SELDOM_SECONDS` or oftener was seen after a moment; `status`: the
    answer of `/api/v1/status`, None where the daemon does not answer."""
    systems = () if status is None else status["systems"]
    watches = [watch for system in systems for watch in system["watches"]]
    seen = [one["observed_at"] or "" for one in watches if one["every_seconds"] <= SELDOM_SECONDS]
    return bool(seen) and min(seen) > moment


def _is_outage(step: Step) -> bool:
    """Whether nothing is answered from here on."""
    given = step.action.given
    is_of_all = given.get("method", ALL) == ALL and "times" not in given
    return step.action.name == "fault" and given["fault"] is Fault.HANG and is_of_all


def _is_return(step: Step) -> bool:
    return step.action.name == "fault.clear" and step.action.given.get("method", ALL) == ALL
