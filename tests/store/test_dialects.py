"""What is written in the words of a database, judged without one: PostgreSQL's are made, not sent."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.sql.ddl import ExecutableDDLElement

from daemon.store.dialects import insert_into
from daemon.store.schema import ledger, metadata

SQLITE, POSTGRESQL = "sqlite://", "postgresql+psycopg://"


def dialect(url: str) -> sa.Dialect:
    return sa.make_url(url).get_dialect()()


def created(url: str) -> dict[str, str]:
    """How each index is created on an empty database of this kind, by its name."""
    said: dict[str, str] = {}

    def note(statement: ExecutableDDLElement, *_: Any, **__: Any) -> None:
        if isinstance(statement, sa.schema.CreateIndex):
            said[str(statement.element.name)] = str(statement.compile(dialect=dialect(url))).replace('"', "")

    engine = sa.create_mock_engine(url, note)
    metadata.dispatch.before_create(metadata, engine)
    for table in metadata.sorted_tables:  # what is not a table is made by hand (`store/trigrams.py`)
        table.create(engine, checkfirst=False)
    return said


def test_an_index_of_some_rows_is_of_the_same_rows_in_both() -> None:
    found = created(POSTGRESQL)

    assert found == created(SQLITE)
    assert found["deliveries_dead"].endswith("WHERE status = 'dead'")
    assert found["commands_key"].startswith("CREATE UNIQUE INDEX")


@pytest.mark.parametrize("url", [SQLITE, POSTGRESQL])
def test_a_row_that_is_there_is_changed_in_both(url: str) -> None:
    insert = insert_into(ledger, dialect(url).name).values(incident="inc", endpoint="crm", losses=1)
    changed = {"losses": insert.excluded.losses}
    statement = insert.on_conflict_do_update(index_elements=["incident", "endpoint"], set_=changed)

    said = str(statement.compile(dialect=dialect(url)))

    assert said.endswith("ON CONFLICT (incident, endpoint) DO UPDATE SET losses = excluded.losses")
