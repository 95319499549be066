"""What a configuration may need that is not on every machine."""

import pytest

from tests.support.config_files import with_psycopg


@pytest.fixture(autouse=True)
def psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    with_psycopg(monkeypatch)
