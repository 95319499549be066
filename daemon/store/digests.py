"""How far digests have told, and what is counted for one. Functions take a connection.

Events are counted by their numbers, each of which is committed after all below it: so one that tells up to a
number, and the next that goes on from it, miss none and count none twice, whatever the clock does.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core.delivery.outcome import Status
from daemon.core.digests.schedule import Told
from daemon.store.dialects import insert_into
from daemon.store.schema import deliveries, digests, events, incidents

TRIED_FOR = timedelta(days=8)
"""Ours. Hardly any delivery is tried for longer before it is given up."""
AT_ONCE = 500
"""Events that are read in one go."""
# Literals, so that SQLite sees that the partial indexes serve.
_IS_DEAD = sa.text("deliveries.status = 'dead'")
_IS_OPEN = sa.text("incidents.ended_at IS NULL")


def load(db: sa.Connection, name: str) -> Told | None:
    """How far one has told; None: it is new."""
    row = db.execute(sa.select(digests).where(digests.c.name == name)).one_or_none()
    return None if row is None else Told(row.until, row.number, row.day, row.event)


def save(db: sa.Connection, name: str, told: Told) -> None:
    """Remember how far one has told."""
    values: dict[str, Any] = {
        "until": told.until,
        "number": told.number,
        "day": told.day,
        "event": told.event,
    }
    statement = insert_into(digests, db.dialect.name).values(name=name, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def last_before(db: sa.Connection, moment: datetime, after: int, last: int) -> int:
    """The number of the last event, from `after` to `last`, that was observed before a moment: by halves, for
    numbers and times grow together, but for a clock that was set back."""
    low, high = after, last
    while low < high:
        middle = (low + high) // 2
        row = db.execute(_NEXT, {"after": middle, "last": high}).one_or_none()
        if row is None:  # all of them are forgotten
            high = middle
        elif row.timestamp < moment:
            low = row.number
        else:
            high = middle
    return low


_NEXT = (
    sa.select(events.c.number, events.c.timestamp)
    .where(events.c.number > sa.bindparam("after"), events.c.number <= sa.bindparam("last"))
    .order_by(events.c.number)
    .limit(1)
)
_NEXT_DELIVERY = (
    sa.select(deliveries.c.id, deliveries.c.created_at)
    .where(deliveries.c.id > sa.bindparam("after"))
    .order_by(deliveries.c.id)
    .limit(1)
)
_BETWEEN = (events.c.number > sa.bindparam("after"), events.c.number <= sa.bindparam("last"))
_OF_TYPE = events.c.type == sa.bindparam("of_type", type_=sa.Text)
_COUNT = sa.select(sa.func.count()).select_from(events).where(_OF_TYPE, *_BETWEEN)
_BODIES = (
    sa.select(events.c.number, events.c.system, events.c.body)
    .where(_OF_TYPE, *_BETWEEN)
    .order_by(events.c.number)
    .limit(AT_ONCE)
)
_BY_SYSTEM = sa.select(events.c.system, sa.func.count()).where(_OF_TYPE, *_BETWEEN).group_by(events.c.system)
_BY_TYPE = (
    sa.select(events.c.type, sa.func.count())
    .where(events.c.subject == sa.bindparam("of_subject", type_=sa.Text), *_BETWEEN)
    .where(events.c.system.concat("") == sa.bindparam("of_system", type_=sa.Text))
    .group_by(events.c.type)
)


def count(db: sa.Connection, type_: str, after: int, last: int) -> int:
    """How many events of a type there are after a number, up to another; by the index alone."""
    return int(db.scalar(_COUNT, {"of_type": type_, "after": after, "last": last}) or 0)


def by_system(db: sa.Connection, type_: str, after: int, last: int) -> dict[str, int]:
    """The same, by system."""
    found = db.execute(_BY_SYSTEM, {"of_type": type_, "after": after, "last": last})
    return {row[0]: row[1] for row in found}


def by_type(db: sa.Connection, system: str, subject: str, after: int, last: int) -> dict[str, int]:
    """How many events of each type there are of a subject, between two numbers."""
    values = {"of_system": system, "of_subject": subject, "after": after, "last": last}
    return {row[0]: row[1] for row in db.execute(_BY_TYPE, values)}


def bodies(db: sa.Connection, type_: str, after: int, last: int) -> Iterator[tuple[str, bytes]]:
    """The events of a type after a number, up to another, each as its system and its body; oldest first."""
    while found := db.execute(_BODIES, {"of_type": type_, "after": after, "last": last}).all():
        yield from ((row.system, row.body) for row in found)
        after = found[-1].number


def fired(db: sa.Connection, begin: datetime, end: datetime) -> Counter[str]:
    """How many alerts fired from the one time on, and before the other, by system."""
    within = (incidents.c.fired_at >= begin, incidents.c.fired_at < end)
    return Counter(db.scalars(sa.select(incidents.c.system).where(*within)))


def firing(db: sa.Connection) -> Counter[str]:
    """How many alerts fire, by system."""
    return Counter(db.scalars(sa.select(incidents.c.system).where(_IS_OPEN)))


def given_up(db: sa.Connection, endpoints: Sequence[str], begin: datetime, end: datetime) -> dict[str, int]:
    """How many deliveries were given up from the one time on, and before the other, by endpoint; of those
    that are still dead letters, and were made no longer before than `TRIED_FOR`."""
    first = _made_before(db, begin - TRIED_FOR)
    within = (_IS_DEAD, deliveries.c.id > first, deliveries.c.ended_at >= begin, deliveries.c.ended_at < end)
    found = {}
    for endpoint in endpoints:
        many = sa.select(sa.func.count()).where(*within, deliveries.c.endpoint == endpoint)
        found[endpoint] = int(db.scalar(many) or 0)
    return {endpoint: many for endpoint, many in found.items() if many}


def _made_before(db: sa.Connection, moment: datetime) -> int:
    """A number of deliveries, up to which none was made at or after a moment: by halves."""
    low, high = 0, int(db.scalar(sa.select(sa.func.max(deliveries.c.id))) or 0)
    while low < high:
        middle = (low + high) // 2
        row = db.execute(_NEXT_DELIVERY, {"after": middle}).one_or_none()
        if row is None or row.created_at >= moment:
            high = middle
        else:
            low = row.id
    return low


assert Status.DEAD.value == "dead"  # noqa: S101 - as it stands above
