"""`[[systems.directories]]`: folders of recordings."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from daemon.config.systems import SystemSettings
from daemon.config.watches import DirectoryWatch
from daemon.core.alerts.life import Seen
from daemon.core.durations import HOUR, MINUTE, NOTHING, SECOND
from daemon.core.model import Change, Failure, Unknown
from daemon.core.watches import directories
from daemon.core.watches.subjects import Subject
from daemon.core.watches.watch import Answered, Unchanged, WatchKind
from daemon.wiring.kinds.kind import Row, described
from daemon.yemot import reads
from daemon.yemot.files import FIRST, listing, widened

if TYPE_CHECKING:
    from daemon.yemot.client import Client

WHOLE = HOUR
"""Ours. How often all of a folder is listed: what was removed is seen then, and a file that came with an old
date."""
DOUBT = 2 * MINUTE
"""Ours. For how long files may come that are dated in the minute in which a page ends, and more."""
STILL = 2 * SECOND
"""Ours. The least time in which a file that does not grow stands still."""
NOT_TO_BE_LISTED = frozenset({Failure.REFUSED, Failure.TOKEN_REJECTED})
"""How it may be said that this key may not list folders."""


@dataclass
class Remembered:
    """What the process knows of one folder; it may be forgotten at any time."""

    until_whole: int = 0
    """Looks until all of it is listed."""
    until_listed: int = 0
    """Looks until it is tried again whether it may be listed."""
    doubtful: int = 0
    """Looks for which an equal first page may hide something."""
    page: bytes = b""
    """The digest of the first page that was seen last."""


@dataclass(frozen=True)
class Directory(WatchKind[directories.State, directories.Seen]):
    """A folder of recordings: which files are new. Where its files may not be listed, how many there are."""

    client: "Client"
    zone: ZoneInfo
    settings: DirectoryWatch
    remembered: Remembered = field(default_factory=Remembered, compare=False)

    dump = staticmethod(directories.dump)
    saw = staticmethod(directories.saw)

    def load(self, stored: Mapping[str, Any]) -> directories.State:
        return directories.load(stored, {})

    def restore(
        self, stored: Mapping[str, Any], pieces: Callable[[], Mapping[str, bytes]]
    ) -> directories.State:
        return directories.load(stored, pieces())

    def ask(
        self, known: bytes | None, before: Callable[[], directories.State | None]
    ) -> Answered[directories.Seen] | Unchanged | Unknown:
        memory = self.remembered
        if memory.until_listed > 0:
            counted = self._count(known)
            memory.until_listed = memory.until_listed - 1 if not isinstance(counted, Unknown) else 0
            return counted
        listed = self._list(known, before)
        if not isinstance(listed, Unknown) or listed.failure not in NOT_TO_BE_LISTED:
            return listed
        counted = self._count(None)
        if isinstance(counted, Unknown):
            return listed
        memory.until_listed, memory.until_whole = self._looks(WHOLE), 0
        return counted

    def diff(
        self, before: directories.State | None, seen: directories.Seen, when: Seen
    ) -> Change[directories.State]:
        settings = self.settings
        looks = 1 + self._looks(STILL)
        folder = directories.Folder(settings.path, settings.initial == "emit", looks)
        change = directories.diff(before, seen, folder)
        return replace(change, pieces=directories.pieces(before, change.state))

    def subjects(
        self, seen: directories.Seen, change: Change[directories.State], when: Seen
    ) -> list[Subject]:
        return directories.subjects(seen, change.state, self.settings.path)

    def _list(
        self, known: bytes | None, before: Callable[[], directories.State | None]
    ) -> Answered[directories.Seen] | Unchanged | Unknown:
        memory, path = self.remembered, self.settings.path
        is_due = memory.until_whole <= 0
        question = listing(path, None if is_due else FIRST)
        answer = self.client.poll(question, None if is_due or memory.doubtful else known)
        if isinstance(answer, Unknown):
            return answer
        memory.until_whole = self._looks(WHOLE) if is_due else memory.until_whole - 1
        if isinstance(answer, Unchanged):
            return answer
        seen = widened(self.client.read, path, answer.seen, partial(directories.is_enough, before()))
        if isinstance(seen, Unknown):
            return seen
        self._doubt(answer.digest, is_widened=seen is not answer.seen)
        return Answered[directories.Seen](seen, answer.digest)

    def _doubt(self, page: bytes, *, is_widened: bool) -> None:
        """Where a first page alone was not enough, an equal one will not be, for a while."""
        memory = self.remembered
        is_new = is_widened and page != memory.page
        memory.doubtful = self._looks(DOUBT) if is_new else max(memory.doubtful - 1, 0)
        memory.page = page

    def _count(self, known: bytes | None) -> Answered[directories.Seen] | Unchanged | Unknown:
        return self.client.poll(reads.directory_stats(self.settings.path), known)

    def _looks(self, span: timedelta) -> int:
        """How many looks there are in a time; at least one."""
        return max(-(-span // self.settings.every), 1)


def rows(system: SystemSettings) -> Iterator[Row]:
    for folder in system.directories:
        name, question = directories.subject(folder.path), listing(folder.path)
        finds = {"a recording": NOTHING}
        told = described(system, name, question, folder.every, finds, about=name)
        yield told, partial(Directory, settings=folder)
