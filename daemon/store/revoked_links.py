"""The recordings to which links in mails lead no more. Functions take a connection."""

from datetime import datetime

import sqlalchemy as sa

from daemon.store.dialects import insert_into
from daemon.store.schema import revoked_links


def add(db: sa.Connection, event: str, now: datetime) -> datetime:
    """From now on; returns since when, where it was so before."""
    added = insert_into(revoked_links, db.dialect.name).values(event=event, at=now)
    db.execute(added.on_conflict_do_nothing(index_elements=["event"]))
    since: datetime = db.execute(
        sa.select(revoked_links.c.at).where(revoked_links.c.event == event)
    ).scalar_one()
    return since


def has(db: sa.Connection, event: str) -> bool:
    """Whether it is so of an event."""
    found = sa.select(sa.literal(1)).where(revoked_links.c.event == event)
    return db.execute(found).first() is not None


def forget(db: sa.Connection, before: datetime) -> None:
    """Those of before a time."""
    db.execute(sa.delete(revoked_links).where(revoked_links.c.at < before))
