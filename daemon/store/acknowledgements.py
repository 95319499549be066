"""Who has which incident, stored. Functions take a connection."""

from typing import Any

import sqlalchemy as sa

from daemon.core.alerts.acknowledgement import Acknowledgement
from daemon.store import happened
from daemon.store.happened import Topic
from daemon.store.schema import acknowledgements, incidents

_IS_NEW = sa.text("NOT is_passed_on")


def add(db: sa.Connection, one: Acknowledgement) -> None:
    """Store one; whom it is told, the ledger decides."""
    values = {
        "incident": one.incident,
        "who": one.by,
        "note": one.note,
        "at": one.at,
        "until" if one.is_until_given else "lasts_until": one.until,
        "event": one.event,
        "is_passed_on": False,
    }
    db.execute(sa.insert(acknowledgements).values(**values))
    happened.mark(db, Topic.DELIVERIES)


def of_incident(db: sa.Connection, incident: str) -> list[Acknowledgement]:
    """All of an incident, oldest first."""
    return _load(db, sa.select(acknowledgements).where(acknowledgements.c.incident == incident))


def last(db: sa.Connection, incident: str) -> Acknowledgement | None:
    """The last one of an incident, over or not."""
    found = of_incident(db, incident)
    return found[-1] if found else None


def of_open(db: sa.Connection) -> dict[str, Acknowledgement]:
    """The last one of each incident that fires, over or not."""
    # Not joined: SQLite would go through all there ever were, rather than through the few that fire.
    firing = sa.select(incidents.c.id).where(sa.text("incidents.ended_at IS NULL"))
    found = sa.select(acknowledgements).where(acknowledgements.c.incident.in_(firing))
    return {one.incident: one for one in _load(db, found)}


def new(db: sa.Connection) -> list[Acknowledgement]:
    """Those that were not passed on yet, oldest first."""
    return _load(db, sa.select(acknowledgements).where(_IS_NEW))


def passed_on(db: sa.Connection, number: int) -> None:
    """Store that one was passed on to the endpoints that ask for such events."""
    db.execute(
        sa.update(acknowledgements).where(acknowledgements.c.number == number).values(is_passed_on=True)
    )


def _load(db: sa.Connection, found: sa.Select[Any]) -> list[Acknowledgement]:
    # Sorted here: there are few, and SQLite would walk all there ever were for the order.
    return sorted(map(_acknowledgement, db.execute(found)), key=lambda one: one.number)


def _acknowledgement(row: sa.Row[Any]) -> Acknowledgement:
    return Acknowledgement(
        row.incident,
        row.who,
        row.note,
        row.at,
        row.until if row.lasts_until is None else row.lasts_until,
        row.lasts_until is None,
        row.event,
        row.number,
    )
