"""`[systems.units]`: the prepaid balance."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from daemon.config.systems import SystemSettings
from daemon.config.watches import UnitsWatch
from daemon.core.alerts.life import Seen
from daemon.core.model import Change, Rule
from daemon.core.watches import queues, units
from daemon.core.watches.subjects import Subject
from daemon.wiring.kinds.kind import OneQuestion, Row, described, today
from daemon.yemot import reads


@dataclass(frozen=True)
class Units(OneQuestion[units.State, units.Observation]):
    """The prepaid balance: whether it is low, or about to expire."""

    settings: UnitsWatch

    kept_as = units.Observation
    dump = staticmethod(units.dump)
    load = staticmethod(units.load)
    saw = staticmethod(units.saw)

    def diff(self, before: units.State | None, seen: units.Observation, when: Seen) -> Change[units.State]:
        return units.diff(before, seen, self._limit(), today(when.at, self.zone))

    def subjects(self, seen: units.Observation, change: Change[units.State], when: Seen) -> list[Subject]:
        return units.subjects(seen, change, self._limit(), today(when.at, self.zone))

    def _limit(self) -> units.Limit:
        settings = self.settings
        rule = Rule(settings.hold, settings.keep, settings.severity)
        return units.Limit(settings.below, settings.expires_within, rule)

    def thresholds(self) -> tuple[queues.Threshold, ...]:
        limit = self._limit()
        below = limit.below
        return () if below is None else (queues.Threshold("balance", None, below, below, limit.rule),)

    def is_conclusive(self, seen: units.Observation) -> bool:
        return False  # the date of expiry comes nearer by itself


def rows(system: SystemSettings) -> Iterator[Row]:
    if balance := system.units:
        limits = {"units below": balance.below, "units expiring": balance.expires_within}
        finds = {words: balance.hold for words, limit in limits.items() if limit is not None}
        make = partial(Units, question=reads.units(), settings=balance)
        yield described(system, units.SUBJECT, reads.units(), balance.every, finds), make
