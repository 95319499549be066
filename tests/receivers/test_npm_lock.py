"""The lock files of what comes from npm: what is installed, and nothing of where it came from."""

import json
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LOCKS = sorted((ROOT / "tests").glob("*/npm/package-lock.json"))


def test_there_are_some() -> None:
    assert [one.parent.parent.name for one in LOCKS] == ["browser", "receivers"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda one: one.parent.parent.name)
def test_every_package_is_locked_by_its_hash_and_names_no_place_that_it_came_from(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]

    assert all("integrity" in one for name, one in packages.items() if name)
    assert "://" not in text
