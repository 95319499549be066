"""When a clock is wrong and a disk is nearly full, and when neither can be said."""

from datetime import timedelta

import pytest

from daemon.core.model import Verdict
from daemon.core.watches.machine import MIB, Disk, clock, disk


def seconds(*ahead: float) -> list[timedelta]:
    return [timedelta(seconds=one) for one in ahead]


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [
        ([], Verdict.UNKNOWN),
        ([600, 600], Verdict.UNKNOWN),  # too few to say
        ([0, 1, -0.5], Verdict.GOOD),
        ([15, 15, 15], Verdict.GOOD),
        ([15.1, 16, 16], Verdict.UNKNOWN),
        ([30, 30, 30], Verdict.UNKNOWN),
        ([30.1, 31, 31], Verdict.BAD),
        ([-31, -31, -31], Verdict.BAD),
        ([0, 0, 0, 4000, 0], Verdict.GOOD),  # one answer out of a cache
        ([0, 4000, 4000, 4000, 0], Verdict.BAD),
    ],
)
def test_the_clock_is_judged_by_what_most_answers_say(ahead: list[float], verdict: Verdict) -> None:
    assert clock(seconds(*ahead)).verdict is verdict


def test_how_far_the_clock_is_off_is_told_with_its_direction() -> None:
    assert clock(seconds(311.6, 312, 313)).payload == {"clock": {"off_seconds": 312, "is_ahead": True}}
    assert clock(seconds(-60, -60, -60)).payload == {"clock": {"off_seconds": 60, "is_ahead": False}}


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(99, Verdict.BAD), (100, Verdict.UNKNOWN), (124, Verdict.UNKNOWN), (125, Verdict.GOOD)],
)
def test_a_disk_is_low_below_the_least_and_has_room_a_quarter_above_it(free: int, verdict: Verdict) -> None:
    condition = disk(Disk("/var/lib/yemotd", free * MIB, 2000 * MIB), 100)

    assert condition.verdict is verdict
    assert condition.payload == {"disk": {"path": "/var/lib/yemotd", "free_mib": free, "total_mib": 2000}}
