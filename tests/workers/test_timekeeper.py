"""The timekeeper: what it tells, what it remembers, and whose clock it believes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.core.durations import DAY, HOUR, MINUTE, NOTHING, SECOND
from daemon.core.routing.plan import Interest
from daemon.core.timeline import Look, Timeline
from daemon.pipeline.events import Recorder
from daemon.store import clock_steps
from daemon.store.database import Database
from daemon.workers.timekeeper import DOUBT_LASTS, Timekeeper
from tests.support import stores
from tests.support.fakes import FakeClock, Ids


class Bench:
    """A timekeeper on a store, and a machine that may be started anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()
        self.ids = Ids()
        self.boot = "first"
        self.ahead: list[timedelta] = []
        self.woken = 0
        self.heard: list[timedelta] = []
        self.database: Database
        self.start()

    def start(self) -> None:
        self.database = stores.at(self.path)
        self.timeline = Timeline(self.clock.now, self.clock.monotonic)
        recorder = Recorder([Interest("crm", ("*",), None)], self.ids)
        self.keeper = Timekeeper(
            self.database,
            self.timeline,
            lambda: recorder,
            look=self.look,
            wake=self.wake,
            ahead=lambda _now: self.ahead,
            longest_wait=lambda _endpoint: HOUR,
            on_step=self.heard.append,
        )
        self.keeper.recover()

    def restart(self, boot: str | None = None) -> None:
        self.database.close()
        self.boot = boot or self.boot
        self.start()

    def look(self) -> Look:
        return Look(self.clock.now(), timedelta(seconds=self.clock.monotonic()), self.boot)

    def wake(self) -> None:
        self.woken += 1

    def told(self) -> list[str]:
        with self.database.read() as db:
            return list(db.exec_driver_sql("SELECT type FROM events ORDER BY number").scalars())

    def stored(self) -> timedelta:
        with self.database.read() as db:
            return clock_steps.stepped(db)


@pytest.fixture
def bench(engine: str, tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path / "one.db")
    yield one
    one.database.close()


def test_a_step_wakes_the_dispatcher_and_is_followed_once(bench: Bench) -> None:
    bench.clock.jump(-7200)
    assert bench.keeper.stepped() is None
    bench.keeper.look()

    assert bench.woken == 1
    assert bench.keeper.follow() == -2 * HOUR
    assert bench.keeper.follow() == NOTHING
    assert bench.keeper.stepped() == bench.stored() == -2 * HOUR
    assert bench.heard == [-2 * HOUR]
    assert bench.told() == ["daemon.clock_stepped"]


def test_a_step_by_which_no_date_is_wrong_is_in_the_log_alone(bench: Bench) -> None:
    bench.clock.jump(8)

    assert bench.keeper.follow() == 8 * SECOND
    assert bench.told() == []


def test_what_cannot_be_written_is_followed_later(bench: Bench) -> None:
    bench.clock.jump(7200)
    before = bench.timeline.now()
    with stores.refusing(bench.database, "INSERT ON events"):
        with pytest.raises(sa.exc.DBAPIError):
            bench.keeper.follow()
        assert (bench.timeline.now(), bench.stored(), bench.heard) == (before, NOTHING, [])
        assert bench.keeper.stepped() is None

    assert bench.keeper.follow() == 2 * HOUR
    assert bench.stored() == 2 * HOUR


@pytest.mark.parametrize("boot", ["first", "second"])
def test_a_step_back_while_nobody_ran_is_told_at_the_start(bench: Bench, boot: str) -> None:
    bench.clock.advance(60)
    bench.keeper.look()
    bench.clock.jump(-5 * 86400)
    bench.restart(boot)

    assert bench.stored() == -5 * DAY
    assert bench.told() == ["daemon.clock_stepped"]


def test_a_long_rest_is_no_step(bench: Bench) -> None:
    bench.clock.advance(30 * 86400)
    bench.restart()

    assert bench.stored() == NOTHING
    assert bench.told() == []
    assert bench.keeper.is_believed()


@pytest.mark.parametrize("seconds", [5 * 86400.0, -5 * 86400.0])
def test_a_clock_that_was_set_far_is_believed_after_a_day_or_by_the_api(bench: Bench, seconds: float) -> None:
    assert bench.keeper.is_believed()
    bench.clock.jump(seconds)
    bench.keeper.follow()
    assert not bench.keeper.is_believed()
    bench.clock.advance(DOUBT_LASTS.total_seconds() + 1)
    assert bench.keeper.is_believed()
    bench.clock.jump(-seconds)
    bench.keeper.follow()
    assert not bench.keeper.is_believed()
    bench.ahead = [SECOND] * 3
    assert bench.keeper.is_believed()


def test_a_clock_that_the_api_calls_wrong_is_never_believed(bench: Bench) -> None:
    bench.ahead = [5 * DAY] * 3
    bench.clock.advance(10 * 86400)

    assert not bench.keeper.is_believed()


def test_a_machine_that_starts_years_later_is_doubted(bench: Bench) -> None:
    """Its clock may be wrong, and everything in the store would be old by it."""
    bench.clock.jump(5 * 365 * 86400)
    bench.restart("second")

    assert not bench.keeper.is_believed()


def test_how_the_clock_stands_is_remembered_every_ten_seconds(bench: Bench) -> None:
    def seen() -> object:
        with bench.database.read() as db:
            return db.exec_driver_sql("SELECT seen_at FROM clock").scalar_one()

    at = []
    for _ in range(25):
        bench.keeper.look()
        at.append(seen())
        bench.clock.advance(1)

    assert len(set(at)) == 3


def test_a_small_step_is_no_reason_for_doubt(bench: Bench) -> None:
    bench.clock.jump(MINUTE.total_seconds())
    bench.keeper.follow()

    assert bench.keeper.is_believed()


def test_a_step_between_the_start_and_the_recovery_counts_once(bench: Bench) -> None:
    bench.database.close()
    bench.database = stores.at(bench.path)
    bench.timeline = Timeline(bench.clock.now, bench.clock.monotonic)
    bench.keeper._timeline = bench.timeline
    bench.keeper._database = bench.database
    bench.clock.jump(7200)
    bench.keeper.recover()

    assert bench.stored() == 2 * HOUR
    assert bench.keeper.follow() == NOTHING


@pytest.mark.parametrize("error", stores.FAILING)
def test_a_look_that_cannot_be_remembered_is_no_reason_to_end(bench: Bench, error: Exception) -> None:
    bench.keeper._database, working = stores.Failing(error), bench.keeper._database
    bench.keeper.look()
    bench.keeper._database = working


def test_whoever_writes_after_a_step_goes_by_it(bench: Bench) -> None:
    """From within the transaction on: its lock is given up before `follow` has come to its end."""
    seen: list[timedelta | None] = []
    recorder = bench.keeper._in_force
    bench.clock.jump(-7200)

    def in_force() -> Recorder:
        seen.append(bench.keeper.stepped())
        return recorder()

    bench.keeper._in_force = in_force
    bench.keeper.follow()

    assert seen == [-2 * HOUR]
