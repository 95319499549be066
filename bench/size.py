"""How large the daemon is, how fast it starts, and how fast it answers when much has happened."""

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from bench import product
from bench.figures import Figure, Goal, percentile
from bench.plan import Plan
from bench.product import Daemon, Webhook
from bench.receiving import receiver

EVENTS = 1_000_000
OPEN = 100_000
"""Deliveries of the last of them, for an endpoint that does not answer."""
STARTS = 5
REQUESTS = 200
"""Of each list."""
SETTLED_SECONDS = 15.0
LISTEN = "127.0.0.1:0"
DEMO = """\
[systems.sms]
every = "500ms"
limit = 20
[systems.sip]
every = "500ms"
[[systems.queues]]
path = "/5"
name = "sales"
every = "500ms"
[[systems.queues.thresholds]]
metric = "calls_waiting"
above = 5
[[systems.directories]]
path = "/2"
every = "1s"
[systems.pirsumphone]
every = "5s"
[systems.units]
every = "5s"
below = 100
"""
"""What `yemotd demo` watches."""
_PAUSE = threading.Event()


def rss_of_demo(plan: Plan) -> list[Figure]:
    """Memory with what the demo watches, the HTTP side on and asked."""
    with _directory(plan) as directory, product.simulator(directory, core=plan.cores.receiver) as simulated:
        watched = product.system("demo", simulated.base_url, DEMO)
        with _serving(plan, directory, [watched]) as daemon:
            _PAUSE.wait(SETTLED_SECONDS)
            daemon.ask("/api/v1/status")
            daemon.ask("/api/v1/events?limit=100")
            used = daemon.rss_mib()
    goal = Goal(90, is_floor=False, unit="MiB")
    note = f"6 watches, HTTP on; after {SETTLED_SECONDS:.0f} s"
    return [Figure("rss-demo", "memory, the demo's configuration", "MiB RSS", (used,), goal, note)]


def large_store(plan: Plan) -> list[Figure]:
    """The start, and lists of the API, with a store in which much has happened."""
    many = plan.size(EVENTS)
    with _directory(plan) as directory:
        config = _filled(directory, many, plan.size(OPEN))
        starts, lists = [], {}
        for number in range(STARTS + 1):
            with product.daemon(config, core=plan.cores.sender) as daemon:
                # The first one compiles what was never started from here.
                starts += [daemon.ready_after] if number else []
                if number == STARTS:
                    lists = _lists(daemon)
    goal = Goal(1, is_floor=False, unit="s")
    figures = [
        Figure(
            "start",
            f"start to READY, {many:,} events, {plan.size(OPEN):,} open deliveries",
            "s",
            tuple(starts),
            goal,
            f"{STARTS} starts",
        )
    ]
    for name, took in lists.items():
        worst = percentile(took, 0.95)
        goal = Goal(50, is_floor=False, unit="ms")
        title = f"GET {name}, p95"
        figures.append(
            Figure(f"list {name}", title, "ms", (worst,), goal, f"{many:,} events, {REQUESTS} requests")
        )
    return figures


def _filled(directory: Path, events: int, waiting: int) -> Path:
    """A store in which much has happened and some of it waits for an endpoint; how it is configured."""
    for webhooks, many in (([], events - waiting), ([Webhook(product.NOBODY)], waiting)):
        config = product.configure(directory, webhooks, listen=LISTEN)
        product.fill(directory, product.loaded(config), many, lanes=10_000)
    return config


def _lists(daemon: Daemon) -> dict[str, list[float]]:
    """Milliseconds of each request, by list."""
    newest = json.loads(daemon.ask("/api/v1/events?limit=1000"))["next"]
    queries = [
        {},
        {"after": newest},
        {"type": "sms.*"},
        {"type": "sip.*"},
        {"system": "main"},
        {"limit": "1000"},
    ]
    paths = [f"/api/v1/events?{urlencode(query)}".rstrip("?") for query in queries]
    shown = {path: path.replace(newest, "…") for path in (*paths, "/api/v1/status")}
    return {shown[path]: [_timed(daemon, path) for _ in range(REQUESTS)] for path in shown}


@contextmanager
def _serving(plan: Plan, directory: Path, systems: list[str]) -> Iterator[Daemon]:
    """The daemon with these systems, and somebody who is told."""
    with receiver(plan.receiver, directory, core=plan.cores.receiver, most=1_000_000) as received:
        hook = Webhook(received.url, events="*")
        config = product.configure(directory, [hook], systems=systems, listen=LISTEN)
        with product.daemon(config, core=plan.cores.sender) as daemon:
            yield daemon


@contextmanager
def _directory(plan: Plan) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=plan.directory) as name:
        yield Path(name)


def _timed(daemon: Daemon, path: str) -> float:
    began = time.perf_counter()
    daemon.ask(path)
    return (time.perf_counter() - began) * 1000
