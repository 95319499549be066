"""Makes digests when they are due, each once; the one member does that does what one does for all.

How far a digest has told is written with its event. So whatever dies when, the next look finds either both or
neither, and of several daemons the second finds what the first has written.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from daemon.core.digests import schedule
from daemon.core.digests.digest import is_empty
from daemon.core.digests.schedule import Digest, Told
from daemon.core.ownership import HOUSE, Kind
from daemon.pipeline import digests
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.store import digest_figures as figures
from daemon.store import digests as store
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.duty import of_house

log = structlog.get_logger()


class Digester:
    """For one thread at a time."""

    def __init__(
        self,
        database: Database,
        recorder: Callable[[], Recorder],
        wanted: Callable[[], Sequence[Digest]],
        systems: Callable[[], Sequence[str]],
        *,
        now: Callable[[], datetime],
        wake: Callable[[], None],
        keep_history: Callable[[], None] = lambda: None,
        is_clock_believed: Callable[[], bool] = lambda: True,
        ownership: Ownership = EVERYTHING,
    ) -> None:
        """`wanted` and `systems`: those of the configuration in force. `keep_history`: writes down what was
        seen until now. `is_clock_believed`: whether a date can be told by it; what is due waits for that."""
        self._database = database
        self._in_force = recorder
        self._wanted = wanted
        self._systems = systems
        self._now = now
        self._wake = wake
        self._keep_history = keep_history
        self._is_clock_believed = is_clock_believed
        self._ownership = ownership

    def run(self) -> None:
        """Make what is due. One that fails is tried again at the next look, and keeps no other from being
        made."""
        if not self._ownership.holds(Kind.DUTY, HOUSE):
            return
        for digest in self._wanted():
            try:
                recorded = self._look(digest)
            except FAILURES as error:
                log.warning("digest.not_made", digest=digest.name, error=reason(error))
                continue
            except Exception:
                log.exception("digest.crashed", digest=digest.name)
                continue
            log_recorded(recorded)
            if recorded.deliveries:
                self._wake()

    def _look(self, digest: Digest) -> Recorded:
        now = self._now()
        with self._database.read() as db:
            told = store.load(db, digest.name)
        if told is None:
            return self._begin(digest, now)
        due = schedule.due(digest, told, now)
        if due is None or not self._is_clock_believed():
            return Recorded()
        self._keep_history()
        house = of_house(self._database, self._ownership)
        recorder, now = self._in_force(), self._now()
        with house.read() as db:
            span = figures.span_of(db, told, due, now)
        said = figures.figures(house, digest, self._systems(), span, due.at, recorder.interests)
        is_left_out = digest.skip_empty and is_empty(said)
        after = Told(span.end, span.last, due.day, told.event)
        with house.write() as db:
            return digests.make(db, recorder, digest, told, after, None if is_left_out else said, now)

    def _begin(self, digest: Digest, now: datetime) -> Recorded:
        """One that is new tells from when it would have been due last."""
        if not self._is_clock_believed():
            return Recorded()
        begin, day = schedule.first(digest, now)
        house = of_house(self._database, self._ownership)
        with house.write() as db:
            if store.load(db, digest.name) is None:
                after = figures.span_since(db, begin, now).after
                store.save(db, digest.name, Told(begin, after, day))
        return Recorded()
