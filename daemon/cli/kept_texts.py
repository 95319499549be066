"""Which tokens see the texts of SMS for one release more, as verbs tell it."""

from contextlib import closing

import sqlalchemy as sa

from daemon.config.settings import Config
from daemon.store import database as databases
from daemon.store import events, kept_scopes
from daemon.store.location import FAILURES, DatabaseError
from daemon.store.schema import kept_scopes as table

KEEPS_TEXTS = 'sees the texts of SMS up to the next release; then it needs the scope "content"'


def warnings(config: Config) -> list[str]:
    """One for each token of a configuration that keeps them, or will once the database is upgraded; none
    where the database cannot be asked."""
    names = config.http.without_content
    if not names:
        return []
    try:
        database, _ = databases.open_as_it_is(config.daemon.database)
        with closing(database), database.read() as db:
            kept = _kept(db, names)
    except (DatabaseError, *FAILURES):
        return []
    return [f"the token {name!r} {KEEPS_TEXTS}" for name in names if name in kept]


def _kept(db: sa.Connection, names: list[str]) -> frozenset[str]:
    there_are = sa.inspect(db)
    if there_are.has_table(table.name):
        return kept_scopes.of_next(db, names)
    was_run = there_are.has_table("sequences") and events.count(db) > 0
    return frozenset(names) if was_run else frozenset()
