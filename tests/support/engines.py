"""The two engines of the store, and a fixture by which every test of a folder runs on both.

A folder whose `conftest.py` imports `engine` from here has it: each of its tests that uses `engine`, by
itself or by `database`, `setting` or `story`, is run on SQLite and on PostgreSQL. What is about SQLite alone
(its files, locks and plans) says `ON_SQLITE`. Those on PostgreSQL count as slow, for a server is started for
them.
"""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext

import pytest

from tests.support import postgresql, stores
from tests.support.examples import once_more

SLOWLY = [pytest.mark.slow, pytest.mark.needs(*postgresql.NEEDED)]
ON_SQLITE = pytest.mark.parametrize("engine", [stores.SQLITE], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize(
    "engine", [pytest.param(stores.POSTGRESQL, marks=SLOWLY)], indirect=True
)
USED = pytest.mark.usefixtures("engine")
"""Of a test that opens its stores by itself."""


def each(name: str, values: Iterable[object], *, every: int) -> pytest.MarkDecorator:
    """Of a test that has many values: all of them on SQLite, and every so manieth on PostgreSQL, which takes
    several times as long."""
    known = list(values)
    both = [(stores.SQLITE, known), (stores.POSTGRESQL, known[::every])]
    cases = [
        pytest.param(engine, value, marks=SLOWLY if engine == stores.POSTGRESQL else [])
        for engine, some in both
        for value in some
    ]
    return pytest.mark.parametrize(("engine", name), cases, indirect=["engine"])


@pytest.fixture(params=[stores.SQLITE, pytest.param(stores.POSTGRESQL, marks=SLOWLY)])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the stores of the test are made on."""
    on_another = request.param != stores.SQLITE
    with stores.on_engine(request.param), once_more(request.function) if on_another else nullcontext():
        yield request.param


@pytest.fixture(autouse=True)
def engine_is_named(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that opens a store and does not say on which engine would never be run on the other one."""
    if "engine" in request.fixturenames:
        yield
        return
    with stores.on_engine(stores.NONE):
        yield
