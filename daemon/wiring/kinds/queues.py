"""`[[systems.queues]]`: who waits, who answers, and thresholds of that."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from functools import partial

from daemon.config.systems import SystemSettings
from daemon.config.watches import QueueWatch
from daemon.core.alerts.life import Seen
from daemon.core.model import Change
from daemon.core.watches import queues
from daemon.core.watches.subjects import Subject
from daemon.wiring.kinds.kind import OneQuestion, Row, described, today
from daemon.yemot import reads


@dataclass(frozen=True)
class Queue(OneQuestion[queues.State, queues.Observation]):
    """A queue as it is now: its callers, its agents, its thresholds."""

    settings: QueueWatch

    kept_as = queues.Observation
    dump = staticmethod(queues.dump)
    load = staticmethod(queues.load)
    saw = staticmethod(queues.saw)

    def diff(self, before: queues.State | None, seen: queues.Observation, when: Seen) -> Change[queues.State]:
        is_emitting = self.settings.initial == "emit"
        return queues.diff(before, seen, self._queue(), when, self.zone, is_emitting=is_emitting)

    def day_of_callers(self, now: datetime) -> datetime | None:
        if not self.settings.log:
            return None
        return datetime.combine(today(now, self.zone), time.min, self.zone).astimezone(now.tzinfo)

    def subjects(self, seen: queues.Observation, change: Change[queues.State], when: Seen) -> list[Subject]:
        return queues.subjects(seen, change, self._queue())

    def _queue(self) -> queues.Queue:
        settings = self.settings
        return queues.Queue(settings.path, settings.name, self.thresholds(), settings.every)

    def thresholds(self) -> tuple[queues.Threshold, ...]:
        return tuple(one.threshold for one in self.settings.thresholds)


def rows(system: SystemSettings) -> Iterator[Row]:
    for line in system.queues:
        name, question = queues.subject(line.path), reads.queue_state(line.path)
        finds = {in_words(one.threshold): one.hold for one in line.thresholds}
        make = partial(Queue, question=question, settings=line)
        yield described(system, name, question, line.every, finds, about=name), make
        if line.log:
            from daemon.wiring.kinds import queue_log  # noqa: PLC0415 - it brings the reading of reports

            yield queue_log.row(system, line)


def in_words(threshold: queues.Threshold) -> str:
    """What is found: `calls_waiting above 5`."""
    if threshold.above is not None:
        return f"{threshold.metric} above {threshold.above:g}"
    return f"{threshold.metric} below {threshold.below:g}"
