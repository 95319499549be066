"""Recordings in mails: the file itself where it is small and comes soon, and a link where there are any.

The thread of the mails has others to write to: it waits a few seconds in all, and not at all for a system of
which a file did not come just now. A mail without its file tells that there is one all the same.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import structlog

from daemon.core import recording_links, recordings
from daemon.core.delivery.outcome import Message
from daemon.core.durations import MINUTE, SECOND
from daemon.core.model import Failure, Unknown
from daemon.core.recordings import MIB, Recording
from daemon.workers.downloads import Downloads, FullError

log = structlog.get_logger()

MOST = 10 * MIB
"""Ours. Bytes of all files of one mail; in a mail they are a third larger, and many servers take 20 MB."""
PATIENCE = 10 * SECOND
"""Ours. For all files of one mail."""
REST = 5 * MINUTE
"""Ours. How long nothing is waited for of a system of which a file did not come."""
SLOW = frozenset({Failure.TIMEOUT, Failure.UNREACHABLE, Failure.THROTTLED, Failure.FILTERED})


class Attachment(NamedTuple):
    """A file of a mail."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Wish:
    """What the configuration in force says of it."""

    folders: Collection[tuple[str, str]] = ()
    """Of which systems and folders files go with mails."""
    has_links: bool = False


class MailedRecordings:
    """For the thread of the mails."""

    def __init__(
        self,
        downloads: Downloads,
        wish: Callable[[], Wish],
        key: Callable[[], bytes | None],
        monotonic: Callable[[], float],
    ) -> None:
        """`key`: by which links are signed; None: there can be none."""
        self._downloads = downloads
        self._wish = wish
        self._key = key
        self._monotonic = monotonic
        self._resting: dict[str, float] = {}

    def link(self, endpoint: str, event: str, at: datetime) -> str | None:
        """The path at which the reader of an endpoint's mail hears the recording of an event; None: there is
        none."""
        key = self._key() if self._wish().has_links else None
        return None if key is None else recording_links.path(key, event, endpoint, at)

    def attachments(self, messages: Sequence[Message]) -> list[Attachment]:
        """The files that go with these, as far as they are here in time and small enough."""
        wanted = list(self._wanted(messages))
        until = self._monotonic() + PATIENCE.total_seconds()
        found, room = list[Attachment](), MOST
        for recording in wanted:
            content = self._content(recording, room, until)
            if content is not None:
                room -= len(content)
                found.append(Attachment(recording.file_name, recording.media_type.partition(";")[0], content))
        return found

    def _wanted(self, messages: Sequence[Message]) -> Iterator[Recording]:
        folders = self._wish().folders
        for message in messages if folders else ():
            data = json.loads(message.body)["data"]
            one = recordings.of_event(message.event, message.event_type, data.get("system"), data)
            if one is not None and (one.system, one.folder) in folders:
                yield one

    def _content(self, recording: Recording, room: int, until: float) -> bytes | None:
        try:
            found = self._fetched(recording, room, until)
        except (FullError, OSError) as error:
            found = str(error) or "others are fetched at the same time"
        if isinstance(found, bytes):
            return found
        log.warning("mail.without_recording", system=recording.system, event_id=recording.event, why=found)
        return None

    def _fetched(self, recording: Recording, room: int, until: float) -> bytes | str:
        """Its bytes, or why it has to stay away."""
        now, system = self._monotonic(), recording.system
        if (recording.file.size_bytes or 0) > room:
            return "it is too large"
        if now >= until or self._resting.get(system, now) > now:
            return "there is no time for it"
        with self._downloads.hold(recording) as held:
            result = held.wait(until - now)
            if isinstance(result, Unknown):
                if result.failure in SLOW:
                    self._resting[system] = self._monotonic() + REST.total_seconds()
                return result.message
            return result.read(result.size, 0) if result.size <= room else "it is too large"
