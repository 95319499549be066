"""The session of a daemon: what it holds, and what it hears of the others."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.core.model import Fact
from daemon.host.clock import monotonic
from daemon.store import database as databases
from daemon.store import events, happened, silences
from daemon.store.database import Database
from daemon.store.happened import Topic
from daemon.store.location import FAILURES, DatabaseError
from daemon.store.ownership import LOCKS
from daemon.store.session import Session
from tests.support import postgresql, stores
from tests.support.fakes import START, Ids

pytestmark = [pytest.mark.slow, pytest.mark.needs(*postgresql.NEEDED)]

PATIENCE = 20.0


class Two:
    """Two daemons on one database, and the session of the first."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.url = url
        self.first, self.second = (
            stack.enter_context(closing(databases.open_for_daemon(url))) for _ in range(2)
        )
        self._stack = stack
        self.session = self.another(self.first)

    def another(self, of: Database) -> Session:
        return self._stack.enter_context(closing(of.session()))

    def hears(self) -> set[Topic]:
        """What it hears by now: the server tells what is committed before it answers who asks next."""
        self.session.db.execute(sa.text("SELECT 1"))
        return self.session.wait(0)


@pytest.fixture
def two() -> Iterator[Two]:
    with ExitStack() as stack:
        yield Two(postgresql.url(), stack)
    postgresql.this_run().take_back_all()


def marks(database: Database, *topics: Topic) -> None:
    with database.write() as db:
        for topic in topics:
            happened.mark(db, topic)


def test_what_others_commit_is_heard_and_not_what_we_do(two: Two) -> None:
    marks(two.first, Topic.EVENTS)
    assert two.hears() == set()
    marks(two.second, Topic.ENDED, Topic.COMMANDS)
    marks(two.second, Topic.HOLDINGS)
    with two.second.write_beside() as db:
        happened.mark(db, Topic.DELIVERIES)
    assert two.hears() == {Topic.ENDED, Topic.COMMANDS, Topic.HOLDINGS, Topic.DELIVERIES}
    assert two.hears() == set()


def test_it_is_heard_by_the_commit_and_what_is_undone_never(two: Two) -> None:
    with two.second.write() as db:
        events.record(db, "main", [Fact("sms.received", "sms/0501234567", {})], START, Ids())
        assert two.hears() == set()
    assert two.hears() == {Topic.EVENTS}
    with pytest.raises(ZeroDivisionError), two.second.write() as db:
        happened.mark(db, Topic.EVENTS)
        raise ZeroDivisionError
    with two.second.write() as db:
        databases.touch(db)
    assert two.hears() == set()


def test_who_waits_hears_at_once_also_behind_many_of_our_own(two: Two) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting: Future[set[Topic]] = pool.submit(two.session.wait, PATIENCE)
        for _ in range(20):
            marks(two.first, Topic.EVENTS)
        assert not waiting.done()
        before = monotonic()
        marks(two.second, Topic.COMMANDS)
        assert waiting.result(PATIENCE) == {Topic.COMMANDS}

    assert monotonic() - before < 2


def test_it_waits_no_longer_than_it_was_told_whatever_we_commit_ourselves(two: Two) -> None:
    ended = threading.Event()

    def commit() -> None:
        while not ended.is_set():
            marks(two.first, Topic.EVENTS)

    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(commit)
        before = monotonic()
        heard = two.session.wait(0.2)
        took = monotonic() - before
        ended.set()
        busy.result(PATIENCE)

    assert heard == set()
    assert 0.15 < took < 2


def test_a_word_of_a_newer_release_and_nonsense_are_nothing(two: Two) -> None:
    for payload in ("", " ", "token", "token moons events\u05d0", "token events", "tokenevents \0x"[:11]):
        with two.second.write() as db:
            db.execute(sa.text("SELECT pg_notify('yemotd', :payload)"), {"payload": payload})
            db.execute(sa.text("SELECT pg_notify('others', 'token commands')"))
    assert two.hears() == {Topic.EVENTS}


def test_what_is_done_by_an_operator_is_heard(two: Two) -> None:
    with two.second.write() as db:
        assert not silences.expire(db, "sil_1", START)
    assert two.hears() == set()


def test_a_lock_is_one_session_s_and_free_when_that_ends(two: Two) -> None:
    other = two.another(two.second)
    assert two.session.hold(7)
    assert two.session.hold(2**31 - 1)
    assert not other.hold(7)
    assert other.held() == {7, 2**31 - 1}
    with two.second.write() as db:  # others than those of daemons do not count
        db.execute(sa.text(f"SELECT pg_advisory_xact_lock({LOCKS * 2**32 + 5}), pg_advisory_xact_lock(3, 4)"))
        assert other.held() == {7, 2**31 - 1}
    two.session.close()
    pause = threading.Event()
    while other.held():
        pause.wait(0.005)
    assert other.hold(7)


def test_it_needs_none_of_our_locks_and_waits_for_nobody_who_writes(two: Two) -> None:
    with two.second.write() as db:
        db.execute(sa.text("INSERT INTO sequences VALUES ('a', 1)"))
        two.session.db.execute(sa.text("INSERT INTO sequences VALUES ('b', 1)"))
        assert db.scalar(sa.text("SELECT count(*) FROM sequences WHERE system = 'b'")) == 1


def cuts(two: Two) -> None:
    with closing(postgresql.this_run().server.connect()) as db:
        db.execute(postgresql.ENDED, (two.url.rpartition("/")[2],))


ASKS: list[Callable[[Session], object]] = [
    lambda session: session.wait(PATIENCE),
    lambda session: session.hold(8),
    lambda session: session.held(),
    lambda session: session.db.execute(sa.text("SELECT 1")),
]


@pytest.mark.parametrize("ask", ASKS)
def test_a_session_that_ended_fails_as_the_store_does_and_another_can_be_made(
    two: Two, ask: Callable[[Session], object]
) -> None:
    assert two.session.hold(7)
    cuts(two)
    for _ in range(2):
        with pytest.raises(FAILURES):
            ask(two.session)
    two.session.close()
    assert two.another(two.first).hold(7)


def test_a_session_takes_no_place_of_those_who_read_and_write(two: Two) -> None:
    sessions = [two.another(two.first) for _ in range(6)]
    with ExitStack() as stack:
        for _ in range(databases.MOST_READERS):
            stack.enter_context(two.first.read())
        stack.enter_context(two.first.write_beside())
    assert [one.wait(0) for one in sessions] == [set()] * 6


def test_a_file_has_no_sessions(tmp_path: Path) -> None:
    with closing(stores.on_file(tmp_path / "a.db")) as database, pytest.raises(DatabaseError, match="alone"):
        database.session()
