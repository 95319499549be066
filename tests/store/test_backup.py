"""Copies of a database: whole, of one moment, never over something else; and what is said of a broken one."""

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
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

pytestmark = pytest.mark.slow


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


def refusing(number: int) -> Callable[[Path, Path], None]:
    """What a file system does that does not know this way of giving a name."""

    def way(_copy: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number), str(target))

    return way


NO_LINKS = [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EMLINK]


@pytest.mark.parametrize("number", NO_LINKS)
@pytest.mark.parametrize("knows_rename", [True, False])
def test_a_file_system_without_hard_links_takes_a_copy_and_replaces_nothing(
    store: Database, source: Path, tmp_path: Path, number: int, knows_rename: bool
) -> None:
    rename = backups.rename_exclusively if knows_rename else refusing(errno.EINVAL)
    ways = (refusing(number), rename)
    (tmp_path / "whole").write_text("whole")
    backups.place(tmp_path / "whole", tmp_path / "placed", ways)
    assert (tmp_path / "placed").read_text() == "whole"

    (tmp_path / "again").write_text("again")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for taken in ("placed", "dangling"):
        with pytest.raises(FileExistsError):
            backups.place(tmp_path / "again", tmp_path / taken, ways)
    assert (tmp_path / "placed").read_text() == "whole"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("knows_rename", [True, False])
def test_a_backup_is_made_where_there_are_no_hard_links(
    store: Database, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knows_rename: bool
) -> None:
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    if not knows_rename:
        monkeypatch.setattr(backups, "rename_exclusively", refusing(errno.EINVAL))
    write(store, 3, Ids())
    backups.backup(source, tmp_path / "copy.db")

    assert count(tmp_path / "copy.db") == 6
    assert os.stat(tmp_path / "copy.db").st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match=r"copy\.db exists; give a name that is not taken"):
        backups.backup(source, tmp_path / "copy.db")


def test_another_failure_of_the_disk_is_told_in_words(
    store: Database, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refusing(errno.EIO))
    with pytest.raises(BackupError, match=r"copy\.db: Input/output error$"):
        backups.backup(source, tmp_path / "copy.db")
    assert {path.name for path in tmp_path.iterdir()} == {"a.db", "a.db-wal", "a.db-shm", "a.db.lock"}


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_the_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = databases.open_for_daemon(f"sqlite:///{tmp_path / 'b.db'}")
        backups.backup(tmp_path / "b.db", tmp_path / "copy.db")
        at_revision(tmp_path / "old.db", "0003")
        databases.open_for_daemon(f"sqlite:///{tmp_path / 'old.db'}").close()
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)

    assert modes == dict.fromkeys(
        ("b.db", "b.db-wal", "b.db-shm", "b.db.lock", "copy.db", "old.db", "old.db.lock",
         f"old.db.before-{REVISION}"),
        0o600,
    )  # fmt: skip


def test_files_that_others_could_read_are_narrowed_and_that_is_said(
    store: Database, source: Path, tmp_path: Path
) -> None:
    store.close()
    holder = sqlite3.connect(source)  # so that there are all three
    holder.execute("SELECT * FROM events").fetchall()
    for name in ("a.db", "a.db-wal", "a.db-shm"):
        (tmp_path / name).chmod(0o644)
    again = databases.open_for_daemon(f"sqlite:///{source}")
    assert again.moorings

    assert {(one.path.name, oct(one.mode), one.error) for one in again.moorings.found.narrowed} == {
        (name, "0o644", None) for name in ("a.db", "a.db-wal", "a.db-shm")
    }
    assert {source.with_name(name).stat().st_mode & 0o777 for name in ("a.db", "a.db-wal", "a.db-shm")} == {
        0o600
    }
    again.close()
    holder.close()


def planted(folder: Path, name: str, theirs: Path) -> list[Path]:
    """Links and files where a copy was written once, or might be; all lead to `theirs`."""
    (folder / f".{name}.unfinished").symlink_to(theirs)
    (folder / f".{name}.unfinished-journal").symlink_to(theirs)
    (folder / name).symlink_to(theirs)
    return [folder / name]


def test_a_planted_link_is_not_followed(store: Database, source: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    planted(tmp_path, "copy.db", theirs)
    with pytest.raises(BackupError, match="exists"):
        backups.backup(source, tmp_path / "copy.db")
    (tmp_path / "copy.db").unlink()
    (tmp_path / "copy.db").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BackupError, match="exists"):
        backups.backup(source, tmp_path / "copy.db")
    (tmp_path / "copy.db").unlink()
    backups.backup(source, tmp_path / "copy.db")

    assert theirs.read_text() == "theirs"
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "copy.db").is_symlink()


def test_the_copy_before_an_upgrade_follows_no_link_and_keeps_no_planted_file(
    source: Path, tmp_path: Path
) -> None:
    at_revision(source, "0003")
    theirs, name = tmp_path / "theirs", f"a.db.before-{REVISION}"
    theirs.write_text("theirs")
    theirs.chmod(0o666)
    planted(tmp_path, name, theirs)
    databases.open_for_daemon(f"sqlite:///{source}").close()

    assert theirs.read_text() == "theirs"
    assert not (tmp_path / name).is_symlink()
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert databases.revision(f"sqlite:///{tmp_path / name}") == "0003"


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
