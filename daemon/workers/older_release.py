"""Whether a daemon of a release before there were members uses a database that is shared by now.

It knows nothing of shares, and does all of it by itself; so nothing falls to a member before it has ended.
Every ten seconds it tries whether it can write, by the row of the revision, which members leave alone.
"""

from collections.abc import Callable

import sqlalchemy as sa

from daemon.store import in_force

GONE_AFTER = 25.0
"""Seconds: two tries of its, and what they may be late."""
_WRITTEN_BY = sa.text("SELECT CAST(xmin AS text) FROM alembic_version")
"""The transaction that wrote the row last (postgresql.org/docs/current/ddl-system-columns.html)."""


class OlderRelease:
    """For one thread, but for `is_there`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.is_there = True
        """As far as is known: it takes a while until it is known not to be."""
        self._monotonic = monotonic
        self._written_by: str | None = None
        self._since = monotonic()

    def look(self, db: sa.Connection) -> None:
        """See whether it has tried to write. To be called every second, until it is not there."""
        if not self.is_there:
            return
        written_by = db.scalar(_WRITTEN_BY)
        if written_by != self._written_by:
            self._written_by, self._since = written_by, self._monotonic()
        self.is_there = self._monotonic() - self._since < GONE_AFTER


def may_be_there(db: sa.Connection) -> bool:
    """Whether a daemon of such a release was the last to put a configuration in force."""
    return in_force.load(db) is not None and in_force.fingerprint(db) is None
