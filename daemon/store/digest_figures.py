"""What a digest says: what was counted, what was down, and what was not seen.

It is read in transactions of its own, one for each system, so that nothing is held for long: it is of a time
that is over, and nobody writes into it any more. Nothing is made up: what was not seen is said to be so, and
what is only about so many, too.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from daemon.core.commands.following import FINISHED
from daemon.core.commands.following import Outcome as Ended
from daemon.core.digests.schedule import Digest, Due, Told
from daemon.core.durations import DAY, HOUR, MINUTE
from daemon.core.history import buckets
from daemon.core.history.buckets import Bucket
from daemon.core.history.tally import METRICS, NONE, SCALE, Sample, Tally, plus
from daemon.core.missed import KEPT, Figures
from daemon.core.model import Json
from daemon.core.routing.plan import DAEMON, Interest
from daemon.core.timestamps import iso
from daemon.core.watches import api, units
from daemon.core.watches.directories import ADDED
from daemon.core.watches.subjects import SubjectKind, SubjectState
from daemon.store import digests as store
from daemon.store import events, kept_since, missed, subjects, uptime
from daemon.store.column_types import EPOCH, MILLISECOND, millis
from daemon.store.ownership import Readable
from daemon.store.subjects import SubjectView

ANSWERED, ABANDONED = "queue.caller.answered", "queue.caller.abandoned"
MOST_OUTAGES = 20
"""Ours. Of what was down, so much is listed."""
MOST_CALLBACKS = 20
"""Ours. Of who is to be called back, so many are listed: those who have waited longest."""
LEAST_DOWN = MINUTE
"""Ours. What was down for less is counted among the alerts, and not listed."""
PACE = 7 * DAY
"""Ours. By how much of the past it is said when units run out."""
LEAST_PACE = DAY
"""Ours. By less, nobody can say."""
MINUTES_KEPT = timedelta(hours=24, minutes=50)
"""Ours: a little less than the history by minutes reaches back."""
COUNTED = {
    "sms": "sms.received",
    "callbacks_due": "queue.callback.due",
    "callbacks_done": "queue.callback.done",
}


@dataclass(frozen=True)
class Span:
    """What a digest is of."""

    begin: datetime
    end: datetime
    after: int
    """The number of the last event before it."""
    last: int
    """The number of its last event."""


def span_of(db: sa.Connection, told: Told, due: Due, now: datetime) -> Span:
    """What is to be told now, of a digest that has told so far."""
    last, _ = events.newest(db)
    after = told.number
    if due.begin > told.until:  # it would be too long
        after = store.last_before(db, due.begin, told.number, last)
    return Span(due.begin, now, min(after, last), last)


def span_since(db: sa.Connection, begin: datetime, now: datetime) -> Span:
    """All since a time, whatever was told of it."""
    last, _ = events.newest(db)
    return Span(begin, now, store.last_before(db, begin, 0, last), last)


def figures(
    database: Readable,
    digest: Digest,
    systems: Sequence[str],
    span: Span,
    due_at: datetime,
    interests: Sequence[Interest],
) -> dict[str, Json]:
    """What a digest says; `systems`: those that there are. Each is read by itself, so that nothing is held
    for long."""
    chosen = [one for one in systems if digest.systems is None or one in digest.systems]
    with database.read() as db:
        counted = {name: _by_system(db, kind, chosen, span) for name, kind in COUNTED.items()}
        busy = _busy(db, digest, span)
        fired, firing = store.fired(db, span.begin, span.end), store.firing(db)
        names = [one.endpoint for one in interests]
        given_up = store.given_up(db, names, span.begin, span.end)
    with database.read() as db:
        happened = _happened(db, chosen, span)
    found = []
    for system in chosen:
        with database.read() as db:
            found.append(_of_system(db, system, span, digest, _tells_calls(interests, system)))
    # Of what belongs to no system (a disk, an endpoint) everybody is told who is told of all.
    counts = {*chosen, DAEMON} if digest.systems is None else set(chosen)
    outages = sorted((one for of in found for one in of.outages), key=_longest)
    return {
        "name": digest.name,
        "covers": digest.covers,
        "language": digest.language,
        "from": iso(span.begin),
        "to": iso(span.end),
        "due_at": iso(due_at),
        "span_seconds": round(_length(span) / 1000),
        "busy": busy,
        "alerts": sum(many for system, many in fired.items() if system in counts),
        "open_alerts": sum(many for system, many in firing.items() if system in counts),
        "systems": [
            {
                "system": of.system,
                **{name: by[of.system] for name, by in counted.items()},
                **happened[of.system],
                **of.said,
            }
            for of in found
        ],
        "outages": outages[:MOST_OUTAGES],
        "more_outages": max(len(outages) - MOST_OUTAGES, 0),
        "deliveries": [
            {"endpoint": endpoint, "failed": many}
            for endpoint, many in sorted(given_up.items(), key=lambda one: (-one[1], one[0]))
        ],
    }


def _happened(db: sa.Connection, systems: Sequence[str], span: Span) -> dict[str, dict[str, Json]]:
    """Recordings and campaigns, by system. One event may be of several recordings; what campaigns cost is as
    far as anybody says."""
    recordings = Counter[str]()
    for system, data in _told(db, ADDED, span):
        recordings[system] += max(int(data["directory"].get("added") or 1), 1)
    ended: dict[str, list[Mapping[str, Any]]] = {}
    for system, data in _told(db, FINISHED, span):
        ended.setdefault(system, []).append(data["campaign"])
    return {
        system: {"recordings": recordings[system], **_campaigns(ended.get(system, ()))} for system in systems
    }


def _campaigns(told: Sequence[Mapping[str, Any]]) -> dict[str, Json]:
    unknown = sum(one.get("outcome") == Ended.UNKNOWN.value for one in told)
    prices = [price for one in told if isinstance(price := one.get("price"), int | float)]
    return {
        "campaigns": len(told) - unknown,
        "campaigns_unknown": unknown,
        "campaign_units": round(sum(prices), 2) if prices else None,
        "campaigns_unpriced": len(told) - len(prices),
    }


def _told(db: sa.Connection, kind: str, span: Span) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The data of the events of a type with their systems, oldest first."""
    for system, body in store.bodies(db, kind, span.after, span.last):
        yield system, json.loads(body)["data"]


def _called_back(db: sa.Connection, system: str) -> dict[str, Json]:
    """Who is to be called back still, at this moment."""
    return {
        "callbacks_open": missed.how_many(db, system),
        "callbacks": [
            {"phone": one.phone, "queue": one.name, "calls": one.calls, "last_at": iso(one.last_at)}
            for one in missed.listed(db, system=system, limit=MOST_CALLBACKS)
        ],
    }


def _calls(db: sa.Connection, system: str, span: Span) -> Mapping[str, Figures]:
    """How callers left, by queue; {} of a longer time than it is kept of."""
    if span.end - span.begin > KEPT:
        return {}
    return missed.of_day(db, system, span.begin, span.end)


def _is_whole(db: sa.Connection, span: Span) -> bool:
    """Whether calls were counted in all of its time: not before the store was made, or brought up to date."""
    since = kept_since.load(db, kept_since.CALLS)
    return since is not None and since <= span.begin


def _tells_calls(interests: Sequence[Interest], system: str) -> bool:
    """Whether each call is written down, since somebody asks for that."""
    return all(any(one.covers(system, kind) for one in interests) for kind in (ANSWERED, ABANDONED))


def _by_system(db: sa.Connection, kind: str, systems: Sequence[str], span: Span) -> dict[str, int]:
    if len(systems) == 1 and set(events.last_sequences(db)) <= {*systems, DAEMON}:
        return {systems[0]: store.count(db, kind, span.after, span.last)}  # by the index alone
    found = store.by_system(db, kind, span.after, span.last)
    return {system: found.get(system, 0) for system in systems}


def _busy(db: sa.Connection, digest: Digest, span: Span) -> list[Json]:
    """Messages by hours of the clock, or by days where it is about more than two; of all systems, so of one
    that is not about all, nothing."""
    if digest.systems is not None:
        return []
    step = HOUR if span.end - span.begin <= 2 * DAY else DAY
    starts = [span.begin]
    while (following := _next(starts[-1], step, digest)) < span.end:
        starts.append(following)
    marks = [
        span.after,
        *(store.last_before(db, one, span.after, span.last) for one in starts[1:]),
        span.last,
    ]
    return [
        {"from": iso(start), "sms": store.count(db, COUNTED["sms"], one, max(one, other))}
        for start, one, other in zip(starts, marks, marks[1:], strict=False)
    ]


def _next(moment: datetime, step: timedelta, digest: Digest) -> datetime:
    """When the next hour begins, or the next day by the clock of its zone."""
    if step == HOUR:
        return moment - (moment - EPOCH) % HOUR + HOUR
    local = moment.astimezone(digest.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    following = (midnight.replace(tzinfo=None) + DAY).replace(tzinfo=digest.zone)
    return following.astimezone(moment.tzinfo)


@dataclass(frozen=True)
class _System:
    """What is said of one system."""

    system: str
    said: Mapping[str, Json]
    outages: Sequence[Mapping[str, Json]]


def _of_system(db: sa.Connection, system: str, span: Span, digest: Digest, tells_calls: bool) -> _System:
    views = subjects.views(db, system)
    rows = _rows(db, system, span)
    length = _length(span)
    tallies: dict[int, Tally] = {}
    for row in rows.values():
        for number, tally in row.items():
            tallies[number] = plus(tallies.get(number, NONE), tally)
    of = {view.seen.subject: view for view in views}
    unseen = {name: _unseen(tallies.get(view.number, NONE), length) for name, view in of.items()}
    # The API is down while nobody sees anything through it.
    of_api = tallies.get(of[api.API_KEY].number, NONE) if api.API_KEY in of else NONE
    queues = [view for view in views if view.seen.kind is SubjectKind.QUEUE]
    calls, is_whole = _calls(db, system, span), _is_whole(db, span)
    said: dict[str, Json] = {
        **_called_back(db, system),
        "unseen_seconds": max(length - of_api.up, 0) / 1000 if api.API_KEY in of else length / 1000,
        "queues": [
            _queue(
                db,
                view,
                span,
                tallies.get(view.number, NONE),
                unseen[view.seen.subject],
                calls.get(view.seen.subject),
                tells_calls=tells_calls,
                is_whole=is_whole,
            )
            for view in queues
        ],
        "units": _units(db, system, of.get(units.SUBJECT), span, digest),
    }
    return _System(system, said, [*_outages(views, tallies, unseen)])


def _outages(
    views: Sequence[SubjectView], tallies: Mapping[int, Tally], unseen: Mapping[str, float]
) -> list[Mapping[str, Json]]:
    return [
        {
            "system": view.system,
            "subject": view.seen.subject,
            "kind": view.seen.kind.value,
            "name": view.seen.name,
            "down_seconds": tallies[view.number].down / 1000,
            "unseen_seconds": unseen[view.seen.subject],
            "is_down": view.seen.state is SubjectState.DOWN,
        }
        for view in views
        if view.number in tallies and tallies[view.number].down * MILLISECOND >= LEAST_DOWN
    ]


def _longest(outage: Mapping[str, Any]) -> tuple[float, str, str]:
    return -outage["down_seconds"], outage["system"], outage["subject"]


def _queue(
    db: sa.Connection,
    view: SubjectView,
    span: Span,
    tally: Tally,
    unseen: float,
    figures: Figures | None,
    *,
    tells_calls: bool,
    is_whole: bool,
) -> dict[str, Json]:
    """A queue. The one place where calls are counted: as it is kept how each left, of whom some may be seen
    by nobody, or left in a way that nobody knows; where nothing is kept, by their events where those are
    written down, else by the rates that the platform's counters gave, which make about so many. Where calls
    were counted of a part of the time alone, the rates may know of more."""
    about = _about(tally, "answered_per_hour"), _about(tally, "abandoned_per_hour")
    answered, abandoned = about
    longest = _most(tally, "longest_wait_seconds")
    if figures is not None:
        answered, abandoned = figures.answered, figures.abandoned
        # Of who left it is the least that he can have waited; some may have been seen to wait longer.
        longest = max(
            (one for one in (longest, figures.longest_wait_seconds) if one is not None), default=None
        )
    elif tells_calls:
        by_type = store.by_type(db, view.system, view.seen.subject, span.after, span.last)
        answered, abandoned = by_type.get(ANSWERED, 0), by_type.get(ABANDONED, 0)
    is_counted = figures is not None or tells_calls
    if is_counted and not is_whole:
        answered, abandoned = max(answered or 0, about[0] or 0), max(abandoned or 0, about[1] or 0)
    return {
        "subject": view.seen.subject,
        "name": view.seen.name or view.seen.subject.partition("/")[2],
        "answered": answered,
        "missed": abandoned,
        "is_exact": is_counted and is_whole,
        "unknown": None if figures is None else figures.unknown,
        "unseen": None if figures is None else figures.unseen,
        "kicked": None if figures is None else figures.kicked,
        "withheld": None if figures is None else figures.withheld,
        "longest_wait_seconds": longest,
        "most_waiting": _most(tally, "calls_waiting"),
        "most_agents": _most(tally, "agents_available"),
        "fewest_agents": _least(tally, "agents_available"),
        "most_paused": _most(tally, "agents_paused"),
        "unseen_seconds": unseen,
    }


def _units(
    db: sa.Connection, system: str, view: SubjectView | None, span: Span, digest: Digest
) -> dict[str, Json] | None:
    if view is None:
        return None
    balance = (view.seen.metrics or {}).get("balance")
    known = balance if isinstance(balance, int | float) and not isinstance(balance, bool) else None
    metric = METRICS["balance"]
    own = _course(_rows(db, system, span, view.number), view.number, metric)
    long_ago = Span(min(span.begin, span.end - PACE), span.end, 0, 0)
    course = _course(_rows(db, system, long_ago, view.number), view.number, metric)
    known_for = (course[-1][0] - course[0][0]) * MILLISECOND if course else timedelta(0)
    per_day = None
    if known_for >= LEAST_PACE - HOUR:
        per_day = round(_used(course) / (known_for / DAY), 2)
    runs_out = None
    if known is not None and per_day:
        days = max(known, 0) / per_day
        if days < 10 * 365:
            runs_out = digest.day_of(span.end + timedelta(days=days)).isoformat()
    return {
        "balance": known,
        "used": round(_used(own), 2) if own else None,
        "per_day": per_day,
        "runs_out_on": runs_out,
    }


def _course(rows: Mapping[int, Mapping[int, Tally]], number: int, metric: int) -> list[tuple[int, Sample]]:
    """One value, by the starts of the stretches in which it was seen, in order."""
    found = [
        (start, row[number].samples[metric])
        for start, row in sorted(rows.items())
        if _has(row, number, metric)
    ]
    return found


def _has(row: Mapping[int, Tally], number: int, metric: int) -> bool:
    return number in row and metric in row[number].samples


def _used(course: Sequence[tuple[int, Sample]]) -> float:
    """What a balance fell by: what it rose by in between was loaded."""
    total, before = 0, None
    for _, sample in course:
        total += sample.most - sample.least if before is None else max(before - sample.least, 0)
        before = sample.least
    return total / SCALE


def _rows(db: sa.Connection, system: str, span: Span, only: int | None = None) -> dict[int, dict[int, Tally]]:
    """The history of a span, in stretches by their starts: whole hours, and minutes at its edges where those
    are kept."""
    found: dict[int, dict[int, Tally]] = {}
    wanted = sorted(_parts(span))
    for (_, bucket), row in uptime.read(db, wanted, [system]).items():
        found[bucket.start] = row.tallies(only)
    return found


def _parts(span: Span) -> set[Bucket]:
    begin, end = _edges(span)
    hour = buckets.HOUR * 1000
    first = -(-begin // hour) * hour
    last = max(buckets.start_of(buckets.HOUR, end), first)
    edges = [*range(begin, min(first, end), 60_000), *range(last, end, 60_000)]
    return {
        *(Bucket(buckets.HOUR, start) for start in range(first, last, hour)),
        *(Bucket(buckets.MINUTE, start) for start in edges),
    }


def _edges(span: Span) -> tuple[int, int]:
    """Whole minutes, each of which is in one digest; of what is so long ago that minutes are not kept, from
    the first whole hour on."""
    begin, end = (buckets.start_of(buckets.MINUTE, millis(one)) for one in (span.begin, span.end))
    if span.end - span.begin > MINUTES_KEPT:
        hour = buckets.HOUR * 1000
        begin = -(-begin // hour) * hour
    return begin, max(begin, end)


def _length(span: Span) -> int:
    """Milliseconds of what the history says of a span."""
    begin, end = _edges(span)
    return end - begin


def _unseen(tally: Tally, length: int) -> float:
    return max(length - tally.seen, 0) / 1000


def _sample(tally: Tally, metric: str) -> Sample | None:
    return tally.samples.get(METRICS[metric])


def _most(tally: Tally, metric: str) -> float | None:
    sample = _sample(tally, metric)
    return None if sample is None else sample.most / SCALE


def _least(tally: Tally, metric: str) -> float | None:
    sample = _sample(tally, metric)
    return None if sample is None else sample.least / SCALE


def _about(tally: Tally, metric: str) -> int | None:
    """What a rate an hour comes to, over the time that it is known of."""
    sample = _sample(tally, metric)
    return None if sample is None else round(sample.total / SCALE / (HOUR / MILLISECOND))
