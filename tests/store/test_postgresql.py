"""A real server under the store: several who write, one that is stopped, a connection that breaks, a server
that goes away in the middle of it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from daemon.core.model import Fact
from daemon.core.routing.plan import Interest, plan
from daemon.host.clock import monotonic
from daemon.store import database as databases
from daemon.store import events, happened, lanes, migrating, outbox, retries, turns
from daemon.store import postgresql as backend
from daemon.store.column_types import millis
from daemon.store.database import Database
from daemon.store.happened import BesideError
from daemon.store.location import FAILURES, DatabaseError
from daemon.store.outbox import Lease
from daemon.store.prepared import Prepared
from daemon.store.reads import MOST_LOOKS
from daemon.store.schema import REVISION, metadata
from tests.support import postgresql
from tests.support.fakes import START, Ids
from tests.support.paths import ROOT
from tests.support.postgresql import Server
from tests.support.process import inherited

pytestmark = [pytest.mark.slow, pytest.mark.needs(*postgresql.NEEDED)]

PATIENCE = 20.0
ALL = [Interest("crm", ("*",), None)]
FACTS = [Fact("sms.received", "sms/0501234567", {})]


@pytest.fixture
def url() -> Iterator[str]:
    """Of an empty store; sessions that are left on it are ended."""
    yield postgresql.url()
    postgresql.this_run().take_back_all()


@pytest.fixture
def opened(url: str) -> Iterator[Callable[..., Database]]:
    """Opens it, as a daemon does, as often as one likes."""
    with ExitStack() as stack:

        def open_it(more: str = "") -> Database:
            return stack.enter_context(closing(databases.open_for_daemon(url + more)))

        yield open_it


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server that may be stopped."""
    with postgresql.own_server(tmp_path) as server:
        yield server


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as threads:
        yield threads


def add(db: sa.Connection, name: str) -> None:
    db.execute(sa.text("INSERT INTO sequences VALUES (:name, 1)"), {"name": name})


def writes(database: Database, name: str) -> None:
    with database.write() as db:
        add(db, name)


def stored(database: Database) -> set[str]:
    with database.read() as db:
        return set(db.scalars(sa.text("SELECT system FROM sequences")))


def wait_for(happened: Callable[[], object]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE * 200)):
        if happened():
            return
        pause.wait(0.005)
    raise TimeoutError


def waiting(database: Database, kind: str = "advisory") -> int:
    """How many wait for the lock of who writes, or for another's transaction."""
    with database.read() as db:
        found = db.scalar(
            sa.text(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE locktype = :kind AND NOT granted AND datname = current_database()"
            ),
            {"kind": kind},
        )
        return int(found or 0)


class Held:
    """A transaction of a thread that lasts until it may end."""

    def __init__(
        self, pool: ThreadPoolExecutor, begin: Callable[[], object], work: Callable[[sa.Connection], object]
    ) -> None:
        self.has_written = threading.Event()
        self._may_end = threading.Event()
        self._begin, self._work = begin, work
        self.done: Future[None] = pool.submit(self._run)

    def _run(self) -> None:
        with self._begin() as db:  # type: ignore[attr-defined] # a context manager
            self._work(db)
            self.has_written.set()
            assert self._may_end.wait(PATIENCE)

    def begun(self) -> "Held":
        assert self.has_written.wait(PATIENCE)
        return self

    def ends(self) -> None:
        self._may_end.set()
        self.done.result(PATIENCE)


def test_who_writes_does_so_alone_and_sees_what_was_committed_before(
    opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    first, second = opened(), opened()
    held = Held(pool, first.write, lambda db: add(db, "a")).begun()
    seen: list[int | None] = []

    def count_and_add() -> None:
        with second.write() as db:
            seen.append(db.scalar(sa.text("SELECT count(*) FROM sequences")))
            add(db, "b")

    behind = pool.submit(count_and_add)
    wait_for(lambda: waiting(first) == 1)
    assert (stored(second), behind.done(), seen) == (set(), False, [])
    held.ends()
    behind.result(PATIENCE)

    assert (seen, stored(first)) == ([1], {"a", "b"})


def test_many_who_count_and_add_lose_no_count(
    opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    stores = [opened(), opened(), opened()]
    writes(stores[0], "main")

    def count(database: Database) -> None:
        for _ in range(10):
            with database.write() as db:
                last = db.scalar(sa.text("SELECT last FROM sequences")) or 0
                db.execute(sa.text("UPDATE sequences SET last = :next"), {"next": last + 1})

    list(pool.map(count, stores * 4))
    with stores[0].read() as db:
        assert db.scalar(sa.text("SELECT last FROM sequences")) == 1 + 3 * 4 * 10


def test_events_are_read_in_their_order_and_none_that_another_goes_before(
    opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    """One is held before its commit: nobody reads beyond it, and then all that came after."""
    first, second, ids = opened(), opened(), Ids()
    rung: list[str] = []
    second.on_events = lambda: rung.append("second")

    def read(after: int) -> list[tuple[int, int]]:
        with second.read() as db:
            found = events.read(db, events.Query(after=after))
            part = events.part(db, events.Query(after=after))
        assert part is not None
        assert [one for one, _ in part.events] == [one for one, _ in found]
        return [(number, event.sequence) for number, event in found]

    def record(db: sa.Connection) -> None:
        events.record(db, "main", FACTS, START, ids)

    held = Held(pool, first.write, record).begun()

    def record_two() -> None:
        for _ in range(2):
            with second.write() as db:
                record(db)

    behind = pool.submit(record_two)
    wait_for(lambda: waiting(first) == 1)
    assert (read(0), rung) == ([], [])
    held.ends()
    behind.result(PATIENCE)

    (number, _), *_ = read(0)
    assert read(0) == [(number, 1), (number + 1, 2), (number + 2, 3)]
    assert (read(number), rung) == ([(number + 1, 2), (number + 2, 3)], ["second"] * 2)


def test_two_write_beside_each_other_and_not_beside_who_is_alone(
    opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    first, second, third = opened(), opened(), opened()
    one = Held(pool, first.write_beside, lambda db: add(db, "a")).begun()
    other = Held(pool, second.write_beside, lambda db: add(db, "b")).begun()  # while the first is open
    alone = Held(pool, first.write, lambda db: add(db, "c"))
    wait_for(lambda: waiting(first) == 1)
    late = Held(pool, third.write_beside, lambda db: add(db, "d"))
    assert not alone.has_written.is_set()
    wait_for(lambda: waiting(first) == 2)
    one.ends()
    assert not alone.has_written.is_set()
    other.ends()
    alone.begun().ends()
    late.begun().ends()

    assert stored(first) == {"a", "b", "c", "d"}


def test_events_are_not_recorded_beside_others(opened: Callable[..., Database]) -> None:
    database = opened()
    with pytest.raises(BesideError), database.write_beside() as db:
        events.record(db, "main", FACTS, START, Ids())
    with database.write() as db:
        events.record(db, "main", FACTS, START, Ids())


def test_who_waits_is_committed_with_others(
    opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    database, commits = opened(), list[object]()
    sa.event.listen(database.engine, "commit", commits.append)
    held = Held(pool, database.write, lambda db: add(db, "a")).begun()
    others = [pool.submit(writes, database, f"b{number}") for number in range(8)]
    wait_for(lambda: database._turns._asking == 8)
    held.ends()
    for one in others:
        one.result(PATIENCE)

    assert len(commits) == 1
    assert len(stored(database)) == 9


@contextmanager
def swallowed() -> Iterator[None]:
    """Somebody goes on after an error of the database, which undoes then what it is asked to commit."""
    with pytest.raises(sa.exc.IntegrityError):
        yield


@pytest.mark.parametrize("is_behind", [False, True])
def test_what_the_server_would_undo_at_the_end_is_not_told_to_be_written(
    opened: Callable[..., Database], pool: ThreadPoolExecutor, *, is_behind: bool
) -> None:
    database = opened()
    writes(database, "a")

    def write_twice() -> None:
        with database.write() as db:
            add(db, "b")
            with swallowed():
                add(db, "a")

    if not is_behind:
        with pytest.raises(FAILURES, match="had failed"):
            write_twice()
        return
    held = Held(pool, database.write, lambda db: add(db, "c")).begun()
    done = pool.submit(write_twice)
    wait_for(lambda: database._turns._asking == 1)
    held.ends()
    with pytest.raises(FAILURES, match="had failed"):
        done.result(PATIENCE)
    assert stored(database) == {"a", "c"}


STOPPED = """
import sys
from daemon.store import database as databases
from daemon.store.location import FAILURES
import sqlalchemy as sa

store = databases.open_for_daemon(sys.argv[1])
try:
    with store.write() as db:
        db.execute(sa.text("INSERT INTO sequences VALUES ('stopped', 1)"))
        print("written", flush=True)
        sys.stdin.readline()
except FAILURES as error:
    print("failed", flush=True)
with store.write() as db:
    db.execute(sa.text("INSERT INTO sequences VALUES ('again', 1)"))
print("again", flush=True)
"""


def test_a_process_that_is_stopped_in_a_transaction_holds_nobody_up_for_long(
    url: str, opened: Callable[..., Database]
) -> None:
    """And what it wrote is gone; when it goes on, it hears that, and can write."""
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED, url],
        env={**inherited(), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "written\n"
            child.send_signal(signal.SIGSTOP)
            before = monotonic()
            database = opened()
            writes(database, "other")
            took = monotonic() - before
            assert stored(database) == {"other"}
            child.send_signal(signal.SIGCONT)
            child.stdin.write("\n")
            child.stdin.flush()
            assert child.stdout.read() == "failed\nagain\n"
        finally:
            child.kill()

    assert 3.0 < took < 6.0
    assert stored(database) == {"other", "again"}


def test_who_waits_for_a_lock_in_vain_may_try_again(
    opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    first, second = opened(), opened("?options=-c%20lock_timeout%3D100ms")
    held = Held(pool, first.write, lambda db: add(db, "a")).begun()
    with pytest.raises(FAILURES, match="lock timeout"):
        writes(second, "b")
    held.ends()
    writes(second, "b")

    assert stored(first) == {"a", "b"}


def test_settings_hold_for_every_connection_and_those_of_the_url_go_before(
    opened: Callable[..., Database],
) -> None:
    def settings(database: Database) -> list[str]:
        with database.write() as writing, database.read() as reading:
            return [
                str(db.exec_driver_sql(f"SHOW {name}").scalar())
                for name in (
                    "idle_in_transaction_session_timeout",
                    "lock_timeout",
                    "statement_timeout",
                    "synchronous_commit",
                    "application_name",
                    "transaction_isolation",
                    "transaction_read_only",
                )
                for db in (writing, reading)
            ]

    given = "?options=-c%20lock_timeout%3D3s%20--statement-timeout%3D9s&application_name=ours"
    own = ["5s", "1min", "10s", "10s", "0", "1min", "on", "on", "yemotd", "yemotd"]
    others = ["5s", "1min", "3s", "3s", "9s", "9s", "on", "on", "ours", "ours"]
    kinds = ["read committed", "repeatable read", "off", "on"]
    assert (settings(opened()), settings(opened(given))) == (own + kinds, others + kinds)


def test_a_read_is_of_one_moment(opened: Callable[..., Database]) -> None:
    first, second = opened(), opened()
    with first.read() as db:
        before = db.scalar(sa.text("SELECT count(*) FROM sequences"))
        writes(second, "a")
        assert db.scalar(sa.text("SELECT count(*) FROM sequences")) == before == 0
        with pytest.raises(FAILURES, match="read-only"):
            add(db, "b")


def test_a_read_that_stays_open_is_ended(opened: Callable[..., Database]) -> None:
    database = opened()
    with pytest.raises(FAILURES, match="read from for too long"), database.read() as db:
        db.execute(sa.text("SELECT 1"))
        assert [database.tend_log() for _ in range(MOST_LOOKS + 1)] == [0] * MOST_LOOKS + [1]
        db.execute(sa.text("SELECT 1"))
    assert stored(database) == set()


def end_sessions(url: str) -> None:
    """As an administrator does, all but his own."""
    server = postgresql.this_run().server
    with closing(server.connect()) as db:
        db.execute(postgresql.ENDED, (url.rpartition("/")[2],))


def test_a_session_that_ended_while_nobody_used_it_is_nobody_s_failure(
    url: str, opened: Callable[..., Database]
) -> None:
    database = opened()
    writes(database, "a")
    for name in ("b", "c"):
        end_sessions(url)
        assert "a" in stored(database)
        end_sessions(url)
        writes(database, name)
        end_sessions(url)
        with database.write_beside() as db:
            add(db, name * 2)

    assert stored(database) == {"a", "b", "bb", "c", "cc"}


def test_a_session_that_is_ended_in_a_transaction_fails_all_who_wrote_in_it_and_nobody_else(
    url: str, opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    database = opened()
    held = Held(pool, database.write, lambda db: add(db, "a")).begun()
    third = []

    def write_and_lose() -> None:
        with database.write() as db:
            add(db, "b")
            third.append(pool.submit(writes, database, "d"))  # not before: who waits is served in any order
            wait_for(lambda: database._turns._asking == 1)
            end_sessions(url)
            add(db, "c")

    second = pool.submit(write_and_lose)
    wait_for(lambda: database._turns._asking == 1)
    with pytest.raises(FAILURES):
        held.ends()
    with pytest.raises(FAILURES):
        second.result(PATIENCE)
    third[0].result(PATIENCE)

    assert stored(database) == {"d"}


def test_a_server_that_is_restarted_is_written_to_again(own: Server, pool: ThreadPoolExecutor) -> None:
    with closing(databases.open_for_daemon(own.url())) as database:
        writes(database, "a")
        own.restart()
        writes(database, "b")  # nothing was open
        held = Held(pool, database.write, lambda db: add(db, "c")).begun()
        own.kill()
        with pytest.raises(FAILURES):
            held.ends()
        with pytest.raises(FAILURES):
            writes(database, "d")
        with pytest.raises(FAILURES):
            stored(database)
        own.start()
        assert stored(database) == {"a", "b"}
        writes(database, "e")
        assert stored(database) == {"a", "b", "e"}


class Cutting:
    """A store of which the next commit is cut off: its answer is lost, or it never arrives."""

    def __init__(self, database: Database, *, arrives: bool) -> None:
        self._is_next = True
        self._arrives = arrives
        sa.event.listen(database.engine, "commit", self)

    def __call__(self, db: sa.Connection) -> None:
        if self._is_next:
            self._is_next = False
            driver: Any = db.connection.dbapi_connection
            with closing(socket.socket(fileno=os.dup(driver.fileno()))) as line:
                if self._arrives:
                    line.sendall(b"Q\0\0\0\x0bCOMMIT\0")
                here, there = socket.socketpair()
                there.close()
                os.dup2(here.fileno(), driver.fileno())  # nobody is there any more
                here.close()


def test_a_commit_whose_answer_is_lost_is_looked_up(opened: Callable[..., Database]) -> None:
    """It was committed, and whoever wrote hears so; what was to follow does."""
    database, ids, done = opened(), Ids(), list[str]()
    writes(database, "a")
    database.on_events = lambda: done.append("bell")
    Cutting(database, arrives=True)
    with database.write() as db:
        events.record(db, "main", FACTS, START, ids)
        happened.then(db, lambda: done.append("then"))
    with database.write() as db:
        events.record(db, "main", FACTS, START, ids)

    with database.read() as db:
        assert [event.sequence for _, event in events.read(db, events.Query())] == [1, 2]
    assert done == ["then", "bell", "bell"]


def test_a_commit_that_never_arrived_is_a_failure(
    opened: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "BETWEEN_ASKED", 0.01)
    database, ids = opened(), Ids()
    writes(database, "a")
    Cutting(database, arrives=False)
    with pytest.raises(FAILURES), database.write() as db:
        events.record(db, "main", FACTS, START, ids)

    with database.read() as db:
        assert events.read(db, events.Query()) == []
    writes(database, "b")


def test_of_a_commit_without_events_whose_answer_is_lost_nobody_is_told_that_it_is_written(
    opened: Callable[..., Database],
) -> None:
    database = opened()
    writes(database, "a")
    Cutting(database, arrives=True)
    with pytest.raises(FAILURES):
        writes(database, "b")
    writes(database, "c")

    assert stored(database) == {"a", "b", "c"}


def test_events_that_were_undone_prove_nothing_for_those_before_them(
    opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    database, ids = opened(), Ids()

    def record(db: sa.Connection) -> None:
        events.record(db, "main", FACTS, START, ids)

    def record_and_fail() -> None:
        with database.write() as db:
            record(db)
            raise ZeroDivisionError

    writes(database, "a")
    Cutting(database, arrives=True)
    held = Held(pool, database.write, record).begun()
    failing = pool.submit(record_and_fail)
    wait_for(lambda: database._turns._asking == 1)
    held.ends()
    with pytest.raises(ZeroDivisionError):
        failing.result(PATIENCE)

    with database.read() as db:
        assert [event.sequence for _, event in events.read(db, events.Query())] == [1]


def test_several_that_start_at_once_on_an_empty_database_all_come_up(pool: ThreadPoolExecutor) -> None:
    url = postgresql.empty_url()
    together = threading.Barrier(3)

    def start() -> str | None:
        together.wait(PATIENCE)
        with closing(databases.open_for_daemon(url)) as database:
            writes(database, f"s{threading.get_ident()}")
            return database.found_at

    found = [one.result(PATIENCE) for one in [pool.submit(start) for _ in range(3)]]
    assert sorted(found, key=str) == [REVISION, REVISION, None]
    postgresql.this_run().take_back_all()


def test_who_cannot_have_its_turn_of_opening_says_so(
    url: str, monkeypatch: pytest.MonkeyPatch, opened: Callable[..., Database]
) -> None:
    monkeypatch.setattr(databases, "OPENING_WITHIN", timedelta(seconds=0.4))
    with (
        closing(backend.detached(opened().engine)) as db,
        pytest.raises(DatabaseError, match="another yemotd has been creating or upgrading it"),
    ):
        db.execute(sa.text(f"SELECT pg_advisory_lock({backend.OPENING_KEY})"))
        databases.open_for_daemon(url)


def test_the_revision_is_not_written_by_who_only_looks_whether_it_can_write(
    opened: Callable[..., Database],
) -> None:
    database = opened()
    which = sa.text("SELECT xmin FROM alembic_version")
    with database.write() as db:
        before = db.scalar(which)
        databases.touch(db)
        assert db.scalar(sa.text("SELECT pg_current_xact_id_if_assigned() IS NOT NULL"))
    with database.read() as db:
        assert db.scalar(which) == before


def lease(token: str) -> Lease:
    return Lease(token, START, START + timedelta(minutes=1), timedelta(seconds=1))


def deliver(database: Database, *subjects: str) -> None:
    with database.write() as db:
        facts = [Fact("sms.received", one, {}) for one in subjects]
        outbox.add(db, plan(events.record(db, "main", facts, START, Ids()), ALL), START)


def test_two_who_claim_at_the_same_time_get_none_twice_and_none_waits(
    opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    """Not even where both believe that an endpoint is theirs."""
    first, second = opened(), opened()
    deliver(first, *(f"sms/{number}" for number in range(6)))
    claims: list[list[int]] = []

    def claim(db: sa.Connection, limit: int, token: str) -> None:
        found = outbox.claim(db, "crm", limit, lease(token)).messages
        claims.append([one.delivery for one in found])

    held = Held(pool, first.write_beside, lambda db: claim(db, 4, "a")).begun()
    with second.write_beside() as db:
        claim(db, 4, "b")
    held.ends()

    (one, other) = claims
    assert (len(one), len(other), set(one) & set(other)) == (4, 2, set())
    with first.read() as db:
        tokens = db.execute(sa.text("SELECT token, count(*) FROM deliveries GROUP BY token")).all()
    assert sorted((token, many) for token, many in tokens) == [("a", 4), ("b", 2)]


def statuses(database: Database) -> list[str]:
    with database.read() as db:
        return list(db.scalars(sa.text("SELECT status FROM deliveries ORDER BY id")))


@pytest.mark.parametrize("promote", [lanes.PROMOTE, lanes.PROMOTE_UNLESS_LED, lanes._PROMOTE_HEADLESS])
def test_what_another_has_promoted_and_sent_meanwhile_is_not_made_pending_again(
    opened: Callable[..., Database], pool: ThreadPoolExecutor, promote: Prepared
) -> None:
    first, second = opened(), opened()
    deliver(first, "sms/1")
    with first.write() as db:
        db.execute(sa.text("UPDATE deliveries SET status = 'waiting'"))
        lane = db.scalar(sa.text("SELECT lane FROM deliveries"))

    def take(db: sa.Connection) -> None:
        promote.run(db, millis(START), "crm", lane)
        assert len(outbox.claim(db, "crm", 1, lease("a"))) == 1

    def promotes() -> None:
        with second.write_beside() as db:
            promote.run(db, millis(START), "crm", lane)

    held = Held(pool, first.write_beside, take).begun()
    behind = pool.submit(promotes)
    wait_for(lambda: waiting(first, "transactionid") == 1)
    held.ends()
    behind.result(PATIENCE)

    assert statuses(first) == ["leased"]


def test_who_claims_behind_others_waits_for_who_has_them(
    opened: Callable[..., Database], pool: ThreadPoolExecutor
) -> None:
    """Of one lane: none that is in somebody's hands is passed over, for the next would go before it."""
    first, second = opened(), opened()
    deliver(first, "sms/1", "sms/1", "sms/1")
    with first.read() as db:
        ids = list(db.scalars(sa.text("SELECT id FROM deliveries ORDER BY id")))
    claimed: list[int] = []

    def end_the_second(db: sa.Connection) -> None:
        end = sa.text("UPDATE deliveries SET status = 'dead', ended_at = 1 WHERE id = :id")
        db.execute(end, {"id": ids[1]})

    def claims() -> None:
        with second.write_beside() as db:
            found = outbox.claim(db, "crm", 9, lease("b"), behind=9)
            claimed.extend(one.delivery for one in (*found.messages, *found.behind))

    held = Held(pool, first.write_beside, end_the_second).begun()
    behind = pool.submit(claims)
    wait_for(lambda: waiting(first, "transactionid") == 1)
    held.ends()
    behind.result(PATIENCE)

    assert claimed == [ids[0], ids[2]]


def test_retries_far_apart_do_not_overflow(opened: Callable[..., Database]) -> None:
    database = opened()
    deliver(database, "sms/1")
    with database.write() as db:
        late = sa.text("UPDATE deliveries SET attempts = 15, failures = 1, due_at = :far")
        db.execute(late, {"far": 2**60})
        retries.hasten(db, "crm", START, apart=timedelta(days=20))
    with database.read() as db:
        due = db.scalar(sa.text("SELECT due_at FROM deliveries"))
    assert due == max(millis(START), 1024 * 20 * 86_400_000)


def in_other_order(url: str) -> list[str]:
    """Columns of text that are not in the order of their bytes."""
    with closing(databases.connect(url)) as database, database.read() as db:
        return list(db.scalars(backend._IN_OTHER_ORDER, {"tables": list(metadata.tables)}))


def made_by_migrations(server: Server, up_to: str) -> None:
    """What a release before this one left, in the order of the server's language."""
    config = migrating.alembic_config()
    engine = sa.create_engine(server.url())
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, up_to)
    engine.dispose()


def test_a_database_of_the_release_before_is_upgraded_beside_it(
    own: Server, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds its tables again and again, and is let through in between; nobody waits for long."""
    monkeypatch.setattr(backend, "MIGRATION_LOCK_WITHIN", "100ms")
    monkeypatch.setattr(backend, "BETWEEN_TRIES", 0.05)
    made_by_migrations(own, "0014")
    with closing(own.connect()) as old:
        old.execute("INSERT INTO in_force (name, since, described) VALUES ('configuration', 1, '{}')")
        old.execute("BEGIN")
        old.execute("SELECT * FROM in_force")
        upgraded = pool.submit(databases.open_for_daemon, own.url())
        log = own.folder / "log"
        wait_for(lambda: log.read_text().count("lock timeout") >= 2)
        assert not upgraded.done()
        old.execute("UPDATE in_force SET since = 2")
        old.execute("COMMIT")
        with closing(upgraded.result(PATIENCE)) as database, database.read() as db:
            assert database.found_at == "0014"
            assert db.scalar(sa.text("SELECT since FROM in_force")) == 2
        old.execute("INSERT INTO sequences VALUES ('old', 1)")  # it goes on

    assert in_other_order(own.url()) == []


def make(server: Server, *statements: str) -> None:
    with closing(server.connect()) as db:
        for statement in statements:
            db.execute(statement.encode())


def why_not(url: str) -> str:
    with pytest.raises(DatabaseError) as refused:
        databases.open_for_daemon(url).close()
    said = str(refused.value)
    assert "\n" not in said
    assert "hunter2" not in said
    return said


def test_what_keeps_a_server_from_being_used_is_one_sentence_with_a_way_out(
    own: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(
        own,
        "CREATE ROLE poor LOGIN PASSWORD 'x'",
        "CREATE ROLE few LOGIN CONNECTION LIMIT 0",
        "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C' LOCALE_PROVIDER libc",
        "CREATE DATABASE frozen",
        "ALTER DATABASE frozen SET default_transaction_read_only = on",
    )
    at = f"127.0.0.1:{own.port}"
    hba = own.folder / "data" / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text(f"host all poor 127.0.0.1/32 scram-sha-256\nhost all shut 127.0.0.1/32 reject\n{before}")
    make(own, "SELECT pg_reload_conf()")
    said = {
        word: why_not(f"postgresql+psycopg://{rest}")
        for word, rest in {
            "createdb": f"{postgresql.USER}:hunter2@{at}/nope",
            "make that role": f"nobody:hunter2@{at}/postgres",
            "mend the user or the password": f"poor:hunter2@{at}/postgres",
            "give the URL a password": f"poor@{at}/postgres",
            "make the URL's user the owner": f"poor:x@{at}/postgres",
            "raise max_connections": f"few:hunter2@{at}/postgres",
            "pg_hba.conf has to let": f"shut:hunter2@{at}/postgres",
            "ENCODING 'UTF8'": f"{postgresql.USER}:hunter2@{at}/latin",
            "default_transaction_read_only": f"{postgresql.USER}:hunter2@{at}/frozen",
            "sslmode": f"{postgresql.USER}:hunter2@{at}/postgres?sslmode=require",
            "start the server": f"{postgresql.USER}:hunter2@127.0.0.1:1/postgres",
            "mend the host's name": f"{postgresql.USER}:hunter2@nowhere.invalid/postgres",
            "frobnicate": f"{postgresql.USER}:hunter2@{at}/postgres?frobnicate=1&password=hunter2",
        }.items()
    }
    assert {word for word, text in said.items() if word not in text} == set(), said
    monkeypatch.setattr(backend, "OLDEST", 99)
    assert "too old, 99 is needed" in why_not(own.url())


def test_a_standby_is_told_from_its_primary(own: Server) -> None:
    databases.open_for_daemon(own.url()).close()
    own.stop()
    (own.folder / "data" / "standby.signal").touch()
    own.start()

    assert "is a standby" in why_not(own.url())
    with closing(databases.connect(own.url())) as database:  # verbs that look may
        assert stored(database) == set()


def test_sessions_that_are_not_one_s_own_are_refused(opened: Callable[..., Database]) -> None:
    engine = opened().engine
    with closing(backend.detached(engine)) as one, closing(backend.detached(engine)) as other:
        backend._check_sessions(one, other, "x")
        with pytest.raises(DatabaseError, match="pool_mode = session"):
            backend._check_sessions(one, one, "x")


def test_another_driver_is_refused() -> None:
    with pytest.raises(DatabaseError, match="expected postgresql\\+psycopg"):
        databases.open_for_daemon("postgresql+psycopg2://127.0.0.1/x")


@pytest.fixture
def bare() -> Iterator[str]:
    """Of a database without tables."""
    yield postgresql.empty_url()
    postgresql.this_run().take_back_all()


def tables_of(url: str) -> list[str]:
    engine = backend.engine(sa.make_url(url))
    try:
        return sorted(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def have(url: str, *statements: str) -> None:
    engine = backend.engine(sa.make_url(url))
    with engine.begin() as db:
        for one in statements:
            db.exec_driver_sql(one)
    engine.dispose()


@pytest.mark.parametrize("revision", [None, "3f9a1c0b7d2e"])
@pytest.mark.parametrize("open_it", [databases.open_for_daemon, databases.connect])
def test_a_database_of_another_program_is_refused_and_left_as_it_is(
    bare: str, open_it: Callable[[str], Database], revision: str | None
) -> None:
    have(bare, "CREATE TABLE invoices (number int)")
    if revision:
        have(bare, "CREATE TABLE alembic_version (version_num text)")
        have(bare, f"INSERT INTO alembic_version VALUES ('{revision}')")  # noqa: S608 - one of two
    before = tables_of(bare)
    told = r"is another program's database \(it has a table \"invoices\"\): make a database for yemotd alone"

    with pytest.raises(DatabaseError, match=told):
        open_it(bare)

    assert tables_of(bare) == before


def test_a_table_that_an_extension_has_brought_is_no_other_program_s(bare: str) -> None:
    have(
        bare,
        "CREATE EXTENSION pg_trgm",
        "CREATE TABLE spatial_ref_sys (srid int)",
        "ALTER EXTENSION pg_trgm ADD TABLE spatial_ref_sys",
    )
    databases.open_for_daemon(bare).close()

    assert {"spatial_ref_sys", "events"} <= {*tables_of(bare)}


def test_another_schema_of_the_database_may_be_another_program_s(bare: str) -> None:
    have(bare, "CREATE SCHEMA billing", "CREATE TABLE billing.invoices (number int)")
    databases.open_for_daemon(bare).close()

    assert "events" in tables_of(bare)
