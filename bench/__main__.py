"""`python -m bench [--quick] [--only NAME ...]`, from the top of the repository: the order of things."""

import argparse
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from bench import history, machine, page, polls, report, sending, size, streams, systems
from bench.contenders import PEERS
from bench.figures import Figure, Figures
from bench.peers.alertmanager import Alertmanager
from bench.plan import RUNS, Plan
from bench.processes import cores
from bench.race import Entrant, race, ratios
from bench.receiving import NoCompilerError, compiled
from bench.throughput import LOADS

Measurement = Callable[[Plan], list[Figure]]

ENTRANTS: Mapping[str, Entrant] = {one.name: one for one in (*LOADS, *PEERS, Alertmanager())}
"""They run in turns."""
MEASUREMENTS: Mapping[str, Measurement] = {
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
}
"""One after the other, behind them."""


def main(words: Sequence[str]) -> int:
    """Measure what was asked for, and write the report."""
    asked = _parsed(words)
    console = Console()
    names = asked.only or [*ENTRANTS, *MEASUREMENTS]
    figures = Figures(on_figure=lambda figure: console.print(report.line(figure)))
    _allow_many_files()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(os.EX_TEMPFAIL))  # ends what was started, as ^C does
    with tempfile.TemporaryDirectory(prefix="yemotd-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # PostgreSQL runs as a user of its own
        try:
            program = compiled(directory)
        except NoCompilerError as error:
            console.print(str(error))
            return os.EX_UNAVAILABLE
        plan = Plan(directory, program, cores(), is_quick=asked.quick, runs=asked.runs)
        os.sched_setaffinity(0, {plan.cores.receiver})  # the sender's core is the sender's
        raced = race([ENTRANTS[one] for one in names if one in ENTRANTS], plan, console.print)
        figures.add(*raced, *ratios(raced))
        for one in names:
            if one in MEASUREMENTS:
                console.print(f"[dim]{one} …[/]")
                figures.add(*_measured(one, plan))
        loops = [*plan.loops, machine.loop_ms(plan.cores.sender)]
    described = {**machine.described(), "evenness": machine.loops_told(loops)}
    report.write(figures.all, described, runs=plan.runs, is_quick=plan.is_quick, console=console)
    return os.EX_OK


def _measured(name: str, plan: Plan) -> list[Figure]:
    """One measurement; what stands in its way is told, and the others go on."""
    plan.loops.append(machine.loop_ms(plan.cores.sender))
    try:
        return MEASUREMENTS[name](plan)
    except (RuntimeError, OSError, ValueError) as error:
        return [Figure(name, name, "", not_run=str(error))]


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the load; figures are rough")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each measurement; the median counts")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=[*ENTRANTS, *MEASUREMENTS], help="some of it"
    )
    return parser.parse_args(words)


def _allow_many_files() -> None:
    """Peers that open a connection for each request need more than the default."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
