"""The outbox: lanes, leases, fences, and what a crash leaves behind."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import takewhile

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from daemon.core.delivery.outcome import OPEN, Attempted, Message, Next, Outcome, Status
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest, Order, Planned, plan
from daemon.store import events, lanes, outbox
from daemon.store.database import Database
from daemon.store.outbox import Finished, Lease
from daemon.store.schema import deliveries
from tests.support import stores
from tests.support.engines import ON_SQLITE, USED
from tests.support.examples import examples
from tests.support.fakes import START, FakeClock, Ids

LEASE = timedelta(minutes=1)
ALL = [Interest("crm", ("*",), None)]


def add(
    db: sa.Connection, ids: Ids, *subjects: str, interests: list[Interest] | None = None
) -> list[Planned]:
    facts = [Fact("sms.received", subject, {}) for subject in subjects]
    written = events.record(db, "main", facts, START, ids)
    planned = plan(written, interests or ALL)
    outbox.add(db, planned, START)
    return planned


TOKENS = Ids()


def claim(
    db: sa.Connection,
    *,
    token: str | None = None,
    limit: int = 10,
    seconds: float = 0,
    endpoint: str = "crm",
    is_trial: bool = False,
) -> list[Message]:
    now = START + timedelta(seconds=seconds)
    lease = Lease(token or TOKENS("t"), now, now + LEASE)
    return outbox.claim(db, endpoint, limit, lease, is_trial=is_trial).messages


def ended(message: Message, then: Next, outcome: Outcome = Outcome.ACCEPTED) -> Finished:
    return Finished(Attempted(message, outcome, START), then, frees_lane=then.status not in OPEN)


DELIVERED = Next(Status.DELIVERED)
DEAD = Next(Status.DEAD)


def again(seconds: float) -> Next:
    return Next(Status.PENDING, START + timedelta(seconds=seconds))


def test_what_is_claimed_is_not_claimed_twice(database: Database) -> None:
    with database.write() as db:
        add(db, Ids(), "a", "b", "c")

        assert [message.event for message in claim(db, limit=2)] == ["evt_1", "evt_2"]
        assert [message.event for message in claim(db, limit=2)] == ["evt_3"]
        assert claim(db) == []


def test_a_message_has_what_a_sender_needs(database: Database) -> None:
    with database.write() as db:
        (planned,) = add(db, Ids(), "sms/054")
        (message,) = claim(db, token="lease_9")

    assert message == Message(
        1, "lease_9", "crm", "main/sms/054", "evt_1", "sms.received", planned.event.body, attempt=1
    )


def test_a_lane_shows_one_delivery_at_a_time_in_order(database: Database) -> None:
    with database.write() as db:
        add(db, Ids(), "a", "a", "b", "a")

        first = claim(db)
        assert [one.event for one in first] == ["evt_1", "evt_3"]
        outbox.finish(db, [ended(first[0], DELIVERED)], START)
        second = claim(db)
        assert [one.event for one in second] == ["evt_2"]
        outbox.finish(db, [ended(second[0], DEAD, Outcome.REFUSED)], START)
        assert [one.event for one in claim(db)] == ["evt_4"]


def test_a_failed_head_keeps_its_lane_waiting(database: Database) -> None:
    with database.write() as db:
        add(db, Ids(), "a", "a")
        (head,) = claim(db)
        outbox.finish(db, [ended(head, again(30), Outcome.TIMEOUT)], START)

        assert claim(db, seconds=29) == []
        assert outbox.next_due(db, "crm") == START + timedelta(seconds=30)
        (retried,) = claim(db, seconds=30)
        assert (retried.event, retried.attempt) == ("evt_1", 2)


def test_events_added_later_wait_behind_what_is_under_way(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        add(db, ids, "a")
        (head,) = claim(db)
        add(db, ids, "a")

        assert claim(db) == []
        outbox.finish(db, [ended(head, DELIVERED)], START)
        assert [one.event for one in claim(db)] == ["evt_2"]


def test_what_comes_while_a_failed_head_waits_to_be_tried_again_waits_behind_it(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        add(db, ids, "a")
        (head,) = claim(db)
        outbox.finish(db, [ended(head, Next(Status.PENDING, START, counts=True), Outcome.TIMEOUT)], START)
        add(db, ids, "a")

        assert [one.event for one in claim(db)] == ["evt_1"]


def test_under_best_effort_one_that_fails_again_and_again_makes_way_once(database: Database) -> None:
    """Else two that never failed are under way side by side, and may arrive in either order."""
    with database.write() as db:
        add(db, Ids(), "a", "a", "a", interests=[Interest("crm", ("*",), None, order=Order.BEST_EFFORT)])
        for _ in range(2):
            failed = next(one for one in claim(db) if one.event == "evt_1")
            result = Attempted(failed, Outcome.FAILED, START)
            outbox.finish(db, [Finished(result, Next(Status.PENDING, START, counts=True))], START)

        assert [one.event for one in claim(db)] == ["evt_1"]


def test_endpoints_have_lanes_of_their_own(database: Database) -> None:
    interests = [Interest("crm", ("*",), None), Interest("ops", ("*",), None)]
    with database.write() as db:
        add(db, Ids(), "a", "a", interests=interests)
        (crm,) = claim(db)
        outbox.finish(db, [ended(crm, again(600), Outcome.TIMEOUT)], START)
        (ops,) = claim(db, endpoint="ops")
        outbox.finish(db, [ended(ops, DELIVERED)], START)

        assert [one.event for one in claim(db, endpoint="ops")] == ["evt_2"]


def test_a_result_under_a_lost_lease_is_dropped(database: Database) -> None:
    with database.write() as db:
        add(db, Ids(), "a")
        (late,) = claim(db, token="first")
        outbox.release_all(db)
        (current,) = claim(db, token="second")

        assert outbox.finish(db, [ended(late, DEAD, Outcome.REFUSED)], START) != []
        assert outbox.finish(db, [ended(current, DELIVERED)], START) == []
        assert db.exec_driver_sql("SELECT status FROM deliveries").scalar() == "delivered"
        assert db.exec_driver_sql("SELECT count(*) FROM attempts").scalar() == 1


def test_after_a_crash_every_lease_is_given_back(database: Database) -> None:
    with database.write() as db:
        add(db, Ids(), "a", "b")
        claim(db)

        assert outbox.release_all(db) == 2
        assert [one.attempt for one in claim(db)] == [2, 2]


def as_named_before(db: sa.Connection) -> None:
    """Lanes as a release named them that knew of no phones."""
    db.exec_driver_sql(
        "UPDATE deliveries SET status = 'pending', lane = (SELECT 'main/' || subject FROM events"
        " WHERE number = event) WHERE ended_at IS NULL"
    )
    db.exec_driver_sql(
        "UPDATE deliveries AS d SET status = 'waiting' WHERE EXISTS"
        " (SELECT 1 FROM deliveries WHERE lane = d.lane AND endpoint = d.endpoint AND id < d.id)"
    )


def drain(db: sa.Connection) -> list[list[str]]:
    """What goes out at once, one round after the other."""
    rounds = []
    while messages := claim(db):
        rounds.append([message.event for message in messages])
        outbox.finish(db, [ended(message, DELIVERED) for message in messages], START)
    return rounds


def test_lanes_that_were_named_by_spellings_of_one_phone_become_one(database: Database) -> None:
    ids, one, other = Ids(), "sms/972501234567", "sms/0501234567"
    with database.write() as db:
        add(db, ids, one, other, one, "sms/Yemot", "sms/+972521111111")
        as_named_before(db)
        lanes.unite(db, START, unordered=())

        add(db, ids, "sms/050-123-4567")
        assert drain(db) == [["evt_1", "evt_4", "evt_5"], ["evt_2"], ["evt_3"], ["evt_6"]]


def test_under_best_effort_nothing_is_held_back_where_lanes_become_one(database: Database) -> None:
    with database.write() as db:
        add(db, Ids(), "sms/972501234567", "sms/0501234567", "sms/972501234567")
        as_named_before(db)
        lanes.unite(db, START, unordered={"crm"})

        assert drain(db) == [["evt_1", "evt_2"], ["evt_3"]]


@ON_SQLITE
def test_to_unite_lanes_is_work_by_their_number_and_not_by_its_square(database: Database) -> None:
    """Counted in steps of SQLite's machine."""
    ids, steps = Ids(), {}
    for many in (100, 400):
        with database.write() as db:
            db.exec_driver_sql("UPDATE deliveries SET status = 'delivered', ended_at = 1")
            add(db, ids, *(f"sms/97250{many + number:07}" for number in range(many)))
            as_named_before(db)
            steps[many] = counting(db, partial(lanes.unite, db, START, unordered=()))

    assert steps[400] < 2 * 4 * steps[100]


def counting(db: sa.Connection, work: Callable[[], None]) -> int:
    """How many times ten steps SQLite makes for some work."""
    made: list[None] = []
    driver = db.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_progress_handler(lambda: made.append(None), 10)
    work()
    driver.set_progress_handler(None, 0)
    return len(made)


def test_a_lane_of_an_urgent_alert_keeps_what_sets_it_apart(database: Database) -> None:
    with database.write() as db:
        add(db, Ids(), "sip/972773137770", "sip/0773137770", "queue/972501234567")
        as_named_before(db)
        db.exec_driver_sql("UPDATE deliveries SET lane = lane || '/0' WHERE id = 1")
        lanes.unite(db, START, unordered=())

        named = db.exec_driver_sql("SELECT lane FROM deliveries ORDER BY id").scalars().all()
    assert named == ["main/sip/0773137770/0", "main/sip/0773137770", "main/queue/972501234567"]


def test_an_event_goes_to_an_endpoint_once(database: Database) -> None:
    with database.write() as db:
        planned = add(db, Ids(), "a")
    with pytest.raises(sa.exc.IntegrityError), database.write() as db:
        outbox.add(db, planned, START)


@ON_SQLITE
@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT id FROM deliveries WHERE endpoint='x' AND due_at<=1 AND status='pending' "
         "ORDER BY due_at, id LIMIT 5", "deliveries_due"),
        ("SELECT min(id) FROM deliveries WHERE endpoint='x' AND lane IN ('a','b') AND "
         "status='waiting' GROUP BY lane", "deliveries_waiting"),
        ("SELECT id FROM deliveries WHERE endpoint='x' AND lane='a' AND ended_at IS NULL LIMIT 1",
         "deliveries_lane"),
        ("SELECT id FROM deliveries WHERE status='leased' AND token='t'", "deliveries_leased"),
        ("UPDATE deliveries SET token=NULL WHERE status='leased'", "deliveries_leased"),
    ],
)  # fmt: skip
def test_the_queue_is_read_by_its_indexes(database: Database, statement: str, index: str) -> None:
    with database.read() as db:
        steps = db.exec_driver_sql("EXPLAIN QUERY PLAN " + statement).all()

    assert index in " ".join(str(step) for step in steps)
    assert "SCAN deliveries" not in " ".join(str(step) for step in steps if index not in str(step))


class OutboxMachine(RuleBasedStateMachine):
    """Any interleaving of adding, claiming, ending and crashing keeps the order and loses nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.database = stores.new()
        self.ids = Ids()
        self.clock = FakeClock()
        self.under_way: list[Message] = []
        self.added: dict[str, list[str]] = {}
        self.delivered: dict[str, list[str]] = {}
        self.leases = 0

    def teardown(self) -> None:
        self.database.close()

    @rule(subjects=st.lists(st.sampled_from("abc"), min_size=1, max_size=4))
    def add(self, subjects: list[str]) -> None:
        with self.database.write() as db:
            for planned in add(db, self.ids, *subjects):
                self.added.setdefault(planned.lane, []).append(planned.event.id)

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        self.leases += 1
        with self.database.write() as db:
            lease = Lease(f"lease_{self.leases}", self.clock.at, self.clock.at + LEASE)
            self.under_way += outbox.claim(db, "crm", limit, lease).messages

    @rule(data=st.data(), verdict=st.sampled_from(["accept", "refuse", "retry"]))
    def end(self, data: st.DataObject, verdict: str) -> None:
        if not self.under_way:
            return
        message = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        later = Next(Status.PENDING, self.clock.at + timedelta(seconds=5))
        then = {"accept": DELIVERED, "refuse": DEAD, "retry": later}[verdict]
        with self.database.write() as db:
            assert outbox.finish(db, [ended(message, then)], self.clock.at) == []
        if verdict != "retry":
            self.delivered.setdefault(message.lane, []).append(message.event)

    @rule()
    def crash(self) -> None:
        self.under_way.clear()
        with self.database.write() as db:
            outbox.release_all(db)

    @rule(seconds=st.integers(1, 10))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def each_lane_ends_in_the_order_in_which_it_began(self) -> None:
        for lane, done in self.delivered.items():
            assert done == self.added[lane][: len(done)]

    @invariant()
    def each_open_lane_has_exactly_one_head(self) -> None:
        with self.database.read() as db:
            heads = db.exec_driver_sql(
                "SELECT lane, count(*) FILTER (WHERE status IN ('pending', 'leased')) FROM deliveries "
                "WHERE status IN ('waiting', 'pending', 'leased') GROUP BY lane"
            ).all()
        assert all(many == 1 for _, many in heads)


@USED
def test_any_interleaving() -> None:
    run_state_machine_as_test(
        OutboxMachine,
        settings=settings(
            max_examples=examples(25), stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


@settings(
    max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    waiting=st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.sampled_from([-1, -1, -1, 0, 1]),
            st.sampled_from([0, 0, 0, 1]),
            st.sampled_from([False, False, False, True]),
        ),
        min_size=4,
        max_size=12,
    ),
    limit=st.integers(1, 3),
    behind=st.integers(0, 8),
    share=st.integers(1, 4),
)
def test_behind_what_is_claimed_goes_what_is_due_of_its_lane_in_order(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    waiting: list[tuple[str, int, int, bool]],
    limit: int,
    behind: int,
    share: int,
) -> None:
    monkeypatch.setattr(outbox, "MOST_BEHIND", share)
    with database.write() as db:
        for table in ("deliveries", "events", "sequences"):
            db.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
        add(db, Ids(), *(lane for lane, *_ in waiting))
        numbers = list(db.exec_driver_sql("SELECT id FROM deliveries ORDER BY id").scalars())
        for number, (_, seconds, failures, has_expired) in zip(numbers, waiting, strict=True):
            due = START + timedelta(seconds=seconds)
            expires = START if has_expired else None
            db.execute(
                sa.update(deliveries)
                .where(deliveries.c.id == number)
                .values(due_at=due, failures=failures, expires_at=expires)
            )
        lanes_of = {
            lane: [
                (number, *rest)
                for number, (name, *rest) in zip(numbers, waiting, strict=True)
                if name == lane
            ]
            for lane in "ab"
        }
        heads = sorted(
            (seconds, number, lane, failures, has_expired)
            for lane, found in lanes_of.items()
            for number, seconds, failures, has_expired in found[:1]
            if seconds <= 0
        )[:limit]
        most = min(-(-behind // max(len(heads), 1)), share)
        led = [lane for *_, lane, failures, has_expired in heads if not failures and not has_expired]
        upto = [list(takewhile(lambda one: one[1] <= 0, lanes_of[lane][1 : 1 + most])) for lane in led]
        expected = sorted(number for found in upto for number, *_ in found)[:behind]

        claimed = outbox.claim(db, "crm", limit, Lease(TOKENS("t"), START, START + LEASE), behind=behind)

    is_late = {number: one[3] for number, one in zip(numbers, waiting, strict=True)}
    assert [one.delivery for one in claimed.behind] == [one for one in expected if not is_late[one]]
    gone = {one.delivery for one in claimed.expired}
    assert gone == {one for one in (*expected, *(number for _, number, *_ in heads)) if is_late[one]}
