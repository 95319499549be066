"""The small watches: units, PirsumPhone, directories."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Units:
    """GetSession, two of its fields. None: missing or unreadable."""

    balance: float | None
    expires_on: date | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class PirsumPhone:
    """PirsumPhoneManagement, action GetRegistrationStatus."""

    registered: bool | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """`minFile` or `maxFile` of GetIVR2DirStats: one recording."""

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
    """dd/mm/yyyy hh:mm, raw."""


@dataclass(frozen=True)
class Directory:
    """GetIVR2DirStats: counts, and the highest recording (None: there is none)."""

    type: str | None
    dirs: int | None
    files: int | None
    content_files: int | None
    """`contentFilesCount`: audio files."""
    max_file: File | None
    min_file: File | None
    problems: tuple[str, ...] = ()
