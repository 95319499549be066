"""The demo waits for what it promises: the API stays away until that is told, however fast it is played."""

import io
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from rich.console import Console

from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.watches.queues import Observation, Queue, diff
from daemon.demo.acts import acts, is_seen_since, is_told_away, is_told_the_day, with_calls
from daemon.demo.play import Plan, play
from daemon.pipeline import missed
from daemon.pipeline.calls import Scene
from daemon.simulator import scenario as scenarios
from daemon.simulator.actions import Target
from daemon.simulator.faults import Faults
from daemon.simulator.scenario import Scenario
from daemon.simulator.system import SimulatedSystem
from daemon.yemot import answers
from tests.support import stores
from tests.support.fakes import FakeClock, Ids

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


def test_the_campaign_calls_its_numbers_between_the_others_steps() -> None:
    played = with_calls(scenario(("1s", SMS), ("5s", HANG), ("9s", CLEAR)), [True, False])

    assert times([played]) == [
        [(1, "sms"), (3, "campaign.call"), (5, "fault"), (6, "campaign.call"), (9, "fault.clear")]
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


def test_the_day_is_told_by_a_digest() -> None:
    assert not is_told_the_day([b'{"type":"sms.received"}'])
    assert is_told_the_day([b'{"type":"sms.received"}', b'{"type":"digest.made"}'])


def test_at_the_end_what_is_looked_at_seldom_is_not_waited_for() -> None:
    def status(*watches: tuple[float, str | None]) -> dict[str, object]:
        shown = [{"every_seconds": every, "observed_at": at} for every, at in watches]
        return {"systems": [{"watches": shown}]}

    ended = "2026-11-23T10:00:00.000Z"
    after, before = "2026-11-23T10:00:01.000Z", "2026-11-23T09:59:59.000Z"
    assert is_seen_since(status((0.5, after), (5, after), (300, before)), ended)
    assert not is_seen_since(status((0.5, before), (5, after)), ended)
    assert not is_seen_since(status((0.5, None), (5, after)), ended)
    assert not is_seen_since({"systems": []}, ended)
    assert not is_seen_since(None, ended)


@pytest.mark.slow
def test_an_outage_is_told_also_where_it_is_over_in_a_moment() -> None:
    steps = scenario(("1s", HANG), ("2s", CLEAR)).steps
    said = io.StringIO()

    play(Plan(replace(scenarios.bundled(), steps=steps), speed=20, kill_after=None), Console(file=said))

    assert "api.unreachable" in said.getvalue()
    assert "api.reachable" in said.getvalue()


def test_a_missed_call_closes_itself() -> None:
    clock = FakeClock()
    system = SimulatedSystem(now=clock.now)
    queue, state, last = Queue("/5", "sales", (), timedelta(milliseconds=500)), None, None
    lively = scenarios.bundled("lively")
    target = Target(system, Faults())
    for one in lively.setup:
        one.action.do(target)
    moves = []
    with closing(stores.in_memory()) as database:
        for tick in range(18):
            at = tick * timedelta(milliseconds=500)
            for step in lively.steps:
                is_now = at - timedelta(milliseconds=500) < step.at <= at
                if is_now and step.action.name.startswith("queue."):
                    step.action.do(target)
            seen = answers.queue_state(system.queue("/5").shown())
            assert isinstance(seen, Observation)
            passed = NOTHING if last is None else clock.now() - last
            change = diff(state, seen, queue, Seen(clock.now(), last, passed), UTC, is_emitting=False)
            with database.write() as db:
                scene = Scene(db, "main", Ids(), clock.now(), last)
                moves += missed.follow(scene, change.facts, queue.subject, change.unseen)
            state, last = change.state, clock.now()
            clock.advance(0.5)

    assert [one.type.removeprefix("queue.") for one in moves] == [
        "caller.joined",
        "caller.abandoned",
        "callback.due",
        "caller.joined",
        "caller.answered",
        "callback.done",
    ]
