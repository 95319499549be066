"""Texts of events that can be searched, and how far that has got; both are filled while the daemon runs."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ON_SQLITE = (
    "CREATE VIRTUAL TABLE trigrams USING fts5(text, content='searchable', content_rowid='number',"
    " columnsize=0, detail=none, tokenize='trigram case_sensitive 1')",
    "INSERT INTO trigrams (trigrams, rank) VALUES ('automerge', 0)",
    "INSERT INTO trigrams (trigrams, rank) VALUES ('crisismerge', 200)",
)
IS_TO_BE_HAD = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
ON_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS searchable_trigrams ON searchable USING gin (text gin_trgm_ops)",
)


def upgrade() -> None:
    op.create_table(
        "searchable",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "indexed",
        sa.Column("first", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("earliest", sa.BigInteger, nullable=False),
        sa.Column("latest", sa.BigInteger, nullable=False),
    )
    db = op.get_bind()
    if db.dialect.name == "sqlite":
        for statement in ON_SQLITE:
            db.exec_driver_sql(statement)
    elif db.exec_driver_sql(IS_TO_BE_HAD).first():
        _make_index(db)


def _make_index(db: sa.Connection) -> None:
    """Where the server refuses it, texts are read through."""
    try:
        with db.begin_nested():
            for statement in ON_POSTGRESQL:
                db.exec_driver_sql(statement)
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
