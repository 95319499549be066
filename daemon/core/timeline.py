"""The time that the daemon lives by: the clock on the wall, but for its steps. Pure but for its own anchor.

A wall clock is set, by hand, by NTP, by a machine that wakes up in the wrong year. Whatever waits by it then
waits for hours, or not at all. So waits go by seconds that only grow; and what we date for ourselves (dues,
leases, retries) by a line that began at the wall's time and has gone on by those seconds since. It takes up a
step of the wall when it is told to, at one moment, together with everything that was dated by it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from daemon.core.durations import NOTHING, SECOND

SLACK = SECOND / 2
"""Of a difference between the two clocks this much is no step: they are read one after the other."""


class Look(NamedTuple):
    """One look at the clocks of a machine."""

    wall: datetime
    elapsed: timedelta
    """Since `boot`, sleep included."""
    boot: str
    """Which start of the machine; "" where nobody knows."""


class Timeline:
    """The daemon's own time. Read from any thread; one thread lets it `follow`.

    `wall`: the clock on the wall, in UTC. `elapsed`: seconds that only grow, and that grow also while the
    machine sleeps: a sleep is no step.
    """

    def __init__(self, wall: Callable[[], datetime], elapsed: Callable[[], float]) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._anchor = wall() - timedelta(seconds=elapsed())
        self._began = elapsed()

    def now(self) -> datetime:
        """The time that everything of ours is dated by, in UTC."""
        return self._anchor + timedelta(seconds=self._elapsed())

    @property
    def began(self) -> datetime:
        """When it was made, by the clock as it is followed now."""
        return self._anchor + timedelta(seconds=self._began)

    def step(self) -> timedelta:
        """How far the wall clock was set forward, or back, since it was last followed; nothing, where it
        was not."""
        step = self.apart()
        return NOTHING if abs(step) <= SLACK else step

    def apart(self) -> timedelta:
        """How far the wall clock stands before this one, to the microsecond."""
        # Whoever is stopped between two readings sees a step that there was not: so the shorter of two looks.
        looks = (self._look(), self._look())
        return min(looks, key=abs)

    def follow(self, step: timedelta) -> None:
        """Go by the wall clock as it was set."""
        self._anchor += step

    def _look(self) -> timedelta:
        now = self.now()
        return self._wall() - now


def step_between(then: Look, now: Look) -> timedelta:
    """How far the wall clock was set between two looks, of whatever processes.

    Across a new start of the machine nobody knows; but a clock that stands before where it stood was set
    back, by so much at least.
    """
    if is_measured(then, now):
        step = now.wall - then.wall - (now.elapsed - then.elapsed)
    else:
        step = min(now.wall - then.wall, NOTHING)
    return NOTHING if abs(step) <= SLACK else step


def is_measured(then: Look, now: Look) -> bool:
    """Whether what elapsed between two looks is known."""
    return bool(then.boot) and then.boot == now.boot and now.elapsed >= then.elapsed
