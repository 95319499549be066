"""One daemon for one file, whatever its names are, and whoever removes its lock."""

import fcntl
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.store import database as databases
from daemon.store import files, locking
from daemon.store.database import Database
from daemon.store.location import DatabaseError
from tests.support import stores

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "a.db"


@pytest.fixture
def store(path: Path) -> Iterator[Database]:
    one = stores.on_file(path)
    yield one
    assert one.moorings
    one.engine.dispose()  # also where `close` leaves that to the end of the process
    one.moorings.close()


def symbolic(path: Path) -> Path:
    name = path.with_name("symbolic.db")
    name.symlink_to(path)
    return name


def link_to_link(path: Path) -> Path:
    name = path.with_name("again.db")
    name.symlink_to(symbolic(path).name)
    return name


def linked_folder(path: Path) -> Path:
    (path.parent.parent / "elsewhere").symlink_to(path.parent)
    return path.parent.parent / "elsewhere" / path.name


def hard(path: Path) -> Path:
    name = path.parent.parent / "hard.db"
    name.hardlink_to(path)
    return name


def by_descriptor(path: Path) -> Path:
    (found,) = sorted(files.descriptors(files.identity(path) or files.Identity(0, 0)))[:1]
    return Path(f"/proc/self/fd/{found}")


def winding(path: Path) -> Path:
    return path.parent / ".." / "data" / "." / path.name


NAMES = [symbolic, link_to_link, linked_folder, hard, by_descriptor, winding]


@pytest.mark.parametrize("name", NAMES)
def test_a_second_daemon_is_refused_under_every_name(
    store: Database, path: Path, name: Callable[[Path], Path]
) -> None:
    with pytest.raises(DatabaseError, match=rf"another yemotd \(process {os.getpid()}\) runs on"):
        databases.open_for_daemon(f"sqlite:///{name(path)}")


def test_a_relative_name_is_the_same_file(
    store: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(DatabaseError, match="another yemotd"):
        databases.open_for_daemon("sqlite:///a.db")


@pytest.mark.parametrize("name", NAMES[:4])
def test_that_a_daemon_runs_is_seen_under_every_name(
    store: Database, path: Path, name: Callable[[Path], Path]
) -> None:
    url = f"sqlite:///{name(path)}"
    assert locking.holder(url) is not None
    store.close()
    assert locking.holder(url) is None


def test_a_lock_file_that_was_removed_lets_nobody_in_and_is_made_again(store: Database, path: Path) -> None:
    lock = path.with_name("a.db.lock")
    lock.unlink()
    with pytest.raises(DatabaseError, match="another yemotd"):
        databases.open_for_daemon(f"sqlite:///{path}")
    assert locking.holder(f"sqlite:///{path}") == "?"

    lock.unlink()
    assert store.let_go() is None
    assert locking.holder(f"sqlite:///{path}") == str(os.getpid())
    assert locking.record_of(path) is not None


def test_a_daemon_whose_lock_somebody_else_has_taken_writes_nothing_more(store: Database, path: Path) -> None:
    lock = path.with_name("a.db.lock")
    lock.unlink()
    with lock.open("w+b") as taken:
        fcntl.flock(taken, fcntl.LOCK_EX)
        taken.write(b"4711")
        taken.flush()
        store.let_go()

    with (
        pytest.raises(sa.exc.OperationalError, match=r"another yemotd \(process 4711\) has taken"),
        store.write(),
    ):
        pass


@pytest.mark.slow
def test_the_lock_ends_with_the_process(path: Path) -> None:
    code = (
        "import sys; from daemon.store import database;"
        "kept = database.open_for_daemon(sys.argv[1]); print(flush=True); sys.stdin.read()"
    )
    holding = subprocess.Popen(
        [sys.executable, "-c", code, f"sqlite:///{path}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holding.stdout
    holding.stdout.readline()
    with pytest.raises(DatabaseError, match=rf"process {holding.pid}\) runs on"):
        databases.open_for_daemon(f"sqlite:///{hard(path)}")
    holding.kill()
    holding.communicate()

    databases.open_for_daemon(f"sqlite:///{path}").close()


def abstract_name(path: Path) -> str:
    found = path.stat()
    return f"\0yemotd/{found.st_dev:x}:{found.st_ino:x}"


def test_a_stranger_who_sits_on_the_name_stops_nobody(path: Path) -> None:
    stores.on_file(path).close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        mute.bind(abstract_name(path))  # nobody listens there: no daemon does so
        databases.open_for_daemon(f"sqlite:///{path}").close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ours:
        ours.bind(abstract_name(path))
        ours.listen()
        with pytest.raises(DatabaseError, match="another yemotd"):
            databases.open_for_daemon(f"sqlite:///{path}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_who_listens_on_the_name_stops_nobody(path: Path) -> None:
    stores.on_file(path).close()
    code = (
        "import socket, sys; one = socket.socket(socket.AF_UNIX); one.bind(chr(0) + sys.argv[1]);"
        "one.listen(); print(flush=True); sys.stdin.read()"
    )
    stranger = subprocess.Popen(
        ["/usr/bin/python3", "-I", "-c", code, abstract_name(path)[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        user=65534,
        cwd="/",
    )
    assert stranger.stdout
    stranger.stdout.readline()
    databases.open_for_daemon(f"sqlite:///{path}").close()
    stranger.communicate()


def test_a_lock_that_is_a_planted_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("mine")
    path.with_name("a.db.lock").symlink_to(tmp_path / "other")

    with pytest.raises(DatabaseError, match=r"a\.db\.lock: "):
        databases.open_for_daemon(f"sqlite:///{path}")
    assert (tmp_path / "other").read_text() == "mine"


FOREIGN = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(db.execute("SELECT count(*) FROM sequences").fetchone()[0])
db.close()
"""


def foreign(path: Path) -> int:
    """Another program opens the database, reads, and closes it: how many rows it saw."""
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", FOREIGN, str(path)], check=True, capture_output=True, text=True
    )
    return int(said.stdout)


def look(store: Database, path: Path) -> None:
    """All that the daemon ever does to the files beside SQLite."""
    store.let_go()
    files.narrow(path)
    files.identity(path)
    files.make(path)
    files.generation(path)
    databases.guard(path)
    locking.holder(f"sqlite:///{path}")
    databases.connect(f"sqlite:///{path}").close()
    with pytest.raises(DatabaseError):
        databases.open_for_daemon(f"sqlite:///{path}")


def open_and_close(_store: Database, path: Path) -> None:
    path.read_bytes()


@pytest.mark.parametrize(("done", "is_kept"), [(look, True), (open_and_close, False)])
def test_what_we_do_to_the_files_costs_no_commit(
    store: Database, path: Path, done: Callable[[Database, Path], None], is_kept: bool
) -> None:
    """A descriptor of ours that is closed would drop SQLite's locks: a foreign reader that ends would take
    itself for the last, and delete the log under us. The second row shows that this is so."""
    with store.write() as db:
        db.exec_driver_sql("INSERT INTO sequences VALUES ('before', 1)")
    done(store, path)
    assert foreign(path) == 1
    assert (store.moorings is not None and store.moorings.trouble() is None) is is_kept
    if is_kept:
        with store.write() as db:
            db.exec_driver_sql("INSERT INTO sequences VALUES ('after', 1)")
        assert foreign(path) == 2
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_is_no_file_where_the_lock_should_be_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "yemotd.db"
    os.mkfifo(tmp_path / "yemotd.db.lock")

    with pytest.raises(DatabaseError, match="no regular file"):
        databases.open_for_daemon(f"sqlite:///{path}")
