"""What was measured at several sizes, as a run's file has it."""

from pathlib import Path

from bench import results, scale, tables
from bench.results import Results
from bench.scale import Loaded

SIZES = [Loaded(Path("a"), 100_000, 1.5, 0.25), Loaded(Path("b"), 1_000_000, 12.0, 2.5)]
FOUND = {100_000: {"GET events, p95": 2.0}, 1_000_000: {"GET events, p95": 2.5, "backlog, p95": 4.0}}


def test_each_size_is_a_column_of_the_page() -> None:
    run = Results({}, scale.figures(SIZES, FOUND), rounds=1, is_quick=False)

    assert results.parsed(results.dumped(run)) == run
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in tables.sizes(run).splitlines()]
    assert table[0] == ["figure", "100,000", "1,000,000", "events"]
    assert table[2:] == [
        ["loaded in", "1.5 s", "12 s", ""],
        ["size", "0.25 GiB", "2.5 GiB", ""],
        ["GET events, p95", "2 ms", "2.5 ms", ""],
        ["backlog, p95", "", "4 ms", ""],
    ]
