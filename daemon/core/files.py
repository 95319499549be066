"""Files of the platform's folders, as a listing shows them, and what tells one from the next.

Pure. A copy or a move renumbers files, so a name alone is no identity; whether `unique_id` survives a move is
documented nowhere.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from daemon.core.model import Json

MINUTE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
# `DD/MM/YYYY HH:MM`, as GetIVR2Dir shows `date` and `mtime`.

Identity = tuple[str, str | None, int | None, str | None]


@dataclass(frozen=True)
class File:
    """One file: `files[]` of GetIVR2Dir, `minFile` or `maxFile` of GetIVR2DirStats."""

    name: str
    unique_id: str | None
    path: str | None
    """`what`."""
    size_bytes: int | None
    modified: str | None
    """`mtime`, raw."""
    duration: str | None
    """`durationStr`, mm:ss."""
    phone: str | None
    """Who recorded it."""
    source: str | None
    date: str | None
    """dd/mm/yyyy hh:mm, raw; of audio only."""
    exists: bool | None = None
    file_type: str | None = None
    """`AUDIO`, `INI`, …"""
    duration_number: float | None = None
    """`duration` as it came: minutes by its documents, seconds elsewhere."""
    customer_did: str | None = None
    meta: Json = None
    """An object or a text; its content is not documented."""
    ip: str | None = None
    """Of whoever uploaded it."""

    @property
    def identity(self) -> Identity:
        """Name, unique id, size and date, where they are given: equal ones are the same file as it stood."""
        return self.name, self.unique_id, self.size_bytes, self.date

    @property
    def suffix(self) -> str:
        """`wav`, `ymgr`; "" where it has none."""
        return self.name.rpartition(".")[2].lower() if "." in self.name else ""


@dataclass(frozen=True)
class Listed:
    """What a folder holds, newest first, as far as it was asked."""

    files: tuple[File, ...]
    is_whole: bool
    """Whether these are all; else there are older ones."""
    is_sorted: bool = True
    """Whether they came newest first, as they were asked for."""
    type: str | None = None
    """Of the folder itself; None where it has no settings."""
    this_path: str | None = None
    parent_path: str | None = None
    problems: tuple[str, ...] = ()


def minute(text: str | None) -> datetime | None:
    """The moment that a file's date says, naive, on the platform's clocks; None where it says none."""
    found = MINUTE.fullmatch(text.strip()) if text else None
    if found is None:
        return None
    day, month, year, hour, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minutes, seconds)  # noqa: DTZ001 - of the platform's clocks
    except ValueError:
        return None


def made(file: File) -> datetime | None:
    """When it was made, or else changed, to the minute."""
    return minute(file.date) or minute(file.modified)


def newest_first(files: Iterable[File]) -> list[File]:
    """By the minute in which they were made, what has none last; equal ones by their names, the highest
    first, so that two answers that differ in nothing else give one order."""
    return sorted(files, key=lambda one: (_ordinal(made(one)), one.name), reverse=True)


def is_newest_first(files: Iterable[File]) -> bool:
    """Whether a listing came in the order that was asked for. A file without a date, such as a log, may stand
    anywhere; where none has one, nobody can tell."""
    dates = [found for one in files if (found := minute(one.date)) is not None]
    return bool(dates) and all(newer >= older for newer, older in pairwise(dates))


def _ordinal(moment: datetime | None) -> tuple[int, int]:
    return (moment.toordinal(), moment.hour * 3600 + moment.minute * 60 + moment.second) if moment else (0, 0)
