"""The lock file of the JavaScript witnesses: what is installed, and nothing of where it came from."""

import json
from pathlib import Path

LOCK = Path(__file__).parent / "npm" / "package-lock.json"


def test_every_package_is_locked_by_its_hash_and_names_no_place_that_it_came_from() -> None:
    text = LOCK.read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]

    assert all("integrity" in one for name, one in packages.items() if name)
    assert "://" not in text
