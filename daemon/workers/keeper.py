"""Copies recordings to the disk, where `[[systems.directories]] keep` asks for them.

Which should be there say the events; up to which one of them a folder is copied is written down, so that
whoever polls its system next, after a restart or for a member that fell away, goes on from there. What was
copied just before a kill is found on the disk (`workers/copies.py`). Of several daemons each keeps those of
the systems that it polls.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from threading import Lock

import sqlalchemy as sa
import structlog

from daemon.core import recordings
from daemon.core.copied import Copied
from daemon.core.durations import DAY, HOUR, MINUTE, NOTHING
from daemon.core.model import Event, Failure, Unknown
from daemon.core.ownership import Kind
from daemon.core.recordings import MIB, Recording
from daemon.core.watches.directories import ADDED
from daemon.store import copied_recordings, events, latest
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.copies import PART_FOR, Asked, Copies
from daemon.workers.downloads import Downloads, Fetched, FullError, Held

log = structlog.get_logger()

AT_ONCE = 2
"""Ours. Of the four places; the others are for people."""
READ = 200
"""Ours. Copies that are waited for at most, and events that are read in one go."""
READS = 20
"""Ours. Times that it reads before it lets others have their turn: most of what is read after a start is not
to be copied."""
RETRIES = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
GIVEN_UP_AFTER = DAY
"""Ours. A file that did not come in this time, while others would have, is given up."""
OF_EVERYTHING = frozenset(
    {Failure.UNREACHABLE, Failure.THROTTLED, Failure.TOKEN_REJECTED, Failure.FILTERED, Failure.OURS}
)
"""Failures that say nothing of a file: another would fail, too. However long they last, none is given up."""
PRUNE_EVERY = 10 * MINUTE


@dataclass
class _Due:
    recording: Recording
    number: int
    until: datetime
    """When it is too old to be kept."""
    failing_since: float | None = None
    """Since when the file itself does not come."""
    not_before: float = 0.0
    tries: int = 0
    held: Held | None = None

    @property
    def folder(self) -> tuple[str, str]:
        return self.recording.system, self.recording.folder


def _not_counted(_system: str, _bytes: int | None) -> None:
    """Nobody wants to know."""


class Keeper:
    """`run` is for one thread at a time; `find` for any."""

    def __init__(
        self,
        database: Database,
        downloads: Callable[[], Downloads],
        folder: Path,
        *,
        asked: Callable[[], Asked],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        has_room: Callable[[int], bool] = lambda _size: True,
        ownership: Ownership = EVERYTHING,
        on_tried: Callable[[str, int | None], None] = _not_counted,
    ) -> None:
        """`has_room`: whether the disk may be filled by so many bytes more. `on_tried`: is told of each copy
        that was tried, its system and its bytes; None: it failed."""
        self._database = database
        self._downloads = downloads
        self._copies = Copies(folder, has_room)
        self._asked = asked
        self._now = now
        self._monotonic = monotonic
        self._ownership = ownership
        self._on_tried = on_tried
        self._tokens: dict[str, int] = {}
        self._copied = Copied()
        self._due: dict[str, _Due] = {}
        self._resting: dict[str, float] = {}
        """Systems that are left alone, and until when."""
        self._after = 0
        self._is_full = False
        self._pruned_at: float | None = None
        self._has_written = False
        self._lock = Lock()
        """Of `_copied`, `_due` and `_resting`."""

    def find(self, recording: Recording) -> Path | None:
        """The copy of a recording; None: there is none."""
        return self._copies.find(recording)

    def run(self) -> None:
        """Let go what is too old or too much, look for what is to be kept, and begin to fetch some of it."""
        asked = self._asked()
        self._prune(asked)
        mine = self._mine(asked)
        self._begin(asked, mine)
        if mine:
            self._look(mine)
            self._fetch()
            self._write_down()

    def _mine(self, asked: Asked) -> Asked:
        """Those of systems that are polled here. What another had in between is begun anew."""
        found = {one: self._ownership.token(Kind.SYSTEM, one) for one in {system for system, _ in asked}}
        tokens = {system: token for system, token in found.items() if token is not None}
        mine = {of: keeping for of, keeping in asked.items() if of[0] in tokens}
        same = {of for of in mine if self._tokens.get(of[0]) == tokens[of[0]]}
        self._tokens = tokens
        with self._lock:
            self._copied.keep(same)
            self._due = {event: one for event, one in self._due.items() if one.folder in same}
        return mine

    def _begin(self, asked: Asked, mine: Asked) -> None:
        """Go on with folders that are new here, from where they are copied up to."""
        new = [of for of in mine if of not in self._copied]
        if not new:
            return
        with self._database.read() as db:
            marks, now = copied_recordings.load(db), self._now()
            oldest = {age: latest.number_at(db, now - age) - 1 for age in {asked[of].age for of in new}}
        starts = {of: max(oldest[asked[of].age], marks.get(of, 0), 0) for of in new}
        with self._lock:
            is_first = len(new) == len(mine)
            for of, start in starts.items():
                self._copied.begin(of, start)
        least = min(starts.values())
        self._after = least if is_first else min(self._after, least)

    def _look(self, mine: Asked) -> None:
        systems = {system for system, _ in mine}
        for _ in range(READS):
            room = READ - len(self._due)
            if room <= 0:
                return
            with self._database.read() as db:
                found = events.read(db, events.Query(after=self._after, type=ADDED, limit=room))
            for number, event in found:
                if event.system in systems:
                    self._take(number, event, mine)
                self._after = number
            if len(found) < room:
                return

    def _take(self, number: int, event: Event, mine: Asked) -> None:
        data = json.loads(event.body)["data"]
        one = recordings.of_event(event.id, event.type, event.system, data)
        keeping = mine.get((one.system, one.folder)) if one is not None else None
        if one is None or keeping is None or not self._copied.is_new((one.system, one.folder), number):
            return
        until = event.timestamp + keeping.age
        is_due = self._now() < until and self.find(one) is None
        with self._lock:
            self._copied.looked((one.system, one.folder), number, is_due=is_due)
            if is_due:
                self._due[one.event] = _Due(one, number, until)

    def _fetch(self) -> None:
        now, wall = self._monotonic(), self._now()
        for old in [one for one in list(self._due.values()) if one.held is None and wall >= one.until]:
            self._over(old)
        with self._lock:
            under_way = sum(one.held is not None for one in self._due.values())
            ready = [one for one in self._due.values() if self._is_ready(one, now)]
        for due in islice(ready, max(AT_ONCE - under_way, 0)):
            if not self._has_room(due.recording.file.size_bytes or 0):
                return
            try:
                held = due.held = self._downloads().hold(due.recording)
            except (FullError, OSError):
                return
            held.when_done(lambda due=due, held=held: self._done(due, held))  # type: ignore[misc]

    def _has_room(self, size: int) -> bool:
        """Whether one more can be written: nothing is fetched only to be thrown away. Is said once."""
        was_full, self._is_full = self._is_full, not self._copies.has_room(size)
        if self._is_full and not was_full:
            log.warning("recordings.wait", reason="the disk is nearly full", waiting=len(self._due))
        return not self._is_full

    def _is_ready(self, due: _Due, now: float) -> bool:
        rests_until = self._resting.get(due.recording.system, now)
        return due.held is None and due.not_before <= now and rests_until <= now

    def _done(self, due: _Due, held: Held) -> None:
        """In the thread of the download."""
        result = held.result
        try:
            if isinstance(result, Unknown) or result is None:
                self._failed(due, result or Unknown(Failure.OURS, "it has no result"))
            else:
                self._write(due.recording, result)
                self._over(due)
        except OSError as error:
            self._failed(due, Unknown(Failure.OURS, error.strerror or "the disk failed"))
        finally:
            held.release()

    def _failed(self, due: _Due, why: Unknown) -> None:
        now, recording = self._monotonic(), due.recording
        self._on_tried(recording.system, None)
        if why.failure not in OF_EVERYTHING and due.failing_since is None:
            due.failing_since = now
        failing = 0.0 if due.failing_since is None else now - due.failing_since
        is_gone = why.failure is Failure.REFUSED and why.code == HTTPStatus.NOT_FOUND
        is_given_up = is_gone or (
            why.failure not in OF_EVERYTHING and failing >= GIVEN_UP_AFTER.total_seconds()
        )
        log.warning(
            "recording.not_kept", event_id=recording.event, error=why.message, is_given_up=is_given_up
        )
        if is_given_up:
            self._over(due)
            return
        with self._lock:
            if why.retry_after is not None:
                self._resting[recording.system] = now + why.retry_after.total_seconds()
            else:
                due.not_before = now + RETRIES[min(due.tries, len(RETRIES) - 1)].total_seconds()
                due.tries += 1
            due.held = None

    def _over(self, due: _Due) -> None:
        with self._lock:
            if self._due.get(due.recording.event) is due:
                self._due.pop(due.recording.event)
                self._copied.settled(due.folder, due.number)

    def _write(self, recording: Recording, file: Fetched) -> None:
        keeping = self._asked().get((recording.system, recording.folder))
        if keeping is None or file.size > keeping.mib * MIB:
            return
        self._copies.write(recording, file)
        self._on_tried(recording.system, file.size)
        self._has_written = True  # or a burst would stand above what may be
        log.info("recording.kept", event_id=recording.event, bytes=file.size)

    def _write_down(self) -> None:
        """How far each folder is copied, for whoever comes next."""
        with self._lock:
            news = self._copied.news()
        if not news:
            return
        with self._database.write() as db:
            news = self._still_mine(db, news)
            copied_recordings.save(db, news)
        with self._lock:
            self._copied.written(news)

    def _still_mine(self, db: sa.Connection, marks: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
        kept = self._ownership.kept(db, Kind.SYSTEM, {system for system, _ in marks})
        return {of: number for of, number in marks.items() if of[0] in kept}

    def _prune(self, asked: Asked) -> None:
        now = self._monotonic()
        is_first = self._pruned_at is None
        is_due = is_first or self._has_written or now - (self._pruned_at or 0) >= PRUNE_EVERY.total_seconds()
        if not is_due:
            return
        self._pruned_at, self._has_written = now, False
        # Before the first download, halves are nobody's where there is no other daemon.
        is_alone = is_first and self._ownership.is_sole
        self._copies.prune(asked, self._now(), parts_for=NOTHING if is_alone else PART_FOR)
