"""How each subject stands, as JSON: by what the store says of it, and by how long ago that was seen.

What was seen too long ago is not known any more, whatever it was then: nobody asks, or nobody is there to.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from daemon.core.alerts.life import TOLD, Phase
from daemon.core.durations import SECOND
from daemon.core.timestamps import iso
from daemon.core.watches import api, sip
from daemon.core.watches.subjects import (
    NEVER_SEEN,
    NOT_ASKED,
    Standing,
    Subject,
    SubjectKind,
    SubjectState,
    first_word,
)
from daemon.schemas.documents import AT, words
from daemon.store.subjects import SubjectView
from daemon.store.views import AlertView, WatchView

MOST_INTERVALS = 2
"""Of its watch; what was seen longer ago is not known."""
LATE = 15 * SECOND
"""A poll takes its time, and the store hears of an unchanged answer within seconds."""
UNKNOWN = SubjectState.UNKNOWN
_RANK = ("firing", "recovering", "pending")


@dataclass(slots=True)
class UptimeStatus:
    """Of a stretch of time that ends now: the three are as long as it is."""

    up: Annotated[float, Field(description="Seconds that it was seen to be up")]
    down: float
    unknown: Annotated[float, Field(description="Seconds in which it was not seen")]


@dataclass(slots=True)
class SubjectStatus:
    """One thing that is watched: an account, a queue, the API."""

    subject: Annotated[str, Field(examples=["sip/0773137770"])]
    kind: Annotated[str, Field(json_schema_extra=words(SubjectKind), examples=["sip"])]
    name: Annotated[str | None, Field(description="A queue's, by the configuration", examples=["sales"])]
    state: Annotated[
        str,
        Field(
            json_schema_extra=words(SubjectState),
            description="down: what its alert is about is so, be it for long enough to be told or not",
            examples=["down"],
        ),
    ]
    since: Annotated[
        str | None,
        Field(description="Of the state; times in which it was not seen do not end it", examples=[AT]),
    ]
    seen_at: Annotated[
        str | None, Field(description="When it was really seen last; None: never", examples=[AT])
    ]
    why: Annotated[
        dict[str, Any],
        Field(
            description="What a sentence on its state is made of: `metric`, `value` and `above` or `below`; "
            "`failure` and `message` of the poll; `reason`; the `phase` of its alert",
            examples=[{"metric": "calls_waiting", "value": 7, "above": 5, "phase": "firing"}],
        ),
    ]
    metrics: Annotated[dict[str, Any] | None, Field(description="The last values, of a queue or of units")]
    incident: Annotated[str | None, Field(description="Of its alert that fires", examples=["inc_01M84SM5…"])]
    details: Annotated[
        dict[str, Any] | None,
        Field(description="Where it is asked for: the callers and agents of a queue, as they were seen last"),
    ] = None
    uptime: Annotated[
        dict[str, UptimeStatus] | None,
        Field(description="Where it is asked for: over `24h`, `7d` and `30d`, in seconds"),
    ] = None


class _Alerts(NamedTuple):
    """What is wrong with one subject."""

    phase: str | None
    incident: str | None
    is_flapping: bool


_NOTHING = _Alerts(None, None, is_flapping=False)


@dataclass(frozen=True)
class Looked:
    """What is known beside the rows of the subjects."""

    watches: Mapping[tuple[str, str], WatchView]
    every: Mapping[tuple[str, str], timedelta]
    """Of each watch of the configuration in force."""
    paused: Mapping[str, datetime]
    now: datetime
    uptimes: Mapping[tuple[str, str], dict[str, UptimeStatus]] = field(default_factory=dict)
    """By system and subject, where they are asked for."""
    written: dict[datetime, str] = field(default_factory=dict)
    """Times as text: many subjects were seen by one look."""

    def text(self, moment: datetime | None) -> str | None:
        """A time as documents have it."""
        if moment is None:
            return None
        known = self.written.get(moment)
        if known is None:
            known = self.written[moment] = iso(moment)
        return known


class _Believed(NamedTuple):
    """One subject as it is to be believed now."""

    seen: Subject
    since: datetime | None
    seen_at: datetime | None


def subjects_of(
    rows: Iterable[SubjectView], alerts: Iterable[AlertView], looked: Looked
) -> dict[str, list[SubjectStatus]]:
    """The subjects of each system: the API first, then in the order of the watches that see them."""
    wrong = _wrong(alerts)
    found: dict[tuple[str, str], list[SubjectView]] = defaultdict(list)
    for row in rows:
        found[row.system, row.watch].append(row)
    watches: dict[str, list[str]] = defaultdict(list)
    for system, name in looked.every:
        watches[system].append(name)
    shown: dict[str, list[SubjectStatus]] = {}
    for system, names in watches.items():
        of_system = _of_api(system, names, found[system, api.OWNER], looked)
        for name in names:
            of_system += _of_watch(system, name, found[system, name], looked)
        shown[system] = [
            _status(system, one, wrong.get((system, one.seen.subject), _NOTHING), looked) for one in of_system
        ]
    return shown


def _of_api(system: str, names: list[str], rows: list[SubjectView], looked: Looked) -> list[_Believed]:
    """The API is looked at by every poll, answered or not."""
    polled = [view.polled_at for name in names if (view := looked.watches.get((system, name)))]
    seen_at = max((one for one in polled if one), default=None)
    every = min(looked.every[system, name] for name in names)
    kept = rows or [_never(system, api.OWNER, Subject(api.API_KEY, SubjectKind.API, UNKNOWN))]
    return [_explained(system, _aged(row, seen_at, every, looked), names, looked) for row in kept]


def _of_watch(system: str, name: str, rows: list[SubjectView], looked: Looked) -> list[_Believed]:
    kind = first_word(name)
    if not rows and kind is not None:
        rows = [_never(system, name, Subject(name, kind, UNKNOWN))]
    view = looked.watches.get((system, name))
    observed_at = view.observed_at if view else None
    every = looked.every[system, name]
    return [_explained(system, _aged(row, observed_at, every, looked), [name], looked) for row in rows]


def _never(system: str, watch: str, subject: Subject) -> SubjectView:
    return SubjectView(system, watch, replace(subject, why={"reason": NEVER_SEEN}), NEVER)


NEVER = Standing(UNKNOWN, datetime(1, 1, 1, tzinfo=UTC), None)
"""Of what was never seen: there is no time since when."""


def known_for(every: timedelta) -> timedelta:
    """For how long what was seen counts as known; `every`: how often its watch is to be polled."""
    return MOST_INTERVALS * every + LATE


def _aged(row: SubjectView, observed_at: datetime | None, every: timedelta, looked: Looked) -> _Believed:
    """A row as it is to be believed now: seen when its watch was, or so long ago that it is not known."""
    seen, then = row.seen, row.standing
    if then.state is UNKNOWN:
        return _Believed(seen, None if then is NEVER else then.since, then.seen_at)
    seen_at = then.seen_at
    if observed_at is not None and (seen_at is None or observed_at > seen_at):
        seen_at = observed_at
    is_old = seen_at is None or looked.now - seen_at > known_for(every)
    # It is left alone because it is down: that stays known. What is seen through it does not.
    is_why = row.watch == api.OWNER and then.state is SubjectState.DOWN and row.system in looked.paused
    if not is_old or is_why:
        return _Believed(seen, then.since, seen_at)
    why = {"reason": NOT_ASKED, "was": then.state.value}
    return _Believed(replace(seen, state=UNKNOWN, why=why), seen_at or then.since, seen_at)


def _explained(system: str, one: _Believed, names: list[str], looked: Looked) -> _Believed:
    """With how the poll failed, where that is why it is not known."""
    seen = one.seen
    if seen.state is SubjectState.UP:
        return one
    failed = [view for name in names if (view := looked.watches.get((system, name))) and view.failure]
    failure = seen.why.get("failure")
    for view in failed:
        is_it = failure == view.failure or seen.why.get("reason") in (NEVER_SEEN, NOT_ASKED)
        if is_it:
            said = {"failure": view.failure, "message": view.failure_message or ""}
            return one._replace(seen=replace(seen, why={**seen.why, **said}))
    return one


def _wrong(alerts: Iterable[AlertView]) -> dict[tuple[str, str], _Alerts]:
    found: dict[tuple[str, str], list[AlertView]] = defaultdict(list)
    for one in alerts:
        subject = api.API_KEY if one.subject == api.TOKEN_KEY else one.subject
        found[one.system, subject].append(one)
    return {subject: _worst(ones) for subject, ones in found.items()}


def _worst(alerts: list[AlertView]) -> _Alerts:
    flapping = [one for one in alerts if one.type == sip.FLAPPING.fires]
    own = sorted((one for one in alerts if one not in flapping), key=lambda one: _RANK.index(one.phase))
    told = [one.incident for one in (*own, *flapping) if one.phase in _TOLD and one.incident]
    is_flapping = any(one.phase in _TOLD for one in flapping)
    return _Alerts(own[0].phase if own else None, told[0] if told else None, is_flapping)


_TOLD = {one.value for one in TOLD}


def _status(system: str, one: _Believed, wrong: _Alerts, looked: Looked) -> SubjectStatus:
    seen = one.seen
    why = dict(seen.why)
    if wrong.phase:
        why["phase"] = wrong.phase
    elif seen.kind is SubjectKind.API and seen.state is SubjectState.DOWN:
        why["phase"] = Phase.PENDING.value  # of one watch's, which is told of as the API once it fires
    if wrong.is_flapping:
        why["flapping"] = True
    return SubjectStatus(
        subject=seen.subject,
        kind=seen.kind.value,
        name=seen.name,
        state=seen.state.value,
        since=looked.text(one.since),
        seen_at=looked.text(one.seen_at),
        why=why,
        metrics=None if seen.metrics is None else dict(seen.metrics),
        details=None if seen.details is None else dict(seen.details),
        incident=wrong.incident,
        uptime=looked.uptimes.get((system, seen.subject)),
    )
