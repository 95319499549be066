"""What became of events at the endpoints, for people who ask why. Functions take a connection."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from daemon.core.delivery import Outcome, Status
from daemon.store.schema import attempts, deliveries, events


@dataclass(frozen=True)
class AttemptView:
    """One try of a delivery."""

    number: int
    started_at: datetime
    took: timedelta
    outcome: Outcome
    http_status: int | None
    error: str | None


@dataclass(frozen=True)
class DeliveryView:
    """One event for one endpoint."""

    event: str
    endpoint: str
    status: Status
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None
    attempts: tuple[AttemptView, ...]


def of_events(db: sa.Connection, ids: list[str]) -> list[DeliveryView]:
    """Every delivery of some events, by event and endpoint, each with its attempts."""
    found = (
        sa.select(deliveries, events.c.id.label("event_id"))
        .join(events, events.c.number == deliveries.c.event)
        .where(events.c.id.in_(ids))
        .order_by(deliveries.c.id)
    )
    return [
        DeliveryView(
            row.event_id,
            row.endpoint,
            row.status,
            row.created_at,
            row.due_at,
            row.ended_at,
            tuple(_attempts(db, row.id)),
        )
        for row in db.execute(found)
    ]


def _attempts(db: sa.Connection, delivery: int) -> list[AttemptView]:
    found = sa.select(attempts).where(attempts.c.delivery == delivery).order_by(attempts.c.number)
    names = AttemptView.__dataclass_fields__
    return [AttemptView(**{name: getattr(row, name) for name in names}) for row in db.execute(found)]
