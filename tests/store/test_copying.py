"""A whole database copied into another one: nothing is changed by it, wherever it is ended it goes on, and
what it cannot do it says."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.store import copy_postgresql, copy_sqlite, copying
from daemon.store import database as databases
from daemon.store.copy_ends import TABLES, Row
from daemon.store.copying import Progress, SameError
from daemon.store.location import DatabaseError, shown
from daemon.store.schema import REVISION
from daemon.store.sqlite import PRAGMAS
from tests.support import copies, postgresql
from tests.support.copies import ONE_OF_EACH
from tests.support.examples import examples
from tests.support.paths import ROOT

SLOWLY = [pytest.mark.slow, pytest.mark.needs(*postgresql.NEEDED)]
BOTH = pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=SLOWLY)])
CHILD = """
import sys
from daemon.store import copy_postgresql, copy_sqlite, copying
copy_postgresql.AT_ONCE = copy_sqlite.AT_ONCE = 1
def say(progress):
    print(progress.done, flush=True)
    sys.stdin.readline()
copying.copy(*sys.argv[1:], say)
"""


@dataclass(frozen=True)
class Places:
    """Where a test has its databases."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.db"

    def url(self, name: str) -> str:
        return f"sqlite:///{self.path(name)}"

    def full(self, kind: str, name: str = "from") -> str:
        """A database of that kind with some rows."""
        url = copies.make(self.path(name), ONE_OF_EACH, forgotten=10)
        if kind == "sqlite":
            return url
        there = postgresql.empty_url()
        copying.copy(url, there)
        return there

    def empty(self, kind: str, name: str = "to") -> str:
        return self.url(name) if kind == "sqlite" else postgresql.empty_url()

    def held(self, url: str, name: str = "back") -> dict[str, list[str]]:
        """What a database holds; PostgreSQL's by way of a file."""
        if url.startswith("sqlite"):
            return copies.held(Path(str(sa.make_url(url).database)))
        copying.copy(url, self.url(name))
        return copies.held(self.path(name))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


@pytest.fixture
def in_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are a batch."""
    for end in (copy_sqlite, copy_postgresql):
        monkeypatch.setattr(end, "AT_ONCE", 2)


def server(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


@pytest.mark.slow
@given(copies.content(4), st.integers(0, 2**40))
@settings(max_examples=examples(100))
def test_whatever_the_columns_hold_is_the_same_in_another_file(rows: copies.Rows, forgotten: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        places = Places(Path(folder))
        copying.copy(copies.make(places.path("from"), rows, forgotten), places.url("to"))

        assert copies.held(places.path("to")) == copies.held(places.path("from"))


@pytest.mark.slow
@pytest.mark.needs(*postgresql.NEEDED)
@given(copies.content(4), st.integers(0, 2**40))
@settings(max_examples=examples(30))
def test_whatever_the_columns_hold_comes_back_from_postgresql(rows: copies.Rows, forgotten: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        places = Places(Path(folder))
        there, beyond = postgresql.empty_url(), postgresql.empty_url()
        from_ = copies.make(places.path("from"), rows, forgotten, beside=places.path("expected"))
        first = copying.copy(from_, there)
        second = copying.copy(there, beyond)
        third = copying.copy(beyond, places.url("back"))
        postgresql.this_run().take_back(there)
        postgresql.this_run().take_back(beyond)

        assert third == second == {name: replace(one, pictured=0) for name, one in first.items()}
        assert copies.held(places.path("back")) == copies.held(places.path("expected"))


@BOTH
@pytest.mark.parametrize("source", ["sqlite", pytest.param("postgresql", marks=SLOWLY)])
@pytest.mark.usefixtures("in_twos")
def test_keys_are_in_the_order_of_their_bytes_whatever_that_of_the_server(
    source: str, kind: str, places: Places
) -> None:
    keys = [
        (one, other) for one in copies.HOSTILE if one != "a␀b" for other in ("É", "Z", "a", "e", "\x00", "")
    ]
    tokens = copies.make(places.path("from"), {"kept_scopes": keys})
    from_, to = tokens if source == "sqlite" else postgresql.empty_url(), places.empty(kind)
    if source != "sqlite":
        copying.copy(tokens, from_)
        with closing(server(from_)) as db:  # as one that no daemon has opened since they mind
            db.execute("ALTER TABLE kept_scopes ALTER token TYPE text, ALTER scope TYPE text")
    last = 0

    def end(progress: Progress) -> None:
        nonlocal last
        if progress.done > last:
            last = progress.done + 20
            raise KeyboardInterrupt

    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            copying.copy(from_, to, end)
    found = copying.copy(from_, to)["kept_scopes"]

    is_pictured = "postgresql" in (source, kind)
    assert places.held(to) == copies.held(places.path("from"), pictured=is_pictured)
    assert found.pictured == (
        sum("\0" in one + other for one, other in keys) if source != kind == "postgresql" else 0
    )


def test_the_tables_that_are_left_out_are_those_of_daemons_that_run(places: Places) -> None:
    url = places.full("sqlite")
    with closing(sqlite3.connect(places.path("from"))) as db:
        db.execute("INSERT INTO holdings (kind, name, token, since) VALUES ('duty', 'house', 1, 1)")
        db.execute("INSERT INTO members VALUES ('a', 'b', 1, 1, 1, '1', '', 1, '', NULL, NULL)")
        db.commit()
    found = copying.copy(url, places.url("to"))

    with closing(sqlite3.connect(places.path("to"))) as db:
        assert db.execute(
            "SELECT (SELECT count(*) FROM members) + (SELECT count(*) FROM holdings)"
        ).fetchone() == (0,)
    assert found.keys() == {table.name for table in TABLES}


@BOTH
def test_numbers_go_on_above_those_that_were_ever_given(kind: str, places: Places) -> None:
    to = places.empty(kind)
    found = copying.copy(places.full("sqlite"), to)
    assert {name: one.number for name, one in found.items() if one.number is not None} == {
        "acknowledgements": 0,
        "callbacks": 0,
        "commands": 0,
        "decisions": 0,
        "deliveries": 15,
        "events": 17,
        "queue_calls": 0,
        "texts": 0,
        "transitions": 0,
    }
    engine = sa.create_engine(to)
    with engine.begin() as db:
        for statement, number in (
            (
                "INSERT INTO deliveries (event, endpoint, lane, status, created_at, due_at, attempts)"
                " VALUES (6, 'new', 'x', 'pending', 1, 1, 0) RETURNING id",
                16,
            ),
            (
                "INSERT INTO decisions (incident, endpoint, at) VALUES ('inc', 'crm', 1) RETURNING id",
                1,
            ),
        ):
            assert db.scalar(sa.text(statement)) == number
    engine.dispose()


@BOTH
@pytest.mark.parametrize("source", ["sqlite", pytest.param("postgresql", marks=SLOWLY)])
@pytest.mark.usefixtures("in_twos")
def test_ended_at_each_batch_it_goes_on_and_is_never_taken_for_whole(
    source: str, kind: str, places: Places
) -> None:
    from_, to = places.full(source), places.empty(kind)
    rounds = last = 0

    class EndedError(Exception):
        pass

    def end(progress: Progress) -> None:
        nonlocal last
        if progress.done > last:
            last = progress.done
            raise EndedError

    while True:
        try:
            copying.copy(from_, to, end)
        except EndedError:
            rounds += 1
        else:
            break
        with pytest.raises(DatabaseError, match=r"not complete: call `yemotd db copy` with the same words"):
            databases.connect(to)
        with pytest.raises(DatabaseError, match="not complete"):
            databases.open_for_daemon(to)

    assert rounds >= 14
    databases.open_for_daemon(to).close()
    assert places.held(to) == copies.held(places.path("from"), pictured="postgresql" in (source, kind))


@BOTH
@pytest.mark.usefixtures("in_twos")
def test_a_batch_and_the_mark_of_it_are_there_both_or_neither(
    kind: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_, to = places.full("sqlite"), places.empty(kind)
    end: Any = copy_sqlite.SqliteEnd if kind == "sqlite" else copy_postgresql.PostgresEnd
    put, calls = end.put, 0

    def fails_before_its_mark(self: Any, table: sa.Table, rows: list[Row], marks: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        if calls % 2:
            put(self, table, rows, {"at": None})
        put(self, table, rows, marks)

    monkeypatch.setattr(end, "put", fails_before_its_mark)
    while True:
        try:
            copying.copy(from_, to)
        except DatabaseError:
            continue
        break

    assert calls > 20
    assert places.held(to) == copies.held(places.path("from"), pictured=kind == "postgresql")


@pytest.mark.slow
@BOTH
def test_killed_after_any_row_it_goes_on_where_it_was(kind: str, places: Places) -> None:
    from_, to = places.full("sqlite"), places.empty(kind)
    for lives in (1, 2, 5, 9, 14, 30, 45):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, from_, to],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert child.stdin
        assert child.stdout
        for _ in range(lives):
            assert child.stdout.readline()
            child.stdin.write(b"\n")
            child.stdin.flush()
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.communicate()
        with pytest.raises(DatabaseError, match="not complete"):
            databases.connect(to)
    copying.copy(from_, to)

    assert places.held(to) == copies.held(places.path("from"), pictured=kind == "postgresql")


def test_what_a_killed_copy_leaves_in_its_log_is_not_set_aside(places: Places) -> None:
    """There was another database of that name, whose daemon wrote down what it had open."""
    databases.open_for_daemon(places.url("to")).close()
    places.path("to").unlink()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, places.full("sqlite"), places.url("to")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout
    assert child.stdout.readline()
    child.kill()
    child.communicate()

    with pytest.raises(DatabaseError, match="not complete"):
        databases.open_for_daemon(places.url("to"))
    assert not [*places.folder.glob("*.of-another-*")]


def test_what_is_done_already_is_counted(places: Places, in_twos: None) -> None:
    from_, to = places.full("sqlite"), places.url("to")
    said: list[Progress] = []

    def end(progress: Progress) -> None:
        if progress.table == "deliveries" and progress.done > 18:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copying.copy(from_, to, end)
    copying.copy(from_, to, said.append)

    rows = sum(map(len, ONE_OF_EACH.values()))
    for doing in ("copied", "checked"):
        mine = [one for one in said if one.doing == doing]
        assert [one.done for one in mine] == sorted(one.done for one in mine)
        assert (mine[-1].done, mine[-1].of) == (rows, rows)
    assert len([one for one in said if one.doing == "copied" and one.table == "events"]) == 1


@BOTH
def test_nobody_writes_either_meanwhile(kind: str, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    from_, to = places.full(kind), places.empty(kind)
    refused = []

    def try_to(progress: Progress) -> None:
        if progress.table != "history":
            return
        refused.append(_refusal(lambda: databases.open_for_daemon(to)))
        if kind == "sqlite":
            refused.append(_refusal(lambda: databases.open_for_daemon(from_)))
            with closing(sqlite3.connect(places.path("from"), timeout=0)) as db:
                refused.append(_refusal(lambda: db.execute("DELETE FROM silences")))
        else:
            with server(from_) as db:
                db.execute("SET lock_timeout = 1")
                refused.append(_refusal(lambda: db.execute("DELETE FROM silences")))
                refused.append(
                    _refusal(lambda: db.execute("SELECT pg_advisory_xact_lock(%s)", (0x79656D6F74,)))
                )
            with server(to) as db:
                db.execute("SET lock_timeout = 1")
                refused.append(
                    _refusal(lambda: db.execute("SELECT pg_advisory_xact_lock(%s)", (0x79656D6F74,)))
                )

    copying.copy(from_, to, try_to)
    assert refused
    assert None not in refused
    if kind == "sqlite":
        with closing(sqlite3.connect(places.path("from"), timeout=0)) as db:
            db.execute("DELETE FROM silences")


def _refusal(act: Callable[[], object]) -> str | None:
    try:
        act()
    except (DatabaseError, sqlite3.Error, psycopg.Error) as error:
        return str(error)
    return None


def refused(from_: str, to: str) -> str:
    with pytest.raises(DatabaseError) as error:
        copying.copy(from_, to)
    return str(error.value)


@BOTH
def test_from_has_to_be_there_and_as_new_as_the_program(kind: str, places: Places) -> None:
    to = places.url("to")
    if kind == "sqlite":
        assert (
            refused(places.url("away"), to)
            == f"there is no database {places.path('away')}; `yemotd run` creates it"
        )
    else:
        away = postgresql.empty_url() + "_away"
        assert "does not exist" in refused(away, to)
        assert "\n" not in refused(away, to)
        assert refused(postgresql.empty_url(), to).endswith(
            "is no database of yemotd: there is nothing in it to copy"
        )
    assert not places.path("to").exists() or not copies_tables(places.path("to"))

    older = places.full(kind)
    _set_revision(older, "0003")
    assert "is at revision 0003, this program at" in refused(older, to)
    assert "`yemotd db upgrade`" in refused(older, to)
    _set_revision(older, "copying")
    assert "is itself a copy that is not complete" in refused(older, to)


def copies_tables(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [name for (name,) in db.execute("SELECT name FROM sqlite_schema")]


def _set_revision(url: str, revision: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = :word"), {"word": revision})
    engine.dispose()


@BOTH
def test_what_has_tables_already_is_not_copied_to(kind: str, places: Places) -> None:
    from_, to = places.full("sqlite"), places.full(kind, "to")
    before = places.held(to)
    name = places.path("to") if kind == "sqlite" else shown(to)
    assert refused(from_, to) == (
        f"{name} is not empty: name a new file, or a database without tables, and start again"
    )
    assert places.held(to, "again") == before


@BOTH
def test_one_that_upgrade_has_made_is_empty(kind: str, places: Places) -> None:
    to = places.empty(kind)
    databases.open_for_daemon(to).close()
    copying.copy(places.full("sqlite"), to)

    assert places.held(to) == copies.held(places.path("from"), pictured=kind == "postgresql")


@BOTH
@pytest.mark.usefixtures("in_twos")
def test_an_interrupted_copy_goes_on_with_the_very_same_alone(kind: str, places: Places) -> None:
    from_, to = places.full("sqlite"), places.empty(kind)

    def end(progress: Progress) -> None:
        if progress.done > 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copying.copy(from_, to, end)
    other = copies.make(places.path("other"), {**ONE_OF_EACH, "clock": [(1, -5, 8, "boot", 8)]}, forgotten=10)
    assert "holds an interrupted copy of another database, or of this one as it was before" in refused(
        other, to
    )
    places.path("from").rename(places.path("moved"))

    copying.copy(places.url("moved"), to)
    assert places.held(to) == copies.held(places.path("moved"), pictured=kind == "postgresql")


def test_a_daemon_that_runs_on_either_file_is_named(places: Places) -> None:
    from_, to = places.full("sqlite"), places.full("sqlite", "to")
    for busy in (from_, to):
        with closing(databases.open_for_daemon(busy)):
            assert f"another yemotd (process {os.getpid()}) runs on" in refused(from_, to)
    assert "is not empty" in refused(from_, to)  # both are free again


@pytest.mark.slow
@pytest.mark.needs(*postgresql.NEEDED)
def test_daemons_that_live_on_either_database_are_seen(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(copy_postgresql.SETTINGS, "lock_timeout", "10ms")
    from_, to = places.full("postgresql"), postgresql.empty_url()
    for busy in (from_, to):
        with closing(server(busy)) as db, closing(server(busy)) as other:
            db.execute("SELECT pg_advisory_lock(%s, 1)", (0x796D,))
            assert refused(from_, to) == f"a daemon runs on {shown(busy)}; stop that first"
            other.execute("SELECT pg_advisory_lock(%s, 2)", (0x796D,))
            assert refused(from_, to) == f"2 daemons run on {shown(busy)}; stop that first"
        with closing(server(busy)) as db:
            db.execute("SELECT pg_advisory_lock(%s)", (0x79656D6F74,))
            assert "another program writes" in refused(from_, to)
    with closing(server(from_)) as db, db.transaction():
        db.execute("DELETE FROM silences")
        assert f"another program writes {shown(from_)}" in refused(from_, to)
    copying.copy(from_, to)


def test_a_file_is_not_copied_to_itself(places: Places) -> None:
    from_ = places.full("sqlite")
    places.path("link").symlink_to(places.path("from"))
    with pytest.raises(SameError):
        copying.copy(from_, places.url("link"))


@pytest.mark.slow
@pytest.mark.needs(*postgresql.NEEDED)
def test_a_database_is_not_copied_to_itself_by_another_name(places: Places) -> None:
    from_ = places.full("postgresql")
    with pytest.raises(SameError):
        copying.copy(from_, from_.replace("127.0.0.1", "localhost"))


@pytest.mark.slow
@pytest.mark.needs(*postgresql.NEEDED)
def test_a_database_that_lacks_letters_is_refused(places: Places) -> None:
    with closing(postgresql.this_run().server.connect()) as db:
        db.execute(
            "CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        )
    to = postgresql.this_run().server.url("narrow")
    assert "its encoding is LATIN1" in refused(places.full("sqlite"), to)


@BOTH
def test_what_arrives_as_something_else_is_named(
    kind: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_, to = places.full("sqlite"), places.empty(kind)
    end: Any = copy_sqlite.SqliteEnd if kind == "sqlite" else copy_postgresql.PostgresEnd
    put = end.put

    def lies(self: Any, table: sa.Table, rows: list[Row], marks: dict[str, str]) -> None:
        if table.name == "events":
            rows = [row if row[0] != 3 else (*row[:-2], b"other", None) for row in rows]
        put(self, table, rows, marks)

    monkeypatch.setattr(end, "put", lies)
    for _ in range(2):  # it stays half a copy
        assert refused(from_, to) == (
            "table events: events 3 differs in body: the copy is not whole. Empty what it was copied to, and "
            "start again"
        )
    with pytest.raises(DatabaseError, match="not complete"):
        databases.open_for_daemon(to)


@BOTH
def test_a_row_that_is_lost_is_named(kind: str, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    from_, to = places.full("sqlite"), places.empty(kind)
    end: Any = copy_sqlite.SqliteEnd if kind == "sqlite" else copy_postgresql.PostgresEnd
    put = end.put

    def loses(self: Any, table: sa.Table, rows: list[Row], marks: dict[str, str]) -> None:
        put(self, table, rows[: 6 if table.name == "events" else None], marks)

    monkeypatch.setattr(end, "put", loses)
    assert "where " in (said := refused(from_, to))
    assert "has events 7, " in said
    assert "has no row: the copy is not whole" in said


@BOTH
def test_a_number_that_was_not_taken_over_is_named(
    kind: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    end: Any = copy_sqlite.SqliteEnd if kind == "sqlite" else copy_postgresql.PostgresEnd
    monkeypatch.setattr(end, "set_number", lambda *_: None)

    assert "has given numbers up to 17, " in refused(places.full("sqlite"), places.empty(kind))


@BOTH
def test_text_that_is_none_is_named_by_its_row(kind: str, places: Places) -> None:
    from_ = places.full("sqlite")
    with closing(sqlite3.connect(places.path("from"))) as db:
        db.execute("UPDATE deliveries SET error = CAST(x'ff' AS TEXT) WHERE id = 4")
        db.commit()

    assert (
        refused(from_, places.empty(kind)) == "a row cannot be copied: deliveries 4: text that is not UTF-8"
    )


@pytest.mark.slow
@pytest.mark.needs(*postgresql.NEEDED)
def test_what_postgresql_cannot_hold_is_named_by_its_row(places: Places) -> None:
    from_ = places.full("sqlite")
    with closing(sqlite3.connect(places.path("from"))) as db:
        db.execute("UPDATE deliveries SET first_http_status = 99999999999 WHERE id = 4")
        db.commit()

    said = refused(from_, postgresql.empty_url())
    assert said.startswith("a row cannot be copied: deliveries 4: value ")
    assert "out of range for type integer" in said


@pytest.mark.slow
@pytest.mark.needs(*postgresql.NEEDED)
def test_what_leads_nowhere_is_told_with_where_it_is(places: Places) -> None:
    from_ = places.full("sqlite")
    with closing(sqlite3.connect(places.path("from"))) as db:
        db.execute("UPDATE deliveries SET event = 999 WHERE id = 4")
        db.commit()

    assert "a row cannot be copied: deliveries 1 to 5: " in refused(from_, postgresql.empty_url())
    assert "a row cannot be copied: deliveries 1 to 5: FOREIGN KEY constraint failed" in refused(
        from_, places.url("to")
    )


def test_a_file_that_a_copy_made_is_as_a_daemon_makes_one(places: Places) -> None:
    copying.copy(places.full("sqlite"), places.url("to"))
    made = databases.open_for_daemon(places.url("new"))
    made.close()

    def of(path: Path) -> tuple[object, ...]:
        with closing(sqlite3.connect(path)) as db:
            schema = db.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()
            (vacuum,), (journal,) = (
                db.execute(f"PRAGMA {one}").fetchone() for one in ("auto_vacuum", "journal_mode")
            )
        return schema, vacuum, journal, path.stat().st_mode

    assert of(places.path("to")) == of(places.path("new"))
    assert databases.revision(places.url("to")) == REVISION


@pytest.mark.slow
@pytest.mark.needs(*postgresql.NEEDED)
def test_a_database_that_a_copy_made_is_as_a_daemon_makes_one(places: Places) -> None:
    copied, made = postgresql.empty_url(), postgresql.empty_url()
    copying.copy(places.full("sqlite"), copied)
    databases.open_for_daemon(made).close()

    def of(url: str) -> list[tuple[object, ...]]:
        with closing(server(url)) as db:
            return db.execute(
                "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name FROM "
                "information_schema.columns WHERE table_schema = 'public' UNION ALL "
                "SELECT tablename, indexname, indexdef, '', '', '' FROM pg_indexes "
                "WHERE schemaname = 'public' ORDER BY 1, 2"
            ).fetchall()

    assert of(copied) == of(made)


def test_a_disk_that_is_full_ends_it_and_it_goes_on_when_there_is_room(
    places: Places, in_twos: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [
        (number, f"evt_{number}", "main", number, "t", "s", number, b"x" * 4000, None)
        for number in range(1, 60)
    ]
    from_, to = copies.make(places.path("from"), {"events": events}), places.url("to")
    with monkeypatch.context() as full:
        full.setattr(copy_sqlite, "PRAGMAS", (*PRAGMAS, "max_page_count=190"))
        assert refused(from_, to).startswith(f"{places.path('to')}: database or disk is full; make room")
    said: list[Progress] = []
    copying.copy(from_, to, said.append)

    begun = next(one.done for one in said if one.table == "events")
    assert 0 < begun < len(events)
    assert copies.held(places.path("to")) == copies.held(places.path("from"))


@pytest.mark.slow
@pytest.mark.needs(*postgresql.NEEDED)
def test_a_server_that_crashes_ends_it_and_it_goes_on_with_the_next(
    places: Places, in_twos: None, tmp_path: Path
) -> None:
    from_ = places.full("sqlite")
    with postgresql.own_server(tmp_path) as one:

        def crash(progress: Progress) -> None:
            if progress.table == "events" and progress.done > 4:
                one.kill()

        with pytest.raises(DatabaseError) as error:
            copying.copy(from_, one.url(), crash)
        assert str(error.value).startswith(shown(one.url()))
        assert "\n" not in str(error.value)
        one.start()
        with pytest.raises(DatabaseError, match="not complete"):
            databases.connect(one.url())
        copying.copy(from_, one.url())

        assert places.held(one.url()) == copies.held(places.path("from"), pictured=True)
