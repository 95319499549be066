"""The server of a run is one for all, and is gone with them; a database that was used is as a new one."""

import fcntl
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from daemon.store import database as databases
from tests.support import full_store, postgresql, stores
from tests.support.fakes import START
from tests.support.paths import ROOT
from tests.support.process import inherited

pytestmark = [pytest.mark.slow, pytest.mark.needs(*postgresql.NEEDED)]
USER = """
import sys
from pathlib import Path
from tests.support import parts, postgresql

parts.look_everywhere()
with postgresql.run(Path(sys.argv[1])):
    server = postgresql.this_run().server
    print(server.port, server.folder, flush=True)
    sys.stdin.read()
"""


SECONDS = 20


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgresql.Run]:
    """A run of its own, with a server that nobody else uses."""
    with postgresql.run(tmp_path_factory.mktemp("run")):
        yield postgresql.this_run()


def dumped(url: str) -> list[str]:
    """All that there is in a database: tables, rows, and where numbers go on."""
    words = ["pg_dump", f"--dbname={url.replace('+psycopg', '')}"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return [line for line in said.splitlines() if "restrict" not in line]  # with a word of chance


def user(folder: Path) -> "subprocess.Popen[str]":
    """A process of a run, which needs its server."""
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)],
        env=inherited(),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(one: "subprocess.Popen[str]") -> tuple[int, Path]:
    """Port and folder of the server, once it is there."""
    assert one.stdout is not None
    port, folder = one.stdout.readline().split()
    return int(port), Path(folder)


def test_a_database_that_was_used_is_as_a_new_one(run: postgresql.Run) -> None:
    url = run.url()
    new = dumped(url)
    assert "CREATE TABLE" in " ".join(new)
    store = databases.open_for_daemon(url)
    full_store.fill(store, full_store.Size(100, ("main", "other"), 10), START)
    with store.write() as db:
        db.exec_driver_sql("SELECT pg_advisory_lock(7)")
    used = dumped(url)
    run.take_back(url)  # while it is still open
    again = run.url()

    assert again == url
    assert used != new
    assert dumped(again) == new
    with closing(run.server.connect(again.rpartition("/")[2])) as db:
        assert db.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)
    store.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE events ADD COLUMN more text",
        "ALTER TABLE events ALTER COLUMN subject DROP NOT NULL",
        "DROP TABLE silences",
        "DROP TABLE alembic_version",
        "CREATE TABLE other (id integer)",
        "CREATE FUNCTION other() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE INDEX other ON events (body)",
        "DROP INDEX commands_day",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)
def test_a_database_with_other_tables_is_not_given_again(run: postgresql.Run, change: str) -> None:
    url = run.url()
    with closing(run.server.connect(url.rpartition("/")[2])) as db:
        db.execute(change)
    run.take_back(url)

    assert run.url() != url
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        run.server.connect(url.rpartition("/")[2])


def test_an_empty_one_has_no_tables(run: postgresql.Run) -> None:
    with closing(run.server.connect(run.empty_url().rpartition("/")[2])) as db:
        assert db.execute(postgresql.TABLES).fetchall() == []


def test_processes_of_a_run_share_a_server_that_is_gone_with_the_last_of_them(tmp_path: Path) -> None:
    """However they end."""
    both = [user(tmp_path) for _ in range(2)]
    (port, folder), other = (said(one) for one in both)
    server = postgresql.Server(folder, port)
    with closing(server.connect()) as db:
        both[0].kill()
        both[0].communicate()
        db.execute("SELECT 1")
        both[1].send_signal(signal.SIGKILL)
        both[1].communicate()
        ready, _, _ = select.select([db.fileno()], [], [], SECONDS)
    with (tmp_path / "postgresql.held").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # once it is cleared up

    assert other == (port, folder)
    assert ready, "it goes on"
    assert not folder.exists()


def test_a_server_that_was_left_is_not_mistaken_for_that_of_the_next(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        one = user(tmp_path)
        found.append(said(one))
        one.communicate()

    assert found[0][1] != found[1][1]


def test_a_server_of_one_s_own_is_where_it_was_once_it_is_started_again(tmp_path: Path) -> None:
    with postgresql.own_server(tmp_path) as server:
        with closing(server.connect()) as db:
            db.execute("CREATE TABLE kept (id integer)")
        for end in (server.stop, server.kill):
            end()
            with pytest.raises(psycopg.OperationalError, match="refused"):
                server.connect()
            server.start()
        with closing(server.connect()) as db:
            assert db.execute("SELECT * FROM kept").fetchall() == []


def test_each_test_has_stores_of_its_own(run: postgresql.Run, tmp_path: Path) -> None:
    with stores.on_engine(stores.POSTGRESQL):
        one, other, again = stores.at(tmp_path / "a"), stores.at(tmp_path / "b"), stores.at(tmp_path / "a")
        urls = [str(store.engine.url) for store in (one, other, again)]
        with one.write() as db:
            db.exec_driver_sql("CREATE TABLE of_a (id integer)")
        with stores.at(tmp_path / "a").read() as db:
            assert db.exec_driver_sql("SELECT * FROM of_a").all() == []
        with closing(stores.new()) as first:
            url = str(first.engine.url)
        with closing(stores.new()) as second:
            assert str(second.engine.url) == url
    with stores.on_engine(stores.POSTGRESQL), closing(stores.at(tmp_path / "a")) as anew:
        assert not sa.inspect(anew.engine).has_table("of_a")

    assert urls[0] == urls[2] != urls[1]
    with closing(stores.new()) as here:
        assert here.engine.dialect.name == stores.SQLITE


def test_who_opens_a_store_where_both_engines_count_says_on_which(tmp_path: Path) -> None:
    with stores.on_engine(stores.NONE):
        for opening in (stores.new, lambda: stores.at(tmp_path / "a")):
            with pytest.raises(AssertionError, match="which engine"):
                opening()
