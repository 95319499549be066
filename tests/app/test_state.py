"""Whether the daemon is ready, by what the self-check found out: at once, whoever holds the store."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import sqlalchemy as sa

from daemon.app.in_force import Current
from daemon.app.parts import Parts
from daemon.app.state import CHECKED_WITHIN, State
from daemon.app.supervisor import Supervisor
from daemon.app.watchdog import Progress
from daemon.pipeline.events import Recorder
from daemon.store.database import Database
from daemon.workers.self_check import Heard, SelfCheck
from tests.support import stores
from tests.support.fakes import FakeClock, Ids

MOMENT = timedelta(seconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    one = stores.on_file(tmp_path / "yemotd.db")
    yield one
    one.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state(database: Database, clock: FakeClock) -> State:
    """Of a daemon that has a self-check and nothing else."""
    self_check = SelfCheck(
        database,
        lambda: Recorder([], Ids()),
        now=clock.now,
        heard=Heard(),
        disk=lambda: None,
        least_mib=lambda: 0,
        wake=lambda: None,
    )
    return State(
        cast(Parts, SimpleNamespace(self_check=self_check, database=database)),
        cast(Current, None),
        Progress(clock.monotonic),
        Supervisor(clock.monotonic),
        checking=Progress(clock.monotonic).aside(CHECKED_WITHIN),
    )


def test_it_is_ready_while_the_store_was_written_of_late(state: State, clock: FakeClock) -> None:
    for _ in range(3):
        state.check()
        clock.advance(CHECKED_WITHIN.total_seconds())
        assert state.is_ready() == (True, "database ok")


def test_what_nobody_found_out_for_long_is_not_said_to_be_well(state: State, clock: FakeClock) -> None:
    clock.advance((CHECKED_WITHIN + MOMENT).total_seconds())
    unknown = state.is_ready()
    state.check()

    assert unknown == (False, "database: whether it can be written was not found out for 30 s")
    assert state.is_ready() == (True, "database ok")


def test_a_store_that_refuses_is_told_until_it_does_not(state: State, database: Database) -> None:
    def refuse(*_: object) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, OSError("disk is full"))

    sa.event.listen(database.engine, "before_cursor_execute", refuse)
    state.check()
    refused = state.is_ready()
    sa.event.remove(database.engine, "before_cursor_execute", refuse)
    state.check()

    assert refused == (False, "database: disk is full")
    assert state.is_ready() == (True, "database ok")


def test_it_waits_for_nobody_who_writes(state: State, database: Database) -> None:
    found: list[tuple[bool, str]] = []
    with database.write():
        asking = [threading.Thread(target=lambda: found.append(state.is_ready())) for _ in range(40)]
        for one in asking:
            one.start()
        for one in asking:
            one.join(20)
        assert found == [(True, "database ok")] * 40
