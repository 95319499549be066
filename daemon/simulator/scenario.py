"""Scenarios: what happens to simulated systems and when, as a TOML file, and playing it.

A file has a `title`, the `token` of its system, `[[setup]]` for what is there from the start, and `[[steps]]`
with `at`, `do` and the parameters of that action (`actions`). It is read whole: all faults at once.
"""

import threading
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from daemon.core import durations
from daemon.simulator.actions import ACTIONS, Prepared, Target, prepare
from daemon.simulator.faults import Faults
from daemon.simulator.parameters import shown, suggestion
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem

FOLDER = Path(__file__).parent / "scenarios"
DEFAULT_TOKEN = "0770000000:demo"  # noqa: S105 - opens the simulator only
KEYS = ("title", "token", "setup", "steps")
STEP_KEYS = ("at", "do", "system")
SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)
"""For a trial: what can be set up can be at any time."""


class ScenarioError(ValueError):
    """A scenario that cannot be played. Whoever wrote it is at fault."""

    def __init__(self, name: str, faults: list[str]) -> None:
        super().__init__("\n  ".join([f"{name} is not usable:", *faults]))
        self.faults = tuple(faults)
        """One line for each, with its place and the way out."""


@dataclass(frozen=True)
class Step:
    """One thing that happens to one system."""

    at: timedelta
    """From the start; 0 for what is set up."""
    token: str
    action: Prepared


@dataclass(frozen=True)
class Scenario:
    """A story that can be played on a simulator, as often as one likes."""

    title: str
    token: str
    """Of the system that a step is for unless it names one."""
    setup: tuple[Step, ...]
    steps: tuple[Step, ...]
    """In the order of their times."""

    @property
    def duration(self) -> timedelta:
        """From the start to the last step."""
        return self.steps[-1].at if self.steps else timedelta(0)

    def systems(self, now: Callable[[], datetime]) -> dict[str, SimulatedSystem]:
        """New systems by token, as they are before the first step: what a `Simulator` is made with."""
        tokens = dict.fromkeys([self.token, *(step.token for step in (*self.setup, *self.steps))])
        found = {token: SimulatedSystem(token.partition(":")[0], now=now) for token in tokens}
        self.prepare(found)
        return found

    def prepare(self, systems: Mapping[str, SimulatedSystem]) -> None:
        """Set up what is there before the first step, on systems of one's own.

        Raises ValueError where a system lacks, or has already what is set up.
        """
        self._check(systems)
        for step in self.setup:
            step.action.do(Target(systems[step.token], Faults()))

    def play(
        self,
        simulator: Simulator,
        *,
        monotonic: Callable[[], float],
        on_step: Callable[[str], None] | None = None,
        speed: float = 1.0,
        stopping: threading.Event | None = None,
    ) -> bool:
        """Play the steps, and come back after the last one, or when `stopping` is set (False).

        The systems are set up before (`systems`, `prepare`). `monotonic`: seconds that only grow. `on_step`
        is told each step that was done, or was not possible. `speed` 2 plays twice as fast. Raises ValueError
        for a speed that is not positive, and for tokens that the simulator does not know.
        """
        self._check(simulator.systems, speed)
        stopping = stopping or threading.Event()
        started_at = monotonic()
        for step in self.steps:
            due = started_at + step.at.total_seconds() / speed
            if stopping.wait(max(due - monotonic(), 0)):
                return False
            text = _do(step, simulator)
            if on_step is not None:
                on_step(text)
        return True

    def start(
        self,
        simulator: Simulator,
        *,
        monotonic: Callable[[], float],
        on_step: Callable[[str], None] | None = None,
        speed: float = 1.0,
    ) -> "Playing":
        """`play` in a thread of its own, from which `on_step` is called."""
        self._check(simulator.systems, speed)
        stopping = threading.Event()
        return Playing(
            stopping,
            lambda: self.play(
                simulator, monotonic=monotonic, on_step=on_step, speed=speed, stopping=stopping
            ),
        )

    def _check(self, systems: Mapping[str, SimulatedSystem], speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed: {speed} is not positive")
        unknown = {step.token for step in (*self.setup, *self.steps)} - systems.keys()
        if unknown:
            raise ValueError(f"no system is simulated for {', '.join(sorted(unknown))}")


class Playing:
    """A scenario that is being played; a context manager that stops it."""

    def __init__(self, stopping: threading.Event, play: Callable[[], object]) -> None:
        self._stopping = stopping
        self._thread = threading.Thread(target=play, name="scenario", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Playing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Do no further step; steps that are done stay done. Not to be called from `on_step`."""
        self._stopping.set()
        self._thread.join()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the last step; whether the playing ended in time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


def load(path: Path) -> Scenario:
    """Read a file. Raises OSError, and ScenarioError with everything that is wrong with it."""
    return parse(path.read_text("utf-8-sig"), path.name)


def bundled(name: str = "lively") -> Scenario:
    """One of the scenarios that come with the program. Raises ScenarioError for an unknown name."""
    names = bundled_names()
    if name not in names:
        raise ScenarioError(name, [f"no such scenario; {suggestion(name, names)}"])
    return load(FOLDER / f"{name}.toml")


def bundled_names() -> list[str]:
    """The scenarios that come with the program."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def parse(text: str, name: str = "the scenario") -> Scenario:
    """Read a scenario's text. Raises ScenarioError with everything that is wrong with it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(name, [str(error)]) from None
    faults = [f'unknown key "{key}"; {suggestion(key, KEYS)}' for key in data if key not in KEYS]
    title, token = data.get("title", name), data.get("token", DEFAULT_TOKEN)
    for key, value in (("title", title), ("token", token)):
        if not isinstance(value, str) or not value:
            faults.append(f"{key} = {shown(value)}: expected a text")
    setup = _steps(data, "setup", str(token), faults)
    steps = _steps(data, "steps", str(token), faults)
    if faults:
        raise ScenarioError(name, faults)
    scenario = Scenario(title, token, tuple(setup), tuple(sorted(steps, key=lambda step: step.at)))
    try:
        scenario.systems(lambda: SOME_TIME)
    except ValueError as error:
        raise ScenarioError(name, [f"setup: {error}"]) from None
    return scenario


def _steps(data: Mapping[str, object], key: str, token: str, faults: list[str]) -> list[Step]:
    entries = data.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        faults.append(f"{key}: expected [[{key}]]")
        return []
    steps = []
    for number, entry in enumerate(entries, 1):
        step, found = _step(entry, token, is_setup=key == "setup")
        faults += [f"{key} {number}: {fault}" for fault in found]
        steps += [step] if step else []
    return steps


def _step(entry: Mapping[str, object], token: str, *, is_setup: bool) -> tuple[Step | None, list[str]]:
    """A step, or everything that is wrong with it."""
    faults = []
    at = timedelta(0)
    if is_setup == ("at" in entry):
        faults.append("at: not here, what is set up is there from the start" if is_setup else "at: missing")
    elif not is_setup:
        try:
            at = durations.parse(str(entry["at"]))
        except ValueError as error:
            faults.append(f"at = {shown(entry['at'])}: {error}")
    system, do = entry.get("system", token), entry.get("do")
    if not isinstance(system, str) or not system:
        faults.append(f"system = {shown(system)}: expected a token")
    if not isinstance(do, str):
        return None, [*faults, f"do: expected one of {', '.join(ACTIONS)}"]
    if is_setup and do.startswith("fault"):
        faults.append(f"do: {do} happens at a time, so it is a step")
    given = {key: value for key, value in entry.items() if key not in STEP_KEYS}
    prepared = prepare(do, given)
    if isinstance(prepared, list):
        return None, [*faults, *(f"{one.field}: {one.message}" for one in prepared)]
    return (None if faults else Step(at, str(system), prepared)), faults


def _do(step: Step, simulator: Simulator) -> str:
    target = Target(simulator.systems[step.token], simulator.faults)
    try:
        return step.action.do(target).text
    except ValueError as error:
        return f"{step.action.name} was not possible: {error}"
