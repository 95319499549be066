"""Downloads that heed and feed the pause of their system, as its polls and commands do.

They leave it to a poll to try first, since a download may take minutes. Any member fetches what is asked of
it, so for a system that another polls it heeds what that one has written down.
"""

from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

import structlog

from daemon.core.model import Failure, Unknown
from daemon.core.ownership import Kind
from daemon.core.recordings import Recording
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import Ownership
from daemon.workers import kept_pauses
from daemon.workers.downloads import Fetch
from daemon.workers.system_pauses import Pauses

log = structlog.get_logger()


class Heedful:
    """A `Fetch`, for any number of threads."""

    def __init__(
        self,
        fetch: Fetch,
        pauses: Pauses,
        database: Database,
        ownership: Ownership,
        now: Callable[[], datetime],
    ) -> None:
        """`fetch`: that asks the platform whatever it said last."""
        self._fetch = fetch
        self._pauses = pauses
        self._database = database
        self._ownership = ownership
        self._now = now

    def __call__(self, recording: Recording, into: BinaryIO, is_wanted: Callable[[], bool]) -> int | Unknown:
        system = recording.system
        standing = self._pauses.standing(system) or self._of_another(system)
        if standing is not None:
            return standing
        before = self._pauses.mark(system)
        got = self._fetch(recording, into, is_wanted)
        if isinstance(got, Unknown):
            self._learn(system, got)
        elif self._pauses.mark(system) == before:  # of a pause that began meanwhile it says nothing
            self._pauses.take(system, None)
        return got

    def _learn(self, system: str, unknown: Unknown) -> None:
        if unknown.failure is Failure.OURS:
            return
        self._pauses.take(system, unknown)
        if self._ownership.is_sole or self._pauses.news(system) is None:
            return
        try:
            with self._database.write() as db:
                if self._ownership.kept(db, Kind.SYSTEM, (system,)):
                    kept_pauses.remember(db, self._ownership, self._pauses, system, self._now())
        except FAILURES as error:
            log.warning("pause.not_written", system=system, error=reason(error))

    def _of_another(self, system: str) -> Unknown | None:
        """The pause of a system that another member polls."""
        if self._ownership.is_sole or self._ownership.token(Kind.SYSTEM, system) is not None:
            return None
        try:
            with self._database.read() as db:
                return kept_pauses.standing(db, system, self._now())
        except FAILURES as error:
            log.warning("pause.not_read", system=system, error=reason(error))
            return None
