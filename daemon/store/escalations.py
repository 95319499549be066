"""The steps of escalations that were taken, stored. Functions take a connection."""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from daemon.core.routing.escalation import Taken
from daemon.store.schema import escalations


def add(db: sa.Connection, taken: Taken) -> None:
    """Store that a step was taken. Raises `IntegrityError` where it was before."""
    values = {
        "incident": taken.incident,
        "name": taken.name,
        "step": taken.step,
        "at": taken.at,
        "endpoints": json.dumps(taken.endpoints, ensure_ascii=False),
        "break_through": taken.break_through,
        "event": taken.event,
    }
    db.execute(sa.insert(escalations).values(**values))


def of_incidents(db: sa.Connection, ids: Collection[str]) -> dict[str, list[Taken]]:
    """The steps that were taken of these incidents, in order."""
    found: dict[str, list[Taken]] = {}
    rows = db.execute(sa.select(escalations).where(escalations.c.incident.in_(ids))) if ids else ()
    for one in sorted(map(_taken, rows), key=lambda one: (one.at, one.name, one.step)):
        found.setdefault(one.incident, []).append(one)
    return found


def _taken(row: sa.Row[Any]) -> Taken:
    endpoints = tuple(json.loads(row.endpoints))
    return Taken(row.incident, row.name, row.step, row.at, endpoints, row.break_through, row.event)
