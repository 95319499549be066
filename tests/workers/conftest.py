"""A setting for deliveries, on a store in memory."""

from collections.abc import Iterator

import pytest

from daemon.store import database as databases
from daemon.store.database import Database
from tests.delivering import Setting


@pytest.fixture
def database() -> Iterator[Database]:
    one = databases.in_memory()
    yield one
    one.close()


@pytest.fixture
def setting(database: Database) -> Setting:
    return Setting(database)
