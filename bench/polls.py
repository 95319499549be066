"""One poll: what it costs, and how long it takes from the API's answer to the webhook's receiver."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from bench import product
from bench.figures import Figure, Goal, percentile
from bench.plan import Plan
from bench.processes import PATIENCE, environment, pinned
from bench.product import Simulated, Webhook
from bench.receiving import receiver

SAMPLES = 500
BACKLOG = 100_000
BACKLOG_LANES = 10_000
PAUSE_SECONDS = 0.025
"""Between samples: so few messages in a second that a poll needs to ask once only."""
ROWS = 1_000
LARGEST = 3_000
"""Rows of the largest window of GetIncomingSms."""
NEW_ROWS = 5
FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""Of the messages that are there before."""
SMS_WATCH = '[systems.sms]\nevery = "1h"\nlimit = {limit}'
LIVE, DEAD = "receiver", "dead"
_PAUSE = threading.Event()


class Polled(NamedTuple):
    """What one poll took."""

    answered: int
    """When the API's answer was read, in nanoseconds."""
    cpu: float
    """Milliseconds beyond HTTP."""


class Inside:
    """The daemon in a process of ours (`inside.py`)."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin and process.stdout
        self._pid, self._words, self._lines = process.pid, process.stdin, process.stdout
        said = self._lines.readline().split()
        if said[:1] != ["ready"]:
            raise RuntimeError("the daemon did not start")
        self.port = int(said[1])
        """Of its HTTP side."""

    def poll(self, name: str = "a poll") -> Polled:
        """Poll once; a profile calls it so."""
        self._words.write(f"{name}\n")
        self._words.flush()
        told = json.loads(self._lines.readline())
        return Polled(told["answered"], told["cpu"])

    def rss_mib(self) -> float:
        """Resident memory."""
        return product.rss_mib(self._pid)


def latency(plan: Plan) -> list[Figure]:
    """From the answer read to the receiver."""
    return _latency(plan, "latency", "answer read → receiver", 0)


def latency_with_backlog(plan: Plan) -> list[Figure]:
    """The same, while many deliveries wait for an endpoint that is gone."""
    many = plan.size(BACKLOG)
    return _latency(plan, "latency-backlog", f"the same, {many:,} waiting for a dead endpoint", many)


def poll_cpu(plan: Plan) -> list[Figure]:
    """What a poll costs that changes nothing, and one that does; of the largest log, too."""
    with stage(plan, backlog=0) as (directory, simulated):
        for number in range(0, LARGEST, NEW_ROWS):
            texts = [f"message {number + index}" for index in range(NEW_ROWS)]
            at = (
                FIRST + timedelta(seconds=number)
            ).isoformat()  # a window of one second is never passed over
            simulated.do("sms", action="burst", sender=f"05{number:08}", texts=texts, received_at=at)
        return [
            *_poll_cpu(plan, directory / "usual", simulated, "", ROWS, _most(2)),
            _poll_cpu(plan, directory / "largest", simulated, f"-{LARGEST}", LARGEST, _most(5))[1],
        ]


def _poll_cpu(
    plan: Plan, directory: Path, simulated: Simulated, name: str, rows: int, goal: Goal
) -> tuple[Figure, Figure]:
    """Unchanged, and changed; `rows` are asked for, of a log that has more of them soon."""
    many = max(plan.size(SAMPLES), 50)
    bursts = max(many // 5, 20)
    directory.mkdir()
    with receiver(plan.receiver, directory, core=plan.cores.receiver, most=100 * many) as received:
        config = configure(directory, simulated, received.url, limit=rows)
        with inside(config, core=plan.cores.sender) as daemon:
            for _ in range(10):
                daemon.poll()
            unchanged = [daemon.poll().cpu for _ in range(many)]
            changed = [_burst(simulated, daemon, number) for number in range(bursts)]
            told = received.expect(NEW_ROWS * bursts, within=PATIENCE, stalled=PATIENCE).requests
    faults = () if told == NEW_ROWS * bursts else (f"{told} of {NEW_ROWS * bursts} messages arrived",)
    note = f"{many} polls of {rows:,} messages; median of CPU in the polling thread, without Transport.send"
    return (
        Figure("poll-unchanged", "a poll that changes nothing", "ms CPU", tuple(unchanged), _most(0.2), note),
        Figure(
            f"poll-changed{name}",
            f"a poll with {NEW_ROWS} new of {rows:,}, committed",
            "ms CPU",
            tuple(changed),
            goal,
            f"{bursts} polls of {rows:,} messages, parsed, compared and written with their deliveries",
            faults,
        ),
    )


def _burst(simulated: Simulated, daemon: Inside, number: int) -> float:
    texts = [f"{number} {index}" for index in range(NEW_ROWS)]
    simulated.do("sms", action="burst", sender="0500000000", texts=texts)
    return daemon.poll("a poll with new rows").cpu


def _most(bound: float) -> Goal:
    return Goal(bound, is_floor=False, unit="ms")


def _latency(plan: Plan, name: str, title: str, backlog: int) -> list[Figure]:
    samples = max(plan.size(SAMPLES), 50)
    with (
        stage(plan, backlog=backlog) as (directory, simulated),
        receiver(plan.receiver, directory, core=plan.cores.receiver, most=2 * samples) as received,
    ):
        config = configure(directory, simulated, received.url, limit=100, has_dead=backlog > 0)
        with inside(config, core=plan.cores.sender) as daemon:
            daemon.poll()  # the baseline
            answered = []
            for number in range(1, samples + 1):
                simulated.do("sms", sender="0501234567", text=f"message {number}")
                answered.append(daemon.poll().answered)
                received.expect(number, within=PATIENCE, stalled=PATIENCE)
                _PAUSE.wait(PAUSE_SECONDS)
        arrivals = received.arrivals()
    faults = () if len(arrivals) == samples else (f"{len(arrivals)} of {samples} messages arrived",)
    took = [(came - read) / 1e6 for came, read in zip(arrivals, answered, strict=False)]
    note = f"{samples} messages, one at a time"
    return [
        Figure(f"{name}-p50", f"{title}, p50", "ms", (percentile(took, 0.5),), _most(2), note, faults),
        Figure(f"{name}-p99", f"{title}, p99", "ms", (percentile(took, 0.99),), _most(4), note, faults),
    ]


def configure(directory: Path, simulated: Simulated, url: str, *, limit: int, has_dead: bool = False) -> Path:
    """Messages are watched, and a receiver is told; HTTP is on."""
    webhooks = [Webhook(url, name=LIVE)]
    webhooks += [Webhook(product.NOBODY, name=DEAD)] if has_dead else []
    watched = product.system("main", simulated.base_url, SMS_WATCH.format(limit=limit))
    return product.configure(directory, webhooks, systems=[watched], listen="127.0.0.1:0")


@contextmanager
def stage(plan: Plan, *, backlog: int) -> Iterator[tuple[Path, Simulated]]:
    """A directory with a store, and a simulated phone system."""
    with tempfile.TemporaryDirectory(dir=plan.directory) as name:
        directory = Path(name)
        if backlog:
            config = product.configure(directory, [Webhook(product.NOBODY, name=DEAD)])
            product.fill(directory, product.loaded(config), backlog, lanes=BACKLOG_LANES)
        with product.simulator(directory, core=plan.cores.receiver) as simulated:
            yield directory, simulated


@contextmanager
def inside(config: Path, *, core: int) -> Iterator[Inside]:
    """The daemon that polls when it is told to."""
    with config.with_name("inside.log").open("wb") as log, pinned(core):
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.inside", config.name],
            cwd=config.parent,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield Inside(process)
    finally:
        assert process.stdin and process.stdout
        process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
