"""From a system's configuration to its watches: one row and one class for each kind.

A kind is what it asks (`yemot/reads.py`), how it compares the answer (`core/watches`), and what the
configuration says of both. The poller walks the same road with all of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from daemon.config.systems import SystemSettings
from daemon.config.watches import (
    DirectoryWatch,
    PirsumPhoneWatch,
    QueueWatch,
    SipWatch,
    SmsWatch,
    ThresholdSettings,
    UnitsWatch,
)
from daemon.core.alerts.life import Phase, Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Condition, Rule, Unknown
from daemon.core.watches import directories, flapping, pirsumphone, queues, registrations, sip, sms, units
from daemon.core.watches.watch import Answered, AnyKind, AnyWatch, Description, Unchanged, Watch, WatchKind
from daemon.yemot import reads
from daemon.yemot.client import Client
from daemon.yemot.reads import Read

Make = Callable[[Client, ZoneInfo], AnyKind]
"""A kind, once it is known whom it asks, and whose days and hours the answers name."""


def plan(system: SystemSettings) -> list[Description]:
    """What is watched of a system, without anybody to ask."""
    return [description for description, _ in _rows(system)]


def watches(system: SystemSettings, client: Client, zone: ZoneInfo) -> list[AnyWatch]:
    """The same, to be polled."""
    return [Watch(description, make(client, zone)) for description, make in _rows(system)]


def _rows(system: SystemSettings) -> Iterator[tuple[Description, Make]]:
    """Each watch: its name, the method that it asks, how often, what it finds and how long that must last."""
    if log := system.sms:
        yield _of(system, "sms", log.method, log.every, {"a message": NOTHING}), partial(Sms, log)
    if system.sip:
        yield from _sip_rows(system, system.sip)
    for line in system.queues:
        name, finds = queues.subject(line.path), {_in_words(one): one.hold for one in line.thresholds}
        yield _of(system, name, "GetQueueRealTime", line.every, finds), partial(Queue, line)
    for folder in system.directories:
        name, finds = directories.subject(folder.path), {"a recording": NOTHING}
        yield _of(system, name, "GetIVR2DirStats", folder.every, finds), partial(Directory, folder)
    if service := system.pirsumphone:
        name, finds = pirsumphone.SUBJECT, {"registered or not": NOTHING}
        yield _of(system, name, "PirsumPhoneManagement", service.every, finds), partial(PirsumPhone, service)
    if balance := system.units:
        limits = {"units below": balance.below, "units expiring": balance.expires_within}
        finds = {words: balance.hold for words, limit in limits.items() if limit is not None}
        yield _of(system, units.SUBJECT, "GetSession", balance.every, finds), partial(Units, balance)


def _sip_rows(system: SystemSettings, phones: SipWatch) -> Iterator[tuple[Description, Make]]:
    finds = {"unregistered": phones.hold}
    yield _of(system, "sip", "GetSipAccountsRegisteredStatus", phones.every, finds), partial(Sip, phones)
    for number in phones.contexts:
        name, finds = f"sip/{number}", {"another address": NOTHING}
        row = _of(system, name, "SipGetContexts", phones.contexts_every, finds)
        yield row, partial(Registrations, number)


def _of(
    system: SystemSettings, name: str, method: str, every: timedelta, finds: Mapping[str, timedelta]
) -> Description:
    api_rule = Rule(system.api.hold, system.api.keep, system.api.severity)
    return Description(system.name, name, method, every, finds, api_rule)


@dataclass(frozen=True)
class Sms(WatchKind[sms.State, sms.Observation]):
    """Incoming messages: the log shows a window of them, which has to meet what is known."""

    settings: SmsWatch
    client: Client
    zone: ZoneInfo

    dump = staticmethod(sms.dump)
    load = staticmethod(sms.load)

    def ask(
        self, known: bytes | None, before: Callable[[], sms.State | None]
    ) -> Answered[sms.Observation] | Unchanged | Unknown:
        answer = self.client.poll(self._window(self.settings.limit), known)
        if not isinstance(answer, Answered):
            return answer
        seen = self._complete(before(), answer.seen)
        return seen if isinstance(seen, Unknown) else Answered(seen, answer.digest)

    def diff(self, before: sms.State | None, seen: sms.Observation, when: Seen) -> Change[sms.State]:
        return sms.diff(before, seen, when, self.zone, is_emitting=self.settings.initial == "emit")

    def is_conclusive(self, seen: sms.Observation) -> bool:
        return sms.is_conclusive(seen)

    def _complete(self, state: sms.State | None, seen: sms.Observation) -> sms.Observation | Unknown:
        """Widen the window until it meets known rows; then ask by date; then let the diff say so."""
        while not sms.reaches(state, seen) and seen.is_full and (limit := sms.wider(seen.limit)):
            wider = self.client.read(self._window(limit))
            if isinstance(wider, Unknown):
                return wider
            seen = wider
        if state is None or not state.newest or sms.reaches(state, seen):
            return seen
        dated = self.client.read(self._window(sms.MAX_LIMIT, state.newest))
        return dated if isinstance(dated, sms.Observation) and sms.reaches(state, dated) else seen

    def _window(self, limit: int, start_date: str | None = None) -> Read[sms.Observation]:
        is_old = self.settings.method == "GetSmsIncomingLog"
        return (reads.sms_log if is_old else reads.incoming_sms)(limit, start_date)


@dataclass(frozen=True)
class Sip(WatchKind[sip.State, sip.Observation]):
    """SIP accounts: which are on the network, and how many at once are not."""

    settings: SipWatch
    client: Client
    _zone: ZoneInfo

    dump = staticmethod(sip.dump)
    load = staticmethod(sip.load)

    def ask(
        self, known: bytes | None, before: Callable[[], sip.State | None]
    ) -> Answered[sip.Observation] | Unchanged | Unknown:
        return self.client.poll(reads.sip_accounts(), known)

    def diff(self, before: sip.State | None, seen: sip.Observation, when: Seen) -> Change[sip.State]:
        settings = self.settings
        return sip.diff(
            before,
            seen,
            Rule(settings.hold, settings.keep, settings.severity),
            is_emitting=settings.initial == "emit",
            slot=flapping.slot_length(settings.flapping, settings.every) if settings.flapping else None,
            observed=when.observed,
        )

    def fold(self, state: sip.State, phases: Mapping[str, Phase]) -> list[Condition]:
        settings = self.settings
        return sip.fold(state, phases, sip.Fold(settings.many, settings.many_share), settings.severity)

    def is_conclusive(self, seen: sip.Observation) -> bool:
        return bool(seen.registered)


@dataclass(frozen=True)
class Registrations(WatchKind[registrations.State, registrations.Observation]):
    """The registrations of one SIP account: from which address, by which program."""

    number: int
    client: Client
    zone: ZoneInfo

    dump = staticmethod(registrations.dump)
    load = staticmethod(registrations.load)

    def ask(
        self, known: bytes | None, before: Callable[[], registrations.State | None]
    ) -> Answered[registrations.Observation] | Unchanged | Unknown:
        return self.client.poll(reads.sip_contexts(self.number), known)

    def diff(
        self, before: registrations.State | None, seen: registrations.Observation, when: Seen
    ) -> Change[registrations.State]:
        return registrations.diff(before, seen, account=self.number, now=when.at, zone=self.zone)

    def is_conclusive(self, seen: registrations.Observation) -> bool:
        return False  # registrations expire without a word


@dataclass(frozen=True)
class Queue(WatchKind[queues.State, queues.Observation]):
    """A queue as it is now: its callers, its agents, its thresholds."""

    settings: QueueWatch
    client: Client
    _zone: ZoneInfo

    dump = staticmethod(queues.dump)
    load = staticmethod(queues.load)

    def ask(
        self, known: bytes | None, before: Callable[[], queues.State | None]
    ) -> Answered[queues.Observation] | Unchanged | Unknown:
        return self.client.poll(reads.queue_state(self.settings.path), known)

    def diff(self, before: queues.State | None, seen: queues.Observation, when: Seen) -> Change[queues.State]:
        thresholds = tuple(map(_threshold, self.settings.thresholds))
        queue = queues.Queue(self.settings.path, self.settings.name, thresholds)
        return queues.diff(before, seen, queue, is_emitting=self.settings.initial == "emit")


@dataclass(frozen=True)
class Directory(WatchKind[directories.State, directories.Observation]):
    """A folder of recordings: whether there is a new one."""

    settings: DirectoryWatch
    client: Client
    _zone: ZoneInfo

    dump = staticmethod(directories.dump)
    load = staticmethod(directories.load)

    def ask(
        self, known: bytes | None, before: Callable[[], directories.State | None]
    ) -> Answered[directories.Observation] | Unchanged | Unknown:
        return self.client.poll(reads.directory_stats(self.settings.path), known)

    def diff(
        self, before: directories.State | None, seen: directories.Observation, when: Seen
    ) -> Change[directories.State]:
        is_emitting = self.settings.initial == "emit"
        return directories.diff(before, seen, self.settings.path, is_emitting=is_emitting)


@dataclass(frozen=True)
class PirsumPhone(WatchKind[pirsumphone.State, pirsumphone.Observation]):
    """Whether the system is registered to PirsumPhone."""

    settings: PirsumPhoneWatch
    client: Client
    _zone: ZoneInfo

    dump = staticmethod(pirsumphone.dump)
    load = staticmethod(pirsumphone.load)

    def ask(
        self, known: bytes | None, before: Callable[[], pirsumphone.State | None]
    ) -> Answered[pirsumphone.Observation] | Unchanged | Unknown:
        return self.client.poll(reads.pirsumphone_status(), known)

    def diff(
        self, before: pirsumphone.State | None, seen: pirsumphone.Observation, when: Seen
    ) -> Change[pirsumphone.State]:
        return pirsumphone.diff(before, seen, is_emitting=self.settings.initial == "emit")


@dataclass(frozen=True)
class Units(WatchKind[units.State, units.Observation]):
    """The prepaid balance: whether it is low, or about to expire."""

    settings: UnitsWatch
    client: Client
    zone: ZoneInfo

    dump = staticmethod(units.dump)
    load = staticmethod(units.load)

    def ask(
        self, known: bytes | None, before: Callable[[], units.State | None]
    ) -> Answered[units.Observation] | Unchanged | Unknown:
        return self.client.poll(reads.units(), known)

    def diff(self, before: units.State | None, seen: units.Observation, when: Seen) -> Change[units.State]:
        settings = self.settings
        rule = Rule(settings.hold, settings.keep, settings.severity)
        limit = units.Limit(settings.below, settings.expires_within, rule)
        return units.diff(before, seen, limit, today(when.at, self.zone))

    def is_conclusive(self, seen: units.Observation) -> bool:
        return False  # the date of expiry comes nearer by itself


def _threshold(one: ThresholdSettings) -> queues.Threshold:
    return queues.Threshold(
        one.metric, one.above, one.below, one.clear, Rule(one.hold, one.keep, one.severity)
    )


def _in_words(threshold: ThresholdSettings) -> str:
    if threshold.above is not None:
        return f"{threshold.metric} above {threshold.above:g}"
    return f"{threshold.metric} below {threshold.below:g}"


def today(moment: datetime, zone: ZoneInfo) -> date:
    """The date that the zone's calendars show."""
    return moment.astimezone(zone).date()
