"""`[systems.pirsumphone]`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from daemon.config.systems import SystemSettings
from daemon.config.watches import PirsumPhoneWatch
from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change
from daemon.core.watches import pirsumphone
from daemon.core.watches.subjects import Subject
from daemon.wiring.kinds.kind import OneQuestion, Row, described
from daemon.yemot import reads


@dataclass(frozen=True)
class PirsumPhone(OneQuestion[pirsumphone.State, pirsumphone.Observation]):
    """Whether the system is registered to PirsumPhone."""

    settings: PirsumPhoneWatch

    kept_as = pirsumphone.Observation
    dump = staticmethod(pirsumphone.dump)
    load = staticmethod(pirsumphone.load)
    saw = staticmethod(pirsumphone.saw)

    def diff(
        self, before: pirsumphone.State | None, seen: pirsumphone.Observation, when: Seen
    ) -> Change[pirsumphone.State]:
        return pirsumphone.diff(before, seen, is_emitting=self.settings.initial == "emit")

    def subjects(
        self, seen: pirsumphone.Observation, change: Change[pirsumphone.State], when: Seen
    ) -> list[Subject]:
        return pirsumphone.subjects(seen)


def rows(system: SystemSettings) -> Iterator[Row]:
    if service := system.pirsumphone:
        question, finds = reads.pirsumphone_status(), {"registered or not": NOTHING}
        make = partial(PirsumPhone, question=question, settings=service)
        yield described(system, pirsumphone.SUBJECT, question, service.every, finds), make
