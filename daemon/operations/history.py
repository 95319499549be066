"""For how long something was up and down: what is stored, and what is not written down yet."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

import sqlalchemy as sa

from daemon.core import retention
from daemon.core.durations import DAY, SECOND
from daemon.core.history import buckets
from daemon.core.history.book import NOTHING_OPEN, Seconds, Unflushed
from daemon.core.history.buckets import STEPS, Bucket, start_of, starts
from daemon.core.history.tally import NAMES, NONE, SCALE, Tally, fitted, plus
from daemon.core.refusals import Refused, Why
from daemon.core.timestamps import iso
from daemon.schemas.history import History, HistoryBucket, SampleBucket
from daemon.schemas.subjects import UptimeStatus
from daemon.store import subjects, uptime
from daemon.store.column_types import millis
from daemon.store.subjects import SubjectView
from daemon.store.uptime import Row, moment

MOST_BUCKETS = 2000
"""In one answer: a minute each for a day, or an hour each for a month, and some more."""
WINDOWS: Mapping[str, timedelta] = {"24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
"""Over which the uptime of a subject is told."""
KEPT = {buckets.MINUTE: retention.MINUTES, buckets.HOUR: retention.HOURS}
"""How far back buckets of a length reach, at most; days reach as far as anything."""


FINE = 6
"""Hours of a day that are told by minutes, at most, where it is told of many subjects at once."""
CLOSE = 500
"""Milliseconds unseen that are none: two looks are never quite as far from each other as they should be."""
MOST_REMEMBERED = 50_000
"""Stretches of finished hours, of all systems: some 10 MB."""
Numbers = dict[str, dict[str, int]]
"""By which the store knows subjects: by system and name."""


class Stretch(NamedTuple):
    """Some time, in milliseconds: what is neither up nor down was not seen."""

    start: int
    """Since 1970."""
    length: int
    up: int
    down: int

    @property
    def state(self) -> tuple[bool, bool] | None:
        """Whether it was up, or down, all the time, or never seen; None: some of each."""
        is_up, is_down = self.up == self.length, self.down == self.length
        return (is_up, is_down) if is_up or is_down or not self.up + self.down else None

    @property
    def is_mixed(self) -> bool:
        """Whether it is worth a closer look."""
        seen = self.up + self.down
        return seen > 0 and (0 < self.down < self.length or self.length - seen > CLOSE)


class Course(NamedTuple):
    """What is drawn of one subject beside many others."""

    uptime: Mapping[str, UptimeStatus]
    """Over each of `WINDOWS`."""
    day: Sequence[Stretch]
    """The last one, oldest first, without a gap."""


class Span(NamedTuple):
    """What is asked for."""

    begin: datetime
    end: datetime
    step: int | None = None
    """Seconds; None: the shortest that there is for so long a time."""


@dataclass
class Sums:
    """What was added up once, so that it is not for each who asks: all but this hour and the one before.
    For the threads of one process; what two of them write at once is the same."""

    of: dict[str, tuple[tuple[int, int], Mapping[str, Mapping[int, Tally]]]] = field(default_factory=dict)
    """By system: for which hour, and how often something of an earlier one came late; then by window and
    number."""
    days: dict[str, tuple[tuple[int, int], dict[int, list[Stretch]]]] = field(default_factory=dict)
    """The same of the days of some subjects, by number."""

    def days_of(self, system: str, key: tuple[int, int]) -> dict[int, list[Stretch]]:
        """What is known of a system's subjects."""
        kept = self.days.get(system)
        return kept[1] if kept is not None and kept[0] == key else {}

    def remember(
        self, system: str, key: tuple[int, int], more: Mapping[int, list[Stretch]]
    ) -> dict[int, list[Stretch]]:
        """Know some more of a system. Returns all that is known of it."""
        known = {**self.days_of(system, key), **more}
        held = sum(len(one) for _, of in list(self.days.values()) for one in list(of.values()))
        if held + sum(map(len, more.values())) > MOST_REMEMBERED:
            self.days = {}
        self.days[system] = (key, known)
        return known


def history(
    db: sa.Connection,
    system: str,
    subject: str,
    span: Span,
    now: datetime,
    unflushed: Callable[[str], Unflushed] = lambda _system: NOTHING_OPEN,
) -> History:
    """For how long a subject was up and down. `unflushed`: what is not written down yet of a system.

    Raises `Refused` for a subject that there never was, and where there are no buckets of the length that is
    asked for, or too many.
    """
    number = subjects.number(db, system, subject)
    if number is None:
        raise Refused(Why.MISSING, f"nothing is known of {subject!r} of the system {system!r}")
    step = _step(span, now)
    begin, end = millis(span.begin), min(millis(span.end), millis(now))
    wanted = starts(step, begin, end)
    rows = uptime.stretch(db, system, step, wanted.start, end) if wanted else {}
    beside = unflushed(system)  # afterwards: what is written meanwhile carries another number
    open_, flushed = _by_bucket(beside.open, subject, step), _by_bucket(beside.flushed, subject, step)
    shown, courses = list[HistoryBucket](), defaultdict[int, list[SampleBucket]](list)
    is_beside = bool(open_ or flushed)
    alike: dict[bytes, Tally] = {}  # where nothing changes, the rows of many minutes are the same bytes
    for start, at in zip(wanted, _written(wanted), strict=True):
        row = rows.get(start)
        tally = NONE
        if row is not None:
            known = alike.get(row.packed)
            if known is None:
                known = alike[row.packed] = row.tallies(number).get(number, NONE)
            tally = known
        if is_beside and (start in open_ or start in flushed):
            is_written = row is not None and row.flush == beside.flush
            more = [open_.get(start), None if is_written else flushed.get(start)]
            tally = _with(tally, more, step)
        shown.append(_bucket(at, tally, min(step * 1000, end - start)))
        for metric, (seen, total, least, most) in tally.samples.items():
            # As `Sample.mean` has it, and not by a call: a day of a queue has 13,000 of these.
            mean = (total / seen if seen else (least + most) / 2) / SCALE
            one = SampleBucket(at, least / SCALE, round(mean, 2), most / SCALE)
            courses[metric].append(one)
    # A metric of a newer program has no name here.
    samples = {NAMES[metric]: of for metric, of in courses.items() if metric in NAMES}
    return History.model_construct(  # of 14,000 numbers for a day, none of which comes from outside
        system=system, subject=subject, step_seconds=step, buckets=shown, samples=samples
    )


def uptimes(
    db: sa.Connection,
    views: Iterable[SubjectView],
    unflushed: Callable[[str], Unflushed],
    now: datetime,
    sums: Sums | None = None,
) -> dict[tuple[str, str], dict[str, UptimeStatus]]:
    """For how long subjects were up, down and not seen, by system and subject, over each of `WINDOWS`.

    A window begins with an hour, so it is up to an hour longer than its name says; its three parts are as
    long as it is. `unflushed`: what is not written down yet of a system.
    """
    numbers: Numbers = {}
    for view in views:
        numbers.setdefault(view.system, {})[view.seen.subject] = view.number
    return _uptimes(db, numbers, unflushed, now, sums)


def courses(
    db: sa.Connection,
    of: Mapping[str, Sequence[str]],
    unflushed: Callable[[str], Unflushed],
    now: datetime,
    sums: Sums | None = None,
) -> dict[tuple[str, str], Course]:
    """What is drawn of some subjects, by system and subject; `of`: their names by system. What nothing is
    stored of is not in it.

    The day is in hours, and in minutes where something changed; of a system at most `FINE` hours are, the
    newest.
    """
    sums = Sums() if sums is None else sums
    numbers = {system: subjects.numbers_of(db, system, names) for system, names in of.items()}
    uptime_of = _uptimes(db, numbers, unflushed, now, sums)
    found = {}
    for system, its_numbers in numbers.items():
        days = _days(db, system, its_numbers, unflushed(system), now, sums)
        for subject, number in its_numbers.items():
            found[system, subject] = Course(uptime_of[system, subject], days[number])
    return found


def _uptimes(
    db: sa.Connection,
    by_system: Numbers,
    unflushed: Callable[[str], Unflushed],
    now: datetime,
    sums: Sums | None,
) -> dict[tuple[str, str], dict[str, UptimeStatus]]:
    this_hour = start_of(buckets.HOUR, millis(now))
    recent = (this_hour - buckets.HOUR * 1000, this_hour)
    rows = uptime.read(db, [Bucket(buckets.HOUR, start) for start in recent], list(by_system))
    beside = {system: unflushed(system) for system in by_system}
    older = _older(db, beside, recent[0], now, sums if sums is not None else Sums())
    spans = {window: millis(now) - _begin(window, now) for window in WINDOWS}
    found = {}
    for system, numbers in by_system.items():
        one, other = [
            _recent(rows.get((system, Bucket(buckets.HOUR, at))), at, beside[system], numbers)
            for at in recent
        ]
        for subject, number in numbers.items():
            new = plus(one.get(number, NONE), other.get(number, NONE))
            found[system, subject] = {
                window: _uptime(older[system][window].get(number, NONE), new, span)
                for window, span in spans.items()
            }
    return found


def _step(span: Span, now: datetime) -> int:
    """The length of the buckets, in seconds."""
    length = (span.end - span.begin) // SECOND
    if length <= 0:
        raise Refused(Why.WRONG, "`from` has to be before `to`", "from", "to")
    if span.step is None:
        fitting = [one for one in STEPS if length <= one * MOST_BUCKETS and _reaches(one, span.begin, now)]
        step = fitting[0] if fitting else STEPS[-1]
    else:
        step = span.step
    if length > step * MOST_BUCKETS:
        reason = f"`step` is too short for so long a time: at most {MOST_BUCKETS} buckets are given at once"
        raise Refused(Why.WRONG, reason, "step")
    if not _reaches(step, span.begin, now):
        kept = "25 hours" if step == buckets.MINUTE else "31 days"
        raise Refused(
            Why.WRONG, f"`step` is too short: buckets of {step} s are kept for {kept}", "step", "from"
        )
    return step


def _reaches(step: int, begin: datetime, now: datetime) -> bool:
    return step not in KEPT or now - begin <= KEPT[step]


def _by_bucket(seconds: Seconds, subject: str, step: int) -> dict[int, Tally]:
    """What is not written down of one subject, by the start of the bucket."""
    found: dict[int, Tally] = {}
    for minute, tallies in seconds.items():
        if subject in tallies:
            start = start_of(step, minute)
            found[start] = plus(found.get(start, NONE), fitted(tallies[subject], buckets.MINUTE * 1000))
    return found


def _with(tally: Tally, more: Iterable[Tally | None], step: int) -> Tally:
    for one in more:
        if one is not None:
            tally = plus(tally, fitted(one, max(step * 1000 - tally.seen, 0)))
    return tally


def _written(wanted: range) -> Iterator[str]:
    """The starts of buckets as text; they are whole minutes, so that of a day is written only once."""
    day, said, times = -1, "", _minutes_of_a_day()
    for start in wanted:
        this_day, rest = divmod(start // 1000, buckets.DAY)
        if this_day != day:
            day, said = this_day, iso(moment(this_day * buckets.DAY * 1000)).partition("T")[0]
        yield said + times[rest // buckets.MINUTE]


@cache
def _minutes_of_a_day() -> list[str]:
    return [f"T{minute // 60:02}:{minute % 60:02}:00.000Z" for minute in range(24 * 60)]


def _bucket(at: str, tally: Tally, length: int) -> HistoryBucket:
    unknown = max(length - tally.seen, 0)
    return HistoryBucket(at, tally.up / 1000, tally.down / 1000, unknown / 1000)


def _older(
    db: sa.Connection, unflushed: Mapping[str, Unflushed], until: int, now: datetime, sums: Sums
) -> dict[str, Mapping[str, Mapping[int, Tally]]]:
    """What was before `until`, by system, window and number."""
    keys = {system: (until, one.late) for system, one in unflushed.items()}
    missing = [system for system, key in keys.items() if system not in sums.of or sums.of[system][0] != key]
    if missing:
        parts = {window: _parts(_begin(window, now), until) for window in WINDOWS}
        rows = uptime.read(db, sorted(set().union(*parts.values())), missing)
        for system in missing:
            read = {
                bucket: row.tallies(with_samples=False) for (of, bucket), row in rows.items() if of == system
            }
            sums.of[system] = (keys[system], {window: _sum(read, part) for window, part in parts.items()})
    return {system: sums.of[system][1] for system in keys}


def _parts(begin: int, end: int) -> set[Bucket]:
    """As few buckets as a stretch of whole hours takes."""
    first = start_of(buckets.DAY, begin + buckets.DAY * 1000 - 1)
    last = max(start_of(buckets.DAY, end), first)
    days = range(first, last, buckets.DAY * 1000)
    if not days:
        return {Bucket(buckets.HOUR, start) for start in starts(buckets.HOUR, begin, end)}
    edges = (*starts(buckets.HOUR, begin, first), *starts(buckets.HOUR, last, end))
    return {*(Bucket(buckets.DAY, one) for one in days), *(Bucket(buckets.HOUR, one) for one in edges)}


def _sum(read: Mapping[Bucket, Mapping[int, Tally]], part: set[Bucket]) -> dict[int, Tally]:
    found: dict[int, Tally] = {}
    for bucket in part & read.keys():
        for number, one in read[bucket].items():
            had = found.get(number, NONE)
            found[number] = Tally(had.up + one.up, had.down + one.down)
    return found


def _days(
    db: sa.Connection,
    system: str,
    numbers: Mapping[str, int],
    beside: Unflushed,
    now: datetime,
    sums: Sums,
) -> dict[int, list[Stretch]]:
    """The last day of some subjects of a system, by their numbers. What is over is looked up once an hour."""
    begin, end = start_of(buckets.HOUR, millis(now - DAY)), millis(now)
    until = start_of(buckets.HOUR, end) - buckets.HOUR * 1000
    key = (until, beside.late)
    known = sums.days_of(system, key)
    missing = {name: number for name, number in numbers.items() if number not in known}
    if missing:
        known = sums.remember(system, key, _stretches(db, system, missing, beside, (begin, until)))
    newest = _stretches(db, system, numbers, beside, (until, end))
    return {number: _joined([*known[number], *newest[number]]) for number in numbers.values()}


def _stretches(
    db: sa.Connection, system: str, numbers: Mapping[str, int], beside: Unflushed, within: tuple[int, int]
) -> dict[int, list[Stretch]]:
    """Hours, of which those in which something changed are minutes."""
    end = within[1]
    hours = starts(buckets.HOUR, *within)
    rows = uptime.read(db, [Bucket(buckets.HOUR, start) for start in hours], [system])
    found: dict[int, list[Stretch]] = {number: [] for number in numbers.values()}
    whole = {}
    for start in hours:
        tallies = _recent(rows.get((system, Bucket(buckets.HOUR, start))), start, beside, numbers)
        whole[start] = {number: _stretch(start, tallies.get(number, NONE), end) for number in found}
    mixed = [start for start, of in whole.items() if any(one.is_mixed for one in of.values())]
    fine = {start: _minutes(db, system, numbers, beside, (start, end)) for start in mixed[-FINE:]}
    for start, of in whole.items():
        for number, one in of.items():
            found[number] += fine[start][number] if start in fine and one.is_mixed else [one]
    return {number: _joined(one) for number, one in found.items()}


def _minutes(
    db: sa.Connection, system: str, numbers: Mapping[str, int], beside: Unflushed, within: tuple[int, int]
) -> dict[int, list[Stretch]]:
    """One hour in minutes, by the numbers of subjects."""
    start, end = within[0], min(within[1], within[0] + buckets.HOUR * 1000)
    rows = uptime.stretch(db, system, buckets.MINUTE, start, end)
    found: dict[int, list[Stretch]] = {number: [] for number in numbers.values()}
    for at in starts(buckets.MINUTE, start, end):
        tallies = _recent(rows.get(at), at, beside, numbers, buckets.MINUTE)
        for number, stretches in found.items():
            stretches.append(_stretch(at, tallies.get(number, NONE), end, buckets.MINUTE))
    return found


def _stretch(start: int, tally: Tally, end: int, step: int = buckets.HOUR) -> Stretch:
    length = min(step * 1000, end - start)
    up = min(tally.up, length)
    return Stretch(start, length, up, min(tally.down, length - up))


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Those that follow each other all in one state, as one."""
    found: list[Stretch] = []
    for one in stretches:
        if found and one.state is not None and found[-1].state == one.state:
            last = found[-1]
            found[-1] = Stretch(last.start, last.length + one.length, last.up + one.up, last.down + one.down)
        else:
            found.append(one)
    return found


def _recent(
    row: Row | None,
    start: int,
    unflushed: Unflushed,
    numbers: Mapping[str, int],
    step: int = buckets.HOUR,
) -> dict[int, Tally]:
    """One bucket, with what is not written down of it."""
    found = row.tallies(with_samples=False) if row else {}
    is_in = row is not None and row.flush == unflushed.flush
    for seconds in (unflushed.open, *(() if is_in else (unflushed.flushed,))):
        for minute, tallies in seconds.items():
            if start_of(step, minute) == start:
                for subject, one in tallies.items():
                    if subject in numbers:
                        number = numbers[subject]
                        found[number] = _with(found.get(number, NONE), [one], step)
    return found


def _begin(window: str, now: datetime) -> int:
    return start_of(buckets.HOUR, millis(now - WINDOWS[window]))


def _uptime(older: Tally, newer: Tally, span: int) -> UptimeStatus:
    up, down = older.up + newer.up, older.down + newer.down
    return UptimeStatus(up / 1000, down / 1000, max(span - up - down, 0) / 1000)
