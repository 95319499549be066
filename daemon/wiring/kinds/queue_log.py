"""The logs of queues: how each caller left, where the platform lets them be read.

A log is a report (`wiring/kinds/reports.py`) whose rows are callers. It is looked for in the queue's own
folder, and then in the system's folder of logs. A key that may not read it is no fault of the API's: then
nothing is known beyond what polls of the queue prove.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import structlog

from daemon.config.reports import ReportWatch
from daemon.config.systems import SystemSettings
from daemon.config.watches import QueueWatch
from daemon.core import missed
from daemon.core.alerts.life import Seen
from daemon.core.allowance import MOST_A_DAY, SELDOM
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Failure, Unknown
from daemon.core.watches import queue_log, queues, reports
from daemon.core.watches.cost import cost
from daemon.core.watches.subjects import Subject
from daemon.core.watches.watch import Answered, Unchanged
from daemon.wiring.kinds.kind import Row, described
from daemon.wiring.kinds.reports import Report
from daemon.yemot import reports as platform

log = structlog.get_logger()


@dataclass
class _Said:
    """What was said once to the log."""

    is_refused: bool = False


@dataclass(frozen=True)
class QueueLog(Report):
    """The log of one queue."""

    queue: QueueWatch
    _said: _Said = field(default_factory=_Said, init=False, repr=False, compare=False)

    def ask(
        self, known: bytes | None, before: Callable[[], reports.State | None]
    ) -> Answered[reports.Observation] | Unchanged | Unknown:
        answer = super().ask(known, before)
        if isinstance(answer, Unknown) and answer.failure is Failure.REFUSED:
            if not self._said.is_refused:
                log.warning(
                    "queue_log.refused",
                    system=self.description.system,
                    watch=self.description.name,
                    message=answer.message,
                )
            self._said.is_refused = True
            return Unchanged()
        return answer

    def series(self) -> tuple[str, platform.Series | Unknown]:
        found = self.client.read(platform.series(self.queue.path, queue_log.FILE))
        if not isinstance(found, Unknown) and found.files:
            return self.queue.path, found
        common = self.client.read(platform.series(queue_log.FOLDER, queue_log.FILE))
        if isinstance(common, Unknown) and not isinstance(found, Unknown):
            return self.queue.path, found
        return queue_log.FOLDER, common

    @cached_property
    def _report(self) -> reports.Report:
        return replace(super()._report, dialled=queue_log.DIALLED)

    def diff(
        self, before: reports.State | None, seen: reports.Observation, when: Seen
    ) -> Change[reports.State]:
        change = super().diff(before, seen, when)
        queue = queues.Queue(self.queue.path, self.queue.name, ())
        return replace(change, facts=tuple(queue_log.told(change.facts, queue, when.at, self.zone)))

    def subjects(self, seen: reports.Observation, change: Change[reports.State], when: Seen) -> list[Subject]:
        return []


def row(system: SystemSettings, line: QueueWatch) -> Row:
    """The log of one queue."""
    every = max(line.every, SELDOM)
    settings = ReportWatch(path=line.path, file=queue_log.FILE, fields=queue_log.FIELDS, every=every)
    question = platform.rendered(f"{line.path}/{queue_log.FILE}")
    finds = {"how callers left": NOTHING}
    told = described(
        system,
        queue_log.watch_name(line.path),
        question,
        every,
        finds,
        costs=cost("GetIVR2Dir", every / 2, most_bytes=MOST_A_DAY),  # two folders, where the first has none
        at_most_every=SELDOM,
        gives=queue_log.GIVES.union(missed.EVENTS.names),
        about=queues.subject(line.path),
    )
    return told, partial(QueueLog, settings=settings, description=told, queue=line)
