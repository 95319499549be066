"""The lock files of what comes from npm: what is installed, and nothing of where it came from."""

import json
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LOCKS = sorted((ROOT / "tests").rglob("package-lock.json"))


def test_there_are_some() -> None:
    assert [str(one.parent.relative_to(ROOT / "tests")) for one in LOCKS] == [
        "browser/npm",
        "receivers/node_red",
        "receivers/npm",
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda one: str(one.parent.relative_to(ROOT / "tests")))
def test_every_package_is_locked_by_its_hash_and_names_no_place_that_it_came_from(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]

    assert [name for name, one in packages.items() if name and not is_locked(one)] == []
    assert "://" not in text


def is_locked(package: dict[str, object]) -> bool:
    """By its own hash, or by that of the package in which it comes."""
    return "integrity" in package or package.get("inBundle") is True
