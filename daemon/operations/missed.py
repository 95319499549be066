"""Who is to be called back, and saying that it is done: the rules that the command line, HTTP and the page
share.

Where one raises `Refused`, nothing was written. Whoever answers writes; the event is told by the daemon that
does what one does for all, within seconds.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

import sqlalchemy as sa

from daemon.core import missed
from daemon.core.missed import Callback, Closed, Done, Today
from daemon.core.refusals import Refused, Why
from daemon.core.wording import quoted
from daemon.store import missed as store
from daemon.store import subjects


def listed(
    db: sa.Connection, *, system: str | None = None, after: str | None = None, limit: int = 100
) -> tuple[list[Callback], str | None]:
    """Who is to be called back, in the order in which they were listed, from behind `after`; and what to go
    on by, None where there are no more. Raises `Refused` where `after` is none."""
    number = 0 if after is None else store.number_of(db, after)
    if number is None:
        raise Refused(Why.MISSING, f"there is no missed caller {quoted(after or '')}", "after")
    found = store.listed(db, system=system, after=number, limit=limit + 1)
    shown = found[:limit]
    return shown, shown[-1].id if len(found) > limit else None


def today(db: sa.Connection, systems: Sequence[str], now: datetime, zone: tzinfo) -> list[Today]:
    """What became of today's callers, by queue."""
    begins = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    since, until = begins.astimezone(UTC), now + timedelta(seconds=1)
    found = store.of_all(db, since, until)
    places = {system: place for place, system in enumerate(systems)}
    shown = sorted((places[system], subject, system) for system, subject in found if system in places)
    return [
        Today(system, subject, _name(db, system, subject), found[system, subject])
        for _, subject, system in shown
    ]


def _name(db: sa.Connection, system: str, subject: str) -> str | None:
    # A queue is the one subject of its watch, which has the same name.
    seen = subjects.load(db, system, subject).get(subject)
    return seen.name if seen else None


def find(db: sa.Connection, named: str) -> Callback:
    """One by its id, or one who is listed by his phone in any spelling. Raises `Refused` where there is none,
    and where several systems have that phone."""
    found = store.find(db, named)
    if found is not None:
        return found
    key = missed.key(named)
    of_phone = store.open_of_any(db, key) if key is not None else []
    if not of_phone:
        raise Refused(Why.MISSING, f"there is no missed caller {quoted(named)}")
    if len(of_phone) > 1:
        ids = ", ".join(f"{one.id} ({one.system})" for one in of_phone)
        raise Refused(Why.CONFLICT, f"several systems have missed {quoted(named)}: {ids}")
    return of_phone[0]


def done(db: sa.Connection, named: str, *, by: str, note: str | None, now: datetime) -> Closed:
    """Say that somebody has been called back, or need not be. Asked twice, it stands as it is. Raises
    `Refused` as `find`. The caller commits."""
    one = find(db, named)
    closed = replace(one, closed_at=now, done=Done.BY_HAND, closed_by=by, note=note or None)
    if one.closed_at is None and store.close(db, closed, is_told=False):
        return Closed(closed, is_new=True)
    return Closed(find(db, one.id), is_new=False)
