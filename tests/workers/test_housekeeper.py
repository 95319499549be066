"""What is forgotten, what is kept, and what is given up."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from daemon.core.delivery.outcome import DEAD, DELIVERED, Attempted, Message, Next, Outcome
from daemon.core.history.buckets import STEPS, Bucket
from daemon.core.history.tally import Tally
from daemon.core.model import Fact
from daemon.core.retention import Retention
from daemon.core.routing.plan import Interest
from daemon.core.watches.api import NO_PROBLEMS
from daemon.core.watches.subjects import Subject, SubjectKind, SubjectState
from daemon.host.clock import monotonic
from daemon.pipeline.events import Recorder
from daemon.store import (
    copied_recordings,
    inbox,
    outbox,
    pieces,
    pruning,
    sqlite,
    subjects,
    uptime,
    watches,
)
from daemon.store.column_types import millis
from daemon.store.database import Database
from daemon.store.outbox import Finished, Lease
from daemon.workers.chores import Chores
from daemon.workers.housekeeper import AT_ONCE, HOLDS, WHOLE_EVERY, Housekeeper, Pruned
from tests.support import stores
from tests.support.commanding import PAUSE, Office, at
from tests.support.engines import ON_SQLITE, USED
from tests.support.fakes import START, Ids
from tests.support.story import Story

DAY = timedelta(days=1)
RULES = Retention(events=90 * DAY, delivered=30 * DAY, dead=60 * DAY, undelivered=20 * DAY, attempts=10 * DAY)


class Store:
    """Deliveries to "crm" that ended at START."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids = Ids()
        self.recorder = Recorder([Interest("crm", ("*",), None)], self.ids)

    def add(self, *subjects: str) -> None:
        with self.database.write() as db:
            self.recorder.record(db, "main", [Fact("sms.received", one, {}) for one in subjects], START)

    def end(self, then: Next) -> None:
        with self.database.write() as db:
            for one in self.claim(db):
                outcome = Outcome.ACCEPTED if then is DELIVERED else Outcome.REFUSED
                outbox.finish(db, [Finished(Attempted(one, outcome, START), then)], START)

    def claim(self, db: sa.Connection) -> list[Message]:
        return outbox.claim(db, "crm", 9999, Lease(self.ids("lease"), START, START)).messages

    def prune(self, *, after: timedelta, rules: Retention = RULES) -> Pruned:
        return Housekeeper(self.database, monotonic=monotonic).run_once(START + after, rules)

    def count(self, table: str) -> int:
        with self.database.read() as db:
            return int(db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608

    def statuses(self) -> list[object]:
        with self.database.read() as db:
            return list(db.exec_driver_sql("SELECT status FROM deliveries ORDER BY id").scalars())


@pytest.fixture
def store(engine: str, tmp_path: Path) -> Iterator[Store]:
    database = stores.at(tmp_path / "a.db")
    yield Store(database)
    database.close()


def test_what_was_delivered_is_forgotten_after_its_time_with_its_attempts(store: Store) -> None:
    store.add("a", "b")
    store.end(DELIVERED)

    assert store.prune(after=30 * DAY).deliveries == 0
    assert store.prune(after=31 * DAY) == Pruned(deliveries=2)
    assert (store.count("deliveries"), store.count("attempts"), store.count("events")) == (0, 0, 2)
    assert store.prune(after=91 * DAY) == Pruned(events=2)


def test_attempts_go_before_the_deliveries_that_they_are_of(store: Store) -> None:
    store.add("a")
    store.end(DELIVERED)

    assert store.prune(after=11 * DAY) == Pruned(attempts=1)
    assert store.count("deliveries") == 1


def test_dead_letters_are_kept_for_longer(store: Store) -> None:
    store.add("a")
    store.end(DEAD)

    assert store.prune(after=60 * DAY).deliveries == 0
    assert store.prune(after=61 * DAY).deliveries == 1


def test_an_event_is_kept_as_long_as_a_delivery_of_it(store: Store) -> None:
    store.add("a")
    rules = Retention(events=5 * DAY, delivered=30 * DAY, dead=None, undelivered=None, attempts=None)

    assert store.prune(after=9999 * DAY, rules=rules) == Pruned()
    assert (store.count("events"), store.statuses()) == (1, ["pending"])


def test_what_was_never_made_is_given_up_as_a_dead_letter(store: Store) -> None:
    store.add("a", "a", "b")

    assert store.prune(after=20 * DAY).given_up == 0
    assert store.prune(after=21 * DAY).given_up == 3
    assert store.statuses() == ["dead"] * 3
    with store.database.read() as db:
        assert set(db.exec_driver_sql("SELECT error FROM deliveries").scalars()) == {"waited too long"}


def test_what_is_under_way_is_not_given_up(store: Store) -> None:
    store.add("a")
    with store.database.write() as db:
        store.claim(db)

    assert store.prune(after=21 * DAY).given_up == 0


def test_what_waits_behind_what_is_given_up_may_go(store: Store) -> None:
    store.add("a")
    with store.database.write() as db:
        store.recorder.record(db, "main", [Fact("sms.received", "a", {})], START + 10 * DAY)
    store.prune(after=21 * DAY)

    assert store.statuses() == ["dead", "pending"]


def test_for_ever_is_for_ever(store: Store) -> None:
    store.add("a", "b")
    store.end(DELIVERED)

    assert store.prune(after=9999 * DAY, rules=Retention(None, None, None, None, None)) == Pruned()


@ON_SQLITE
def test_many_rows_go_part_by_part_and_the_file_shrinks(store: Store, tmp_path: Path) -> None:
    store.add(*(f"s{number}" for number in range(1700)))
    store.end(DELIVERED)
    store.add("young")
    with store.database.engine.connect() as db:
        pages = int(db.exec_driver_sql("PRAGMA page_count").scalar_one())
    with store.database.write() as db:
        db.exec_driver_sql("UPDATE deliveries SET created_at = 4000000000000 WHERE id > 1700")
        db.exec_driver_sql("UPDATE events SET timestamp = 4000000000000 WHERE number > 1700")

    assert store.prune(after=91 * DAY) == Pruned(deliveries=1700, events=1700)
    with store.database.engine.connect() as db:
        assert int(db.exec_driver_sql("PRAGMA page_count").scalar_one()) < pages / 2


@ON_SQLITE
def test_a_file_that_another_program_holds_as_it_is_to_shrink_is_told(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PRAGMAS", ("busy_timeout=10", *sqlite.PRAGMAS[1:]))
    store.add(*(f"s{number}" for number in range(100)))
    store.end(DELIVERED)
    store.database.engine.dispose()
    shrink = store.database.shrink
    (file,) = tmp_path.glob("*.db")

    def shrink_beside_another(pages: int) -> bool:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            return shrink(pages)

    monkeypatch.setattr(store.database, "shrink", shrink_beside_another)
    unused: Any = None
    chores = Chores(
        store.database,
        unused,
        unused,
        Housekeeper(store.database, monotonic=monotonic),
        retention=lambda: RULES,
        wishes=unused,
        now=lambda: START + 91 * DAY,
        wake=unused,
    )
    with capture_logs() as said:
        chores.prune()

    assert [(line["event"], line["error"]) for line in said] == [("prune.failed", "database is locked")]


def test_the_walk_ends_where_nothing_is_old_enough(store: Store) -> None:
    store.add(*(f"s{number}" for number in range(600)))
    looked = 0

    def count(*_: object) -> None:
        nonlocal looked
        looked += 1

    sa.event.listen(store.database.engine, "before_cursor_execute", count)
    store.prune(after=DAY)

    assert looked < 60  # some for each kind of thing, and none for each of them


@USED
def test_an_incident_that_is_over_is_forgotten_and_what_is_owed_is_not(tmp_path: Path) -> None:
    story = Story(tmp_path / "b.db")
    story.phone("077", (10, 130))
    story.phone("088", (10, 10_000))
    story.run(until=400)
    keeper = Housekeeper(story.database, monotonic=monotonic)

    def incidents() -> list[object]:
        with story.database.read() as db:
            return list(db.exec_driver_sql("SELECT subject FROM incidents ORDER BY subject").scalars())

    keeper.run_once(_later(story, 89), RULES)
    assert incidents() == ["sip/077", "sip/088"]
    pruned = keeper.run_once(_later(story, 91), RULES)

    assert incidents() == ["sip/088"]
    assert pruned.incidents == 1
    with story.database.read() as db:
        told = db.exec_driver_sql(
            "SELECT count(*) FROM ledger JOIN events ON events.id = ledger.event"
        ).scalar_one()
    assert told == 1  # what was told of the phone that is still away is not forgotten
    story.database.close()


@USED
def test_a_command_that_has_ended_is_forgotten_and_one_that_waits_is_not(tmp_path: Path) -> None:
    office = Office(stores.at(tmp_path / "c.db"))
    ended = office.give(PAUSE, key="k").command
    office.work()
    waits = office.give(PAUSE, expires_at=at(office.clock, 100 * 86_400)).command
    keeper = Housekeeper(office.database, monotonic=monotonic)

    assert keeper.run_once(START + 89 * DAY, RULES).commands == 0
    assert keeper.run_once(START + 91 * DAY, RULES).commands == 1
    with office.database.read() as db:
        assert inbox.find(db, ended.id) is None
    assert office.find(waits.id).id == waits.id
    office.database.close()


def test_a_stop_ends_a_long_pruning_between_two_transactions_and_what_is_left_goes_later(
    store: Store,
) -> None:
    store.add(*(f"s{number}" for number in range(1200)))
    store.end(DELIVERED)
    looks = iter([False] * 5)
    seconds = itertools.count()  # each look at the clock is one later: each transaction is a short one
    keeper = Housekeeper(
        store.database, monotonic=lambda: float(next(seconds)), is_stopping=lambda: next(looks, True)
    )

    assert keeper.run_once(START + 31 * DAY, RULES).deliveries == 3 * AT_ONCE
    looks = itertools.repeat(False)
    assert keeper.run_once(START + 31 * DAY, RULES).deliveries == 1200 - 3 * AT_ONCE


class Steps:
    """A clock that goes by the steps of SQLite's machine, and for how long writers were held up by it."""

    EACH = 10
    """Steps that are counted together."""

    def __init__(self, database: Database, row: float) -> None:
        """`row`: seconds that a row takes, about."""
        self.held: list[float] = []
        self._second = row / self.PER_ROW
        self._steps, self._began = 0, 0.0
        database.engine.dispose()
        sa.event.listen(database.engine, "connect", self._connected)
        sa.event.listen(database.engine, "begin", self._begun)
        sa.event.listen(database.engine, "commit", self._committed)

    PER_ROW = 400

    def now(self) -> float:
        return self._steps * self._second

    def _connected(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.set_progress_handler(self._step, self.EACH)

    def _step(self) -> None:
        self._steps += self.EACH

    def _begun(self, connection: sa.Connection) -> None:
        self._began = self.now()

    def _committed(self, _connection: sa.Connection) -> None:
        self.held.append(self.now() - self._began)


@ON_SQLITE
@pytest.mark.parametrize("row", [0.000_01, 0.000_1, 0.001])
def test_pruning_lets_others_write_in_time_however_long_a_row_takes(store: Store, row: float) -> None:
    store.add(*(f"s{number}" for number in range(1000)))
    store.end(DELIVERED)
    steps = Steps(store.database, row)

    pruned = Housekeeper(store.database, monotonic=steps.now).run_once(START + 91 * DAY, RULES)

    assert (pruned.deliveries, pruned.events) == (1000, 1000)
    assert max(steps.held) <= 0.05
    assert len(steps.held) <= 2 + sum(steps.held) / HOLDS * 2 + 2 * 1000 / 500


@ON_SQLITE
def test_what_was_looked_at_is_passed_over_until_the_next_day(store: Store) -> None:
    """Dead letters that are kept, and what nobody may forget yet, are not read again with each pass."""
    store.add(*(f"s{number}" for number in range(3000)))
    store.end(DEAD)
    keeper = Housekeeper(store.database, monotonic=monotonic)
    keeper.run_once(START + 31 * DAY, RULES)
    steps = Steps(store.database, row=1.0)
    keeper.run_once(START + 31 * DAY, RULES)
    again = steps.now()
    for _ in range(WHOLE_EVERY - 2):
        keeper.run_once(START + 31 * DAY, RULES)
    before = steps.now()
    keeper.run_once(START + 31 * DAY, RULES)

    assert steps.now() - before > 5 * again


def test_what_comes_of_age_is_forgotten_with_the_next_pass(store: Store) -> None:
    store.add(*(f"s{number}" for number in range(700)))
    store.end(DELIVERED)
    with store.database.write() as db:
        store.recorder.record(db, "main", [Fact("sms.received", "a", {})], START + DAY)
        claimed = outbox.claim(db, "crm", 9, Lease("x", START + DAY, START + DAY)).messages
        done = [Finished(Attempted(one, Outcome.ACCEPTED, START + DAY), DELIVERED) for one in claimed]
        outbox.finish(db, done, START + DAY)
    keeper = Housekeeper(store.database, monotonic=monotonic)

    passes = [
        keeper.run_once(START + hours * timedelta(hours=1), RULES).deliveries for hours in (721, 722, 745)
    ]
    assert passes == [700, 0, 1]


def test_other_rules_are_applied_to_all_that_is_stored(store: Store) -> None:
    store.add("a")
    store.end(DELIVERED)
    keeper = Housekeeper(store.database, monotonic=monotonic)
    kept = keeper.run_once(START + 31 * DAY, replace(RULES, delivered=40 * DAY))

    assert (kept.deliveries, keeper.run_once(START + 31 * DAY, RULES).deliveries) == (0, 1)


def _later(story: Story, days: int) -> datetime:
    return story.clock.at + days * DAY


def test_history_is_kept_by_minutes_for_a_day_by_hours_for_a_month_and_by_days_for_two_years(
    store: Store,
) -> None:
    with store.database.write() as db:
        rows = {
            ("main", Bucket(step, millis(START) - millis(START) % (step * 1000))): {1: Tally(1000)}
            for step in STEPS
        }
        uptime.write(db, rows, flush=1)
        phone = Subject("sip/077", SubjectKind.SIP, SubjectState.UP)
        subjects.save(db, ("main", "sip"), [phone], START, None)
        subjects.leave(db, "main", ["sip/077"], START)
    rules, counts = Retention(), []
    for after in (timedelta(hours=24), 2 * DAY, 33 * DAY, 729 * DAY, 732 * DAY):
        store.prune(after=after, rules=rules)
        counts.append((store.count("history"), store.count("subjects")))

    assert counts == [(3, 1), (2, 1), (1, 1), (1, 1), (0, 0)]


def test_days_are_kept_for_no_less_time_than_hours_or_for_ever(store: Store) -> None:
    with store.database.write() as db:
        uptime.write(db, {("main", Bucket(STEPS[-1], millis(START))): {1: Tally(1000)}}, flush=1)
    counts = []
    for after, kept in ((9999 * DAY, None), (20 * DAY, DAY), (40 * DAY, DAY)):
        store.prune(after=after, rules=Retention(history=kept))
        counts.append(store.count("history"))

    assert counts == [1, 1, 0]


def watch_of(store: Store, name: str, at: datetime, state: str = "{}") -> None:
    """A watch that was polled last at a time, and what it has in pieces."""
    with store.database.write() as db:
        watches.save_observed(db, ("main", name), state, now=at, problems=NO_PROBLEMS)
        pieces.save(db, ("main", name), {f"{number}": b"x" for number in range(3)})


def known(store: Store) -> dict[str, int]:
    """The watches of which anything is known, with how many pieces."""
    with store.database.read() as db:
        names = db.exec_driver_sql("SELECT name FROM watches ORDER BY name").scalars().all()
        return {name: len(pieces.load(db, "main", name)) for name in names}


def test_a_watch_that_was_taken_out_is_forgotten_whole_once_its_events_are(store: Store) -> None:
    keeper = Housekeeper(store.database, monotonic=monotonic)
    for name in ("gone", "configured"):
        watch_of(store, name, START)
    configured = {("main", "configured")}

    assert keeper.forget_watches(START + 90 * DAY, RULES, configured) == 0
    assert known(store) == {"configured": 3, "gone": 3}
    assert keeper.forget_watches(START + 91 * DAY, replace(RULES, events=None), configured) == 0
    assert keeper.forget_watches(START + 91 * DAY, RULES, ()) == 0, "nobody knows what is configured"
    assert keeper.forget_watches(START + 91 * DAY, RULES, configured) == 1
    assert known(store) == {"configured": 3}
    with store.database.read() as db:
        assert watches.load(db, "main", "gone") == watches.NEW, "what it finds next is its baseline"
        assert pieces.load(db, "main", "gone") == {}


def test_a_watch_that_came_back_meanwhile_keeps_what_is_known(store: Store) -> None:
    watch_of(store, "back", START)
    before = START + DAY
    with store.database.read() as db:
        assert pruning.left_watches(db, (), before) == [("main", "back")]
    watch_of(store, "back", before)
    with store.database.write() as db:
        pruning.forget_watch(db, ("main", "back"), before)

    assert known(store) == {"back": 3}


def test_marks_of_copies_are_forgotten_once_they_say_nothing(store: Store) -> None:
    store.add("a", "b", "c")
    with store.database.write() as db:
        copied_recordings.save(db, {("main", "/1"): 1, ("main", "/2"): 2, ("main", "/3"): 3})
    store.prune(after=DAY)
    all_there = store.count("copied_recordings")
    with store.database.write() as db:
        db.exec_driver_sql("DELETE FROM deliveries")
        pruning.forget_events(db, [1])
    store.prune(after=DAY)

    with store.database.read() as db:
        assert (all_there, copied_recordings.load(db)) == (3, {("main", "/2"): 2, ("main", "/3"): 3})
