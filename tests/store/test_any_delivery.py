"""Whatever is done to deliveries, in whatever order: none is lost, none overtakes, a late result counts for
nothing, and in the end every one of them has ended."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from daemon.core.delivery.outcome import OPEN, Attempted, Message, Next, Outcome, Status
from daemon.core.event_types import states_like
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest, Order, Planned, lane, plan, planned
from daemon.core.routing.schedule import Schedule
from daemon.operations import replay as replayer
from daemon.store import events, outbox, retries, withdrawals
from daemon.store.database import Database
from daemon.store.outbox import Finished, Lease, Opening
from daemon.store.replay import Span, Which
from tests.support import stores
from tests.support.examples import examples
from tests.support.fakes import FakeClock, Ids

SECOND = timedelta(seconds=1)
LEASE = 60
"""Seconds."""
EXPIRES = 30 * SECOND
SCHEDULES = (Schedule(("pirsumphone.*",), (), EXPIRES), Schedule(("*",), ()))
INTERESTS = {order: Interest("crm", ("*",), None, order=order, schedules=SCHEDULES) for order in Order}
SUBJECTS = "abcd"
IDLE = (Status.WAITING, Status.PENDING)
TYPES = (
    "sms.received",
    "sip.account.added",
    "sip.account.removed",
    "sip.registration.changed",
    "pirsumphone.registered",
)
ALERT = "sip.account.unregistered"
FAILED = Outcome.FAILED
ENDS = {
    "accepted": (Outcome.ACCEPTED, Next(Status.DELIVERED)),
    "refused": (Outcome.REFUSED, Next(Status.DEAD)),
    "given up": (Outcome.FAILED, Next(Status.DEAD, counts=True)),
}


class Row(NamedTuple):
    """One delivery as it is stored."""

    id: int
    event: str
    type: str
    lane: str
    status: Status
    due_at: int
    attempts: int
    failures: int
    superseded: int
    token: str | None
    is_ended: bool
    incident: str | None
    again_at: int | None
    """By its schedule, where it was made due before that."""
    tried: int
    """Attempts that are on record."""

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_head(self) -> bool:
        return self.status in (Status.PENDING, Status.LEASED)


READ = (
    "SELECT d.id, e.id AS event, e.type, d.lane, d.status, d.due_at, d.attempts, d.failures,"
    " d.superseded, d.token, d.ended_at IS NOT NULL AS is_ended, d.incident, d.again_at,"
    " (SELECT count(*) FROM attempts AS a WHERE a.delivery = d.id)"
    " + CASE WHEN d.first_started_at IS NULL THEN 0 ELSE 1 END AS tried"
    " FROM deliveries AS d JOIN events AS e ON e.number = d.event ORDER BY d.id"
)


class Deliveries(RuleBasedStateMachine):
    """One endpoint, which keeps one of the orders, and whoever may touch what waits for it."""

    database: Database
    """Made once, and emptied after each life."""

    def __init__(self) -> None:
        super().__init__()
        with self.database.write() as db:
            stores.empty(db, "attempts", "deliveries", "events", "sequences")
        self.ids = Ids()
        self.clock = FakeClock()
        self.interest = INTERESTS[Order.STRICT]
        self.known: dict[int, Row] = {}
        """As it was stored after the last step."""
        self.added: set[int] = set()
        self.under_way: list[Message] = []
        self.behind: list[Message] = []
        """Leased, each to follow one that is under way, in order."""
        self.lost: list[Message] = []
        """Under way as far as the sender knows; their leases were given back."""
        self.until: dict[str, datetime] = {}
        """The end of each lease."""
        self.taken_up: set[int] = set()
        """Open again after they had ended: younger ones may be ahead of them."""
        self.failed_lanes: set[str] = set()
        """In which one is to be tried again: under best effort others may overtake it."""

    @initialize(order=st.sampled_from(Order))
    def begin(self, order: Order) -> None:
        self.interest = INTERESTS[order]

    # What happens.

    @rule(
        subjects=st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=3),
        type_=st.sampled_from(TYPES),
        room=st.integers(0, 2),
    )
    def add(self, subjects: list[str], type_: str, room: int = 0) -> None:
        """`room`: so many of them may be sent at once."""
        before = self.known
        with self.database.write() as db:
            facts = [Fact(type_, subject, {}) for subject in subjects]
            written = events.record(db, "main", facts, self.clock.at, self.ids)
            self.put(db, plan(written, [self.interest]), room)
        self.check_replaced(before, type_)

    @rule(subject=st.sampled_from(SUBJECTS), incident=st.sampled_from(["inc_1", "inc_2"]))
    def add_alert(self, subject: str, incident: str) -> None:
        with self.database.write() as db:
            (event,) = events.record(db, "main", [Fact(ALERT, subject, {})], self.clock.at, self.ids)
            self.put(db, [planned(event, self.interest, lane(event), incident=incident)])

    @precondition(lambda self: self.has(Status.PENDING))
    @rule(limit=st.integers(1, 4), behind=st.integers(0, 5))
    def take_what_is_due(self, limit: int, behind: int) -> None:
        self.claim(limit, is_trial=False, behind=behind)

    @precondition(lambda self: self.has(Status.PENDING))
    @rule(limit=st.integers(1, 4))
    def try_what_is_next(self, limit: int) -> None:
        self.claim(limit, is_trial=True)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def one_arrives(self, data: st.DataObject) -> None:
        self.end(data, "accepted")

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), how=st.sampled_from(["refused", "given up"]))
    def one_is_given_up(self, data: st.DataObject, how: str) -> None:
        self.end(data, how)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), is_more=st.booleans())
    def one_fails(self, data: st.DataObject, is_more: bool) -> None:
        """And perhaps more of its lane comes, while it waits to be tried again."""
        message = self.end(data, "again")
        if is_more:
            self.known = self.rows()
            self.add([message.lane.removeprefix("main/")], "sms.received")

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def one_fails_by_no_fault_of_its_own(self, data: st.DataObject) -> None:
        self.end(data, "again, uncounted")

    @precondition(lambda self: self.lost)
    @rule(data=st.data(), how=st.sampled_from([*ENDS, "again"]))
    def end_too_late(self, data: st.DataObject, how: str) -> None:
        late = self.ended(self.pick(data, self.lost), how)
        before = self.dump()
        with self.database.write() as db:
            assert outbox.finish(db, [late], self.clock.at) == [late]
        assert self.dump() == before

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """It was never sent, so the attempt does not count."""
        message = self.pick(data, self.under_way)
        behind = self.take_behind(message)
        with self.database.write() as db:
            outbox.release(db, [message], behind)
        after = self.rows()
        assert after[message.delivery].status is Status.PENDING
        assert all(after[one.delivery].status is Status.WAITING for one in behind)
        assert all(after[one.delivery].attempts == one.attempt - 1 for one in (message, *behind))

    @precondition(lambda self: self.lost)
    @rule(data=st.data())
    def release_too_late(self, data: st.DataObject) -> None:
        before = self.dump()
        with self.database.write() as db:
            outbox.release(db, [self.pick(data, self.lost)])
        assert self.dump() == before

    @precondition(lambda self: self.under_way)
    @rule(seconds=st.sampled_from([0, 1, LEASE // 2, LEASE + 1]))
    def leases_are_given_back(self, seconds: int) -> None:
        """All of them after a crash (0), else those that ran out."""
        self.clock.advance(seconds)
        if seconds:
            self.give_back_what_ran_out()
        else:
            self.crash()

    @rule(seconds=st.sampled_from([1, 5, 31]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.has(Status.PENDING))
    @rule(apart=st.sampled_from([0, 10]))
    def hasten(self, apart: int) -> None:
        """What was tried is due, or will be soon; when it was due by its schedule is kept."""
        before = self.known
        now = self.millis(self.clock.at)
        with self.database.write() as db:
            retries.hasten(db, "crm", self.clock.at, apart=apart * SECOND)
        for number, row in self.rows().items():
            was = before[number]
            is_meant = was.status is Status.PENDING and was.attempts > 0 and was.due_at > now
            if not is_meant or row.due_at == was.due_at:
                assert row == was
                assert apart or not is_meant
                continue
            assert now <= row.due_at < was.due_at
            assert row.again_at == (was.due_at if was.again_at is None else was.again_at)

    @precondition(lambda self: self.under_way or self.has(Status.DEAD))
    @rule(data=st.data(), seconds=st.sampled_from([1, LEASE, 3600]))
    def the_endpoint_dies_and_is_back(self, data: st.DataObject, seconds: int) -> None:
        while self.under_way:
            self.end(data, "given up")
        before = self.rows()
        with self.database.write() as db:
            many = retries.revive(db, "crm", self.clock.at - seconds * SECOND, self.clock.at)
        revived = self.note_taken_up(before)
        assert len(revived) == many
        assert all(one.status is Status.DEAD and one.failures and one.incident is None for one in revived)

    @precondition(lambda self: len(self.open_ones()) < len(self.known))
    @rule(data=st.data(), is_spread=st.booleans())
    def reopen(self, data: st.DataObject, is_spread: bool) -> None:
        """Of what has not ended, nothing is opened again."""
        before = self.known
        ids = data.draw(st.lists(st.sampled_from(sorted(before)), unique=True, max_size=4))
        dues = [self.clock.at + index * SECOND for index in range(len(ids))] if is_spread else None
        with self.database.write() as db:
            retries.reopen(db, ids, self.clock.at, dues=dues)
        reopened = self.note_taken_up(before)
        assert {one.id for one in reopened} == {number for number in ids if not before[number].is_open}

    @precondition(lambda self: self.open_ones())
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        before = self.known
        ids = data.draw(st.lists(st.sampled_from(sorted(before)), unique=True, max_size=3))
        with self.database.write() as db:
            retries.give_up(db, ids, "too old", self.clock.at)
        after = self.rows()
        for number in ids:
            is_touched = before[number].status in IDLE
            assert after[number].status is (Status.DEAD if is_touched else before[number].status)

    @precondition(lambda self: any(one.incident and one.is_open for one in self.known.values()))
    @rule(incident=st.sampled_from(["inc_1", "inc_2"]))
    def supersede(self, incident: str) -> None:
        before = self.known
        with self.database.write() as db:
            withdrawals.supersede(db, "crm", incident, self.clock.at)
        after = self.rows()
        for one in before.values():
            is_meant = one.incident == incident and one.status in IDLE
            is_replaced = after[one.id].status is Status.SUPERSEDED
            assert is_replaced == (is_meant or one.status is Status.SUPERSEDED)

    @precondition(lambda self: len(self.open_ones()) < len(self.known))
    @rule(which=st.sampled_from(Which), is_paced=st.booleans())
    def replay(self, which: Which, is_paced: bool) -> None:
        before = self.known
        with self.database.read() as db:
            items = replayer.plan(db, self.interest, Span(), which).items
        rate = 2.0 if is_paced else None
        replayer.send(self.database, self.interest, items, self.clock.at, rate=rate)
        sent = self.note_taken_up(before)
        assert [one.id for one in sent] == [one.delivery for one in items]
        assert all(one.status is not Status.SUPERSEDED for one in sent)

    @precondition(lambda self: len(self.open_ones()) > 5)
    @rule()
    def all_goes_well_for_a_while(self) -> None:
        """Then everything arrives, each lane in its order."""
        while self.open_ones():
            before = self.open_ones()
            if self.under_way:
                self.crash()
                self.all_is_well()
            self.claim(100, is_trial=True)
            with self.database.write() as db:
                outbox.finish(db, [self.ended(one, "accepted") for one in self.under_way], self.clock.at)
            self.under_way.clear()
            self.all_is_well()
            assert self.open_ones() < before

    # What must hold after each of these.

    @invariant()
    def all_is_well(self) -> None:
        rows = self.known = self.rows()
        self.check_nothing_disappears_and_nothing_appears(rows)
        self.check_what_a_row_says_agrees(rows)
        self.check_what_is_leased_is_what_is_under_way(rows)
        self.check_an_open_lane_has_a_head_and_in_order_it_has_one(rows)

    def check_nothing_disappears_and_nothing_appears(self, rows: dict[int, Row]) -> None:
        assert rows.keys() == self.added

    def check_what_a_row_says_agrees(self, rows: dict[int, Row]) -> None:
        for one in rows.values():
            assert one.is_ended != one.is_open
            assert (one.token is not None) == (one.status is Status.LEASED)
            assert one.attempts >= one.tried

    def check_what_is_leased_is_what_is_under_way(self, rows: dict[int, Row]) -> None:
        leased = {(one.id, one.token) for one in rows.values() if one.status is Status.LEASED}
        assert leased == {(one.delivery, one.token) for one in (*self.under_way, *self.behind)}

    def check_an_open_lane_has_a_head_and_in_order_it_has_one(self, rows: dict[int, Row]) -> None:
        behind = {one.delivery for one in self.behind}
        heads = Counter(one.lane for one in rows.values() if one.is_head and one.id not in behind)
        assert heads.keys() == {one.lane for one in rows.values() if one.is_open}
        assert all(many == 1 for lane, many in heads.items() if self.keeps_order(lane))

    # How the above is done and looked at.

    def crash(self) -> None:
        lost = [*self.under_way, *self.behind]
        with self.database.write() as db:
            assert outbox.release_all(db) == len(lost)
        self.lose(lost)

    def give_back_what_ran_out(self) -> None:
        with self.database.write() as db:
            released = outbox.release_expired(db, self.clock.at)
        leased = [*self.under_way, *self.behind]
        ran_out = [one for one in leased if self.until[one.token] < self.clock.at]
        assert released == len(ran_out)
        self.lose(ran_out)

    def lose(self, these: Sequence[Message]) -> None:
        self.under_way = [one for one in self.under_way if one not in these]
        self.behind = [one for one in self.behind if one not in these]
        self.lost += these

    def lease(self) -> Lease:
        lease = Lease(self.ids("lease"), self.clock.at, self.clock.at + LEASE * SECOND)
        self.until[lease.token] = lease.until
        return lease

    def claim(self, limit: int, *, is_trial: bool, behind: int = 0) -> None:
        before, lease = self.known, self.lease()
        with self.database.write() as db:
            claimed = outbox.claim(db, "crm", limit, lease, is_trial=is_trial, behind=behind)
        assert len(claimed.messages) <= limit
        assert len(claimed.behind) <= behind
        self.check_claimed(before, claimed.messages, is_trial=is_trial)
        self.check_behind(before, claimed.messages, claimed.behind)
        assert all(before[one.delivery].type.startswith("pirsumphone.") for one in claimed.expired)
        self.under_way += claimed.messages
        self.behind += claimed.behind

    def end(self, data: st.DataObject, how: str) -> Message:
        message = self.pick(data, self.under_way)
        before = self.known[message.delivery]
        behind = self.take_behind(message)
        finished = self.ended(message, how)
        with self.database.write() as db:
            if how == "accepted" and behind:  # who follows leads the lane
                self.under_way.append(behind.pop(0))
                self.behind += behind
                self.taken_up.discard(self.under_way[-1].delivery)
                finished = finished._replace(frees_lane=False)
            else:
                outbox.release(db, (), behind)
            assert outbox.finish(db, [finished], self.clock.at) == []
        after = self.rows()[message.delivery]
        assert (after.tried, after.attempts) == (before.tried + 1, before.attempts)
        assert after.failures == before.failures + (how in ("again", "given up"))
        if after.is_open:
            self.failed_lanes.add(message.lane)
        return message

    def put(self, db: sa.Connection, these: Sequence[Planned], room: int = 0) -> None:
        openings = {"crm": Opening(self.lease(), room)}
        handed = outbox.add(db, these, self.clock.at, openings=openings)
        assert len(handed) <= room
        assert all((one.attempt, one.failures, one.is_early) == (1, 0, False) for one in handed)
        self.under_way += handed
        new = set(db.exec_driver_sql("SELECT id FROM deliveries").scalars()) - self.added
        assert len(new) == len(these)
        self.added |= new

    def open_ones(self) -> set[int]:
        return {one.id for one in self.known.values() if one.is_open}

    def has(self, status: Status) -> bool:
        return any(one.status is status for one in self.known.values())

    def keeps_order(self, lane: str) -> bool:
        return self.interest.order is not Order.BEST_EFFORT or lane not in self.failed_lanes

    def pick(self, data: st.DataObject, among: list[Message]) -> Message:
        return among.pop(data.draw(st.integers(0, len(among) - 1)))

    def ended(self, message: Message, how: str) -> Finished:
        again = Next(Status.PENDING, self.clock.at + 5 * SECOND, counts=how == "again")
        outcome, then = ENDS.get(how, (FAILED, again))
        frees_lane = then.status not in OPEN or self.interest.order is Order.BEST_EFFORT
        return Finished(Attempted(message, outcome, self.clock.at), then, frees_lane)

    def rows(self) -> dict[int, Row]:
        with self.database.read() as db:
            found = [Row(*row) for row in db.exec_driver_sql(READ)]
        return {row.id: row._replace(status=Status(row.status)) for row in found}

    def dump(self) -> list[tuple[Any, ...]]:
        with self.database.read() as db:
            return [
                tuple(row)
                for table in ("deliveries", "attempts")
                for row in db.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608
            ]

    def note_taken_up(self, before: dict[int, Row]) -> list[Row]:
        """What was opened again since, as it was before."""
        after = self.rows()
        opened = [one for one in before.values() if not one.is_open and after[one.id].is_open]
        assert all(after[one.id].attempts == one.attempts for one in opened)
        self.taken_up |= {one.id for one in opened}
        return opened

    def check_claimed(self, before: dict[int, Row], claimed: Sequence[Message], *, is_trial: bool) -> None:
        """Each is new to the sender, was next in its lane, and was due, unless this is a trial."""
        lanes = [one.lane for one in claimed]
        now = self.millis(self.clock.at)
        for one in claimed:
            row = before[one.delivery]
            assert row.status is Status.PENDING
            assert one.attempt == row.attempts + 1
            assert is_trial or row.due_at <= now
            assert one.is_early == (max(row.due_at, row.again_at or 0) > now)
            if self.keeps_order(one.lane):
                assert lanes.count(one.lane) == 1
                self.check_next(before, row)
        self.taken_up -= {one.delivery for one in claimed}

    def take_behind(self, message: Message) -> list[Message]:
        """What was to follow it, which does not any more."""
        if message.failures:
            return []
        behind = [one for one in self.behind if one.lane == message.lane]
        self.behind = [one for one in self.behind if one.lane != message.lane]
        return behind

    def check_behind(
        self, before: dict[int, Row], heads: Sequence[Message], behind: Sequence[Message]
    ) -> None:
        """Each waited for one that was claimed and has not failed, or for another of these; they are the next
        of their lanes."""
        led = {one.lane for one in heads if not one.failures}
        expired = {row.id for row in self.rows().values() if row.status is Status.DEAD}
        for name in {one.lane for one in behind}:
            assert name in led
            waiting = (one for one in before.values() if one.lane == name and one.status is Status.WAITING)
            due = sorted(one.id for one in waiting if one.id not in expired)
            claimed = [one.delivery for one in behind if one.lane == name]
            assert claimed == due[: len(claimed)]

    def check_next(self, before: dict[int, Row], row: Row) -> None:
        """Only what was taken up again may be older."""
        older = [
            one.id for one in before.values() if one.is_open and one.lane == row.lane and one.id < row.id
        ]
        assert set(older) <= self.taken_up

    def check_replaced(self, before: dict[int, Row], type_: str) -> None:
        """Where the latest alone is wanted, a state replaces those like it that are not under way."""
        after = self.rows()
        replaced = [
            one
            for one in before.values()
            if one.status is not Status.SUPERSEDED and after[one.id].status is Status.SUPERSEDED
        ]
        assert not replaced or self.interest.order is Order.LATEST
        assert all(one.type in states_like(type_) for one in replaced)
        assert all(one.status in IDLE for one in replaced)
        new = [one for one in after.values() if one.id not in before]
        stood_for = sum(1 + one.superseded for one in replaced)
        assert sum(one.superseded for one in new) == stood_for

    @staticmethod
    def millis(moment: datetime) -> int:
        return round(moment.timestamp() * 1000)


@pytest.mark.slow
def test_any_delivery(database: Database) -> None:
    Deliveries.database = database
    run_state_machine_as_test(
        Deliveries,
        settings=settings(
            max_examples=examples(200), stateful_step_count=50, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
