"""What every endpoint was told of every incident, and why. Functions take a connection."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from daemon.core.delivery.outcome import OPEN, Status
from daemon.core.model import Reason
from daemon.core.routing.ledger import Hold, Standing, Told
from daemon.store.dialects import insert_into
from daemon.store.schema import decisions, deliveries, events, incidents, ledger, quiet

Line = tuple[str, str]
"""Which line of the ledger: incident and endpoint."""

_NOT_OVER = sa.text("NOT ledger.is_over")


def _has_one(name: str, status: Status) -> sa.Exists:
    """Whether a delivery of the incident for the endpoint is so."""
    one = deliveries.alias(name)
    of_line = (one.c.incident == ledger.c.incident, one.c.endpoint == ledger.c.endpoint)
    return sa.select(one.c.id).where(*of_line, one.c.status == status).exists()


_HAS_HEARD = _has_one("arrived", Status.DELIVERED)
_IS_UNDER_WAY = _has_one("under_way", Status.LEASED)


@dataclass(frozen=True)
class Decided:
    """One entry of the history: an endpoint was told, or what held it changed."""

    incident: str
    endpoint: str
    at: datetime
    told: Reason | None
    held_by: Hold | None
    event: str | None = None


def load(db: sa.Connection, endpoints: Collection[str]) -> dict[Line, Told]:
    """The lines of these endpoints that are not over, and of incidents that may still have something to
    tell, as the outbox makes them: what was given up is lost, what was delivered has been told."""
    found = (
        sa.select(ledger, deliveries.c.status, deliveries.c.ended_at)
        .add_columns(_HAS_HEARD.label("has_heard"), _IS_UNDER_WAY.label("is_under_way"))
        .join(events, events.c.id == ledger.c.event, isouter=True)
        .join(
            deliveries,
            sa.and_(deliveries.c.event == events.c.number, deliveries.c.endpoint == ledger.c.endpoint),
            isouter=True,
        )
        .where(_NOT_OVER, ledger.c.endpoint.in_(endpoints))
    )
    return {(row.incident, row.endpoint): _told(row) for row in db.execute(found)}


@dataclass(frozen=True)
class Standings:
    """How an incident stands for one endpoint, over or not."""

    endpoint: str
    standing: Standing
    told_at: datetime | None
    repeats: int
    held_by: Hold | None
    """Why it was not told when it was last asked."""
    is_over: bool


def standings(db: sa.Connection, incident: str) -> list[Standings]:
    """How an incident stands for each endpoint that it was ever asked of, by name."""
    names = Standings.__dataclass_fields__
    found = sa.select(*(ledger.c[name] for name in names)).where(ledger.c.incident == incident)
    return [Standings(*row) for row in db.execute(found.order_by(ledger.c.endpoint))]


def heard(db: sa.Connection, of: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The endpoints that something of these incidents has reached, by incident, in order of their names."""
    found = sa.select(ledger.c.incident, ledger.c.endpoint).where(
        ledger.c.incident.in_(sorted(of)), _HAS_HEARD
    )
    by_incident: dict[str, list[str]] = {}
    for row in db.execute(found):
        by_incident.setdefault(row.incident, []).append(row.endpoint)
    return {incident: tuple(sorted(endpoints)) for incident, endpoints in by_incident.items()}


def of_incident(db: sa.Connection, incident: str) -> list[Decided]:
    """Everything that was decided about an incident, in order."""
    found = sa.select(decisions).where(decisions.c.incident == incident).order_by(decisions.c.id)
    return [_decided(row) for row in db.execute(found)]


def held(db: sa.Connection, endpoint: str, hold: Hold, *, most: int) -> int:
    """Of how many incidents an endpoint is not told for this reason; counted to `most`."""
    is_held = sa.and_(ledger.c.endpoint == endpoint, sa.text("NOT is_over"), ledger.c.held_by == hold)
    found = sa.select(ledger.c.incident).where(is_held).limit(most).subquery()
    return int(db.scalar(sa.select(sa.func.count()).select_from(found)) or 0)


def held_since(db: sa.Connection, endpoint: str, since: datetime, hold: Hold) -> list[str]:
    """Incidents that were held back from an endpoint for a reason since a time, in order; not those that are
    held back for another one by now."""
    was_asked = sa.and_(decisions.c.endpoint == endpoint, decisions.c.at >= since)
    found = sa.select(decisions.c.incident, decisions.c.held_by).where(was_asked).order_by(decisions.c.id)
    asked = [(row.incident, row.held_by) for row in db.execute(found)]
    last = dict(asked)
    held = dict.fromkeys(incident for incident, held_by in asked if held_by is hold)
    return [incident for incident in held if last[incident] in (None, hold)]


def save(
    db: sa.Connection, line: Line, told: Told, *, event: str | None = None, is_over: bool = False
) -> None:
    """Store a line; `event` is what told it, None: as before. What the outbox knows is not stored twice."""
    values = {
        "incident": line[0],
        "endpoint": line[1],
        "standing": told.standing,
        "told_at": told.at,
        "repeats": told.repeats,
        "members": json.dumps(told.members, ensure_ascii=False),
        "held_by": told.held_by,
        "losses": told.losses,
        "is_over": is_over,
        **({"event": event} if event else {}),
    }
    statement = insert_into(ledger, db.dialect.name).values(**values)
    db.execute(statement.on_conflict_do_update(index_elements=["incident", "endpoint"], set_=values))


def save_acknowledged(db: sa.Connection, line: Line, number: int) -> None:
    """Store that an endpoint is told who has an incident, by the number of the acknowledgement."""
    of_line = sa.and_(ledger.c.incident == line[0], ledger.c.endpoint == line[1])
    db.execute(sa.update(ledger).where(of_line).values(acknowledged=number))


def take_back(db: sa.Connection, failed: Sequence[int], now: datetime) -> None:
    """Where a fire did not arrive whose end waits behind it already, neither is told: nothing of the incident
    was heard there, and what follows is decided anew. `failed`: deliveries whose attempt came to nothing."""
    if not failed:
        return
    from daemon.store import withdrawals  # noqa: PLC0415 - a cold start is measured

    overtaken = (
        sa.select(deliveries.c.incident, deliveries.c.endpoint, events.c.id)
        .join(events, events.c.number == deliveries.c.event)
        .join(incidents, incidents.c.id == deliveries.c.incident)
        .where(deliveries.c.id.in_(failed), incidents.c.ended_at.is_not(None))
        .where(events.c.type == incidents.c.fires)
    )
    for incident, endpoint, event in db.execute(overtaken).all():
        line = sa.and_(ledger.c.incident == incident, ledger.c.endpoint == endpoint)
        is_told_of_the_end = sa.select(ledger.c.incident).where(line, ledger.c.standing == Standing.RESOLVED)
        if db.scalar(is_told_of_the_end.where(~_HAS_HEARD)) is not None:
            withdrawals.supersede(db, endpoint, incident, now)
            db.execute(sa.update(ledger).where(line).values(standing=Standing.FIRING, event=event))


def append(db: sa.Connection, decided: Decided) -> None:
    """Add to the history."""
    db.execute(
        sa.insert(decisions).values(**{name: getattr(decided, name) for name in Decided.__dataclass_fields__})
    )


def load_quiet(db: sa.Connection) -> dict[str, datetime]:
    """Endpoints that were in a quiet window when they were last looked at, and since when."""
    return {row.endpoint: row.since for row in db.execute(sa.select(quiet))}


def begin_quiet(db: sa.Connection, endpoint: str, now: datetime) -> None:
    """Store that an endpoint's quiet window has begun."""
    db.execute(sa.insert(quiet).values(endpoint=endpoint, since=now))


def end_quiet(db: sa.Connection, endpoint: str) -> None:
    """Store that it is over."""
    db.execute(sa.delete(quiet).where(quiet.c.endpoint == endpoint))


def _told(row: sa.Row[Any]) -> Told:
    return Told(
        row.standing,
        row.ended_at or row.told_at,  # reminders count from when it arrived, or was given up
        row.repeats,
        tuple(json.loads(row.members)),
        row.held_by,
        row.losses,
        is_lost=row.status is Status.DEAD,
        is_waiting=row.status in OPEN,
        is_superseded=row.status is Status.SUPERSEDED,
        is_under_way=bool(row.is_under_way),
        is_delivered=row.status is Status.DELIVERED,
        has_heard=bool(row.has_heard),
        acknowledged=row.acknowledged,
    )


def _decided(row: sa.Row[Any]) -> Decided:
    return Decided(**{name: getattr(row, name) for name in Decided.__dataclass_fields__})
