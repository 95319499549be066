"""A new database: every table as `schema.py` has it, in one go, and marked with the revision that it is at.

The migrations would leave the same, and a test holds the two equal. But to load Alembic and to go through all
of them takes half as long as the rest of a start, and its memory never comes back.
"""

import sqlalchemy as sa

from daemon.store.schema import REVISION, metadata

COPYING = "copying"
"""The revision of a database while another one is copied to it (`copying.py`): no daemon and no verb, of this
version or an older one, takes it for a database of its own."""

_version = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own, as it makes it (alembic.sqlalchemy.org, "version_table"); it has one row."""


def create(db: sa.Connection) -> None:
    """Make all tables in a database that has none of them; what is there already is an error."""
    _version.create(db, checkfirst=True)
    metadata.create_all(db, checkfirst=False)
    db.execute(_version.insert().values(version_num=REVISION))
