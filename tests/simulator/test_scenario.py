"""Scenarios: read whole with all faults at once, played in order, stopped at any time."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.durations import show
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.scenario import Scenario, ScenarioError, bundled, bundled_names, load, parse
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.support.fakes import FakeClock

TOKEN = "0770000000:demo"
PATIENCE = 10.0

SHORT = """
title = "short"
[[setup]]
do = "sip.add"
user_name = "0770000000"
[[steps]]
at = "2s"
do = "sip"
user_name = "0770000000"
registered = false
[[steps]]
at = "1s"
do = "sms"
sender = "0541234567"
text = "שלום"
"""


def prepared(scenario: Scenario) -> Simulator:
    """A simulator that is not started: a scenario drives it without HTTP."""
    return Simulator(scenario.systems(FakeClock().now), now=utcnow)


def test_what_is_set_up_is_there_before_the_first_step() -> None:
    systems = parse(SHORT).systems(FakeClock().now)

    assert [account.registered for account in systems[TOKEN].accounts] == [True]
    assert systems[TOKEN].messages == ()
    assert systems[TOKEN].number == "0770000000"


def test_a_system_of_ones_own_can_be_set_up() -> None:
    system = SimulatedSystem("0771111111", now=utcnow)

    parse(SHORT).prepare({TOKEN: system})

    assert len(system.accounts) == 1
    with pytest.raises(ValueError, match="no system is simulated for 0770000000:demo"):
        parse(SHORT).prepare({})


def test_steps_are_played_in_the_order_of_their_times_and_told() -> None:
    scenario = parse(SHORT)
    simulator = prepared(scenario)
    told: list[str] = []

    assert scenario.play(simulator, on_step=told.append, speed=1000, monotonic=monotonic)

    assert told == ["SMS from 0541234567: שלום", "phone 0770000000 drops off"]
    assert [account.registered for account in simulator.systems[TOKEN].accounts] == [False]
    assert [message.text for message in simulator.systems[TOKEN].messages] == ["שלום"]


def test_a_scenario_plays_in_a_thread_and_again_on_new_systems() -> None:
    scenario = parse(SHORT)
    for _ in range(2):
        told: list[str] = []
        with scenario.start(
            prepared(scenario), on_step=told.append, speed=1000, monotonic=monotonic
        ) as playing:
            assert playing.wait(PATIENCE)
        assert len(told) == 2


def test_a_step_waits_for_its_time() -> None:
    scenario = parse(SHORT)
    simulator = prepared(scenario)
    first = threading.Event()
    with scenario.start(simulator, on_step=lambda _: first.set(), speed=20, monotonic=monotonic) as playing:
        assert first.wait(PATIENCE)
        assert not playing.wait(0)
        assert simulator.systems[TOKEN].accounts[0].registered


def test_a_stop_ends_the_waiting_at_once_and_the_rest_is_not_done() -> None:
    scenario = parse(SHORT.replace('"2s"', '"1h"'))
    simulator = prepared(scenario)
    first = threading.Event()
    playing = scenario.start(simulator, on_step=lambda _: first.set(), speed=100, monotonic=monotonic)
    assert first.wait(PATIENCE)

    playing.stop()

    assert playing.wait(0)
    assert simulator.systems[TOKEN].accounts[0].registered


def test_whoever_plays_it_himself_can_stop_it_too() -> None:
    scenario = parse(SHORT)
    stopping = threading.Event()
    stopping.set()

    assert not scenario.play(prepared(scenario), stopping=stopping, monotonic=monotonic)


def test_a_step_that_is_not_possible_is_told_and_the_others_are_played() -> None:
    scenario = parse(SHORT)
    told: list[str] = []

    scenario.play(
        Simulator({TOKEN: SimulatedSystem(now=utcnow)}, now=utcnow),
        on_step=told.append,
        speed=1000,
        monotonic=monotonic,
    )

    assert told == ["SMS from 0541234567: שלום", "sip was not possible: no sip account 0770000000"]


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_leads_nowhere_is_refused(speed: float) -> None:
    scenario = parse(SHORT)
    with pytest.raises(ValueError, match="speed"):
        scenario.play(prepared(scenario), speed=speed, monotonic=monotonic)
    with pytest.raises(ValueError, match="speed"):
        scenario.start(prepared(scenario), speed=speed, monotonic=monotonic)


def test_a_simulator_without_the_system_is_refused() -> None:
    with pytest.raises(ValueError, match="no system is simulated for 0770000000:demo"):
        parse(SHORT).start(Simulator({}, now=utcnow), monotonic=monotonic)


def test_steps_may_be_for_several_systems_and_switch_faults() -> None:
    scenario = parse(
        """
        token = "0771111111:a"
        [[steps]]
        at = "1s"
        do = "sms"
        sender = "Bank"
        text = "x"
        [[steps]]
        at = "1s"
        system = "0772222222:b"
        do = "units"
        units = 5
        [[steps]]
        at = "1s"
        do = "fault"
        fault = "hang"
        """
    )
    simulator = prepared(scenario)
    scenario.play(simulator, speed=1000, monotonic=monotonic)

    assert len(simulator.systems["0771111111:a"].messages) == 1
    assert simulator.systems["0772222222:b"].units == 5
    assert [active.fault for active in simulator.faults.active] == [Fault.HANG]


def test_all_faults_of_a_file_are_named_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(
            """
            titel = "x"
            token = 5
            [[setup]]
            at = "1s"
            do = "sip.add"
            user_name = "0770000000"
            [[setup]]
            do = "fault"
            fault = "hang"
            [[steps]]
            do = "smss"
            [[steps]]
            at = "soon"
            do = "sms"
            sender = "Bank"
            [[steps]]
            at = "1s"
            system = 5
            [[steps]]
            at = 5
            do = "pirsumphone"
            registered = 1
            """,
            "bad.toml",
        )

    assert str(caught.value).startswith("bad.toml is not usable:\n  ")
    assert caught.value.faults == (
        'unknown key "titel"; did you mean "title"?',
        "token = 5: expected a text",
        "setup 1: at: not here, what is set up is there from the start",
        "setup 2: do: fault happens at a time, so it is a step",
        "steps 1: at: missing",
        'steps 1: do: no action "smss"; did you mean "sms"?',
        'steps 2: at = \'soon\': expected a duration such as "30s" or "5m"',
        "steps 2: text: missing; expected a text",
        "steps 3: system = 5: expected a token",
        caught.value.faults[9],
        'steps 4: at = 5: expected a duration such as "30s" or "5m"',
        "steps 4: registered: 1: expected true or false",
    )
    assert caught.value.faults[9].startswith("steps 3: do: expected one of sms, sms.burst, sip")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("=", "line 1"),
        ("steps = 5", "steps: expected [[steps]]"),
        ("steps = [5]", "steps: expected [[steps]]"),
        ('[[setup]]\ndo = "sip.remove"\nuser_name = "x"', "setup: no sip account x"),
    ],
)
def test_a_file_that_is_none_says_why(text: str, fault: str) -> None:
    with pytest.raises(ScenarioError, match=r"is not usable") as caught:
        parse(text)

    assert fault in caught.value.faults[0]


def test_a_file_is_read_and_named_in_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("x = 1", "utf-8")

    with pytest.raises(ScenarioError, match=r"mine\.toml is not usable"):
        load(path)
    with pytest.raises(ScenarioError, match='did you mean "lively"'):
        bundled("livly")


@pytest.mark.parametrize("name", bundled_names())
def test_every_step_of_a_bundled_scenario_is_possible(name: str) -> None:
    scenario = bundled(name)
    told: list[str] = []

    scenario.play(prepared(scenario), on_step=told.append, speed=10_000, monotonic=monotonic)

    assert len(told) == len(scenario.steps)
    assert [text for text in told if "not possible" in text] == []


def test_the_faults_scenario_shows_every_fault() -> None:
    shown = {step.action.given["fault"] for step in bundled("faults").steps if step.action.name == "fault"}

    assert shown == set(Fault)


def test_the_lively_scenario_shows_what_the_demo_promises() -> None:
    scenario = bundled()
    simulator = prepared(scenario)
    lengths: list[int] = []
    scenario.play(
        simulator,
        on_step=lambda _: lengths.append(len(simulator.systems[TOKEN].queue("/5").calls)),
        speed=10_000,
        monotonic=monotonic,
    )
    downtimes: dict[str, timedelta] = {}
    for step in scenario.steps:
        if step.action.name == "sip":
            sign = 1 if step.action.given["registered"] else -1
            name = step.action.given["user_name"]
            downtimes[name] = downtimes.get(name, timedelta(0)) + sign * step.at
    texts = [message.text for message in simulator.systems[TOKEN].messages if message.sender == "0527654321"]

    assert show(scenario.duration) == "40s"
    assert sorted(show(down) for down in downtimes.values()) == ["12s", "1s"]
    assert (max(lengths), lengths[-1]) == (7, 0)
    assert (len(texts), len(set(texts))) == (12, 11)
    assert simulator.faults.take("GetSession") is None
