"""What it costs the platform to watch something: calls and bytes, before anybody is asked. Pure.

Bytes are what an answer has before it is packed, and ours: made of the fields that a method shows, of an
office with a few dozen of each thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from daemon.core.durations import DAY

OF_AN_ANSWER: Mapping[str, int] = {
    "GetSipAccountsRegisteredStatus": 2_000,
    "SipGetContexts": 500,
    "GetQueueRealTime": 3_000,
    "GetIVR2DirStats": 1_000,
    "GetIVR2Dir": 20_000,
    "PirsumPhoneManagement": 100,
    "GetSession": 700,
}
OF_A_ROW: Mapping[str, int] = {"GetSmsIncomingLog": 200, "GetIncomingSms": 200}
"""Of methods that are asked for so many rows."""
OTHERWISE = 2_000


@dataclass(frozen=True)
class Cost:
    """Of one watch in one day."""

    calls: int
    bytes: int
    most_bytes: int | None = None
    """Beside them, what is read whole where it has changed: no more than this, of all such watches of a
    system together. None: nothing is."""


def cost(method: str, every: timedelta, rows: int = 1, most_bytes: int | None = None) -> Cost:
    """What is polled so often costs this; `rows`: how many are asked for."""
    calls = max(round(DAY / every), 1)
    each = OF_A_ROW[method] * rows if method in OF_A_ROW else OF_AN_ANSWER.get(method, OTHERWISE)
    return Cost(calls, calls * each, most_bytes)


def show(found: Cost) -> str:
    """One line for people: `costs: 288 calls and about 5.8 MB a day`."""
    said = f"costs: {found.calls:,} call{'s' * (found.calls != 1)} and about {megabytes(found.bytes)} a day"
    if found.most_bytes is None:
        return said
    return (
        f"{said}; files that have changed, whole, within {megabytes(found.most_bytes)} a day of this system"
    )


def megabytes(many: int) -> str:
    """`5.8 MB`."""
    return f"{many / 1_000_000:,.1f} MB".replace(".0 MB", " MB")
