"""What a program that copies every change, such as Litestream, relies on: `docs/operating.md` promises it."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from daemon.store import database as databases
from daemon.store.database import Database
from daemon.store.location import DatabaseError
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow


PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Litestream")[2].partition("\n## ")[0]
RELIED_ON = ("journal_mode", "busy_timeout", "synchronous", "wal_autocheckpoint", "journal_size_limit")


def url(folder: Path, query: str = "") -> str:
    return f"sqlite:///{folder}/a.db{query}"


def settings(database: Database) -> dict[str, object]:
    with database.read() as db:
        return {name: db.exec_driver_sql(f"PRAGMA {name}").scalar() for name in RELIED_ON}


def salt(folder: Path) -> bytes:
    """It changes whenever the log is begun again from its start."""
    return (folder / "a.db-wal").read_bytes()[16:24]


def write_more_than_a_checkpoint(database: Database, times: int = 3) -> None:
    with database.write() as db:
        db.exec_driver_sql("CREATE TABLE IF NOT EXISTS much (what BLOB)")
    for _ in range(times):
        with database.write() as db:
            for _ in range(1100):
                db.exec_driver_sql("INSERT INTO much VALUES (zeroblob(4000))")


@contextmanager
def opened(folder: Path, query: str = "") -> Iterator[Database]:
    database = databases.open_for_daemon(url(folder, query))
    yield database
    database.close()


@contextmanager
def copied(folder: Path) -> Iterator[None]:
    """Somebody copies, as Litestream does: it writes a little, so that there is a log, and reads on."""
    with closing(sqlite3.connect(folder / "a.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM _litestream_seq").fetchone()
        yield


def test_the_settings_are_those_of_the_page(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        found = settings(database)
        reader = databases.connect(url(tmp_path))
        found_by_reader = settings(reader)
        reader.close()

    assert found == found_by_reader
    assert found == {
        "journal_mode": "wal",
        "busy_timeout": 5000,
        "synchronous": 2,
        "wal_autocheckpoint": 1000,
        "journal_size_limit": 64 * 1024 * 1024,
    }
    for promised in ("in WAL", "5 seconds", "on the disk", "1000 pages", "64 MB"):
        assert promised in SECTION


def test_the_log_is_not_begun_again_while_somebody_copies_it(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        write_more_than_a_checkpoint(database, times=1)
        with copied(tmp_path):
            before = salt(tmp_path)
            write_more_than_a_checkpoint(database)
            during = salt(tmp_path)
        write_more_than_a_checkpoint(database)
        after = salt(tmp_path)

    assert during == before
    assert after != before  # when nobody does, it is


def test_with_the_page_s_url_nobody_but_litestream_moves_the_log_into_the_file(tmp_path: Path) -> None:
    (query,) = re.findall(
        r'^ *database = "sqlite:////var/lib/yemotd/yemotd\.db(\?\S+)"', SECTION, re.MULTILINE
    )
    with opened(tmp_path) as database:
        write_more_than_a_checkpoint(database)
        moved = os.stat(tmp_path / "a.db").st_size
    with opened(tmp_path, query) as database:
        before = (tmp_path / "a.db").read_bytes()
        write_more_than_a_checkpoint(database)
        command = databases.connect(url(tmp_path, query))
        write_more_than_a_checkpoint(command)
        command.close()
        after = (tmp_path / "a.db").read_bytes()
        found = settings(database)["wal_autocheckpoint"]

    assert moved > 4_000_000  # as it is without
    assert found == 0
    assert after == before


@pytest.mark.parametrize("query", ["?wal_autocheckpoint=never", "?wal_autocheckpoint=-1"])
def test_a_number_of_pages_that_is_none_is_refused(tmp_path: Path, query: str) -> None:
    with pytest.raises(DatabaseError, match="wal_autocheckpoint has to be a number of pages"):
        databases.open_for_daemon(url(tmp_path, query))
