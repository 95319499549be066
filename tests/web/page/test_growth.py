"""No page and no list looks through a table: in a store with four times as much it does as much work.

The work is what SQLite does: the steps of its machine, as its progress handler counts them. A scan of any
table shows, also one within an index, a sort or a count, which a plan of the query may call by another name.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from daemon.core.durations import SECOND
from daemon.store.database import Database
from daemon.web.dependencies import Scheduled
from tests.support import full_store, stores
from tests.support.fakes import START
from tests.support.full_store import Size
from tests.support.http_app import Setting

SYSTEM = "main"
FEW, MANY = 3_000, 12_000
EVERY = 50
"""Steps between two calls of the handler."""
SLACK = 2_000
"""Steps: a tree of rows is one level higher."""
BIG = ("events", "deliveries", "attempts", "incidents", "transitions", "decisions", "commands", "ledger")
INCIDENT, DELIVERY, COMMAND = "inc_000000000010", "101", "cmd_000000000100"
PAGES = (
    "/",
    "/now",
    f"/systems/{SYSTEM}",
    "/incidents",
    "/incidents?state=ended",
    f"/incidents/{INCIDENT}",
    "/sms",
    "/endpoints",
    "/endpoints/crm",
    f"/deliveries/{DELIVERY}",
    "/commands",
    f"/commands/{COMMAND}",
    "/silences",
    "/digests",
)
LISTS = (
    "status",
    "now",
    "events?limit=50",
    "alerts",
    "incidents",
    f"incidents/{INCIDENT}",
    "deliveries",
    "deliveries?status=dead",
    "deliveries?endpoint=crm",
    f"deliveries/{DELIVERY}",
    "commands",
    "endpoints",
    "silences",
)


class Work:
    """What an app's questions cost SQLite, and which they were."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self.steps = 0
        self.asked: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def counted(self) -> Iterator[None]:
        self.steps = 0
        self.asked.clear()
        with closing(self._engine.raw_connection()) as pooled:
            driver = pooled.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        sa.event.listen(self._engine, "before_cursor_execute", self._ask)
        driver.set_progress_handler(self._step, EVERY)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)
            sa.event.remove(self._engine, "before_cursor_execute", self._ask)

    def _step(self) -> int:
        self.steps += EVERY
        return 0

    def _ask(self, connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        before = self.steps
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            with closing(cursor.connection.cursor()) as plan:
                for row in plan.execute(f"EXPLAIN QUERY PLAN {statement}", values):
                    self.asked[" ".join(statement.split())[:300], row[-1]] += 1
        self.steps = before


def scans(work: Work) -> Sequence[str]:
    """What may be the culprit: where a plan walks through one of the tables that grow."""
    return [
        f"{plan}: {statement}"
        for statement, plan in work.asked
        if plan.startswith("SCAN") and any(one in plan.split() for one in BIG)
    ]


@pytest.fixture(scope="module")
def houses() -> Iterator[list[tuple[Work, TestClient, TestClient]]]:
    """One in which little happened, and one in which much did: each with a browser and a program."""
    made, databases = [], []
    for events in (FEW, MANY):
        database = stores.in_memory()
        full_store.fill(database, Size(events, [SYSTEM], 12), START)
        setting = Setting(database, schedule=[Scheduled(SYSTEM, "sip", 30 * SECOND, START)])
        made.append((Work(database), setting.visitor(), setting.admin))
        databases.append(database)
    yield made
    for one in databases:
        one.close()


@pytest.mark.parametrize("path", [*PAGES, *(f"/api/v1/{one}" for one in LISTS)])
def test_four_times_as_much_is_no_more_work(
    houses: list[tuple[Work, TestClient, TestClient]], path: str
) -> None:
    steps = []
    for work, browser, program in houses:
        client = program if path.startswith("/api/") else browser
        assert client.get(path).status_code == 200  # what is prepared once is prepared
        with work.counted():
            assert client.get(path).status_code == 200
        steps.append(work.steps)

    few, many = steps
    assert many <= few + SLACK, (steps, scans(houses[1][0]))


def test_a_table_that_is_looked_through_is_found(
    houses: list[tuple[Work, TestClient, TestClient]],
) -> None:
    """So that the test above cannot be silent: a question that nobody should ask."""
    steps = []
    for work, _, _ in houses:
        with work.counted(), work._engine.connect() as db:
            db.execute(sa.text("SELECT count(*) FROM events WHERE body LIKE '%x%'")).all()
        steps.append(work.steps)

    assert steps[1] > steps[0] + SLACK
    assert scans(houses[1][0])
