"""How each subject stands: the accounts, queues and so on that watches see. Functions take a connection.

A subject that is not watched any more keeps its row, and with it the number by which its history is found;
here it is told of no more.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from daemon.core.model import Json
from daemon.core.watches.subjects import Standing, Subject, SubjectKind, SubjectState, turn
from daemon.store.column_types import EPOCH, MILLISECOND
from daemon.store.schema import subjects

_OF = (
    subjects.c.system == sa.bindparam("of_system", type_=sa.Text),
    subjects.c.subject == sa.bindparam("of_subject", type_=sa.Text),
)
_OF_WATCH = sa.and_(
    subjects.c.system == sa.bindparam("of_system", type_=sa.Text),
    subjects.c.watch == sa.bindparam("of_watch", type_=sa.Text),
    subjects.c.left_at.is_(None),
)
_SEEN = tuple(subjects.c[name] for name in ("subject", "kind", "state", "name", "why", "metrics"))
_STANDING = tuple(subjects.c[name] for name in ("state", "since", "seen_at", "known_state", "known_since"))
# Built once: that takes longer than to run them.
_BY_WATCH = sa.select(*_SEEN, subjects.c.details).where(_OF_WATCH)
_ONE = sa.select(subjects).where(*_OF)


def _raw(*columns: sa.ColumnElement[Any]) -> list[sa.ColumnElement[Any]]:
    """As the store has them: words are texts, times are milliseconds."""
    return [sa.type_coerce(one, one.type.impl) if isinstance(one.type, sa.types.TypeDecorator) else one
            for one in columns]  # fmt: skip


def _all(details: sa.ColumnElement[Any]) -> sa.Select[Any]:
    head = (subjects.c.system, subjects.c.watch, subjects.c.number)
    found = sa.select(*head, *_raw(*_SEEN), details, *_raw(*_STANDING)).where(subjects.c.left_at.is_(None))
    return found.order_by(subjects.c.system, subjects.c.subject)


_PLAIN, _DETAILED = _all(sa.null()), _all(subjects.c.details)
REMEMBERED = 4096
"""Rows: what they come to is worked out again only where they have changed; some 4 MB."""


@dataclass(frozen=True)
class SubjectView:
    """One subject that is watched."""

    system: str
    watch: str
    seen: Subject
    standing: Standing
    number: int = 0
    """By which its history is found; 0: it has none."""


class NotUp(NamedTuple):
    """How many subjects of a watch stand so."""

    system: str
    watch: str
    kind: str
    state: str
    many: int


def load(db: sa.Connection, system: str, watch: str) -> dict[str, Subject]:
    """The subjects of a watch as they were last written, by name."""
    found: Any = db.execute(_BY_WATCH, {"of_system": system, "of_watch": watch})
    return {row[0]: _seen(*row) for row in found}


def views(db: sa.Connection, system: str | None = None, *, with_details: bool = False) -> list[SubjectView]:
    """All that is watched, of one system or of all, by system and name. Without `with_details` what is
    listed in them is left out."""
    found = _DETAILED if with_details else _PLAIN
    if system is not None:
        found = found.where(subjects.c.system == system)
    rows = db.execute(found).all()
    read = _view if with_details else _view_again
    return [read(*row) for row in rows]


def views_of(db: sa.Connection, systems: Sequence[str]) -> list[SubjectView]:
    """The same of some systems, with what is listed in each."""
    return [_view(*row) for row in db.execute(_DETAILED.where(subjects.c.system.in_(systems)))]


def not_up(db: sa.Connection) -> list[NotUp]:
    """How much that is watched does not stand well as it was seen last, of all systems. It grows with what is
    watched, not with what ever happened."""
    head = (subjects.c.system, subjects.c.watch, *_raw(subjects.c.kind, subjects.c.state))
    is_not_up = sa.and_(subjects.c.state != SubjectState.UP, subjects.c.left_at.is_(None))
    found: sa.Select[Any] = sa.select(*head, sa.func.count()).where(is_not_up).group_by(*head)
    return [NotUp(*row) for row in db.execute(found).all()]


def save(
    db: sa.Connection,
    watch: tuple[str, str],
    seen: Iterable[Subject],
    now: datetime,
    last_seen: datetime | None,
) -> None:
    """Store how subjects of a watch (system, name) stand; `last_seen`: when it was seen before this look."""
    system, name = watch
    for one in seen:
        row = db.execute(_ONE, {"of_system": system, "of_subject": one.subject}).one_or_none()
        is_known = row is not None and row.left_at is None
        standing = turn(_standing(row) if row is not None and is_known else None, one.state, now, last_seen)
        values = {"watch": name, "left_at": None, **_values(one), **_times(standing)}
        if row is None:
            number = _next_number(db, system)
            db.execute(
                sa.insert(subjects), {"system": system, "subject": one.subject, "number": number, **values}
            )
        else:
            db.execute(
                sa.update(subjects).where(*_OF).values(values),
                {"of_system": system, "of_subject": one.subject},
            )


def leave(db: sa.Connection, system: str, names: Iterable[str], now: datetime) -> None:
    """Subjects that exist no more."""
    gone = [{"of_system": system, "of_subject": one} for one in names]
    if gone:
        db.execute(sa.update(subjects).where(*_OF).values(left_at=now), gone)


def sweep(db: sa.Connection, watched: Mapping[str, set[str]], now: datetime) -> None:
    """End the subjects of what is not watched any more; `watched` are the owners of subjects, by system."""
    owners = sa.select(subjects.c.system, subjects.c.watch).where(subjects.c.left_at.is_(None)).distinct()
    for row in db.execute(owners).all():
        if row.watch not in watched.get(row.system, ()):
            db.execute(
                sa.update(subjects).where(_OF_WATCH).values(left_at=now),
                {"of_system": row.system, "of_watch": row.watch},
            )


def all_numbers(db: sa.Connection, systems: Sequence[str]) -> dict[str, dict[str, int]]:
    """By which history knows subjects, those that are gone among them: by system and subject."""
    found = sa.select(subjects.c.system, subjects.c.subject, subjects.c.number)
    by_system: dict[str, dict[str, int]] = {}
    for system, subject, its_number in db.execute(found.where(subjects.c.system.in_(systems))).all():
        by_system.setdefault(system, {})[subject] = its_number
    return by_system


def numbers_of(db: sa.Connection, system: str, names: Sequence[str]) -> dict[str, int]:
    """The same, of some of them."""
    found = sa.select(subjects.c.subject, subjects.c.number).where(
        subjects.c.system == system, subjects.c.subject.in_(names)
    )
    return {row.subject: row.number for row in db.execute(found)}


def number(db: sa.Connection, system: str, subject: str) -> int | None:
    """By which history knows one subject; None: there never was such a one, or it is forgotten."""
    row = db.execute(_ONE, {"of_system": system, "of_subject": subject}).one_or_none()
    return None if row is None else int(row.number)


def _next_number(db: sa.Connection, system: str) -> int:
    highest = sa.select(sa.func.max(subjects.c.number)).where(subjects.c.system == system)
    return int(db.scalar(highest) or 0) + 1


def _values(one: Subject) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "name": one.name,
        "state": one.state,
        "why": _text(one.why),
        "metrics": None if one.metrics is None else _text(one.metrics),
        "details": None if one.details is None else _text(one.details),
    }


def _times(standing: Standing) -> dict[str, Any]:
    return {
        "since": standing.since,
        "seen_at": standing.seen_at,
        "known_state": standing.known_state,
        "known_since": standing.known_since,
    }


def _text(value: Mapping[str, Json]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _view(
    system: str,
    watch: str,
    number: int,
    subject: str,
    kind: str,
    state: str,
    name: str | None,
    why: str,
    metrics: str | None,
    details: str | None,
    *standing: Any,
) -> SubjectView:
    """Of a row as the store has it. What is in it is not to be changed by who reads it."""
    _, since, seen_at, known_state, known_since = standing
    its_state = SubjectState(state)
    times = [None if one is None else EPOCH + one * MILLISECOND for one in (seen_at, known_since)]
    then = Standing(
        its_state,
        EPOCH + since * MILLISECOND,
        times[0],
        None if known_state is None else SubjectState(known_state),
        times[1],
    )
    return SubjectView(
        system, watch, _seen(subject, SubjectKind(kind), its_state, name, why, metrics, details), then, number
    )


_view_again = lru_cache(REMEMBERED)(_view)


def _seen(
    subject: str,
    kind: SubjectKind,
    state: SubjectState,
    name: str | None,
    why: str,
    metrics: str | None,
    details: str | None,
) -> Subject:
    return Subject(subject, kind, state, name, _read(why) or {}, _read(metrics), _read(details))


def _read(text: str | None) -> Mapping[str, Json] | None:
    if text is None:
        return None
    read: Mapping[str, Json] = {} if text == "{}" else json.loads(text)
    return read


def _standing(row: sa.Row[Any]) -> Standing:
    return Standing(row.state, row.since, row.seen_at, row.known_state, row.known_since)
