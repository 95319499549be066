"""Forgetting: what is old is found by reading, and deleted a few rows at a time. Functions take a connection.

Rows are walked in the order in which they were written, from where the walk before ended, and the walk ends
where nothing can be old enough; so a part costs the same whatever is stored. What was found is looked at
again in the transaction that deletes it: it may have changed since.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from daemon.core.delivery.outcome import Status
from daemon.store import events as event_store
from daemon.store import observations, searchable, spellings
from daemon.store.schema import (
    acknowledgements,
    attempts,
    campaigns,
    commands,
    decisions,
    deliveries,
    escalations,
    events,
    history,
    incidents,
    ledger,
    pieces,
    recurring_silences,
    silences,
    subjects,
    texts,
    transitions,
    watches,
)

_FIRST = [column for column in deliveries.columns if column.name.startswith("first_")]
PART = 500
"""Rows that are looked at in one go."""


class Old(NamedTuple):
    """Some rows that are old, by their keys, and where to go on; None: nothing further on is old."""

    keys: Sequence[Any]
    last: Any


@dataclass(frozen=True)
class Kept:
    """A delivery that is stored, as far as its age matters."""

    id: int
    status: Status
    created_at: datetime
    ended_at: datetime | None
    is_needed: bool
    """The ledger asks whether it has arrived."""


def deliveries_after(db: sa.Connection, last: int, before: datetime) -> list[Kept]:
    """The next deliveries in the order of their ids, made before a time."""
    found = _KEPT.where(deliveries.c.id > last).order_by(deliveries.c.id).limit(PART)
    return [one for one in _kept(db, found) if one.created_at < before]


def deliveries_of(db: sa.Connection, ids: Sequence[int]) -> list[Kept]:
    """These deliveries, as far as they are there."""
    return _kept(db, _KEPT.where(deliveries.c.id.in_(ids)))


def with_attempts(db: sa.Connection, ids: Sequence[int], before: datetime) -> set[int]:
    """Those of these deliveries that have attempts from before a time."""
    later = sa.select(attempts.c.delivery).where(attempts.c.delivery.in_(ids), attempts.c.started_at < before)
    first = sa.select(deliveries.c.id).where(deliveries.c.id.in_(ids), deliveries.c.first_started_at < before)
    return set(db.scalars(later.distinct())) | set(db.scalars(first))


def forget_deliveries(db: sa.Connection, ids: Sequence[int]) -> None:
    """Delete deliveries with their attempts."""
    if ids:
        db.execute(sa.delete(attempts).where(attempts.c.delivery.in_(ids)))
        db.execute(sa.delete(deliveries).where(deliveries.c.id.in_(ids)))


def forget_attempts(db: sa.Connection, ids: Sequence[int], before: datetime) -> int:
    """Delete old attempts of deliveries that are kept. Returns how many there were."""
    if not ids:
        return 0
    old = sa.delete(attempts).where(attempts.c.delivery.in_(ids), attempts.c.started_at < before)
    first = sa.update(deliveries).where(deliveries.c.id.in_(ids), deliveries.c.first_started_at < before)
    return db.execute(old).rowcount + db.execute(first.values(dict.fromkeys(_FIRST))).rowcount


def old_events(db: sa.Connection, last: int, before: datetime) -> Old:
    """The next events that are older than a time, and that nobody asks for any more."""
    following = sa.select(events.c.number, events.c.timestamp).where(events.c.number > last)
    rows = db.execute(following.order_by(events.c.number).limit(PART)).all()
    old = [row.number for row in rows if row.timestamp < before]
    free = list(db.scalars(sa.select(events.c.number).where(events.c.number.in_(old), *_UNASKED)))
    return Old(sorted(free), old[-1] if old and len(old) == len(rows) else None)


def forget_events(db: sa.Connection, numbers: Sequence[int]) -> int:
    """Delete these events with their texts, but for those that are asked for. Returns how many there were."""
    free = sa.select(events.c.number).where(events.c.number.in_(numbers), *_UNASKED)
    going = list(db.scalars(free))
    if going:
        db.execute(sa.delete(events).where(events.c.number.in_(going)))
        searchable.forget(db, going)
        spellings.forget(db, going)
        event_store.forget(db, max(going))
    return len(going)


def old_incidents(db: sa.Connection, last: tuple[datetime, str] | None, before: datetime) -> Old:
    """The next incidents that ended before a time and are told to everybody who has to know. By when they
    fired, which there is an index of, and which was before that, too."""
    found = sa.select(incidents.c.id, incidents.c.fired_at, incidents.c.ended_at)
    found = found.where(incidents.c.fired_at < before)
    if last is not None:
        place = sa.literal(last[0], incidents.c.fired_at.type), sa.literal(last[1])
        found = found.where(sa.tuple_(incidents.c.fired_at, incidents.c.id) > sa.tuple_(*place))
    rows = db.execute(found.order_by(incidents.c.fired_at, incidents.c.id).limit(PART)).all()
    old = [row.id for row in rows if row.ended_at is not None and row.ended_at < before]
    owed = set(db.scalars(_OWED.where(ledger.c.incident.in_(old))))
    return Old([one for one in old if one not in owed], (rows[-1].fired_at, rows[-1].id) if rows else None)


def forget_incidents(db: sa.Connection, ids: Sequence[str]) -> int:
    """Delete these incidents with their history, but for those of which somebody has to know. Returns how
    many there were."""
    owed = set(db.scalars(_OWED.where(ledger.c.incident.in_(ids))))
    going = [one for one in ids if one not in owed]
    for table in (decisions, ledger, acknowledgements, escalations):
        db.execute(sa.delete(table).where(table.c.incident.in_(going)))
    db.execute(sa.delete(incidents).where(incidents.c.id.in_(going)))
    return len(going)


def old_transitions(db: sa.Connection, last: int, before: datetime) -> Old:
    """The next changes of alerts that are older than a time."""
    following = sa.select(transitions.c.id, transitions.c.at).where(transitions.c.id > last)
    rows = db.execute(following.order_by(transitions.c.id).limit(PART)).all()
    old = [row.id for row in rows if row.at < before]
    return Old(old, old[-1] if old and len(old) == len(rows) else None)


def forget_transitions(db: sa.Connection, ids: Sequence[int]) -> int:
    """Delete these. Returns how many there were."""
    return db.execute(sa.delete(transitions).where(transitions.c.id.in_(ids))).rowcount


def old_commands(db: sa.Connection, last: tuple[datetime, int] | None, before: datetime) -> Old:
    """The next commands that ended before a time, and whose campaign is not followed any more."""
    found = sa.select(commands.c.ended_at, commands.c.number).where(commands.c.ended_at < before)
    if last is not None:
        place = sa.literal(last[0], commands.c.ended_at.type), sa.literal(last[1])
        found = found.where(sa.tuple_(commands.c.ended_at, commands.c.number) > sa.tuple_(*place))
    rows = db.execute(found.order_by(commands.c.ended_at, commands.c.number).limit(PART)).all()
    followed = _followed(db, [row.number for row in rows])
    return Old(
        [row.number for row in rows if row.number not in followed],
        (rows[-1].ended_at, rows[-1].number) if rows else None,
    )


def forget_commands(db: sa.Connection, numbers: Sequence[int]) -> int:
    """Delete these, with their keys and campaigns. Returns how many there were."""
    these = sa.select(commands.c.id).where(commands.c.number.in_(numbers))
    db.execute(sa.delete(campaigns).where(campaigns.c.command.in_(these)))
    return db.execute(sa.delete(commands).where(commands.c.number.in_(numbers))).rowcount


def _followed(db: sa.Connection, numbers: Sequence[int]) -> set[int]:
    """Those of these commands whose campaign has not ended."""
    same = sa.and_(campaigns.c.command == commands.c.id, campaigns.c.ended_at.is_(None))
    found = sa.select(commands.c.number).where(commands.c.number.in_(numbers), same)
    return set(db.scalars(found))


def old_texts(db: sa.Connection, last: int, before: datetime) -> Old:
    """The next messages of before a time, of which nothing more can become known."""
    following = sa.select(texts.c.number, texts.c.sent_at, texts.c.is_live).where(texts.c.number > last)
    rows = db.execute(following.order_by(texts.c.number).limit(PART)).all()
    old = [row.number for row in rows if row.sent_at < before]
    going = [row.number for row in rows if row.sent_at < before and not row.is_live]
    return Old(going, old[-1] if old and len(old) == len(rows) else None)


def forget_texts(db: sa.Connection, numbers: Sequence[int]) -> int:
    """Delete these. Returns how many there were."""
    return db.execute(sa.delete(texts).where(texts.c.number.in_(numbers))).rowcount


def old_silences(db: sa.Connection, before: datetime) -> Old:
    """The silences that were over before a time."""
    found = (
        sa.select(one.c.id).where(sa.or_(one.c.expired_at < before, one.c.ends_at < before))
        for one in (silences, recurring_silences)
    )
    return Old([name for ids in found for name in db.scalars(ids)], None)


def forget_silences(db: sa.Connection, ids: Sequence[str]) -> int:
    """Delete these. Returns how many there were."""
    both = (sa.delete(one).where(one.c.id.in_(ids)) for one in (silences, recurring_silences))
    return sum(db.execute(each).rowcount for each in both)


def old_buckets(db: sa.Connection, step: int, before: datetime) -> Old:
    """The oldest buckets of a length (seconds), if they are older than a time: some of one start."""
    start = db.scalar(sa.select(sa.func.min(history.c.start)).where(history.c.step == step))
    if start is None or start >= before:
        return Old((), None)
    of_start = sa.select(history.c.system).where(history.c.step == step, history.c.start == start)
    return Old([(step, start, one) for one in db.scalars(of_start.limit(PART))], start)


def forget_buckets(db: sa.Connection, keys: Sequence[tuple[int, datetime, str]]) -> int:
    """Delete these, by their length, start and system. Returns how many there were."""
    many = 0
    for step, start in {(step, start) for step, start, _ in keys}:
        systems = [system for *one, system in keys if one == [step, start]]
        of_start = (history.c.step == step, history.c.start == start, history.c.system.in_(systems))
        many += db.execute(sa.delete(history).where(*of_start)).rowcount
    return many


def old_observations(db: sa.Connection, before: datetime) -> Old:
    """The oldest batches of what watches saw that start before a time."""
    keys = [key for key, _ in observations.oldest(db, PART, before)]
    return Old(keys, keys[-1] if len(keys) == PART else None)


def surplus_observations(db: sa.Connection, most: int, before: datetime) -> Old:
    """The oldest batches of what watches saw that are too many, where all together may take so many bytes;
    not those that are being written, which start after a time."""
    excess, keys = observations.total(db) - most, []
    if excess <= 0:
        return Old((), None)
    for key, size in observations.oldest(db, PART, before):
        if excess <= 0:
            break
        keys.append(key)
        excess -= size
    return Old(keys, keys[-1] if excess > 0 and len(keys) == PART else None)


def old_subjects(db: sa.Connection, before: datetime) -> Old:
    """The subjects that were left before a time, and so have no history any more."""
    left = sa.select(subjects.c.system, subjects.c.subject).where(subjects.c.left_at < before)
    return Old([tuple(row) for row in db.execute(left)], None)


def forget_subjects(db: sa.Connection, keys: Sequence[tuple[str, str]], before: datetime) -> int:
    """Delete these, by system and name, but for those that are watched again. Returns how many there were."""
    many = 0
    for system, subject in keys:
        one = (subjects.c.system == system, subjects.c.subject == subject, subjects.c.left_at < before)
        many += db.execute(sa.delete(subjects).where(*one)).rowcount
    return many


def left_watches(
    db: sa.Connection, configured: Collection[tuple[str, str]], before: datetime
) -> list[tuple[str, str]]:
    """The watches, by system and name, that were polled last before a time, and are not configured. There are
    no more of them than were ever configured."""
    found = sa.select(watches.c.system, watches.c.name).where(watches.c.polled_at < before)
    return [(row.system, row.name) for row in db.execute(found) if (row.system, row.name) not in configured]


def forget_watch(db: sa.Connection, watch: tuple[str, str], before: datetime) -> None:
    """Delete what is known of a watch, but of one that is polled again: all of it, for half of it would be
    taken for what was there. Where it comes back later, what there is then is its baseline."""
    system, name = watch
    one = (watches.c.system == system, watches.c.name == name, watches.c.polled_at < before)
    if db.execute(sa.delete(watches).where(*one)).rowcount:
        db.execute(sa.delete(pieces).where(pieces.c.system == system, pieces.c.watch == name))


_OWED = sa.select(ledger.c.incident).where(sa.text("NOT ledger.is_over"))
_IS_NEEDED = _OWED.where(
    ledger.c.incident == deliveries.c.incident, ledger.c.endpoint == deliveries.c.endpoint
).exists()
_KEPT = sa.select(
    deliveries.c.id,
    deliveries.c.status,
    deliveries.c.created_at,
    deliveries.c.ended_at,
    _IS_NEEDED.label("is_needed"),
)
# What is told last of an incident is read once, rather than looked for with each event: few fire at once.
_UNASKED = (
    ~sa.select(deliveries.c.id).where(deliveries.c.event == events.c.number).exists(),
    events.c.id.not_in(
        sa.select(ledger.c.event).where(sa.text("NOT ledger.is_over"), ledger.c.event.is_not(None))
    ),
)


def _kept(db: sa.Connection, found: sa.Select[Any]) -> list[Kept]:
    rows = db.execute(found).all()
    return [Kept(row.id, row.status, row.created_at, row.ended_at, bool(row.is_needed)) for row in rows]
