"""The demo waits for what it promises: the API stays away until that is told, however fast it is played."""

import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from daemon.demo.acts import acts, is_told_away
from daemon.demo.play import Plan, play
from daemon.simulator import scenario as scenarios
from daemon.simulator.scenario import Scenario

SMS: dict[str, object] = {"do": "sms", "sender": "054", "text": "x"}
HANG: dict[str, object] = {"do": "fault", "fault": "hang"}
CLEAR: dict[str, object] = {"do": "fault.clear"}


def scenario(*steps: tuple[str, dict[str, object]]) -> Scenario:
    entries = [{"at": at, **step} for at, step in steps]
    lines = ["[[steps]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in one.items())
             for one in entries]  # fmt: skip
    return scenarios.parse("\n".join(lines))


def times(parts: list[Scenario]) -> list[list[tuple[float, str]]]:
    return [[(step.at / timedelta(seconds=1), step.action.name) for step in part.steps] for part in parts]


def test_a_part_ends_where_a_hanging_api_would_return() -> None:
    parts = acts(scenario(("1s", SMS), ("2s", HANG), ("4s", SMS), ("7s", CLEAR), ("9s", SMS)))

    assert times(parts) == [
        [(1, "sms"), (2, "fault"), (4, "sms")],
        [(3, "fault.clear"), (5, "sms")],
    ]


def test_each_outage_has_its_own_part() -> None:
    parts = acts(scenario(("1s", HANG), ("2s", CLEAR), ("3s", HANG), ("4s", CLEAR), ("5s", CLEAR)))

    assert times(parts) == [
        [(1, "fault")],
        [(1, "fault.clear"), (2, "fault")],
        [(1, "fault.clear"), (2, "fault.clear")],
    ]


@pytest.mark.parametrize(
    ("fault", "clear"),
    [
        (HANG | {"fault": "html"}, CLEAR),
        (HANG | {"times": 1}, CLEAR),
        (HANG | {"method": "GetSmsIncomingLog"}, CLEAR),
        (HANG, CLEAR | {"method": "GetSmsIncomingLog"}),
    ],
)
def test_what_is_no_outage_or_not_its_end_parts_nothing(
    fault: dict[str, object], clear: dict[str, object]
) -> None:
    whole = scenario(("1s", fault), ("2s", clear), ("3s", SMS))

    assert acts(whole) == [whole]


def test_nothing_of_a_scenario_is_lost() -> None:
    for name in scenarios.bundled_names():
        whole = scenarios.bundled(name)
        parts = acts(whole)

        assert [step.action for part in parts for step in part.steps] == [step.action for step in whole.steps]
        assert sum((part.duration for part in parts), timedelta(0)) == whole.duration


@pytest.mark.parametrize(
    ("kinds", "is_told"),
    [
        ([], False),
        (["sms.received"], False),
        (["api.unreachable", "sms.received"], True),
        (["api.unreachable", "api.reachable"], False),
        (["api.unreachable", "api.reachable", "api.unreachable"], True),
    ],
)
def test_the_last_that_was_told_of_the_api_counts(kinds: list[str], is_told: bool) -> None:
    assert is_told_away(json.dumps({"type": kind}).encode() for kind in kinds) is is_told


@pytest.mark.slow
def test_an_outage_is_told_also_where_it_is_over_in_a_moment() -> None:
    steps = scenario(("1s", HANG), ("2s", CLEAR)).steps
    said = io.StringIO()

    play(Plan(replace(scenarios.bundled(), steps=steps), speed=20, kill_after=None), Console(file=said))

    assert "api.unreachable" in said.getvalue()
    assert "api.reachable" in said.getvalue()
