"""Silences, stored. Functions take a connection."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from daemon.core.routing.silences import Silence
from daemon.store.schema import silences


def add(db: sa.Connection, silence: Silence) -> None:
    """Store a new silence."""
    db.execute(sa.insert(silences).values(**_row(silence)))


def find(db: sa.Connection, silence: str) -> Silence | None:
    """One silence by its id."""
    return next(iter(_load(db, silences.c.id == silence)), None)


def in_force(db: sa.Connection, now: datetime) -> list[Silence]:
    """Those that mute something now, oldest first."""
    return [one for one in _load(db, silences.c.expired_at.is_(None)) if one.is_active(now)]


def load(db: sa.Connection, *, now: datetime, with_ended: bool) -> list[Silence]:
    """Those that last or are to come, with the ended ones where they are asked for, oldest first."""
    which = sa.true() if with_ended else silences.c.expired_at.is_(None)
    found = _load(db, which)
    return [one for one in found if with_ended or one.is_active(now) or one.starts_at > now]


def over(db: sa.Connection, now: datetime, *, before: str | None, limit: int) -> list[Silence]:
    """Those that have ended, the newest first; `before`: only those made before this one."""
    has_ended = sa.or_(silences.c.expired_at.is_not(None), silences.c.ends_at <= now)
    found = sa.select(silences).where(has_ended)
    if before is not None:
        made = sa.select(silences.c.created_at).where(silences.c.id == before).scalar_subquery()
        older = silences.c.created_at < made
        found = found.where(sa.or_(older, sa.and_(silences.c.created_at == made, silences.c.id < before)))
    newest = (silences.c.created_at.desc(), silences.c.id.desc())
    return [_silence(row) for row in db.execute(found.order_by(*newest).limit(limit))]


def expire(db: sa.Connection, silence: str, now: datetime) -> bool:
    """End a silence. Returns whether there was one to end."""
    ended = db.execute(
        sa.update(silences)
        .where(silences.c.id == silence, silences.c.expired_at.is_(None))
        .values(expired_at=now)
    )
    return bool(ended.rowcount)


def _load(db: sa.Connection, which: Any) -> list[Silence]:
    found = sa.select(silences).where(which).order_by(silences.c.created_at, silences.c.id)
    return [_silence(row) for row in db.execute(found)]


def _silence(row: sa.Row[Any]) -> Silence:
    return Silence(**{name: getattr(row, name) for name in Silence.__dataclass_fields__})


def _row(silence: Silence) -> dict[str, Any]:
    return {name: getattr(silence, name) for name in Silence.__dataclass_fields__}
