"""Copies of a database: whole, of one moment, never over something else; and what is said of a broken one."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from daemon.core.model import Fact
from daemon.store import backup as backups
from daemon.store import database as databases
from daemon.store import events, migrating
from daemon.store.backup import BackupError
from daemon.store.database import Database
from daemon.store.location import DatabaseError
from daemon.store.schema import REVISION
from tests.support.fakes import START, Ids


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
def store(source: Path) -> Iterator[Database]:
    one = databases.open_for_daemon(f"sqlite:///{source}")
    yield one
    one.close()


def write(store: Database, many: int, new_id: Ids) -> None:
    for _ in range(many):
        with store.write() as db:
            events.record(db, "main", [Fact("test.ping", "test", {})] * 2, START, new_id)


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (many,) = db.execute("SELECT count(*) FROM events").fetchone()
    return int(many)


def test_a_copy_holds_all_that_was_committed_and_belongs_to_its_owner(
    store: Database, source: Path, tmp_path: Path
) -> None:
    write(store, 50, Ids())
    size = backups.backup(source, tmp_path / "copy.db")

    assert count(tmp_path / "copy.db") == 100
    assert os.stat(tmp_path / "copy.db").st_mode & 0o777 == 0o600
    assert size == (tmp_path / "copy.db").stat().st_size
    assert {path.name for path in tmp_path.iterdir()} == {
        *("a.db", "a.db-wal", "a.db-shm", "a.db.lock", "copy.db")
    }


def test_a_copy_made_while_somebody_writes_is_of_one_moment(
    store: Database, source: Path, tmp_path: Path
) -> None:
    new_id, is_over = Ids(), threading.Event()

    def go_on() -> None:
        while not is_over.is_set():
            write(store, 1, new_id)

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        found = []
        for number in range(5):
            backups.backup(source, tmp_path / f"{number}.db")
            found.append(count(tmp_path / f"{number}.db"))
    finally:
        is_over.set()
        writer.join()

    assert all(many % 2 == 0 for many in found)  # two events in each transaction
    assert found == sorted(found)


def test_a_copy_can_be_opened_by_a_daemon(store: Database, source: Path, tmp_path: Path) -> None:
    write(store, 3, Ids())
    backups.backup(source, tmp_path / "copy.db")
    restored = databases.open_for_daemon(f"sqlite:///{tmp_path / 'copy.db'}")

    with restored.read() as db:
        assert events.count(db) == 6
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    restored.close()


def test_nothing_is_overwritten_and_nothing_is_left_behind(
    store: Database, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(BackupError, match=r"copy\.db exists; give a name that is not taken"):
        backups.backup(source, tmp_path / "copy.db")
    with pytest.raises(BackupError, match="No such file or directory"):
        backups.backup(source, tmp_path / "nowhere" / "copy.db")
    with pytest.raises(BackupError, match="there is no database"):
        backups.backup(tmp_path / "b.db", tmp_path / "c.db")

    assert (tmp_path / "copy.db").read_text() == "mine"
    assert not list(tmp_path.glob("*unfinished*"))


def test_a_sound_database_has_no_faults_and_a_broken_one_says_where(
    store: Database, source: Path, tmp_path: Path
) -> None:
    write(store, 200, Ids())
    with store.read() as db:
        assert backups.faults(db) == []
    backups.backup(source, tmp_path / "copy.db")
    with (tmp_path / "copy.db").open("r+b") as file:
        file.seek(-8192, os.SEEK_END)
        file.write(b"\xff" * 4096)
    broken = Database(sa.create_engine(f"sqlite:///{tmp_path / 'copy.db'}"))

    with broken.read() as db:
        assert backups.faults(db)
    broken.close()


def test_a_row_that_leads_nowhere_is_a_fault(store: Database, source: Path) -> None:
    with closing(sqlite3.connect(source)) as db:
        db.execute(
            "INSERT INTO deliveries (event, endpoint, lane, status, created_at, due_at, attempts)"
            " VALUES (999, 'crm', 'x', 'dead', 0, 0, 0)"
        )
        db.commit()
    with store.read() as db:
        assert backups.faults(db) == ["table deliveries, row 1: what it refers to in events is not there"]


def at_revision(source: Path, revision: str) -> None:
    engine = sa.create_engine(f"sqlite:///{source}")
    config = migrating.alembic_config()
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, revision)
    engine.dispose()


def test_an_upgrade_leaves_a_copy_from_before_it(source: Path, tmp_path: Path) -> None:
    at_revision(source, "0003")
    databases.open_for_daemon(f"sqlite:///{source}").close()
    copy = tmp_path / f"a.db.before-{REVISION}"

    assert databases.revision(f"sqlite:///{copy}") == "0003"
    assert databases.revision(f"sqlite:///{source}") == REVISION
    databases.open_for_daemon(f"sqlite:///{source}").close()
    assert not list(tmp_path.glob("*.before-*.before-*"))


def test_an_upgrade_that_cannot_be_undone_is_not_made(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_revision(source, "0003")
    monkeypatch.setattr(backups, "ROOM", 2**62)

    with pytest.raises(DatabaseError, match=r"cannot be backed up before: .* MiB left"):
        databases.open_for_daemon(f"sqlite:///{source}")
    assert databases.revision(f"sqlite:///{source}") == "0003"


def test_a_new_database_has_nothing_to_copy(source: Path, tmp_path: Path) -> None:
    databases.open_for_daemon(f"sqlite:///{source}").close()
    assert not list(tmp_path.glob("*.before-*"))
