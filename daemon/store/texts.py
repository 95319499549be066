"""SMS that the daemon sent, one row for each number, and the units that are held for the ends of alerts.
Functions take a connection."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from daemon.core.commands.sent_texts import State, Text
from daemon.core.phones import key
from daemon.store.dialects import insert_into
from daemon.store.schema import ledger, text_reserves, texts

MOST = 10_000
"""Ours. Messages of a system that are looked for in one go; a budget for more is none."""
_IS_LIVE = sa.text("texts.is_live")
_PLAIN = (
    "system", "message", "parts", "units", "day", "sent_at", "state", "sender", "command", "endpoint",
    "event", "report", "outcome", "reason",
)  # fmt: skip


def begin(db: sa.Connection, one: Text) -> bool:
    """Write down a message. Returns whether there was none yet for its event or command, and its number."""
    added = insert_into(texts, db.dialect.name).values(**_row(one), is_live=True).on_conflict_do_nothing()
    return bool(db.execute(added).rowcount)


def save(db: sa.Connection, one: Text, *, was: State) -> bool:
    """Write how a message stands. Returns whether it stood as whoever writes believes that it did."""
    mine = sa.and_(texts.c.number == one.number, texts.c.state == was)
    return bool(db.execute(sa.update(texts).where(mine).values(**_row(one))).rowcount)


def forget(db: sa.Connection, number: int) -> bool:
    """Let go of a message that surely did not leave: it may be tried again."""
    mine = sa.and_(texts.c.number == number, texts.c.state == State.SENDING)
    return bool(db.execute(sa.delete(texts).where(mine)).rowcount)


def of_event(db: sa.Connection, endpoint: str, event: str) -> Text | None:
    """The message by which an endpoint is told an event."""
    mine = sa.and_(texts.c.endpoint == endpoint, texts.c.event == event)
    row = db.execute(sa.select(texts).where(mine)).one_or_none()
    return _text(row) if row else None


def sending(db: sa.Connection, endpoints: Collection[str]) -> list[Text]:
    """Messages to these endpoints that are being sent, or were when a process ended."""
    found = sa.select(texts).where(
        # Not by the index of endpoints, which has all their past: few are being sent.
        sa.text("texts.state = 'sending'"),
        texts.c.endpoint.concat("").in_(sorted(endpoints)),
    )
    return [_text(row) for row in db.execute(found)]


def followed(db: sa.Connection) -> list[str]:
    """The systems with messages of which more may become known, or which count yet."""
    found = sa.select(texts.c.system).distinct().where(_IS_LIVE)
    return sorted(db.scalars(found))


def since(db: sa.Connection, system: str, at: datetime) -> list[Text]:
    """A system's messages since a time that left, or may have."""
    left = texts.c.state.in_([State.SENT, State.UNKNOWN])
    found = (
        sa.select(texts)
        .where(texts.c.system == system, texts.c.sent_at >= at, left)
        .order_by(texts.c.sent_at.desc())
        .limit(MOST)
    )
    return [_text(row) for row in db.execute(found)]


def open_ones(db: sa.Connection, system: str) -> list[Text]:
    """A system's messages that are followed."""
    found = sa.select(texts).where(_IS_LIVE, texts.c.system == system).limit(MOST)
    return [one for one in map(_text, db.execute(found)) if one.is_followed]


def retire(db: sa.Connection, system: str, before: datetime) -> None:
    """Of a system's messages of before a time those do not live any more of which all is known."""
    is_known = sa.or_(texts.c.outcome.is_not(None), texts.c.state == State.FAILED)
    # Not by the index of systems, which has all their past: few live.
    of_it = texts.c.system.concat("") == system
    over = sa.and_(_IS_LIVE, of_it, is_known, texts.c.sent_at < before)
    db.execute(sa.update(texts).where(over).values(is_live=False))


def to_number(db: sa.Connection, phone: str, since: datetime) -> list[datetime]:
    """When alerts were sent to a number since a time, oldest first; in whatever spelling."""
    of_it = sa.and_(texts.c.phone == key(phone), texts.c.endpoint.is_not(None), texts.c.sent_at > since)
    return sorted(db.scalars(sa.select(texts.c.sent_at).where(of_it, texts.c.state != State.FAILED)))


def units(db: sa.Connection, system: str, day: date, endpoints: Collection[str] | None = None) -> float:
    """What alerts count on a day; `endpoints`: of these only. What commands sent, counts with those."""
    of_day = sa.and_(texts.c.system == system, texts.c.day == day, texts.c.endpoint.is_not(None))
    found = sa.select(sa.func.coalesce(sa.func.sum(texts.c.units), 0.0)).where(of_day)
    if endpoints is not None:
        found = found.where(texts.c.endpoint.concat("").in_(sorted(endpoints)))
    return float(db.scalar(found) or 0.0)


def states(db: sa.Connection, system: str, day: date) -> dict[State, int]:
    """How many messages of a system and day stand how."""
    found = sa.select(texts.c.state, sa.func.count()).where(texts.c.system == system, texts.c.day == day)
    return {state: int(many) for state, many in db.execute(found.group_by(texts.c.state))}


def reserved(db: sa.Connection, system: str, endpoints: Collection[str] | None = None) -> float:
    """What is held for the ends of alerts that were told; `endpoints`: to these only."""
    held = sa.func.coalesce(sa.func.sum(text_reserves.c.units), 0.0)
    found = sa.select(held).where(text_reserves.c.system == system)
    if endpoints is not None:
        found = found.where(text_reserves.c.endpoint.in_(sorted(endpoints)))
    return float(db.scalar(found) or 0.0)


def reserve_of(db: sa.Connection, endpoint: str, incident: str) -> float | None:
    """What is held for the end of an incident that an endpoint was told of; None: nothing."""
    mine = sa.and_(text_reserves.c.endpoint == endpoint, text_reserves.c.incident == incident)
    return db.scalar(sa.select(text_reserves.c.units).where(mine))


def reserve(db: sa.Connection, system: str, endpoint: str, incident: str, units: float) -> None:
    """Hold units for the end of an incident."""
    values = {"system": system, "endpoint": endpoint, "incident": incident, "units": units}
    db.execute(insert_into(text_reserves, db.dialect.name).values(**values).on_conflict_do_nothing())


def release(db: sa.Connection, endpoint: str, incident: str) -> None:
    """Hold them no more."""
    mine = sa.and_(text_reserves.c.endpoint == endpoint, text_reserves.c.incident == incident)
    db.execute(sa.delete(text_reserves).where(mine))


def idle_reserves(db: sa.Connection) -> list[tuple[str, str]]:
    """Endpoint and incident of all that is held for an end which will never have to be told there."""
    of_it = sa.and_(
        ledger.c.incident == text_reserves.c.incident,
        ledger.c.endpoint == text_reserves.c.endpoint,
        sa.text("NOT ledger.is_over"),
    )
    is_owed = sa.select(ledger.c.incident).where(of_it).exists()
    found = sa.select(text_reserves.c.endpoint, text_reserves.c.incident).where(~is_owed)
    return [(row.endpoint, row.incident) for row in db.execute(found)]


def _row(one: Text) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _PLAIN}
    return {**values, "recipient": one.to, "phone": key(one.to)}


def _text(row: sa.Row[Any]) -> Text:
    kept = {name: row._mapping[name] for name in _PLAIN}
    return Text(**kept, to=row.recipient, number=row.number)
