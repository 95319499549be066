"""What everything costs the more there is: a store of many events, loaded in bulk, and what is done with it.

    python -m bench.scale [--events 100000 1000000 10000000] [--directory build/scale] [--keep]

A store of ten million events is some 12 GB. Rows are made by SQLite itself, out of numbers, into the real
tables; its indexes are made afterwards. It writes `scale.svg`, `scale.md` and `scale.json`, which is joined
to a run when that is kept, beside the stores.
"""

import argparse
import shutil
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from bench import machine, page, plot, product, results
from bench.figures import AT, Figure, percentile, shown
from bench.processes import cores
from bench.results import Results
from daemon.core.delivery.outcome import DELIVERED, Attempted, Outcome, Phases
from daemon.core.model import Fact
from daemon.core.retention import Retention
from daemon.core.routing.plan import Interest
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.store import database as databases
from daemon.store import outbox, views
from daemon.store.column_types import millis
from daemon.store.database import Database
from daemon.store.outbox import Finished, Lease
from daemon.workers.housekeeper import Housekeeper

SIZES = (100_000, 1_000_000, 10_000_000)
SYSTEMS = 50
ENDPOINT = "crm"
OPEN, DEAD = 1_000, 1_000
"""Deliveries that wait, and that were given up, however many there are in all."""
SPAN = timedelta(days=30)
REQUESTS = 100
TURNS = 50
OLD_ROWS = 5_000
"""That come of age, and are forgotten."""
CACHE_KIB = 400_000
CPU = ": CPU"
"""How the names of what is drawn end."""
_PAUSE = threading.Event()
LISTS = (
    "events",
    "events?type=sms.*",
    "events?type=sip.account.registered",
    "events?system=office-7",
    "deliveries",
    "deliveries?status=dead",
    "deliveries?endpoint=crm",
    "incidents",
    "incidents?state=firing",
    "incidents?system=office-7",
    "endpoints",
    "status",
)
INSERTS = (
    """INSERT INTO events (number, id, system, sequence, type, subject, timestamp, body)
    SELECT n, printf('evt_%012d', n), 'office-' || (n % :systems), n / :systems + 1,
      CASE n % 10 WHEN 0 THEN 'sip.account.unregistered' WHEN 1 THEN 'sip.account.registered'
                  ELSE 'sms.received' END,
      CASE WHEN n % 10 < 2 THEN 'sip/077' || printf('%05d', n / 10 % 9973)
           ELSE 'sms/05' || printf('%08d', n % 100003) END,
      :first + n * :apart,
      CAST(printf('{"type":"sms.received","timestamp":"2026-01-01T10:00:00.000Z","data":{"id":"evt_%012d",'
        || '"system":"office-%d","sequence":%d,"subject":"sms/05%08d","sms":{"from":"05%08d",'
        || '"to":"0770000000","text":"%0200d","received_at":"2026-01-01T12:00:00+02:00",'
        || '"server_date":"2026-01-01 12:00:00"}}}', n, n % :systems, n / :systems + 1, n % 100003,
        n % 100003, n) AS BLOB)
    FROM numbers""",
    """INSERT INTO deliveries (id, event, endpoint, lane, status, created_at, due_at, attempts, ended_at,
      incident, failures, error)
    SELECT n, n, 'crm', 'office-' || (n % :systems) || '/' || (n % 100003),
      CASE WHEN n > :many - :open THEN 'pending' WHEN n > :many - :open - :dead THEN 'dead'
           ELSE 'delivered' END,
      :first + n * :apart, :first + n * :apart, n <= :many - :open,
      CASE WHEN n <= :many - :open THEN :first + n * :apart + 20 END,
      CASE WHEN n % 10 < 2 THEN printf('inc_%012d', n / 10) END, 0, NULL
    FROM numbers""",
    """INSERT INTO attempts (delivery, number, started_at, resolved, connected, secured, answered, total,
      outcome, http_status, response_head, address)
    SELECT n, 1, :first + n * :apart, 100, 900, 900, 20000, 21000, 'accepted', 204, '', '192.0.2.1'
    FROM numbers WHERE n <= :many - :open""",
    """INSERT INTO incidents (id, system, key, watch, fires, resolves, subject, severity, payload,
      started_at, changed_after, changed_before, fired_at, ended_at, end)
    SELECT printf('inc_%012d', n / 10), 'office-' || (n % :systems), printf('sip/077%05d', n / 10 % 9973),
      'sip', 'sip.account.unregistered', 'sip.account.registered', printf('sip/077%05d', n / 10 % 9973),
      'error', '{"account":{"user_name":"0770000000","registered":false}}', :first + n * :apart,
      :first + n * :apart - 60000, :first + n * :apart, :first + n * :apart, :first + n * :apart + 60000,
      'resolved'
    FROM numbers WHERE n % 10 = 0""",
    """INSERT INTO ledger (incident, endpoint, standing, told_at, event, repeats, members, losses, is_over)
    SELECT printf('inc_%012d', n / 10), 'crm', 'resolved', :first + n * :apart, printf('evt_%012d', n), 0,
      '[]', 0, 1
    FROM numbers WHERE n % 10 = 0""",
    """INSERT INTO decisions (incident, endpoint, at, told, event)
    SELECT printf('inc_%012d', n / 10), 'crm', :first + n * :apart,
      CASE n % 10 WHEN 0 THEN 'first' ELSE 'resolved' END, printf('evt_%012d', n)
    FROM numbers WHERE n % 10 < 2""",
    """INSERT INTO transitions (system, key, at, phase, is_blind, held)
    SELECT 'office-' || (n % :systems), printf('sip/077%05d', n / 10 % 9973), :first + n * :apart,
      CASE n % 10 WHEN 0 THEN 'firing' ELSE 'ok' END, 0, 60000
    FROM numbers WHERE n % 10 < 2""",
    """INSERT INTO sequences (system, last)
    SELECT 'office-' || n, :many / :systems + 1 FROM numbers WHERE n < :systems
    UNION ALL SELECT 'office-0', :many / :systems + 1""",
)
NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :many) "


@dataclass(frozen=True)
class Loaded:
    """A store, and what it took to make it."""

    path: Path
    events: int
    seconds: float
    gib: float


def load(directory: Path, many: int, now: datetime) -> Loaded:
    """Make a store of so many events, the newest of now."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / product.DATABASE
    began = time.perf_counter()
    databases.open_for_daemon(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        # As it is loaded it may be lost: then it is made again.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE_KIB}", "temp_store=FILE"):
            db.execute(f"PRAGMA {pragma}")
        named = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        indexes = db.execute(named).fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        values = {
            "many": many,
            "systems": SYSTEMS,
            "open": OPEN,
            "dead": DEAD,
            "first": millis(now - SPAN),
            "apart": max(SPAN / timedelta(milliseconds=1) / many, 0),
        }
        for statement in INSERTS:
            db.execute(_said(statement), values)
        for _, sql in indexes:
            db.execute(sql)
        db.execute("PRAGMA journal_mode=WAL")
    return Loaded(path, many, time.perf_counter() - began, path.stat().st_size / 2**30)


def _said(statement: str) -> str:
    """A time is a whole number of milliseconds."""
    into, _, select = statement.partition("SELECT")
    return f"{into} {NUMBERS} SELECT{select}".replace("n * :apart", "CAST(n * :apart AS INTEGER)")


def measured(loaded: Loaded) -> dict[str, float]:
    """Milliseconds of each thing that is done with it, by what it is."""
    found = dict(_asked(loaded))
    with _opened(loaded.path) as database:
        found.update(_done(database))
        found.update(_pruned(database))
    return found


@contextmanager
def _opened(path: Path) -> Iterator[Database]:
    database = databases.open_for_daemon(f"sqlite:///{path}")
    try:
        yield database
    finally:
        database.close()


def _asked(loaded: Loaded) -> Iterator[tuple[str, float]]:
    """The start, lists and the page, of a daemon that has this store."""
    hook = product.Webhook(product.NOBODY, name=ENDPOINT)
    config = product.configure(loaded.path.parent, [hook], listen="127.0.0.1:0")
    with product.daemon(config, core=cores().sender) as daemon:
        yield "start to READY", daemon.ready_after * 1000
        while "daemon.ready" not in daemon.log.read_text():  # which is written a moment after it is said
            _PAUSE.wait(0.05)
        yield "start: CPU", daemon.cpu_seconds() * 1000
        for path in LISTS:
            yield from _timed(f"GET {path}", partial(daemon.ask, f"/api/v1/{path}"), daemon.cpu_seconds)
        visitor = page.Visitor(daemon)
        visitor.sign_in()
        for path in (page.FRONT, "/incidents"):
            yield from _timed(f"page {path}", partial(visitor.get, path), daemon.cpu_seconds)


def _done(database: Database) -> Iterator[tuple[str, float]]:
    """What a poll with five new messages writes; what a claim of fifty and their results take."""
    recorder = Recorder([Interest(ENDPOINT, ("*",), None)], clock.new_id)
    numbers = iter(range(10**9))

    def poll() -> None:
        facts = [Fact("sms.received", f"sms/059{next(numbers):07}", {"sms": {}}) for _ in range(5)]
        with database.write() as db:
            recorder.record(db, "office-0", facts, clock.utcnow())

    def deliver() -> None:
        now = clock.utcnow()
        with database.write() as db:
            lease = Lease(clock.new_id("lease"), now, now + timedelta(minutes=1))
            claimed = outbox.claim(db, ENDPOINT, 50, lease).messages
        done = [Attempted(one, Outcome.ACCEPTED, now, phases=Phases(0, 0, 0, 0, 1)) for one in claimed]
        with database.write() as db:
            outbox.finish(db, [Finished(one, DELIVERED) for one in done], now)

    def backlog() -> None:
        with database.read() as db:
            views.backlog(db)

    yield from _timed("5 new events with their deliveries", poll, time.process_time, TURNS)
    yield from _timed("50 claimed and finished", deliver, time.process_time, OPEN // 50)
    yield from _timed("backlog", backlog, time.process_time)


def _pruned(database: Database) -> Iterator[tuple[str, float]]:
    """A pass in which some rows have come of age, how long it held up others, and the pass after it."""
    with database.read() as db:
        at = int(db.exec_driver_sql("SELECT timestamp FROM events ORDER BY number LIMIT 1 OFFSET ?",
                                    (OLD_ROWS,)).scalar_one())  # fmt: skip
    now = clock.utcnow()
    age = timedelta(milliseconds=millis(now) - at)
    held: list[float] = []
    began_at = [0.0, 0.0]
    worked: list[float] = []

    def begun(_db: object) -> None:
        began_at[:] = [clock.monotonic(), time.thread_time()]

    def committed(_db: object) -> None:
        held.append(clock.monotonic() - began_at[0])
        worked.append(time.thread_time() - began_at[1])

    sa.event.listen(database.engine, "begin", begun)
    sa.event.listen(database.engine, "commit", committed)
    keeper = Housekeeper(database, monotonic=clock.monotonic)
    rules = Retention(events=age, delivered=age, dead=age, undelivered=age, attempts=age)
    cpu, began = time.process_time(), time.perf_counter()
    pruned = keeper.run_once(now, rules)
    took = time.perf_counter() - began
    yield "pruned, of 1,000 rows", took * 1e6 / max(pruned.deliveries + pruned.attempts + pruned.events, 1)
    yield "pruning: longest turn", max(held, default=0) * 1000
    yield "pruning: longest turn: CPU", max(worked, default=0) * 1000
    yield "pruning: CPU", (time.process_time() - cpu) * 1000
    cpu = time.process_time()
    keeper.run_once(now, rules)
    yield "pruning with nothing to do: CPU", (time.process_time() - cpu) * 1000


def _timed(
    name: str, work: Callable[[], object], cpu_seconds: Callable[[], float], many: int = REQUESTS
) -> Iterator[tuple[str, float]]:
    """How long it takes, and what it costs, which says more on a machine that others use, too."""
    work()
    took: list[float] = []
    before = cpu_seconds()
    for _ in range(many):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    yield f"{name}, p95", percentile(took, 0.95)
    yield f"{name}: CPU", (cpu_seconds() - before) / many * 1000


def table(sizes: Sequence[Loaded], found: Mapping[int, Mapping[str, float]]) -> str:
    """A table in Markdown, a column for each size."""
    names = list(dict.fromkeys(name for one in found.values() for name in one))
    lines = [
        f"| ms | {' | '.join(f'{one.events:,}' for one in sizes)} |",
        f"|---|{'---|' * len(sizes)}",
        f"| loaded in, s | {' | '.join(shown(one.seconds) for one in sizes)} |",
        f"| size, GiB | {' | '.join(shown(one.gib) for one in sizes)} |",
    ]
    for name in names:
        cells = (shown(found[one.events][name]) if name in found[one.events] else "" for one in sizes)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def figures(sizes: Sequence[Loaded], found: Mapping[int, Mapping[str, float]]) -> tuple[Figure, ...]:
    """The same for a run's file."""
    of_stores = [("loaded in", "s", {one.events: one.seconds for one in sizes})]
    of_stores.append(("size", "GiB", {one.events: one.gib for one in sizes}))
    names = dict.fromkeys(name for one in found.values() for name in one)
    timed = [(name, "ms", {many: one[name] for many, one in found.items() if name in one}) for name in names]
    return tuple(
        Figure(f"{name}{AT}{many}", name, unit, (value,))
        for name, unit, values in (*of_stores, *timed)
        for many, value in values.items()
    )


def main(words: Sequence[str]) -> int:
    """Load and measure one size after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=SIZES)
    parser.add_argument("--directory", type=Path, default=Path("build/scale"))
    parser.add_argument("--keep", action="store_true", help="the stores; else they are deleted as it goes")
    asked = parser.parse_args(words)
    sizes: list[Loaded] = []
    found: dict[int, dict[str, float]] = {}
    directory: Path = asked.directory.absolute()
    for many in asked.events:
        folder = directory / str(many)
        shutil.rmtree(folder, ignore_errors=True)
        one = load(folder, many, clock.utcnow())
        sizes.append(one)
        print(f"{many:,} events: {one.seconds:.0f} s, {one.gib:.2f} GiB", flush=True)
        found[many] = measured(one)
        told = table(sizes, found)
        (directory / "scale.md").write_text(told)
        run = Results(machine.described(), figures(sizes, found), rounds=1, is_quick=False)
        results.write(run, directory / "scale.json")
        names = [name for name in found[many] if name.endswith(CPU)]
        curves = {name: [(size.events, found[size.events][name]) for size in sizes] for name in names}
        (directory / "scale.svg").write_text(
            plot.curves("milliseconds of CPU, by events in the store", curves)
        )
        print(told, flush=True)
        if not asked.keep:
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
