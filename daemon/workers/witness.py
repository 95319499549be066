"""Whether the network carries, as polls bear witness: our own outage is told from another's by it."""

from collections.abc import Callable
from datetime import timedelta

LASTS = timedelta(minutes=1)
"""How long a poll bears witness."""


class Witness:
    """The last poll of each watch. Safe to use from any thread."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: dict[tuple[str, str], tuple[float, bool]] = {}

    def polled(self, watch: tuple[str, str], *, is_reached: bool) -> None:
        """A poll of a watch (system, name) ended; `is_reached`: the network carried it, whatever was
        answered."""
        self._seen[watch] = self._monotonic(), is_reached

    def is_answered(self) -> bool | None:
        """Whether a poll of the last minute was answered by any system, or all failed for want of an
        answer; None: there was none."""
        since = self._monotonic() - LASTS.total_seconds()
        recent = [is_reached for at, is_reached in list(self._seen.values()) if at >= since]
        return any(recent) if recent else None
