"""The daemon's own machine: what is told of its clock, its disk and its store, and when."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.core.model import Fact
from daemon.core.watches.machine import MIB, Disk
from daemon.pipeline.events import Recorder
from daemon.store import events, locking
from daemon.store.database import Database
from daemon.workers.self_check import Heard, SelfCheck
from tests.support import stores
from tests.support.fakes import FakeClock, Ids

ROOM = Disk("/var/lib/yemotd", 900 * MIB, 2000 * MIB)
FULL = Disk("/var/lib/yemotd", 20 * MIB, 2000 * MIB)


@dataclass
class Machine:
    """A self-check with a clock and a disk that tests turn."""

    store: Database
    clock: FakeClock = field(default_factory=FakeClock)
    disk: Disk | None = ROOM
    least_mib: int = 500
    woken: int = 0
    sounded: list[Fact] = field(default_factory=list)
    ended: int = 0

    def __post_init__(self) -> None:
        self.recorder, self.heard = Recorder([], Ids()), Heard()
        self.self_check = SelfCheck(
            self.store,
            lambda: self.recorder,
            now=self.clock.now,
            heard=self.heard,
            disk=lambda: self.disk,
            least_mib=lambda: self.least_mib,
            wake=self._wake,
            alarm=self,
        )

    def sound(self, fact: Fact) -> None:
        self.sounded.append(fact)

    def end(self) -> None:
        self.ended += 1

    def _wake(self) -> None:
        self.woken += 1

    def hear(self, *, ahead: float, times: int = 3) -> None:
        for _ in range(times):
            self.heard(self.clock.now() - timedelta(seconds=ahead), self.clock.now())

    def check(self, *, after: float = 10) -> None:
        self.clock.advance(after)
        self.self_check.check()

    def told(self) -> list[tuple[str, Any]]:
        with self.store.read() as db:
            bodies = [json.loads(row.body) for _, row in events.read(db, events.Query(0, None, None, 100))]
        return [(body["type"], body["data"]) for body in bodies]

    def types(self) -> list[str]:
        return [type_ for type_, _ in self.told()]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    store = stores.on_file(tmp_path / "a.db")
    yield Machine(store)
    store.close()


def test_a_machine_that_is_well_has_nothing_to_tell(machine: Machine) -> None:
    machine.hear(ahead=0.4)
    machine.check()
    machine.check()

    assert machine.types() == []
    assert machine.woken == 0


def test_a_clock_that_is_off_is_told_once_and_so_is_its_return(machine: Machine) -> None:
    machine.hear(ahead=-312)
    machine.check()
    machine.check()
    machine.hear(ahead=0, times=5)
    machine.check()

    (wrong, told), (right, again) = machine.told()
    assert (wrong, right) == ("daemon.clock_wrong", "daemon.clock_right")
    assert told["clock"] == {"off_seconds": 312, "is_ahead": False}
    assert told["subject"] == "daemon/clock"
    assert told["alert"]["incident"] == again["alert"]["incident"]
    assert machine.woken == 2


def test_an_api_that_is_silent_says_nothing_of_the_clock(machine: Machine) -> None:
    machine.hear(ahead=-312)
    machine.check(after=601)
    assert machine.types() == []

    machine.hear(ahead=-312)
    machine.check()
    machine.check(after=601)
    assert machine.types() == ["daemon.clock_wrong"]  # and it is not said to be right


def test_a_disk_that_fills_is_told_while_it_can_be_and_so_is_room(machine: Machine) -> None:
    machine.disk = FULL
    machine.check()
    machine.disk = ROOM
    machine.check()

    (low, told), (ok, _) = machine.told()
    assert (low, ok) == ("daemon.disk_low", "daemon.disk_ok")
    assert told["disk"] == {"path": "/var/lib/yemotd", "free_mib": 20, "total_mib": 2000}
    assert told["alert"]["severity"] == "error"


@pytest.mark.parametrize(("disk", "least_mib"), [(FULL, 0), (None, 500)])
def test_where_nobody_asks_for_room_its_alert_is_over(
    machine: Machine, disk: Disk | None, least_mib: int
) -> None:
    machine.disk = FULL
    machine.check()
    machine.disk, machine.least_mib = disk, least_mib
    machine.check()

    assert [told["alert"]["reason"] for _, told in machine.told()] == ["first", "removed"]


def fill(store: Database) -> None:
    """Let it be written no more, as on a full disk."""
    with store.write() as db:  # a trigger is the one thing that fails a write from within
        db.exec_driver_sql(
            "CREATE TRIGGER full BEFORE UPDATE ON alembic_version BEGIN"
            " SELECT RAISE(ABORT, 'database or disk is full'); END"
        )


def empty(store: Database) -> None:
    with store.write() as db:
        db.exec_driver_sql("DROP TRIGGER full")


def test_the_alarm_is_sounded_once_for_each_failure_and_ends_with_it(machine: Machine) -> None:
    fill(machine.store)
    for _ in range(3):
        machine.check()
    (failed,) = machine.sounded
    assert (failed.type, failed.subject) == ("daemon.store_failed", "daemon/store")
    assert failed.payload["store"] == {
        "failing_since": "2026-03-01T12:00:10.000Z",
        "error": "database or disk is full",
    }
    empty(machine.store)
    machine.check()
    assert (len(machine.sounded), machine.ended) == (1, 1)
    fill(machine.store)
    machine.check()
    assert len(machine.sounded) == 2


def test_what_the_daemon_before_told_is_taken_back_by_the_one_after(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    first = Machine(stores.on_file(path))
    fill(first.store)
    first.check()
    empty(first.store)
    assert locking.failing(f"sqlite:///{path}") == ("2026-03-01T12:00:10.000Z", "database or disk is full")
    first.store.close()

    stores.on_file(path).close()  # as `yemotd db upgrade` does: it takes nothing back
    after = Machine(stores.on_file(path))
    after.check()
    ((event, told),) = after.told()
    assert event == "daemon.store_recovered"
    assert told["store"]["error"] == "database or disk is full"
    after.check()
    after.store.close()
    assert locking.failing(f"sqlite:///{path}") is None
    again = Machine(stores.on_file(path))
    again.check()
    assert again.types() == ["daemon.store_recovered"]
    again.store.close()


def test_a_store_that_could_not_be_written_says_so_when_it_can(machine: Machine) -> None:
    fill(machine.store)
    machine.hear(ahead=-312)
    machine.check()
    since = machine.clock.now()
    machine.check()

    failure = machine.self_check.failure
    assert failure
    assert failure.since == since
    assert machine.types() == []
    empty(machine.store)
    machine.check()

    assert machine.self_check.failure is None
    assert machine.types() == ["daemon.clock_wrong", "daemon.store_recovered"]
    assert machine.told()[1][1]["store"] == {
        "failing_since": "2026-03-01T12:00:10.000Z",
        "error": "database or disk is full",
    }
    machine.check()
    assert len(machine.types()) == 2


def test_a_part_of_the_file_that_is_broken_is_told_though_others_can_be_written(machine: Machine) -> None:
    """Whoever meets it: the poller, the dispatcher, a chore. Nothing mends it but another file."""
    machine.check()
    with machine.store.write() as db:
        db.exec_driver_sql("ALTER TABLE deliveries RENAME TO gone")
    machine.check()
    assert not machine.sounded  # nobody has met it

    with pytest.raises(sa.exc.DBAPIError), machine.store.write() as db:
        db.exec_driver_sql("SELECT 1 FROM deliveries")
    for _ in range(3):
        machine.check()

    failure = machine.self_check.failure
    assert failure is not None
    assert "no such table: deliveries" in failure.error
    assert len(machine.sounded) == 1


def test_a_lock_or_a_full_disk_is_no_damage(machine: Machine) -> None:
    machine.check()
    error = sqlite3.OperationalError("database is locked")
    with pytest.raises(sa.exc.DBAPIError), machine.store.write():
        raise sa.exc.OperationalError("UPDATE", {}, error)
    machine.check()

    assert machine.self_check.failure is None


def test_of_a_file_that_was_overwritten_it_is_told_whatever_sqlite_says_of_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads it while another program has written half of it."""
    machine.check()
    trouble = "/var/lib/yemotd/a.db was overwritten while yemotd had it open"
    monkeypatch.setattr(machine.store, "trouble", lambda: trouble)
    error = sqlite3.DatabaseError("file is not a database")
    error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
    with pytest.raises(sa.exc.DBAPIError), machine.store.read():
        raise sa.exc.DatabaseError("SELECT", {}, error)
    machine.check()

    failure = machine.self_check.failure
    assert failure is not None
    assert failure.error == trouble
