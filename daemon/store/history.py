"""What became of events at the endpoints, for people who ask why. Functions take a connection."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from daemon.core.delivery import Outcome, Phases, Status
from daemon.store.schema import attempts, deliveries, events


@dataclass(frozen=True)
class AttemptView:
    """One try of a delivery."""

    number: int
    started_at: datetime
    phases: Phases
    outcome: Outcome
    http_status: int | None
    error: str | None
    response_head: str | None
    address: str | None

    @property
    def took(self) -> timedelta:
        return timedelta(microseconds=self.phases.total)


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
    names = AttemptView.__dataclass_fields__.keys() - {"phases"}
    return [
        AttemptView(
            **{name: getattr(row, name) for name in names},
            phases=Phases(*(getattr(row, phase) for phase in Phases._fields)),
        )
        for row in db.execute(found)
    ]
