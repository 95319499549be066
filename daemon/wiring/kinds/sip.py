"""`[systems.sip]`: which accounts are on the network, and from where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from daemon.config.systems import SystemSettings
from daemon.config.watches import SipWatch
from daemon.core.alerts.life import Phase, Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Condition, Rule
from daemon.core.watches import flapping, registrations, sip
from daemon.core.watches.subjects import Subject
from daemon.wiring.kinds.kind import OneQuestion, Row, described
from daemon.yemot import reads


@dataclass(frozen=True)
class Sip(OneQuestion[sip.State, sip.Observation]):
    """SIP accounts: which are on the network, and how many at once are not."""

    settings: SipWatch

    kept_as = sip.Observation
    dump = staticmethod(sip.dump)
    load = staticmethod(sip.load)
    saw = staticmethod(sip.saw)

    def diff(self, before: sip.State | None, seen: sip.Observation, when: Seen) -> Change[sip.State]:
        settings = self.settings
        return sip.diff(
            before,
            seen,
            Rule(settings.hold, settings.keep, settings.severity),
            is_emitting=settings.initial == "emit",
            slot=flapping.slot_length(settings.flapping, settings.every) if settings.flapping else None,
            observed=when.observed,
            ignored=self._ignored,
        )

    def fold(self, state: sip.State, phases: Mapping[str, Phase]) -> list[Condition]:
        settings = self.settings
        fold = sip.Fold(settings.many, settings.many_share)
        return sip.fold(state, phases, fold, settings.severity, self._ignored)

    def subjects(self, seen: sip.Observation, change: Change[sip.State], when: Seen) -> list[Subject]:
        return sip.subjects(seen, change.state, self._ignored)

    def is_conclusive(self, seen: sip.Observation) -> bool:
        return bool(seen.registered)

    @cached_property
    def _ignored(self) -> frozenset[str]:
        return frozenset(map(sip.ignorable, self.settings.ignore))


def rows(system: SystemSettings) -> Iterator[Row]:
    yield from _accounts(system)
    yield from _registrations(system)


def _accounts(system: SystemSettings) -> Iterator[Row]:
    if phones := system.sip:
        question, finds = reads.sip_accounts(), {"unregistered": phones.hold}
        make = partial(Sip, question=question, settings=phones)
        yield described(system, "sip", question, phones.every, finds, gives=frozenset(sip.EVENTS.names)), make


@dataclass(frozen=True)
class Registrations(OneQuestion[registrations.State, registrations.Observation]):
    """The registrations of one SIP account: from which address, by which program."""

    number: int

    kept_as = registrations.Observation
    dump = staticmethod(registrations.dump)
    load = staticmethod(registrations.load)
    saw = staticmethod(registrations.saw)

    def diff(
        self, before: registrations.State | None, seen: registrations.Observation, when: Seen
    ) -> Change[registrations.State]:
        return registrations.diff(before, seen, account=self.number, now=when.at, zone=self.zone)

    def is_conclusive(self, seen: registrations.Observation) -> bool:
        return False  # registrations expire without a word


def _registrations(system: SystemSettings) -> Iterator[Row]:
    if phones := system.sip:
        for number in phones.contexts:
            question, finds = reads.sip_contexts(number), {"another address": NOTHING}
            make = partial(Registrations, question=question, number=number)
            every, gives = phones.contexts_every, frozenset(registrations.EVENTS.names)
            yield described(system, f"sip/{number}", question, every, finds, gives=gives), make
