"""A short round of the soak, always the same one: everything is injured at once, and nothing is lost.

The long ones are played by hand: `make soak SECONDS=1800`.
"""

from pathlib import Path

import pytest

from tests.soak.round import Soak
from tests.support.wall import IS_THERE

pytestmark = pytest.mark.slow


def test_a_short_round_ends_well(tmp_path: Path) -> None:
    if not IS_THERE:
        pytest.skip("libfaketime is not to be had for this machine")
    soak = Soak(tmp_path, seconds=20, seed=15)

    assert soak.play() == [], soak.round
    assert soak.world.sent
    assert sum(soak.round.injuries.values()) > 5
