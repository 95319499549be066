"""For how long everything was up and down: tallies of a system, by buckets. Functions take a connection.

Only whoever polls a system writes of it, so what is read before a transaction is so still within it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from daemon.core.history.buckets import Bucket
from daemon.core.history.packing import pack, unpack
from daemon.core.history.tally import Tally
from daemon.store.column_types import EPOCH, millis
from daemon.store.dialects import insert_into
from daemon.store.schema import history

# A seek for each start, for other systems' rows stand between them; SQLite keeps to the order of CROSS JOIN.
_STRETCH = sa.text(
    """
    WITH RECURSIVE starts (start) AS (
        SELECT CAST(:begin AS BIGINT)
        UNION ALL SELECT start + :length FROM starts WHERE start + :length < :end
    )
    SELECT history.start, history.flush, history.tallies
    FROM starts CROSS JOIN history
    WHERE history.step = :step AND history.start = starts.start AND history.system = :system
    """
)
AT_ONCE = 400
"""Starts that one question names."""


class Row(NamedTuple):
    """One bucket of one system."""

    flush: int
    """Which one wrote it last."""
    packed: bytes

    def tallies(self, only: int | None = None, *, with_samples: bool = True) -> dict[int, Tally]:
        """By the numbers of the subjects. What is damaged was not seen."""
        try:
            return unpack(self.packed, only, with_samples=with_samples)
        except ValueError:
            return {}


def read(
    db: sa.Connection, buckets: Iterable[Bucket], systems: Sequence[str] | None = None
) -> dict[tuple[str, Bucket], Row]:
    """The rows of these buckets, by system and bucket; of some systems, or of all."""
    by_step: dict[int, list[int]] = {}
    for bucket in buckets:
        by_step.setdefault(bucket.step, []).append(bucket.start)
    found = {}
    for step, starts in by_step.items():
        for first in range(0, len(starts), AT_ONCE):
            part = [moment(one) for one in starts[first : first + AT_ONCE]]
            wanted = sa.select(history).where(history.c.step == step, history.c.start.in_(part))
            if systems is not None:
                wanted = wanted.where(history.c.system.in_(systems))
            for row in db.execute(wanted).all():
                found[row.system, Bucket(step, millis(row.start))] = Row(row.flush, row.tallies)
    return found


def stretch(db: sa.Connection, system: str, step: int, begin: int, end: int) -> dict[int, Row]:
    """The rows of one system that start from `begin` until before `end`, by their start."""
    values = {"step": step, "begin": begin, "end": end, "length": step * 1000, "system": system}
    # By position, and all at once: there may be two thousand.
    return {start: Row(flush, packed) for start, flush, packed in db.execute(_STRETCH, values).all()}


def prepared(rows: Mapping[tuple[str, Bucket], Mapping[int, Tally]], flush: int) -> list[dict[str, Any]]:
    """Buckets, by system and bucket, as `put` stores them: made before the transaction, for which others
    wait."""
    return [
        {
            "step": bucket.step,
            "start": moment(bucket.start),
            "system": system,
            "flush": flush,
            "tallies": pack(tallies),
        }
        for (system, bucket), tallies in rows.items()
    ]


def put(db: sa.Connection, values: Sequence[Mapping[str, Any]]) -> None:
    """Store what is `prepared`: buckets as they are now."""
    if values:
        db.execute(_writing(db.dialect.name), values)


def write(db: sa.Connection, rows: Mapping[tuple[str, Bucket], Mapping[int, Tally]], flush: int) -> None:
    """Store buckets as they are now, by system and bucket."""
    put(db, prepared(rows, flush))


def moment(milliseconds: int) -> datetime:
    """A time as the tables' columns take it."""
    return EPOCH + timedelta(milliseconds=milliseconds)


@cache
def _writing(dialect: str) -> sa.Executable:
    statement = insert_into(history, dialect)
    changed = {name: statement.excluded[name] for name in ("flush", "tallies")}
    return statement.on_conflict_do_update(index_elements=["step", "start", "system"], set_=changed)
