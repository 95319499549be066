"""The report: a table on the terminal, `results.md`, `results.json` and `results.svg`; and what has changed
since the figures that were kept.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench import results, tables
from bench.comparison import Change, Verdict, compare
from bench.figures import Figure, shown
from bench.names import HUEY, RACED
from bench.plot import deliveries
from bench.results import Results

FOLDER = Path(__file__).parent
FILE = FOLDER / "results.json"
"""Of the last run."""
KEPT = FOLDER / "kept.json"
"""Of the run that the next ones are compared with, and that the tables of the documentation are made of."""
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


def write(measured: Results, console: Console) -> None:
    """Everything that was measured; as the last run it is kept until the next."""
    huey = next((one.value for one in measured.figures if one.name == HUEY), None)
    rows = [_cells(one, huey) for one in measured.figures]
    _print(rows, console)
    rough = ", as `--quick`: a tenth of the load, rough figures" if measured.is_quick else ""
    text = INTRODUCTION.format(rough=rough, runs=measured.rounds)
    text += "\n![Deliveries per second](results.svg)\n\n"
    text += (
        tables.warnings(measured)
        + tables.markdown(COLUMNS, rows)
        + "\n## The machine\n\n"
        + tables.machine(measured)
    )
    text += "".join(f"\n> **{one.title}**: {fault}\n" for one in measured.figures for fault in one.faults)
    FILE.with_suffix(".md").write_text(text, encoding="utf-8")
    results.write(measured, FILE)
    if picture := deliveries(measured):
        FILE.with_suffix(".svg").write_text(picture, encoding="utf-8")


def against(now: Results, kept: Results, console: Console, *, is_whole: bool) -> list[Change]:
    """Say what has become slower since the run that was kept; of a part of a run, only what is in it."""
    if now.is_quick is not kept.is_quick:
        console.print("Not compared with the figures that were kept: one of the two is a quick run.")
        return []
    changes = [one for one in compare(now, kept) if is_whole or one.verdict is not Verdict.LOST]
    told = f"{kept.machine.get('date', '?')}, {kept.machine.get('processor', '?')}"
    rough = "; both are quick runs, so this is rough" if now.is_quick else ""
    console.print(escape(f"Against the figures kept from {told}{rough}:"))
    for verdict, colour in COLOURS.items():
        for one in changes:
            if one.verdict is verdict:
                console.print(f"[{colour}]{verdict.value}[/]: {escape(str(one))}")
    same = sum(one.verdict is Verdict.SAME for one in changes)
    console.print(f"{same} of {len(changes)} are as they were, within their spread.")
    return changes


COLOURS = {Verdict.SLOWER: "red", Verdict.LOST: "yellow", Verdict.FASTER: "green"}


def _cells(figure: Figure, huey: float | None) -> tuple[str, ...]:
    if figure.value is None:
        return figure.title, "not run", "", "", "", "", figure.not_run
    return (
        figure.title,
        tables.measured(figure),
        f"{figure.spread:.0%}" if figure.spread is not None else "",
        shown(figure.value / huey) if huey and figure.name in RACED else "",
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
