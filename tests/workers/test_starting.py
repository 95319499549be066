"""The turn of who starts, on a real PostgreSQL: who stands still in it holds up nobody who can go on."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from daemon.store.database import Database
from daemon.store.happened import Topic
from daemon.store.location import FAILURES, DatabaseError
from daemon.store.ownership import POLLING, STARTING
from daemon.store.session import Session
from daemon.workers.starting import LOOK_EVERY, SILENT, TELL_EVERY, WITHIN, take_turn
from tests.support import postgresql, stores
from tests.support.fakes import FakeClock
from tests.support.several import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.needs(*postgresql.NEEDED)]
A_MEMBER = 4711
"""The lock of one."""


@pytest.fixture
def database() -> Iterator[Database]:
    with stores.on_engine(stores.POSTGRESQL), closing(stores.new()) as one:
        yield one


@pytest.fixture
def starter(database: Database) -> Iterator[Session]:
    """One that has its turn."""
    one: Session = database.session()
    assert one.hold(STARTING)
    yield one
    with suppress(*FAILURES):
        one.close()


class Waiting:
    """One that wants its turn, by a clock that is moved; meanwhile others do something."""

    def __init__(self, database: Database, meanwhile: Callable[[float], None] = lambda _waited: None) -> None:
        self._session = database.session()
        self.clock = FakeClock()
        self.waited = 0.0
        self._meanwhile = meanwhile
        self.db: sa.Connection = self._session.db
        self.hold, self.let_go, self.close = self._session.hold, self._session.let_go, self._session.close

    def wait(self, seconds: float) -> set[Topic]:
        self.clock.advance(seconds)
        self.waited += seconds
        self._meanwhile(self.waited)
        return set()

    def take_turn(self) -> None:
        with closing(self):
            take_turn(self, self.clock.monotonic)


def test_who_stands_still_before_it_is_a_member_is_ended_and_fails_when_it_goes_on(
    database: Database, starter: Session
) -> None:
    (pid,) = starter.db.exec_driver_sql("SELECT pg_backend_pid()").one()
    there = "SELECT count(*) FROM pg_stat_activity WHERE pid = %(pid)s"

    def wait_for_the_server(_waited: float) -> None:
        """Which takes its time to end a session, by no clock of the test's."""
        if logs:
            wait_until(lambda: waiting.db.exec_driver_sql(there, {"pid": pid}).scalar() == 0)

    waiting = Waiting(database, wait_for_the_server)
    with capture_logs() as logs:
        waiting.take_turn()

    assert SILENT < waiting.waited <= SILENT + 2 * LOOK_EVERY
    assert [one["event"] for one in logs] == ["member.starter_ended"]
    with pytest.raises(FAILURES):
        starter.hold(A_MEMBER)


def test_who_says_something_now_and_then_is_waited_for(database: Database, starter: Session) -> None:
    def go_on(waited: float) -> None:
        if waited % 20 == 0:
            starter.db.exec_driver_sql("SELECT 1")
        if waited == 200:
            starter.let_go(STARTING)

    waiting = Waiting(database, go_on)
    waiting.take_turn()

    assert waiting.waited == 200
    assert starter.hold(A_MEMBER)


@pytest.mark.parametrize("lock", [A_MEMBER, POLLING], ids=["a member", "a poll by hand"])
def test_who_may_have_something_in_hand_is_waited_for_however_silent_and_that_is_said(
    database: Database, starter: Session, lock: int
) -> None:
    def go_on(waited: float) -> None:
        if waited == 400:
            starter.let_go(STARTING)

    starter.hold(lock)
    (pid,) = starter.db.exec_driver_sql("SELECT pg_backend_pid()").one()
    waiting = Waiting(database, go_on)
    with capture_logs() as logs:
        waiting.take_turn()

    assert waiting.waited == 400
    assert [one["event"] for one in logs] == ["member.waits"] * int(400 / (TELL_EVERY + LOOK_EVERY))
    assert f"process {pid}" in logs[0]["reason"]
    assert f"pg_terminate_backend({pid})" in logs[0]["way_out"]


def test_a_start_does_not_wait_for_ever(database: Database, starter: Session) -> None:
    starter.hold(A_MEMBER)
    waiting = Waiting(database)

    with pytest.raises(DatabaseError, match=r"has been starting on this database for 600 s.*SIGCONT"):
        waiting.take_turn()

    assert waiting.waited == WITHIN + LOOK_EVERY
    assert starter.held() >= {STARTING, A_MEMBER}


def test_a_lock_that_is_free_is_had_at_once(database: Database) -> None:
    waiting = Waiting(database)
    waiting.take_turn()

    assert waiting.waited == 0
