"""How far programs have read that come for their events themselves. Functions take a connection.

The position of a feed is the number of the last event that was taken. Numbers are committed in order, so
nothing ever comes below one that was seen.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from daemon.core.feeds import Gap, Wanted, from_json, to_json
from daemon.core.model import Event
from daemon.store import happened
from daemon.store.happened import Topic
from daemon.store.schema import feeds


@dataclass(frozen=True)
class Stored:
    """One feed, and how far it was read."""

    name: str
    wanted: Wanted
    position: int
    author: str
    made_at: datetime
    moved_at: datetime | None


@dataclass(frozen=True)
class Feed:
    """A feed, and how far it is behind."""

    stored: Stored
    behind: int
    """How many events came after its position at most, of all types and systems."""
    gap: Gap | None


@dataclass(frozen=True)
class Read:
    """What comes next of a feed."""

    stored: Stored
    gap: Gap | None
    events: Sequence[Event]
    cursor: int
    """How far that goes."""
    has_more: bool


def load(db: sa.Connection) -> list[Stored]:
    """All of them, by name."""
    return [_stored(row) for row in db.execute(sa.select(feeds).order_by(feeds.c.name))]


def find(db: sa.Connection, name: str) -> Stored | None:
    """One by its name."""
    row = db.execute(sa.select(feeds).where(feeds.c.name == name)).one_or_none()
    return _stored(row) if row else None


def add(db: sa.Connection, feed: Stored) -> None:
    """A new one."""
    values = {"position": feed.position, "author": feed.author, "made_at": feed.made_at}
    db.execute(sa.insert(feeds).values(name=feed.name, wanted=_text(feed.wanted), **values))
    happened.mark(db, Topic.SUBSCRIPTIONS)


def change(db: sa.Connection, name: str, wanted: Wanted) -> None:
    """It is for other events from now on."""
    db.execute(sa.update(feeds).where(feeds.c.name == name).values(wanted=_text(wanted)))
    happened.mark(db, Topic.SUBSCRIPTIONS)


def move(db: sa.Connection, name: str, position: int, now: datetime) -> None:
    """It was read so far."""
    db.execute(sa.update(feeds).where(feeds.c.name == name).values(position=position, moved_at=now))


def remove(db: sa.Connection, name: str) -> None:
    """There is none of that name any more."""
    db.execute(sa.delete(feeds).where(feeds.c.name == name))
    happened.mark(db, Topic.SUBSCRIPTIONS)


def _stored(row: sa.Row[Any]) -> Stored:
    wanted = from_json(json.loads(row.wanted))
    return Stored(row.name, wanted, row.position, row.author, row.made_at, row.moved_at)


def _text(wanted: Wanted) -> str:
    return json.dumps(to_json(wanted), ensure_ascii=False)
