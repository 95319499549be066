"""How often the log says the same: lines of one cause are told a number of times, then counted. Pure, but for
the clock that it is handed.

    admit   a line comes         tell it, or count it
    ended   the time is over     how often it was not told
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

MOST = 20
"""Lines of one cause that are told within `WITHIN`."""
WITHIN = 10.0
"""Seconds."""
MOST_CAUSES = 4096
"""Causes whose lines are counted at a time. Of more, those that came first are counted anew."""


@dataclass
class Window:
    """The lines of one cause within one stretch of time."""

    until: float
    many: int = 0
    sample: str = ""
    """The last of them that was told, as it was told."""

    @property
    def untold(self) -> int:
        """How many were not told."""
        return max(self.many - MOST, 0)


class Limiter:
    """Counts the lines of each cause. Of different causes, none keeps another back."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._windows: dict[Hashable, Window] = {}
        """In the order in which they end, as all are equally long."""
        self._ended: list[Window] = []

    def admit(self, cause: Hashable) -> Window | None:
        """Where the line is to be told, its window, which wants it as a sample; else it is counted: None."""
        now = self._monotonic()
        self._end(now)
        window = self._windows.get(cause)
        if window is None:
            window = self._windows[cause] = Window(now + WITHIN)
        window.many += 1
        return None if window.untold else window

    def is_full(self, cause: Hashable) -> bool:
        """Whether a line would only be counted by now: a look, which any thread may take at any time."""
        window = self._windows.get(cause)
        return window is not None and window.many >= MOST and window.until > self._monotonic()

    def ended(self) -> list[Window]:
        """Those whose time is over and that have something untold, once each."""
        self._end(self._monotonic())
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> list[Window]:
        """Those and all others that have something untold: nothing more is to come."""
        ended = self.ended() + [one for one in self._windows.values() if one.untold]
        self._windows.clear()
        return ended

    def _end(self, now: float) -> None:
        while self._windows:
            cause = next(iter(self._windows))
            if self._windows[cause].until > now and len(self._windows) < MOST_CAUSES:
                return
            window = self._windows.pop(cause)
            if window.untold:
                self._ended.append(window)
