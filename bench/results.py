"""A run's file: all that was measured, so that it can be compared and shown later. Pure but for the file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.figures import Figure, Goal, Loop

VERSION = 1


class UnreadableError(ValueError):
    """Not a run's file, or one of another version. The message names the file."""


@dataclass(frozen=True)
class Results:
    """One run."""

    machine: Mapping[str, str]
    """What it was measured on, and when."""
    figures: tuple[Figure, ...]
    rounds: int
    """Of the race."""
    is_quick: bool
    """A tenth of the load: rough."""

    def figure(self, name: str) -> Figure | None:
        """The figure of this name."""
        return next((one for one in self.figures if one.name == name), None)

    def joined(self, later: "Results") -> "Results":
        """With what was measured later, by itself; its notes say when."""
        when = f"measured by itself, {later.machine.get('date', 'later')}"
        new = {
            one.name: replace(one, note=f"{one.note}; {when}" if one.note else when) for one in later.figures
        }
        kept = [new.pop(one.name, one) for one in self.figures]
        return replace(self, figures=(*kept, *new.values()))


def write(results: Results, path: Path) -> None:
    """Write the file."""
    path.write_text(dumped(results), encoding="utf-8")


def read(path: Path) -> Results:
    """Read the file. Raises `UnreadableError`; OSError where there is none."""
    try:
        return parsed(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableError(f"{path} is not the file of a run: {error}") from error


def dumped(results: Results) -> str:
    """As text; medians and verdicts are there for who looks into it, and are not read."""
    document = {
        "version": VERSION,
        "machine": dict(results.machine),
        "rounds": results.rounds,
        "is_quick": results.is_quick,
        "figures": [_figure_document(one) for one in results.figures],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def parsed(text: str) -> Results:
    """The same back. Raises ValueError, KeyError or TypeError."""
    document = json.loads(text)
    if document["version"] != VERSION:
        raise ValueError(f"version {document['version']}, not {VERSION}")
    return Results(
        document["machine"],
        tuple(_figure(one) for one in document["figures"]),
        document["rounds"],
        document["is_quick"],
    )


def _figure_document(one: Figure) -> dict[str, Any]:
    goal = one.goal and {"bound": one.goal.bound, "is_floor": one.goal.is_floor, "unit": one.goal.unit}
    return {
        "name": one.name,
        "title": one.title,
        "unit": one.unit,
        "median": one.value,
        "runs": _rounded(one.runs),
        "goal": goal,
        "reached": one.verdict or None,
        "note": one.note,
        "faults": list(one.faults),
        "not_run": one.not_run,
        "loops": [_rounded(loop) for loop in one.loops],
    }


def _figure(document: dict[str, Any]) -> Figure:
    return Figure(
        document["name"],
        document["title"],
        document["unit"],
        tuple(document["runs"]),
        Goal(**document["goal"]) if document["goal"] else None,
        document["note"],
        tuple(document["faults"]),
        document["not_run"],
        tuple(Loop(*one) for one in document["loops"]),
    )


def _rounded(values: Sequence[float]) -> list[float]:
    """To six figures: the rest is noise, and a diff of the file that nobody can read."""
    return [float(f"{one:.6g}") for one in values]
