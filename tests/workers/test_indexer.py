"""The texts of events follow them: also after a kill, after an upgrade, and with several daemons."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from daemon.core.model import Fact
from daemon.core.ownership import HOUSE, Kind
from daemon.core.retention import Retention
from daemon.core.search import terms
from daemon.store import copying, events, search, searchable
from daemon.store import database as databases
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING
from daemon.store.search import Patience
from daemon.store.searchable import Unindexed
from daemon.workers.housekeeper import Housekeeper
from daemon.workers.indexer import AT_ONCE, BUSY, Indexer, Run
from tests.support import stores
from tests.support.engines import ON_SQLITE
from tests.support.fakes import START, Ids

A_DAY = Retention(events=timedelta(days=1))


@pytest.fixture
def database(engine: str) -> Iterator[Database]:
    one = stores.new()
    yield one
    one.close()


class Shared:
    """What one of several daemons has."""

    is_sole = False
    among = EVERYTHING.among

    def __init__(self) -> None:
        self.has = True
        self.keeps = True

    def holds(self, kind: Kind, name: str) -> bool:
        assert (kind, name) == (Kind.DUTY, HOUSE)
        return self.has

    def token(self, _kind: Kind, _name: str) -> int:
        return 1

    def kept(self, _db: sa.Connection, _kind: Kind, names: object) -> set[str]:
        return {HOUSE} if self.keeps else set()


def happen(database: Database, many: int, ids: Ids, word: str = "שלום") -> None:
    facts = [Fact("sms.received", "sms/050", {"sms": {"text": f"{word} {number}"}}) for number in range(many)]
    with database.write() as db:
        events.record(db, "main", facts, START, ids)


def found(database: Database, question: str) -> int:
    with database.read() as db:
        query = events.Query(limit=1000)
        return len(search.find(db, query, Patience(lambda: 0.0), terms=terms(question)).events)


def left(database: Database) -> Unindexed:
    with database.read() as db:
        return searchable.unindexed(db)


def test_what_happens_is_found_after_the_next_run(database: Database) -> None:
    ids, indexer = Ids(), Indexer(database, monotonic=lambda: 0.0)
    assert indexer.run_once() == Run(0, 0)

    happen(database, 3, ids)
    assert indexer.run_once() == Run(0, 3)
    happen(database, 2 * AT_ONCE + 1, ids, "ברוך")
    assert indexer.run_once() == Run(2 * AT_ONCE + 1, 0)

    assert (found(database, "שלום"), found(database, "ברוך")) == (3, 2 * AT_ONCE + 1)
    assert indexer.run_once() == Run(0, 0)


def test_a_run_ends_when_its_time_is_up_and_the_next_goes_on_with_the_newest_first(
    database: Database,
) -> None:
    """Of what there was before an upgrade; what happens meanwhile does not wait for it."""
    ids, clock = Ids(), count(step=0.06)
    indexer = Indexer(database, monotonic=lambda: next(clock))
    happen(database, 10 * AT_ONCE, ids)

    first = indexer.run_once()
    assert 0 < first.old < 10 * AT_ONCE
    assert left(database) == Unindexed(0, 10 * AT_ONCE - first.old)
    happen(database, 1, ids, "חדש")
    assert indexer.run_once().new == 1
    assert found(database, "חדש") == 1
    while indexer.run_once() != Run(0, 0):
        pass
    assert left(database) == Unindexed(0, 0)
    assert found(database, "שלום") == 10 * AT_ONCE


def test_a_kill_between_two_transactions_loses_nothing(database: Database) -> None:
    """Each run is another process, which ends where the store fails, or after its first batch."""
    ids = Ids()
    for round_ in range(4):
        happen(database, AT_ONCE + 7, ids, f"word{round_}")
        clock = count(step=0.2)
        Indexer(database, monotonic=lambda clock=clock: next(clock)).run_once()  # type: ignore[misc] # mypy infers no defaults
    with stores.refusing(database, "INSERT ON searchable"):
        Indexer(database, monotonic=lambda: 0.0).run()
    after = Indexer(database, monotonic=lambda: 0.0)
    while after.run_once() != Run(0, 0):
        pass

    assert left(database) == Unindexed(0, 0)
    assert [found(database, f"word{round_}") for round_ in range(4)] == [AT_ONCE + 7] * 4


def test_where_others_wait_to_write_what_was_there_before_waits(database: Database) -> None:
    ids = Ids()
    happen(database, 5 * AT_ONCE, ids)
    clock = count(step=2 * BUSY)
    indexer = Indexer(database, monotonic=lambda: next(clock))

    assert indexer.run_once().old == AT_ONCE


def test_it_is_done_by_who_has_the_duty_and_by_nobody_else(database: Database) -> None:
    ids, shared = Ids(), Shared()
    indexer = Indexer(database, monotonic=lambda: 0.0, ownership=shared)
    happen(database, 3, ids)
    shared.has = False
    indexer.run()
    assert left(database).older == 3

    shared.has, shared.keeps = True, False
    clock = count(step=0.1)
    Indexer(database, monotonic=lambda: next(clock), ownership=shared).run()
    assert left(database).older == 3

    shared.keeps = True
    indexer.run()
    assert left(database) == Unindexed(0, 0)


def test_a_text_goes_with_its_event(database: Database) -> None:
    ids = Ids()
    happen(database, 30, ids)
    Indexer(database, monotonic=lambda: 0.0).run_once()
    assert found(database, "שלום") == 30

    pruned = Housekeeper(database, monotonic=lambda: 0.0).run_once(START.replace(year=2030), A_DAY)

    assert pruned.events == 30
    with database.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM searchable").scalar() == 0
    assert found(database, "שלום") == 0


def test_a_body_that_nobody_can_read_stops_nothing(database: Database) -> None:
    ids = Ids()
    happen(database, 3, ids)
    with database.write() as db:
        db.execute(sa.text("UPDATE events SET body = :body WHERE number = 2"), {"body": b"\xff["})
    Indexer(database, monotonic=lambda: 0.0).run_once()

    assert left(database) == Unindexed(0, 0)


def test_a_store_that_fails_is_said_and_tried_again(database: Database) -> None:
    ids = Ids()
    happen(database, 3, ids)
    indexer = Indexer(database, monotonic=lambda: 0.0)
    with stores.refusing(database, "INSERT ON searchable"), capture_logs() as said:
        indexer.run()
    assert left(database).older == 3
    assert [one["event"] for one in said] == ["index.failed"]

    indexer.run()
    assert left(database) == Unindexed(0, 0)


@ON_SQLITE
def test_a_copy_has_no_texts_and_the_next_daemon_makes_them(database: Database, tmp_path: Path) -> None:
    url, other = f"sqlite:///{tmp_path / 'from.db'}", f"sqlite:///{tmp_path / 'to.db'}"
    source = databases.open_for_daemon(url)
    happen(source, 30, Ids())
    Indexer(source, monotonic=lambda: 0.0).run_once()
    source.close()

    copying.copy(url, other)

    target = databases.open_for_daemon(other)
    assert left(target) == Unindexed(0, 30)
    Indexer(target, monotonic=lambda: 0.0).run_once()
    assert found(target, "שלום") == 30
    target.close()
