"""Durations as people write them in the configuration: `500ms`, `15s`, `1m30s`, `4h`, `7d`. Pure."""

import re
from datetime import timedelta

NOTHING = timedelta(0)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

LONGEST = timedelta(days=3650)
"""More is a slip of the keyboard, and would lead past the end of the calendar."""

UNITS = {
    "d": DAY,
    "h": HOUR,
    "m": MINUTE,
    "s": SECOND,
    "ms": timedelta(milliseconds=1),
}
_WRITTEN = re.compile("".join(f"(?:([0-9]{{1,15}}){unit})?" for unit in UNITS))


def parse(text: str) -> timedelta:
    """The duration that a text says: whole numbers with units, from the largest unit to the smallest.

    Raises ValueError, with a message for people, where it says none or one longer than `LONGEST`.
    """
    written = _WRITTEN.fullmatch(text)
    if not text or written is None:
        raise ValueError('expected a duration such as "30s" or "5m"')
    total = NOTHING
    for number, unit in zip(written.groups(), UNITS.values(), strict=True):
        # Compared before the multiplication, which a large number would overflow.
        if int(number or 0) > (LONGEST - total) / unit:
            raise ValueError(f"at most {show(LONGEST)}")
        total += int(number or 0) * unit
    return total


def show(duration: timedelta) -> str:
    """The shortest text that `parse` reads as this duration; `0s` for none.

    What is finer than a millisecond is cut off. Raises ValueError for a negative duration.
    """
    if duration < timedelta(0):
        raise ValueError("a duration is not negative")
    shown, rest = "", duration
    for unit, size in UNITS.items():
        number, rest = divmod(rest, size)
        shown += f"{number}{unit}" if number else ""
    return shown or "0s"
