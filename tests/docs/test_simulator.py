"""`docs/simulator.md`, taken at its word: its terminals are played, its tables are the code's."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from daemon.core.durations import show
from daemon.simulator import faults, scenario
from daemon.simulator.actions import ACTIONS
from daemon.simulator.answers import METHODS
from daemon.simulator.faults import FRONT, LINE, SPOILERS, Fault
from daemon.simulator.system import REMEMBERED
from tests.docs.test_docs import blocks
from tests.support.config_files import written
from tests.support.fakes import Receiver
from tests.support.paths import ROOT
from tests.support.process import inherited, run_cli

PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
(WORKSHOP,) = blocks(PAGE, "toml")
(SCENARIO,) = blocks(PAGE, "toml scenario")
START, *DRIVEN = blocks(PAGE, "console")
PRINTED = "127.0.0.1:8471"


def rows(title: str) -> dict[str, list[str]]:
    """The cells behind the first one of each row, of the table whose first column has this title."""
    lines = PAGE.split(f"| {title} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {name.strip("` "): rest for name, *rest in cells}


def kind(fault: Fault) -> str:
    if fault in LINE:
        return "line"
    is_front = fault in FRONT or fault is Fault.THROTTLED_STATUS
    assert is_front or fault in SPOILERS or fault is Fault.TRUNCATED_JSON
    return "front" if is_front else "spoiled"


def test_every_action_is_there_with_its_parameters() -> None:
    told = {
        name: {one: not is_optional for one, is_optional in re.findall(r"`(\w+)`(\??)", cells[0])}
        for name, cells in rows("action").items()
    }

    assert told == {
        name: {field.name: field.is_required for field in action.fields} for name, action in ACTIONS.items()
    }


def test_every_fault_is_there_with_its_kind() -> None:
    assert {name: cells[0] for name, cells in rows("fault").items()} == {
        one.value: kind(one) for one in Fault
    }


def test_its_names_and_figures_are_the_code_s() -> None:
    answered = PAGE.partition("It answers ")[2].partition("Campaigns")[0]

    assert set(re.findall(r"`(\w+)`", answered)) == {*METHODS, "Login", "Logout"}
    assert [*rows("scenario")] == ["lively", "quiet", "faults"]
    assert sorted(rows("scenario")) == scenario.bundled_names()
    assert f"`delay` late ({show(faults.DEFAULT_DELAY)})" in PAGE
    assert f"to wait for {faults.THROTTLED_SECONDS} seconds" in PAGE
    assert f"in whole seconds, or {faults.THROTTLED_SECONDS}" in PAGE
    assert f"the last {REMEMBERED:,} requests" in PAGE
    assert scenario.DEFAULT_TOKEN in START


def test_the_scenario_is_one_and_shows_every_key(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    found = scenario.load(path)

    assert [step.at.total_seconds() for step in found.steps] == [2, 4.5, 10]
    assert [step.token for step in found.setup] == ["0770000000:demo", "0771111111:demo"]
    keys = {
        *re.findall(r"^(\w+) = ", SCENARIO, re.MULTILINE),
        *re.findall(r"^\[\[(\w+)", SCENARIO, re.MULTILINE),
    }
    assert keys >= {*scenario.KEYS, *scenario.STEP_KEYS}


@pytest.fixture
def simulator() -> Iterator[str]:
    """`yemotd simulate --scenario quiet` as a process; where it listens, as `127.0.0.1:port`."""
    words = START.splitlines()[0].removeprefix("$ yemotd ").split()
    with subprocess.Popen(
        [sys.executable, "-m", "daemon", *words, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=inherited(),
    ) as running:
        assert running.stdout
        said = said_at_first(running.stdout)
        try:
            found = re.search(r"127\.0\.0\.1:\d+", said)
            assert found
            assert said.replace(found[0], PRINTED).splitlines() == START.splitlines()[1:]
            yield found[0]
        finally:
            running.kill()


def said_at_first(stdout: IO[str]) -> str:
    return "".join(stdout.readline() for _ in START.splitlines()[1:])


def curl(command: str, address: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace(PRINTED, address)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


def steady(text: str) -> str:
    """What is printed, without what is another each time."""
    text = re.sub(r'"call_id":"[0-9a-f]{32}"', '"call_id":"<id>"', text)
    return re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{3}Z)?", "<time>", text)


@pytest.mark.slow
@pytest.mark.needs("curl")
def test_every_line_does_what_is_printed(simulator: str) -> None:
    lines = [line for block in DRIVEN for line in block.splitlines()]
    played = []
    for line in lines:
        if line.startswith("$ "):
            played += [line, curl(line.removeprefix("$ "), simulator)]

    assert [*map(steady, played)] == [*map(steady, lines)]
    assert sum(line.startswith("$ curl ") for line in lines) == len(lines) / 2


@pytest.mark.slow
@pytest.mark.needs("curl")
def test_the_workshop_s_daemon_tells_what_was_driven(simulator: str, tmp_path: Path) -> None:
    driven = [line.removeprefix("$ ") for line in DRIVEN[0].splitlines() if line.startswith("$ ")]
    with Receiver() as receiver:
        configured = WORKSHOP.replace(PRINTED, simulator).replace("http://127.0.0.1:9000/hook", receiver.url)
        assert receiver.url in configured
        written(tmp_path, configured)
        for commands in ([], [one for one in driven if '"leave"' not in one]):
            for command in commands:
                curl(command, simulator)
            polled = run_cli(tmp_path, "poll")
            assert polled.returncode == 0, polled.stderr
        told = [json.loads(one.body)["type"] for one in receiver.wait_for(5)]

    assert Counter(told) == {"sms.received": 3, "queue.caller.joined": 1, "units.low": 1}
