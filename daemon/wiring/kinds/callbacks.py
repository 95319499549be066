"""`[[systems.callbacks]]`: who is in a queue's own call-back list."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from daemon.config.callbacks import CallbackWatch
from daemon.config.systems import SystemSettings
from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Failure, Unknown
from daemon.core.watches import callbacks, queues
from daemon.core.watches.subjects import Subject
from daemon.core.watches.watch import Answered, Unchanged, WatchKind
from daemon.wiring.kinds.kind import Row, described
from daemon.yemot import callbacks as platform

if TYPE_CHECKING:
    from daemon.yemot.client import Client


@dataclass
class _Memory:
    """What the process remembers between two polls."""

    queue: int | None = None
    """The platform's id of the queue."""


@dataclass(frozen=True)
class Callbacks(WatchKind[callbacks.State, callbacks.Observation]):
    """The list of one queue; which id the queue has there is asked first, and again where it fails."""

    client: "Client"
    zone: ZoneInfo
    settings: CallbackWatch
    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    dump = staticmethod(callbacks.dump)
    load = staticmethod(callbacks.load)
    saw = staticmethod(callbacks.saw)

    def ask(
        self, known: bytes | None, before: Callable[[], callbacks.State | None]
    ) -> Answered[callbacks.Observation] | Unchanged | Unknown:
        if self._memory.queue is None:
            found = self.client.read(platform.queues_with())
            if isinstance(found, Unknown):
                return found
            self._memory.queue = found.get(platform.extension(self.settings.path))
            if self._memory.queue is None:
                return Unknown(Failure.REFUSED, f"the queue {self.settings.path} has no call-back")
        answer = self.client.poll(platform.requests_of(self._memory.queue), known)
        if isinstance(answer, Unknown):
            self._memory.queue = None
        return answer

    def diff(
        self, before: callbacks.State | None, seen: callbacks.Observation, when: Seen
    ) -> Change[callbacks.State]:
        queue = queues.Queue(self.settings.path, self.settings.name, ())
        is_emitting = self.settings.initial == "emit"
        return callbacks.diff(before, seen, queue, when.at, is_emitting=is_emitting)

    def subjects(
        self, seen: callbacks.Observation, change: Change[callbacks.State], when: Seen
    ) -> list[Subject]:
        return callbacks.subjects()


def rows(system: SystemSettings) -> Iterator[Row]:
    for line in system.callbacks:
        name, question = callbacks.watch_name(line.path), platform.requests_of(0)
        finds = {"somebody to be called back": NOTHING}
        told = described(system, name, question, line.every, finds, about=queues.subject(line.path))
        yield told, partial(Callbacks, settings=line)
