"""Names in memory: each daemon finds what others have changed, and a failing store takes none away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.core.contacts import NOBODY, Configured, Contacts
from daemon.operations import contacts
from daemon.store.database import Database
from daemon.workers.names import Names
from tests.support import stores
from tests.support.fakes import START


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[Database]:
    one = stores.at(tmp_path / "names.db")
    yield one
    one.close()


def add(database: Database, number: str, name: str) -> None:
    with database.write() as db:
        contacts.add(db, number, name, author="ops", now=START, configured=Configured())


def test_two_daemons_know_of_each_other_s_names_at_their_next_look(database: Database) -> None:
    north, south = Names(), Names()
    for one in (north, south):
        one.look(database)
        assert one.under(NOBODY).name_of("0541234567") is None
    add(database, "0541234567", "Dana")
    north.look(database)

    assert north.under(NOBODY).name_of("054-1234567") == "Dana"
    assert south.under(NOBODY).name_of("0541234567") is None
    south.look(database)
    assert south.under(NOBODY).name_of("0541234567") == "Dana"
    with database.write() as db:
        contacts.remove(db, "0541234567", Configured())
    for one in (north, south):
        one.look(database)
        assert one.under(NOBODY).name_of("0541234567") is None


def test_where_nothing_was_changed_nothing_is_read_again(database: Database) -> None:
    add(database, "0541234567", "Dana")
    names = Names()
    with capture_logs() as logs:
        for _ in range(3):
            names.look(database)

    assert [(one["event"], one["many"]) for one in logs] == [("names.read", 1)]


@pytest.mark.parametrize("error", stores.FAILING)
def test_while_the_store_fails_names_stay(database: Database, error: Exception) -> None:
    add(database, "0541234567", "Dana")
    names = Names()
    names.look(database)
    with capture_logs() as logs:
        names.look(stores.Failing(error))

    assert names.under(NOBODY).name_of("0541234567") == "Dana"
    assert [one["event"] for one in logs] == ["names.not_read"]


def test_the_configuration_counts_and_a_new_one_counts_at_once(database: Database) -> None:
    add(database, "0541234567", "Dana")
    names = Names()
    names.look(database)
    old, new = Contacts.of([("0541234567", "D.")]), Contacts.of([("/5", "Sales")])

    assert names.under(old).name_of("0541234567") == "D."
    assert names.under(old) is names.under(old)
    assert names.under(new).name_of("0541234567") == "Dana"
    assert names.under(new).name_of("queue/5") == "Sales"
