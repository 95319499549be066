"""`yemotd simulate`: the telephony API on loopback, to develop against without a phone system."""

import errno
import os
import threading
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.output import Fatal, say_now
from daemon.cli.streams import is_read
from daemon.host import clock
from daemon.simulator import scenario as scenarios
from daemon.simulator.gateway import api_key, switch_id
from daemon.simulator.scenario import Scenario, ScenarioError
from daemon.simulator.server import Simulator

LOOK_SECONDS = 1.0
"""How often it is looked whether somebody still reads."""
ScenarioOption = Annotated[
    str | None,
    typer.Option("--scenario", help="lively, quiet, faults, or a TOML file of your own."),
]


def simulate(
    scenario: ScenarioOption = None,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8471,
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="How much faster than written.")] = 1.0,
    repeat: Annotated[bool, typer.Option(help="Play the scenario again and again.")] = False,
) -> None:
    """Serve the simulated API and play a scenario on it, until interrupted or nobody reads any more."""
    played = load_scenario(scenario)
    simulator = Simulator(played.systems(clock.utcnow), now=clock.utcnow, port=port)
    try:
        simulator.start()
    except OSError as error:
        way_out = "; give another, or 0 for one that is free" if error.errno == errno.EADDRINUSE else ""
        raise Fatal(f"--port {port}: {error.strerror}{way_out}", os.EX_UNAVAILABLE) from None
    say_now(
        f"API      {simulator.base_url}",
        f"tokens   {', '.join(simulator.systems)}",
        f"gateway  {simulator.gateway_url}",
        *(
            f"key      {api_key(token, system)}, switch_id {switch_id(system)}"
            for token, system in simulator.systems.items()
        ),
        f"control  {simulator.control_url}",
    )
    never = threading.Event()
    try:
        while is_read():
            played.play(simulator, monotonic=clock.monotonic, on_step=_say, speed=speed)
            while not repeat and is_read():
                never.wait(LOOK_SECONDS)
    except KeyboardInterrupt:
        pass
    finally:
        simulator.stop()


def load_scenario(name: str | None) -> Scenario:
    """A scenario that comes with the program, by its name, or a file; `Fatal` with every fault."""
    try:
        path = Path(name or "")
        is_file = name is not None and (path.suffix == ".toml" or path.exists())
        return scenarios.load(path) if is_file else scenarios.bundled(name or "lively")
    except ScenarioError as error:
        raise Fatal(str(error), os.EX_DATAERR) from None
    except OSError as error:
        raise Fatal(f"{name}: {error.strerror}", os.EX_NOINPUT) from None


def _say(text: str) -> None:
    say_now(text)
    if not is_read():
        raise typer.Exit
