"""The locks: what is installed is what was tested, from wherever it may come."""

import re

import pytest

from tests.support.paths import ROOT

LOCKS = ("requirements.txt", "requirements-dev.txt")


def pinned(name: str) -> dict[str, str]:
    """Versions by project."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", LOCKS)
def test_every_project_is_pinned_by_hashes_and_by_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]

    assert all("==" in block.splitlines()[0] and "--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text and "--extra-index" not in text and "--find-links" not in text


def test_what_is_installed_has_the_versions_of_the_tests() -> None:
    runtime, tested = (pinned(name) for name in LOCKS)

    assert {name: tested.get(name, version) for name, version in runtime.items()} == runtime
    assert {"pycurl", "sqlalchemy", "apprise", "psycopg"} <= set(runtime)
    assert not {"pytest", "mypy", "ruff", "uv"} & set(runtime)
