"""A migration only adds: the release before it must be able to run on what it leaves.

Two ways to look: each revision's tables beside those of the one before, and the statements of the last
release on the tables of today.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from daemon.store import migrating
from daemon.store.database import Database
from daemon.store.schema import REVISION, metadata
from tests.support import statements, stores
from tests.support.engines import ON_SQLITE
from tests.support.examples import sample

pytestmark = pytest.mark.slow


BEFORE_THE_RULE = {"0001", "0002", "0003", "0004"}
"""No revision is ever added here."""
CONTRACTED: dict[str, set[str]] = {}
"""By revision: what it drops ("table", "table.column"), of which the last release says nothing any more."""
WIDER = {("SMALLINT", "INTEGER"), ("SMALLINT", "BIGINT"), ("INTEGER", "BIGINT"), ("VARCHAR", "TEXT")}


def migrations() -> Path:
    folder = migrating.alembic_config().get_main_option("script_location")
    assert folder
    return Path(folder)


def faults(folder: Path) -> dict[str, list[str]]:
    """By revision after the rule: what the release before it could not live with."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    revisions = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    engine, found = sa.create_engine("sqlite://"), {}
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, max(BEFORE_THE_RULE))
        before = tables(db)
        for revision in (one for one in revisions if one not in BEFORE_THE_RULE):
            command.upgrade(config, revision)
            after = tables(db)
            found[revision] = broken(before, after, CONTRACTED.get(revision, set()))
            before = after
    engine.dispose()
    return found


class Table:
    """What is promised to whoever writes into a table and reads from it."""

    def __init__(self, db: sa.Connection, name: str) -> None:
        look = sa.inspect(db)
        self.columns = {one["name"]: one for one in look.get_columns(name)}
        self.key = look.get_pk_constraint(name)["constrained_columns"]
        self.rules = {
            *(f"unique {', '.join(one['column_names'])}" for one in look.get_unique_constraints(name)),
            *(f"unique {_named(one['column_names'])}" for one in look.get_indexes(name) if one["unique"]),
            *(f"foreign key {', '.join(one['constrained_columns'])}" for one in look.get_foreign_keys(name)),
            *(f"check {one['sqltext']}" for one in look.get_check_constraints(name)),
        }

    def kind(self, column: str) -> str:
        return str(self.columns[column]["type"])

    def wants(self, column: str) -> bool:
        """Whether a row cannot do without a value that the writer gives."""
        one = self.columns[column]
        is_number = self.key == [column] and self.kind(column) == "INTEGER"
        return not one["nullable"] and one["default"] is None and not is_number


def _named(columns: Iterable[str | None]) -> str:
    """An index may also be of an expression, which has no name."""
    return ", ".join(column or "an expression" for column in columns)


def tables(db: sa.Connection) -> dict[str, Table]:
    return {name: Table(db, name) for name in sa.inspect(db).get_table_names()}


def broken(before: dict[str, Table], after: dict[str, Table], contracted: set[str]) -> list[str]:
    """Each promise of the tables before that is not kept after."""
    gone = [f"{name} is gone" for name in before if name not in after | dict.fromkeys(contracted)]
    return gone + [
        fault
        for name in before.keys() & after.keys()
        for fault in _broken(name, before[name], after[name], contracted)
    ]


def _broken(name: str, before: Table, after: Table, contracted: set[str]) -> Iterator[str]:
    for column in before.columns:
        if column in after.columns:
            yield from _narrowed(f"{name}.{column}", column, before, after)
        elif f"{name}.{column}" not in contracted:
            yield f"{name}.{column} is gone"
    for column in after.columns.keys() - before.columns.keys():
        if after.wants(column):
            yield f"{name}.{column} needs a value that nobody gives"
    yield from (f"{name}: new rule: {rule}" for rule in sorted(after.rules - before.rules))
    if after.key != before.key:
        yield f"{name} has another key"


def _narrowed(known: str, column: str, before: Table, after: Table) -> Iterator[str]:
    kinds = (before.kind(column), after.kind(column))
    if kinds[0] != kinds[1] and kinds not in WIDER:
        yield f"{known} was {kinds[0]} and is {kinds[1]}"
    is_stricter = before.columns[column]["nullable"] and not after.columns[column]["nullable"]
    if is_stricter or (after.wants(column) and not before.wants(column)):
        yield f"{known} needs a value that it did not need"


def test_each_migration_leaves_what_the_release_before_needs() -> None:
    found = faults(migrations())

    assert {revision: wrong for revision, wrong in found.items() if wrong} == {}


def test_the_list_of_those_before_the_rule_does_not_grow() -> None:
    assert sorted(BEFORE_THE_RULE) == ["0001", "0002", "0003", "0004"]


MIGRATION = """\
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", "{head}", None, None


def upgrade() -> None:
    with op.batch_alter_table("quiet") as quiet:
        {change}
"""


def told(tmp_path: Path, change: str) -> list[str]:
    """What is wrong with one more migration that changes the table `quiet`."""
    folder = shutil.copytree(migrations(), tmp_path / "migrations")
    text = MIGRATION.format(head=REVISION, change=change)
    (folder / "versions" / "next.py").write_text(text, encoding="utf-8")
    return faults(folder)["next"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ('quiet.drop_column("since")', "quiet.since is gone"),
        ('quiet.alter_column("since", new_column_name="began")', "quiet.since is gone"),
        (
            'quiet.alter_column("since", type_=sa.SmallInteger())',
            "quiet.since was BIGINT and is SMALLINT",
        ),
        (
            'quiet.add_column(sa.Column("why", sa.Text, nullable=False, server_default="")); '
            'quiet.alter_column("why", server_default=None)',
            "quiet.why needs a value that nobody gives",
        ),
        ('quiet.create_unique_constraint("one", ["since"])', "quiet: new rule: unique since"),
        ('quiet.create_check_constraint("late", "since > 0")', "quiet: new rule: check since > 0"),
        ('op.drop_table("silences")', "silences is gone"),
        (
            'op.create_index("one", "quiet", ["since"], unique=True)',
            "quiet: new rule: unique since",
        ),
    ],
)
def test_a_migration_that_takes_something_away_is_found(tmp_path: Path, change: str, fault: str) -> None:
    assert fault in told(tmp_path, change)


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        ("ends_at", "silences.ends_at needs a value that it did not need"),
        ("expired_at", "silences.expired_at needs a value that it did not need"),
    ],
)
def test_a_column_that_may_not_be_empty_any_more_is_found(tmp_path: Path, column: str, fault: str) -> None:
    other = f'with op.batch_alter_table("silences") as one: one.alter_column("{column}", nullable=False)'

    assert told(tmp_path, f"pass\n    {other}") == [fault]


@pytest.mark.parametrize(
    "change",
    [
        'quiet.add_column(sa.Column("why", sa.Text))',
        'quiet.add_column(sa.Column("many", sa.Integer, nullable=False, server_default="0"))',
        'op.create_index("one", "quiet", ["since"])',
        'op.drop_index("silences_created", "silences")',
        'op.create_table("new", sa.Column("id", sa.Text, nullable=False))',
    ],
)
def test_a_migration_that_only_adds_is_well(tmp_path: Path, change: str) -> None:
    assert told(tmp_path, change) == []


@ON_SQLITE
def test_the_last_release_runs_on_the_tables_of_today(database: Database) -> None:
    with database.read() as db:
        assert statements.refused(db, statements.load()) == []


def test_it_would_be_seen_if_any_column_went_away() -> None:
    """So the statements are of the whole store: each column is written or read by some of them, but for
    those that came since."""
    said, then = statements.load(), columns_at(statements.revision())
    columns = [(table.name, one.name) for table in metadata.sorted_tables for one in table.columns]
    columns = [one for one in columns if one in then]

    assert [
        (table, column) for table, column in sample(columns) if not refused_without(table, column, said)
    ] == []


def columns_at(revision: str) -> set[tuple[str, str]]:
    """Every column that there was at a revision."""
    config, engine = migrating.alembic_config(), sa.create_engine("sqlite://")
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, revision)
        look = sa.inspect(db)
        found = {(table, one["name"]) for table in look.get_table_names() for one in look.get_columns(table)}
    engine.dispose()
    return found


def refused_without(table: str, column: str, said: list[str]) -> list[str]:
    """What the tables of today would refuse, if this column had another name."""
    with closing(stores.in_memory()) as one, one.write() as db:
        db.exec_driver_sql(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO gone')
        return statements.refused(db, (line for line in said if column in line))
