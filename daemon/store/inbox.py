"""Commands: accepted once, claimed one at a time for each system, kept with what came of them. Functions
take a connection."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core.commands.command import Command, Error, Status
from daemon.core.commands.command_types import CAMPAIGN, TYPES, Nature
from daemon.core.durations import NOTHING
from daemon.store import happened
from daemon.store.column_types import MILLISECOND, UtcTime, millis
from daemon.store.events import glob
from daemon.store.happened import Topic
from daemon.store.schema import commands

LARGEST_CODE = 2**31 - 1
"""What an INTEGER of PostgreSQL's holds. One of an API that means no good is not kept; its message is."""
_PLAIN = Command.__dataclass_fields__.keys() - {"params", "result", "error"}
_NAMES = tuple(commands.c.keys())
# Literal, so that SQLite sees that the partial index serves.
_IS_QUEUED = sa.text("status = 'queued'")
_IS_RUNNING = sa.text("status = 'running'")
_HAS_ENDED = sa.text("commands.ended_at IS NOT NULL")
_IS_ONCE = commands.c.type.not_in(
    sorted(name for name, known in TYPES.items() if known.nature is not Nature.ONCE)
)
_IS_FRESH = sa.and_(commands.c.is_start_given.is_(False), commands.c.attempts == 0)
"""To be carried out from when it was accepted on, whatever time that was."""


@dataclass(frozen=True)
class Wanted:
    """Which commands to read; None does not narrow."""

    system: str | None = None
    status: Status | None = None
    type: str | None = None
    """A glob."""
    before: str | None = None
    """The id of a command: only those accepted before it."""
    limit: int = 100


@dataclass(frozen=True)
class Waiting:
    """The next command of a system."""

    system: str
    due_at: datetime


def add(db: sa.Connection, command: Command, fingerprint: str) -> None:
    """Accept a command."""
    db.execute(sa.insert(commands).values(**_row(command), fingerprint=fingerprint))
    happened.mark(db, Topic.COMMANDS)


def save(db: sa.Connection, command: Command) -> None:
    """Write what has become of a command."""
    db.execute(sa.update(commands).where(commands.c.id == command.id).values(**_row(command)))
    if command.status.is_ended:
        happened.mark(db, Topic.ENDED)


def find(db: sa.Connection, command: str) -> Command | None:
    """One command by its id."""
    row = db.execute(sa.select(commands).where(commands.c.id == command)).one_or_none()
    return _command(row) if row else None


def find_by_key(db: sa.Connection, system: str, key: str) -> tuple[Command, str] | None:
    """The command that a system was given under an `Idempotency-Key`, with its fingerprint."""
    found = sa.select(commands).where(commands.c.system == system, commands.c.idempotency_key == key)
    row = db.execute(found).one_or_none()
    return (_command(row), row.fingerprint) if row else None


def read(db: sa.Connection, wanted: Wanted) -> list[Command]:
    """Commands, the newest first."""
    # Those that have not ended by their negative number, for which SQLite sorts: else it walks them all.
    is_few = wanted.status is not None and not wanted.status.is_ended
    newest = -commands.c.number if is_few else commands.c.number.desc()
    found = sa.select(commands).order_by(newest).limit(wanted.limit)
    if wanted.system is not None:
        found = found.where(commands.c.system == wanted.system)
    if wanted.type is not None:
        found = found.where(glob(commands.c.type, wanted.type))
    if wanted.status is not None:
        found = found.where(sa.text(f"status = '{wanted.status.value}'"))
        if wanted.status.is_ended:
            found = found.where(_HAS_ENDED)
    if wanted.before is not None:
        number = sa.select(commands.c.number).where(commands.c.id == wanted.before).scalar_subquery()
        found = found.where(commands.c.number < number)
    return [_command(row) for row in db.execute(found).all()]


def heads(db: sa.Connection, now: datetime, stepped: timedelta = NOTHING) -> list[Waiting]:
    """The command of each system that is next: commands keep the order in which they were accepted, but for
    those that are not to be carried out yet. `stepped`: by how much the clock was set in all."""
    numbers = (
        sa.select(sa.func.min(commands.c.number))
        .where(_IS_QUEUED, _may_begin(now, stepped))
        .group_by(commands.c.system)
    )
    due_at = sa.case((_IS_FRESH, sa.literal(now, UtcTime)), else_=commands.c.due_at).label("due_at")
    found = sa.select(commands.c.system, due_at).where(commands.c.number.in_(numbers))
    return [Waiting(row.system, row.due_at) for row in db.execute(found)]


def head(db: sa.Connection, system: str, now: datetime, stepped: timedelta = NOTHING) -> Command | None:
    """The command of a system that is due and next; None where none is, or it has to wait."""
    found = (
        sa.select(commands, _IS_FRESH.label("is_fresh"))
        .where(commands.c.system == system, _IS_QUEUED, _may_begin(now, stepped))
        .order_by(commands.c.number)
        .limit(1)
    )
    row = db.execute(found).one_or_none()
    return _command(row) if row and (row.is_fresh or row.due_at <= now) else None


def ahead(db: sa.Connection, command: Command, now: datetime, stepped: timedelta = NOTHING) -> str | None:
    """The command of the same system that comes before a queued one: the one under way, or the next in their
    order that may begin. None: it is the next itself."""
    of_it = commands.c.system == command.system
    number = sa.select(commands.c.number).where(commands.c.id == command.id).scalar_subquery()
    running = sa.select(commands.c.id).where(of_it, _IS_RUNNING)
    queued = sa.select(commands.c.id).where(
        of_it, _IS_QUEUED, commands.c.number < number, _may_begin(now, stepped)
    )
    found = db.scalar(running.limit(1)) or db.scalar(queued.order_by(commands.c.number).limit(1))
    return None if found is None else str(found)


def like(db: sa.Connection, command: Command, fingerprint: str) -> Command | None:
    """The newest command that asks for the very same and counts on the same day's budget."""
    same = sa.and_(
        commands.c.system == command.system,
        commands.c.day == command.day,
        commands.c.fingerprint == fingerprint,
    )
    row = db.execute(
        sa.select(commands).where(same).order_by(commands.c.number.desc()).limit(1)
    ).one_or_none()
    return _command(row) if row else None


def overdue(db: sa.Connection, now: datetime, stepped: timedelta = NOTHING) -> list[Command]:
    """Queued commands for which it is too late, by either of their readings."""
    is_late = _has_come(commands.c.expires_at, now, stepped)
    found = sa.select(commands).where(_IS_QUEUED, sa.or_(commands.c.expires_at <= now, is_late))
    # Sorted here: for the order SQLite would walk all commands that there ever were.
    return [_command(row) for row in sorted(db.execute(found), key=lambda row: row.number)]


def running(db: sa.Connection) -> list[Command]:
    """Commands of which a request is, or was, under way."""
    return [_command(row) for row in db.execute(sa.select(commands).where(_IS_RUNNING))]


def of_other_systems(db: sa.Connection, systems: Sequence[str]) -> list[Command]:
    """Queued commands of systems that are none of these."""
    found = sa.select(commands).where(_IS_QUEUED)
    return [_command(row) for row in db.execute(found) if row.system not in systems]


def units(db: sa.Connection, system: str, day: date, command_type: str = CAMPAIGN) -> float:
    """What a system's commands of a type count against the budget of a day, those that wait included."""
    return _units(db, system, day, command_type, sa.true())


def units_spent(db: sa.Connection, system: str, day: date, command_type: str = CAMPAIGN) -> float:
    """The same of those that were sent, or are being sent."""
    return _units(db, system, day, command_type, commands.c.status != Status.QUEUED)


def count(db: sa.Connection, command: str, units: float) -> None:
    """Let a command that has ended count so many units against the budget of its day."""
    db.execute(sa.update(commands).where(commands.c.id == command).values(units=units))


def _units(
    db: sa.Connection, system: str, day: date, command_type: str, which: sa.ColumnElement[bool]
) -> float:
    found = sa.select(sa.func.coalesce(sa.func.sum(commands.c.units), 0.0)).where(
        commands.c.system == system, commands.c.day == day, commands.c.type == command_type, which
    )
    return float(db.scalar(found) or 0.0)


def counts(db: sa.Connection) -> dict[tuple[str, Status], int]:
    """How many commands of each system are queued and running."""
    found = sa.select(commands.c.system, sa.func.count().label("many")).group_by(commands.c.system)
    return {
        (row.system, status): row.many
        for status, is_so in ((Status.QUEUED, _IS_QUEUED), (Status.RUNNING, _IS_RUNNING))
        for row in db.execute(found.where(is_so))
    }


def _may_begin(now: datetime, stepped: timedelta) -> sa.ColumnElement[bool]:
    """As `command.is_too_early`, in SQL."""
    has_come = sa.and_(
        commands.c.not_before <= now,
        sa.or_(~_IS_ONCE, _has_come(commands.c.not_before, now, stepped)),
    )
    return sa.or_(_IS_FRESH, has_come)


def _has_come(column: sa.Column[Any], now: datetime, stepped: timedelta) -> sa.ColumnElement[bool]:
    """Whether a time of a command has come by the clock as it would be if nobody had set it since."""
    since = sa.func.coalesce(sa.type_coerce(commands.c.clock, sa.BigInteger), stepped // MILLISECOND)
    at = sa.type_coerce(column, sa.BigInteger) - since
    return sa.and_(_IS_ONCE, at <= millis(now) - stepped // MILLISECOND)


def _row(command: Command) -> dict[str, Any]:
    error = command.error
    return {
        **{name: getattr(command, name) for name in _PLAIN},
        "params": json.dumps(command.params),
        "result": None if command.result is None else json.dumps(command.result),
        "error": error.kind if error else None,
        "error_message": error.message if error else None,
        "error_code": error.code if error and abs(error.code or 0) <= LARGEST_CODE else None,
    }


def _command(row: sa.Row[Any]) -> Command:
    # By position: to look for 20 names in each of a hundred rows costs as much as all the rest. A row
    # may hold more than the command, behind it.
    kept: dict[str, Any] = dict(zip(_NAMES, row, strict=False))
    error = kept["error"]
    return Command(
        **{name: kept[name] for name in _PLAIN},
        params=json.loads(kept["params"]),
        result=None if kept["result"] is None else json.loads(kept["result"]),
        error=None if error is None else Error(error, kept["error_message"], kept["error_code"]),
    )
