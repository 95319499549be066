"""DownloadFile: a file of the platform, into one of ours, within bounds.

The platform says that a file is missing, or anything else, by a 404, or by its JSON within a 200, or by a
page of a content filter; so what begins as one of these is judged before it is believed to be a file. Whether
it knows Range, ETag or a length is documented nowhere: a download begins from the start, and is compared with
the size that the listing showed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import BinaryIO

from daemon.core.durations import MINUTE
from daemon.core.model import Failure, Unknown
from daemon.core.recordings import MIB, MOST, Recording
from daemon.core.watches import folder_files
from daemon.yemot.bounded_json import decode
from daemon.yemot.client import Client
from daemon.yemot.files import newest
from daemon.yemot.transport import BrokenOffError, Head

TOTAL = 5 * MINUTE
"""Ours. From the start to the last byte, however busy the server is."""
JUDGED = 256 * 1024
"""Ours. Bytes of what is no file, and so is judged as an answer."""
SNIFFED = 4096
ENVELOPE = b"{"


@dataclass(frozen=True)
class Limits:
    """What a download may take."""

    most: int = MOST
    total: timedelta = TOTAL


LIMITS = Limits()


def fetch(
    client: Client,
    recording: Recording,
    into: BinaryIO,
    is_wanted: Callable[[], bool],
    limits: Limits = LIMITS,
) -> int | Unknown:
    """A recording, wherever it stands by now. As `download`."""
    found = where(client, recording)
    if isinstance(found, Unknown):
        return found
    path, is_sure = found
    size = recording.file.size_bytes
    got = download(client, path, into, size=size, limits=limits, is_wanted=is_wanted)
    if isinstance(got, Unknown) or is_sure or got == size:
        return got
    return Unknown(Failure.REFUSED, "another file stands in its place", HTTPStatus.NOT_FOUND)


def download(
    client: Client,
    path: str,
    into: BinaryIO,
    *,
    size: int | None = None,
    limits: Limits = LIMITS,
    is_wanted: Callable[[], bool] = lambda: True,
) -> int | Unknown:
    """Fetch a file (`ivr2:/2/001.wav`). Gives its bytes; an `Unknown` that the platform has no such file has
    the code 404. `size`: what the listing showed: less is half a file. `is_wanted` is asked again and again;
    where it says no, the connection ends at once. Raises OSError where `into` cannot be written.
    """
    taker = _Taker(into, limits, is_wanted)
    failed = client.stream("DownloadFile", {"path": path}, taker, total=limits.total)
    if taker.error is not None:
        raise taker.error
    if failed is not None:
        is_missing = taker.status == HTTPStatus.NOT_FOUND
        return Unknown(Failure.REFUSED, "there is no such file", taker.status) if is_missing else failed
    if size is not None and taker.written < size:
        return Unknown(Failure.MALFORMED, f"the file was cut short: {taker.written} bytes of {size}")
    return taker.written


def where(client: Client, recording: Recording) -> tuple[str, bool] | Unknown:
    """The path at which a recording stands now: whatever was copied or moved beside it has renumbered it, and
    another stands in its place. `Unknown` with the code 404 where it is not in its folder any more. Where the
    folder may not be listed it is the path of before, and False: only its size can be compared."""
    file = recording.file
    found = newest(
        client.read,
        recording.folder,
        lambda some: folder_files.again(file, some.files) is not None or folder_files.is_past(file, some),
    )
    if isinstance(found, Unknown):
        return (recording.path, False) if found.failure is Failure.REFUSED else found
    now = folder_files.again(file, found.files)
    if now is None:
        return Unknown(Failure.REFUSED, "it is not in its folder any more", HTTPStatus.NOT_FOUND)
    return Recording(recording.event, recording.system, recording.folder, now).path, True


class _Taker:
    """Takes a body: into the file, or to be judged."""

    def __init__(self, into: BinaryIO, limits: Limits, is_wanted: Callable[[], bool]) -> None:
        self._into = into
        self._limits = limits
        self._is_wanted = is_wanted
        self.is_taken = False
        self.written = 0
        self.status: int | None = None
        self.error: OSError | None = None

    def __call__(self, head: Head, chunks: Iterator[bytes]) -> bytes:
        self._begin()
        self.status = head.status
        if (head.length or 0) > self._limits.most:
            raise self._too_large()
        begun = self._wanted(chunks)
        first = b""
        while len(first) < SNIFFED and (more := next(begun, b"")):
            first += more
        if head.status != HTTPStatus.OK or _is_said(head.content_type):
            return _to_be_judged(first, begun)
        if first.lstrip().startswith(ENVELOPE):
            first = _to_be_judged(first, begun)
            if len(first) < JUDGED and _is_failure(first):
                return first
        self._write(first)
        for chunk in begun:
            self._write(chunk)
        self.is_taken = True
        return b""

    def _begin(self) -> None:
        """A body that died on its way may come a second time."""
        self.written, self.status = 0, None
        try:
            self._into.seek(0)
            self._into.truncate()
        except OSError as error:
            raise self._unwritable(error) from error

    def _wanted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if not self._is_wanted():
                raise BrokenOffError(Failure.OURS, "nobody waits for it any more")
            yield chunk

    def _write(self, chunk: bytes) -> None:
        if self.written + len(chunk) > self._limits.most:
            raise self._too_large()
        try:
            self._into.write(chunk)
        except OSError as error:
            raise self._unwritable(error) from error
        self.written += len(chunk)

    def _too_large(self) -> BrokenOffError:
        return BrokenOffError(Failure.MALFORMED, f"the file is larger than {self._limits.most // MIB} MiB")

    def _unwritable(self, error: OSError) -> BrokenOffError:
        self.error = error
        return BrokenOffError(Failure.OURS, "the file cannot be written here")


def _is_said(content_type: str) -> bool:
    """Whether a body says something about the file, and is none: files are `application/octet-stream`."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind.endswith("json") or "html" in kind


def _is_failure(body: bytes) -> bool:
    """Whether it is the platform's envelope, and no success."""
    try:
        said = decode(body)
    except ValueError:
        return False
    status = said.get("responseStatus") if isinstance(said, dict) else None
    return isinstance(status, str) and status.upper() != "OK"


def _to_be_judged(first: bytes, rest: Iterator[bytes]) -> bytes:
    """So much of it as an answer may have."""
    whole = bytearray(first)
    while len(whole) < JUDGED and (more := next(rest, b"")):
        whole += more
    return bytes(whole)
