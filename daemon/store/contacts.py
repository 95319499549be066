"""Names that people gave to numbers, kept in the store. Functions take a connection.

Whoever shows names holds all of them in memory, so there are at most so many; by `version` he knows in one
small read whether they have changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from daemon.core.contacts import folded, shown
from daemon.store.column_types import millis
from daemon.store.dialects import insert_into
from daemon.store.prepared import Prepared
from daemon.store.schema import contact_book, contacts

NAME = "contacts"
AT_ONCE = 5_000
"""Read, or written, in one go."""
_ASKED = 400
"""Keys in one question: SQLite before 3.32 takes 999 values."""
_PUT = Prepared(
    "INSERT INTO contacts (key, number, name, folded, author, changed_at)"
    " VALUES (:key, :number, :name, :folded, :author, :changed_at)"
    " ON CONFLICT (key) DO UPDATE SET number = excluded.number, name = excluded.name,"
    " folded = excluded.folded, author = excluded.author, changed_at = excluded.changed_at",
    "key", "number", "name", "folded", "author", "changed_at",
)  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """One contact of the store."""

    key: str
    """What its number is compared by."""
    number: str
    """As it was given."""
    name: str
    author: str
    changed_at: datetime


@dataclass(frozen=True)
class Book:
    """What there is, in a word."""

    version: int = 0
    """Grows with every change."""
    size: int = 0


def book(db: sa.Connection) -> Book:
    """How many contacts there are, and which state of them that is."""
    row = db.execute(sa.select(contact_book).where(contact_book.c.name == NAME)).one_or_none()
    return Book(row.version, row.size) if row else Book()


def load(db: sa.Connection) -> dict[str, str]:
    """All names by key, for a `Contacts`; what somebody wrote by hand is shown, not obeyed."""
    return {key: shown(name) for key, name in _all(db)}


def read(db: sa.Connection, *, after: str = "", limit: int = 100, name: str | None = None) -> list[Stored]:
    """Contacts in the order of their keys, from behind `after`; with `name` those that have it alone."""
    narrowed = [contacts.c.key > after, *([contacts.c.folded == folded(name)] if name is not None else [])]
    return _stored(db, sa.select(contacts).where(*narrowed).order_by(contacts.c.key).limit(limit))


def find(db: sa.Connection, keys: Sequence[str]) -> dict[str, Stored]:
    """Those of these keys that there are."""
    found: dict[str, Stored] = {}
    for first in range(0, len(keys), _ASKED):
        some = contacts.c.key.in_(keys[first : first + _ASKED])
        found |= {one.key: one for one in _stored(db, sa.select(contacts).where(some))}
    return found


def put(db: sa.Connection, these: Sequence[Stored], *, new: int) -> None:
    """Write contacts, in the place of those that there are for the same keys; `new`: of how many there is
    none yet."""
    if not these:
        return
    rows = [
        (one.key, one.number, one.name, folded(one.name), one.author, millis(one.changed_at)) for one in these
    ]
    _PUT.run_many(db, rows)
    _changed(db, new)


def remove(db: sa.Connection, key: str) -> bool:
    """Forget one; whether there was one."""
    gone = db.execute(sa.delete(contacts).where(contacts.c.key == key)).rowcount
    if gone:
        _changed(db, -gone)
    return bool(gone)


def _changed(db: sa.Connection, more: int) -> None:
    statement = insert_into(contact_book, db.dialect.name).values(name=NAME, version=1, size=more)
    later: Mapping[str, Any] = {
        "version": contact_book.c.version + 1,
        "size": contact_book.c.size + more,
    }
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=later))


def _all(db: sa.Connection) -> Iterator[tuple[str, str]]:
    """Part by part, by the index: a server sends no more at once."""
    after = ""
    columns = (contacts.c.key, contacts.c.name)
    while True:
        some = sa.select(*columns).where(contacts.c.key > after).order_by(contacts.c.key).limit(AT_ONCE)
        rows = db.execute(some).all()
        yield from ((row.key, row.name) for row in rows)
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].key


def _stored(db: sa.Connection, found: sa.Select[Any]) -> list[Stored]:
    return [
        Stored(row.key, row.number, shown(row.name), row.author, row.changed_at) for row in db.execute(found)
    ]
