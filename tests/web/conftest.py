"""The app on a store of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.store import database as databases
from tests.support.http_app import Setting


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    one = Setting(databases.open_for_daemon(f"sqlite:///{tmp_path / 'web.db'}"))
    yield one
    one.database.close()
