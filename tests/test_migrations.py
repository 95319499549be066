"""The migrations give what `schema.py` says, from nothing and from every revision with rows in it."""

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from daemon.core.alerts import Phase
from daemon.core.ledger import Standing
from daemon.store import database as databases
from daemon.store import incidents, ledger
from daemon.store.schema import metadata


def test_the_migrations_and_the_tables_are_equal() -> None:
    database = databases.in_memory()
    with database.read() as db:
        difference = compare_metadata(MigrationContext.configure(db, opts={"compare_type": True}), metadata)
    database.close()

    assert difference == []


def test_partial_indexes_have_the_same_conditions() -> None:
    """Alembic does not compare the conditions of partial indexes."""
    migrated = databases.in_memory()
    made = sa.create_engine("sqlite://")
    metadata.create_all(made)

    def indexes(db: sa.Connection) -> dict[str, str]:
        rows = db.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL")
        return {name: " ".join(sql.split()) for name, sql in rows}

    with migrated.read() as one, made.connect() as other:
        assert indexes(one) == indexes(other)
    migrated.close()
    made.dispose()


def test_there_is_one_head_and_every_revision_can_be_reached() -> None:
    scripts = ScriptDirectory.from_config(databases.alembic_config())

    revisions = [script.revision for script in scripts.walk_revisions()]
    assert len(scripts.get_heads()) == 1
    for revision in revisions:
        engine = sa.create_engine("sqlite://")
        config = databases.alembic_config()
        with engine.begin() as db:
            config.attributes["connection"] = db
            command.upgrade(config, revision)
            command.upgrade(config, "head")
            assert MigrationContext.configure(db).get_current_revision() == scripts.get_current_head()
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
    config = databases.alembic_config()
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
