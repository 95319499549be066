"""Silences, stored: those that last once, and those that come back. Functions take a connection."""

from datetime import datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from daemon.core.routing.quiet import Weekly
from daemon.core.routing.silences import Silence
from daemon.store import happened
from daemon.store.happened import Topic
from daemon.store.schema import recurring_silences, silences

_TABLES = (silences, recurring_silences)
# Asked with every tick: what is made once costs a third of what is made each time.
_OPEN = tuple(sa.select(table).where(table.c.expired_at.is_(None)) for table in _TABLES)
_SHOWN = "%H:%M"
_SAME = tuple(name for name in Silence.__dataclass_fields__ if name != "weekly")


def add(db: sa.Connection, silence: Silence) -> None:
    """Store a new silence."""
    table = silences if silence.weekly is None else recurring_silences
    db.execute(sa.insert(table).values(**_row(silence)))
    happened.mark(db, Topic.DELIVERIES)


def find(db: sa.Connection, silence: str) -> Silence | None:
    """One silence by its id."""
    return next(iter(_load(db, lambda table: table.c.id == silence)), None)


def in_force(db: sa.Connection, now: datetime) -> list[Silence]:
    """Those that mute something now, oldest first."""
    found = (_silence(row) for statement in _OPEN for row in db.execute(statement))
    return sorted((one for one in found if one.is_active(now)), key=lambda one: (one.created_at, one.id))


def load(db: sa.Connection, *, now: datetime, with_ended: bool) -> list[Silence]:
    """Those that last or are to come, with the ended ones where they are asked for, oldest first."""
    found = _load(db, (lambda _table: sa.true()) if with_ended else _is_open)
    return [one for one in found if with_ended or not one.is_over(now)]


def over(db: sa.Connection, now: datetime, *, before: str | None, limit: int) -> list[Silence]:
    """Those that have ended, the newest first; `before`: only those made before this one."""
    last = find(db, before) if before is not None else None
    if before is not None and last is None:
        return []
    found = [one for table in _TABLES for one in _over(db, table, now, last, limit)]
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[:limit]


def expire(db: sa.Connection, silence: str, now: datetime) -> bool:
    """End a silence. Returns whether there was one to end."""
    ended = 0
    for table in _TABLES:
        is_it = (table.c.id == silence, table.c.expired_at.is_(None))
        ended += db.execute(sa.update(table).where(*is_it).values(expired_at=now)).rowcount
    if ended:
        happened.mark(db, Topic.DELIVERIES)
    return bool(ended)


def _is_open(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.expired_at.is_(None)


def _load(db: sa.Connection, which: Any) -> list[Silence]:
    """`which`: of a table, the rows that are meant."""
    found = [_silence(row) for table in _TABLES for row in db.execute(sa.select(table).where(which(table)))]
    return sorted(found, key=lambda one: (one.created_at, one.id))


def _over(
    db: sa.Connection, table: sa.Table, now: datetime, last: Silence | None, limit: int
) -> list[Silence]:
    has_ended = sa.or_(table.c.expired_at.is_not(None), table.c.ends_at <= now)
    found = sa.select(table).where(has_ended)
    if last is not None:
        older = table.c.created_at < last.created_at
        found = found.where(
            sa.or_(older, sa.and_(table.c.created_at == last.created_at, table.c.id < last.id))
        )
    newest = (table.c.created_at.desc(), table.c.id.desc())
    return [_silence(row) for row in db.execute(found.order_by(*newest).limit(limit))]


def _silence(row: sa.Row[Any]) -> Silence:
    return Silence(**{name: getattr(row, name) for name in _SAME}, weekly=_weekly(row))


def _weekly(row: sa.Row[Any]) -> Weekly | None:
    if not hasattr(row, "days"):
        return None
    days = frozenset(map(int, row.days))
    return Weekly(
        days, time.fromisoformat(row.from_time), time.fromisoformat(row.to_time), ZoneInfo(row.zone)
    )


def _row(silence: Silence) -> dict[str, Any]:
    row = {name: getattr(silence, name) for name in _SAME}
    weekly = silence.weekly
    if weekly is None:
        return row
    return {
        **row,
        "days": "".join(map(str, sorted(weekly.days))),
        "from_time": f"{weekly.start:{_SHOWN}}",
        "to_time": f"{weekly.end:{_SHOWN}}",
        "zone": _key(weekly.zone),
    }


def _key(zone: tzinfo) -> str:
    """The name of a zone; of one that has none, such as `UTC` of the standard library, what it is called."""
    return zone.key if isinstance(zone, ZoneInfo) else str(zone)
