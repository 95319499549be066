"""Every test of a store here runs on both engines; `tests/support/engines.py` says how. And whatever event
the daemon writes in a story is what its published schema says."""

from collections.abc import Iterator

import pytest

from tests.support.engines import engine, engine_is_named
from tests.support.event_bodies import Listener

__all__ = ["engine", "engine_is_named", "every_event_is_as_it_is_described"]


@pytest.fixture(autouse=True)
def every_event_is_as_it_is_described() -> Iterator[None]:
    with Listener() as listener:
        yield
    assert listener.faults == []
