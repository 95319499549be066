"""What is watched, as rows: each with how it stands and why, since when, and how it has fared."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from daemon.core.durations import SECOND
from daemon.operations.history import WINDOWS, Course, Stretch
from daemon.schemas.history import HistoryBucket
from daemon.schemas.status import SystemStatus
from daemon.schemas.subjects import SubjectStatus, UptimeStatus
from daemon.web.page import drawings
from daemon.web.page.drawings import DOWN, UNKNOWN, UP, Cell, Segment
from daemon.web.page.sentences import Sentences, path_of

AT_ONCE = 40
"""Rows with a bar on one page."""
PIECES = 240
"""Of all bars of one page together: a page stays small also where everything comes and goes."""
FEWEST = 6
"""Of each of them."""
MOST_PIECES = 5_000
"""Of which one bar may consist before it is drawn coarser."""
STALE = 3
"""Polls; what was seen longer ago than so many is shown as old."""


@dataclass(frozen=True)
class Row:
    """One thing that is watched."""

    key: str
    path: str
    state: str
    name: Markup
    word: Markup
    why: Markup
    since: Markup | None
    seen: Markup
    is_stale: bool
    incident: str | None
    bar: Markup | None
    uptimes: Sequence["Uptime"]


@dataclass(frozen=True)
class Uptime:
    """How much of one window it was up."""

    window: Markup
    up: Markup
    """Of what was seen; of what was never seen, that."""
    unseen: Markup | None


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Courses = Mapping[tuple[str, str], Course]
NOTHING: Courses = {}


def rows(
    shown: Iterable[tuple[SystemStatus, SubjectStatus]], say: Sentences, courses: Courses = NOTHING
) -> list[Row]:
    """The rows of what is to be shown, in their order; with bars, where their `courses` are given."""
    shown = list(shown)
    ages = {system.name: Ages(system) for system, _ in shown}
    strips = _strips([(system.name, one) for system, one in shown], courses)
    return [
        _row(system.name, one, say, ages[system.name], strips.get((system.name, one.subject)), courses)
        for system, one in shown
    ]


def is_unwell(one: SubjectStatus) -> bool:
    """Whether it is not up, or has an incident yet."""
    return bool(one.state != UP or one.incident or one.why.get("phase"))


def unwell(system: SystemStatus) -> list[SubjectStatus]:
    """What is not up, or has an incident yet."""
    return [one for one in system.subjects if is_unwell(one)]


def worst_first(system: SystemStatus) -> list[SubjectStatus]:
    """All of it: what is not well before the rest, each in their order."""
    return sorted(system.subjects, key=lambda one: not is_unwell(one))


class Ages:
    """How long it takes until something that a system's watches see is seen again."""

    def __init__(self, system: SystemStatus) -> None:
        self._every = {one.watch: one.every_seconds for one in system.watches}
        self._least = min(self._every.values(), default=0.0)

    def is_stale(self, one: SubjectStatus, say: Sentences) -> bool:
        watch = "sip" if one.kind == "sip" else one.subject
        every = self._every.get(watch, self._least)
        return one.seen_at is None or say.writing.since(one.seen_at) > STALE * every


@dataclass(frozen=True)
class Strip:
    """A bar that is to be drawn: of a stretch of time."""

    begin: datetime
    length: int
    cells: Sequence[Cell]
    pieces: Sequence[Segment]
    """What it consists of, as fine as it is known."""

    @classmethod
    def of(cls, begin: datetime, length: float, cells: Sequence[Cell]) -> "Strip":
        """Of cells in seconds from its beginning."""
        return cls(begin, round(length), cells, drawings.segments(cells, round(length), MOST_PIECES))

    @classmethod
    def of_history(cls, buckets: Sequence[HistoryBucket], begin: datetime, length: float) -> "Strip":
        """Of the buckets of one subject, each as long as its three parts."""
        starts = [(datetime.fromisoformat(one.at) - begin) / SECOND for one in buckets]
        cells = [
            Cell(start, start + one.up + one.down + one.unknown, one.up, one.down)
            for start, one in zip(starts, buckets, strict=True)
        ]
        return cls.of(begin, length, cells)

    @classmethod
    def of_day(cls, day: Sequence[Stretch]) -> "Strip | None":
        """Of the last day of one subject among many."""
        if not day:
            return None
        first, last = day[0].start, day[-1]
        cells = [
            Cell(
                (one.start - first) / 1000,
                (one.start - first + one.length) / 1000,
                one.up / 1000,
                one.down / 1000,
            )
            for one in day
        ]
        begin = EPOCH + timedelta(milliseconds=first)
        return cls.of(begin, (last.start + last.length - first) / 1000, cells)

    def at(self, second: float) -> datetime:
        """The time at a place."""
        return self.begin + timedelta(seconds=second)

    def drawn(self, most: int) -> Sequence[Segment]:
        """What it consists of, in so many pieces at most."""
        is_fine = len(self.pieces) <= most
        return self.pieces if is_fine else drawings.segments(self.cells, self.length, most)


def draw(strip: Strip, kind: str, span: str, say: Sentences, most: int) -> Markup:
    """A bar; `span`: what its length is called."""
    label = _summary(strip, span, say)
    return drawings.bar(strip.drawn(most), strip.length, lambda one: _title(one, strip, kind, say), label)


def uptime(window: str, one: UptimeStatus, say: Sentences) -> Uptime:
    """`99.62%` and `0.4% unseen`; `100% of 5 min` where most of it was not seen."""
    seen, words = one.up + one.down, say.words
    called = words(f"subjects.span.{window}")
    if seen <= 0:
        return Uptime(called, words("subjects.unseen"), None)
    up = say.writing.percent(one.up / seen)
    if one.unknown <= 0:
        return Uptime(called, up, None)
    if one.unknown > seen:
        up = words("subjects.uptime.of", up=up, span=say.writing.span(seen))
    share = say.writing.percent(one.unknown / (seen + one.unknown))
    return Uptime(called, up, words("subjects.uptime.unseen", share=share))


def uptimes(course: Mapping[str, UptimeStatus], say: Sentences) -> list[Uptime]:
    """What to say of each window."""
    return [uptime(window, course[window], say) for window in WINDOWS if window in course]


def _row(
    system: str,
    one: SubjectStatus,
    say: Sentences,
    ages: Ages,
    bar: tuple[Strip, int] | None,
    courses: Courses,
) -> Row:
    course = courses.get((system, one.subject))
    words = say.words
    return Row(
        key=f"{system}/{one.subject}/{one.state}",
        path=path_of(system, one.subject),
        state=one.state,
        name=say.name(one),
        word=say.state(one),
        why=say.why(one),
        since=words("subjects.since", time=say.writing.time(one.since)) if one.since else None,
        seen=seen(one, say),
        is_stale=ages.is_stale(one, say),
        incident=one.incident,
        bar=draw(bar[0], one.kind, words.bare("subjects.span.24h"), say, bar[1]) if bar else None,
        uptimes=uptimes(course.uptime, say) if course else (),
    )


def seen(one: SubjectStatus, say: Sentences) -> Markup:
    """`seen 12 s ago`."""
    if one.seen_at is None:
        return say.words("subjects.seen.never")
    return say.words("subjects.seen", ago=say.writing.ago(one.seen_at))


def _strips(
    shown: Sequence[tuple[str, SubjectStatus]], courses: Courses
) -> dict[tuple[str, str], tuple[Strip, int]]:
    """What is to be drawn, and of how many pieces: what one bar does not need another may have."""
    days = {
        (system, one.subject): courses[system, one.subject].day
        for system, one in shown
        if (system, one.subject) in courses
    }
    found = {key: strip for key, day in days.items() if (strip := Strip.of_day(day))}
    most = PIECES
    while most > FEWEST and sum(min(len(one.pieces), most) for one in found.values()) > PIECES:
        most = max(most // 2, FEWEST)
    return {key: (strip, most) for key, strip in found.items()}


def _title(one: Segment, strip: Strip, kind: str, say: Sentences) -> str:
    state = "subjects.unseen" if one.state == UNKNOWN else say.state_key(kind, one.state)
    return say.words.bare(
        "subjects.segment" if one.is_exact else "subjects.segment.within",
        start=say.writing.clock(strip.at(one.earliest)),
        end=say.writing.clock(strip.at(one.latest)),
        state=say.words.bare(state),
        span=say.writing.span(one.seconds),
    )


def _summary(strip: Strip, span: str, say: Sentences) -> str:
    up, down, unseen = (
        sum(one.seconds for one in strip.pieces if one.state == state) for state in (UP, DOWN, UNKNOWN)
    )
    bare, percent = say.words.bare, say.writing.percent
    if not up + down:
        return bare("subjects.bar.nothing", span=span)
    values = {
        "span": span,
        "up": percent(up / (up + down)).striptags(),
        "unseen": percent(unseen / (up + down + unseen)).striptags(),
    }
    if not down:
        return bare("subjects.bar.well", **values)
    pieces = sum(one.state == DOWN for one in strip.pieces)
    key = "subjects.bar.one" if pieces == 1 else "subjects.bar"
    return bare(key, down=say.writing.span(down), pieces=pieces, **values)


def by_system(shown: Iterable[tuple[SystemStatus, SubjectStatus]]) -> dict[str, list[str]]:
    """The names of subjects, by their system."""
    found: dict[str, list[str]] = defaultdict(list)
    for system, one in shown:
        found[system.name].append(one.subject)
    return dict(found)
