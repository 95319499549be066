"""What graphs of the phones are drawn by: how accounts, queues and units stand. Functions take a connection.

Everything here grows with what is watched, and with who is to be called back; never with what ever was.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from daemon.core.model import Json
from daemon.core.watches.subjects import SubjectKind, SubjectState
from daemon.store.schema import callbacks, subjects

_IS_SIP = sa.and_(subjects.c.kind == SubjectKind.SIP, subjects.c.left_at.is_(None))
_VALUED = (SubjectKind.QUEUE, SubjectKind.UNITS, SubjectKind.SMS_UNITS)
_PLACE = sa.func.row_number().over(partition_by=subjects.c.system, order_by=subjects.c.number)


class Many(NamedTuple):
    """How many accounts of a system stand so, as they were seen last."""

    system: str
    watch: str
    state: SubjectState
    many: int


class Account(NamedTuple):
    """One account, as it was seen last."""

    system: str
    watch: str
    subject: str
    state: SubjectState


class Valued(NamedTuple):
    """A queue, or units, with the values that were seen last."""

    system: str
    watch: str
    kind: SubjectKind
    name: str | None
    state: SubjectState
    why: Mapping[str, Json]
    metrics: Mapping[str, Json]


class Missed(NamedTuple):
    """How many callers of a system are to be called back."""

    many: int
    since: datetime
    """When the first of them was missed first."""


def accounts(db: sa.Connection) -> list[Many]:
    """How many accounts of each system stand how."""
    head = (subjects.c.system, subjects.c.watch, subjects.c.state)
    return [
        Many(*row) for row in db.execute(sa.select(*head, sa.func.count()).where(_IS_SIP).group_by(*head))
    ]


def first_accounts(db: sa.Connection, of_system: int, of_all: int) -> list[Account]:
    """Of each system the accounts that were seen first, `of_system` at most, until they are `of_all`: by
    system, so that of most all are there or none. Which these are changes only where an account goes."""
    head = (subjects.c.system, subjects.c.watch, subjects.c.subject, subjects.c.state)
    placed = sa.select(*head, subjects.c.number, _PLACE.label("place")).where(_IS_SIP).subquery()
    found = sa.select(placed.c.system, placed.c.watch, placed.c.subject, placed.c.state)
    found = found.where(placed.c.place <= of_system).order_by(placed.c.system, placed.c.number)
    return [Account(*row) for row in db.execute(found.limit(of_all)).all()]


def valued(db: sa.Connection) -> list[Valued]:
    """Every queue, and the units of every system; those that have no values yet are left out."""
    head = (subjects.c.system, subjects.c.watch, subjects.c.kind, subjects.c.name, subjects.c.state)
    found = sa.select(*head, subjects.c.why, subjects.c.metrics)
    found = found.where(subjects.c.kind.in_(_VALUED), subjects.c.left_at.is_(None))
    found = found.where(subjects.c.metrics.is_not(None))
    return [
        Valued(system, watch, kind, name, state, _read(why), _read(metrics))
        for system, watch, kind, name, state, why, metrics in db.execute(found).all()
    ]


def missed(db: sa.Connection) -> dict[str, Missed]:
    """Who is to be called back, of each system of which anybody is."""
    found = sa.select(callbacks.c.system, sa.func.count(), sa.func.min(callbacks.c.since))
    found = found.where(sa.text("callbacks.closed_at IS NULL")).group_by(callbacks.c.system)
    return {system: Missed(many, since) for system, many, since in db.execute(found)}


def _read(text: str) -> Mapping[str, Any]:
    read: Mapping[str, Any] = {} if text == "{}" else json.loads(text)
    return read
