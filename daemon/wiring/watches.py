"""From a system's configuration to its watches: one table row for each kind.

A kind is how to ask (`yemot.client`), how to read the answer (`yemot.answers`), and how to compare it
(`core`). The poller walks the same road with all of them.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
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
from daemon.core.alerts.life import Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Change, Rule, Unknown
from daemon.core.watches import directories, flapping, pirsumphone, queues, registrations, sip, sms, units
from daemon.core.watches.watch import Watch
from daemon.wiring.clients import client_of
from daemon.yemot import answers
from daemon.yemot.client import Client

MOST = sms.MAX_LIMIT


def watches(system: SystemSettings, client: Client, zone: ZoneInfo) -> list[Watch]:
    """All watches of one system, in the order of product.md."""
    return list(_watches(system, client, zone))


def plan(system: SystemSettings) -> list[Watch]:
    """A system's watches, to be looked at and never polled: the client that they would ask is closed."""
    nobody = client_of(system)
    try:
        return list(_watches(system, nobody, ZoneInfo("UTC")))
    finally:
        nobody.close()


def _watches(system: SystemSettings, client: Client, zone: ZoneInfo) -> Iterator[Watch]:
    api_rule = Rule(system.api.hold, system.api.keep, system.api.severity)
    if system.sms:
        yield _sms(system.name, system.sms, client, zone, api_rule)
    if system.sip:
        yield _sip(system.name, system.sip, client, api_rule)
        for number in system.sip.contexts:
            yield _registrations(system.name, system.sip.contexts_every, number, client, zone, api_rule)
    for queue in system.queues:
        yield _queue(system.name, queue, client, api_rule)
    for directory in system.directories:
        yield _directory(system.name, directory, client, api_rule)
    if system.pirsumphone:
        yield _pirsumphone(system.name, system.pirsumphone, client, api_rule)
    if system.units:
        yield _units(system.name, system.units, client, zone, api_rule)


def _sms(system: str, watch: SmsWatch, client: Client, zone: ZoneInfo, api_rule: Rule) -> Watch:
    is_old = watch.method == "GetSmsIncomingLog"
    ask = client.sms_log if is_old else client.incoming_sms
    parse = answers.sms_log if is_old else answers.incoming_sms

    def read(answer: Any, limit: int = watch.limit) -> sms.Observation | Unknown:
        return parse(answer.data, limit)

    def window(limit: int, start_date: str | None = None) -> sms.Observation | Unknown:
        answer = ask(limit, start_date)
        return answer if isinstance(answer, Unknown) else read(answer, limit)

    def complete(state: sms.State | None, seen: sms.Observation) -> sms.Observation | Unknown:
        """Widen the window until it meets known rows; then ask by date; then let the diff say so."""
        while not sms.reaches(state, seen) and seen.is_full and (limit := sms.wider(seen.limit)):
            wider = window(limit)
            if isinstance(wider, Unknown):
                return wider
            seen = wider
        if state is None or not state.newest or sms.reaches(state, seen):
            return seen
        dated = window(MOST, state.newest)
        return dated if isinstance(dated, sms.Observation) and sms.reaches(state, dated) else seen

    def diff(before: sms.State | None, seen: sms.Observation, when: Seen) -> Change[sms.State]:
        return sms.diff(before, seen, when, zone, is_emitting=watch.initial == "emit")

    return Watch(
        system=system,
        name="sms",
        method=watch.method,
        every=watch.every,
        fetch=partial(ask, watch.limit),
        read=read,
        complete=complete,
        diff=diff,
        dump=sms.dump,
        load=sms.load,
        conditions={"a message": NOTHING},
        api_rule=api_rule,
        is_conclusive=sms.is_conclusive,
    )


def _sip(system: str, watch: SipWatch, client: Client, api_rule: Rule) -> Watch:
    rule = Rule(watch.hold, watch.keep, watch.severity)
    many = sip.Fold(watch.many, watch.many_share)
    window = watch.flapping
    slot = flapping.slot_length(window, watch.every) if window else None

    def diff(before: sip.State | None, seen: sip.Observation, when: Seen) -> Change[sip.State]:
        return sip.diff(
            before, seen, rule, is_emitting=watch.initial == "emit", slot=slot, observed=when.observed
        )

    return Watch(
        system=system,
        name="sip",
        method="GetSipAccountsRegisteredStatus",
        every=watch.every,
        fetch=client.sip_accounts,
        read=lambda answer: answers.sip_accounts(answer.data),
        diff=diff,
        dump=sip.dump,
        load=sip.load,
        conditions={"unregistered": watch.hold},
        api_rule=api_rule,
        fold=lambda state, phases: sip.fold(state, phases, many, watch.severity),
        is_conclusive=lambda seen: bool(seen.registered),
    )


def _registrations(
    system: str, every: timedelta, number: int, client: Client, zone: ZoneInfo, api_rule: Rule
) -> Watch:
    def diff(
        before: registrations.State | None, seen: registrations.Observation, when: Seen
    ) -> Change[registrations.State]:
        return registrations.diff(before, seen, account=number, now=when.at, zone=zone)

    return Watch(
        system=system,
        name=f"sip/{number}",
        method="SipGetContexts",
        every=every,
        fetch=partial(client.sip_contexts, number),
        read=lambda answer: answers.sip_contexts(answer.data),
        diff=diff,
        dump=registrations.dump,
        load=registrations.load,
        conditions={"another address": NOTHING},
        api_rule=api_rule,
        is_conclusive=lambda _seen: False,  # registrations expire without a word
    )


def _queue(system: str, watch: QueueWatch, client: Client, api_rule: Rule) -> Watch:
    thresholds = tuple(
        queues.Threshold(one.metric, one.above, one.below, one.clear, Rule(one.hold, one.keep, one.severity))
        for one in watch.thresholds
    )
    queue = queues.Queue(watch.path, watch.name, thresholds)

    def diff(before: queues.State | None, seen: queues.Observation, _when: Seen) -> Change[queues.State]:
        return queues.diff(before, seen, queue, is_emitting=watch.initial == "emit")

    return Watch(
        system=system,
        name=queue.subject,
        method="GetQueueRealTime",
        every=watch.every,
        fetch=partial(client.queue_state, watch.path),
        read=lambda answer: answers.queue_state(answer.data),
        diff=diff,
        dump=queues.dump,
        load=queues.load,
        conditions={_in_words(one): one.hold for one in watch.thresholds},
        api_rule=api_rule,
    )


def _directory(system: str, watch: DirectoryWatch, client: Client, api_rule: Rule) -> Watch:
    def diff(
        before: directories.State | None, seen: directories.Observation, _when: Seen
    ) -> Change[directories.State]:
        return directories.diff(before, seen, watch.path, is_emitting=watch.initial == "emit")

    return Watch(
        system=system,
        name=directories.subject(watch.path),
        method="GetIVR2DirStats",
        every=watch.every,
        fetch=partial(client.directory_stats, watch.path),
        read=lambda answer: answers.directory(answer.data),
        diff=diff,
        dump=directories.dump,
        load=directories.load,
        conditions={"a recording": NOTHING},
        api_rule=api_rule,
    )


def _pirsumphone(system: str, watch: PirsumPhoneWatch, client: Client, api_rule: Rule) -> Watch:
    def diff(
        before: pirsumphone.State | None, seen: pirsumphone.Observation, _when: Seen
    ) -> Change[pirsumphone.State]:
        return pirsumphone.diff(before, seen, is_emitting=watch.initial == "emit")

    return Watch(
        system=system,
        name="pirsumphone",
        method="PirsumPhoneManagement",
        every=watch.every,
        fetch=client.pirsumphone_status,
        read=lambda answer: answers.pirsumphone(answer.data),
        diff=diff,
        dump=pirsumphone.dump,
        load=pirsumphone.load,
        conditions={"registered or not": NOTHING},
        api_rule=api_rule,
    )


def _units(system: str, watch: UnitsWatch, client: Client, zone: ZoneInfo, api_rule: Rule) -> Watch:
    limit = units.Limit(watch.below, watch.expires_within, Rule(watch.hold, watch.keep, watch.severity))

    def diff(before: units.State | None, seen: units.Observation, when: Seen) -> Change[units.State]:
        return units.diff(before, seen, limit, today(when.at, zone))

    return Watch(
        system=system,
        name="units",
        method="GetSession",
        every=watch.every,
        fetch=client.session,
        read=lambda answer: answers.units(answer.data),
        diff=diff,
        dump=units.dump,
        load=units.load,
        conditions=_units_in_words(watch),
        api_rule=api_rule,
        is_conclusive=lambda _seen: False,  # the date of expiry comes nearer by itself
    )


def _in_words(threshold: ThresholdSettings) -> str:
    if threshold.above is not None:
        return f"{threshold.metric} above {threshold.above:g}"
    return f"{threshold.metric} below {threshold.below:g}"


def _units_in_words(watch: UnitsWatch) -> dict[str, timedelta]:
    limits = {"units below": watch.below, "units expiring": watch.expires_within}
    return {words: watch.hold for words, limit in limits.items() if limit is not None}


def today(moment: datetime, zone: ZoneInfo) -> date:
    """The date that the zone's calendars show."""
    return moment.astimezone(zone).date()
