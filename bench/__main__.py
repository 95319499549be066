"""Measure the daemon beside its peers, from the top of the repository.

python -m bench [--quick] [--runs N] [--only NAME …]    measure, and compare with the figures that were kept
python -m bench --profile NAME …                        where the time of a figure goes
python -m bench --compare [RUN.json]                    a run's file against the figures that were kept
python -m bench --keep [RUN.json …]                     keep a run's figures, and make the tables of the pages
python -m bench --tables                                make the tables anew from the figures that were kept
"""

import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import (
    cold,
    goals,
    history,
    machine,
    members,
    page,
    pages,
    polls,
    profiling,
    report,
    results,
    sending,
    size,
    streams,
    systems,
    tables,
)
from bench.comparison import Verdict
from bench.contenders import PEERS
from bench.figures import Figure, Figures, Loop, repeated
from bench.peers.alertmanager import Alertmanager
from bench.plan import RUNS, Plan
from bench.processes import TOP, cores
from bench.race import Entrant, race, ratios
from bench.receiving import NoCompilerError, compiled
from bench.results import Results
from bench.throughput import LOADS

Measurement = Callable[[Plan], list[Figure]]

ENTRANTS: Mapping[str, Entrant] = {one.name: one for one in (*LOADS, *PEERS, Alertmanager())}
"""They run in turns."""
MEASUREMENTS: dict[str, Measurement] = {
    "cold": cold.cold,
    "latency": polls.latency,
    "latency-backlog": polls.latency_with_backlog,
    "poll-cpu": polls.poll_cpu,
    "sending": sending.sending,
    "rss-demo": size.rss_of_demo,
    "large-store": size.large_store,
    "streams": streams.streams,
    "page": page.page,
    "history-year": history.year,
    "history-flush": history.flush,
    "history-read": history.reading,
    "systems-1000": systems.thousand,
    "systems-5000": systems.five_thousand,
    "members": members.members,
    "members-10000": members.ten_thousand,
    "members-10000-by-3": members.ten_thousand_by_three,
    "members-10000-every-5m": members.ten_thousand_every_five_minutes,
}
"""One after the other, behind them."""
BY_NAME_ONLY: frozenset[str] = frozenset({"members-10000-every-5m"})
"""Those that take too long for every run: they are measured where `--only` names them."""
REPEATED_WITHIN = 60.0
"""Seconds: a measurement is repeated, up to `--runs` times, as long as all of it takes no longer."""
PROFILES = TOP / "build" / "bench" / "profiles"


def main(words: Sequence[str]) -> int:
    """Do what was asked for."""
    asked = parsed(words)
    console = Console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(os.EX_TEMPFAIL))  # ends what was started, as ^C does
    try:
        if asked.tables or asked.keep is not None:
            return _keep([report.KEPT] if asked.tables else asked.keep or [report.FILE], console)
        if asked.compare:
            changes = report.against(
                results.read(asked.compare), results.read(report.KEPT), console, is_whole=True
            )
            return int(any(one.verdict is Verdict.SLOWER for one in changes))
        return _profile(asked, console) if asked.profile else _measure(asked, console)
    except NoCompilerError as error:
        console.print(str(error))
        return os.EX_UNAVAILABLE
    except (results.UnreadableError, FileNotFoundError) as error:
        console.print(str(error))
        return os.EX_NOINPUT


def _measure(asked: argparse.Namespace, console: Console) -> int:
    """Measure what was asked for, write the report, and compare."""
    names = asked.only or [one for one in (*ENTRANTS, *MEASUREMENTS) if one not in BY_NAME_ONLY]
    began = time.perf_counter()
    with _plan(asked) as plan:
        figures = _figures(names, plan, console)
        loops = [*plan.loops, machine.loop(plan.cores.sender)]
    described = {
        **machine.described(),
        "took": f"{(time.perf_counter() - began) / 60:.0f} minutes",
        "evenness": machine.loops_told(loops),
    }
    measured = Results(described, tuple(figures), plan.runs, plan.is_quick)
    if asked.join:
        measured = results.read(asked.join).joined(measured)
    report.write(measured, console)
    if report.KEPT.exists():
        report.against(measured, results.read(report.KEPT), console, is_whole=not asked.only)
    return os.EX_OK


def _figures(names: Sequence[str], plan: Plan, console: Console) -> list[Figure]:
    """All of them, each told as soon as it is there."""
    figures = Figures(on_figure=lambda figure: console.print(report.line(figure)))
    raced = race([ENTRANTS[one] for one in names if one in ENTRANTS], plan, console.print)
    figures.add(*map(goals.given, [*raced, *ratios(raced)]))
    for one in names:
        if one in MEASUREMENTS:
            console.print(f"[dim]{one} …[/]")
            began = time.perf_counter()
            figures.add(*map(goals.given, measured(one, plan)))
            console.print(f"[dim]{one} took {time.perf_counter() - began:.0f} s[/]")
    return figures.all


def measured(name: str, plan: Plan) -> list[Figure]:
    """One measurement; what stands in its way is told, and the others go on."""
    times: list[list[Figure]] = []
    began = time.perf_counter()
    while len(times) < plan.runs:
        before = machine.loop(plan.cores.sender)
        try:
            figures = MEASUREMENTS[name](plan)
        except Exception as error:  # whatever it is, half an hour of others must not be lost with it
            figures = [Figure(name, name, "", not_run=str(error) or repr(error))]
        after = machine.loop(plan.cores.sender)
        plan.loops.extend((before, after))
        beside = Loop((before.wall + after.wall) / 2, (before.cpu + after.cpu) / 2)
        times.append([replace(one, loops=(beside,)) for one in figures])
        if (time.perf_counter() - began) * (1 + 1 / len(times)) > REPEATED_WITHIN:
            break
    return repeated(times)


def _profile(asked: argparse.Namespace, console: Console) -> int:
    """Each figure twice, without a profiler and with it; and what it says."""
    asked.runs = 1
    for name in asked.profile:
        directory = PROFILES / name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        with _plan(asked) as plan:
            console.print("[dim]without the profiler …[/]")
            _figures([name], plan, console)
        os.environ[profiling.VARIABLE] = str(directory)
        with _plan(asked) as plan:
            console.print("[dim]with it; these figures are not to be believed …[/]")
            _figures([name], plan, console)
            if not any(directory.iterdir()):  # it runs in this very process
                with profiling.recorded("the benchmark"):
                    _figures([name], plan, console)
            many = sum(one.size(plan)[0] for one in LOADS if one.name == name)
        del os.environ[profiling.VARIABLE]
        for one in profiling.worth_showing(profiling.counted(profiling.read(directory), many)):
            print(profiling.tables(one))
        console.print(f"More: python -m pstats {directory.relative_to(TOP)}/…")
    return os.EX_OK


def _keep(paths: Sequence[Path], console: Console) -> int:
    """Keep the run's figures, for the next ones to be compared with, and what was measured by itself; the
    tables of the pages are of them."""
    first, *later = map(results.read, paths)
    kept = reduce(Results.joined, later, first)
    results.write(kept, report.KEPT)
    for page_path, text in pages.made(TOP, kept).items():
        page_path.write_text(text, encoding="utf-8")
        console.print(f"{page_path.relative_to(TOP)}: made from {paths[0]}")
    missing = [title for title, one in tables.with_goals(kept) if one.value is None]
    if missing or kept.is_quick:
        console.print(
            f"{'A quick run. ' * kept.is_quick}Not measured in it: {', '.join(missing) or 'nothing'}."
        )
    return os.EX_OK


@contextmanager
def _plan(asked: argparse.Namespace) -> Iterator[Plan]:
    """A folder for everything, and this process out of the sender's way. Raises `NoCompilerError`."""
    _allow_many_files()
    with tempfile.TemporaryDirectory(prefix="yemotd-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # PostgreSQL runs as a user of its own
        plan = Plan(directory, compiled(directory), cores(), is_quick=asked.quick, runs=asked.runs)
        os.sched_setaffinity(0, {plan.cores.receiver})  # the sender's core is the sender's
        yield plan


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """What was asked for."""
    names = [*ENTRANTS, *MEASUREMENTS]
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the load; figures are rough")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each measurement; the median counts")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help="some of it")
    parser.add_argument("--join", type=Path, metavar="RUN.json", help="add what is measured to that run")
    parser.add_argument("--profile", nargs="+", metavar="NAME", choices=names, help="where the time goes")
    run: dict[str, Any] = {"type": Path, "nargs": "?", "const": report.FILE, "metavar": "RUN.json"}
    parser.add_argument("--compare", **run, help="a run with the figures that were kept; 1 if slower")
    parser.add_argument(
        "--keep",
        type=Path,
        nargs="*",
        metavar="RUN.json",
        help="keep a run, and what was measured by itself",
    )
    parser.add_argument("--tables", action="store_true", help="make the tables of the figures that were kept")
    return parser.parse_args(words)


def _allow_many_files() -> None:
    """Peers that open a connection for each request need more than the default."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
