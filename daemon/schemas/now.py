"""What is there right now, as JSON: phones that are off, who waits, who answers, units, the last SMS.

Each figure has its age. What was seen too long ago, or could not be seen, is `unknown`: what stands beside it
is how it was then.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, NamedTuple

from pydantic import Field

from daemon.core.commands.following import Followed
from daemon.core.durations import SECOND
from daemon.core.numbers import rounded
from daemon.core.timestamps import from_iso, iso
from daemon.core.watches.agents import AgentState, state_of
from daemon.core.watches.subjects import UNREADABLE, SubjectKind, SubjectState
from daemon.schemas.campaigns import NowCampaign
from daemon.schemas.documents import AT, Document, words
from daemon.schemas.status import StoreStatus
from daemon.schemas.subjects import SubjectStatus

MOST_PHONES, MOST_CALLERS, MOST_AGENTS, MOST_OTHERS = 200, 100, 200, 100
"""That are listed, of one system and of one queue; how many more there are is said."""
MOST_CAMPAIGNS = 50
"""That are listed, of one system."""
Between = tuple[str | None, str]
"""The last look without, and the first with it."""


class NowSeen(Document):
    """How one thing stands, and how old that is."""

    state: str = Field(json_schema_extra=words(SubjectState), examples=["down"])
    since: str | None = Field(description="Of the state", examples=[AT])
    why: dict[str, Any] = Field(description="As in `status`")
    incident: str | None = Field(description="Of its alert that fires", examples=["inc_01M84SM5…"])
    seen_at: str | None = Field(description="When it was really seen last; None: never", examples=[AT])
    age_seconds: float | None = Field(description="Since then")


class NowPhone(NowSeen):
    """A phone that is off, or of which it is not known."""

    subject: str = Field(examples=["sip/0773137770"])
    name: str = Field(description="Its account", examples=["0773137770"])
    changed_between: Between | None = Field(
        description="Of one that is off: the last look that saw it on (None: there was none, or it is not "
        "known any more), and the first that saw it off",
        examples=[["2026-11-23T01:00:33.004Z", "2026-11-23T01:01:03.120Z"]],
    )


class NowPhones(Document):
    """The phones of a system."""

    on: int
    off: int
    unknown: int
    listed: list[NowPhone] = Field(
        description="Those that are off, the latest first; then those not known, with an alert first"
    )
    more: int = Field(description="How many of these are not listed")
    seen_at: str | None = Field(description="When they were last seen; None: never", examples=[AT])
    age_seconds: float | None


class NowCaller(Document):
    """Somebody who waits."""

    phone: str = Field(examples=["0501234567"])
    position: int | None
    waited_seconds: float | None = Field(description="When it was seen")
    since: str | None = Field(description="By that", examples=[AT])


class NowAgent(Document):
    """One agent of a queue."""

    name: str
    state: str = Field(json_schema_extra=words(AgentState), examples=["free"])
    is_paused: bool | None = Field(description="None: not readable")
    device: str | None = Field(description="Asterisk's state of the device, as it came", examples=["1"])
    calls_taken: int | None


class NowQueue(NowSeen):
    """A queue: who waits, and who answers."""

    subject: str = Field(examples=["queue/5"])
    name: str | None = Field(description="By the configuration", examples=["sales"])
    is_current: bool = Field(description="False: what stands here is as it was at `seen_at`, and may be over")
    waiting: int | None = Field(description="None: not known")
    longest_wait_seconds: float | None
    callers: list[NowCaller]
    callers_more: int
    agents: list[NowAgent]
    agents_more: int
    agent_counts: dict[str, int] = Field(
        description="How many agents do what", examples=[{"free": 2, "on_call": 1}]
    )
    unread: list[str] = Field(
        description="`callers`, `agents`: the last answer did not show that list so that it could be read, "
        "and what stands in it is older"
    )


class NowUnits(NowSeen):
    """The prepaid balance."""

    balance: float | None
    expires_on: str | None = Field(examples=["2027-01-31"])
    days_left: int | None = Field(description="When it was seen")


class NowMessage(Document):
    """The last SMS that came in; its text is that of its event."""

    event: str = Field(examples=["evt_01M84SM5…"])
    sender: str = Field(serialization_alias="from", examples=["0501234567"])
    recipient: str = Field(serialization_alias="to")
    received_at: str | None = Field(description="By its own date; None: it has none that can be read")
    seen_at: str = Field(examples=[AT])
    age_seconds: float = Field(description="Since it was seen")


class NowSms(NowSeen):
    """Incoming SMS."""

    last: NowMessage | None
    none_since: str | None = Field(
        description="Where `last` is None: since when none has come in, as far as was looked back. None: ever"
    )


class NowOther(NowSeen):
    """Something else that does not stand well, or of which it is not known."""

    subject: str = Field(examples=["pirsumphone"])
    kind: str = Field(json_schema_extra=words(SubjectKind))
    name: str | None


class NowCampaigns(Document):
    """Campaigns of ours that have not ended."""

    listed: list[NowCampaign] = Field(description="The newest first")
    more: int = Field(description="How many of these are not listed")


class NowSystem(Document):
    """One system."""

    name: str
    api: NowSeen | None = Field(description="Whether Yemot answers; while it does not, nothing else is seen")
    paused_until: str | None = Field(description="Nothing is asked of it before")
    phones: NowPhones | None = Field(description="None: they are not watched")
    queues: list[NowQueue]
    units: NowUnits | None = Field(description="None: they are not watched")
    sms: NowSms | None = Field(description="None: they are not watched")
    campaigns: NowCampaigns | None = Field(default=None, description="None: none is followed")
    others: list[NowOther]
    others_more: int


class NowSums(Document):
    """Of all systems, also of those that are not in this answer."""

    systems: int
    unwell: int = Field(description="In which anything is off, wrong, late or not known")
    phones_off: int
    phones_unknown: int = Field(
        description="Of which an answer did not speak; phones of a watch that is not seen at all are not "
        "counted one by one"
    )


class Now(Document):
    """What is there right now."""

    now: str = Field(examples=[AT])
    process: str | None = Field(
        description="The id of the process that runs; None: none does, or it cannot be known"
    )
    store: StoreStatus | None = Field(description="Since when the database cannot be written; None: it can")
    only: str | None = Field(description="`unwell`: only systems in which something is")
    sums: NowSums
    systems: list[NowSystem]
    next: str | None = Field(description="Pass it as `after` to go on; None: these are all")


class Newest(NamedTuple):
    """The last SMS of one system."""

    message: NowMessage | None
    none_since: datetime | None


class About(NamedTuple):
    """What is known of a system beside how its subjects stand."""

    now: datetime
    paused_until: datetime | None
    watched: Sequence[str]
    """The names of its watches."""
    seen_at: Mapping[str, datetime | None]
    """When each was seen last, by name."""
    changed: Mapping[str, Between]
    """When what their alerts are about last changed, by subject."""
    newest: Newest
    campaigns: Sequence[Followed] = ()
    """Those of ours that are followed, the newest first."""


def system_of(name: str, subjects: Sequence[SubjectStatus], about: About) -> NowSystem:
    """One system, out of its subjects as `status` has them, with details."""
    of_kind: dict[str, list[SubjectStatus]] = {}
    for one in subjects:
        of_kind.setdefault(one.kind, []).append(one)

    def first(kind: SubjectKind) -> SubjectStatus | None:
        return next(iter(of_kind.get(kind.value, ())), None)

    api, units, sms = first(SubjectKind.API), first(SubjectKind.UNITS), first(SubjectKind.SMS)
    known = {one.value for one in (SubjectKind.API, SubjectKind.SIP, SubjectKind.QUEUE, SubjectKind.UNITS)}
    known.add(SubjectKind.SMS.value)
    others = [one for one in subjects if one.kind not in known and one.state != SubjectState.UP.value]
    return NowSystem(
        name=name,
        api=NowSeen(**_seen(api, about)) if api else None,
        paused_until=iso(about.paused_until) if about.paused_until else None,
        phones=_phones(of_kind.get(SubjectKind.SIP.value, []), about) if "sip" in about.watched else None,
        queues=[_queue(one, about) for one in of_kind.get(SubjectKind.QUEUE.value, ())],
        units=_units(units, about) if units else None,
        sms=NowSms(**_seen(sms, about), last=about.newest.message, none_since=_none_since(about.newest))
        if sms
        else None,
        campaigns=_campaigns(about),
        others=[
            NowOther(**_seen(one, about), subject=one.subject, kind=one.kind, name=one.name)
            for one in others[:MOST_OTHERS]
        ],
        others_more=max(len(others) - MOST_OTHERS, 0),
    )


def age(seen_at: str | datetime | None, now: datetime) -> float | None:
    """Seconds since then; never less than none, whatever was done to a clock."""
    at = from_iso(seen_at) if isinstance(seen_at, str) else seen_at
    return None if at is None else max(rounded((now - at) / SECOND), 0)


def _campaigns(about: About) -> NowCampaigns | None:
    if not about.campaigns:
        return None
    listed = [NowCampaign.at(one, about.now) for one in about.campaigns[:MOST_CAMPAIGNS]]
    return NowCampaigns(listed=listed, more=len(about.campaigns) - len(listed))


def _none_since(newest: Newest) -> str | None:
    return iso(newest.none_since) if newest.message is None and newest.none_since else None


def _seen(one: SubjectStatus, about: About) -> dict[str, Any]:
    return {
        "state": one.state,
        "since": one.since,
        "why": one.why,
        "incident": one.incident,
        "seen_at": one.seen_at,
        "age_seconds": age(one.seen_at, about.now),
    }


def _phones(phones: Sequence[SubjectStatus], about: About) -> NowPhones:
    by_state: dict[str, list[SubjectStatus]] = {one.value: [] for one in SubjectState}
    for one in phones:
        by_state[one.state].append(one)
    off, unknown = by_state[SubjectState.DOWN.value], by_state[SubjectState.UNKNOWN.value]
    off.sort(key=lambda one: one.since or "", reverse=True)
    unknown.sort(key=lambda one: one.incident is None)
    shown = [*off, *unknown][:MOST_PHONES]
    seen_at = about.seen_at.get("sip")
    return NowPhones(
        on=len(by_state[SubjectState.UP.value]),
        off=len(off),
        unknown=len(unknown),
        listed=[
            NowPhone(
                **_seen(one, about),
                subject=one.subject,
                name=one.subject.partition("/")[2],
                changed_between=_between(one, about),
            )
            for one in shown
        ],
        more=len(off) + len(unknown) - len(shown),
        seen_at=iso(seen_at) if seen_at else None,
        age_seconds=age(seen_at, about.now),
    )


def _between(one: SubjectStatus, about: About) -> Between | None:
    """The honest interval. An alert that has changed at another time than its subject speaks of another
    change: then only the end is known."""
    if one.state != SubjectState.DOWN.value or one.since is None:
        return None
    changed = about.changed.get(one.subject)
    return changed if changed and changed[1] == one.since else (None, one.since)


def _queue(one: SubjectStatus, about: About) -> NowQueue:
    details, metrics = one.details or {}, one.metrics or {}
    callers, agents = _listed(details, "callers"), _listed(details, "agents")
    seen_at = from_iso(one.seen_at)
    states = [_agent_state(each).value for each in agents]
    return NowQueue(
        **_seen(one, about),
        subject=one.subject,
        name=one.name,
        is_current=one.state != SubjectState.UNKNOWN.value or one.why.get("reason") == UNREADABLE,
        waiting=_number(metrics.get("calls_waiting"), int),
        longest_wait_seconds=_number(metrics.get("longest_wait_seconds"), float),
        callers=[_caller(each, seen_at) for each in callers[:MOST_CALLERS]],
        callers_more=max(len(callers) - MOST_CALLERS, 0),
        agents=[_agent(each, state) for each, state in zip(agents[:MOST_AGENTS], states, strict=False)],
        agents_more=max(len(agents) - MOST_AGENTS, 0),
        agent_counts={each.value: many for each in AgentState if (many := states.count(each.value))},
        unread=[str(each) for each in details.get("unread") or ()],
    )


def _listed(details: Mapping[str, Any], what: str) -> list[Mapping[str, Any]]:
    found = details.get(what)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _caller(one: Mapping[str, Any], seen_at: datetime | None) -> NowCaller:
    waited = _number(one.get("wait_seconds"), float)
    return NowCaller(
        phone=str(one.get("phone") or ""),
        position=_number(one.get("position"), int),
        waited_seconds=waited,
        since=None if waited is None or seen_at is None else _before(seen_at, waited),
    )


def _before(seen_at: datetime, waited: float) -> str | None:
    try:
        return iso(seen_at - timedelta(seconds=waited))
    except OverflowError:  # a wait of years is an answer's error
        return None


def _agent(one: Mapping[str, Any], state: str) -> NowAgent:
    paused, device = one.get("paused"), one.get("status")
    return NowAgent(
        name=str(one.get("name") or ""),
        state=state,
        is_paused=paused if isinstance(paused, bool) else None,
        device=None if device is None else str(device),
        calls_taken=_number(one.get("calls_taken"), int),
    )


def _agent_state(one: Mapping[str, Any]) -> AgentState:
    status = one.get("status")
    return state_of(one.get("paused"), None if status is None else str(status))


def _units(one: SubjectStatus, about: About) -> NowUnits:
    metrics = one.metrics or {}
    expires_on = metrics.get("expires_on")
    return NowUnits(
        **_seen(one, about),
        balance=_number(metrics.get("balance"), float),
        expires_on=expires_on if isinstance(expires_on, str) else None,
        days_left=_number(metrics.get("days_left"), int),
    )


def _number(value: Any, kind: Callable[[Any], Any]) -> Any:
    """A number of a document that was stored; None for what is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return kind(value) if is_number else None
