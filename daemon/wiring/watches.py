"""From a system's configuration to its watches: for each kind a class, and the rows that it has.

A kind is what it asks (`yemot/reads.py`), how it compares the answer (`core/watches`), and what the
configuration says of both. The poller walks the same road with all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING
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
from daemon.core.watches.subjects import Subject
from daemon.core.watches.watch import (
    Answered,
    AnyKind,
    AnyWatch,
    Description,
    SeenT,
    StateT,
    Unchanged,
    Watch,
    WatchKind,
)
from daemon.core.wishes import Guard, Kind, Wishes
from daemon.yemot import answers, reads
from daemon.yemot.known_rows import KnownRows
from daemon.yemot.reads import Read

if TYPE_CHECKING:
    # Who only wants to know what is watched needs no HTTP.
    from daemon.yemot.client import Client

Make = Callable[["Client", ZoneInfo], AnyKind]
"""A kind, once it is known whom it asks, and whose days and hours the answers name."""
Row = tuple[Description, Make]


def plan(system: SystemSettings) -> list[Description]:
    """What is watched of a system, without anybody to ask."""
    return [description for description, _ in rows(system)]


def watches(
    system: SystemSettings, client: "Client", zone: ZoneInfo, wishes: Wishes | None = None
) -> list[AnyWatch]:
    """The same, to be polled; `wishes` remember whose polls raise."""
    known = Wishes() if wishes is None else wishes
    return [
        Watch(description, make(client, zone), guard=guard_of(known, description))
        for description, make in rows(system)
    ]


def guard_of(wishes: Wishes, watch: Description) -> Guard:
    """What remembers that polls of a watch raise."""
    return wishes.guard(Kind.WATCH, "/".join(watch.id))


def _of(
    system: SystemSettings,
    name: str,
    question: Read[object],
    every: timedelta,
    finds: Mapping[str, timedelta],
) -> Description:
    """`finds`: in words, with how long it must last to be told."""
    api_rule = Rule(system.api.hold, system.api.keep, system.api.severity)
    return Description(system.name, name, question.method, every, finds, api_rule)


@dataclass(frozen=True)
class OneQuestion(WatchKind[StateT, SeenT]):
    """A kind that asks the same question each time, and once."""

    client: "Client"
    zone: ZoneInfo
    question: Read[SeenT]

    def ask(
        self, known: bytes | None, before: Callable[[], StateT | None]
    ) -> Answered[SeenT] | Unchanged | Unknown:
        return self.client.poll(self.question, known)


@dataclass(frozen=True)
class Sms(WatchKind[sms.State, sms.Observation]):
    """Incoming messages: the log shows a window of them, which has to meet what is known."""

    client: "Client"
    zone: ZoneInfo
    settings: SmsWatch

    dump = staticmethod(sms.dump)
    text = staticmethod(sms.text)
    load = staticmethod(sms.load)

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


def _sms(system: SystemSettings) -> Iterator[Row]:
    if log := system.sms:
        finds = {"a message": NOTHING}
        question = (reads.sms_log if _is_old(log) else reads.incoming_sms)(log.limit)
        yield _of(system, "sms", question, log.every, finds), partial(Sms, settings=log)


@dataclass(frozen=True)
class Sip(OneQuestion[sip.State, sip.Observation]):
    """SIP accounts: which are on the network, and how many at once are not."""

    settings: SipWatch

    dump = staticmethod(sip.dump)
    load = staticmethod(sip.load)

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

    def subjects(self, seen: sip.Observation, change: Change[sip.State], when: Seen) -> list[Subject]:
        return sip.subjects(seen, change.state)

    def is_conclusive(self, seen: sip.Observation) -> bool:
        return bool(seen.registered)


def _sip(system: SystemSettings) -> Iterator[Row]:
    if phones := system.sip:
        question, finds = reads.sip_accounts(), {"unregistered": phones.hold}
        make = partial(Sip, question=question, settings=phones)
        yield _of(system, "sip", question, phones.every, finds), make


@dataclass(frozen=True)
class Registrations(OneQuestion[registrations.State, registrations.Observation]):
    """The registrations of one SIP account: from which address, by which program."""

    number: int

    dump = staticmethod(registrations.dump)
    load = staticmethod(registrations.load)

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
            yield _of(system, f"sip/{number}", question, phones.contexts_every, finds), make


@dataclass(frozen=True)
class Queue(OneQuestion[queues.State, queues.Observation]):
    """A queue as it is now: its callers, its agents, its thresholds."""

    settings: QueueWatch

    dump = staticmethod(queues.dump)
    load = staticmethod(queues.load)

    def diff(self, before: queues.State | None, seen: queues.Observation, when: Seen) -> Change[queues.State]:
        is_emitting = self.settings.initial == "emit"
        return queues.diff(before, seen, self._queue(), when, self.zone, is_emitting=is_emitting)

    def subjects(self, seen: queues.Observation, change: Change[queues.State], when: Seen) -> list[Subject]:
        return queues.subjects(seen, change, self._queue())

    def _queue(self) -> queues.Queue:
        thresholds = tuple(map(_threshold, self.settings.thresholds))
        return queues.Queue(self.settings.path, self.settings.name, thresholds, self.settings.every)


def _queues(system: SystemSettings) -> Iterator[Row]:
    for line in system.queues:
        name, question = queues.subject(line.path), reads.queue_state(line.path)
        finds = {_in_words(one): one.hold for one in line.thresholds}
        make = partial(Queue, question=question, settings=line)
        yield _of(system, name, question, line.every, finds), make


@dataclass(frozen=True)
class Directory(OneQuestion[directories.State, directories.Observation]):
    """A folder of recordings: whether there is a new one."""

    settings: DirectoryWatch

    dump = staticmethod(directories.dump)
    load = staticmethod(directories.load)

    def diff(
        self, before: directories.State | None, seen: directories.Observation, when: Seen
    ) -> Change[directories.State]:
        is_emitting = self.settings.initial == "emit"
        return directories.diff(before, seen, self.settings.path, is_emitting=is_emitting)

    def subjects(
        self, seen: directories.Observation, change: Change[directories.State], when: Seen
    ) -> list[Subject]:
        return directories.subjects(seen, self.settings.path)


def _directories(system: SystemSettings) -> Iterator[Row]:
    for folder in system.directories:
        name, question = directories.subject(folder.path), reads.directory_stats(folder.path)
        make = partial(Directory, question=question, settings=folder)
        yield _of(system, name, question, folder.every, {"a recording": NOTHING}), make


@dataclass(frozen=True)
class PirsumPhone(OneQuestion[pirsumphone.State, pirsumphone.Observation]):
    """Whether the system is registered to PirsumPhone."""

    settings: PirsumPhoneWatch

    dump = staticmethod(pirsumphone.dump)
    load = staticmethod(pirsumphone.load)

    def diff(
        self, before: pirsumphone.State | None, seen: pirsumphone.Observation, when: Seen
    ) -> Change[pirsumphone.State]:
        return pirsumphone.diff(before, seen, is_emitting=self.settings.initial == "emit")

    def subjects(
        self, seen: pirsumphone.Observation, change: Change[pirsumphone.State], when: Seen
    ) -> list[Subject]:
        return pirsumphone.subjects(seen)


def _pirsumphone(system: SystemSettings) -> Iterator[Row]:
    if service := system.pirsumphone:
        question, finds = reads.pirsumphone_status(), {"registered or not": NOTHING}
        make = partial(PirsumPhone, question=question, settings=service)
        yield _of(system, pirsumphone.SUBJECT, question, service.every, finds), make


@dataclass(frozen=True)
class Units(OneQuestion[units.State, units.Observation]):
    """The prepaid balance: whether it is low, or about to expire."""

    settings: UnitsWatch

    dump = staticmethod(units.dump)
    load = staticmethod(units.load)

    def diff(self, before: units.State | None, seen: units.Observation, when: Seen) -> Change[units.State]:
        return units.diff(before, seen, self._limit(), today(when.at, self.zone))

    def subjects(self, seen: units.Observation, change: Change[units.State], when: Seen) -> list[Subject]:
        return units.subjects(seen, change, self._limit(), today(when.at, self.zone))

    def _limit(self) -> units.Limit:
        settings = self.settings
        rule = Rule(settings.hold, settings.keep, settings.severity)
        return units.Limit(settings.below, settings.expires_within, rule)

    def is_conclusive(self, seen: units.Observation) -> bool:
        return False  # the date of expiry comes nearer by itself


def _units(system: SystemSettings) -> Iterator[Row]:
    if balance := system.units:
        limits = {"units below": balance.below, "units expiring": balance.expires_within}
        finds = {words: balance.hold for words, limit in limits.items() if limit is not None}
        make = partial(Units, question=reads.units(), settings=balance)
        yield _of(system, units.SUBJECT, reads.units(), balance.every, finds), make


KINDS = (_sms, _sip, _registrations, _queues, _directories, _pirsumphone, _units)
"""In the order in which a system's watches are shown."""


def rows(system: SystemSettings) -> Iterator[Row]:
    """What is watched of a system, each with how its kind is made."""
    return chain.from_iterable(of_kind(system) for of_kind in KINDS)


def _threshold(one: ThresholdSettings) -> queues.Threshold:
    return queues.Threshold(
        one.metric, one.above, one.below, one.clear, Rule(one.hold, one.keep, one.severity)
    )


def limits(watched: Iterable[AnyWatch]) -> dict[tuple[str, str], tuple[queues.Threshold, ...]]:
    """The thresholds that are in force, by system and watch."""
    found = {}
    for watch in watched:
        if isinstance(watch.kind, Queue):
            found[watch.id] = tuple(map(_threshold, watch.kind.settings.thresholds))
        elif isinstance(watch.kind, Units) and (below := watch.kind.settings.below) is not None:
            settings = watch.kind.settings
            rule = Rule(settings.hold, settings.keep, settings.severity)
            found[watch.id] = (queues.Threshold("balance", None, below, below, rule),)
    return found


def _in_words(threshold: ThresholdSettings) -> str:
    if threshold.above is not None:
        return f"{threshold.metric} above {threshold.above:g}"
    return f"{threshold.metric} below {threshold.below:g}"


def today(moment: datetime, zone: ZoneInfo) -> date:
    """The date that the zone's calendars show."""
    return moment.astimezone(zone).date()
