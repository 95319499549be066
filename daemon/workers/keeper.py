"""Copies of recordings on the disk, where `[[systems.directories]] keep` asks for them.

Which there are says the disk, and which there should be say the events; nothing else is written down, so that
neither a kill nor a restored database can make the two differ for long. Each folder that is watched has one
here, whose name is made of its system and its path; each file is called by its event. What has another name
is somebody else's, and left alone. Of several daemons each keeps those of the systems that it polls.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from threading import Lock

import structlog

from daemon.core import recordings
from daemon.core.durations import DAY, HOUR, MINUTE
from daemon.core.model import Event, Failure, Unknown
from daemon.core.recordings import MIB, Recording
from daemon.core.watches.directories import ADDED
from daemon.store import events, latest
from daemon.store.database import Database
from daemon.workers.downloads import Downloads, Fetched, FullError, Held

log = structlog.get_logger()

AT_ONCE = 2
"""Ours. Of the four places; the others are for people."""
READ = 200
"""Ours. Events that are looked at in one go, and copies that are waited for at most."""
RETRIES = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
GIVEN_UP_AFTER = DAY
"""Ours. What did not come in this time is not tried again until the daemon starts anew."""
UNWANTED_FOR = 7 * DAY
"""Ours. How long copies stay that the configuration does not ask for any more, which may be a mistake."""
PRUNE_EVERY = 10 * MINUTE
PART = ".part"
CHUNK = MIB
_OURS = re.compile(r"[0-9a-f]{20}")
_COPY = re.compile(rf"evt_[0-9A-Za-z]{{1,60}}\.[a-z0-9]{{1,4}}(?:{re.escape(PART)})?", re.ASCII)


@dataclass(frozen=True)
class Keeping:
    """What is kept of one folder."""

    age: timedelta
    mib: int


Asked = Mapping[tuple[str, str], Keeping]
"""By system and path."""


@dataclass
class _Due:
    recording: Recording
    first_at: float
    not_before: float = 0.0
    tries: int = 0
    held: Held | None = None


class Keeper:
    """`run` is for one thread at a time; `find` for any."""

    def __init__(
        self,
        database: Database,
        downloads: Callable[[], Downloads],
        folder: Path,
        *,
        asked: Callable[[], Asked],
        is_ours: Callable[[str], bool],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        has_room: Callable[[int], bool] = lambda _size: True,
    ) -> None:
        """`has_room`: whether the disk may be filled by so many bytes more."""
        self._database = database
        self._downloads = downloads
        self._folder = folder
        self._asked = asked
        self._is_ours = is_ours
        self._now = now
        self._monotonic = monotonic
        self._has_room = has_room
        self._due: dict[str, _Due] = {}
        self._after: int | None = None
        self._pruned_at: float | None = None
        self._lock = Lock()

    def find(self, recording: Recording) -> Path | None:
        """The copy of a recording; None: there is none."""
        path = self._path(recording)
        return path if path.is_file() else None

    def run(self) -> None:
        """Look for what is to be kept, begin to fetch some of it, and let go what is too old or too much."""
        asked = self._asked()
        if not asked:
            self._due.clear()
            self._after = None
        else:
            self._look(asked)
            self._fetch()
        now = self._monotonic()
        if self._pruned_at is None or now - self._pruned_at >= PRUNE_EVERY.total_seconds():
            self._pruned_at = now
            self._prune(asked)

    def _look(self, asked: Asked) -> None:
        room = READ - len(self._due)
        if room <= 0:
            return
        with self._database.read() as db:
            if self._after is None:
                oldest = self._now() - max(one.age for one in asked.values())
                self._after = latest.number_at(db, oldest) - 1
            found = events.read(db, events.Query(after=self._after, type=ADDED, limit=room))
        for number, event in found:
            self._after = number
            self._take(event, asked)

    def _take(self, event: Event, asked: Asked) -> None:
        data = json.loads(event.body)["data"]
        one = recordings.of_event(event.id, event.type, event.system, data)
        keeping = asked.get((one.system, one.folder)) if one is not None else None
        if one is None or keeping is None or not self._is_ours(one.system):
            return
        if self._now() - event.timestamp < keeping.age and self.find(one) is None:
            self._due[one.event] = _Due(one, self._monotonic())

    def _fetch(self) -> None:
        now = self._monotonic()
        with self._lock:
            under_way = sum(one.held is not None for one in self._due.values())
            ready = [one for one in self._due.values() if one.held is None and one.not_before <= now]
        for due in ready[: max(AT_ONCE - under_way, 0)]:
            try:
                held = due.held = self._downloads().hold(due.recording)
            except (FullError, OSError):
                return
            held.when_done(lambda due=due, held=held: self._done(due, held))  # type: ignore[misc]

    def _done(self, due: _Due, held: Held) -> None:
        """In the thread of the download."""
        result = held.result
        try:
            if isinstance(result, Unknown) or result is None:
                self._failed(due, result)
            else:
                self._write(due.recording, result)
                self._over(due)
        except OSError as error:
            log.warning("recording.not_kept", event_id=due.recording.event, error=error.strerror)
            self._failed(due, None)
        finally:
            held.release()

    def _failed(self, due: _Due, result: Unknown | None) -> None:
        is_missing = result is not None and result.failure is Failure.REFUSED
        now = self._monotonic()
        if is_missing or now - due.first_at >= GIVEN_UP_AFTER.total_seconds():
            log.warning("recording.not_kept", event_id=due.recording.event, error=result and result.message)
            self._over(due)
            return
        with self._lock:
            due.not_before = now + RETRIES[min(due.tries, len(RETRIES) - 1)].total_seconds()
            due.tries += 1
            due.held = None

    def _over(self, due: _Due) -> None:
        with self._lock:
            self._due.pop(due.recording.event, None)

    def _write(self, recording: Recording, file: Fetched) -> None:
        """Whole or not at all, whenever the process ends."""
        path = self._path(recording)
        keeping = self._asked().get((recording.system, recording.folder))
        if keeping is None or file.size > keeping.mib * MIB:
            return
        if not self._has_room(file.size):
            raise OSError(28, "the disk is nearly full")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(path.name + PART)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(part, flags, 0o600), "wb") as into:
                for at in range(0, file.size, CHUNK):
                    into.write(file.read(min(CHUNK, file.size - at), at))
                into.flush()
                os.fsync(into.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        self._pruned_at = None  # or a burst would stand above what may be
        log.info("recording.kept", event_id=recording.event, bytes=file.size)

    def _path(self, recording: Recording) -> Path:
        return self._folder / folder_name(recording.system, recording.folder) / recording.file_name

    def _prune(self, asked: Asked) -> None:
        kept = {folder_name(*of): keeping for of, keeping in asked.items()}
        with suppress(OSError):
            for entry in list(os.scandir(self._folder)):
                if _OURS.fullmatch(entry.name) and entry.is_dir():
                    _prune(Path(entry.path), kept.get(entry.name), self._now(), self._parts())

    def _parts(self) -> Collection[str]:
        """Names of files that are being written."""
        with self._lock:
            return {f"{one.recording.file_name}{PART}" for one in self._due.values() if one.held is not None}


def folder_name(system: str, path: str) -> str:
    """Of the copies of one folder: nothing in it is anybody's text."""
    return blake2b(f"{system}\0{path}".encode(), digest_size=10).hexdigest()


def _prune(folder: Path, keeping: Keeping | None, now: datetime, parts: Collection[str]) -> None:
    """Let go of ours what is older than it may be, half files, and the oldest of what is too much."""
    age = keeping.age if keeping is not None else UNWANTED_FOR
    room = (keeping.mib if keeping is not None else 1 << 30) * MIB
    found = []
    for entry in os.scandir(folder):
        if _COPY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False) and entry.name not in parts:
            stat = entry.stat(follow_symlinks=False)
            found.append((stat.st_mtime, stat.st_size, entry))
    for changed_at, size, entry in sorted(found, key=lambda one: -one[0]):
        room -= size
        is_old = now.timestamp() - changed_at >= age.total_seconds()
        if is_old or room < 0 or entry.name.endswith(PART):
            with suppress(OSError):
                Path(entry.path).unlink()
                log.info("recording.let_go", file=entry.name, bytes=size)
    with suppress(OSError):
        folder.rmdir()  # where nothing is left in it
