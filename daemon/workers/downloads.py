"""Files of the platform, fetched for whoever asks: a receiver, a page, a mail, the disk.

Each stands in a file without a name, at most 64 MiB, and there are four at a time, under way and done; who
comes fifth is told to come again. Two who want the same wait for one download. It ends when nobody waits for
it any more; one that is done is kept for two minutes, since a player asks for a file in pieces. Each runs in
a thread of its own, so no poll and no request waits for a platform that is slow.
"""

import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import structlog

from daemon.core.durations import MINUTE
from daemon.core.model import Failure, Unknown
from daemon.core.recordings import Recording

log = structlog.get_logger()

AT_ONCE = 4
"""Ours."""
KEPT = 2 * MINUTE
"""Ours. How long one that is done is kept for whoever asks for more of it, if nobody needs its place."""
ENDS_WITHIN = 1.0
"""Ours. Seconds for one that is under way at the end; what hangs in the platform is left behind."""


Fetch = Callable[[Recording, BinaryIO, Callable[[], bool]], int | Unknown]
"""Brings a recording into a file, and gives its bytes, for as long as it is said to be wanted. Raises OSError
where the file cannot be written."""


class FullError(Exception):
    """All places are taken by those who wait for something else."""


@dataclass(frozen=True)
class Fetched:
    """A file that is here."""

    size: int
    read: Callable[[int, int], bytes] = field(repr=False)
    """So many bytes from an offset. Raises OSError."""


Result = Fetched | Unknown


class _Place:
    """One download, and the file that it fills. Guarded by the lock of `Downloads`, but for the file."""

    def __init__(self, recording: Recording, content: BinaryIO) -> None:
        self.recording = recording
        self.content = content
        self.holders = 0
        self.result: Result | None = None
        self.done = threading.Event()
        self.told: list[Callable[[], None]] = []
        self.used_at = 0.0
        self.is_abandoned = False
        """Nobody waited for it any more, so it is not fetched to its end."""

    def read(self, length: int, offset: int) -> bytes:
        return os.pread(self.content.fileno(), length, offset)

    @property
    def is_good(self) -> bool:
        """Whether somebody else may have it, too."""
        return not isinstance(self.result, Unknown) and not self.is_abandoned


class Held:
    """A download that somebody waits for. To be released once, by `release` or as a context manager."""

    def __init__(self, downloads: "Downloads", place: _Place) -> None:
        self._downloads = downloads
        self._place = place
        self._is_released = False

    @property
    def recording(self) -> Recording:
        return self._place.recording

    @property
    def result(self) -> Result | None:
        """None: it is under way."""
        return self._place.result

    def when_done(self, tell: Callable[[], None]) -> None:
        """Be told when there is a result, in any thread, perhaps at once."""
        self._downloads._tell(self._place, tell)

    def wait(self, seconds: float) -> Result:
        """The result, as soon as there is one; for threads that have nothing else to do."""
        if not self._place.done.wait(seconds):
            return Unknown(Failure.TIMEOUT, "the file did not come in time")
        assert self._place.result is not None  # noqa: S101 - it is done
        return self._place.result

    def release(self) -> None:
        """Nobody here waits for it, or reads it, any more."""
        if not self._is_released:
            self._is_released = True
            self._downloads._release(self._place)

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Downloads:
    """Safe to call from any thread."""

    def __init__(
        self,
        fetch: Fetch,
        folder: Callable[[], Path | None],
        *,
        monotonic: Callable[[], float],
        kept: Callable[[Recording], Path | None] = lambda _recording: None,
    ) -> None:
        """`folder`: where the files are; None: where such
        files usually are. `kept`: a copy that is on the disk already."""
        self._fetched = fetch
        self._folder = folder
        self._monotonic = monotonic
        self._kept = kept
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._is_closed = False
        self.failures: int = 0
        """How many ended without a file."""

    def hold(self, recording: Recording) -> Held:
        """Fetch a recording, or have the same as others who wait for it. Raises `FullError`, and OSError
        where there can be no file."""
        with self._lock:
            place = self._places.get(recording.event)
            if place is not None and place.is_good:
                place.holders += 1
                return Held(self, place)
            self._make_room(recording.event)
            content = cast("BinaryIO", tempfile.TemporaryFile(dir=self._folder()))  # noqa: SIM115 - `_drop` does
            place = self._places[recording.event] = _Place(recording, content)
            place.holders = 1
            threading.Thread(
                target=self._fetch, args=(place,), name=f"download {recording.event}", daemon=True
            ).start()
            return Held(self, place)

    def tidy(self) -> None:
        """Let go what nobody has asked for lately."""
        with self._lock:
            until = self._monotonic() - KEPT.total_seconds()
            for event in [
                one for one, place in self._places.items() if self._is_idle(place) and place.used_at <= until
            ]:
                self._drop(event)

    def close(self) -> None:
        """End what is under way, and begin no more. Waits for a little while."""
        with self._lock:
            self._is_closed = True
            under_way = [one for one in self._places.values() if one.result is None]
        for one in under_way:
            one.done.wait(ENDS_WITHIN)
        with self._lock:
            for event in [one for one, place in self._places.items() if self._is_idle(place)]:
                self._drop(event)

    @property
    def under_way(self) -> int:
        """How many files there are now."""
        with self._lock:
            return len(self._places)

    def _is_idle(self, place: _Place) -> bool:
        return not place.holders and place.result is not None

    def _make_room(self, event: str) -> None:
        """For one more; a failure of before that somebody looks at still is no place of this event's."""
        if (before := self._places.get(event)) is not None:
            self._places[f"{event} {id(before)}"] = self._places.pop(event)
        if self._is_closed:
            raise FullError
        if len(self._places) < AT_ONCE:
            return
        idle = [(place.used_at, one) for one, place in self._places.items() if self._is_idle(place)]
        if not idle:
            raise FullError
        self._drop(min(idle)[1])

    def _drop(self, event: str) -> None:
        place = self._places.pop(event)
        with suppress(OSError):
            place.content.close()

    def _fetch(self, place: _Place) -> None:
        try:
            result = self._result(place)
        except Exception as error:  # whatever it is, somebody waits for it
            if not isinstance(error, OSError):
                log.exception("download.crashed", event_id=place.recording.event)
            result = Unknown(
                Failure.OURS, f"it cannot be kept here: {getattr(error, 'strerror', None) or 'a fault'}"
            )
        if isinstance(result, Unknown):
            log.warning(
                "download.failed",
                system=place.recording.system,
                event_id=place.recording.event,
                failure=result.failure.value,
                message=result.message,
            )
        with self._lock:
            place.result, place.used_at = result, self._monotonic()
            self.failures += isinstance(result, Unknown)
            told, place.told = place.told, []
            self._let_go(place)
        place.done.set()
        for tell in told:
            tell()

    def _result(self, place: _Place) -> Result:
        recording = place.recording
        if (copy := self._kept(recording)) is not None and (found := _copied(copy, place)) is not None:
            return found
        got = self._fetched(recording, place.content, lambda: self._is_wanted(place))
        if isinstance(got, Unknown):
            return got
        place.content.flush()
        return Fetched(got, place.read)

    def _is_wanted(self, place: _Place) -> bool:
        with self._lock:
            place.is_abandoned = not place.holders or self._is_closed
            return not place.is_abandoned

    def _tell(self, place: _Place, tell: Callable[[], None]) -> None:
        with self._lock:
            if place.result is None:
                place.told.append(tell)
                return
        tell()

    def _release(self, place: _Place) -> None:
        with self._lock:
            place.holders -= 1
            place.used_at = self._monotonic()
            self._let_go(place)

    def _let_go(self, place: _Place) -> None:
        """Of a failure nothing is kept, nor of what ended after all had left."""
        if place.holders or place.result is None or (place.is_good and not self._is_closed):
            return
        for event in [one for one, other in self._places.items() if other is place]:
            self._drop(event)


def _copied(copy: Path, place: _Place) -> Fetched | None:
    """A copy that is on the disk already; None: it is not, after all."""
    try:
        with copy.open("rb") as kept:
            while chunk := kept.read(1 << 20):
                place.content.write(chunk)
        place.content.flush()
    except FileNotFoundError:
        return None
    return Fetched(place.content.tell(), place.read)
