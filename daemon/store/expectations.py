"""How what is expected stands. Functions take a connection; they never begin nor commit."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from daemon.core.watches.expectations import Standing
from daemon.store.column_types import MILLISECOND, millis
from daemon.store.prepared import Prepared
from daemon.store.schema import expectations

# What was noted of one that came later is older news: it stands at nothing since.
_CAME = Prepared(
    "INSERT INTO expectations (system, key, quiet, seen_at) VALUES (:system, :key, 0, :at)"
    " ON CONFLICT (system, key) DO UPDATE SET quiet = 0, seen_at = excluded.seen_at",
    "system", "key", "at",
)  # fmt: skip
_SAVE = Prepared(
    "INSERT INTO expectations (system, key, quiet, seen_at) VALUES (:system, :key, :quiet, NULL)"
    " ON CONFLICT (system, key) DO UPDATE SET quiet = excluded.quiet",
    "system", "key", "quiet",
)  # fmt: skip


def load(db: sa.Connection, system: str) -> dict[str, Standing]:
    """What is expected of a system, by key."""
    found = db.execute(sa.select(expectations).where(expectations.c.system == system))
    return {row.key: Standing(row.quiet, row.seen_at) for row in found}


def came(db: sa.Connection, system: str, key: str, at: datetime) -> None:
    """It came: nothing is missing."""
    _CAME.run(db, system, key, millis(at))


def save(db: sa.Connection, system: str, key: str, standing: Standing) -> None:
    """For how long nothing has come; when it came last stays as it is."""
    _SAVE.run(db, system, key, standing.quiet // MILLISECOND)


def keep(db: sa.Connection, system: str, keys: Collection[str]) -> None:
    """Forget what is not expected of a system any more."""
    gone = expectations.c.system == system, expectations.c.key.not_in(keys)
    db.execute(sa.delete(expectations).where(*gone))


def keep_systems(db: sa.Connection, systems: Collection[str]) -> None:
    """Forget what was expected of systems of which nothing is."""
    db.execute(sa.delete(expectations).where(expectations.c.system.not_in(systems)))
