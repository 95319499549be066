"""How it stands, in sentences: what is wrong, what is not known, what is held back; the worst first.

Wrong is what is seen to be so: a phone that is not registered, an endpoint that takes nothing, a store that
cannot be written. Not known is what nobody sees: since the API does not answer, since it is left alone for a
while, since the daemon has only started. Only where there is neither, all is well. What waits is said, too.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from markupsafe import Markup

from daemon.core.delivery.breaker import DisabledBy, Health
from daemon.core.event_types import KINDS
from daemon.core.model import Failure, Severity
from daemon.core.own_events import FAILING, MISCONFIGURED
from daemon.core.routing.ledger import Hold, Told
from daemon.core.routing.ledger import Standing as LedgerStanding
from daemon.core.routing.plan import DAEMON, endpoint_subject
from daemon.core.watches import api, sip
from daemon.schemas.documents import AlertStatus, Endpoint
from daemon.schemas.status import SetAside, Status, SystemStatus
from daemon.schemas.subjects import SubjectStatus
from daemon.store.views import ToldAlert
from daemon.web.page.sentences import LISTED, Sentences, clipped, path_of
from daemon.web.page.visitors import joined

WELL, WRONG, UNKNOWN, HELD = "well", "wrong", "unknown", "held"
MOST = 40
"""Sentences at once; there are more only where very much is wrong."""
LATE = 60
"""Seconds; what waits for a healthy endpoint for longer than that is worth a word."""
TELLING = (Hold.SILENCED, Hold.BLIND, Hold.ESCALATION, Hold.QUIET)
"""What holds an incident back from somebody who would hear of it: said beside how it stands."""
SEVERITIES = tuple(one.value for one in Severity)
COUNTED = (
    "api",
    "sip",
    "queue",
    "units",
    "sms_units",
    "caller_id",
    "pirsumphone",
    "directory",
    "report",
    "sms",
)
"""Kinds, in the order in which a sentence has them."""
REPEATED = frozenset({sip.MANY.fires, FAILING.fires, MISCONFIGURED.fires})
"""Alerts of which other sentences say the same."""


@dataclass(frozen=True)
class Line:
    """One sentence."""

    state: str
    rank: int
    """The worst first."""
    said: Markup
    about: frozenset[tuple[str, str]] = frozenset()
    """Whose alerts these are, by system and subject."""
    told: Markup | None = None
    """Who was told of it."""


@dataclass(frozen=True)
class Standing:
    """How it stands."""

    state: str
    said: Markup
    """The sentence above all others."""
    more: Sequence[Line]
    told: Markup | None = None
    """Who was told of what the first sentence says."""


@dataclass(frozen=True)
class Look:
    """What is looked at."""

    status: Status
    endpoints: Sequence[Endpoint]
    alerts: Sequence[ToldAlert] = ()


@dataclass(frozen=True)
class _Group:
    system: str
    ones: list[SubjectStatus]

    @property
    def since(self) -> str | None:
        return min((one.since for one in self.ones if one.since), default=None)


class Teller:
    """Makes sentences of one look."""

    def __init__(self, look: Look, say: Sentences) -> None:
        self._look = look
        self._status = look.status
        self._say = say
        self._words = say.words
        self._time = say.writing.time

    def standing(self) -> Standing:
        """How it stands."""
        lines = sorted(self._lines(), key=attrgetter("rank"))
        state = next((each for each in (WRONG, UNKNOWN) if any(one.state == each for one in lines)), WELL)
        if state == WELL:
            return Standing(state, self._well(), lines[:MOST])
        first = next(one for one in lines if one.state == state)
        more = [self._with_told(one) for one in lines if one is not first][:MOST]
        return Standing(state, first.said, more, self._told(first))

    def _lines(self) -> Iterable[Line]:
        yield from self._store()
        yield from self._endpoints()
        yield from self._set_aside()
        for system in self._status.systems:
            yield from self._wrong(system)
            yield from self._blind(system)
        yield from self._other_alerts()
        yield from self._not_seen()
        yield from self._held()
        yield from self._members()

    def _with_told(self, line: Line) -> Line:
        return replace(line, told=self._told(line))

    def _told(self, line: Line) -> Markup | None:
        """Who was told of what fires; None, where nothing does."""
        fired = [
            one
            for one in self._look.alerts
            if one.alert.incident and (one.alert.system, one.alert.subject) in line.about
        ]
        if not fired:
            return None
        fates: dict[str, list[Markup]] = defaultdict(list)
        for endpoint in self._look.endpoints:
            fate = _fate([one.told[endpoint.name] for one in fired if endpoint.name in one.told])
            if fate:
                fates[fate].append(self._say.apart(endpoint.name))
        said = [
            self._words.many(f"front.told.{fate}", len(names), names=self._say.joined(names))
            for fate, names in sorted(fates.items())
        ] or [self._words("front.told.nobody")]
        has = dict.fromkeys(one.acknowledged.by for one in fired if one.acknowledged)
        said += [self._words("incidents.acknowledged", by=by) for by in has]
        path = (
            joined(("/incidents/", fired[0].alert.incident or ""))
            if len(fired) == 1
            else "/incidents?state=firing"
        )
        return self._say.anchor(path, Markup("; ").join(said))

    def _well(self) -> Markup:
        kinds = [one.kind for system in self._status.systems for one in system.subjects]
        keys = (
            ("sip", "front.registered"),
            ("queue", "front.watched.queue"),
            ("directory", "front.count.directory"),
        )
        said = [self._words.many(key, kinds.count(kind)) for kind, key in keys if kind in kinds]
        return (
            self._words("front.well.of", counts=self._say.joined(said)) if said else self._words("front.well")
        )

    def counts(self, ones: Iterable[SubjectStatus]) -> Markup:
        """`18 phones, 2 queues`."""
        kinds = [one.kind for one in ones]
        return self._say.joined(
            self._words.many(f"front.count.{kind}", kinds.count(kind)) for kind in COUNTED if kind in kinds
        )

    def _store(self) -> Iterable[Line]:
        store = self._status.store
        if store:
            said = self._words(
                "front.store", time=self._time(store.failing_since), error=clipped(store.error)
            )
            yield Line(WRONG, 0, said)

    # Whom it would be told.

    def _endpoints(self) -> Iterable[Line]:
        configured = [one for one in self._look.endpoints if one.is_configured]
        if not configured:
            yield Line(HELD, 90, self._words("front.no_endpoints"))
        elif all(one.health in (Health.SUSPENDED.value, Health.DISABLED.value) for one in configured):
            yield Line(WRONG, 1, self._words("front.none_told"))
        for one in self._look.endpoints:
            yield from self._endpoint(one)

    def _endpoint(self, one: Endpoint) -> Iterable[Line]:
        path = joined(("/endpoints/", one.name))
        name = self._say.anchor(path, self._say.apart(one.name))
        if one.health != Health.HEALTHY.value:
            yield self._unhealthy(one, name)
        elif one.open and one.oldest_open_at and self._say.writing.since(one.oldest_open_at) > LATE:
            time = self._time(one.oldest_open_at)
            yield Line(HELD, 91, self._words.many("front.backlog", one.open, name=name, time=time))
        if one.dead:
            yield Line(HELD, 92, self._words.many("front.dead", one.dead, name=name))

    def _unhealthy(self, one: Endpoint, name: Markup) -> Line:
        is_by_hand = one.disabled_by == DisabledBy.OPERATOR.value
        key = f"front.endpoint.{one.health}"
        if f"{key}.{one.disabled_by}" in self._words:
            key = f"{key}.{one.disabled_by}"
        if key not in self._words:
            key = "front.endpoint.suspended"
        values = {
            "name": name,
            "time": self._time(one.failing_since or one.since),
            "error": clipped(one.error or "?"),
        }
        said = self._words(key, **values)
        is_to_come = one.not_before and not self._say.writing.since(one.not_before)
        if is_to_come and one.health != Health.DISABLED.value:
            said = self._words("front.next_try", said=said, time=self._time(one.not_before))
        if one.open:
            said = self._words.many("front.waits", one.open, said=said)
        rank = 70 if one.health == Health.DEGRADED.value else 2
        about = frozenset({(DAEMON, endpoint_subject(one.name))})
        return Line(HELD, 90, said) if is_by_hand else Line(WRONG, rank, said, about)

    def _set_aside(self) -> Iterable[Line]:
        for system in self._status.systems:
            for watch in system.watches:
                for one in watch.set_aside:
                    yield self._aside(f"{system.name}/{watch.watch}", one)
        for endpoint in self._status.endpoints:
            for one in endpoint.set_aside:
                yield self._aside(endpoint.name, one)

    def _aside(self, name: str, one: SetAside) -> Line:
        said = {"setting": one.setting, "error": one.error, "instead": one.instead}
        values = {key: clipped(each) for key, each in {"name": name, **said}.items()}
        return Line(WRONG, 75, self._words("front.set_aside", **values))

    # What is seen to be wrong.

    def _wrong(self, system: SystemStatus) -> Iterable[Line]:
        severities = self._severities(system.name)
        for kind in COUNTED:
            down = [one for one in system.subjects if one.kind == kind and self._is_wrong(one)]
            told = [one for one in down if one.why.get("phase") != "pending"]
            if told:
                yield Line(
                    WRONG,
                    min(severities.get(one.subject, 30) for one in told),
                    self._down(system, kind, told),
                    _about(system, told),
                )
            waiting = [one for one in down if one not in told]
            if waiting:
                said = self._words("front.pending", said=self._down(system, kind, waiting))
                yield Line(WRONG, 40, said)
        recovering = [
            one for one in system.subjects if one.state == "up" and one.why.get("phase") == "recovering"
        ]
        yield from self._group(system, "front.recovering", recovering, Line(WRONG, 60, Markup()))
        flapping = [one for one in system.subjects if one.why.get("flapping")]
        yield from self._group(system, "front.flapping", flapping, Line(WRONG, 50, Markup()))

    def _severities(self, system: str) -> dict[str, int]:
        """How bad it is by its alert: from 10 on, by subject."""
        found: dict[str, int] = {}
        for one in self._status.alerts:
            if one.system == system:
                subject = api.API_KEY if one.subject == api.TOKEN_KEY else one.subject
                rank = 10 + SEVERITIES.index(one.severity) if one.severity in SEVERITIES else 20
                found[subject] = min(rank, found.get(subject, rank))
        return found

    def _is_wrong(self, one: SubjectStatus) -> bool:
        """Down; but of an API that does not answer it is not known how things stand."""
        return one.state == "down" and not (one.kind == "api" and not self._is_rejected(one))

    def _is_rejected(self, one: SubjectStatus) -> bool:
        return one.why.get("failure") == Failure.TOKEN_REJECTED.value

    def _down(self, system: SystemStatus, kind: str, ones: list[SubjectStatus]) -> Markup:
        group = _Group(system.name, ones)
        time = self._time(group.since)
        if kind == "api":
            return self._of(system, self._words("front.token", time=time))
        key = f"front.{kind}" if f"front.{kind}.many" in self._words else "front.other"
        if len(ones) == 1:
            return self._of(system, self._one_down(system, key, ones[0], time))
        said = self._words.many(key, len(ones), time=time)
        return self._of(system, self._words("front.named", said=said, names=self._names(system, ones)))

    def _one_down(self, system: SystemStatus, key: str, one: SubjectStatus, time: Markup) -> Markup:
        if key == "front.other":
            why = self._say.why(one) or self._say.state(one)
            return self._words("front.other.one", name=self._say.linked(system.name, one), why=why, time=time)
        name, why = self._say.short(system.name, one), self._crossed(one)
        return self._words.many(key, 1, name=name, why=why, time=time)

    def _crossed(self, one: SubjectStatus) -> Markup:
        return self._say.crossed(one.why) if "metric" in one.why else self._say.state(one)

    def _group(self, system: SystemStatus, key: str, ones: list[SubjectStatus], line: Line) -> Iterable[Line]:
        if ones:
            said = self._words.many(key, len(ones), names=self._names(system, ones))
            yield Line(line.state, line.rank, self._of(system, said), _about(system, ones))

    def _names(self, system: SystemStatus, ones: list[SubjectStatus]) -> Markup:
        names = [self._say.short(system.name, one) for one in ones]
        return self._say.names(names, path_of(system.name) + "?only=unwell")

    def _of(self, system: SystemStatus, said: Markup) -> Markup:
        """With the system's name, where there is more than one."""
        if len(self._status.systems) == 1:
            return said
        name = self._say.anchor(path_of(system.name), self._say.apart(system.name))
        return self._words("front.of_system", system=name, said=said)

    def _blind(self, system: SystemStatus) -> Iterable[Line]:
        """What rang, and is not seen any more."""
        blind = [
            one for one in system.subjects if one.state == "unknown" and one.incident and one.kind != "api"
        ]
        yield from self._group(system, "front.blind", blind, Line(WRONG, 45, Markup()))

    def _other_alerts(self) -> Iterable[Line]:
        """Alerts that are about nothing of the above: of the machine, or of another version's."""
        known = {(system.name, one.subject) for system in self._status.systems for one in system.subjects}
        known |= {(system.name, api.TOKEN_KEY) for system in self._status.systems}
        for one in self._status.alerts:
            is_said = (one.system, one.subject) in known or one.type in REPEATED
            if not is_said and one.phase != "pending":
                yield Line(WRONG, 35, self._alert(one), frozenset({(one.system, one.subject)}))

    def _alert(self, one: AlertStatus) -> Markup:
        key = f"front.alert.{one.type}"
        time = self._time(one.started_at)
        if one.type in KINDS and key in self._words:
            return self._words(key, time=time, subject=clipped(one.subject))
        return self._words(
            "front.alert.other", type=clipped(one.type), time=time, subject=clipped(one.subject)
        )

    # What is not known.

    def _not_seen(self) -> Iterable[Line]:
        systems = self._status.systems
        if not systems:
            yield Line(UNKNOWN, 80, self._words("front.nothing"))
            return
        if not any(one.seen_at for system in systems for one in system.subjects):
            ago = self._say.writing.ago(self._status.started_at)
            yield Line(UNKNOWN, 79, self._words("front.just_started", ago=ago))
        for system in systems:
            if system.paused_until:
                name = self._say.anchor(path_of(system.name), self._say.apart(system.name))
                until = self._time(system.paused_until)
                yield Line(UNKNOWN, 80, self._words("front.paused", name=name, time=until))
            yield from self._unknown(system)
            yield from self._never_answered(system)

    def _never_answered(self, system: SystemStatus) -> Iterable[Line]:
        """Watches of which nothing is known to stand anyhow, for none of their polls was understood yet."""
        seen = {one.subject for one in system.subjects} | {one.kind for one in system.subjects}
        for watch in system.watches:
            if watch.observed_at is None and watch.watch not in seen:
                what = self._say.watch(watch.watch)
                said = self._words("front.unknown.yet", what=what)
                if watch.failure:
                    why = self._say.failure(watch.failure.kind)
                    time = self._time(watch.failure.since)
                    said = self._words("front.unknown.of", time=time, why=why, what=what)
                yield Line(UNKNOWN, 82, self._of(system, said))

    def _unknown(self, system: SystemStatus) -> Iterable[Line]:
        groups: dict[tuple[str, str], list[SubjectStatus]] = defaultdict(list)
        for one in system.subjects:
            if one.state == "unknown" or (one.state == "down" and not self._is_wrong(one)):
                groups[_cause(one)].append(one)
        for (cause, code), ones in groups.items():
            said = self._why_unknown(cause, code, _Group(system.name, ones))
            yield Line(UNKNOWN, 81, self._of(system, said), _about(system, ones))

    def _why_unknown(self, cause: str, code: str, group: _Group) -> Markup:
        what = self._what(group) or self._part(group)
        if group.since is None:
            return self._words("front.unknown.yet", what=what or self._words.many("front.count.api", 1))
        why = self._say.failure(code) if cause == "failure" else self._say.reason(code)
        values = {"time": self._time(group.since), "why": why}
        return (
            self._words("front.unknown.of", what=what, **values)
            if what
            else self._words("front.unknown", **values)
        )

    def _what(self, group: _Group) -> Markup:
        others = [one for one in group.ones if one.kind != "api"]
        if len(others) == 1:
            return self._say.linked(group.system, others[0])
        return self.counts(others)

    def _part(self, group: _Group) -> Markup:
        """Which watches are not answered, where the others are: the API is not away."""
        blind = group.ones[0].why.get("watches")
        of = next(one for one in self._status.systems if one.name == group.system)
        if not isinstance(blind, list) or not 0 < len(blind) < len(of.watches):
            return Markup()
        return self._say.joined(self._say.watch(one) for one in blind[:LISTED])

    # What is held back from whom.

    def _held(self) -> Iterable[Line]:
        held: dict[tuple[str, Hold], int] = defaultdict(int)
        for one in self._look.alerts:
            for endpoint, told in one.told.items():
                if one.alert.incident and told.held_by in TELLING:
                    held[endpoint, told.held_by] += 1
        for (endpoint, hold), many in held.items():
            why = self._words(f"front.hold.{hold.value}")
            name = self._say.anchor(joined(("/endpoints/", endpoint)), self._say.apart(endpoint))
            yield Line(HELD, 93, self._words.many("front.held", many, name=name, why=why))

    # Who of several daemons does not take part: the others do its work, and what is seen stays true.

    def _members(self) -> Iterable[Line]:
        for one in self._status.members:
            name = clipped(one.name)
            if one.silent_since:
                time = self._time(one.silent_since)
                yield Line(HELD, 94, self._words("front.member.silent", name=name, time=time))
            elif not one.is_connected:
                yield Line(HELD, 94, self._words("front.member.gone", name=name))
            elif one.differs:
                yield Line(HELD, 94, self._words("front.member.differs", name=name))


def _about(system: SystemStatus, ones: Iterable[SubjectStatus]) -> frozenset[tuple[str, str]]:
    """Whose alerts these are; of phones also that many are away, and of the API that it rejects the token."""
    subjects = {one.subject for one in ones}
    more = {"sip": {sip.MANY_KEY}, "api": {api.TOKEN_KEY}}
    for kind in {one.kind for one in ones}:
        subjects |= more.get(kind, set())
    return frozenset((system.name, one) for one in subjects)


def _fate(told: Sequence[Told]) -> str:
    """What became of the messages to one endpoint: the best of them; empty, where it was sent none."""
    sent = [one for one in told if one.standing is not LedgerStanding.UNTOLD and not one.is_superseded]
    if any(one.has_heard or not (one.is_lost or one.is_waiting) for one in sent):
        return "heard"
    return "on_its_way" if any(one.is_waiting for one in sent) else "lost" if sent else ""


def _cause(one: SubjectStatus) -> tuple[str, str]:
    """Why it is not known: by a failure, or by another reason; and its code."""
    if "failure" in one.why or one.state == "down":
        return "failure", str(one.why.get("failure", Failure.UNREACHABLE.value))
    return "reason", str(one.why.get("reason", "?"))
