"""A fire that is under way when its alert ends: what its endpoint hears depends on whether it arrives."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa

from daemon.core.alerts.life import Seen
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.durations import NOTHING
from daemon.core.model import Condition, Rule, Severity, Verdict
from daemon.core.routing.filters import Filter, Operator
from daemon.core.routing.plan import Interest
from daemon.core.watches import sip
from daemon.pipeline.alerts import Judge
from daemon.pipeline.notification import Teller
from daemon.pipeline.withdrawal import withdraw
from daemon.store.database import Database
from tests.support.dispatching import Setting

DOWN, UP = "sip.account.unregistered", "sip.account.registered"


class Held(Setting):
    """Whose attempts for "crm" end when the test says so."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        del self.routes["ops"]
        self.ended: list[Attempted] = []
        self.receivers.finished = self.take  # type: ignore[method-assign] # nothing ends by itself
        self.receivers.in_flight = lambda endpoint: 0  # type: ignore[method-assign]

    def take(self, timeout: float) -> list[Attempted]:
        ended, self.ended = self.ended, []
        return ended

    def judge(self, verdict: Verdict) -> None:
        condition = Condition(
            "sip/077", sip.KIND, "sip/077", verdict, Rule(NOTHING, NOTHING, Severity.ERROR), {}
        )
        with self.database.write() as db:
            judge = Judge(db, self.recorder, "main", "sip")
            judge.take([condition], Seen(self.clock.at, None, NOTHING))
            recorded = self.recorder.record(db, "main", judge.judged().facts, self.clock.at)
            Teller(self.recorder).settle(db, self.clock.at, recorded.turned)
        self.turn()

    def end(self, outcome: Outcome) -> None:
        self.ended.append(Attempted(self.receivers.sent[-1], outcome, self.clock.at))
        self.turn()

    def turn(self) -> None:
        self.dispatcher.wake()
        self.dispatcher.run_once()
        self.dispatcher.run_once()

    def tick(self) -> None:
        Teller(self.recorder).tick(self.database, self.clock.at)
        self.turn()

    def is_over(self) -> bool:
        """Whether nothing is on its way to "crm", nor ever will be."""
        waits = (
            "SELECT 1 FROM deliveries"
            " WHERE endpoint = 'crm' AND substr(lane, 1, 5) = 'main/' AND ended_at IS NULL"
        )
        owed = "SELECT 1 FROM ledger WHERE endpoint = 'crm' AND NOT is_over"
        return not self.rows(waits) and not self.rows(owed)

    def reasons(self) -> list[tuple[str, str]]:
        """What was sent to "crm": type and reason."""
        bodies = [json.loads(one.body) for one in self.receivers.sent if one.lane.startswith("main/")]
        return [(one["type"], one["data"]["alert"]["reason"]) for one in bodies]


@pytest.fixture
def held(database: Database) -> Held:
    one = Held(database)
    one.judge(Verdict.BAD)
    one.judge(Verdict.GOOD)
    assert one.reasons() == [(DOWN, "first")]
    return one


def test_where_it_arrives_the_end_is_a_resolve(held: Held) -> None:
    held.end(Outcome.ACCEPTED)
    held.tick()

    assert held.reasons() == [(DOWN, "first"), (UP, "resolved")]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.TIMEOUT])
def test_where_it_fails_the_end_tells_of_both(held: Held, outcome: Outcome) -> None:
    held.end(outcome)
    assert held.reasons() == [(DOWN, "first")]
    held.tick()
    held.end(Outcome.ACCEPTED)
    held.tick()

    assert held.reasons() == [(DOWN, "first"), (UP, "catch_up")]


def test_an_end_that_fails_itself_is_tried_again(held: Held) -> None:
    held.end(Outcome.ACCEPTED)
    held.end(Outcome.TIMEOUT)
    held.clock.advance(5)
    held.turn()
    held.end(Outcome.ACCEPTED)

    assert held.reasons() == [(DOWN, "first"), (UP, "resolved"), (UP, "resolved")]


NARROWER = [
    {"events": ("sms.*",)},
    {"systems": ("branch",)},
    {"min_severity": Severity.CRITICAL},
    {"filters": (Filter("alert.severity", Operator.IS, ("critical",)),)},
]


@pytest.fixture(params=NARROWER, ids=lambda one: next(iter(one)))
def wish(request: pytest.FixtureRequest) -> Interest:
    return replace(Interest("crm", ("*",), None), **request.param)


def narrow(held: Held, wish: Interest) -> None:
    """A reload by which "crm" does not want to hear of the alert any more."""

    class Narrowing:
        def settle(self, db: sa.Connection, now: datetime) -> Callable[[], None]:
            withdraw(db, [wish], now)
            return lambda: None

        def failed(self, error: Exception) -> None:
            raise error

    held.interest(wish)
    held.dispatcher.reroute(held.routes, lambda: None, Narrowing())
    held.turn()


@pytest.mark.parametrize("is_over_first", [True, False])
def test_a_fire_that_arrives_though_it_is_not_wanted_any_more_is_followed_by_its_end(
    database: Database, wish: Interest, *, is_over_first: bool
) -> None:
    held = Held(database)
    held.judge(Verdict.BAD)
    narrow(held, wish)
    if is_over_first:
        held.judge(Verdict.GOOD)
    held.end(Outcome.ACCEPTED)
    held.tick()
    if not is_over_first:
        held.judge(Verdict.GOOD)
    held.end(Outcome.ACCEPTED)
    held.tick()

    assert held.reasons() == [(DOWN, "first"), (UP, "resolved")]
    assert held.is_over()


@pytest.mark.parametrize("is_over_first", [True, False])
@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.TIMEOUT])
def test_where_it_fails_nothing_more_is_told(
    database: Database, wish: Interest, outcome: Outcome, *, is_over_first: bool
) -> None:
    held = Held(database)
    held.judge(Verdict.BAD)
    narrow(held, wish)
    if is_over_first:
        held.judge(Verdict.GOOD)
    held.end(outcome)
    if not is_over_first:
        held.tick()
        held.judge(Verdict.GOOD)
    for _ in range(4):
        held.tick()
        held.clock.advance(3600)

    assert held.reasons() == [(DOWN, "first")]
    assert held.is_over()


def test_a_fire_that_waits_for_a_retry_is_not_told_once_it_is_over_and_not_wanted(
    database: Database, wish: Interest
) -> None:
    """As where nothing could be withdrawn, since a wish raised at that time."""
    held = Held(database)
    held.judge(Verdict.BAD)
    held.end(Outcome.TIMEOUT)
    held.interest(wish)
    held.judge(Verdict.GOOD)
    for _ in range(2):
        held.clock.advance(3600)
        held.tick()

    assert held.reasons() == [(DOWN, "first")]
    assert held.is_over()


@pytest.mark.parametrize(
    ("outcome", "reasons"),
    [
        (Outcome.ACCEPTED, [(DOWN, "first"), (UP, "resolved")]),
        (Outcome.REFUSED, [(DOWN, "first")]),
        (Outcome.TIMEOUT, [(DOWN, "first")]),
    ],
)
def test_so_it_is_where_the_end_waits_behind_it_already(
    held: Held, wish: Interest, outcome: Outcome, reasons: list[tuple[str, str]]
) -> None:
    narrow(held, wish)
    held.end(outcome)
    for _ in range(4):
        held.tick()
        if len(held.reasons()) > 1:
            held.end(Outcome.ACCEPTED)
        held.clock.advance(3600)

    assert held.reasons() == reasons
    assert held.is_over()
