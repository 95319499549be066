"""Moments as people write them: `2026-11-23T08:00`, `2h`, `yesterday`, `08:00`, `tomorrow 7:30`. Pure.

One parser for the command line, the page and HTTP: `since`, `until`, `--until`, `--for`. What has no offset
is meant by the clock on the wall of a zone, which skips an hour once a year and shows one twice. A time that
it skips is the moment in which it jumps over it; of one that it shows twice, each is a moment of its own.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum

from daemon.core import durations
from daemon.core.durations import DAY, SECOND

FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Ours. Every zone has what lies between, and a table's milliseconds do."""
LONGEST = 64
"""Ours. Characters; a longer text names no moment."""
DAYS = {
    "today": 0, "yesterday": -1, "tomorrow": 1,
    "היום": 0, "אתמול": -1, "מחר": 1,
}  # fmt: skip
"""Words for a day: how far from today, by the clock of the zone."""
NOW = ("now", "עכשיו")
_HOUR = r"(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
# A blank before the offset: a `+` that was not escaped in an address comes as one.
_ABSOLUTE = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    rf"(?:[Tt ]{_HOUR}(?:(?P<utc>[Zz])|(?P<sign>[-+ ])(?P<offset>[0-9]{{2}}:?[0-9]{{2}}))?)?"
)
_ON_A_DAY = re.compile(rf"(?P<day>{'|'.join(DAYS)})(?: {_HOUR})?")
_BY_THE_CLOCK = re.compile(_HOUR)
_OUT_OF_YEARS = f"expected a time between {FIRST_YEAR} and {LAST_YEAR}"


class Towards(Enum):
    """In which direction a moment is meant, where its text does not say so."""

    PAST = "past"
    """`2h` is two hours ago; `08:00` is when the clock showed it last."""
    FUTURE = "future"
    """`2h` is in two hours; `08:00` is when the clock shows it next."""


def moment(text: str, now: datetime, zone: tzinfo, *, towards: Towards) -> datetime:
    """The moment that a text names, in UTC, to the microsecond.

    `08:00`: towards the past the last one, `now` included, towards the future the next one after it. A day
    (`2026-11-23`, `yesterday`) is its beginning, and may be followed by a time (`yesterday 08:00`); nothing
    is said then of whether it lies before `now` or after: who cannot use one that is over has to look. A day
    and a time that the clock showed twice are the first of the two, but towards the future the second where
    the first is over.

    Raises ValueError, with a message for people, where a text names no moment.
    """
    bare = text.strip(" \t") if len(text) <= LONGEST else ""
    try:
        found = _moment(bare, now, zone, towards).astimezone(UTC)
    except OverflowError:
        raise ValueError(_OUT_OF_YEARS) from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(_OUT_OF_YEARS)
    return found


def instants(naive: datetime, zone: tzinfo) -> list[datetime]:
    """When the clock of a zone shows a naive time: one moment in UTC or two, in their order; of a time that
    it skips, the one in which it jumps over it. Raises OverflowError at the ends of the calendar."""
    first, second = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return [first]
    if first < second:
        return [first, second]
    return [_jump(second, first, naive, zone)]  # in a gap the offsets stand the other way (PEP 495)


def _moment(text: str, now: datetime, zone: tzinfo, towards: Towards) -> datetime:
    word = text.lower()
    if word in NOW:
        return now
    if absolute := _ABSOLUTE.fullmatch(text):
        return _absolute(absolute, now, zone, towards)
    if named := _ON_A_DAY.fullmatch(word):
        day = now.astimezone(zone).date() + DAYS[named["day"]] * DAY
        return _chosen(datetime.combine(day, _time(named["time"])), now, zone, towards)
    if _BY_THE_CLOCK.fullmatch(text):
        return _nearest(_time(text), now, zone, towards)
    return _away(text, now, towards)


def _absolute(found: re.Match[str], now: datetime, zone: tzinfo, towards: Towards) -> datetime:
    try:
        day = date.fromisoformat(found["date"])
    except ValueError:
        raise ValueError(f"the calendar has no {found['date']}") from None
    naive = datetime.combine(day, _time(found["time"]))
    if found["utc"]:
        return naive.replace(tzinfo=UTC)
    if found["offset"] is None:
        return _chosen(naive, now, zone, towards)
    return naive.replace(tzinfo=UTC) - _offset(found["sign"], found["offset"])


def _offset(sign: str, digits: str) -> timedelta:
    hours, minutes = int(digits[:2]), int(digits[-2:])
    if hours >= 24 or minutes >= 60:  # noqa: PLR2004 - of the clock
        raise ValueError(f"there is no offset of {digits}")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if sign == "-" else offset


def _time(text: str | None) -> time:
    """Of a day without one: its beginning."""
    if text is None:
        return time()
    try:
        return time.fromisoformat(_padded(text))
    except ValueError:
        raise ValueError(f"there is no {text} on a clock") from None


def _padded(text: str) -> str:
    hour, rest = text.split(":", 1)
    return f"{hour.zfill(2)}:{rest}"


def _chosen(naive: datetime, now: datetime, zone: tzinfo, towards: Towards) -> datetime:
    """Of a day and a time that are given."""
    shown = instants(naive, zone)
    return shown[-1] if towards is Towards.FUTURE and shown[0] <= now else shown[0]


def _nearest(at: time, now: datetime, zone: tzinfo, towards: Towards) -> datetime:
    """The next one, or the last: two days off at most, where a zone leaves out a whole day."""
    today = now.astimezone(zone).date()
    days = (today + shift * DAY for shift in range(-2, 3))
    shown = [one for day in days for one in instants(datetime.combine(day, at), zone)]
    if towards is Towards.PAST:
        return max(one for one in shown if one <= now)
    return min(one for one in shown if one > now)


def _away(text: str, now: datetime, towards: Towards) -> datetime:
    try:
        away = durations.parse(text)
    except ValueError as fault:
        if str(fault).startswith("at most"):
            raise
        example = "yesterday" if towards is Towards.PAST else "tomorrow"
        raise ValueError(
            f'expected a time such as "2026-11-23T08:00", "08:00", "2h" or "{example}"'
        ) from None
    return now - away if towards is Towards.PAST else now + away


def _jump(before: datetime, after: datetime, naive: datetime, zone: tzinfo) -> datetime:
    """The moment in which the clock jumps over a naive time; zones change at whole seconds.

    `before` it shows an earlier time, and from `after` on a later one.
    """
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    while after - before > SECOND:
        middle = before + int((after - before) / SECOND) // 2 * SECOND
        if middle.astimezone(zone).replace(tzinfo=None) < naive:
            before = middle
        else:
            after = middle
    return after
