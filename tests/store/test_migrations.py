"""The migrations give what `schema.py` says, from nothing and from every revision with rows in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from daemon.core.alerts.life import Phase
from daemon.core.routing.ledger import Standing
from daemon.store import database as databases
from daemon.store import events, history, incidents, ledger, migrating, outbox, trigrams
from daemon.store.database import Database
from daemon.store.outbox import Lease
from daemon.store.schema import REVISION, metadata
from tests.support.fakes import START

pytestmark = pytest.mark.slow


@pytest.fixture
def migrated() -> Iterator[sa.Connection]:
    """A database to which every migration was done, from nothing."""
    engine = sa.create_engine("sqlite://")
    with engine.begin() as db:
        migrating.upgrade(db)
        yield db
    engine.dispose()


def test_the_migrations_and_the_tables_are_equal(migrated: sa.Connection) -> None:
    opts = {"compare_type": True, "include_name": lambda name, *_: name is None or not is_of_index(name)}
    context = MigrationContext.configure(migrated, opts=opts)

    assert compare_metadata(context, metadata) == []


def test_a_new_database_is_what_the_migrations_make_of_nothing(migrated: sa.Connection) -> None:
    """To the letter but for the order of columns: also what Alembic does not compare, such as defaults,
    AUTOINCREMENT and the conditions of partial indexes; and the rows that are there from the first."""
    new = databases.in_memory()

    def there(db: sa.Connection) -> dict[str, int]:
        names = sa.inspect(db).get_table_names()
        tables = [sa.table(name) for name in names if not is_of_index(name)]
        return {one.name: db.scalar(sa.select(sa.func.count()).select_from(one)) or 0 for one in tables}

    with new.read() as db:
        assert made(db) == made(migrated)
        assert there(db) == there(migrated)
        assert there(db)["alembic_version"] == sum(there(db).values()) == 1
    new.close()


def is_of_index(table: str) -> bool:
    """Whether FTS5 made it for itself, beside the index of texts, or is that."""
    return table == trigrams.TABLE or table.startswith(f"{trigrams.TABLE}_")


def made(db: sa.Connection) -> dict[str, list[str]]:
    """How everything that there is was created."""
    rows = db.exec_driver_sql("SELECT type || ' ' || name, sql FROM sqlite_master")
    return {name: pieces(sql or "") for name, sql in rows}


def pieces(sql: str) -> list[str]:
    """A statement that creates something: what it is, and what stands in its brackets, sorted."""
    head, _, rest = " ".join(sql.replace('"', "").split()).partition("(")
    body, _, tail = rest.rpartition(")")
    found, depth = [""], 0
    for sign in body:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return [head.strip(), tail.strip(), *sorted(one.strip() for one in found)]


def test_there_is_one_head_and_every_revision_can_be_reached() -> None:
    scripts = ScriptDirectory.from_config(migrating.alembic_config())

    revisions = [script.revision for script in scripts.walk_revisions()]
    assert len(scripts.get_heads()) == 1
    for revision in revisions:
        engine = sa.create_engine("sqlite://")
        config = migrating.alembic_config()
        with engine.begin() as db:
            config.attributes["connection"] = db
            command.upgrade(config, revision)
            command.upgrade(config, "head")
            assert (
                MigrationContext.configure(db).get_current_revision()
                == REVISION
                == scripts.get_current_head()
            )
        engine.dispose()


FIRED_BEFORE_THE_LEDGER = """
INSERT INTO events (number, id, system, sequence, type, subject, timestamp, body) VALUES
 (1, 'evt_1', 'main', 1, 'sip.account.unregistered', 'sip/077', 1000,
  '{"data":{"alert":{"incident":"inc_1"}}}'),
 (2, 'evt_2', 'main', 2, 'api.unreachable', 'api/sip', 1000, '{"data":{"alert":{"incident":"inc_2"}}}');
INSERT INTO deliveries (event, endpoint, lane, status, created_at, due_at, attempts) VALUES
 (1, 'crm', 'main/sip/077', 'delivered', 1000, 1000, 1),
 (2, 'crm', 'main/api/sip', 'delivered', 1000, 1000, 1);
INSERT INTO alerts (system, key, watch, fires, resolves, subject, severity, payload, phase, held, is_blind,
  changed_after, changed_before, started_at, incident) VALUES
 ('main', 'sip/077', 'sip', 'sip.account.unregistered', 'sip.account.registered', 'sip/077', 'error', '{}',
  'firing', 0, 0, 500, 900, 900, 'inc_1'),
 ('main', 'api/sip', 'api', 'api.unreachable', 'api.reachable', 'api/sip', 'error', '{}',
  'firing', 0, 0, 500, 900, 900, 'inc_2');
"""


def test_incidents_that_fire_are_carried_over_with_whom_they_were_told() -> None:
    engine = sa.create_engine("sqlite://")
    config = migrating.alembic_config()
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
        for statement in FIRED_BEFORE_THE_LEDGER.split(";\n"):
            if statement.strip():
                db.exec_driver_sql(statement)
        command.upgrade(config, "head")

        (still,) = incidents.firing(db)
        owed = {one.id: one.is_firing for one in incidents.unsettled(db, ["crm"])}
        lines = ledger.load(db, ["crm"])
    engine.dispose()

    assert (still.id, still.subject, still.phase) == ("inc_1", "sip/077", Phase.FIRING)
    assert owed == {"inc_1": True, "inc_2": False}
    assert {line[0]: told.standing for line, told in lines.items()} == {
        "inc_1": Standing.FIRING,
        "inc_2": Standing.FIRING,
    }


SENT_BEFORE_HEALTH = """
INSERT INTO sequences (system, last) VALUES ('main', 6);
INSERT INTO events (number, id, system, sequence, type, subject, timestamp, body) VALUES
 (1, 'evt_1', 'main', 1, 'sms.received', 'sms/1', 1000, '{"n":1}'),
 (2, 'evt_2', 'main', 2, 'sms.received', 'sms/1', 1000, '{"n":2}'),
 (3, 'evt_3', 'main', 3, 'sms.received', 'sms/1', 1000, '{"n":3}'),
 (4, 'evt_4', 'main', 4, 'sms.received', 'sms/2', 1000, '{"n":4}'),
 (5, 'evt_5', 'main', 5, 'sms.received', 'sms/3', 1000, '{"n":5}'),
 (6, 'evt_6', 'main', 6, 'sip.account.unregistered', 'sip/1', 1000, '{"n":6}');
INSERT INTO deliveries (id, event, endpoint, lane, status, created_at, due_at, attempts, token, leased_until,
  ended_at, incident, urgency) VALUES
 (11, 1, 'crm', 'main/sms/1', 'delivered', 1000, 1100, 2, NULL, NULL, 1900, NULL, NULL),
 (12, 2, 'crm', 'main/sms/1', 'pending', 1000, 5000, 3, NULL, NULL, NULL, NULL, NULL),
 (13, 3, 'crm', 'main/sms/1', 'waiting', 1000, 1000, 0, NULL, NULL, NULL, NULL, NULL),
 (14, 4, 'crm', 'main/sms/2', 'leased', 1000, 1200, 3, 'lease_1', 9000, NULL, NULL, NULL),
 (15, 5, 'crm', 'main/sms/3', 'dead', 1000, 1300, 1, NULL, NULL, 1800, NULL, NULL),
 (16, 6, 'crm', 'main/sip/1', 'superseded', 1000, 1400, 0, NULL, NULL, 1700, 'inc_1', 0);
INSERT INTO attempts (id, delivery, number, started_at, took, outcome, http_status, error, response_head)
  VALUES
 (1, 11, 1, 1100, 30, 'failed', 500, NULL, 'oops'), (2, 11, 2, 1200, 20, 'accepted', 204, NULL, ''),
 (3, 12, 1, 1100, 15000, 'timeout', NULL, 'no answer', NULL),
 (4, 12, 2, 1200, 1, 'unreachable', NULL, 'refused', NULL),
 (5, 12, 3, 1300, 2, 'failed', 503, NULL, 'later'),
 (6, 14, 1, 1100, 3, 'failed', 500, NULL, NULL), (7, 14, 2, 1200, 4, 'failed', 502, NULL, NULL),
 (8, 15, 1, 1300, 5, 'refused', 422, NULL, 'no'),
 (9, 15, 1, 1301, 6, 'refused', 400, NULL, 'again');
"""
"""Every status, and an attempt whose number was given twice, as after a lease that was released."""


@pytest.fixture
def upgraded(tmp_path: Path) -> Iterator[Database]:
    """A file of the revision before health, with rows in it, opened by the daemon of today."""
    path = tmp_path / "old.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    config = migrating.alembic_config()
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0002")
    engine.dispose()
    with closing(sqlite3.connect(path)) as before:
        before.executescript(SENT_BEFORE_HEALTH)
    one = databases.open_for_daemon(f"sqlite:///{path}")
    yield one
    one.close()


def test_deliveries_and_attempts_are_kept_as_they_were(upgraded: Database) -> None:
    with upgraded.read() as db:
        rows = db.exec_driver_sql(
            "SELECT id, event, endpoint, lane, status, created_at, due_at, attempts, token, leased_until,"
            " ended_at, incident, urgency FROM deliveries ORDER BY id"
        )
        deliveries = [tuple(row) for row in rows]
        rows = db.exec_driver_sql(
            "SELECT delivery, number, started_at, total, outcome, http_status, error, response_head"
            " FROM attempts ORDER BY delivery, number"
        )
        attempts = [tuple(row) for row in rows]
        bodies = db.exec_driver_sql("SELECT body FROM events ORDER BY number").scalars().all()
        broken = db.exec_driver_sql("PRAGMA foreign_key_check").all()
        check = db.exec_driver_sql("PRAGMA integrity_check").scalar()

    assert deliveries == [
        (11, 1, "crm", "main/sms/1", "delivered", 1000, 1100, 2, None, None, 1900, None, None),
        (12, 2, "crm", "main/sms/1", "pending", 1000, 5000, 3, None, None, None, None, None),
        (13, 3, "crm", "main/sms/1", "waiting", 1000, 1000, 0, None, None, None, None, None),
        (14, 4, "crm", "main/sms/2", "leased", 1000, 1200, 3, "lease_1", 9000, None, None, None),
        (15, 5, "crm", "main/sms/3", "dead", 1000, 1300, 1, None, None, 1800, None, None),
        (16, 6, "crm", "main/sip/1", "superseded", 1000, 1400, 0, None, None, 1700, "inc_1", 0),
    ]
    assert attempts == [
        (11, 1, 1100, 30_000, "failed", 500, None, "oops"),
        (11, 2, 1200, 20_000, "accepted", 204, None, ""),
        (12, 1, 1100, 15_000_000, "timeout", None, "no answer", None),
        (12, 2, 1200, 1_000, "unreachable", None, "refused", None),
        (12, 3, 1300, 2_000, "failed", 503, None, "later"),
        (14, 1, 1100, 3_000, "failed", 500, None, None),
        (14, 2, 1200, 4_000, "failed", 502, None, None),
        (15, 1, 1301, 6_000, "refused", 400, None, "again"),
    ]
    assert bodies == [f'{{"n":{number}}}' for number in range(1, 7)]
    assert (broken, check) == ([], "ok")


def test_failures_are_counted_from_the_attempts_that_ended(upgraded: Database) -> None:
    """So that a schedule goes on where it was; what is leased may succeed yet."""
    with upgraded.read() as db:
        rows = db.exec_driver_sql(
            "SELECT id, failures, superseded, expires_at, error FROM deliveries WHERE ended_at IS NULL"
            " ORDER BY id"
        )
        counted = [tuple(row) for row in rows]

    assert counted == [(12, 3, 0, None, None), (13, 0, 0, None, None), (14, 2, 0, None, None)]


def test_what_was_under_way_goes_on_and_gets_new_numbers(upgraded: Database) -> None:
    with upgraded.write() as db:
        released = outbox.release_all(db)
        claimed = outbox.claim(db, "crm", 10, Lease("lease_2", START, START)).messages
        seen = history.find(db, 15)
        db.exec_driver_sql(
            "INSERT INTO deliveries (event, endpoint, lane, status, created_at, due_at, attempts)"
            " VALUES (1, 'ops', 'main/sms/1', 'pending', 0, 0, 0)"
        )
        newest = db.exec_driver_sql("SELECT max(id) FROM deliveries").scalar()

    assert released == 1
    assert [(one.delivery, one.attempt, one.failures) for one in claimed] == [(14, 4, 2), (12, 4, 3)]
    assert seen and [(one.number, one.http_status) for one in seen.attempts] == [(1, 400)]
    assert newest == 17


def test_a_file_that_was_upgraded_has_the_tables_and_indexes_of_a_fresh_one(
    upgraded: Database, tmp_path: Path
) -> None:
    fresh = databases.open_for_daemon(f"sqlite:///{tmp_path / 'fresh.db'}")

    with upgraded.read() as one, fresh.read() as other:
        assert made(one) == made(other)
    fresh.close()


def test_what_is_only_found_by_its_key_is_kept_by_it_alone() -> None:
    """Alembic does not compare it: without row ids there is one tree to write for each attempt, not two."""
    database = databases.in_memory()
    with database.read() as db:
        rows = db.exec_driver_sql("SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr")
        names = {one for one in rows.scalars() if not is_of_index(one)}
    database.close()

    tables = {table.name for table in metadata.sorted_tables if not _has_row_ids(table)}
    assert names == tables == {"attempts", "history", "spellings"}


def _has_row_ids(table: sa.Table) -> bool:
    return bool(table.dialect_options["sqlite"]["with_rowid"])


def test_no_revision_can_be_taken_back() -> None:
    """The way back is the backup from before the upgrade: a half-way that loses rows is worse than none."""
    scripts = ScriptDirectory.from_config(migrating.alembic_config())

    assert [one.revision for one in scripts.walk_revisions() if hasattr(one.module, "downgrade")] == []


@pytest.mark.parametrize(
    ("kept", "up_to"), [([1, 2, 3], 0), ([2, 3], 1), ([1, 3], 2), ([2, 5, 6], 4), ([], 6)]
)
def test_what_was_forgotten_before_is_known_by_the_newest_gap(kept: list[int], up_to: int) -> None:
    engine = sa.create_engine("sqlite://")
    config = migrating.alembic_config()
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0009")
        many = max([*kept, up_to])
        for number in range(1, many + 1):
            db.exec_driver_sql(
                "INSERT INTO events (id, system, sequence, type, subject, timestamp, body)"
                " VALUES (?, 'main', ?, 'test.ping', 'x', 1, '{}')",
                (f"evt_{number}", number),
            )
        for number in set(range(1, many + 1)) - set(kept):
            db.exec_driver_sql("DELETE FROM events WHERE number = ?", (number,))
        command.upgrade(config, "head")

        assert events.forgotten_up_to(db) == up_to
    engine.dispose()
