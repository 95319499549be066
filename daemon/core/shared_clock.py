"""The clock of another machine, by what it answers: how far it stands from our own elapsed time. Pure.

An answer was made at some moment between the asking and its arrival, and nobody knows at which. So by it the
offset is within a range as wide as the answer was long under way, and by several within all their ranges. A
slow answer says little so, and a quick one keeps its worth, as long as the two times go on alike. One that is
outside says that something was set, or stood still.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from daemon.core.timeline import SLACK

DRIFT = 0.001
"""Of two elapsed times against each other, at most: each may be slewed by 500 ppm (man adjtimex)."""


class Sample(NamedTuple):
    """One answer: what the other clock said, and our elapsed seconds before and after it was asked."""

    before: float
    at: datetime
    after: float


@dataclass(frozen=True)
class Estimate:
    """What the other clock showed when our elapsed time was nothing: between the two."""

    earliest: datetime
    latest: datetime
    taken: float
    """Our elapsed seconds when the last of the samples was asked for."""

    @property
    def anchor(self) -> datetime:
        """The middle, which is off by half of the range at most."""
        return self.earliest + (self.latest - self.earliest) / 2

    @property
    def is_exact(self) -> bool:
        """Whether a step can be told from it."""
        return self.latest - self.earliest <= SLACK

    def at(self, elapsed: float) -> datetime:
        """What the other clock shows by now."""
        return self.anchor + timedelta(seconds=elapsed)


def learned(known: Estimate | None, sample: Sample) -> Estimate:
    """What is known with one more sample. One that contradicts the others stands for itself; one that was
    asked for before the last says nothing new, for the clock may have been set between the two."""
    earliest = sample.at - timedelta(seconds=sample.after)
    latest = sample.at - timedelta(seconds=sample.before)
    if known is None:
        return Estimate(earliest, latest, sample.before)
    if sample.before < known.taken:
        return known
    apart = timedelta(seconds=DRIFT * (sample.before - known.taken))
    both = max(earliest, known.earliest - apart), min(latest, known.latest + apart)
    return Estimate(*both, sample.before) if both[0] <= both[1] else Estimate(earliest, latest, sample.before)
