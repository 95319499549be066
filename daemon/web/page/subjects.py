"""`/systems/{system}/{subject}`: one account, queue and so on: how it stands, why, and how it has fared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from daemon.core.alerts.incidents import Incident
from daemon.core.durations import SECOND
from daemon.core.history.buckets import HOUR, MINUTE
from daemon.core.recordings import Recording
from daemon.core.refusals import Refused, Why
from daemon.core.timestamps import from_iso
from daemon.core.watches.queues import AGENTS, Threshold
from daemon.operations import recordings
from daemon.operations.contacts import named
from daemon.operations.history import WINDOWS, Course, Span, Sums, courses, history
from daemon.schemas import explanations
from daemon.schemas.fields import Line
from daemon.schemas.history import History, SampleBucket
from daemon.schemas.subjects import SubjectStatus
from daemon.store import incidents
from daemon.web.page import drawings
from daemon.web.page.drawings import Limit, Mark, Point, Shade
from daemon.web.page.frame import POLICY, Page
from daemon.web.page.front import sentences
from daemon.web.page.rows import Ages, Strip, draw, seen, uptimes
from daemon.web.page.sentences import DURATIONS, Sentences
from daemon.web.page.telling import stands
from daemon.web.page.visitors import Visitor
from daemon.web.routes.status import Asked, status_of

STEPS = {"24h": MINUTE, "7d": HOUR, "30d": HOUR}
"""The length of the buckets that are drawn of each window."""
PLOTTED = {
    "queue": ("calls_waiting", "longest_wait_seconds"),
    "units": ("balance",),
    "sms_units": ("balance",),
}
"""Metrics whose course is drawn, by the kind of what has them."""
PIECES = 200
"""Of the bar."""
ACROSS = 240
"""Points of a line."""
ROWS = 24
"""Of the table of values."""
LISTED = 200
"""Callers or agents."""
RECORDINGS = 20
"""Of a folder."""
WITH_SOUND = f"{POLICY}; media-src 'self'"
"""Of a page with players: what they play comes from us."""
INCIDENTS = 50
"""That are looked at for the plots."""
MARKS = 4
"""Parts of the axis of time."""
MARK_OF = {"4": "down", "5": "down", **dict.fromkeys("123678", "up")}
"""How Asterisk's states of a device are marked: whom a call can reach is well, on a call or not."""


@dataclass(frozen=True)
class Plot:
    """The course of one value."""

    key: str
    label: str
    drawn: Markup
    table: Sequence[tuple[Markup, Markup, Markup, Markup]]


@dataclass(frozen=True)
class Crossing:
    """One threshold, and how it stands."""

    state: str
    word: Markup
    said: Markup
    when: Sequence[Markup]


@dataclass(frozen=True)
class Listed:
    """People in a queue: some of them, and how many more there are."""

    rows: Sequence[Any]
    more: int
    is_unread: bool


@dataclass(frozen=True)
class Past:
    """How one subject has fared within a window."""

    window: str
    begin: datetime
    length: int
    history: History | None
    """None: nothing is stored of it yet."""
    course: Course | None
    incidents: Sequence[Incident]


def router(page: Page) -> APIRouter:
    """The page of one subject."""
    routes = APIRouter(include_in_schema=False)
    sums = Sums()

    @routes.get("/systems/{system}/{subject:path}")
    def show_subject(
        request: Request,
        visitor: Annotated[Visitor, page.visit("read")],
        system: Line,
        subject: Line,
        span: Annotated[Literal["24h", "7d", "30d"], Query()] = "24h",
    ) -> Response:
        say = sentences(page, request, visitor)
        asked = Asked(system, with_details=True)
        (of,) = status_of(page.database, page.live, page.version, asked).systems
        with page.database.read() as db:
            subject = named(db, subject, page.live.contacts(), system)
        one = next((each for each in of.subjects if each.subject == subject), None)
        if one is None:
            raise Refused(Why.MISSING, f"nothing is watched that is called {subject!r} in {system!r}")
        past = _past(page, system, subject, span, sums)
        heard = _recordings(page, visitor, one, system)
        limits = page.live.limits().get((system, subject), ())
        answer = page.render(
            request,
            visitor,
            "subject.html",
            say=say,
            recordings=heard,
            may_listen=visitor.may("content"),
            system=of,
            one=one,
            is_stale=Ages(of).is_stale(one, say),
            seen=seen(one, say),
            answered=one.why.get("message"),
            opened=_opened(one, past, say),
            windows=tuple(WINDOWS),
            span=span,
            bar=_bar(past, one, say),
            ends=_ends(past, say),
            uptimes=uptimes(past.course.uptime, say) if past.course else (),
            metrics=[
                (say.label(name), say.value(name, value))
                for name, value in (one.metrics or {}).items()
                if name != AGENTS  # they are listed one by one
            ],
            crossings=[_crossing(each, one, say) for each in limits],
            callers=_listed(one, "callers"),
            agents=_listed(one, "agents"),
            agent_state=lambda agent: _agent(agent, say),
            agent_kind=_agent_mark,
            plots=_plots(past, one, limits, say),
        )
        if heard:
            answer.headers["content-security-policy"] = WITH_SOUND
        return answer

    return routes


def _recordings(
    page: Page, visitor: Visitor, one: SubjectStatus, system: str
) -> Sequence[tuple[Recording, datetime]]:
    """The newest files of a folder, with when they were seen; none for who may not know of them."""
    if one.kind != "directory" or visitor.token is None:
        return ()
    with page.database.read() as db:
        return [each for each in recordings.newest(db, one.subject, RECORDINGS) if each[0].system == system]


def _past(page: Page, system: str, subject: str, window: str, sums: Sums) -> Past:
    now = page.now()
    begin = now - WINDOWS[window]
    with page.database.read() as db:
        of = courses(db, {system: [subject]}, page.live.unflushed, now, sums)
        found = None
        if (system, subject) in of:
            span = Span(begin, now, STEPS[window])
            found = history(db, system, subject, span, now, page.live.unflushed)
        told = [one for one in incidents.of_subject(db, subject, INCIDENTS) if one.system == system]
    if found and found.buckets:
        begin = from_iso(found.buckets[0].at) or begin
    return Past(window, begin, round((now - begin) / SECOND), found, of.get((system, subject)), told)


def _opened(one: SubjectStatus, past: Past, say: Sentences) -> Markup:
    """What the incident that fires is about."""
    found = next((each for each in past.incidents if each.id == one.incident), None)
    if found is None:
        return say.words("subjects.incident.gone")
    return stands(explanations.Incident.told(found), say.words.language, say.writing.contacts)


def _bar(past: Past, one: SubjectStatus, say: Sentences) -> Markup:
    strip = Strip.of_history(past.history.buckets if past.history else [], past.begin, past.length)
    return draw(strip, one.kind, _window(past, say), say, PIECES)


def _window(past: Past, say: Sentences) -> str:
    return say.words.bare(f"subjects.span.{past.window}")


def _ends(past: Past, say: Sentences) -> Sequence[str]:
    """What stands below the ends and the middle of a bar."""
    return [one.label for one in _marks(past, say, parts=2)]


def _marks(past: Past, say: Sentences, parts: int = MARKS) -> list[Mark]:
    written = say.writing.hour if past.window == "24h" else say.writing.day
    last = say.words.plain("subjects.now")
    marks = []
    for part in range(parts + 1):
        at = past.begin + timedelta(seconds=past.length * part / parts)
        marks.append(Mark(part / parts, last if part == parts else written(at)))
    return marks


def _plots(past: Past, one: SubjectStatus, limits: Sequence[Threshold], say: Sentences) -> list[Plot]:
    return [_plot(past, metric, limits, say) for metric in PLOTTED.get(one.kind, ())]


def _plot(past: Past, metric: str, limits: Sequence[Threshold], say: Sentences) -> Plot:
    samples = past.history.samples.get(metric, []) if past.history else []
    given = [_point(each, past) for each in samples]
    length = float(past.length)
    runs = drawings.points(given, length, ACROSS)

    def written(value: float) -> str:
        return say.value(metric, value).striptags()

    label = say.label(metric)
    values = {"metric": label, "span": _window(past, say)}
    if given:
        mean = sum(each.mean for each in given) / len(given)
        numbers = {"high": written(max(each.high for each in given)), "mean": written(mean)}
        summary = say.words.plain("subjects.plot", **values, **numbers)
    else:
        summary = say.words.plain("subjects.plot.nothing", **values)
    drawn = drawings.plot(
        runs,
        length,
        limits=[
            Limit(value, say.words.plain("subjects.limit_word", limit=written(value)))
            for each in limits
            if each.metric == metric and (value := _value(each)) is not None
        ],
        shades=[_shade(each, past, say) for each in past.incidents],
        marks=_marks(past, say),
        written=written,
        is_time=metric in DURATIONS,
        label=summary,
    )
    return Plot(metric, label, drawn, _table(given, metric, past, say))


def _value(threshold: Threshold) -> float | None:
    return threshold.above if threshold.above is not None else threshold.below


def _point(sample: SampleBucket, past: Past) -> Point:
    start = ((from_iso(sample.at) or past.begin) - past.begin) / SECOND
    end = min(start + STEPS[past.window], past.length)
    return Point(start, end, sample.min, sample.mean, sample.max)


def _shade(one: Incident, past: Past, say: Sentences) -> Shade:
    now = past.begin + timedelta(seconds=past.length)
    clock, end = say.writing.clock, one.ended_at
    ended = clock(end) if end else say.words.plain("subjects.now")
    label = say.words.plain("subjects.plot.incident", start=clock(one.fired_at), end=ended)
    return Shade((one.fired_at - past.begin) / SECOND, ((end or now) - past.begin) / SECOND, label)


def _table(
    given: Sequence[Point], metric: str, past: Past, say: Sentences
) -> list[tuple[Markup, Markup, Markup, Markup]]:
    points = [one for run in drawings.points(given, past.length, ROWS) for one in run]
    return [
        (
            say.writing.time(past.begin + timedelta(seconds=one.start)),
            say.value(metric, one.low),
            say.value(metric, round(one.mean, 2)),
            say.value(metric, one.high),
        )
        for one in islice(points, 4 * ROWS)
    ]


def _crossing(one: Threshold, subject: SubjectStatus, say: Sentences) -> Crossing:
    """A threshold, and whether the last value is beyond it."""
    words, side = say.words, "above" if one.above is not None else "below"
    value = (subject.metrics or {}).get(one.metric)
    crossed = subject.why.get("crossed") or [subject.why]
    is_crossed = subject.state == "down" and any(
        each.get("metric") == one.metric and each.get(side) == _value(one) for each in crossed
    )
    known = subject.state != "unknown" and isinstance(value, int | float)
    state = "down" if is_crossed else "up" if known else "unknown"
    word = {"down": "crossed", "up": "well"}.get(state, "unknown")
    limit = say.value(one.metric, _value(one))
    hold = one.rule.hold.total_seconds()
    when = [
        words("subjects.threshold.for", span=say.writing.span(hold))
        if hold >= 1
        else words("subjects.threshold.at_once")
    ]
    if one.clear != _value(one):
        when.append(words("subjects.threshold.clear", limit=say.value(one.metric, one.clear)))
    said = words(f"subjects.threshold.{side}", metric=say.label(one.metric), limit=limit)
    return Crossing(state, words(f"subjects.threshold.{word}"), said, when)


def _listed(one: SubjectStatus, what: str) -> Listed | None:
    details = one.details
    if one.kind != "queue" or details is None:
        return None
    found = details.get(what)
    rows = found if isinstance(found, list) else []
    unread = details.get("unread")
    return Listed(rows[:LISTED], max(len(rows) - LISTED, 0), isinstance(unread, list) and what in unread)


def _agent(agent: Any, say: Sentences) -> Markup:
    """Free, busy, paused: paused first, for whoever is takes no call, whatever the device does."""
    if agent.get("paused"):
        return say.words("subjects.agent.paused")
    key = f"subjects.agent.{agent.get('status')}"
    return say.words(key if key in say.words else "subjects.agent.0")


def _agent_mark(agent: Any) -> str:
    return "pending" if agent.get("paused") else MARK_OF.get(str(agent.get("status")), "unknown")
