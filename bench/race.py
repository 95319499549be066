"""Who delivers how many a second: all in turns, so that a slow minute of the machine hits all of them."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from bench.figures import Figure, Loop
from bench.machine import loop
from bench.plan import Plan

WARM_UP_SHARE = 0.1
"""Of the deliveries of a run, which is not counted."""
STALLED_SECONDS = 15.0
"""A run in which nothing arrives for so long is over."""


class Run(NamedTuple):
    """What one run came to."""

    rate: float
    """Deliveries per second."""
    fault: str = ""
    """What was not as it must be."""
    loop: Loop | None = None
    """Before it."""


class Entrant(Protocol):
    """Somebody who delivers."""

    @property
    def name(self) -> str:
        """What `--only` calls it."""

    @property
    def title(self) -> str:
        """For people."""

    def note(self, plan: Plan) -> str:
        """How it was set up."""

    def run(self, plan: Plan, directory: Path) -> Run:
        """Deliver all of it, out of a queue that was filled before. Raises `MissingError`."""


def race(entrants: Sequence[Entrant], plan: Plan, say: Callable[[str], None]) -> list[Figure]:
    """One figure for each: the median over all rounds."""
    runs: dict[str, list[Run]] = {one.name: [] for one in entrants}
    reasons: dict[str, str] = {}
    for number in range(1, plan.runs + 1):
        for one in entrants:
            if one.name in reasons:
                continue
            plan.loops.append(loop(plan.cores.sender))
            try:
                with tempfile.TemporaryDirectory(dir=plan.directory) as name:
                    Path(name).chmod(0o755)  # PostgreSQL runs as a user of its own
                    run = one.run(plan, Path(name))
            except Exception as error:  # `MissingError`, mostly; the others go on
                reasons[one.name] = str(error) or repr(error)
                say(f"{one.name}: not run: {error}")
                continue
            runs[one.name].append(run._replace(loop=plan.loops[-1]))
            say(f"{one.name}, round {number}: {run.rate:,.0f}/s {run.fault}")
    return [_figure(one, plan, runs[one.name], reasons.get(one.name, "")) for one in entrants]


def _figure(one: Entrant, plan: Plan, runs: Sequence[Run], reason: str) -> Figure:
    faults = tuple(run.fault for run in runs if run.fault)
    rates = tuple(run.rate for run in runs)
    loops = tuple(run.loop for run in runs if run.loop)
    return Figure(one.name, one.title, "/s", rates, None, one.note(plan), faults, reason, loops)


RATIOS = (("durable", "huey"), ("durable", "alertmanager"))
"""Who is set against whom."""


def ratios(figures: Sequence[Figure]) -> list[Figure]:
    """How many times as fast, round by round."""
    by_name = {one.name: one for one in figures if one.runs}
    return [
        Figure(
            f"{name}/{other}",
            f"{by_name[name].title} ÷ {by_name[other].title}",
            "×",
            tuple(
                ours / theirs
                for ours, theirs in zip(by_name[name].runs, by_name[other].runs, strict=False)
                if theirs
            ),
            note="round by round",
        )
        for name, other in RATIOS
        if name in by_name and other in by_name
    ]
