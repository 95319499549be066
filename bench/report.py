"""The report: a table on the terminal, `results.md`, `results.json` and `results.svg`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.figures import Figure, shown
from bench.plot import bars

FOLDER = Path(__file__).parent
HUEY = "huey"
UNIT_OF_RATES = "/s"
COLUMNS = ("figure", "median", "spread", "× huey", "goal", "reached", "how")
INTRODUCTION = """\
# Results of `make bench`

Measured in one run, side by side, on one machine{rough}. Only the ratios carry over to another day: figures
spread, and a machine that others use at the same time is slower for all of them. The sender has one core, the
receiver (`receiver.c`) another. Rates are medians of {runs} rounds; in each round everybody has a turn.
"""


def line(figure: Figure) -> str:
    """One figure as soon as it is there."""
    cells = _cells(figure, None)
    told = [cell for cell in (cells[1], cells[4], cells[5], *figure.faults) if cell]
    return escape(f"{cells[0]}: {' '.join(told)}")


def write(
    figures: Sequence[Figure], machine: Mapping[str, str], *, runs: int, is_quick: bool, console: Console
) -> None:
    """Everything that was measured."""
    huey = next((one.value for one in figures if one.name == HUEY), None)
    rows = [_cells(one, huey) for one in figures]
    _print(rows, console)
    rough = ", as `--quick`: a tenth of the load, rough figures" if is_quick else ""
    text = INTRODUCTION.format(rough=rough, runs=runs)
    text += "\n![Deliveries per second](results.svg)\n\n"
    text += _markdown(rows) + "\n## The machine\n\n"
    text += "".join(f"- {name}: {value}\n" for name, value in machine.items())
    text += "".join(f"\n> **{one.title}**: {fault}\n" for one in figures for fault in one.faults)
    (FOLDER / "results.md").write_text(text)
    (FOLDER / "results.json").write_text(json.dumps(_document(figures, machine), indent=1) + "\n")
    rates = [(one.title, one.value) for one in figures if one.unit == UNIT_OF_RATES and one.value]
    if rates:
        (FOLDER / "results.svg").write_text(bars("Deliveries per second, one core", rates))


def _cells(figure: Figure, huey: float | None) -> tuple[str, ...]:
    if figure.value is None:
        return figure.title, "not run", "", "", "", "", figure.not_run
    is_rate = figure.unit == UNIT_OF_RATES and huey is not None
    unit = figure.unit if figure.unit.startswith("/") else f" {figure.unit}"
    return (
        figure.title,
        f"{shown(figure.value)}{unit}",
        f"{figure.spread:.0%}" if figure.spread is not None else "",
        shown(figure.value / huey) if is_rate and huey else "",
        str(figure.goal or ""),
        figure.verdict,
        figure.not_run or figure.note,
    )


def _print(rows: Sequence[Sequence[str]], console: Console) -> None:
    table = Table(show_lines=False)
    for number, column in enumerate(COLUMNS[:-1]):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        colour = {"yes": "green", "no": "red"}.get(row[5], "")
        verdict = f"[{colour}]{row[5]}[/]" if colour else row[5]
        table.add_row(*map(escape, row[:5]), verdict)
    console.print(table)


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    aligned = ("|---" + "|---:" * 5 + "|---|\n").replace("|---:|---|\n", "|---|---|\n")
    lines = ["| " + " | ".join(COLUMNS) + " |\n", aligned]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |\n"
        for row in rows
    ]
    return "".join(lines)


def _document(figures: Sequence[Figure], machine: Mapping[str, str]) -> dict[str, Any]:
    return {
        "machine": dict(machine),
        "figures": [
            {
                "name": one.name,
                "title": one.title,
                "unit": one.unit,
                "median": one.value,
                "runs": one.runs,
                "goal": str(one.goal) if one.goal else None,
                "reached": one.verdict or None,
                "note": one.note or None,
                "faults": one.faults,
                "not_run": one.not_run or None,
            }
            for one in figures
        ],
    }
