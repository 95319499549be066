"""Faults that somebody could write, each by a function of the product that is replaced by a wrong one. An
oracle that misses one of them proves nothing.

A row of `BUGS` is what puts the fault in, under its name, and the check that finds it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.core.alerts import life
from daemon.core.delivery import outcome
from daemon.core.delivery.outcome import Message, Next, Outcome, Status
from daemon.core.delivery.route import Route
from daemon.core.durations import NOTHING
from daemon.core.model import Unknown, Verdict
from daemon.core.routing import ledger as lines
from daemon.core.routing import plan
from daemon.core.watches import sip, sms
from daemon.pipeline.alerts import Judge
from daemon.pipeline.observation import Elapsed, Walk
from daemon.store import events, lanes, ledger, outbox, watches, withdrawals
from daemon.workers import poller
from daemon.workers.dispatcher import Dispatcher
from tests.torture import oracle
from tests.torture.oracle import Check

Patch = pytest.MonkeyPatch
Bug = Callable[[Patch], None]


def commit_in_two_transactions(patch: Patch) -> None:
    """What was seen is kept before what it comes to."""
    told = Walk._told

    def wrong(self: Walk[Any, Any], facts: list[Any]) -> Any:
        self._db.exec_driver_sql("COMMIT")
        self._db.exec_driver_sql("BEGIN IMMEDIATE")
        return told(self, facts)

    patch.setattr(Walk, "_told", wrong)


def acknowledge_before_the_send(patch: Patch) -> None:
    begin = Dispatcher._begin

    def wrong(self: Dispatcher, message: Message) -> None:
        with self._database.write() as db:
            db.exec_driver_sql(
                "UPDATE deliveries SET status = 'delivered', ended_at = 1 WHERE id = ?", (message.delivery,)
            )
        begin(self, message)

    patch.setattr(Dispatcher, "_begin", wrong)


def compare_a_poll_that_failed(patch: Patch) -> None:
    take = Walk.take

    def wrong(self: Walk[Any, Any], seen: Any) -> Any:
        empty = sip.Observation({}) if self._watch.name == "sip" else sms.Observation((), 100)
        return take(self, empty if isinstance(seen, Unknown) else seen)

    patch.setattr(Walk, "take", wrong)


def forget_who_was_told(patch: Patch) -> None:
    patch.setattr(ledger, "save", lambda *_args, **_more: None)


def take_messages_for_a_set(patch: Patch) -> None:
    """Of two that are equal one is enough."""

    def wrong(known: Mapping[str, int], seen: sms.Observation) -> dict[str, int]:
        return {one: 1 for one in dict.fromkeys(seen.entries) if one not in known}

    patch.setattr(sms, "_more", wrong)


def name_each_attempt_anew(patch: Patch) -> None:
    _as_leased(patch, lambda one: one._replace(event=f"{one.event}_{one.attempt}"))


def write_another_body_each_time(patch: Patch) -> None:
    _as_leased(patch, lambda one: one._replace(body=one.body + b" " * (one.attempt - 1)))


def leave_out_a_sequence(patch: Patch) -> None:
    reserve = events._reserve
    patch.setattr(events, "_reserve", lambda db, system, many: reserve(db, system, many + 1))


def send_a_lane_side_by_side(patch: Patch) -> None:
    patch.setattr(lanes, "busy", lambda _db, _planned: set())


def fire_at_once(patch: Patch) -> None:
    step = life.step
    patch.setattr(
        life,
        "step",
        lambda alert, verdict, seen, rule: step(alert, verdict, seen, replace(rule, hold=NOTHING)),
    )


def take_the_unseen_for_well(patch: Patch) -> None:
    def wrong(self: Judge, when: life.Seen) -> None:
        self.close(list(self.phases), when)

    patch.setattr(Judge, "take_unseen", wrong)


def count_the_time_that_nobody_saw(patch: Patch) -> None:
    """A phone that was off before an outage of the API and after it was off all the time."""

    def wrong(timing: Any, _watch: Any, clock: float) -> Elapsed:
        since = (
            timedelta(seconds=clock - timing.polled) if timing.polled is not None else timedelta(seconds=90)
        )
        return Elapsed(since, since)

    patch.setattr(poller, "_elapsed", wrong)


def give_up_at_the_first_failure(patch: Patch) -> None:
    def wrong(_self: Route, attempted: Any, *_args: Any, **_more: Any) -> Next:
        return outcome.DELIVERED if attempted.outcome is Outcome.ACCEPTED else Next(Status.DEAD, None)

    patch.setattr(Route, "after", wrong)


def keep_the_end_to_oneself(patch: Patch) -> None:
    decide = lines.decide

    def wrong(incident: Any, told: Any, *args: Any, **more: Any) -> lines.Decision:
        return decide(incident, told, *args, **more) if incident.is_firing else lines.OVER

    patch.setattr(lines, "decide", wrong)


def send_what_was_taken_again(patch: Patch) -> None:
    decide = Dispatcher._decide

    def wrong(self: Dispatcher, attempted: Any, now: datetime, *, is_ours: bool) -> Any:
        found = decide(self, attempted, now, is_ours=is_ours)
        is_again = attempted.outcome is Outcome.ACCEPTED and attempted.message.attempt < 3
        return found._replace(then=Next(Status.PENDING, now)) if is_again else found

    patch.setattr(Dispatcher, "_decide", wrong)


def forget_what_was_seen(patch: Patch) -> None:
    """The state is not kept: who begins after a kill finds an older one."""
    patch.setattr(watches, "save_observed", lambda *_args, **_more: None)


def begin_anew_after_a_kill(patch: Patch) -> None:
    """What is there at the first poll of a process is taken for old."""
    understood = Walk._understood

    def wrong(self: Walk[Any, Any], seen: Any) -> list[Any]:
        if self._watch.memory.text is None:
            self.before = replace(self.before, state=None)
        return understood(self, seen)

    patch.setattr(Walk, "_understood", wrong)


def tell_nobody_of_bursts(patch: Patch) -> None:
    usual = plan.plan

    def wrong(found: Any, interests: Any) -> list[Any]:
        some = list(found)
        return [] if len(some) > 2 else usual(some, interests)

    patch.setattr(plan, "plan", wrong)


def let_the_newest_stand_for_all(patch: Patch) -> None:
    """What waits of a subject is dropped for what comes after it, be it a fact."""
    usual = withdrawals.outdate

    def wrong(db: sa.Connection, planned: Any, now: datetime) -> int:
        db.exec_driver_sql(
            "UPDATE deliveries SET status = 'superseded', ended_at = 1 WHERE ended_at IS NULL"
            " AND endpoint = ? AND lane = ? AND status IN ('waiting', 'pending')",
            (planned.endpoint, planned.lane),
        )
        return usual(db, planned, now)

    patch.setattr(withdrawals, "outdate", wrong)


def keep_what_a_dead_process_held(patch: Patch) -> None:
    """What was under way when it was killed stays leased."""
    patch.setattr(outbox, "release_all", lambda *_args: 0)
    patch.setattr(outbox, "release_expired", lambda *_args: 0)


def take_a_silence_for_an_answer(patch: Patch) -> None:
    """A receiver that answers nothing in time counts as one that took it."""
    decide = Dispatcher._decide

    def wrong(self: Dispatcher, attempted: Any, now: datetime, *, is_ours: bool) -> Any:
        if attempted.outcome is not Outcome.REFUSED:
            attempted = attempted._replace(outcome=Outcome.ACCEPTED)
        return decide(self, attempted, now, is_ours=is_ours)

    patch.setattr(Dispatcher, "_decide", wrong)


def resolve_at_the_first_good_answer(patch: Patch) -> None:
    """And fire again at the next bad one: an incident of its own each time."""
    step = life.step

    def wrong(alert: Any, verdict: Verdict, seen: Any, rule: Any) -> Any:
        after, turn = step(alert, verdict, seen, replace(rule, keep=NOTHING))
        if verdict is Verdict.UNKNOWN and alert.phase in life.TOLD:
            return step(alert, Verdict.GOOD, seen, replace(rule, keep=NOTHING))
        return after, turn

    patch.setattr(life, "step", wrong)


def _as_leased(patch: Patch, change: Callable[[Message], Message]) -> None:
    leased = outbox._leased

    def wrong(db: sa.Connection, endpoint: str, lease: Any) -> Any:
        found = leased(db, endpoint, lease)
        return replace(found, messages=[change(one) for one in found.messages])

    patch.setattr(outbox, "_leased", wrong)


BUGS: Mapping[Bug, Check] = {
    commit_in_two_transactions: oracle.each_message_is_one_event,
    acknowledge_before_the_send: oracle.every_fact_arrives,
    compare_a_poll_that_failed: oracle.nothing_is_invented,
    forget_who_was_told: oracle.nobody_believes_something_false,
    take_messages_for_a_set: oracle.each_message_is_one_event,
    name_each_attempt_anew: oracle.nothing_is_invented,
    write_another_body_each_time: oracle.one_id_is_one_body,
    leave_out_a_sequence: oracle.sequences_have_no_gap,
    send_a_lane_side_by_side: oracle.lanes_are_in_order,
    fire_at_once: oracle.no_alarm_is_false,
    take_the_unseen_for_well: oracle.no_alarm_is_false,
    count_the_time_that_nobody_saw: oracle.no_alarm_is_false,
    give_up_at_the_first_failure: oracle.every_fact_arrives,
    keep_the_end_to_oneself: oracle.nobody_believes_something_false,
    send_what_was_taken_again: oracle.nothing_is_sent_again_for_no_reason,
    forget_what_was_seen: oracle.each_message_is_one_event,
    begin_anew_after_a_kill: oracle.each_message_is_one_event,
    tell_nobody_of_bursts: oracle.every_fact_arrives,
    let_the_newest_stand_for_all: oracle.every_fact_arrives,
    keep_what_a_dead_process_held: oracle.all_comes_to_an_end,
    take_a_silence_for_an_answer: oracle.every_fact_arrives,
    resolve_at_the_first_good_answer: oracle.no_alarm_is_false,
}
"""With each the check that has to find it."""
