"""What may be sent again to an endpoint, or was never sent to it. Functions take a connection."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa

from daemon.core.delivery.outcome import Status
from daemon.core.model import Event
from daemon.store import events as event_store
from daemon.store.schema import deliveries, events, ledger

CHUNK = 500
"""Events that are read, or sent again, at once: other writers come between."""


@dataclass(frozen=True)
class Past:
    """One event, and what became of it at the endpoint."""

    number: int
    event: Event
    delivery: int | None
    """None: it was never sent there."""
    status: Status | None


@dataclass(frozen=True)
class Span:
    """Which events to look at; None does not narrow."""

    since: datetime | None = None
    until: datetime | None = None
    type: str | None = None
    """A glob."""
    system: str | None = None


def past(db: sa.Connection, endpoint: str, span: Span, *, only_dead: bool = False) -> Iterator[Past]:
    """Every event of a span, oldest first, with its delivery for an endpoint; `only_dead`: those that were
    given up there, without a look at the others, in the order of their deliveries."""
    of_endpoint = sa.and_(deliveries.c.event == events.c.number, deliveries.c.endpoint == endpoint)
    found = sa.select(events, deliveries.c.id.label("delivery"), deliveries.c.status).join(
        deliveries, of_endpoint, isouter=not only_dead
    )
    if only_dead:
        found = found.where(sa.text("deliveries.status = 'dead'"))
    if span.since is not None:
        found = found.where(events.c.timestamp >= span.since)
    if span.until is not None:
        found = found.where(events.c.timestamp < span.until)
    if span.type is not None:
        found = found.where(event_store.glob(events.c.type, span.type))
    if span.system is not None:
        # Not by the index of systems, which is in another order: each part would be all of it, sorted.
        found = found.where(events.c.system.concat("") == span.system)
    last = 0
    by = deliveries.c.id if only_dead else events.c.number
    ordered = found.order_by(by).limit(CHUNK)
    while rows := db.execute(ordered.where(by > last)).all():
        for row in rows:
            event = Event(**{name: getattr(row, name) for name in Event.__dataclass_fields__})
            yield Past(row.number, event, row.delivery, row.status)
        last = rows[-1].delivery if only_dead else rows[-1].number


def may_be_told(db: sa.Connection, event: str, endpoint: str) -> bool:
    """Whether an event, by its id, stands alone or is the last word of its incident at an endpoint."""
    found = event_store.find(db, event)
    return found is None or is_last_word(db, found[1], endpoint)


def is_last_word(db: sa.Connection, event: Event, endpoint: str) -> bool:
    """Whether an event stands alone, or is the last that the endpoint was told of its incident."""
    alert = json.loads(event.body)["data"].get("alert")
    if alert is None:
        return True
    line = (
        ledger.c.incident == alert.get("incident"),
        ledger.c.endpoint == endpoint,
        ledger.c.event == event.id,
    )
    return db.scalar(sa.select(ledger.c.incident).where(*line)) is not None


class Which(Enum):
    """Which events of a span are sent."""

    ALL = "all"
    FAILED = "failed"
    """Given up."""
    UNSENT = "unsent"
    """Never sent to this endpoint, though it asks for them now."""


@dataclass(frozen=True)
class Plan:
    """What a replay would send, oldest first, and what it leaves out."""

    items: tuple[Past, ...]
    outdated: int
    """States and alerts of which something newer was told."""
    under_way: int
    """On their way already."""
