"""How everything stood, kept for years: how large a year of it is, and what it costs to write and to read.

A thousand systems of twenty subjects each: the API, thirteen accounts, two queues, units, PirsumPhone, a
directory and the SMS log, polled every 30 s. No network and no other process takes part.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bench.figures import Figure, percentile
from bench.plan import Plan
from daemon.core import retention
from daemon.core.history.book import NOTHING_OPEN, Unflushed
from daemon.core.history.buckets import DAY, HOUR, MINUTE, Bucket
from daemon.core.history.tally import METRICS, Sample, Tally
from daemon.core.watches.api import NO_PROBLEMS
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.operations.history import Span, Sums, history, uptimes
from daemon.schemas.status import Configured, Running, Status
from daemon.store import database as databases
from daemon.store import subjects, uptime, views, watches
from daemon.store.column_types import millis
from daemon.store.database import Database
from daemon.workers.historian import Historian

SYSTEMS = 1_000
WRITTEN = 100
"""Systems of which a year is really written; the others would be like them."""
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
EVERY = timedelta(seconds=30)
OF_QUEUES = [number for name, number in METRICS.items() if name != "balance"]
SHOWN = 50
"""Systems of which the status is asked: a thousand subjects."""
FLUSHES = 5
REQUESTS = 40
MIB = 2**20


def year(plan: Plan) -> list[Figure]:
    """How large the store is by a year of history, with the minutes and hours that are kept beside it."""
    many = plan.size(WRITTEN)
    with _store(plan) as (database, path):
        chance = random.Random(1)  # noqa: S311 - a load, the same each time
        names = [f"system-{number:04}" for number in range(many)]
        for step, lasts in (
            (DAY, 365 * DAY),
            (HOUR, _seconds(retention.HOURS)),
            (MINUTE, _seconds(retention.MINUTES)),
        ):
            last = millis(NOW) - millis(NOW) % (step * 1000)
            for start in range(last - (lasts - step) * 1000, last + 1, step * 1000):
                rows = {(name, Bucket(step, start)): _tallies(step, chance) for name in names}
                with database.write() as db:
                    uptime.write(db, rows, millis(NOW))
        database.close()
        size = path.stat().st_size / MIB * SYSTEMS / many
    note = (
        f"{many} systems of 20 subjects written, in MiB of {SYSTEMS:,}; every tenth hour with something wrong"
    )
    return [Figure("history-year", "a year of history, 20,000 subjects", "MiB", (size,), note=note)]


def flush(plan: Plan) -> list[Figure]:
    """What it costs to write a minute of 20,000 subjects, and for how long others wait for the store."""
    many = plan.size(SYSTEMS)
    with _store(plan) as (database, _):
        held: list[float] = []
        historian = Historian(_Timed(database, held))
        _fill(database, many)
        seen, cpu = {one.subject: one for one in _subjects(7)}, []
        now = NOW
        for minute in range(FLUSHES):
            for part in range(2):
                now += EVERY
                for number in range(many):
                    at = {"clock": now.timestamp(), "now": now, "most": 2 * EVERY}
                    owner = (f"system-{number:04}", "sip")
                    if minute == part == 0:
                        historian.looked(owner, seen, seen["api"], **at)  # type: ignore[arg-type]
                    else:
                        historian.same(owner, **at)  # type: ignore[arg-type]
            began = time.thread_time()
            historian.flush(now)
            cpu += [(time.thread_time() - began) * 1000] if minute else []
    note = f"{many:,} systems, once a minute"
    return [
        Figure(
            "history-flush",
            "a flush of 20,000 subjects",
            "ms CPU",
            tuple(cpu),
            note=note,
        ),
        Figure(
            "history-held",
            "one of its transactions, p95",
            "ms",
            (percentile(held[len(held) // FLUSHES :], 0.95),),
            note=f"{len(held)} transactions, the commit included",
        ),
    ]


def reading(plan: Plan) -> list[Figure]:
    """The status of a thousand subjects with and without their uptime, and the history of one."""
    with _store(plan) as (database, _):
        chance = random.Random(2)  # noqa: S311 - a load, the same each time
        _fill(database, SHOWN)
        for step, many in ((DAY, 40), (HOUR, 31 * 24), (MINUTE, 25 * 60)):
            last = millis(NOW) - millis(NOW) % (step * 1000)
            for back in range(many):
                bucket = Bucket(step, last - back * step * 1000)
                with database.write() as db:
                    uptime.write(
                        db, {(f"system-{one:04}", bucket): _tallies(step, chance) for one in range(SHOWN)}, 1
                    )
        sums, took = (
            Sums(),
            {
                "status": list[float](),
                "status?uptime=true": [],
                "history of a day": [],
                "history of a month": [],
            },
        )
        _status(database, sums)
        for _ in range(REQUESTS):
            took["status"].append(_timed(lambda: _status(database, None)))
            took["status?uptime=true"].append(_timed(lambda: _status(database, sums)))
            took["history of a day"].append(_timed(lambda: _history(database, timedelta(days=1))))
            took["history of a month"].append(_timed(lambda: _history(database, timedelta(days=30))))
    return [
        Figure(
            f"read {name}",
            f"{name}, p95",
            "ms",
            (percentile(times, 0.95),),
            note=f"{SHOWN * 20:,} subjects, a month of history; {REQUESTS} requests",
        )
        for name, times in took.items()
    ]


class _Timed(Database):
    """Notes how long each writing transaction takes."""

    def __init__(self, database: Database, held: list[float]) -> None:
        super().__init__(database.engine)
        self._held = held

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with super().write() as db:
            began = time.perf_counter()
            yield db
        self._held.append((time.perf_counter() - began) * 1000)


def _status(database: Database, sums: Sums | None) -> None:
    every = {(f"system-{number:04}", "sip"): EVERY for number in range(SHOWN)}
    with database.read() as db:
        seen = views.read(db)
        of = uptimes(db, seen.subjects, _nothing, NOW, sums) if sums is not None else None
    Status.of(seen, Configured(every, []), Running(), NOW, of).model_dump_json()


def _history(database: Database, back: timedelta) -> None:
    with database.read() as db:
        history(db, "system-0007", "queue/1", Span(NOW - back, NOW), NOW).model_dump_json()


def _nothing(_system: str) -> Unflushed:
    return NOTHING_OPEN


def _timed(ask: Callable[[], None]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def _fill(database: Database, many: int) -> None:
    """Systems whose one watch sees everything."""
    for number in range(many):
        system = f"system-{number:04}"
        with database.write() as db:
            subjects.save(db, (system, "sip"), _subjects(number), NOW, None)
            watches.save_observed(db, (system, "sip"), "{}", now=NOW, problems=NO_PROBLEMS)


def _subjects(number: int) -> list[Subject]:
    up, metrics = SubjectState.UP, dict.fromkeys(METRICS, number)
    return [
        Subject("api", SubjectKind.API, up),
        *(Subject(f"sip/{one}", SubjectKind.SIP, up) for one in range(13)),
        *(Subject(f"queue/{one}", SubjectKind.QUEUE, up, "sales", metrics=metrics) for one in range(2)),
        Subject("units", SubjectKind.UNITS, up, metrics={"balance": 100.5}),
        Subject("pirsumphone", SubjectKind.PIRSUMPHONE, up),
        Subject("directory/2", SubjectKind.DIRECTORY, up),
        Subject("sms", SubjectKind.SMS, up),
    ]


def _tallies(step: int, chance: random.Random) -> dict[int, Tally]:
    """A bucket of one system: mostly everything is up, all the while; queues never stand still."""
    whole = step * 1000
    found = dict.fromkeys(range(1, 15), Tally(whole))
    found |= dict.fromkeys(range(18, 21), Tally(whole))
    if chance.random() < 0.1:
        down = chance.randrange(whole)
        found[chance.randrange(1, 15)] = Tally(whole - down, down)
    for queue in (15, 16):
        found[queue] = Tally(whole, 0, {number: _sample(whole, chance) for number in OF_QUEUES})
    balance = chance.randrange(10_000)
    found[17] = Tally(whole, 0, {METRICS["balance"]: Sample(whole, whole * balance, balance, balance)})
    return found


def _sample(whole: int, chance: random.Random) -> Sample:
    least = 100 * chance.randrange(5)
    most = least + 100 * chance.randrange(20)
    return Sample(whole, chance.randint(least * whole, most * whole), least, most)


def _seconds(length: timedelta) -> int:
    return round(length.total_seconds())


@contextmanager
def _store(plan: Plan) -> Iterator[tuple[Database, Path]]:
    with tempfile.TemporaryDirectory(dir=plan.directory) as name:
        path = Path(name) / "yemotd.db"
        database = databases.open_for_daemon(f"sqlite:///{path}")
        try:
            yield database, path
        finally:
            database.close()
