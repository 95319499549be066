"""What every test starts from: no variables of ours in the environment, and quiet logs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.story import Story


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("YEMOTD_") or name in ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    one = Story(tmp_path / "story.db")
    yield one
    one.database.close()
