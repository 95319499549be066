"""`[[systems.reports]]`: the platform's own logs, row by row.

A poll lists the folder, and reads whole those files of the series that are not as they were: each of them at
most every `SELDOM`, and all of a system no more than its allowance of the day.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog

from daemon.config.reports import ReportWatch
from daemon.config.systems import SystemSettings
from daemon.core.alerts.life import Seen
from daemon.core.allowance import MOST_A_DAY, SELDOM
from daemon.core.durations import MINUTE, NOTHING
from daemon.core.files import File
from daemon.core.model import Change, Failure, Unknown
from daemon.core.watches import report_files, report_state, reports
from daemon.core.watches.cost import cost
from daemon.core.watches.report_files import LARGE, LATER, SPENT
from daemon.core.watches.report_state import State
from daemon.core.watches.subjects import Subject
from daemon.core.watches.watch import Answered, Description, Unchanged, WatchKind
from daemon.wiring.kinds.kind import Row, described
from daemon.yemot import reports as platform
from daemon.yemot.reports import AnyReport, Known

if TYPE_CHECKING:
    from daemon.yemot.client import Client

log = structlog.get_logger()

AGAIN = MINUTE
"""Ours. A file that could not be read is tried again no sooner."""
AT_ONCE = report_files.AT_FIRST
"""Ours. Files that one poll reads; the others follow at the next."""
OF_EVERYTHING = frozenset({Failure.UNREACHABLE, Failure.THROTTLED, Failure.TOKEN_REJECTED})
"""Failures that say nothing of the file: the next one would fail, too."""
WORTH_KNOWING = 500
"""Ours. Rows of a file from which on it is worth to remember how it began."""


@dataclass
class _Memory:
    """What the process remembers between two polls; losing it costs time, and no row."""

    known: dict[str, Known] = field(default_factory=dict)
    """Of each file, when it was read last."""
    untaken: dict[str, tuple[File, AnyReport]] = field(default_factory=dict)
    """Files that were read, as they were listed, and of which not every row is told yet."""
    failed: dict[str, Unknown] = field(default_factory=dict)
    """Files that could not be read when that was tried last."""
    folder: str = ""
    """In which the files were found last."""
    is_raw: bool = False
    """There is no RenderYMGRFile."""
    is_spent: bool = False
    """It was said that the day's allowance is."""


@dataclass(frozen=True)
class Report(WatchKind[State, report_files.Observation]):
    """A series of files: which rows are new."""

    client: "Client"
    zone: ZoneInfo
    settings: ReportWatch
    description: Description
    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    dump = staticmethod(report_state.dump)
    saw = staticmethod(report_files.saw)

    def load(self, stored: Mapping[str, Any]) -> State:
        return report_state.load(stored, {})

    def restore(self, stored: Mapping[str, Any], pieces: Callable[[], Mapping[str, bytes]]) -> State:
        return report_state.load(stored, pieces())

    def ask(
        self, known: bytes | None, before: Callable[[], State | None]
    ) -> Answered[report_files.Observation] | Unchanged | Unknown:
        self._memory.folder, found = self.series()
        if isinstance(found, Unknown):
            return found
        # Other files of the folder are no news.
        digest = b"%d" % hash((*map(_listed_as, found.files), *found.problems))
        if digest == known:
            return Unchanged()
        seen = self._read(found, before())
        return seen if isinstance(seen, Unknown) else Answered(seen, digest)

    def series(self) -> tuple[str, platform.Series | Unknown]:
        """The files, as they are listed now, and the folder that they are in."""
        folder = self.settings.path
        return folder, self.client.read(platform.series(folder, self.settings.file))

    def diff(self, before: State | None, seen: report_files.Observation, when: Seen) -> Change[State]:
        is_emitting = self.settings.initial == "emit"
        change = report_files.diff(before, seen, self._report, when, self.zone, is_emitting=is_emitting)
        files = change.state.files
        waiting = {
            name: one for name, one in self._memory.untaken.items() if name in files and files[name].has_more
        }
        self._memory.untaken = waiting
        return change

    def subjects(self, seen: report_files.Observation, change: Change[State], when: Seen) -> list[Subject]:
        return report_files.subjects(seen, change, self._report)

    @cached_property
    def _report(self) -> reports.Report:
        return reports.Report(self.settings.path, self.settings.file, self.settings.fields)

    def _read(self, found: platform.Series, state: State | None) -> report_files.Observation | Unknown:
        """Read what has changed, as far as it may be read now. That a file cannot be read is told once
        nothing else is to be had."""
        allowance, watch = self.client.allowance, self.description.name
        now = self.client.now()
        if state is not None:
            allowance.follow(watch, [(now - at, many) for at, many in state.spent])
            for name, kept in state.files.items():
                if kept.read_at is not None:
                    allowance.follow_reading(watch, name, now - kept.read_at)
        self._forget(found)
        read, left, failed = self._all(report_files.due(state, found.files))
        if failed is not None and (state is None or not read):
            return failed
        self._say(left)
        if state is None and (waiting := sorted(name for name, why in left.items() if why != LARGE)):
            # Of what is not read at the first look, nobody could ever tell which rows are new.
            return Unknown(
                Failure.OURS, f"{waiting[0]} is read later: large files are, or the day's allowance is spent"
            )
        untold = [one.name for one in found.files if one.name in read and report_files.is_untold(state, one)]
        said = [
            f"{name}: has changed, and what was in it is not known, so no row of it is told"
            for name in untold
        ]
        return report_files.Observation(
            found.files, read, left, allowance.spent(watch), (*found.problems, *said)
        )

    def _all(self, due: Sequence[File]) -> tuple[dict[str, AnyReport], dict[str, str], Unknown | None]:
        """The rows of files, as far as they may be read now; why others are not; and how one failed, if any
        did. What fails by itself holds up no other."""
        read: dict[str, AnyReport] = {}
        left: dict[str, str] = {}
        failed: Unknown | None = None
        for file in due:
            is_over = len(read) >= AT_ONCE or (failed is not None and failed.failure in OF_EVERYTHING)
            rows = LATER if is_over else self._rows(file)
            if isinstance(rows, Unknown):
                failed, rows = rows, LATER
            if isinstance(rows, str):
                left[file.name] = rows
            else:
                read[file.name] = rows
        return read, left, failed

    def _rows(self, file: File) -> AnyReport | Unknown | str:
        """The rows of one file; or why it is not read now."""
        memory, allowance, name = self._memory, self.client.allowance, file.name
        as_listed, rows = memory.untaken.get(name, (None, None))
        if rows is not None and as_listed == file:
            return rows
        size = file.size_bytes or 0
        if size > platform.MOST_BYTES:
            return LARGE
        ago = allowance.since(self.description.name, name)
        if ago is not None and ago < self._pause(name):
            return memory.failed.get(name, LATER)
        if not allowance.may(size):
            return SPENT
        return self._fetch(file, size)

    def _pause(self, name: str) -> timedelta:
        """How long after it was read last a file is left alone."""
        return AGAIN if name in self._memory.failed else max(self.settings.every, SELDOM)

    def _fetch(self, file: File, size: int) -> AnyReport | Unknown | str:
        memory, allowance, watch, name = self._memory, self.client.allowance, self.description.name, file.name
        with platform.one_of_few(size) as may:
            if not may:
                return LATER
            path = f"{memory.folder.strip('/')}/{name}"
            known, is_raw = memory.known.get(name), memory.is_raw
            rows = platform.read(self.client, path, size=size, known=known, is_raw=is_raw)
        if isinstance(rows, Unknown):
            if not rows.is_unsent:
                allowance.charge(watch, size)
            memory.failed.pop(name, None)
            if rows.failure not in OF_EVERYTHING:
                allowance.began(watch, name)
                memory.failed[name] = rows
            memory.is_raw = False
            return rows
        allowance.began(watch, name)
        allowance.charge(watch, rows.size)
        memory.failed.pop(name, None)
        memory.is_raw = rows.form == platform.RAW and size <= platform.MOST_RENDERED
        memory.untaken[name] = file, rows
        if len(rows) >= WORTH_KNOWING:
            memory.known[name] = rows.known
        return rows

    def _forget(self, found: platform.Series) -> None:
        """What is not there any more."""
        names = {one.name for one in found.files}
        memory = self._memory
        memory.known = {name: one for name, one in memory.known.items() if name in names}
        memory.failed = {name: one for name, one in memory.failed.items() if name in names}
        memory.untaken = {name: one for name, one in memory.untaken.items() if name in names}
        self.client.allowance.forget(self.description.name, names)

    def _say(self, left: Mapping[str, str]) -> None:
        """To the log, once, that no more is read today."""
        is_spent = SPENT in left.values()
        if is_spent and not self._memory.is_spent:
            log.warning(
                "report.allowance_spent",
                system=self.description.system,
                watch=self.description.name,
                files=[name for name, why in left.items() if why == SPENT],
            )
        self._memory.is_spent = is_spent


def _listed_as(file: File) -> tuple[str, int | None, str | None, str | None]:
    return file.name, file.size_bytes, file.modified, file.unique_id


def rows(system: SystemSettings) -> Iterator[Row]:
    for report in system.reports:
        name = reports.subject(report.path, report.file)
        question = platform.rendered(f"{report.path}/{report.file}")
        costs = cost("GetIVR2Dir", report.every, most_bytes=MOST_A_DAY)
        finds = {"a row": NOTHING}
        told = described(
            system, name, question, report.every, finds, costs=costs, at_most_every=SELDOM, about=name
        )
        yield told, partial(Report, settings=report, description=told)
