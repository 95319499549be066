"""What waits for a dead endpoint costs the others nothing.

Nothing is timed. Work is counted in steps of SQLite's virtual machine, beside a hundred thousand rows of
somebody else and without them; and the plan of every statement that was run is looked at.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from _pytest.mark import ParameterSet

from daemon.core.delivery.breaker import HEALTHY
from daemon.core.delivery.outcome import Attempted, Message, Next, Outcome, Status
from daemon.core.model import Fact
from daemon.core.routing.filters import Filter, Operator
from daemon.core.routing.plan import Interest, Order, plan
from daemon.pipeline.withdrawal import withdraw
from daemon.store import endpoint_health, events, history, ledger, outbox, retries, withdrawals
from daemon.store.column_types import millis
from daemon.store.database import Database
from daemon.store.history import Wanted
from daemon.store.outbox import Finished, Lease
from tests.support import stores
from tests.support.fakes import START, Ids

pytestmark = pytest.mark.slow


MANY = 25_000
"""Deliveries of each kind that are in nobody's way; there are four kinds."""
BATCH = 10
LATER = START + timedelta(seconds=1)
FAR = START + timedelta(days=1)

Columns = tuple[str, str, str]
IN_ONE_LANE = "'main/one'", "CASE number WHEN 1 THEN 'pending' ELSE 'waiting' END", "NULL"
IN_MANY_LANES = "'main/' || number", "'pending'", "NULL"
GIVEN_UP = "'main/' || number", "'dead'", "due"
ARRIVED = "'main/' || number", "'delivered'", "due"
CROWD = {"one-lane": IN_ONE_LANE, "many-lanes": IN_MANY_LANES, "dead": GIVEN_UP, "crm": ARRIVED}
"""By the name of the endpoint: the lane, the status and the end of each of its deliveries. An endpoint's
own past is in its way no more than the others' present."""


DELIVERIES = (
    "INSERT INTO deliveries (event, endpoint, lane, status, created_at, due_at, attempts, failures, urgency,"
    " ended_at) SELECT number, ?, {}, {}, due, due, 2, 2, 0, {} FROM (SELECT number, ? AS due FROM events)"
)
ATTEMPTS = (
    "INSERT INTO attempts (delivery, number, started_at, resolved, connected, secured, answered, total,"
    " outcome) SELECT id, ?, due_at, 0, 0, 0, 0, 0, 'failed' FROM deliveries WHERE endpoint = 'dead'"
)


def crowd(database: Database, kinds: Mapping[str, Columns], many: int) -> None:
    """Events that nobody but these endpoints was told of; those that were given up, attempted twice."""
    due = millis(START)
    with database.write() as db:
        db.exec_driver_sql(
            "INSERT INTO events (number, id, system, sequence, type, subject, timestamp, body)"
            " WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ?)"
            " SELECT n, 'old_' || n, 'main', n, 'sms.received', 'sms/' || n, ?, '{}' FROM count",
            (many, due),
        )
        db.exec_driver_sql("INSERT INTO sequences (system, last) VALUES ('main', ?)", (many,))
        for name, columns in kinds.items():
            db.exec_driver_sql(DELIVERIES.format(*columns), (name, due))
        for number in (1, 2):
            db.exec_driver_sql(ATTEMPTS, (number,))


class Store:
    """A database in which "crm" has a little to do, and a counter of what is done in it."""

    def __init__(self, *, is_crowded: bool) -> None:
        self.database = stores.in_memory()
        if is_crowded:
            crowd(self.database, CROWD, MANY)
        self.ids = Ids()
        with self.database.write() as db:
            self.add(db, *(f"s{number % 25}" for number in range(50)))
            self.held = self.claim(db)
            endpoint_health.save(db, {"crm": HEALTHY})
            given_up = self.claim(db)
            outbox.finish(db, [_ended(one, Status.DEAD, Outcome.REFUSED) for one in given_up], START)
            self.given_up = [one.delivery for one in given_up]

    def add(self, db: sa.Connection, *subjects: str, order: Order = Order.STRICT) -> None:
        facts = [Fact("sip.account.added", subject, {}) for subject in subjects]
        written = events.record(db, "main", facts, START, self.ids)
        outbox.add(
            db,
            plan(written, [Interest("crm", ("*",), None, order=order)]),
            START,
        )

    def claim(self, db: sa.Connection, least: int | None = None) -> list[Message]:
        lease = Lease(self.ids("lease"), LATER, FAR)
        return outbox.claim(db, "crm", BATCH, lease, least=least).messages

    @contextmanager
    def undone(self) -> Iterator[sa.Connection]:
        """A transaction that leaves nothing behind."""
        with self.database.engine.connect() as db:
            yield db
            db.rollback()

    def steps(self, work: "Work") -> int:
        """How often SQLite's virtual machine looked up from what it was doing."""
        counted = 0

        def count() -> None:
            nonlocal counted
            counted += 1

        with self.undone() as db:
            driver = db.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.set_progress_handler(count, 1)
            work(self, db)
            driver.set_progress_handler(None, 0)
        return counted

    def plans(self, work: "Work") -> list[tuple[str, list[str]]]:
        """Every statement that the work runs, and how SQLite goes about it."""
        run: list[tuple[str, object]] = []

        def note(_db: object, _cursor: object, statement: str, values: object, *_: object) -> None:
            run.append((statement, values[0] if isinstance(values, list) and values else values))

        sa.event.listen(self.database.engine, "before_cursor_execute", note)
        with self.undone() as db:
            work(self, db)
        sa.event.remove(self.database.engine, "before_cursor_execute", note)
        with self.undone() as db:
            driver = db.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            return [
                (
                    statement,
                    [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", values)],  # type: ignore[arg-type] # as the driver was given them
                )
                for statement, values in run
                if statement.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")
            ]


Work = Callable[[Store, sa.Connection], object]


def _ended(message: Message, status: Status, outcome: Outcome = Outcome.ACCEPTED) -> Finished:
    return Finished(
        Attempted(message, outcome, START), Next(status, LATER if status is Status.PENDING else None)
    )


def _finish(status: Status, outcome: Outcome) -> Work:
    return lambda store, db: outbox.finish(db, [_ended(one, status, outcome) for one in store.held], LATER)


HOT: dict[str, Work] = {
    "claim": lambda store, db: store.claim(db),
    "claim in a quiet window": lambda store, db: store.claim(db, least=0),
    "claim for a trial": lambda store, db: outbox.claim(
        db, "crm", 1, Lease("trial", START, FAR), is_trial=True
    ),
    "finish what arrived": _finish(Status.DELIVERED, Outcome.ACCEPTED),
    "finish what failed": _finish(Status.PENDING, Outcome.FAILED),
    "finish what was given up": _finish(Status.DEAD, Outcome.REFUSED),
    "next due": lambda _, db: outbox.next_due(db, "crm"),
    "next due in a quiet window": lambda _, db: outbox.next_due(db, "crm", least=0),
    "release": lambda store, db: outbox.release(db, store.held),
    "release what was not sent": lambda store, db: outbox.release_unsent(db, {store.held[0].token}),
    "release what ran out": lambda _, db: outbox.release_expired(db, FAR + timedelta(days=1)),
    "release after a crash": lambda _, db: outbox.release_all(db),
    "add": lambda store, db: store.add(db, "s1", "s2", "new"),
    "add what makes others outdated": lambda store, db: store.add(db, "s1", order=Order.LATEST),
    "supersede an incident": lambda _, db: withdrawals.supersede(db, "crm", "inc_1", START),
    "hasten": lambda _, db: retries.hasten(db, "crm", START),
    "hasten a little": lambda _, db: retries.hasten(db, "crm", START, apart=timedelta(seconds=10)),
    "take back what failed": lambda store, db: ledger.take_back(
        db, [one.delivery for one in store.held], LATER
    ),
    "revive": lambda _, db: retries.revive(db, "crm", START, LATER),
    "reopen": lambda store, db: retries.reopen(db, store.given_up, LATER),
    "give up": lambda store, db: retries.give_up(db, store.given_up, "too old", LATER),
    "load health": lambda _, db: (endpoint_health.load(db), endpoint_health.asked(db)),
    "save health": lambda _, db: endpoint_health.save(db, {"crm": HEALTHY}),
}
"""What the dispatcher and the pollers do all day, or when an endpoint's health turns."""

SHOWN: dict[str, Work] = {
    "deliveries of an endpoint": lambda _, db: history.read(db, Wanted(endpoint="crm", limit=BATCH)),
    "all dead letters of an endpoint": lambda _, db: history.read(
        db, Wanted(endpoint="crm", status=Status.DEAD, limit=10 * BATCH)
    ),
    "one delivery": lambda store, db: history.find(db, store.given_up[0]),
    "an event's deliveries": lambda _, db: history.of_events(db, ["evt_1", "evt_2"]),
    "one event": lambda _, db: events.find(db, "evt_1"),
    "the count of events": lambda _, db: events.count(db),
    "the newest event": lambda _, db: events.newest(db)[0],
}
"""What people ask for, of an endpoint or of all."""

SHORT = ("SCAN deliveries USING INDEX deliveries_leased", "SCAN endpoints")
"""What may be walked from end to end: what is under way, and the endpoints."""
FEW = ("deliveries_leased (token=?)", "INTEGER PRIMARY KEY (rowid=?)")
"""What gives no more rows than were claimed, or named, so that they may be sorted."""


@pytest.fixture(scope="module")
def quiet() -> Iterator[Store]:
    one = Store(is_crowded=False)
    yield one
    one.database.close()


@pytest.fixture(scope="module")
def crowded() -> Iterator[Store]:
    one = Store(is_crowded=True)
    yield one
    one.database.close()


def works(of: dict[str, Work]) -> list[ParameterSet]:
    return [pytest.param(work, id=name) for name, work in of.items()]


@pytest.mark.parametrize("work", works(HOT | SHOWN))
def test_it_costs_no_more_beside_a_hundred_thousand(quiet: Store, crowded: Store, work: Work) -> None:
    alone = quiet.steps(work)

    assert alone > 0
    assert crowded.steps(work) <= alone + BATCH


@pytest.mark.parametrize("work", works(HOT))
def test_no_statement_of_the_hot_path_walks_or_sorts_a_table(quiet: Store, work: Work) -> None:
    plans = quiet.plans(work)

    assert plans
    for statement, steps in plans:
        for step in steps:
            assert not step.startswith("SCAN") or step in SHORT, statement
        if any("TEMP B-TREE" in step for step in steps):
            read = [step for step in steps if step.startswith(("SCAN", "SEARCH"))]
            assert all(any(few in step for few in FEW) for step in read), statement


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param(Interest("dead", ("sip.*",), None), id="events"),
        pytest.param(
            Interest("dead", ("*",), None, filters=(Filter("sms.from", Operator.IS, ("0501",)),)),
            id="filters",
        ),
    ],
)
def test_a_dead_letter_costs_as_little_to_withdraw_beside_many_as_beside_few(wish: Interest) -> None:
    """And nothing where the endpoint does not fail, since nothing takes it up again."""

    def steps(many: int) -> int:
        counted = 0

        def count() -> None:
            nonlocal counted
            counted += 1

        with closing(stores.in_memory()) as database:
            crowd(database, {"dead": GIVEN_UP}, many)
            with database.write() as db:
                db.exec_driver_sql('UPDATE events SET body = \'{"data":{"sms":{"from":"0502"}}}\'')
                assert withdraw(db, [wish], LATER) == {}
                endpoint_health.save(db, {"dead": replace(HEALTHY, failing_since=START)})
                driver = db.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                driver.set_progress_handler(count, 100)
                assert withdraw(db, [wish], LATER) == {"dead": many}
                driver.set_progress_handler(None, 0)
        return counted

    few, many = steps(1_000), steps(10_000)

    assert many < 12 * few


def test_however_many_were_given_up_they_are_taken_up_again() -> None:
    """More of them than a statement may have values, in the oldest SQLite that may be met (999)."""
    database = stores.in_memory()
    crowd(database, {"dead": GIVEN_UP}, 1_100)
    with database.write() as db:
        driver = db.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)

        revived = retries.revive(db, "dead", START, LATER)
        pending = db.exec_driver_sql(
            "SELECT count(*) FROM deliveries WHERE endpoint = 'dead' AND status = 'pending'"
        ).scalar()
    database.close()

    assert revived == pending == 1_100
