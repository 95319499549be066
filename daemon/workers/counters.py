"""Counts what pollers and the dispatcher do, from any thread, for whoever asks how often.

The dispatcher ends thousands of attempts a second: it tells of them by the batch, and one of them costs a
look-up and three additions.
"""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate

from daemon.core.commands.command import Command
from daemon.core.counts import Counts, Durations
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.workers.poller import Polled

MICROSECOND = timedelta(microseconds=1)
BOUNDS = tuple(
    timedelta(milliseconds=one)
    for one in (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 60_000)
)
"""Up to the deadlines that the configuration has where it says nothing: 15 s, 20 s, a minute."""
_BOUNDS = [one // MICROSECOND for one in BOUNDS]


class _Times:
    """Durations, counted by the first bound that each does not pass."""

    def __init__(self) -> None:
        self.many = [0] * (len(_BOUNDS) + 1)
        self.total = 0

    def add(self, microseconds: int) -> None:
        self.many[bisect_left(_BOUNDS, microseconds)] += 1
        self.total += microseconds

    def seen(self) -> Durations:
        *within, many = accumulate(self.many)
        return Durations(dict(zip(BOUNDS, within, strict=True)), many, self.total * MICROSECOND)


class _Endpoint:
    """What the attempts for one endpoint came to."""

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.times = _Times()


class Counters:
    """What was done since the process started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._polls: Counter[tuple[str, str, str]] = Counter()
        self._systems: dict[str, _Times] = {}
        self._endpoints: dict[str, _Endpoint] = {}
        self._commands: Counter[tuple[str, str, str]] = Counter()
        self._copies: Counter[str] = Counter()
        self._copied_bytes: Counter[str] = Counter()
        self._uncopied: Counter[str] = Counter()

    def polled(self, polled: Polled, took: timedelta) -> None:
        """Count one poll."""
        if polled.is_dropped:
            return
        with self._lock:
            self._polls[(*polled.watch.id, _outcome(polled))] += 1
            if not polled.is_paused:
                self._systems.setdefault(polled.watch.system, _Times()).add(took // MICROSECOND)

    def attempted(self, ended: Sequence[Attempted]) -> None:
        """Count attempts that ended."""
        with self._lock:
            for one in ended:
                name = one.message.endpoint
                found = self._endpoints.get(name) or self._endpoints.setdefault(name, _Endpoint())
                found.outcomes[one.outcome] += 1
                found.times.add(one.phases.total)

    def commanded(self, ended: Sequence[Command]) -> None:
        """Count commands that ended."""
        with self._lock:
            self._commands.update((one.system, one.type, one.status.value) for one in ended)

    def copied(self, system: str, size: int | None) -> None:
        """Count a recording that was to be copied; `size`: its bytes, None where it was not."""
        with self._lock:
            self._copies[system] += size is not None
            self._copied_bytes[system] += size or 0
            self._uncopied[system] += size is None

    def counts(self) -> Counts:
        """What was counted so far."""
        with self._lock:
            return Counts(
                dict(self._polls),
                {name: times.seen() for name, times in self._systems.items()},
                {
                    (name, outcome.value): many
                    for name, one in self._endpoints.items()
                    for outcome, many in one.outcomes.items()
                },
                {name: one.times.seen() for name, one in self._endpoints.items()},
                dict(self._commands),
                dict(self._copies),
                dict(self._copied_bytes),
                dict(self._uncopied),
            )


def _outcome(polled: Polled) -> str:
    if polled.is_paused:
        return "paused"
    if polled.is_unchanged:
        return "unchanged"
    return polled.unknown.failure.value if polled.unknown else "answered"
