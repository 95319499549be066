"""Forgetting: rows that have served are deleted, a part at a time. Functions take a connection.

Deliveries and events are walked in the order in which they were written, and the walk ends where nothing
can be old enough; so a part costs the same whatever is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from daemon.core.delivery.outcome import Status
from daemon.store import events as event_store
from daemon.store.schema import (
    attempts,
    commands,
    decisions,
    deliveries,
    events,
    incidents,
    ledger,
    silences,
    transitions,
)

_FIRST = [column for column in deliveries.columns if column.name.startswith("first_")]
PART = 500
"""Rows that are deleted in one transaction, for which writers wait."""


@dataclass(frozen=True)
class Kept:
    """A delivery that is stored, as far as its age matters."""

    id: int
    status: Status
    created_at: datetime
    ended_at: datetime | None
    is_needed: bool
    """The ledger asks whether it has arrived."""


def deliveries_after(db: sa.Connection, last: int, before: datetime) -> list[Kept]:
    """The next deliveries in the order of their ids, made before a time."""
    open_lines = (
        sa.select(ledger.c.incident)
        .where(
            ledger.c.incident == deliveries.c.incident,
            ledger.c.endpoint == deliveries.c.endpoint,
            sa.text("NOT ledger.is_over"),
        )
        .exists()
    )
    found = (
        sa.select(
            deliveries.c.id,
            deliveries.c.status,
            deliveries.c.created_at,
            deliveries.c.ended_at,
            open_lines.label("is_needed"),
        )
        .where(deliveries.c.id > last)
        .order_by(deliveries.c.id)
        .limit(PART)
    )
    return [
        Kept(row.id, row.status, row.created_at, row.ended_at, bool(row.is_needed))
        for row in db.execute(found)
        if row.created_at < before
    ]


def forget_deliveries(db: sa.Connection, ids: Sequence[int]) -> None:
    """Delete deliveries with their attempts."""
    if ids:
        db.execute(sa.delete(attempts).where(attempts.c.delivery.in_(ids)))
        db.execute(sa.delete(deliveries).where(deliveries.c.id.in_(ids)))


def forget_attempts(db: sa.Connection, ids: Sequence[int], before: datetime) -> int:
    """Delete old attempts of deliveries that are kept. Returns how many there were."""
    if not ids:
        return 0
    old = sa.delete(attempts).where(attempts.c.delivery.in_(ids), attempts.c.started_at < before)
    first = sa.update(deliveries).where(deliveries.c.id.in_(ids), deliveries.c.first_started_at < before)
    return db.execute(old).rowcount + db.execute(first.values(dict.fromkeys(_FIRST))).rowcount


def forget_events(db: sa.Connection, last: int, before: datetime) -> tuple[int, int | None]:
    """Delete the next events that are old, and that nobody asks for any more. Returns how many, and the
    number to go on from; None: there are no more that are old."""
    rows = db.execute(
        sa.select(events.c.number, events.c.timestamp)
        .where(events.c.number > last)
        .order_by(events.c.number)
        .limit(PART)
    ).all()
    old = [row.number for row in rows if row.timestamp < before]
    if not old:
        return 0, None
    is_delivered = sa.select(deliveries.c.id).where(deliveries.c.event == events.c.number).exists()
    is_told = (
        sa.select(ledger.c.event).where(ledger.c.event == events.c.id, sa.text("NOT ledger.is_over")).exists()
    )
    going = sa.select(events.c.number).where(events.c.number.in_(old), ~is_delivered, ~is_told)
    numbers = list(db.scalars(going))
    if numbers:
        db.execute(sa.delete(events).where(events.c.number.in_(numbers)))
        event_store.forget(db, max(numbers))
    return len(numbers), old[-1] if len(old) == len(rows) else None


def forget_incidents(db: sa.Connection, before: datetime) -> int:
    """Delete some incidents that ended before a time and are told to everybody who has to know, with their
    history. Returns how many there were."""
    is_owed = sa.select(ledger.c.incident).where(
        ledger.c.incident == incidents.c.id, sa.text("NOT ledger.is_over")
    )
    old = sa.select(incidents.c.id).where(incidents.c.ended_at < before, ~is_owed.exists()).limit(PART)
    ids = list(db.scalars(old))
    if ids:
        for table in (decisions, ledger):
            db.execute(sa.delete(table).where(table.c.incident.in_(ids)))
        db.execute(sa.delete(incidents).where(incidents.c.id.in_(ids)))
    return len(ids)


def forget_transitions(db: sa.Connection, before: datetime) -> int:
    """Delete some changes of alerts that are older than a time. Returns how many there were."""
    old = sa.select(transitions.c.id).where(transitions.c.at < before).order_by(transitions.c.id).limit(PART)
    ids = list(db.scalars(old))
    db.execute(sa.delete(transitions).where(transitions.c.id.in_(ids)))
    return len(ids)


def forget_commands(db: sa.Connection, before: datetime) -> int:
    """Delete some commands that ended before a time, with their keys. Returns how many there were."""
    ids = list(db.scalars(sa.select(commands.c.number).where(commands.c.ended_at < before).limit(PART)))
    db.execute(sa.delete(commands).where(commands.c.number.in_(ids)))
    return len(ids)


def forget_silences(db: sa.Connection, before: datetime) -> int:
    """Delete silences that were over before a time. Returns how many there were."""
    is_over = sa.or_(silences.c.expired_at < before, silences.c.ends_at < before)
    return db.execute(sa.delete(silences).where(is_over)).rowcount
