"""What attempts move of an endpoint's health, and from when on the dispatcher goes by it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from daemon.core.delivery.breaker import DISABLED_AFTER, Breaker, Health, Turn
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.delivery.route import Route
from daemon.core.durations import NOTHING
from daemon.core.routing.schedule import Schedule
from daemon.store import endpoint_health
from daemon.store.database import Database
from daemon.workers.endpoint_health import TICK, EndpointHealth
from tests.support.attempts import message
from tests.support.fakes import START

SECOND = timedelta(seconds=1)
ROUTES = {"crm": Route(4, SECOND, (Schedule(("*",), (SECOND,)),))}
REJECTED = [Attempted(message(), Outcome.FORBIDDEN, START)] * 3


class Told:
    """Remembers the turns that others would hear of."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def __call__(self, _db: sa.Connection, turns: Sequence[Turn], _now: datetime) -> None:
        self.turns += turns


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def health(told: Told) -> EndpointHealth:
    return EndpointHealth(jitter=lambda: 0.0, tell=told)


def test_what_moved_is_in_force_once_it_is_adopted_and_not_when_it_is_written(
    health: EndpointHealth, told: Told, database: Database
) -> None:
    moved = health.moved(REJECTED, NOTHING, START)
    with database.write() as db:
        (turn,) = health.write(db, moved, ROUTES, START)
    assert health.of("crm").health is Health.HEALTHY
    assert told.turns == [turn]

    health.adopt(moved)
    assert health.of("crm").health is turn.after.health is Health.SUSPENDED


def test_attempts_that_say_nothing_new_move_nothing(health: EndpointHealth) -> None:
    assert not health.moved([Attempted(message(), Outcome.ACCEPTED, START)] * 3, TICK, START)


def test_one_that_is_suspended_for_too_long_while_the_daemon_runs_is_disabled(
    health: EndpointHealth, database: Database
) -> None:
    almost = Breaker(Health.SUSPENDED, START, START, suspended_for=DISABLED_AFTER - TICK)
    with database.write() as db:
        endpoint_health.save(db, {"crm": almost})
        health.recover(db)

    assert health.moved([], TICK / 2, START)["crm"].health is Health.SUSPENDED
    assert health.moved([], TICK, START)["crm"].health is Health.DISABLED
    assert not health.moved([], NOTHING, START)


def test_time_is_counted_once_a_minute_and_not_while_the_machine_was_suspended(
    health: EndpointHealth,
) -> None:
    assert health.tick(START) == NOTHING
    assert health.tick(START + TICK - SECOND) == NOTHING
    assert health.tick(START + TICK) == TICK
    assert health.tick(START + 100 * TICK) == 2 * TICK
    assert health.tick(START) == NOTHING, "the clock was set back"
    assert health.tick(START + TICK) == TICK


def test_what_has_caught_up_is_stored_and_adopted_with_the_rest(
    health: EndpointHealth, database: Database
) -> None:
    moved = {"crm": Breaker(since=START, is_catching_up=True)}
    with database.write() as db:
        health.catch_up(db, "crm", moved)
        stored = endpoint_health.load(db)["crm"]
    health.adopt(moved)

    assert health.of("crm") == stored == Breaker(since=START)
