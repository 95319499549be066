"""`[systems.sms_units]`: the balance for SMS."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from daemon.config.approvals import SmsUnitsWatch
from daemon.config.systems import SystemSettings
from daemon.core.alerts.life import Seen
from daemon.core.model import Change, Rule
from daemon.core.watches import queues, sms_units
from daemon.core.watches.subjects import Subject
from daemon.wiring.kinds.kind import OneQuestion, Row, described
from daemon.yemot import customer


@dataclass(frozen=True)
class SmsUnits(OneQuestion[sms_units.State, sms_units.Observation]):
    """The balance for SMS: whether it is low."""

    settings: SmsUnitsWatch

    kept_as = sms_units.Observation
    dump = staticmethod(sms_units.dump)
    load = staticmethod(sms_units.load)
    saw = staticmethod(sms_units.saw)

    def diff(
        self, before: sms_units.State | None, seen: sms_units.Observation, when: Seen
    ) -> Change[sms_units.State]:
        return sms_units.diff(before, seen, self._limit())

    def subjects(
        self, seen: sms_units.Observation, change: Change[sms_units.State], when: Seen
    ) -> list[Subject]:
        return sms_units.subjects(seen, change, self._limit())

    def is_conclusive(self, seen: sms_units.Observation) -> bool:
        return False  # nothing of an answer with passwords is remembered, not even whether it was the same

    def thresholds(self) -> tuple[queues.Threshold, ...]:
        limit = self._limit()
        return (queues.Threshold("balance", None, limit.below, limit.below, limit.rule),)

    def _limit(self) -> sms_units.Limit:
        settings = self.settings
        return sms_units.Limit(settings.below, Rule(settings.hold, settings.keep, settings.severity))


def rows(system: SystemSettings) -> Iterator[Row]:
    if balance := system.sms_units:
        question, finds = customer.sms_units(), {"SMS units below": balance.hold}
        make = partial(SmsUnits, question=question, settings=balance)
        yield described(system, sms_units.SUBJECT, question, balance.every, finds), make
