"""What of the documentation is made from the run that was kept: tables, and a picture."""

from collections.abc import Mapping
from pathlib import Path

from bench import plot, tables
from bench.results import Results

PAGES = ("README.md", "docs/performance.md")
PICTURE = "docs/pictures/deliveries.svg"


def made(top: Path, kept: Results) -> Mapping[Path, str]:
    """Each file below the top of the repository, with what has to be in it."""
    files = {top / one: tables.filled((top / one).read_text(encoding="utf-8"), kept) for one in PAGES}
    return {**files, top / PICTURE: plot.deliveries(kept)}
