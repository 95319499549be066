"""`[systems.sms]`: incoming messages."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from daemon.config.systems import SystemSettings
from daemon.config.watches import SmsWatch
from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Unknown
from daemon.core.watches import sms
from daemon.core.watches.subjects import Subject
from daemon.core.watches.watch import Answered, Unchanged, WatchKind
from daemon.wiring.kinds.kind import Row, described
from daemon.yemot import answers, reads
from daemon.yemot.known_rows import KnownRows
from daemon.yemot.reads import Read

if TYPE_CHECKING:
    from daemon.yemot.client import Client


@dataclass(frozen=True)
class Sms(WatchKind[sms.State, sms.Observation]):
    """Incoming messages: the log shows a window of them, which has to meet what is known."""

    client: "Client"
    zone: ZoneInfo
    settings: SmsWatch

    dump = staticmethod(sms.dump)
    text = staticmethod(sms.text)
    load = staticmethod(sms.load)
    saw = staticmethod(sms.saw)

    def ask(
        self, known: bytes | None, before: Callable[[], sms.State | None]
    ) -> Answered[sms.Observation] | Unchanged | Unknown:
        answer = self.client.poll(self._usual, known)
        if not isinstance(answer, Answered):
            return answer
        seen = self._complete(before(), answer.seen)
        return seen if isinstance(seen, Unknown) else Answered(seen, answer.digest)

    def diff(self, before: sms.State | None, seen: sms.Observation, when: Seen) -> Change[sms.State]:
        change = sms.diff(before, seen, when, self.zone, is_emitting=self.settings.initial == "emit")
        self._known_rows.share(change.state.known)  # what was loaded is as much as all that is remembered
        return change

    def subjects(self, seen: sms.Observation, change: Change[sms.State], when: Seen) -> list[Subject]:
        return sms.subjects()

    def is_conclusive(self, seen: sms.Observation) -> bool:
        return sms.is_conclusive(seen)

    def _complete(self, state: sms.State | None, seen: sms.Observation) -> sms.Observation | Unknown:
        """Widen the window until it meets known rows; then ask by date; then let the diff say so."""
        while not sms.reaches(state, seen) and seen.is_full and (limit := sms.wider(seen.limit)):
            wider = self.client.read(self._window(limit))
            if isinstance(wider, Unknown):
                return wider
            seen = wider
        if state is None or sms.reaches(state, seen) or not state.newest:
            return seen
        dated = self.client.read(self._window(sms.MAX_LIMIT, state.newest))
        return dated if isinstance(dated, sms.Observation) and sms.reaches(state, dated) else seen

    @cached_property
    def _usual(self) -> Read[sms.Observation]:
        return self._window(self.settings.limit)

    def _window(self, limit: int, start_date: str | None = None) -> Read[sms.Observation]:
        read = reads.sms_log if _is_old(self.settings) else reads.incoming_sms
        return read(limit, start_date, decode=self._decode)

    def _decode(self, body: bytes) -> object:
        return self._known_rows.decode(body)

    @cached_property
    def _known_rows(self) -> KnownRows[sms.Entry]:
        """Those of the last answer: nearly all rows of a log were there before."""
        return (answers.known_sms_log if _is_old(self.settings) else answers.known_incoming_sms)()


def _is_old(log: SmsWatch) -> bool:
    return log.method == "GetSmsIncomingLog"


def rows(system: SystemSettings) -> Iterator[Row]:
    if log := system.sms:
        finds = {"a message": NOTHING}
        question = (reads.sms_log if _is_old(log) else reads.incoming_sms)(log.limit)
        yield described(system, "sms", question, log.every, finds), partial(Sms, settings=log)
