"""The care of the database in a terminal: upgraded, copied, checked."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from freezegun import freeze_time

from daemon.store import database as databases
from daemon.store import migrating
from daemon.store.database import Database
from daemon.store.schema import REVISION
from tests.cli.conftest import Call
from tests.support import stores
from tests.support.config_files import SYSTEM


@pytest.fixture
def configured(call: Call) -> Path:
    """The folder of a configuration without a database."""
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + "[systems.sms]\n", encoding="utf-8")
    return Path.cwd()


@pytest.fixture
def store(configured: Path) -> Iterator[Database]:
    one = stores.on_file(Path("yemotd.db"))
    yield one
    one.close()


def at_revision(revision: str) -> None:
    engine = sa.create_engine("sqlite:///yemotd.db")
    config = migrating.alembic_config()
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, revision)
    engine.dispose()


def test_a_database_is_created_and_then_is_new_enough(call: Call, configured: Path) -> None:
    assert call("db", "upgrade") == (0, f"The database is at revision {REVISION} now.\n", "")
    assert call("db", "upgrade") == (0, f"The database is at revision {REVISION} already.\n", "")
    assert json.loads(call("db", "upgrade", "--json")[1]) == {"before": REVISION, "now": REVISION}


def test_an_older_database_is_upgraded_and_a_copy_from_before_is_named(call: Call, configured: Path) -> None:
    at_revision("0003")
    code, out, _ = call("db", "upgrade")

    assert code == 0
    assert out == (
        f"The database is at revision {REVISION} now; it was at 0003.\n"
        f"As it was before: yemotd.db.before-{REVISION}\n"
    )
    assert (configured / f"yemotd.db.before-{REVISION}").exists()


def test_a_newer_database_is_left_alone(call: Call, store: Database) -> None:
    with store.write() as db:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    code, _, said = call("db", "upgrade")

    assert code == os.EX_IOERR
    assert "was written by a newer yemotd (revision 9999)" in said
    assert json.loads(call("db", "check", "--json")[1])["revision"] == "9999"


def test_the_database_of_a_running_daemon_is_not_upgraded_by_another(call: Call, store: Database) -> None:
    code, _, said = call("db", "upgrade")
    assert code == os.EX_IOERR
    assert f"another yemotd (process {os.getpid()}) runs on" in said


def test_a_copy_is_made_beside_a_daemon_that_runs(call: Call, store: Database, configured: Path) -> None:
    with freeze_time("2026-03-01T12:00:05Z"):
        code, out, _ = call("db", "backup")
    assert (code, out.split(":")[0]) == (0, "yemotd-20260301T120005Z.db")

    (configured / "kept").mkdir()
    with freeze_time("2026-03-01T12:00:05Z"):
        said = json.loads(call("db", "backup", "kept", "--json")[1])
    copy = configured / "kept" / "yemotd-20260301T120005Z.db"
    assert said == {"path": str(copy.relative_to(configured)), "bytes": copy.stat().st_size}
    assert databases.revision(f"sqlite:///{copy}") == REVISION


def test_a_copy_never_replaces_a_file(call: Call, store: Database) -> None:
    code, out, said = call("db", "backup", "config.toml")
    assert (code, out) == (os.EX_IOERR, "")
    assert "config.toml exists; give a name that is not taken" in said


def test_a_sound_database_is_said_to_be_sound(call: Call, store: Database) -> None:
    assert call("db", "check") == (0, f"The database is sound, at revision {REVISION}.\n", "")
    assert json.loads(call("db", "check", "--json")[1]) == {
        "revision": REVISION,
        "is_sound": True,
        "faults": [],
    }


def test_what_is_wrong_with_a_database_is_listed(call: Call, store: Database) -> None:
    with closing(sqlite3.connect("yemotd.db")) as db:
        db.execute(
            "INSERT INTO deliveries (event, endpoint, lane, status, created_at, due_at, attempts)"
            " VALUES (999, 'crm', 'x', 'dead', 0, 0, 0)"
        )
        db.commit()
    fault = "table deliveries, row 1: what it refers to in events is not there"

    assert call("db", "check") == (os.EX_IOERR, fault + "\n", "")
    code, out, _ = call("db", "check", "--json")
    assert (code, json.loads(out)["faults"]) == (os.EX_IOERR, [fault])


def test_no_database_and_what_is_none_are_told_apart(call: Call, configured: Path) -> None:
    assert "there is no database" in call("db", "check")[2]
    assert "there is no database" in call("db", "backup")[2]
    (configured / "yemotd.db").write_bytes(b"not a database at all, but long enough to be one" * 100)

    assert "file is not a database" in call("db", "check")[2]
    assert "file is not a database" in call("db", "backup")[2]
    assert not list(configured.glob("yemotd-*"))


def test_the_copy_of_a_server_is_its_own_tools_matter(call: Call, configured: Path) -> None:
    path = configured / "config.toml"
    path.write_text('[daemon]\ndatabase = "postgresql+psycopg://yemotd:pw@db/yemotd"\n' + path.read_text())
    code, _, said = call("db", "backup")

    assert code == os.EX_USAGE
    assert "use pg_dump" in said
    assert "pw" not in said.replace("use pg_dump", "")
    code, _, said = call("db", "check")
    assert (code, "use pg_amcheck" in said) == (os.EX_USAGE, True)
