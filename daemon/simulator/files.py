"""The files of a simulated system, in every folder: recordings, and the logs that the platform keeps.

State and what is done to it; the API's field names appear in `shown` only. Every method takes the system's
lock, so it may be called from any thread.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from itertools import count
from threading import RLock
from typing import Any

from daemon.simulator.spelling import SimulationError, day_first, extension, minutes_and_seconds
from daemon.simulator.tones import BYTES_A_SECOND, tone

AUDIO = frozenset({"wav", "ogg", "mp3"})
SETTINGS = frozenset({"ini"})
PAGES = frozenset({"html", "htm"})


@dataclass(frozen=True)
class Tone:
    """Audio that is made when it is fetched: thousands of recordings take no memory."""

    seconds: int

    def __len__(self) -> int:
        return self.seconds * BYTES_A_SECOND


@dataclass(frozen=True)
class SimulatedFile:
    """One file as it stands."""

    folder: str
    """As folders are kept: `Log`, `5/1`; "" is the main extension."""
    name: str
    content: bytes | Tone
    at: datetime
    """When it was made: `date`."""
    changed_at: datetime
    """`mtime`."""
    unique_id: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Fields by the API's names that are shown in place of what would be: `phone`, `source`, …"""

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}".lstrip("/")

    @property
    def suffix(self) -> str:
        return self.name.rpartition(".")[2].lower()

    @property
    def body(self) -> bytes:
        """Its bytes."""
        return self.content if isinstance(self.content, bytes) else tone(self.content.seconds)

    def shown(self, number: str) -> dict[str, Any]:
        """As GetIVR2Dir lists it; `number`: of the system."""
        shown = {
            "exists": True,
            "name": self.name,
            "uniqueId": self.unique_id,
            "what": f"ivr2:/{self.path}",
            "fileType": "AUDIO" if self.suffix in AUDIO else self.suffix.upper(),
            "size": len(self.content),
            "mtime": day_first(self.changed_at),
        }
        return {**shown, **(self._heard(number) if self.suffix in AUDIO else {}), **self.meta}

    def _heard(self, number: str) -> dict[str, Any]:
        """What is known of audio only."""
        seconds = len(self.content) // BYTES_A_SECOND
        return {
            "duration": float(seconds),
            "durationStr": minutes_and_seconds(seconds),
            "customerDid": number,
            "meta": {},
            "date": day_first(self.at),
            "source": "Phone",
            "phone": "",
            "ip": "",
        }


class SimulatedFiles:
    """What every folder of a system holds, by path: `Log/LogFolderEnterExit-2026-11.ymgr`."""

    def __init__(self, number: str, now: Callable[[], datetime], lock: RLock) -> None:
        self._number = number
        self._now = now
        self._lock = lock
        self._files: dict[str, SimulatedFile] = {}
        self._made = count()

    def put(self, path: str, content: bytes | Tone, at: datetime | None = None, **meta: Any) -> SimulatedFile:
        """A file is made, or replaced by another. `at`: aware, now if None. `meta`: fields by the API's names
        (`phone`, `uniqueId`, `date`, …) in place of what would be shown."""
        moment = self._moment(at)
        folder, name = _parts(path)
        with self._lock:
            seed = f"{self._number}/{path}/{moment.isoformat()}/{next(self._made)}"
            unique_id = blake2b(seed.encode(), digest_size=16).hexdigest()
            made = SimulatedFile(folder, name, content, moment, moment, unique_id, dict(meta))
            self._files[made.path] = made
            return made

    def append(self, path: str, content: bytes, at: datetime | None = None) -> SimulatedFile:
        """A file grows by these bytes, and is made where there is none. `at`: as in `put`."""
        with self._lock:
            known = self._files.get(extension(path))
            if known is None:
                return self.put(path, content, at)
            grown = replace(known, content=known.body + content, changed_at=self._moment(at))
            self._files[known.path] = grown
            return grown

    def remove(self, path: str) -> None:
        """Raises SimulationError where there is no such file, as `move` and `get`."""
        with self._lock:
            del self._files[self.get(path).path]

    def move(self, path: str, to: str, *, unique_id: str | None = None) -> SimulatedFile:
        """A file is renamed or renumbered, and all else stays; `unique_id`: if it gets another one."""
        folder, name = _parts(to)
        with self._lock:
            known = self.get(path)
            del self._files[known.path]
            moved = replace(known, folder=folder, name=name, unique_id=unique_id or known.unique_id)
            self._files[moved.path] = moved
            return moved

    def get(self, path: str) -> SimulatedFile:
        """The file at this path, however it is spelled: `ivr2:/2/001.wav`."""
        with self._lock:
            if (found := self._files.get(extension(path))) is None:
                raise SimulationError(f"file does not exist: {path}")
            return found

    def of(self, folder: str) -> list[SimulatedFile]:
        """What one folder holds, in the order in which it was made."""
        with self._lock:
            return [one for one in self._files.values() if one.folder == extension(folder)]

    @property
    def folders(self) -> frozenset[str]:
        """Where there are files."""
        with self._lock:
            return frozenset(one.folder for one in self._files.values())

    def __iter__(self) -> Iterator[SimulatedFile]:
        with self._lock:
            return iter(list(self._files.values()))

    def _moment(self, at: datetime | None) -> datetime:
        if at is not None and at.tzinfo is None:
            raise SimulationError("at: expected a time with an offset")
        return at or self._now()


def _parts(path: str) -> tuple[str, str]:
    folder, _, name = extension(path).rpartition("/")
    if not name:
        raise SimulationError("path: expected the name of a file")
    return folder, name
