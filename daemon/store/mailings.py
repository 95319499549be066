"""When mailboxes were mailed. Functions take a connection; they never begin nor commit."""

from datetime import datetime

import sqlalchemy as sa

from daemon.core.delivery.outcome import Status
from daemon.store.schema import deliveries

MOST = 2000
"""Deliveries that are looked through, the latest first: more fit into no hour's mails."""


def mailed(db: sa.Connection, endpoint: str, since: datetime) -> list[datetime]:
    """When mails to an endpoint were accepted, as far as that is later; those of one mail at one time."""
    latest = (
        sa.select(deliveries.c.status, deliveries.c.ended_at)
        .where(deliveries.c.endpoint == endpoint)
        .order_by(deliveries.c.id.desc())
        .limit(MOST)
        .subquery()
    )
    accepted = sa.select(latest.c.ended_at).where(
        latest.c.status == Status.DELIVERED, latest.c.ended_at > since
    )
    return sorted(set(db.scalars(accepted)))
