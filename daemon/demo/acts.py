"""The acts of the demo: between two of them it waits until what the scenario promises was told. Pure.

A scenario says when the API comes back. When it is told that it was away depends on timeouts, on a daemon
that was killed a moment before, and on how busy the machine is.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from daemon.core.watches.api import REACHABLE
from daemon.simulator.faults import ALL, Fault
from daemon.simulator.scenario import Scenario, Step


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


def is_told_away(bodies: Iterable[bytes]) -> bool:
    """Whether these events, in the order in which they came, say that the API is away."""
    told = [json.loads(body)["type"] for body in bodies]
    return [one for one in told if one in (REACHABLE.fires, REACHABLE.resolves)][-1:] == [REACHABLE.fires]


def _is_outage(step: Step) -> bool:
    """Whether nothing is answered from here on."""
    given = step.action.given
    is_of_all = given.get("method", ALL) == ALL and "times" not in given
    return step.action.name == "fault" and given["fault"] is Fault.HANG and is_of_all


def _is_return(step: Step) -> bool:
    return step.action.name == "fault.clear" and step.action.given.get("method", ALL) == ALL
