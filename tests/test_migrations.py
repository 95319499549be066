"""The migrations give what `schema.py` says, from nothing and from every revision with rows in it."""

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from daemon.store import database as databases
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
