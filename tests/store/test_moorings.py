"""A database that is removed, replaced or overwritten under a daemon: nothing more is written, what was
committed is safe, and the old log never gets into the new file."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from daemon.store import backup as backups
from daemon.store import database as databases
from daemon.store import files
from daemon.store.database import Database
from daemon.store.location import DatabaseError
from tests.support import stores


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "a.db"


@pytest.fixture
def store(path: Path) -> Iterator[Database]:
    one = stores.on_file(path)
    yield one
    abandon(one)


def abandon(store: Database) -> None:
    """What the end of a process does to what `close` leaves."""
    assert store.moorings
    store.engine.dispose()
    store.moorings.close()


def write(store: Database, *names: str) -> None:
    for name in names:
        with store.write() as db:
            db.exec_driver_sql("INSERT INTO sequences VALUES (?, 1)", (name,))


def names(path: Path) -> list[str]:
    """What a file holds, by the look of another program."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return sorted(row[0] for row in db.execute("SELECT system FROM sequences"))


def backup(store: Database, path: Path) -> Path:
    """A copy from before what comes now."""
    write(store, "before")
    backups.backup(path, path.parent.parent / "copy.db")
    write(store, *(f"after {number}" for number in range(20)))
    return path.parent.parent / "copy.db"


def refused(store: Database, reason: str) -> None:
    with pytest.raises(sa.exc.OperationalError, match=reason):
        write(store, "lost")


def removed(path: Path, _copy: Path) -> None:
    path.unlink()


def all_removed(path: Path, _copy: Path) -> None:
    for one in path.parent.iterdir():
        one.unlink()


def moved_away(path: Path, _copy: Path) -> None:
    path.rename(path.with_name("old.db"))


def folder_moved_away(path: Path, _copy: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))


def replaced(path: Path, copy: Path) -> None:
    copy.replace(path)


def removed_and_copied(path: Path, copy: Path) -> None:
    path.unlink()
    shutil.copy(copy, path)


def overwritten(path: Path, copy: Path) -> None:
    # From outside: a descriptor that we closed ourselves would drop SQLite's locks.
    subprocess.run(["/bin/cp", str(copy), str(path)], check=True)


def cut_short(path: Path, _copy: Path) -> None:
    os.truncate(path, 0)


def log_removed(path: Path, _copy: Path) -> None:
    path.with_name("a.db-wal").unlink()


def index_removed(path: Path, _copy: Path) -> None:
    path.with_name("a.db-shm").unlink()


WAYS = {
    removed: "was removed or moved away",
    all_removed: "was removed or moved away",
    moved_away: "was removed or moved away",
    folder_moved_away: "was removed or moved away",
    replaced: "was replaced",
    removed_and_copied: "was replaced",
    overwritten: "was overwritten",
    cut_short: "was overwritten",
    log_removed: "lost its -wal or -shm",
    index_removed: "lost its -wal or -shm",
}


@pytest.mark.parametrize(("way", "reason"), WAYS.items())
def test_nothing_more_is_written(
    store: Database, path: Path, way: Callable[[Path, Path], None], reason: str
) -> None:
    way(path, backup(store, path))
    refused(store, reason)
    refused(store, reason)
    with pytest.raises(sa.exc.DBAPIError, match=reason):
        store.shrink(100)


@pytest.mark.parametrize(("way", "reason"), WAYS.items())
def test_a_change_within_a_transaction_keeps_it_from_being_committed(
    store: Database, path: Path, way: Callable[[Path, Path], None], reason: str
) -> None:
    copy = backup(store, path)
    with pytest.raises(sa.exc.OperationalError, match=reason), store.write() as db:
        db.exec_driver_sql("INSERT INTO sequences VALUES ('lost', 1)")
        way(path, copy)


@pytest.mark.parametrize("way", [replaced, removed_and_copied, overwritten])
def test_the_old_log_never_gets_into_the_new_file(
    store: Database, path: Path, way: Callable[[Path, Path], None]
) -> None:
    way(path, backup(store, path))
    with pytest.raises(DatabaseError, match=r"was replaced under the daemon \(process \d+\)"):
        databases.connect(f"sqlite:///{path}")
    store.let_go()
    databases.connect(f"sqlite:///{path}").close()
    store.close()

    assert names(path) == ["before"]


@pytest.mark.parametrize("way", [replaced, removed_and_copied, overwritten])
def test_a_connection_that_is_refused_has_touched_nothing(
    store: Database, path: Path, way: Callable[[Path, Path], None]
) -> None:
    """SQLite reads the log by the name of the file, and writes all of it into the file when it closes."""
    way(path, backup(store, path))
    with ExitStack() as opened, pytest.raises(sa.exc.OperationalError, match="while yemotd had it open"):
        while True:  # until the pool has none left of those that were opened before
            opened.enter_context(store.engine.connect())
    store.let_go()

    assert names(path) == ["before"]


KILLED = """
import os, signal, sys
from pathlib import Path
from daemon.store import backup, database
store = database.open_for_daemon(f"sqlite:///{sys.argv[1]}")
def write(name):
    with store.write() as db:
        db.exec_driver_sql("INSERT INTO sequences VALUES (?, 1)", (name,))
write("before")
backup.backup(Path(sys.argv[1]), Path(sys.argv[2]))
for number in range(20):
    write(f"after {number}")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", [replaced, removed_and_copied, overwritten])
def test_the_log_of_a_daemon_that_was_killed_never_gets_into_a_copy_that_is_restored(
    path: Path, tmp_path: Path, way: Callable[[Path, Path], None]
) -> None:
    stores.on_file(path).close()
    copy = tmp_path / "copy.db"
    subprocess.run([sys.executable, "-c", KILLED, str(path), str(copy)], check=False)
    assert path.with_name("a.db-wal").stat().st_size
    way(path, copy)
    for verb in (databases.connect, databases.open_as_it_is):
        with pytest.raises(DatabaseError, match=r"-wal beside .* is of another database"):
            verb(f"sqlite:///{path}")

    databases.open_for_daemon(f"sqlite:///{path}").close()
    assert names(path) == ["before"]
    assert len(list(path.parent.glob("a.db-wal.of-another-*"))) == 1


@pytest.mark.slow
def test_a_log_that_a_crash_left_is_taken_up(path: Path, tmp_path: Path) -> None:
    stores.on_file(path).close()
    subprocess.run([sys.executable, "-c", KILLED, str(path), str(tmp_path / "copy.db")], check=False)
    databases.connect(f"sqlite:///{path}").close()
    databases.open_for_daemon(f"sqlite:///{path}").close()

    assert len(names(path)) == 21


@pytest.mark.parametrize("way", [moved_away, replaced, log_removed])
def test_what_was_committed_is_in_the_old_file_wherever_it_is(
    store: Database, path: Path, way: Callable[[Path, Path], None]
) -> None:
    copy = backup(store, path)
    old = path.with_name("kept.db")
    old.hardlink_to(path)
    way(path, copy)
    assert "what was in the log is in the old file" in str(store.let_go())

    assert len(names(old)) == 21


def test_a_file_that_comes_back_is_written_again(store: Database, path: Path, folder: Path) -> None:
    write(store, "before")
    folder.rename(folder.with_name("moved"))
    refused(store, "was removed or moved away")
    store.let_go()
    folder.with_name("moved").rename(folder)

    write(store, "after")
    assert names(path) == ["after", "before"]


def test_one_that_was_replaced_is_not_taken_up_again_by_the_same_process(store: Database, path: Path) -> None:
    copy = backup(store, path)
    path.rename(path.with_name("old.db"))
    copy.rename(path)
    refused(store, "was replaced")
    path.with_name("old.db").replace(path)

    refused(store, "was replaced")


def test_a_link_that_leads_elsewhere_by_now_is_noticed_and_both_files_are_whole(
    tmp_path: Path, path: Path
) -> None:
    stores.on_file(path).close()
    other = tmp_path / "other.db"
    stores.on_file(other).close()
    name = tmp_path / "name.db"
    name.symlink_to(path)
    store = databases.open_for_daemon(f"sqlite:///{name}")
    write(store, "before")
    name.unlink()
    name.symlink_to(other)

    refused(store, "was replaced")
    store.let_go()
    assert (names(path), names(other)) == (["before"], [])
    abandon(store)


def test_a_new_connection_leads_to_no_other_file(store: Database, path: Path) -> None:
    copy = backup(store, path)
    replaced(path, copy)
    store.engine.dispose()
    with pytest.raises(sa.exc.OperationalError, match="was replaced"), store.read():
        pass


def test_a_database_that_was_removed_under_a_daemon_is_said_to_be(store: Database, path: Path) -> None:
    path.unlink()
    with pytest.raises(DatabaseError, match=r"there is no database .* under the daemon .*; `yemotd run` cre"):
        databases.connect(f"sqlite:///{path}")


def leave(store: Database) -> None:
    """As kill -9 does: nothing is closed, and the locks are gone."""
    assert store.moorings
    store.moorings._hold.release()


@pytest.mark.parametrize("with_lock", [True, False])
def test_a_folder_that_was_copied_whole_keeps_its_log(
    store: Database, path: Path, folder: Path, tmp_path: Path, with_lock: bool
) -> None:
    backup(store, path)
    shutil.copytree(folder, tmp_path / "copied")  # nothing of it is ever opened by SQLite here before
    leave(store)
    if not with_lock:
        (tmp_path / "copied" / "a.db.lock").unlink()

    databases.connect(f"sqlite:///{tmp_path / 'copied' / 'a.db'}").close()
    databases.open_for_daemon(f"sqlite:///{tmp_path / 'copied' / 'a.db'}").close()
    assert len(names(tmp_path / "copied" / "a.db")) == 21


NUMBERS = st.integers(1, 4)
IDENTITIES = st.builds(files.Identity, NUMBERS, NUMBERS)
RECORDS = st.builds(
    files.Record, IDENTITIES, IDENTITIES, st.lists(NUMBERS, min_size=1).map(tuple), st.just(files.boot())
)


@given(RECORDS, IDENTITIES, IDENTITIES, NUMBERS)
def test_a_log_is_kept_from_no_database_that_it_may_be_of(
    record: files.Record, database: files.Identity, wal: files.Identity, generation: int
) -> None:
    """To set aside the log of a database would lose what was committed, so it takes a proof."""
    is_foreign = files.is_foreign(record, database, wal, generation)
    is_other_content = generation not in record.generations
    is_same_log_at_another_file = wal == record.wal and database != record.database
    assert is_foreign == (is_other_content or is_same_log_at_another_file)
    # What cannot be read, or was written down before the machine started again, proves nothing.
    elsewhere = files.Record(record.database, record.wal, record.generations, "another boot")
    assert not files.is_foreign(elsewhere, database, wal, record.generations[0])
    assert not files.is_foreign(elsewhere, database, wal, None)
