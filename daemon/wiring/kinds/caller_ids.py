"""`[systems.caller_ids]`: approvals of caller ids that end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from daemon.config.approvals import CallerIdsWatch
from daemon.config.systems import SystemSettings
from daemon.core.alerts.life import Seen
from daemon.core.model import Change, Rule, Unknown
from daemon.core.watches import caller_ids
from daemon.core.watches.subjects import Subject
from daemon.core.watches.watch import Answered, Unchanged
from daemon.wiring.kinds.kind import OneQuestion, Row, described, today
from daemon.yemot import customer

NAME = "caller_ids"


@dataclass(frozen=True)
class CallerIds(OneQuestion[caller_ids.State, caller_ids.Observation]):
    """Approvals of caller ids: which of them end soon."""

    settings: CallerIdsWatch

    kept_as = caller_ids.Observation
    dump = staticmethod(caller_ids.dump)
    load = staticmethod(caller_ids.load)
    saw = staticmethod(caller_ids.saw)

    def ask(
        self, known: bytes | None, before: Callable[[], caller_ids.State | None]
    ) -> Answered[caller_ids.Observation] | Unchanged | Unknown:
        """Where a known number is not listed any more, whether it is approved is asked for itself."""
        answer = super().ask(known, before)
        if not isinstance(answer, Answered) or not caller_ids.missing(before(), answer.seen):
            return answer
        still = self.client.read(customer.approved_caller_ids())
        seen = replace(answer.seen, still=None if isinstance(still, Unknown) else still)
        return Answered(seen, answer.digest)

    def diff(
        self, before: caller_ids.State | None, seen: caller_ids.Observation, when: Seen
    ) -> Change[caller_ids.State]:
        return caller_ids.diff(before, seen, self._limit(), today(when.at, self.zone))

    def subjects(
        self, seen: caller_ids.Observation, change: Change[caller_ids.State], when: Seen
    ) -> list[Subject]:
        return caller_ids.subjects(seen, change, self._limit(), today(when.at, self.zone))

    def is_conclusive(self, seen: caller_ids.Observation) -> bool:
        return False  # the day comes nearer by itself

    def _limit(self) -> caller_ids.Limit:
        settings = self.settings
        rule = Rule(settings.hold, settings.keep, settings.severity)
        return caller_ids.Limit(settings.expires_within, rule)


def rows(system: SystemSettings) -> Iterator[Row]:
    if approvals := system.caller_ids:
        question, finds = customer.caller_ids(), {"caller id expiring": approvals.hold}
        make = partial(CallerIds, question=question, settings=approvals)
        yield described(system, NAME, question, approvals.every, finds), make
