"""What one run of the benchmark goes by."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Loop
from bench.processes import Cores

RUNS = 3
QUICK_SHARE = 10
"""A quick run is this much smaller."""


@dataclass(frozen=True)
class Plan:
    """How much is measured, and with what."""

    directory: Path
    """For everything that a measurement writes; gone at the end."""
    receiver: Path
    """The compiled receiver."""
    cores: Cores
    is_quick: bool = False
    runs: int = RUNS
    loops: list[Loop] = field(default_factory=list)
    """How long a fixed loop took before each run."""
    longest: float = 120.0
    """Seconds that one run may take."""

    def size(self, many: int) -> int:
        """How many of something, where a full run takes `many`."""
        return many // QUICK_SHARE if self.is_quick else many
