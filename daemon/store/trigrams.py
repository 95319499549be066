"""The index by which a text is found: every three signs that follow each other. Each engine has its own.

SQLite: `trigrams`, a table of FTS5 (sqlite.org/fts5.html) beside `searchable`, whose rows it indexes. It
knows which rows have three signs (`detail=none`), not where: that a longer part is there is seen in the text.
It merges nothing by itself, for a merge is as long as it happens to be, and others wait to write meanwhile:
each batch of texts merges a few pages (`searchable.merge`), which is more than it makes.

PostgreSQL: a GIN index of `pg_trgm` on `searchable`, where the extension is there or may be made; where it is
refused there is none, and texts are read through, as far as time allows. It may be made later, by hand, and
counts at once:

    CREATE EXTENSION pg_trgm;
    CREATE INDEX CONCURRENTLY searchable_trigrams ON searchable USING gin (text gin_trgm_ops);
"""

import sqlalchemy as sa

from daemon.store.dialects import POSTGRESQL

TABLE = "trigrams"
ON_SQLITE = (
    f"CREATE VIRTUAL TABLE {TABLE} USING fts5(text, content='searchable', content_rowid='number',"
    " columnsize=0, detail=none, tokenize='trigram case_sensitive 1')",
    f"INSERT INTO {TABLE} ({TABLE}, rank) VALUES ('automerge', 0)",  # noqa: S608 - our own words
    f"INSERT INTO {TABLE} ({TABLE}, rank) VALUES ('crisismerge', 200)",  # noqa: S608
)
_IS_TO_BE_HAD = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
ON_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS searchable_trigrams ON searchable USING gin (text gin_trgm_ops)",
)


def create(db: sa.Connection) -> None:
    """Make it, in the transaction that made `searchable`; where PostgreSQL refuses it, there is none."""
    if db.dialect.name != POSTGRESQL:
        for statement in ON_SQLITE:
            db.exec_driver_sql(statement)
        return
    if not db.exec_driver_sql(_IS_TO_BE_HAD).first():
        return
    try:
        with db.begin_nested():
            for statement in ON_POSTGRESQL:
                db.exec_driver_sql(statement)
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
