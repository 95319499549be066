"""How much of a system's files may be read whole, and how often: what costs the platform most, within bounds.

Pure but for its own memory. Time is the monotonic clock's. What was read outlives the process as far as a
poll was written since: a watch keeps what it read of its system, and says so when it is asked first. So a
daemon that dies with every poll reads what it could not write down once more, and no watch more than that.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from itertools import chain

from daemon.core.durations import DAY, HOUR, MINUTE, NOTHING

MOST_A_DAY = 500 * 1000 * 1000
"""Bytes, of one system: 5 minutes apart, files of 1.7 MB may be read all day."""
SELDOM = 5 * MINUTE
"""A file is read whole no more often than this, and than its watch asks."""
PART = HOUR
"""Ours. What is read within it is added up, and counts until a day after its end."""

Spent = tuple[tuple[timedelta, int], ...]
"""How long ago how many bytes were read; within the last day, the oldest first."""


class Allowance:
    """What has been read of one system; for as many threads as its lock is for."""

    def __init__(
        self, monotonic: Callable[[], float], lock: AbstractContextManager[object] | None = None
    ) -> None:
        """`monotonic`: seconds that only grow. `lock`: None where one thread alone asks."""
        self._monotonic = monotonic
        self._spent: dict[str, list[tuple[float, int]]] = {}
        self._read: dict[tuple[str, str], float] = {}
        self._lock = lock or nullcontext()

    def may(self, many: int) -> bool:
        """Whether so many bytes more may be read now."""
        with self._lock:
            return self._in_a_day() + many <= MOST_A_DAY

    def charge(self, watch: str, many: int) -> None:
        """So many bytes were read for a watch."""
        if many <= 0:
            return
        now = self._monotonic()
        with self._lock:
            parts = self._spent.setdefault(watch, [])
            if parts and now - parts[-1][0] < PART.total_seconds():
                parts[-1] = parts[-1][0], parts[-1][1] + many
            else:
                parts.append((now, many))

    def spent(self, watch: str) -> Spent:
        """What was read for a watch."""
        with self._lock:
            now = self._monotonic()
            return tuple((timedelta(seconds=now - at), many) for at, many in self._of(watch, now))

    def follow(self, watch: str, stored: Iterable[tuple[timedelta, int]]) -> None:
        """What a watch has read by what it wrote down, where this process knows of less: it was another
        one's. A time that lies ahead, as after a step of the clock, counts as now."""
        parts = [(max(ago, NOTHING), many) for ago, many in stored]
        with self._lock:
            now = self._monotonic()
            if sum(many for _, many in parts) > sum(many for _, many in self._of(watch, now)):
                self._spent[watch] = sorted((now - ago.total_seconds(), many) for ago, many in parts)

    def follow_reading(self, watch: str, file: str, ago: timedelta) -> None:
        """When a file was read by what its watch wrote down, where this process has not read it. A time that
        lies ahead counts as now."""
        with self._lock:
            self._read.setdefault((watch, file), self._monotonic() - max(ago, NOTHING).total_seconds())

    def began(self, watch: str, file: str) -> None:
        """A file is being read."""
        with self._lock:
            self._read[watch, file] = self._monotonic()

    def since(self, watch: str, file: str) -> timedelta | None:
        """How long ago that was; None: never, as far as is known."""
        with self._lock:
            at = self._read.get((watch, file))
            return None if at is None else timedelta(seconds=self._monotonic() - at)

    def forget(self, watch: str, files: Iterable[str]) -> None:
        """Of a watch there are these files, and no others."""
        kept = set(files)
        with self._lock:
            for one in [one for one in self._read if one[0] == watch and one[1] not in kept]:
                del self._read[one]

    def _of(self, watch: str, now: float) -> list[tuple[float, int]]:
        """The parts that count."""
        parts = [one for one in self._spent.get(watch, ()) if now - one[0] < (DAY + PART).total_seconds()]
        self._spent[watch] = parts
        return parts

    def _in_a_day(self) -> int:
        now = self._monotonic()
        return sum(
            many for _, many in chain.from_iterable(self._of(watch, now) for watch in list(self._spent))
        )


class Allowances:
    """By system; they outlive a configuration."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        lock: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """`lock`: makes one, for each system."""
        self._monotonic = monotonic
        self._lock = lock
        self._known: dict[str, Allowance] = {}

    def of(self, system: str) -> Allowance:
        return self._known.setdefault(system, Allowance(self._monotonic, self._lock()))
