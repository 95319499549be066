"""Recordings for tests: a simulated folder, events that tell of its files, and what fetches them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from daemon.core.files import File, Listed
from daemon.core.model import Fact, Secret, Unknown
from daemon.core.recordings import Recording
from daemon.core.watches.directories import ADDED
from daemon.host.clock import monotonic, utcnow
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from daemon.store import events
from daemon.store.database import Database
from daemon.workers.downloads import Downloads, Fetched, FullError, Held
from daemon.yemot.client import Access, Client
from daemon.yemot.downloads import Limits, fetch
from daemon.yemot.files import listing
from daemon.yemot.transport import Timeouts, Transport
from tests.support.fakes import START

TOKEN = "0770000000:demo"


@dataclass
class Recorded:
    """A system with a folder `/2`, on loopback."""

    folder: Path
    limits: Limits = field(default_factory=Limits)
    kept: Callable[[Recording], Path | None] = lambda _recording: None

    def __post_init__(self) -> None:
        self.system = SimulatedSystem(now=utcnow)
        self.system.directory("/2")
        self.simulator = Simulator({TOKEN: self.system}, now=utcnow)
        self.simulator.start()
        access = Access(Secret(TOKEN), self.simulator.base_url)
        self.client = Client(access, Transport(Timeouts(), monotonic=monotonic), now=utcnow)
        self.downloads = Downloads(self._fetch, lambda: self.folder, monotonic=monotonic, kept=self._kept)

    def close(self) -> None:
        self.downloads.close()
        self.client.close()
        self.simulator.stop()

    def hold(self, recording: Recording, /) -> Held | None:
        """As the daemon gives it to its HTTP side."""
        try:
            return self.downloads.hold(recording)
        except FullError:
            return None

    def record(self, content: bytes = b"RIFF" + bytes(range(256)) * 100, name: str = "000.wav") -> File:
        """A file, as the platform lists it."""
        self.system.files.put(f"2/{name}", content, phone="0541234567")
        listed = self.client.read(listing("/2"))
        assert isinstance(listed, Listed)
        return next(one for one in listed.files if one.name == name)

    def _kept(self, recording: Recording) -> Path | None:
        return self.kept(recording)

    def _fetch(self, recording: Recording, into: BinaryIO, is_wanted: Callable[[], bool]) -> int | Unknown:
        return fetch(self.client, recording, into, is_wanted, self.limits)


def told(
    database: Database,
    file: File | None,
    *,
    number: int = 1,
    at: datetime = START,
    path: str = "/2",
) -> str:
    """The event of a file; gives its id."""
    payload: dict[str, Any] = {
        "directory": {"path": path, "added": 1},
        "file": file and asdict(file),
    }
    with database.write() as db:
        (event,) = events.record(
            db, "main", [Fact(ADDED, "directory/2", payload)], at, lambda kind: f"{kind}_{number}"
        )
    return event.id


@dataclass
class Ready:
    """What has every recording at once, and holds the last that was asked for."""

    content: bytes = b"RIFF" * 100
    recording: Recording = field(init=False)

    @property
    def result(self) -> Fetched:
        return Fetched(len(self.content), lambda length, at: self.content[at : at + length])

    def hold(self, recording: Recording, /) -> "Ready":
        self.recording = recording
        return self

    def when_done(self, tell: Callable[[], None]) -> None:
        tell()

    def release(self) -> None:
        """Nothing is held."""
