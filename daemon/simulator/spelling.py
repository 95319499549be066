"""How the simulated API spells dates, waits and numbers: both of its backends, and their moods.

Pure. Nothing here is shared with the code that reads answers: one mistake in both would not be seen.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Jerusalem")
JAVA_CORE = {"responseStatus": "OK", "yemotAPIVersion": 6}
NEWER = {"responseStatus": "OK", "yAfastVersion": "6.7.30"}
NOON = 12


class SimulationError(ValueError):
    """The simulated system has no such thing, or cannot do this. Whoever drives it is at fault."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """In which of the documented and seen forms a system shows its SMS log."""

    numbers_as_ints: bool = False
    """`dest` and `phone` as ints, as the source document shows them; strings are what is seen."""
    time_first: bool = False
    """`22:40:54 2024-07-30`, as the source document shows it."""
    escaped_texts: bool = False
    """Message texts JSON-escaped once more."""


def local(moment: datetime) -> datetime:
    """The same moment on the platform's clocks, to the second, and naive."""
    return moment.astimezone(ZONE).replace(microsecond=0, tzinfo=None)


def dated(moment: datetime) -> str:
    """`2024-07-30 22:40:54`."""
    return local(moment).isoformat(" ")


def day_of(moment: datetime) -> str:
    """`2024-07-30`, as files of a day are called."""
    return local(moment).date().isoformat()


def day_first(moment: datetime) -> str:
    """`30/07/2024 22:40`, as files show it."""
    return local(moment).strftime("%d/%m/%Y %H:%M")


def american(moment: datetime) -> str:
    """`11/24/2021, 9:56:38 AM`, as agents show their last call."""
    at = local(moment)
    half = "AM" if at.hour < NOON else "PM"
    return f"{at.month}/{at.day}/{at.year}, {at.hour % NOON or NOON}:{at.minute:02}:{at.second:02} {half}"


def ago(seconds: int) -> str:
    """`7 דקות, 23 שניות`."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} דקות, {rest} שניות" if minutes else f"{rest} שניות"


def minutes_and_seconds(seconds: int) -> str:
    """`mm:ss`."""
    return "{:02}:{:02}".format(*divmod(seconds, 60))


def international(number: str) -> str:
    """A national number as the SMS log shows it: `972…`. A name stays what it is."""
    return f"972{number[1:]}" if number.isdecimal() and number.startswith("0") else number


def extension(path: str) -> str:
    """The name under which a folder is kept, however it is spelled; "" is the main extension."""
    return path.removeprefix("ivr2:").removeprefix(".").strip("/")
