"""How one phone is spelled in the subjects of events: `sms/0501234567`, `sms/+972-50-123-4567`. Functions
take a connection; they never begin nor commit.

There is no end to the spellings that there may be, so those that there are stand in `spellings`, by the phone
that they are. What came since is looked at itself, event by event; and what there was before is walked
through once, from one subject to the next: until then, that walk is what is asked instead. Who writes here is
who has the duty "house" (`workers/indexer.py`); and whoever deletes an event deletes what only it said.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from daemon.core.phones import PHONE_SUBJECTS, names_phone, subject_key
from daemon.store.dialects import bytes_of
from daemon.store.prepared import Prepared
from daemon.store.schema import events, spelled, spellings

AT_ONCE = 100
"""Events, or subjects, of one transaction."""
FEW = 2000
"""Events that came since, and may be looked at one by one: of what takes longer the walk knows it sooner."""
BETWEEN_DIGITS = " \t().-"
"""What may stand between the digits of a phone in ASCII."""
LAST_DIGITS = 7
"""Of a phone: those that each of its spellings has, one after the other."""
_KINDS = tuple(sorted(PHONE_SUBJECTS))
_NEWEST = sa.select(sa.func.max(events.c.number))
_OLDEST = sa.select(sa.func.min(events.c.number))
_MARK = sa.select(spelled.c.up_to, spelled.c.behind).where(spelled.c.name == events.name)
_ADD = Prepared(
    "INSERT INTO spellings (phone, subject, number) VALUES (:phone, :subject, :number)"
    " ON CONFLICT (phone, subject) DO UPDATE SET number = excluded.number"
    " WHERE spellings.number < excluded.number",
    "phone", "subject", "number",
)  # fmt: skip


class _Mark(NamedTuple):
    """How far it has got."""

    up_to: int
    """The number of an event; what comes after it was not looked at."""
    behind: str | None
    """Of the events up to that one, all subjects up to this one stand there; None: all."""


def of_events(db: sa.Connection, subject: str) -> list[str]:
    """How the phone that a subject names is spelled in the subjects of events, in their order."""
    found, newest = _mark(db), db.scalar(_NEWEST) or 0
    if found is None or found.behind is not None or newest - found.up_to > FEW:
        return in_column(db, events.c.subject, subject)
    wanted = subject_key(subject)
    known = set(db.scalars(sa.select(spellings.c.subject).where(spellings.c.phone == wanted)))
    since = (one for _, one in _following(db, found.up_to, FEW)) if newest > found.up_to else ()
    return sorted(known | {one for one in since if subject_key(one) == wanted})


def is_subject(db: sa.Connection, column: sa.Column[str], subject: str) -> sa.ColumnElement[bool]:
    """Whether a column that has an index of its own has this subject, or that of the same phone in another
    spelling, of those that are stored."""
    return column.in_(in_column(db, column, subject)) if names_phone(subject) else column == subject


def in_column(db: sa.Connection, column: sa.Column[str], subject: str) -> list[str]:
    """How the phone that a subject names is spelled in a column, by walking along the index of that."""
    wanted, kind = subject_key(subject), subject.partition("/")[0] + "/"
    number = wanted.removeprefix(kind).partition("=")[0]
    return [one for one in _each(db, column, kind, number[-LAST_DIGITS:]) if subject_key(one) == wanted]


def is_behind(db: sa.Connection) -> bool:
    """Whether there is anything for `go_on` to do."""
    found, newest = _mark(db), db.scalar(_NEWEST)
    if newest is None:
        return False
    return found is None or found.behind is not None or found.up_to < newest


def go_on(db: sa.Connection) -> bool:
    """Keep the next of them: of what came since, then of what there was before. Returns whether there is more
    to do."""
    found = _mark(db)
    if found is None:
        found = _Mark(db.scalar(_NEWEST) or 0, "")
    elif following := _following(db, found.up_to, AT_ONCE):
        _add(db, following)
        found = found._replace(up_to=following[-1][0])
    elif found.behind is not None:
        found = found._replace(behind=_walked(db, found.behind))
    else:
        return False
    _note(db, found)
    return True


def forget(db: sa.Connection, numbers: Sequence[int]) -> None:
    """The events with these numbers were deleted: so are spellings that no event has any more."""
    is_there = sa.select(events.c.number).where(events.c.subject == spellings.c.subject).exists()
    newest = sa.select(sa.func.max(events.c.number)).where(events.c.subject == spellings.c.subject)
    of_these = spellings.c.number.in_(numbers)
    db.execute(sa.update(spellings).where(of_these, is_there).values(number=newest.scalar_subquery()))
    db.execute(sa.delete(spellings).where(of_these))


def forget_left(db: sa.Connection, limit: int) -> int:
    """Delete what is left of events that are not there any more: a release before this one deletes them
    alone. Returns how many were looked at."""
    oldest = db.scalar(_OLDEST)
    if oldest is None:
        return 0
    old = sa.select(spellings.c.number).where(spellings.c.number < oldest)
    left = list(db.scalars(old.order_by(spellings.c.number).limit(limit)))
    if left:
        forget(db, left)
    return len(left)


def _mark(db: sa.Connection) -> _Mark | None:
    row = db.execute(_MARK).one_or_none()
    return _Mark(*row) if row is not None else None


def _note(db: sa.Connection, mark: _Mark) -> None:
    values = mark._asdict()
    if not db.execute(sa.update(spelled).where(spelled.c.name == events.name).values(**values)).rowcount:
        db.execute(sa.insert(spelled).values(name=events.name, **values))


def _following(db: sa.Connection, up_to: int, limit: int) -> list[tuple[int, str]]:
    found = sa.select(events.c.number, events.c.subject).where(events.c.number > up_to)
    return [(number, subject) for number, subject in db.execute(found.order_by(events.c.number).limit(limit))]


def _add(db: sa.Connection, found: Iterable[tuple[int, str]]) -> None:
    newest = {subject: number for number, subject in found if names_phone(subject)}
    _ADD.run_many(db, [(subject_key(subject), subject, number) for subject, number in newest.items()])


def _walked(db: sa.Connection, behind: str) -> str | None:
    """Keep the next subjects; the last of them, or None where there is none."""
    for kind in _KINDS:
        if behind < _end_of(kind) and (found := _next(db, kind, behind)):
            _add(db, found)
            return found[-1][1]
    return None


def _next(db: sa.Connection, kind: str, behind: str) -> list[tuple[int, str]]:
    """The next subjects of a kind in their order, each with the number of its newest event."""
    # One bound: of two SQLite takes either to begin with, and reads on to the other.
    above = behind if behind.startswith(kind) else kind
    first = sa.select(sa.func.min(events.c.subject).label("subject"), sa.literal(1).label("place"))
    walk = first.where(events.c.subject > above, events.c.subject < _end_of(kind))
    each = walk.cte("each", recursive=True)
    following = sa.select(sa.func.min(events.c.subject))
    following = following.where(events.c.subject > each.c.subject, events.c.subject < _end_of(kind))
    is_more = each.c.subject.is_not(None), each.c.place < AT_ONCE
    each = each.union_all(sa.select(following.scalar_subquery(), each.c.place + 1).where(*is_more))
    newest = sa.select(sa.func.max(events.c.number)).where(events.c.subject == each.c.subject)
    found = sa.select(newest.scalar_subquery(), each.c.subject).where(each.c.subject.is_not(None))
    return [(number, subject) for number, subject in db.execute(found.order_by(each.c.place))]


def _each(db: sa.Connection, column: sa.Column[str], kind: str, digits: str) -> Iterable[str]:
    """The subjects of a kind that can be a phone with these last digits, each once: from one to the next by
    the index, however many rows each has."""
    end = _end_of(kind)
    first = sa.select(sa.func.min(column).label("subject")).where(column >= kind, column < end)
    walk = first.cte("each", recursive=True)
    following = sa.select(sa.func.min(column)).where(column > walk.c.subject, column < end).scalar_subquery()
    walk = walk.union_all(sa.select(following).where(walk.c.subject.is_not(None)))
    bare: sa.ColumnElement[str] = walk.c.subject
    for sign in BETWEEN_DIGITS:
        bare = sa.func.replace(bare, sign, "")
    is_not_ascii = bytes_of(walk.c.subject, db.dialect.name) != sa.func.length(walk.c.subject)
    return db.scalars(sa.select(walk.c.subject).where(bare.contains(digits) | is_not_ascii))


def _end_of(kind: str) -> str:
    """What comes behind all subjects of a kind, such as `sms0`."""
    return kind[:-1] + chr(ord(kind[-1]) + 1)
