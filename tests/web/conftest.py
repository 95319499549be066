"""The app on a store of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import stores
from tests.support.http_app import Setting


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    one = Setting(stores.on_file(tmp_path / "web.db"))
    yield one
    one.database.close()
