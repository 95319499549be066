"""What anybody may ask for costs the same however many do: it is made once a second, at most."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")
LASTS = timedelta(seconds=1)


class Kept(Generic[T]):
    """One value that is made anew when it is asked for and too old. For all threads."""

    def __init__(self, make: Callable[[], T], now: Callable[[], datetime], lasts: timedelta = LASTS) -> None:
        self._make = make
        self._now = now
        self._lasts = lasts
        self._lock = threading.Lock()
        self._found: tuple[datetime, T] | None = None

    def __call__(self) -> T:
        """The value; what making it raises is raised, and nothing is kept then."""
        with self._lock:
            now, found = self._now(), self._found
            # A clock that was set back would keep it for as long.
            if found is None or not found[0] <= now < found[0] + self._lasts:
                self._found = found = (now, self._make())
            return found[1]
