"""Times as text, both ways: ours (RFC 3339, UTC, milliseconds) and the API's (naive local dates).

Pure. The API's dates have no offset; they are local time of the configured zone. Twice a year that is
not enough: an hour repeats, and an hour does not exist. `locate` says which of the two it chose by.
"""

import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, tzinfo

DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
TIME = re.compile(r"(?<!\d)(\d{1,2}):(\d{2}):(\d{2})(?!\d)")

CLOCK_SKEW = timedelta(minutes=2)
"""How far the platform's clock may run ahead of ours before a date counts as lying in the future."""


@dataclass(frozen=True)
class Located:
    """A naive local time, put on the time line."""

    at: datetime
    """With the zone's offset."""
    is_ambiguous: bool
    """The hour repeats, and both instants were possible."""


def iso(moment: datetime) -> str:
    """`2026-11-23T01:02:03.456Z`: UTC, milliseconds, as in every event body."""
    at = moment.astimezone(UTC)
    # A list has hundreds of times; `isoformat` takes four times as long.
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (  # noqa: UP031 - nor is an f-string as quick
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 1000,
    )  # fmt: skip


def iso_or_none(moment: datetime | None) -> str | None:
    """The same of a time that may not be there, for documents that say `null` then."""
    return iso(moment) if moment else None


def from_iso(text: object) -> datetime | None:
    """The time that an event's body names, with its offset; None where it names none, or one that not every
    zone can show."""
    moment = with_offset(text)
    return moment if moment is not None and is_shown(moment) else None


def with_offset(text: object) -> datetime | None:
    """The time that a text names, with its offset; None where it names none. Not every zone can show it: who
    takes it has to look at its year first."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo else None


def parse_local(text: str) -> datetime | None:
    """A naive date of the API, in either order: `2024-07-30 22:40:54` or `22:40:54 2024-07-30`.

    None where there is no such date in the text, or one that not every zone can show.
    """
    date, time = DATE.search(text), TIME.search(text)
    if date is None or time is None:
        return None
    try:
        naive = datetime(*map(int, date.groups() + time.groups()))  # type: ignore[arg-type] # noqa: DTZ001 - naive is what the API gives
    except ValueError:
        return None
    return naive if is_shown(naive) else None


def is_shown(moment: datetime) -> bool:
    """Whether the clocks of every zone can show a time: in the first and the last year that Python knows, the
    offset of some would lead out of them."""
    return MINYEAR < moment.year < MAXYEAR


def locate(naive: datetime, zone: tzinfo, *, between: tuple[datetime | None, datetime]) -> Located:
    """Put a naive local time on the time line, knowing that it was first seen within `between`.

    In the hour that repeats, the only instant inside the interval is the one; where both are inside,
    the later is taken and the answer says that it is ambiguous. A time in the gap of spring, which no
    clock showed, keeps the offset from before the change (PEP 495).
    """
    first, second = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset() or not _is_real(first):
        return Located(_fixed(first), is_ambiguous=False)
    earliest, latest = between
    possible = [
        instant
        for instant in (first, second)
        if instant.astimezone(UTC) <= latest + CLOCK_SKEW
        and (earliest is None or instant.astimezone(UTC) >= earliest - CLOCK_SKEW)
    ]
    chosen = possible[-1] if possible else first
    return Located(_fixed(chosen), is_ambiguous=len(possible) != 1)


def _is_real(moment: datetime) -> bool:
    back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    return back.replace(tzinfo=None) == moment.replace(tzinfo=None)


def _fixed(moment: datetime) -> datetime:
    return datetime.fromisoformat(moment.isoformat())
