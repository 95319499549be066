"""How a database is opened: made, upgraded, shared, and refused with a reason and a way out."""

import os
import re
import sqlite3
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.host.clock import monotonic
from daemon.store import database as databases
from daemon.store import locking, sqlite
from daemon.store.column_types import EPOCH, UtcTime
from daemon.store.location import FAILURES, DatabaseError
from tests.support.paths import ROOT


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_a_new_database_is_made_with_the_settings_that_keep_promises(tmp_path: Path) -> None:
    database = databases.open_for_daemon(url(tmp_path / "new.db"))
    with database.read() as db:
        pragmas = {
            name: db.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "auto_vacuum")
        }
    database.close()

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "auto_vacuum": 2,
    }


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    databases.open_for_daemon(url(tmp_path / "a.db")).close()
    before = sqlite3.connect(tmp_path / "a.db").execute("SELECT sql FROM sqlite_master").fetchall()
    databases.open_for_daemon(url(tmp_path / "a.db")).close()

    assert sqlite3.connect(tmp_path / "a.db").execute("SELECT sql FROM sqlite_master").fetchall() == before


def test_two_daemons_do_not_share_a_database(tmp_path: Path) -> None:
    first = databases.open_for_daemon(url(tmp_path / "a.db"))

    with pytest.raises(DatabaseError, match=f"another yemotd \\(process {os.getpid()}\\) runs on"):
        databases.open_for_daemon(url(tmp_path / "a.db"))
    assert locking.holder(url(tmp_path / "a.db")) == str(os.getpid())
    first.close()
    assert locking.holder(url(tmp_path / "a.db")) is None
    databases.open_for_daemon(url(tmp_path / "a.db")).close()


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    databases.open_for_daemon(url(tmp_path / "a.db")).close()
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()

    with pytest.raises(DatabaseError, match=r"newer yemotd \(revision 9999\); install that version"):
        databases.open_for_daemon(url(tmp_path / "a.db"))
    with pytest.raises(DatabaseError, match="9999"):
        databases.connect(url(tmp_path / "a.db"))


def test_a_locked_database_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PRAGMAS", ("busy_timeout=10",))
    databases.open_for_daemon(url(tmp_path / "a.db")).close()
    holder = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")

    with pytest.raises(DatabaseError, match=r"a\.db: database is locked; another program holds it"):
        databases.open_for_daemon(url(tmp_path / "a.db"))
    holder.close()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b"hello" * 1000), "not a database; the path leads to some other file"),
        (lambda path: path.mkdir(), "unable to open database file; its directory must exist"),
    ],
)
def test_what_is_no_database_is_refused(tmp_path: Path, make: object, reason: str) -> None:
    make(tmp_path / "a.db")  # type: ignore[operator]

    with pytest.raises(DatabaseError, match=reason):
        databases.open_for_daemon(url(tmp_path / "a.db"))


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="absent"):
        databases.open_for_daemon(url(tmp_path / "absent" / "a.db"))


@pytest.mark.parametrize("wrong", ["nonsense", "oracle://x/y", "sqlite:///a.db?timeout=soon"])
def test_a_url_that_nobody_understands_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.chdir(tmp_path)  # where a lock is left
    with pytest.raises(DatabaseError, match="database = "):
        databases.open_for_daemon(wrong)


def test_reading_does_not_create(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="`yemotd run` creates it"):
        databases.connect(url(tmp_path / "none.db"))

    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    database = databases.open_for_daemon(url(tmp_path / "a.db"))
    with pytest.raises(RuntimeError), database.write() as db:
        db.exec_driver_sql("INSERT INTO sequences VALUES ('main', 7)")
        raise RuntimeError
    with database.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM sequences").scalar() == 0
    database.close()


def test_readers_are_not_held_up_by_a_writer(tmp_path: Path) -> None:
    database = databases.open_for_daemon(url(tmp_path / "a.db"))
    with database.write() as db:
        db.exec_driver_sql("INSERT INTO sequences VALUES ('main', 7)")
        with database.read() as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM sequences").scalar() == 0
    database.close()


def test_a_writer_holds_the_write_lock_from_its_beginning(tmp_path: Path) -> None:
    """A transaction that reads first and writes later cannot lose its place to another writer."""
    database = databases.open_for_daemon(url(tmp_path / "a.db"))
    other = sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)
    with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()
    database.close()


def test_what_shrinks_the_file_fails_as_a_transaction_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PRAGMAS", ("busy_timeout=10", *sqlite.PRAGMAS[1:]))
    database = databases.open_for_daemon(url(tmp_path / "a.db"))
    with database.write() as db:
        db.exec_driver_sql("CREATE TABLE gone (x)")
        db.exec_driver_sql("INSERT INTO gone VALUES (zeroblob(100000))")
    with database.write() as db:
        db.exec_driver_sql("DROP TABLE gone")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sa.exc.DBAPIError, match="database is locked"):
        database.shrink(100)
    other.close()
    database.shrink(100)
    database.close()


def test_times_come_back_as_they_were_to_the_millisecond(tmp_path: Path) -> None:
    kind = UtcTime()
    moment = EPOCH.replace(year=2026, microsecond=123_000)
    stored = kind.process_bind_param(moment, sa.create_engine("sqlite://").dialect)

    assert kind.process_result_value(stored, sa.create_engine("sqlite://").dialect) == moment


def test_a_writer_is_not_held_up_by_readers_however_many(tmp_path: Path) -> None:
    """Forty that do not end: as many as there may be read, and the others wait."""
    database = databases.open_for_daemon(url(tmp_path / "a.db"))
    reads, ends = threading.Semaphore(0), threading.Event()

    def read() -> None:
        with database.read() as db:
            db.exec_driver_sql("SELECT 1")
            reads.release()
            ends.wait(20)

    readers = [threading.Thread(target=read) for _ in range(40)]
    for one in readers:
        one.start()
    for _ in range(databases.MOST_READERS):
        assert reads.acquire(timeout=10)
    assert not reads.acquire(timeout=0.1)
    began = monotonic()
    with database.write() as db:
        db.exec_driver_sql("INSERT INTO sequences VALUES ('main', 7)")
    database.shrink(100)
    took = monotonic() - began
    ends.set()
    for one in readers:
        one.join(20)
    database.close()

    assert took < 5


def test_one_more_than_may_read_is_not_let_in_and_takes_no_one_s_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "READ_WITHIN", 0.01)
    database = databases.open_for_daemon(url(tmp_path / "a.db"))
    for _ in range(2):
        with ExitStack() as readers:
            for _ in range(databases.MOST_READERS):
                readers.enter_context(database.read())
            with pytest.raises(FAILURES, match="14 others read"), database.read():
                pass
    database.close()


def test_whoever_catches_what_a_database_fails_by_catches_all_of_it() -> None:
    """SQLAlchemy's errors of a driver and that of its pool have no base of their own."""
    named = [
        path
        for path in (ROOT / "daemon").rglob("*.py")
        if re.search(r"DBAPIError(?!\.instance)|exc\.TimeoutError,", path.read_text(encoding="utf-8"))
    ]

    refusals = ("locking.py", "trigrams.py")  # what these ask for may be refused, and no more is wrong
    assert [path.name for path in named if path.name not in refusals] == ["location.py"]
