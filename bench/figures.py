"""A figure: what was measured in each run, the goal, and whether it was reached. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import NamedTuple

AT = " @ "
"""In the name of what was measured at several sizes, before the size: `a poll @ 1000000`."""
MEMBERS = "members: "
"""So begins the name of what was measured with several daemons on one database."""
BY = " by "
"""In such a name, before how many there were."""


class Loop(NamedTuple):
    """How long the machine took for a fixed loop of Python, in milliseconds: its own speed at that moment."""

    wall: float
    """Also longer where others use the core."""
    cpu: float


@dataclass(frozen=True)
class Goal:
    """A bound of a figure."""

    bound: float
    is_floor: bool = True
    """Reached from the bound up; else below it."""
    unit: str = ""

    def is_reached(self, value: float) -> bool:
        return value >= self.bound if self.is_floor else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.is_floor else '≤'} {with_unit(self.bound, self.unit)}"


@dataclass(frozen=True)
class Figure:
    """One thing that was measured."""

    name: str
    title: str
    unit: str
    runs: tuple[float, ...] = ()
    goal: Goal | None = None
    note: str = ""
    faults: tuple[str, ...] = ()
    """What was not as it must be; a figure with one is not to be believed."""
    not_run: str = ""
    """Why it was not measured."""
    loops: tuple[Loop, ...] = ()
    """Beside each run; fewer where several runs were made at once."""

    @property
    def value(self) -> float | None:
        """The median of the runs."""
        return median(self.runs) if self.runs else None

    @property
    def spread(self) -> float | None:
        """From the least to the most, as a share of the median."""
        return spread(self.runs)

    @property
    def verdict(self) -> str:
        """Whether the goal was reached."""
        if self.goal is None or self.value is None:
            return ""
        return "yes" if self.goal.is_reached(self.value) and not self.faults else "no"


@dataclass
class Figures:
    """All that was measured so far; told of each figure as it comes."""

    on_figure: Callable[[Figure], None]
    all: list[Figure] = field(default_factory=list)

    def add(self, *figures: Figure) -> None:
        for one in figures:
            self.all.append(one)
            self.on_figure(one)

    def value(self, name: str) -> float | None:
        """What was measured under this name."""
        return next((one.value for one in self.all if one.name == name), None)


def spread(values: Sequence[float]) -> float | None:
    """From the least to the most, as a share of the median; None where it cannot be known."""
    if len(values) < 2 or not median(values):
        return None
    return (max(values) - min(values)) / median(values)


def repeated(times: Sequence[Sequence[Figure]]) -> list[Figure]:
    """What was measured several times, as one figure each: a run is then the median of one time, so that
    the spread is that of what is told, and not of single polls."""
    if len(times) == 1:
        return list(times[0])
    return [
        _one_of([one for figures in times for one in figures if one.name == name]) for name in _names(times)
    ]


def _names(times: Sequence[Sequence[Figure]]) -> list[str]:
    return list(dict.fromkeys(one.name for figures in times for one in figures))


def _one_of(times: Sequence[Figure]) -> Figure:
    return replace(
        times[0],
        runs=tuple(one.value for one in times if one.value is not None),
        faults=tuple(fault for one in times for fault in one.faults),
        not_run="; ".join(dict.fromkeys(one.not_run for one in times if one.not_run)),
        loops=tuple(loop for one in times for loop in one.loops),
        note=f"{times[0].note}; {len(times)} times" if times[0].note else f"{len(times)} times",
    )


def rate(arrivals: Sequence[int], warm_up: int) -> float:
    """Requests per second between the last of the warm-up and the last of all."""
    if len(arrivals) <= warm_up + 1 or arrivals[-1] <= arrivals[warm_up]:
        return 0.0
    return (len(arrivals) - 1 - warm_up) / (arrivals[-1] - arrivals[warm_up]) * 1e9


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def with_unit(value: float, unit: str) -> str:
    """As people read it."""
    return f"{shown(value)}{unit if unit.startswith('/') else f' {unit}'}".rstrip()


def shown(value: float) -> str:
    """As people read it: three figures, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
