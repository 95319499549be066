"""`yemotd demo`: all of it at work, on loopback, with nothing to set up."""

import signal
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from daemon.cli.simulate import ScenarioOption, load_scenario
from daemon.demo.play import Plan, play

KILL_AFTER_SECONDS = 13.0
"""In the middle of the lively scenario's burst."""


ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Each ends all that the demo has started; a shell starts what is in its background deaf to the first."""


def demo(
    scenario: ScenarioOption = None,
    *,
    speed: Annotated[float, typer.Option(min=0.1, max=20, help="How much faster than written.")] = 1.0,
    kill: Annotated[bool, typer.Option(help="Kill the daemon with SIGKILL in the middle of it.")] = True,
    stay: Annotated[bool, typer.Option("--stay", help="At the end let all run on, until Ctrl-C.")] = False,
) -> None:
    """Start a simulator, a receiver and the daemon with its page; let phones drop and webhooks arrive."""
    for one in ENDS:
        signal.signal(one, _interrupt)
    plan = Plan(load_scenario(scenario), speed, KILL_AFTER_SECONDS if kill else None, stays=stay)
    if not play(plan, Console()):
        raise typer.Exit(1)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
