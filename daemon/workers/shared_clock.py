"""The wall clock of all daemons that share a database is the database's: it is asked now and then, and known
between."""

import threading
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from daemon.core.shared_clock import Estimate, Sample, learned
from daemon.store import clock_steps
from daemon.store.clock_steps import Clock

TRIES = 5
"""Of a quick answer, before a slow one has to do."""


class SharedClock:
    """Read from any thread without asking; `sample` from any, too."""

    def __init__(
        self,
        elapsed: Callable[[], float],
        ask: Callable[[sa.Connection], tuple[datetime, Clock | None]] = clock_steps.ask,
    ) -> None:
        """`elapsed`: seconds of this machine that only grow, sleep included."""
        self.elapsed = elapsed
        self._ask = ask
        self._lock = threading.Lock()
        self._estimate: Estimate | None = None
        self.row: Clock | None = None
        """What the store knew of its clock at the last sample."""
        self.samples = 0

    def sample(self, db: sa.Connection) -> None:
        """Ask, in one statement. Raises SQLAlchemy's errors, and then all stays as it was."""
        before = self.elapsed()
        at, row = self._ask(db)
        sample = Sample(before, at, self.elapsed())
        with self._lock:
            self._estimate = learned(self._estimate, sample)
            self.row = row
            self.samples += 1

    def sample_well(self, db: sa.Connection) -> None:
        """Ask until an answer was quick enough, a few times at most. Raises as `sample`."""
        for _ in range(TRIES):
            self.sample(db)
            if self.is_exact:
                return

    def wall(self) -> datetime:
        """What the database's clock shows, in UTC; it has to have been asked once."""
        return self._known.at(self.elapsed())

    @property
    def anchor(self) -> datetime:
        """What it showed when nothing had elapsed: it moves where the clock is set, or where our elapsed time
        stands still."""
        return self._known.anchor

    @property
    def is_exact(self) -> bool:
        """Whether a step can be told from what is known."""
        return self._known.is_exact

    @property
    def asked_at(self) -> float | None:
        """When the last sample was asked for, in elapsed seconds; None: never."""
        return self._estimate.taken if self._estimate else None

    @property
    def _known(self) -> Estimate:
        assert self._estimate is not None  # noqa: S101 - a start asks before anybody reads
        return self._estimate
