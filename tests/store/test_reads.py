"""The log beside the database stays short, whoever reads and for however long."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.store import database as databases
from daemon.store import sqlite
from daemon.store.database import Database, touch
from daemon.store.location import CHECKPOINT, FAILURES
from daemon.store.reads import MOST_LOOKS
from daemon.store.sqlite import Sqlite
from tests.support import stores

LIMIT = 1_000_000
PATIENCE = 20.0
ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(sqlite, "LOG_BYTES", LIMIT)
    one = stores.on_file(tmp_path / "a.db")
    yield one
    one.close()


def log_bytes(database: Database) -> int:
    return Sqlite(database.engine)._log_bytes()


def write_much(database: Database) -> None:
    """Three times as much as the log may have, in many transactions."""
    for _ in range(30):
        with database.write() as db:
            db.exec_driver_sql("INSERT INTO kept_scopes VALUES (hex(randomblob(16)), zeroblob(100000))")


def count(db: sa.Connection) -> int:
    return int(db.exec_driver_sql("SELECT count(*) FROM kept_scopes").scalar_one())


def test_a_read_that_stays_open_is_ended_and_the_log_begun_anew(database: Database) -> None:
    with pytest.raises(FAILURES, match="read from for too long"), database.read() as db:
        before = count(db)
        write_much(database)
        ended = [database.tend_log() for _ in range(MOST_LOOKS)]
        assert count(db) == before == 0  # still of one moment
        assert (sum(ended), log_bytes(database) > LIMIT) == (0, True)
        assert database.tend_log() == 1
        with pytest.raises(FAILURES):
            count(db)

    assert log_bytes(database) <= LIMIT
    with database.read() as db:
        assert count(db) == 30


def test_who_asked_for_nothing_more_learns_at_the_end_that_it_was_ended(database: Database) -> None:
    with pytest.raises(FAILURES, match="read from for too long"), database.read() as db:
        count(db)
        for _ in range(MOST_LOOKS + 1):
            database.tend_log()


def test_what_is_being_read_is_interrupted(database: Database) -> None:
    said: list[str] = []
    begun = threading.Event()

    def read() -> None:
        try:
            with database.read() as db:
                count(db)
                begun.set()
                db.exec_driver_sql(ENDLESS).scalar()
        except FAILURES as error:
            said.append(str(error.orig))  # type: ignore[union-attr]

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(PATIENCE)
    for _ in range(MOST_LOOKS + 1):
        database.tend_log()
    reader.join(PATIENCE)

    assert said == ["it was read from for too long at a time, and the log beside the database grew"]


def test_reads_that_end_are_left_alone_and_so_are_those_after_one_that_was_ended(database: Database) -> None:
    with pytest.raises(FAILURES), database.read() as db:
        for _ in range(MOST_LOOKS + 1):
            database.tend_log()
        count(db)
    for _ in range(3 * MOST_LOOKS):
        with ExitStack() as reads:
            for _ in range(databases.MOST_READERS):
                assert count(reads.enter_context(database.read())) == 0
            assert database.tend_log() == 0


def test_a_reader_of_another_program_holds_nobody_up_and_the_log_is_short_once_it_is_gone(
    database: Database, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM kept_scopes").fetchone()
        write_much(database)
        assert database.tend_log() == 0
        with database.write() as db:
            touch(db)
        assert log_bytes(database) > LIMIT
    database.tend_log()

    assert log_bytes(database) <= LIMIT


def test_what_somebody_else_brings_into_the_file_is_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Litestream does, which has to see all of the log."""
    monkeypatch.setattr(sqlite, "LOG_BYTES", LIMIT)
    stores.on_file(tmp_path / "b.db").close()
    one = databases.open_for_daemon(f"sqlite:///{tmp_path / 'b.db'}?{CHECKPOINT}=0")
    write_much(one)
    one.tend_log()

    assert log_bytes(one) > LIMIT
    one.close()


def test_a_crowd_that_reads_all_the_time_does_not_keep_the_log_from_being_begun_anew(
    database: Database,
) -> None:
    """Four who read one after the other: SQLite alone hardly finds a moment in which none of them does."""
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            with database.read() as db:
                count(db)
                is_over.wait(0.002)

    crowd = [threading.Thread(target=read) for _ in range(4)]
    for one in crowd:
        one.start()
    write_much(database)
    for _ in range(50):
        if log_bytes(database) > LIMIT:
            assert database.tend_log() == 0
    is_over.set()
    for one in crowd:
        one.join(PATIENCE)

    assert log_bytes(database) <= LIMIT
