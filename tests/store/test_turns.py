"""Several threads that write: committed together, and each is promised what it would be alone."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.store import turns
from daemon.store.location import FAILURES
from tests.support import stores
from tests.support.examples import examples

Work = Callable[[sa.Connection], None]
PATIENCE = 20.0


class Crowd:
    """Threads that ask for a turn while somebody has one."""

    def __init__(self, path: Path) -> None:
        self.database = stores.on_file(path)
        self.commits = 0
        sa.event.listen(self.database.engine, "commit", self._count)
        self._pool = ThreadPoolExecutor(turns.MOST_TURNS + 8)
        self._pause = threading.Event()

    def _count(self, _connection: sa.Connection) -> None:
        self.commits += 1

    def asks(self, work: Callable[[], None]) -> "Future[None]":
        """A thread that waits for its turn by now, behind those before it."""
        before = self.database._turns._asking
        asked = self._pool.submit(work)
        self.wait_for(lambda: self.database._turns._asking > before)
        return asked

    def writes(self, work: Work) -> "Future[None]":
        def write() -> None:
            with self.database.write() as db:
                work(db)

        return self.asks(write)

    def begins(self, work: Work, may_end: threading.Event) -> "Future[None]":
        """A thread that has its turn now, and keeps it until it may end."""

        def write() -> None:
            with self.database.write() as db:
                try:
                    work(db)
                finally:
                    assert may_end.wait(PATIENCE)

        begun = self._pool.submit(write)
        self.wait_for(self.database._turns._turn.locked)
        return begun

    def all(self, *works: Work) -> list["Future[None]"]:
        """These, one after the other, all asked for while the first has its turn."""
        may_end = threading.Event()
        leader = self.begins(works[0], may_end)
        asked = [leader, *(self.writes(one) for one in works[1:])]
        may_end.set()
        for one in asked:
            one.exception(PATIENCE)
        return asked

    def wait_for(self, happened: Callable[[], object]) -> None:
        for _ in range(int(PATIENCE * 1000)):
            if happened():
                return
            self._pause.wait(0.001)
        raise TimeoutError

    def stored(self) -> set[str]:
        with self.database.read() as db:
            return set(db.scalars(sa.text("SELECT system FROM sequences")))

    def close(self) -> None:
        self._pool.shutdown()
        self.database.close()


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    one = Crowd(tmp_path / "a.db")
    yield one
    one.close()


def add(name: str) -> Work:
    def work(db: sa.Connection) -> None:
        db.exec_driver_sql("INSERT INTO sequences VALUES (?, 1)", (name,))

    return work


def fail(name: str) -> Work:
    def work(db: sa.Connection) -> None:
        add(name)(db)
        raise ZeroDivisionError

    return work


def break_down(name: str) -> Work:
    """As on a full disk: SQLite undoes the transaction by itself."""

    def work(db: sa.Connection) -> None:
        add(name)(db)
        db.connection.execute("ROLLBACK")
        db.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    return work


def spoil_commit(name: str) -> Work:
    def work(db: sa.Connection) -> None:
        add(name)(db)
        db.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        db.exec_driver_sql(
            "INSERT INTO ledger (incident, endpoint, standing, told_at, repeats, members, losses, is_over)"
            " VALUES (?, 'a', 'firing', 1, 0, '[]', 0, 0)",
            (name,),
        )

    return work


WORKS = {"add": add, "fail": fail, "break": break_down, "spoil": spoil_commit}


def test_those_who_wait_are_committed_at_once(crowd: Crowd) -> None:
    done = crowd.all(*(add(f"s{number}") for number in range(9)))

    assert [one.exception() for one in done] == [None] * 9
    assert crowd.commits == 1
    assert crowd.stored() == {f"s{number}" for number in range(9)}


def test_who_is_alone_is_committed_alone(crowd: Crowd) -> None:
    for name in ("a", "b"):
        with crowd.database.write() as db:
            add(name)(db)
        assert name in crowd.stored()

    assert crowd.commits == 2


def test_one_connection_is_kept_for_all_who_write_until_something_fails(crowd: Crowd) -> None:
    taken: list[object] = []
    sa.event.listen(crowd.database.engine, "checkout", lambda *given: taken.append(given))
    found = []
    for work in (add("a"), add("b"), fail("c"), add("d"), spoil_commit("e"), add("f"), add("g")):
        with suppress(ZeroDivisionError, sa.exc.IntegrityError), crowd.database.write() as db:
            work(db)
        found.append(len(taken))

    assert found == [1, 1, 1, 2, 2, 3, 3]
    assert crowd.stored() == {"a", "b", "d", "f", "g"}


def test_nobody_is_told_that_it_is_written_before_it_is(crowd: Crowd) -> None:
    first: list[Future[None]] = []
    seen: list[object] = []

    def second(db: sa.Connection) -> None:
        seen.append((first[0].done(), crowd.stored(), db.scalar(sa.text("SELECT count(*) FROM sequences"))))

    may_end = threading.Event()
    first.append(crowd.begins(add("a"), may_end))
    other = crowd.writes(second)
    may_end.set()
    other.result(PATIENCE)
    first[0].result(PATIENCE)

    assert seen == [(False, set(), 1)]
    assert crowd.stored() == {"a"}


def test_one_that_fails_takes_nothing_of_the_others_with_it(crowd: Crowd) -> None:
    done = crowd.all(add("a"), fail("b"), add("c"), fail("d"))

    assert [type(one.exception()) for one in done] == [type(None), ZeroDivisionError] * 2
    assert crowd.stored() == {"a", "c"}


def test_where_the_commit_fails_all_are_told(crowd: Crowd) -> None:
    done = crowd.all(add("a"), add("b"), spoil_commit("c"))

    assert all(isinstance(one.exception(), FAILURES) for one in done)
    assert crowd.stored() == set()
    with crowd.database.write() as db:
        add("d")(db)
    assert crowd.stored() == {"d"}


def test_where_the_database_undoes_it_all_everybody_hears_why(crowd: Crowd) -> None:
    done = crowd.all(add("a"), break_down("b"), add("c"))

    *undone, last = ["no such table" in str(one.exception()) for one in done]
    assert undone == [True, True]
    # Who asks later may be let in sooner, and is undone with them then.
    assert crowd.stored() == (set() if last else {"c"})


def test_who_wants_to_be_alone_finds_nothing_left_open(crowd: Crowd) -> None:
    may_end = threading.Event()
    first = crowd.begins(add("a"), may_end)

    def shrink() -> None:
        crowd.database.shrink(100)

    shrinks = crowd.asks(shrink)
    may_end.set()

    assert (first.result(PATIENCE), shrinks.result(PATIENCE), crowd.stored()) == (None, None, {"a"})


def test_the_first_waits_for_so_many_and_no_more(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_TURNS", 3)
    crowd.all(*(add(f"s{number}") for number in range(8)))

    assert crowd.commits == 3


def test_much_at_once_is_committed_at_once(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_ROWS", 2)
    crowd.all(*(add(f"s{number}") for number in range(5)))

    assert crowd.commits == 3


@settings(max_examples=examples(20), deadline=None)
@given(st.lists(st.sampled_from(sorted(WORKS)), min_size=1, max_size=12))
def test_what_is_stored_is_what_somebody_was_told(kinds: list[str]) -> None:
    """Whatever goes wrong: who heard that it is written finds it, and of who did not nothing is there."""
    with TemporaryDirectory() as directory:
        crowd = Crowd(Path(directory) / "a.db")
        try:
            done = crowd.all(*(WORKS[kind](f"s{number}") for number, kind in enumerate(kinds)))
            told = {f"s{number}" for number, one in enumerate(done) if one.exception() is None}
            assert crowd.stored() == told
            with crowd.database.write() as db:
                add("after")(db)
            assert crowd.stored() == told | {"after"}
        finally:
            crowd.close()
