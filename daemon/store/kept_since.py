"""Since when something is kept, of which a store may have a past without it. Functions take a connection."""

from datetime import datetime

import sqlalchemy as sa

from daemon.store.dialects import insert_into
from daemon.store.schema import kept_since

CALLS = "calls"
"""How each caller of a queue left."""


def begin(db: sa.Connection, name: str, now: datetime) -> None:
    """It is kept from now on, where it was not yet."""
    db.execute(insert_into(kept_since, db.dialect.name).values(name=name, at=now).on_conflict_do_nothing())


def load(db: sa.Connection, name: str) -> datetime | None:
    """Since when it is kept; None: it is not."""
    at: datetime | None = db.scalar(sa.select(kept_since.c.at).where(kept_since.c.name == name))
    return at
