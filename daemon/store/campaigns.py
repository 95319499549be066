"""Campaigns that commands have started: what was seen of each, and its end, which is written once. Functions
take a connection."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from daemon.core.commands import following
from daemon.core.commands.campaigns import numbers_of
from daemon.core.commands.following import Followed, Outcome
from daemon.store.dialects import insert_into
from daemon.store.schema import campaigns, commands

MOST = 10_000
"""Ours. Campaigns that are followed at a time; those beyond wait until some have ended."""
_IS_OPEN = sa.text("campaigns.ended_at IS NULL")
_PLAIN = ("command", "system", "campaign", "numbers", "estimate", "day", "started_at")
_MOVING = ("idle", "final", "unlearned", "seen_at", "busy_at", "ended_at", "outcome", "reason")


@dataclass(frozen=True)
class Called:
    """A number that a campaign of ours was to call."""

    number: str
    """As it was given."""
    at: datetime
    """When the campaign began."""
    command: str
    is_certain: bool
    """Whether it was called: the campaign has called all its numbers. Else it may be called yet, was stopped
    before, or nobody knows."""


def begin(db: sa.Connection, one: Followed) -> None:
    """Follow a campaign from now on."""
    db.execute(insert_into(campaigns, db.dialect.name).values(**_row(one)).on_conflict_do_nothing())


def open_ones(db: sa.Connection) -> dict[str, list[str]]:
    """The commands whose campaigns are followed, by system."""
    found = sa.select(campaigns.c.system, campaigns.c.command).where(_IS_OPEN).limit(MOST)
    by_system: dict[str, list[str]] = {}
    for row in db.execute(found):
        by_system.setdefault(row.system, []).append(row.command)
    return by_system


def find(db: sa.Connection, command: str) -> Followed | None:
    """The campaign that a command has started."""
    row = db.execute(sa.select(campaigns).where(campaigns.c.command == command)).one_or_none()
    return _followed(row) if row else None


def running(db: sa.Connection, systems: Sequence[str]) -> dict[str, list[Followed]]:
    """The campaigns of these systems that have not ended, by system, the newest first."""
    found = sa.select(campaigns).where(_IS_OPEN, campaigns.c.system.in_(systems)).limit(MOST)
    # Sorted here: for the order SQLite would walk all campaigns that there ever were.
    rows = sorted(db.execute(found), key=lambda row: row.started_at, reverse=True)
    by_system: dict[str, list[Followed]] = {}
    for row in rows:
        by_system.setdefault(row.system, []).append(_followed(row))
    return by_system


def save(db: sa.Connection, one: Followed) -> bool:
    """Write what was seen of a campaign. Returns whether it was followed until now: only then it has not been
    told that it ended."""
    mine = sa.and_(campaigns.c.command == one.command, _IS_OPEN)
    values = {name: value for name, value in _row(one).items() if name not in _PLAIN}
    return bool(db.execute(sa.update(campaigns).where(mine).values(**values)).rowcount)


def called(db: sa.Connection, system: str, since: datetime) -> list[Called]:
    """The numbers that campaigns of ours called which began at a moment or later, oldest first. Of a list
    that is stored at the platform nobody here knows the numbers; what the platform rejected is not among
    them."""
    found = (
        sa.select(campaigns.c.command, campaigns.c.started_at, campaigns.c.outcome, campaigns.c.seen)
        .add_columns(commands.c.params, commands.c.result)
        .join(commands, commands.c.id == campaigns.c.command)
        .where(campaigns.c.system == system, campaigns.c.started_at >= since)
        .order_by(campaigns.c.started_at)
    )
    return [one for row in db.execute(found) for one in _called(row)]


def _called(row: sa.Row[Any]) -> Sequence[Called]:
    result = json.loads(row.result) if row.result else {}
    rejected = result.get("rejected") if isinstance(result, Mapping) else ()
    if rejected is None:
        return ()  # some numbers are not dialled, and who knows which
    without = {one["phone"] for one in rejected}
    numbers = numbers_of(json.loads(row.params)["phones"]) or ()
    is_certain = row.outcome is Outcome.FINISHED
    return [
        Called(number, row.started_at, row.command, is_certain) for number in numbers if number not in without
    ]


def _row(one: Followed) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in (*_PLAIN, *_MOVING)}
    return {**plain, "seen": json.dumps(following.dump(one))}


def _followed(row: sa.Row[Any]) -> Followed:
    progress, traces = following.load(json.loads(row.seen))
    kept = {name: row._mapping[name] for name in (*_PLAIN, *_MOVING)}
    return Followed(**kept, progress=progress, traces=traces)
