"""Names in the store: one for each number, told by a version whether they have changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core.contacts import LONGEST_NAME, key
from daemon.store import contacts
from daemon.store.contacts import Book, Stored
from daemon.store.database import Database
from tests.support import stores
from tests.support.fakes import START
from tests.support.hostile import OBEYED, REFUSED


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[Database]:
    one = stores.at(tmp_path / "contacts.db")
    yield one
    one.close()


def stored(number: str, name: str) -> Stored:
    return Stored(key(number), number, name, "ops", START)


def put(database: Database, *these: tuple[str, str]) -> None:
    given = [stored(*one) for one in these]
    with database.write() as db:
        known = contacts.find(db, [one.key for one in given])
        contacts.put(db, given, new=len({one.key for one in given} - known.keys()))


def test_a_new_store_names_nobody(database: Database) -> None:
    with database.read() as db:
        assert contacts.book(db) == Book()
        assert contacts.load(db) == {}
        assert contacts.read(db) == []


def test_a_number_has_one_name_the_last_that_was_given(database: Database) -> None:
    put(database, ("0541234567", "Dana"), ("/5", "Sales"))
    put(database, ("+972541234567", "Rami"))

    with database.read() as db:
        assert contacts.load(db) == {"0541234567": "Rami", "/5": "Sales"}
        assert contacts.find(db, ["0541234567", "/6"]) == {"0541234567": stored("+972541234567", "Rami")}
        assert contacts.book(db).size == 2


def test_every_change_is_seen_by_the_version_and_nothing_else_is(database: Database) -> None:
    seen = []
    for change in (
        lambda: put(database, ("0541234567", "Dana")),
        lambda: put(database, ("0541234567", "Rami")),
        lambda: removed(database, "0541234567"),
        lambda: put(database, ("0541234567", "Dana")),
    ):
        change()
        with database.read() as db:
            seen.append(contacts.book(db))
    assert [one.version for one in seen] == [1, 2, 3, 4]
    assert [one.size for one in seen] == [1, 1, 0, 1]
    assert not removed(database, "/5")
    with database.read() as db:
        assert contacts.book(db) == seen[-1]


def removed(database: Database, number: str) -> bool:
    with database.write() as db:
        return contacts.remove(db, number)


def test_pages_together_have_each_contact_once(database: Database) -> None:
    put(database, *((f"054123{number:04}", f"N{number}") for number in range(25)))
    found, after = [], ""
    with database.read() as db:
        while page := contacts.read(db, after=after, limit=7):
            found += page
            after = page[-1].key

        assert sorted(one.key for one in found) == [f"054123{number:04}" for number in range(25)]
        assert [one.number for one in contacts.read(db, name="n7")] == ["0541230007"]


def test_more_than_one_part_is_read_whole(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "AT_ONCE", 10)
    put(database, *((f"054123{number:04}", "x") for number in range(35)))

    with database.read() as db:
        assert len(contacts.load(db)) == 35
        assert len(contacts.find(db, [f"054123{number:04}" for number in range(1000)])) == 35


@pytest.mark.parametrize("name", [one for one in REFUSED if "\0" not in one])
def test_what_somebody_wrote_by_hand_is_shown_and_not_obeyed(database: Database, name: str) -> None:
    put(database, ("0541234567", name))

    with database.read() as db:
        told = [contacts.load(db)["0541234567"], contacts.read(db)[0].name]
    assert not any(one in each for each in told for one in (*OBEYED, "\n", "\r"))
    assert all(len(each) <= LONGEST_NAME for each in told)
