"""The bell of the store: rung after every commit that wrote events, and after no other."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.core.model import Fact
from daemon.store import events
from daemon.store.database import Database, touch
from tests.support import stores
from tests.support.engines import ON_SQLITE
from tests.support.fakes import START, Ids

FACTS = [Fact("sms.received", "sms/0501234567", {})] * 2


class Rung:
    """What a second reader saw, each time it was rung."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.saw: list[int] = []
        database.on_events = self

    def __call__(self) -> None:
        with self.database.read() as db:
            self.saw.append(events.newest(db)[0])


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[Database]:
    opened = stores.at(tmp_path / "a.db")
    yield opened
    opened.close()


def writes(db: sa.Connection, ids: Callable[[str], str]) -> None:
    events.record(db, "main", FACTS, START, ids)


def test_it_is_rung_once_for_a_commit_and_what_was_committed_can_be_read(database: Database) -> None:
    rung, ids = Rung(database), Ids()
    for _ in range(2):
        with database.write() as db:
            writes(db, ids)
            writes(db, ids)
            assert rung.saw in ([], [4])

    assert rung.saw == [4, 8]


def test_what_wrote_no_events_rings_nothing(database: Database) -> None:
    rung = Rung(database)
    with database.write() as db:
        touch(db)
        events.record(db, "main", [], START, Ids())

    assert rung.saw == []


def test_what_is_rolled_back_rings_nothing_neither_then_nor_by_the_next(database: Database) -> None:
    rung = Rung(database)
    with pytest.raises(ZeroDivisionError), database.write() as db:
        writes(db, Ids())
        raise ZeroDivisionError
    with database.write() as db:
        touch(db)

    assert rung.saw == []


@ON_SQLITE
def test_a_commit_that_fails_rings_nothing(database: Database) -> None:
    rung = Rung(database)
    with pytest.raises(sa.exc.IntegrityError), database.write() as db:
        db.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        db.exec_driver_sql(
            "INSERT INTO attempts"
            " (delivery, number, started_at, outcome, resolved, connected, secured, answered, total)"
            " VALUES (1, 1, 1, 'failed', 0, 0, 0, 0, 0)"
        )
        writes(db, Ids())
    with database.write() as db:
        touch(db)

    assert rung.saw == []
