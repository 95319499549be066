"""Lives of an office, injured at exact points: what happened, what was written and what arrived are the same;
and each fault that somebody could write is found by that."""

from pathlib import Path

import pytest

from tests.support.engines import ON_SQLITE, each
from tests.support.examples import examples
from tests.torture.bugs import BUGS, Bug
from tests.torture.life import Life, Plan
from tests.torture.oracle import judged

SEEDS = 4
"""Lives, at most, until a fault shows."""


@pytest.mark.slow
@each("seed", range(examples(40)), every=8)
def test_nothing_is_lost_invented_or_left_in_silence(tmp_path: Path, engine: str, seed: int) -> None:
    assert judged(Life(Plan.of(seed), tmp_path / "life.db").lived()) == {}


@ON_SQLITE
@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_fault_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, bug: Bug) -> None:
    bug(monkeypatch)
    found = (judged(Life(Plan.of(seed), tmp_path / f"{seed}.db").lived()) for seed in range(SEEDS))

    assert any(BUGS[bug].__name__ in wrong for wrong in found)
