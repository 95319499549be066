"""Feeds in the store: made, changed, read, moved on and taken away. Where one raises `Refused`, nothing was
written."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from daemon.core import feeds as rules
from daemon.core.feeds import Wanted
from daemon.core.refusals import Refused, Why
from daemon.core.wording import nearest, quoted
from daemon.store import events
from daemon.store import feeds as kept
from daemon.store.events import Query
from daemon.store.feeds import Feed, Read, Stored

NOW, OLDEST = "now", "oldest"
"""Where a feed may begin, beside an event."""


def listed(db: sa.Connection) -> list[Feed]:
    """All of them, by name."""
    return [_stands(db, one) for one in kept.load(db)]


def put(
    db: sa.Connection,
    name: str,
    wanted: Wanted,
    *,
    start: str,
    systems: Sequence[str],
    author: str,
    now: datetime,
) -> tuple[Feed, bool]:
    """A feed of this name for these events, and whether it is new; one that is there stays where it is.
    `start`: where a new one begins, `now`, `oldest` or behind an event; `systems`: those that there are.

    Raises `Refused` for a system or an event that nobody knows, and where there are as many as may be.
    """
    for one in wanted.systems or ():
        if one not in systems:
            near = nearest(one, systems)
            raise Refused(Why.NO_SUCH_SYSTEM, f"no system is called {quoted(one)}{near}", "systems")
    known = kept.find(db, name)
    if known is not None:
        if known.wanted != wanted:
            kept.change(db, name, wanted)
        return find(db, name), False
    if len(kept.load(db)) >= rules.MOST:
        raise Refused(Why.CONFLICT, f"there are {rules.MOST} feeds already: remove one that nobody reads")
    kept.add(db, Stored(name, wanted, _start(db, start), author, now, None))
    return find(db, name), True


def find(db: sa.Connection, name: str) -> Feed:
    """One by its name. Raises `Refused` where there is none."""
    return _stands(db, _stored(db, name))


def read(db: sa.Connection, name: str, limit: int) -> Read:
    """What comes after its position; it stays there. Raises `Refused` where there is no such feed."""
    stored = _stored(db, name)
    forgotten = events.forgotten_up_to(db)
    part = events.kept_part(db, Query(after=stored.position, limit=limit), stored.wanted.takes)
    return Read(
        stored,
        rules.gap(stored.position, forgotten),
        [event for _, event in part.events],
        rules.next_position(part.last, forgotten, has_more=part.has_more),
        part.has_more,
    )


def move(db: sa.Connection, name: str, to: int | str, now: datetime, *, may_go_back: bool) -> Feed:
    """Go on behind a cursor that a page gave, or behind an event, from now on.

    Raises `Refused` where there is no such feed or event, where it lies ahead of all that happened, or,
    unless it `may_go_back`, behind what was acknowledged before.
    """
    stored = _stored(db, name)
    position, field = (to, "cursor") if isinstance(to, int) else (_number(db, to), "event")
    newest, _ = events.newest(db)
    if position > newest:
        raise Refused(Why.CONFLICT, "lies ahead of everything that happened", field)
    if position < stored.position and not may_go_back:
        raise Refused(
            Why.CONFLICT, f"lies before {stored.position}, which was acknowledged: `back` goes back", field
        )
    if position != stored.position:
        kept.move(db, name, position, now)
    return find(db, name)


def remove(db: sa.Connection, name: str) -> Feed:
    """Forget it. Raises `Refused` where there is none of that name."""
    going = find(db, name)
    kept.remove(db, name)
    return going


def _stands(db: sa.Connection, stored: Stored) -> Feed:
    newest, _ = events.newest(db)
    lost = rules.gap(stored.position, events.forgotten_up_to(db))
    return Feed(stored, max(newest - stored.position, 0), lost)


def _stored(db: sa.Connection, name: str) -> Stored:
    found = kept.find(db, name)
    if found is None:
        near = nearest(name, [one.name for one in kept.load(db)])
        raise Refused(Why.MISSING, f"no feed is called {quoted(name)}{near}")
    return found


def _start(db: sa.Connection, start: str) -> int:
    if start == OLDEST:
        return events.forgotten_up_to(db)
    return events.newest(db)[0] if start == NOW else _number(db, start, "start")


def _number(db: sa.Connection, event: str, field: str = "event") -> int:
    if event == events.START:
        return 0
    found = events.find(db, event)
    if found is None:
        raise Refused(Why.CONFLICT, f"no event {quoted(event)} is kept", field)
    return found[0]
