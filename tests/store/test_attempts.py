"""Wherever an attempt is kept, the list that is read is the list that was made."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from daemon.core.delivery.outcome import DEAD, DELIVERED, Attempted, Message, Next, Outcome, Phases, Status
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest, plan
from daemon.store import clock_steps, events, history, outbox, pruning, retries
from daemon.store.database import Database
from daemon.store.history import AttemptView
from daemon.store.outbox import Finished, Lease
from daemon.store.retries import MOST_DOUBLINGS
from daemon.store.schema import deliveries
from tests.support import stores
from tests.support.examples import examples
from tests.support.fakes import START, Ids
from tests.support.plans import Plans

SECOND = timedelta(seconds=1)
micros = st.integers(0, 2**31 - 1)
texts = st.none() | st.text(max_size=12)
figures = st.tuples(
    st.builds(Phases, micros, micros, micros, micros, st.integers(0, 2**40)),
    st.none() | st.integers(100, 599),
    texts,
    texts,
)
"""The phases, the status of the answer, its head, and the address."""
spans = st.integers(0, 3_600_000).map(lambda many: timedelta(milliseconds=many))
ENDS = {Outcome.ACCEPTED: DELIVERED, Outcome.REFUSED: DEAD}


class ByTheReleaseBefore(Finished):
    """As it is stored by a program that knows of no attempt in a delivery's row."""

    @property
    def has_arrived_at_first(self) -> bool:
        return False


class Attempts(RuleBasedStateMachine):
    """Deliveries to one endpoint, each in a lane of its own, and every attempt that was made of them."""

    database: Database
    """Made once, and emptied after each life."""

    def __init__(self) -> None:
        super().__init__()
        with self.database.write() as db:
            stores.empty(db, "attempts", "deliveries", "events", "sequences")
        self.now = START
        self.ids = Ids()
        self.made: dict[int, list[AttemptView]] = {}
        self.events: dict[int, str] = {}
        self.ended: set[int] = set()

    @rule()
    def add(self) -> None:
        number = len(self.events) + 1
        with self.database.write() as db:
            written = events.record(db, "main", [Fact("sms.received", f"{number}", {})], self.now, self.ids)
            outbox.add(db, plan(written, [Interest("crm", ("*",), None)]), self.now)
        self.events[number], self.made[number] = written[0].id, []

    @precondition(lambda self: len(self.ended) < len(self.made))
    @rule(
        outcome=st.sampled_from([Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.FAILED, Outcome.REFUSED]),
        told=figures,
        error=st.sampled_from([None, None, "so"]),
        took=spans,
        is_known=st.booleans(),
    )
    def one_is_tried(
        self,
        outcome: Outcome,
        told: tuple[Phases, int | None, str | None, str | None],
        error: str | None,
        took: timedelta,
        is_known: bool,
    ) -> None:
        message = self.claim()
        phases, status, head, address = told
        tried = Attempted(message, outcome, self.now, phases, status, error, head, address=address)
        then = ENDS.get(outcome, Next(Status.PENDING, self.now + 8 * SECOND, counts=True))
        one = Finished(tried, then) if is_known else ByTheReleaseBefore(tried, then)
        with self.database.write() as db:
            assert outbox.finish(db, [one], self.now + took) == []
        self.made[message.delivery].append(
            AttemptView(message.attempt, self.now, phases, outcome, status, error, head, address)
        )
        if outcome in ENDS:
            self.ended.add(message.delivery)

    @precondition(lambda self: len(self.ended) < len(self.made))
    @rule(is_told=st.booleans())
    def one_is_not_tried_after_all(self, is_told: bool) -> None:
        """Given back, with its number; or lost by a crash, of which nobody knows how it ended."""
        message = self.claim()
        with self.database.write() as db:
            outbox.release(db, [message]) if is_told else outbox.release_all(db)

    @precondition(lambda self: self.ended)
    @rule(data=st.data(), wait=spans)
    def one_is_opened_again(self, data: st.DataObject, wait: timedelta) -> None:
        number = data.draw(st.sampled_from(sorted(self.ended)))
        with self.database.write() as db:
            retries.reopen(db, [number], self.now, dues=[self.now + wait])
        self.ended.discard(number)

    @rule(age=spans)
    def old_ones_are_forgotten(self, age: timedelta) -> None:
        before, many = self.now - age, sum(map(len, self.made.values()))
        with self.database.write() as db:
            forgotten = pruning.forget_attempts(db, sorted(self.made), before)
        self.made = {
            number: [one for one in these if one.started_at >= before] for number, these in self.made.items()
        }
        assert forgotten == many - sum(map(len, self.made.values()))

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def one_is_forgotten(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.ended)))
        with self.database.write() as db:
            pruning.forget_deliveries(db, [number])
        self.ended.discard(number)
        del self.made[number]

    @rule(span=spans)
    def time_goes_by(self, span: timedelta) -> None:
        self.now += span

    @rule(step=st.integers(-3_600_000, 3_600_000).map(lambda many: timedelta(milliseconds=many)))
    def the_clock_is_set(self, step: timedelta) -> None:
        """What is open yet has its last attempt as long ago as before."""
        with self.database.write() as db:
            clock_steps.shift(db, step, step)
        self.now += step
        self.move_open_ones(lambda at: at + step)

    @rule(back=spans)
    def the_clock_turns_out_to_have_been_ahead(self, back: timedelta) -> None:
        self.now -= back
        with self.database.write() as db:
            clock_steps.settle(db, self.now, lambda _: timedelta(days=1))
        self.move_open_ones(lambda at: min(at, self.now))

    @rule(apart=st.sampled_from([0, 10, 10_000]))
    def what_waits_is_hastened(self, apart: int) -> None:
        """No sooner than it may be after the last attempt, wherever that is kept."""
        before = self.waiting()
        with self.database.write() as db:
            retries.hasten(db, "crm", self.now, apart=apart * SECOND)
        after = self.waiting()
        for number, (due_at, tries, failures) in before.items():
            last = next((one.started_at for one in self.made[number] if one.number == tries), None)
            doublings = min(tries - failures, MOST_DOUBLINGS)
            soonest = max(self.now, last + apart * SECOND * 2**doublings) if last else self.now
            assert after[number][0] == (min(due_at, soonest) if tries else due_at)

    @invariant()
    def what_is_read_is_what_was_made(self) -> None:
        with self.database.read() as db:
            found = {number: history.find(db, number) for number in self.made}
            told = history.of_events(db, list(self.events.values()))
            newest = history.recent_attempts(db, "crm", 100)
        assert {number: list(one.attempts) for number, one in found.items() if one} == self.made
        assert told == [found[number] for number in sorted(found)]
        these = [(number, one) for number, made in self.made.items() for one in made]
        assert newest == sorted(these, key=lambda one: (one[1].started_at, one[0], one[1].number))

    def claim(self) -> Message:
        token = self.ids("lease")
        with self.database.write() as db:
            (message,) = outbox.claim(db, "crm", 1, Lease(token, self.now, self.now), is_trial=True).messages
        return message

    def move_open_ones(self, moved: Callable[[datetime], datetime]) -> None:
        for number in self.made.keys() - self.ended:
            self.made[number] = [replace(one, started_at=moved(one.started_at)) for one in self.made[number]]

    def waiting(self) -> dict[int, tuple[datetime, int, int]]:
        columns = (deliveries.c.id, deliveries.c.due_at, deliveries.c.attempts, deliveries.c.failures)
        with self.database.read() as db:
            found = db.execute(sa.select(*columns).where(sa.text("status = 'pending'")))
            return {number: (due_at, tries, failures) for number, due_at, tries, failures in found}


@pytest.mark.slow
def test_any_attempts(database: Database) -> None:
    Attempts.database = database
    run_state_machine_as_test(
        Attempts,
        settings=settings(
            max_examples=examples(200), stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


def given(database: Database) -> None:
    with database.write() as db:
        written = events.record(db, "main", [Fact("sms.received", "a", {})], START, Ids())
        outbox.add(db, plan(written, [Interest("crm", ("*",), None)]), START)


def accept(database: Database, attempt: int, *, kind: type[Finished] = Finished) -> None:
    """And open it again, due in an hour."""
    with database.write() as db:
        lease = Lease(f"lease_{attempt}", START, START)
        (message,) = outbox.claim(db, "crm", 1, lease, is_trial=True).messages
        tried = Attempted(message, Outcome.ACCEPTED, START, http_status=200 + attempt)
        outbox.finish(db, [kind(tried, DELIVERED)], START)
        retries.reopen(db, [1], START, dues=[START + 3600 * SECOND])


def test_what_is_accepted_at_first_is_one_row_and_what_comes_after_it_others(database: Database) -> None:
    given(database)
    for attempt, rows in ((1, 0), (2, 1), (3, 2)):
        accept(database, attempt)
        with database.read() as db:
            assert db.exec_driver_sql("SELECT count(*) FROM attempts").scalar() == rows
            seen = history.find(db, 1)
        assert seen and [(one.number, one.http_status) for one in seen.attempts] == [
            (number, 200 + number) for number in range(1, attempt + 1)
        ]


@pytest.mark.parametrize("kind", [Finished, ByTheReleaseBefore])
def test_what_is_opened_again_is_hastened_no_sooner_than_it_may_be(
    database: Database, kind: type[Finished]
) -> None:
    given(database)
    accept(database, 1, kind=kind)
    with database.write() as db:
        retries.hasten(db, "crm", START + 5 * SECOND, apart=10 * SECOND)
        due_at = db.scalar(sa.select(deliveries.c.due_at))

    assert due_at == START + 20 * SECOND


def test_they_are_found_by_index_wherever_they_are() -> None:
    with closing(stores.in_memory()) as database:
        given(database)
        accept(database, 1)
        with database.write() as db:
            with Plans(db) as plans:
                assert history.find(db, 1)
                assert history.of_events(db, ["evt_1"])
                assert history.recent_attempts(db, "crm", 10)
                assert pruning.forget_attempts(db, [1], START + SECOND)
            steps = [one for one in plans.all() if one.split()[1] in ("deliveries", "attempts")]

    assert steps
    assert [one for one in steps if not one.startswith("SEARCH")] == []
