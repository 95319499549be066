"""Whether the daemon's loops still turn. Each promises how soon it turns again; one that does not is stuck.

A loop that hangs cannot be seen from outside: its thread lives, and the others answer. So the watchdog of the
service manager is fed only while every promise is kept.
"""

from collections.abc import Callable
from datetime import timedelta
from threading import Lock

PAUSE = 5.0
"""Seconds in which nobody asked `Awake`, which the main thread does every second: the process was stopped."""
TURN_WITHIN = timedelta(minutes=1)
"""A loop that did not turn for so long is stuck: twice the longest sleep of any."""


class Awake:
    """Seconds in which the process could run: a stop of it (SIGSTOP, a container's pause, a machine that
    sleeps) is nobody's hang. Read from any thread."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._last = monotonic()
        self._paused = 0.0
        self._lock = Lock()

    def __call__(self) -> float:
        with self._lock:
            now = self._monotonic()
            if now - self._last > PAUSE:
                self._paused += now - self._last
            self._last = now
            return now - self._paused


class Loop:
    """The promise of one loop; it is given by the thread that turns, and read by another."""

    def __init__(
        self, name: str, within: timedelta, monotonic: Callable[[], float], promised: "dict[Loop, float]"
    ) -> None:
        """`promised`: where the promise stands while it holds, by when it has to be kept."""
        self.name = name
        self._within = within.total_seconds()
        self._monotonic = monotonic
        self._promised = promised

    def turn(self) -> None:
        """Say that it goes on, and will say so again before long."""
        self._promised[self] = self._monotonic() + self._within

    def rest(self) -> None:
        """Promise nothing until the next turn."""
        self._promised.pop(self, None)

    @property
    def is_stuck(self) -> bool:
        promised = self._promised.get(self)
        return promised is not None and self._monotonic() > promised


class Progress:
    """The loops of the daemon, by name. Of the thousands that poll, only those under way cost anything."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._loops: dict[str, Loop] = {}
        self._promised: dict[Loop, float] = {}

    def loop(self, name: str, within: timedelta) -> Loop:
        """Watch over one more loop, from its first turn on; it takes the place of one with the same name."""
        before = self._loops.get(name)
        if before is not None:
            before.rest()
        one = self._loops[name] = Loop(name, within, self._monotonic, self._promised)
        return one

    def aside(self, within: timedelta) -> Loop:
        """A promise by the same clock, for which nobody ends the process."""
        return Loop("", within, self._monotonic, {})

    def stuck(self) -> list[str]:
        """The loops that promised to have turned by now, and have not, in the order of their beginning."""
        now = self._monotonic()
        promised = self._promised.copy()
        late = {loop.name for loop, until in promised.items() if now > until}
        return [name for name in self._loops if name in late] if late else []
