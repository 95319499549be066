"""Recordings that events tell of: which file an event means, and what it is called here. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from daemon.core.files import File
from daemon.core.watches.directories import ADDED

MIB = 1024 * 1024
MOST = 64 * MIB
"""Ours. Bytes of a file that is handed on; uploads to the platform are at most 50 MB."""
TYPES = {
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "mp3": "audio/mpeg",
    "txt": "text/plain; charset=utf-8",
    "tts": "text/plain; charset=utf-8",
    "ymgr": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
}
"""What the platform keeps, by its documents; it says `application/octet-stream` of everything."""
ANYTHING = "application/octet-stream"
_ID = re.compile(r"evt_[0-9A-Za-z]{1,60}", re.ASCII)
_NAMES = frozenset(one.name for one in fields(File))


@dataclass(frozen=True)
class Recording:
    """The file of one event."""

    event: str
    system: str
    folder: str
    """As it is configured: `/2`."""
    file: File
    """As it was when the event told of it; a copy or a move may have renumbered it since."""

    @property
    def path(self) -> str:
        """Where it was then: `ivr2:/2/001.wav`."""
        return self.file.path or f"ivr2:/{self.folder.strip('/.')}/{self.file.name}".replace("//", "/")

    @property
    def media_type(self) -> str:
        return TYPES.get(self.file.suffix, ANYTHING)

    @property
    def is_audio(self) -> bool:
        return self.media_type.startswith("audio/")

    @property
    def file_name(self) -> str:
        """Made by us: nothing of what the platform says, but for a kind that we know."""
        return f"{self.event}.{self.file.suffix if self.file.suffix in TYPES else 'bin'}"


def of_event(event: str, event_type: str, system: str | None, data: Mapping[str, Any]) -> Recording | None:
    """The file that an event tells of; None: it tells of none."""
    directory, file = data.get("directory"), data.get("file")
    is_one = event_type == ADDED and system is not None and _ID.fullmatch(event) is not None
    if not is_one or not isinstance(directory, Mapping) or not isinstance(file, Mapping):
        return None
    known: dict[str, Any] = {name: file.get(name) for name in _NAMES}
    if not isinstance(known["name"], str) or system is None:
        return None
    return Recording(event, system, str(directory.get("path", "")), File(**known))
