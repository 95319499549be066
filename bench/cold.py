"""How soon a command answers whose process begins with nothing; its modules are compiled, no daemon runs."""

import subprocess
import tempfile
import time
from pathlib import Path

from bench import product
from bench.figures import Figure
from bench.plan import Plan
from bench.processes import environment, pinned

TIMES = 11
EVENTS = 10_000


def cold(plan: Plan) -> list[Figure]:
    """`yemotd --version` and `yemotd status`, from the start of the process to its end."""
    with tempfile.TemporaryDirectory(dir=plan.directory) as name:
        directory = Path(name)
        config = product.configure(directory, [product.Webhook(product.NOBODY)])
        product.fill(directory, product.loaded(config), EVENTS, lanes=100)
        version = _took(plan, directory, ["--version"])
        status = _took(plan, directory, ["status", "--config", config.name])
    note = f"median of {TIMES} processes, modules compiled before"
    return [
        Figure("cold-version", "`yemotd --version`, cold", "ms", version, note=note),
        Figure(
            "cold-status", "`yemotd status`, cold", "ms", status, note=f"{note}; a store of {EVENTS:,} events"
        ),
    ]


def _took(plan: Plan, directory: Path, words: list[str]) -> tuple[float, ...]:
    """Milliseconds of each process; the first one compiles, and is not counted."""
    took = []
    for number in range(TIMES + 1):
        with pinned(plan.cores.sender):
            began = time.perf_counter()
            ended = subprocess.run(
                product.command(*words), cwd=directory, env=environment(), capture_output=True, check=False
            )
        if ended.returncode:
            raise RuntimeError(f"yemotd {' '.join(words)}: {ended.stderr.decode(errors='replace')}")
        took += [(time.perf_counter() - began) * 1000] if number else []
    return tuple(took)
