"""What has become slower since the figures that were kept, on any machine. Pure.

A figure is not compared as it is, since the machine is another one, or busier. Rates are divided by the rate
of a peer in the same round; times are divided by the time of a fixed loop of Python beside them; sizes,
ratios and what a clock bounds are compared as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from statistics import median

from bench.figures import AT, Figure, Loop, spread
from bench.names import PEERS
from bench.results import Results

YARDSTICKS = ("raw-pycurl", "huey")
"""What rates are divided by: the first of them that both runs have. raw-pycurl is the same libcurl without
all that we do; huey waits for the disk for each message, and spreads with it."""
AS_IT_IS = frozenset({"slow-receiver"})
"""Bounded by the receiver's 50 ms, on every machine."""
RATE = "/s"
RISING = frozenset({RATE, "×"})
"""Units of which more is better."""
LOOPS: Mapping[str, Callable[[Loop], float]] = {
    "s": lambda loop: loop.wall,
    "ms": lambda loop: loop.wall,
    "ms CPU": lambda loop: loop.cpu,
    "µs": lambda loop: loop.cpu,
    "%": lambda loop: loop.cpu,
}
"""By unit: the time of the loop that grows with it."""
LEAST_SPREAD = 0.05
"""A change within it is none, however even the runs were."""
UNKNOWN_SPREAD = 0.30
"""Of what was measured once."""


class Verdict(Enum):
    """How a figure stands against the one that was kept."""

    SLOWER = "slower"
    """Or larger: worse by more than the spread."""
    FASTER = "faster"
    SAME = "same"
    LOST = "not measured"
    """It was kept, and is not there now."""


@dataclass(frozen=True)
class Change:
    """One figure against the one that was kept."""

    figure: Figure
    verdict: Verdict
    by: str = ""
    """What both were divided by."""
    times: float = 1.0
    """How many times as much as then."""
    spread: float = 0.0
    """What it would have had to exceed."""

    def __str__(self) -> str:
        if self.verdict is Verdict.LOST:
            return f"{self.figure.title}: not measured{f' ({why})' if (why := self.figure.not_run) else ''}"
        beside = f" beside {self.by}" if self.by else ""
        worse = {Verdict.SLOWER: "worse", Verdict.FASTER: "better"}.get(self.verdict, "the same")
        return (
            f"{self.figure.title}: {self.times:.2f} × what was kept{beside}: "
            f"{worse} (spread {self.spread:.0%})"
        )


def compare(now: Results, kept: Results) -> list[Change]:
    """Each figure of ours that was kept, and what became of it."""
    return [
        _change(now, kept, one)
        for one in kept.figures
        if one.name not in PEERS and one.value is not None and not one.faults
        if AT not in one.name or now.figure(one.name) is not None  # sizes are measured by themselves
    ]


def _change(now: Results, kept: Results, then: Figure) -> Change:
    figure = now.figure(then.name)
    if figure is None or figure.value is None or figure.faults or figure.unit != then.unit:
        return Change(figure or then, Verdict.LOST)
    by, mine, theirs = _scaled(now, kept, figure, then)
    times = median(mine) / median(theirs) if median(theirs) else 1.0
    allowed = max(LEAST_SPREAD, _spread(mine), _spread(theirs))
    return Change(figure, _verdict(_worse(times, figure.unit), allowed), by, times, allowed)


def _worse(times: float, unit: str) -> float:
    """How many times as bad."""
    if unit not in RISING:
        return times
    return 1 / times if times else inf


def _verdict(worse: float, allowed: float) -> Verdict:
    if worse > 1 + allowed:
        return Verdict.SLOWER
    return Verdict.FASTER if worse < 1 / (1 + allowed) else Verdict.SAME


def _spread(values: Sequence[float]) -> float:
    found = spread(values)
    return UNKNOWN_SPREAD if found is None else found


def _scaled(
    now: Results, kept: Results, figure: Figure, then: Figure
) -> tuple[str, Sequence[float], Sequence[float]]:
    """What they are divided by, and both, run by run."""
    if figure.name in AS_IT_IS:
        return "", figure.runs, then.runs
    if figure.unit == RATE:
        for peer in YARDSTICKS:
            mine, theirs = _rates(now, peer), _rates(kept, peer)
            if mine and theirs:
                return peer, divided(figure.runs, mine), divided(then.runs, theirs)
    of = LOOPS.get(figure.unit) or (LOOPS["s"] if figure.unit == RATE else None)
    if of is None or not figure.loops or not then.loops:
        return "", figure.runs, then.runs
    mine, theirs = [of(one) for one in figure.loops], [of(one) for one in then.loops]
    if figure.unit == RATE:  # a rate falls where the loop takes longer
        mine, theirs = [1 / one for one in mine], [1 / one for one in theirs]
    return "the machine's loop", divided(figure.runs, mine), divided(then.runs, theirs)


def _rates(results: Results, peer: str) -> Sequence[float]:
    found = results.figure(peer)
    return found.runs if found and not found.faults and all(found.runs) else ()


def divided(runs: Sequence[float], by: Sequence[float]) -> list[float]:
    """Run by run where there is one for each; else all by the median."""
    if len(runs) == len(by):
        return [one / other for one, other in zip(runs, by, strict=True)]
    return [one / median(by) for one in runs]
