"""Prepared statements say the same to SQLite by themselves as SQLAlchemy says for them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.store.database import Database
from daemon.store.location import FAILURES
from daemon.store.prepared import Prepared
from tests.support import stores
from tests.support.engines import ON_SQLITE

ADD = Prepared(
    "INSERT INTO sequences (last, system) VALUES (:last, :system) RETURNING system, last AS number, last + 1",
    "system", "last",
)  # fmt: skip
PUT = Prepared("INSERT INTO sequences (system, last) VALUES (:system, :last)", "system", "last")
SET = Prepared("UPDATE sequences SET last = :last + :last WHERE system <> :system", "system", "last")
GET = Prepared("SELECT system, last FROM sequences WHERE system >= :system ORDER BY system", "system")
BROKEN = Prepared("SELECT a FROM nowhere WHERE a = :a", "a")


@pytest.fixture(params=["by itself", "by SQLAlchemy"])
def database(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    database = stores.at(tmp_path / "prepared.db")
    if request.param == "by SQLAlchemy":  # which is asked where somebody listens
        sa.event.listen(database.engine, "before_cursor_execute", lambda *_: None)
    yield database
    database.close()


def test_rows_have_their_names_and_what_was_touched_is_counted(database: Database) -> None:
    with database.write() as db:
        (added,) = ADD.all(db, "a", 7)
        PUT.run_many(db, [("b", 1), ("c", 2)])
        PUT.run_many(db, [])
        touched = SET.run(db, "a", 5)
        assert (added.system, added.number, tuple(added)) == ("a", 7, ("a", 7, 8))
        assert (touched, SET.run(db, "a", 6), PUT.run(db, "d", 3)) == (2, 2, 1)
    with database.read() as db:
        found = GET.all(db, "b")
        assert [(row.system, row.last, row[1]) for row in found] == [
            ("b", 12, 12),
            ("c", 12, 12),
            ("d", 3, 3),
        ]
        assert GET.all(db, "x") == []
        assert [*GET.each(db, "b")] == [("b", 12), ("c", 12), ("d", 3)]
        assert all(type(row) is tuple for row in GET.each(db, "b"))


@pytest.mark.parametrize(
    ("fails", "error"),
    [
        (lambda db: PUT.run(db, "a", 1), sa.exc.IntegrityError),
        (lambda db: ADD.all(db, "a", 1), sa.exc.IntegrityError),
        (lambda db: PUT.run_many(db, [("b", 1), ("a", 1)]), sa.exc.IntegrityError),
        (lambda db: BROKEN.all(db, 1), (sa.exc.OperationalError, sa.exc.ProgrammingError)),
        (lambda db: [*BROKEN.each(db, 1)], (sa.exc.OperationalError, sa.exc.ProgrammingError)),
        (lambda db: PUT.run(db, "x", 2**70), (OverflowError, sa.exc.DBAPIError)),
    ],
    ids=["run", "all", "many", "broken", "broken, each", "too large"],
)
def test_what_fails_fails_as_for_sqlalchemy_and_writes_nothing(
    database: Database, fails: Callable[[sa.Connection], object], error: type[Exception]
) -> None:
    with database.write() as db:
        PUT.run(db, "a", 1)
    with pytest.raises(error) as raised, database.write() as db:
        PUT.run(db, "z", 9)
        fails(db)

    if "nowhere" in str(raised.value):
        assert isinstance(raised.value, FAILURES)
    with database.read() as db:
        assert [row.system for row in GET.all(db, "")] == ["a"]


@ON_SQLITE
def test_a_statement_begins_the_transaction_that_it_is_in(database: Database) -> None:
    with database.engine.connect() as db:
        PUT.run(db, "a", 1)
        assert db.in_transaction()
        db.rollback()
        assert GET.all(db, "") == []


def test_who_listens_hears_of_every_statement(engine: str, tmp_path: Path) -> None:
    database = stores.at(tmp_path / "heard.db")
    heard: list[str] = []
    with database.write() as db:
        GET.all(db, "a")
    sa.event.listen(database.engine, "before_cursor_execute", lambda *given: heard.append(given[2]))
    with database.write() as db:
        GET.all(db, "a")
    with database.read() as db:
        GET.all(db, "a")
    database.close()

    assert [one.split()[0] for one in heard if not one.startswith("BEGIN")] == ["SELECT", "SELECT"]
