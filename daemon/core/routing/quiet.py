"""Quiet windows: when an endpoint is told nothing, and what breaks through. Pure.

A window is judged by the clock on the wall, at every moment anew: it needs no offset of its own, so the
hour that summer time skips or repeats is quiet exactly when the clock shows a time within the window.
Shabbat and holidays are such windows too; when they begin and end, `wiring/hebrew_calendar.py` says.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Protocol

from daemon.core.model import EventRow, EventTypes, Reason, Severity
from daemon.core.shapes import listed, maybe, moment, one_of, record, text, whole

ENDED = "quiet.ended"
HELD = record(
    {
        "incident": text("`inc_…`"),
        "system": text('"" for what is of the daemon itself.'),
        "type": text("Of the event that tells how it stands now."),
        "subject": text(),
        "severity": one_of([one.value for one in Severity]),
        "status": one_of(["firing", "resolved"]),
        "reason": maybe(one_of([Reason.RESOLVED.value, Reason.REMOVED.value], "Null: it fires yet.")),
        "started_at": moment(),
        "ended_at": maybe(moment()),
    },
    "Beside these, what the events of that type carry.",
)
EVENTS = EventTypes(
    (ENDED,),
    rows={
        ENDED: EventRow(
            "A quiet window of an endpoint is over that held alerts back; for that endpoint alone.",
            {
                "quiet": record(
                    {
                        "endpoint": text(),
                        "since": moment(),
                        "until": moment(),
                        "held": whole("How many were held back."),
                        "incidents": listed(HELD, "The first 200 of them, as they stand."),
                    }
                )
            },
        )
    },
)

MOST_JOINED = 50
"""Windows that begin where another ends, and are told as one: after so many no end is in sight."""
EXACT = timedelta(seconds=1)
"""How exact the end is found where the clock skips it."""
MOST_URGENT = -1
"""The urgency of what passes every window, whatever that lets through."""
RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""0 is what matters most."""


def is_at_least(severity: Severity, least: Severity) -> bool:
    """Whether the one matters as much as the other, or more."""
    return RANK[severity] <= RANK[least]


@dataclass(frozen=True)
class Weekly:
    """From a local time to another, on some days of the week."""

    days: frozenset[int]
    """On which it begins; 0 is Monday."""
    start: time
    end: time
    """Not after `start`: on the next day."""
    zone: tzinfo

    def covers(self, moment: datetime) -> bool:
        """Whether a moment lies within."""
        local = moment.astimezone(self.zone)
        at, today = local.time(), local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= at < self.end
        return (today in self.days and at >= self.start) or ((today - 1) % 7 in self.days and at < self.end)

    def ends(self, moment: datetime) -> datetime:
        """When it is over, asked within it: the first moment that it does not cover any more, in UTC."""
        local = moment.astimezone(self.zone)
        is_over_night = self.start >= self.end and local.time() >= self.start
        day = local.date() + timedelta(days=is_over_night)
        # What the clock shows twice ends it the first time; what it skips ends it where it is skipped.
        shown = (datetime.combine(day, self.end, self.zone).replace(fold=fold) for fold in (0, 1))
        later = [one for one in sorted(one.astimezone(UTC) for one in shown) if one > moment]
        over = next((one for one in later if not self.covers(one)), later[-1])
        return over if self.covers(over - EXACT) else self._left(moment.astimezone(UTC), over)

    def begins(self, moment: datetime) -> datetime | None:
        """When it begins next, asked outside: the first moment that it covers, in UTC; None: on no day."""
        after, today = moment.astimezone(UTC), moment.astimezone(self.zone).date()
        days = (today + timedelta(days=shift) for shift in range(-1, 9))
        shown = (
            datetime.combine(day, self.start, self.zone).replace(fold=fold).astimezone(UTC)
            for day in days
            if day.weekday() in self.days
            for fold in (0, 1)
        )
        first = next((one for one in sorted(shown) if one > after and self.covers(one)), None)
        # Where the clock skips its beginning, it has begun where that is skipped.
        return first if first is None or not self.covers(first - EXACT) else self._entered(after, first)

    def _entered(self, without: datetime, within: datetime) -> datetime:
        while within - without > EXACT:
            middle = without + (within - without) / 2
            without, within = (without, middle) if self.covers(middle) else (middle, within)
        return within

    def _left(self, within: datetime, over: datetime) -> datetime:
        while over - within > EXACT:
            middle = within + (over - within) / 2
            within, over = (middle, over) if self.covers(middle) else (within, middle)
        return over


class Calendar(Protocol):
    """Shabbat and Yom Tov at a place."""

    def covers(self, moment: datetime) -> bool:
        """Whether a moment lies within."""

    def begins(self, moment: datetime) -> datetime | None:
        """When it begins next, the first time after a moment; None: nobody can say."""

    def ends(self, moment: datetime) -> datetime:
        """When it is over, asked within it."""


@dataclass(frozen=True)
class Excepted:
    """What goes by the clock, but for Shabbat and Yom Tov."""

    weekly: Weekly
    holy: Calendar

    def covers(self, moment: datetime) -> bool:
        """Whether a moment lies within."""
        return self.weekly.covers(moment) and not self.holy.covers(moment)

    def ends(self, moment: datetime) -> datetime:
        """As `Weekly.ends`: at its hour, or where Shabbat or Yom Tov begins before that."""
        over, eve = self.weekly.ends(moment), self.holy.begins(moment)
        return over if eve is None else min(over, eve)

    def begins(self, moment: datetime) -> datetime | None:
        """As `Weekly.begins`; within Shabbat or Yom Tov it begins when they are over, if it lasts yet."""
        at = moment
        for _ in range(MOST_JOINED):
            if self.weekly.covers(at):
                if not self.holy.covers(at):
                    return at
                at = self.holy.ends(at)
            else:
                begins = self.weekly.begins(at)
                if begins is None:
                    return None
                at = begins
        return None


@dataclass(frozen=True)
class Window:
    """What a quiet window is, for people: Shabbat and Yom Tov at a place, or from a time to another."""

    place: str | None = None
    """As the configuration names it, or its latitude and longitude; None: it goes by the clock."""
    days: frozenset[int] = frozenset()
    """On which it begins; 0 is Monday."""
    start: time | None = None
    end: time | None = None
    zone: str = ""
    """In which its times are meant, such as `Asia/Jerusalem`."""
    name: str | None = None
    """By which `[[windows]]` has it."""
    holy: frozenset[str] = frozenset()
    """`shabbat`, `holidays` or both: of one that has no hours, when it lasts; else when it does not."""


@dataclass(frozen=True)
class Quiet:
    """One quiet window of an endpoint."""

    covers: Callable[[datetime], bool]
    break_through: Severity | None = None
    """Alerts of this severity and above are told all the same."""
    ends: Callable[[datetime], datetime | None] = lambda _moment: None
    """When it is over, asked within it; None: nobody can say."""
    window: Window = Window()
    begins: Callable[[datetime], datetime | None] = lambda _moment: None
    """When it begins next, asked outside of it; None: nobody can say."""

    def holds(self, moment: datetime, severity: Severity | None) -> bool:
        """Whether it holds back an alert of a severity, or what has none."""
        if severity is not None and self.break_through is not None:
            return not is_at_least(severity, self.break_through) and self.covers(moment)
        return self.covers(moment)


@dataclass(frozen=True)
class QuietNow:
    """That an endpoint is in a quiet window."""

    window: Window
    """Of several the one that is over last."""
    until: datetime | None
    """When none lasts any more, in UTC; None: no end is in sight, or nobody can say."""
    break_through: Severity | None
    """Of `window`."""


def least_urgency(windows: Iterable[Quiet], moment: datetime) -> int | None:
    """The rank of the least that passes at a moment: -1 where nothing does, None where everything does."""
    lasting = [one.break_through for one in windows if one.covers(moment)]
    return min((-1 if severity is None else RANK[severity] for severity in lasting), default=None)


def urgency(windows: Iterable[Quiet], severity: Severity) -> int | None:
    """The rank of an alert for an endpoint that has windows to break through; None where it has none."""
    return RANK[severity] if any(one.break_through for one in windows) else None


def is_held(windows: Iterable[Quiet], moment: datetime, severity: Severity | None = None) -> bool:
    """Whether an endpoint's windows hold back an alert of a severity, or what has none, at a moment."""
    least = least_urgency(windows, moment)
    return least is not None and (severity is None or RANK[severity] > least)


def lasting(windows: Iterable[Quiet], moment: datetime, severity: Severity | None = None) -> QuietNow | None:
    """What holds back an alert of a severity (None: what has none) at a moment, and until when; windows that
    follow each other are one. None: nothing does."""
    all_of_them = list(windows)

    def ends(at: datetime) -> list[tuple[datetime | None, Quiet]]:
        return [(one.ends(at), one) for one in all_of_them if one.holds(at, severity)]

    held = ends(moment)
    if not held:
        return None
    _, last = max(held, key=lambda one: (one[0] is None, one[0] or moment))
    until: datetime | None = moment
    for _ in range(MOST_JOINED):
        if until is None or not held:
            return QuietNow(last.window, until, last.break_through)
        known = [end for end, _ in held if end is not None]
        until = max(known) if len(known) == len(held) else None
        held = ends(until) if until is not None else []
    return QuietNow(last.window, None, last.break_through)
