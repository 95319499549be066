"""What may be wrong with the daemon's own machine: its clock, and the disk under its database. Pure.

A clock that is wrong dates everything wrongly, and receivers refuse signatures that are five minutes off. A
full disk ends all writing. Both are told while that can still be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from daemon.core.durations import NOTHING
from daemon.core.model import AlertKind, Condition, EventTypes, Json, Rule, Severity, Verdict
from daemon.core.shapes import flag, pair, record, text, whole

CLOCK = AlertKind("daemon.clock_wrong", "daemon.clock_right")
DISK = AlertKind("daemon.disk_low", "daemon.disk_ok")
EVENTS = EventTypes(
    alerts=(CLOCK, DISK),
    rows={
        **pair(
            CLOCK,
            "The machine's clock is off by more than 30 s against that of the API, by several answers.",
            "It is off by less than 15 s again.",
            {
                "clock": record(
                    {
                        "off_seconds": whole("By how much, either way."),
                        "is_ahead": flag("Whether it is ahead of the API's."),
                    }
                )
            },
        ),
        **pair(
            DISK,
            "Less is free on the database's disk than `[daemon] free_mib`.",
            "There is room again: a quarter more than that.",
            {"disk": record({"path": text("Of the database."), "free_mib": whole(), "total_mib": whole()})},
        ),
    },
)
CLOCK_RULE = Rule(NOTHING, NOTHING, Severity.WARNING)
DISK_RULE = Rule(NOTHING, NOTHING, Severity.ERROR)

WRONG = timedelta(seconds=30)
"""Off by more, the clock is wrong …"""
RIGHT = timedelta(seconds=15)
"""… and off by less, it is right. Between the two it stays what it was."""
FEWEST = 3
"""Answers that have to agree: one alone may come out of a cache, or have been long under way."""
ROOM_AGAIN = 1.25
"""How many times the least that has to be free is enough again."""
MIB = 1024 * 1024


@dataclass(frozen=True)
class Disk:
    """The file system that the database is on, in bytes."""

    path: str
    free: int
    total: int


def clock(ahead: Sequence[timedelta]) -> Condition:
    """Whether the clock is right; `ahead`: by how much it was before the API's, at its latest answers."""
    if len(ahead) < FEWEST:
        return Condition("clock", CLOCK, "daemon/clock", Verdict.UNKNOWN, CLOCK_RULE, {})
    off = median(one.total_seconds() for one in ahead)
    verdict = _verdict(abs(off), RIGHT.total_seconds(), WRONG.total_seconds())
    payload: dict[str, Json] = {"clock": {"off_seconds": round(abs(off)), "is_ahead": off > 0}}
    return Condition("clock", CLOCK, "daemon/clock", verdict, CLOCK_RULE, payload)


def disk(seen: Disk, least_mib: int) -> Condition:
    """Whether the database has room to grow: at least `least_mib` MiB."""
    least = least_mib * MIB
    verdict = _verdict(-seen.free, -least * ROOM_AGAIN, -least)
    payload: dict[str, Json] = {
        "disk": {"path": seen.path, "free_mib": seen.free // MIB, "total_mib": seen.total // MIB}
    }
    return Condition("disk", DISK, "daemon/disk", verdict, DISK_RULE, payload)


def _verdict(amount: float, good: float, bad: float) -> Verdict:
    """More is worse. Between the two limits nothing is said, so that nothing flaps."""
    if amount > bad:
        return Verdict.BAD
    return Verdict.GOOD if amount <= good else Verdict.UNKNOWN
