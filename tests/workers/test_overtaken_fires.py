"""A fire that is under way when its alert ends: what its endpoint hears depends on whether it arrives."""

import json

import pytest

from daemon.core.alerts.life import Seen
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.durations import NOTHING
from daemon.core.model import Condition, Rule, Severity, Verdict
from daemon.core.watches import sip
from daemon.pipeline.alerts import Judge
from daemon.pipeline.notification import Teller
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
