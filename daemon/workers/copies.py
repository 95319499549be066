"""Copies of recordings on the disk: written whole or not at all, found by their event, let go by age and
size.

Each folder that is watched has one here, whose name is made of its system and its path; each file is called
by its event. What has another name is somebody else's, and left alone. Two daemons may share the folder, and
write the same at the same time: each has a part of its own.
"""

import os
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from errno import ENOSPC
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import structlog

from daemon.core.copied import Folder
from daemon.core.durations import DAY, HOUR, NOTHING
from daemon.core.recordings import MIB, Recording

log = structlog.get_logger()

UNWANTED_FOR = 7 * DAY
"""Ours. How long copies stay that the configuration does not ask for any more, which may be a mistake."""
PART = ".part"
PART_FOR = HOUR
"""Ours. What is longer in the writing is left over from somebody who was killed; downloads end far sooner."""
CHUNK = MIB
_OUR_FOLDER = re.compile(r"[0-9a-f]{20}")
_OUR_FILE = re.compile(
    rf"evt_[0-9A-Za-z]{{1,60}}\.[a-z0-9]{{1,4}}(?:\.[a-z0-9_]{{1,20}}{re.escape(PART)})?", re.ASCII
)


@dataclass(frozen=True)
class Keeping:
    """What is kept of one folder."""

    age: timedelta
    mib: int


Asked = Mapping[Folder, Keeping]


class File(Protocol):
    """What is copied."""

    @property
    def size(self) -> int: ...

    @property
    def read(self) -> Callable[[int, int], bytes]: ...


class Copies:
    """Safe to call from any thread."""

    def __init__(self, folder: Path, has_room: Callable[[int], bool]) -> None:
        """`has_room`: whether the disk may be filled by so many bytes more."""
        self._folder = folder
        self.has_room = has_room

    def find(self, recording: Recording) -> Path | None:
        """The copy of a recording; None: there is none."""
        path = self._path(recording)
        return path if path.is_file() else None

    def write(self, recording: Recording, file: File) -> None:
        """Whole or not at all, whenever the process ends, or the machine. Raises OSError."""
        if not self.has_room(file.size):
            raise OSError(ENOSPC, "the disk is nearly full")
        path = self._path(recording)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(prefix=f"{path.name}.", suffix=PART, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as into:
                for at in range(0, file.size, CHUNK):
                    into.write(file.read(min(CHUNK, file.size - at), at))
                into.flush()
                os.fsync(into.fileno())
            os.replace(part, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise
        _sync(path.parent)

    def prune(self, asked: Asked, now: datetime, *, parts_for: timedelta = PART_FOR) -> None:
        """Let go what is older than it may be, halves of that age, and the oldest of what is too much."""
        kept = {folder_name(*of): keeping for of, keeping in asked.items()}
        with suppress(OSError):
            for entry in list(os.scandir(self._folder)):
                if _OUR_FOLDER.fullmatch(entry.name) and entry.is_dir():
                    _prune(Path(entry.path), kept.get(entry.name), now, parts_for)

    def _path(self, recording: Recording) -> Path:
        return self._folder / folder_name(recording.system, recording.folder) / recording.file_name


def folder_name(system: str, path: str) -> str:
    """Of the copies of one folder: nothing in it is anybody's text."""
    return blake2b(f"{system}\0{path}".encode(), digest_size=10).hexdigest()


def _sync(folder: Path) -> None:
    """Let the name of a new file outlast the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prune(folder: Path, keeping: Keeping | None, now: datetime, parts_for: timedelta) -> None:
    age = keeping.age if keeping is not None else UNWANTED_FOR
    room = (keeping.mib if keeping is not None else 1 << 30) * MIB
    found = []
    for entry in os.scandir(folder):
        if _OUR_FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            with suppress(FileNotFoundError):  # its writer, or another who prunes, was quicker
                stat = entry.stat(follow_symlinks=False)
                found.append((stat.st_mtime, stat.st_size, entry))
    for changed_at, size, entry in sorted(found, key=lambda one: -one[0]):
        is_part = entry.name.endswith(PART)
        room -= 0 if is_part else size
        old = timedelta(seconds=now.timestamp() - changed_at)
        is_left_over = is_part and (parts_for == NOTHING or old >= parts_for)
        if is_left_over or (not is_part and (room < 0 or old >= age)):
            with suppress(OSError):
                Path(entry.path).unlink()
                log.info("recording.let_go", file=entry.name, bytes=size)
    with suppress(OSError):
        folder.rmdir()  # where nothing is left in it
