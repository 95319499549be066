"""What a member takes up of another: its endpoints go on as they stood, what it was sending is sent again."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from daemon.app.keeping import Keeping
from daemon.core.delivery.breaker import Health
from daemon.core.delivery.outcome import Outcome
from daemon.core.delivery.route import Mailing
from daemon.core.durations import HOUR, MINUTE
from daemon.core.model import Failure, Unknown
from daemon.core.ownership import Kind, Share
from daemon.core.routing.quiet import Quiet
from daemon.store import ownership
from daemon.store.database import Database
from daemon.workers.kept_pauses import remember
from daemon.workers.system_pauses import Pauses
from tests.support.dispatching import Setting
from tests.support.fakes import START
from tests.support.granting import Granted

CRM, MAIN = Share(Kind.ENDPOINT, "crm"), Share(Kind.SYSTEM, "main")


class Taker:
    """A member with nothing, and one before it, on one store."""

    def __init__(self, database: Database, **route: object) -> None:
        self.before = before = Setting(database, **route)  # type: ignore[arg-type] # of the route
        self.after = after = Setting(database, ownership=Granted(), **route)
        after.clock = after.receivers.clock = before.clock
        after.recorder = replace(after.recorder, new_id=before.ids)
        after.another().reroute({}, lambda: None)
        self.lost: set[str] = set()
        """What was lost again while it was taken."""
        self.recovered: list[list[str]] = []
        self.forgotten: list[list[str]] = []

    def take_over(self, *shares: Share) -> Setting:
        """The one before is gone; another takes these up."""
        before, after = self.before, self.after
        self.pauses = Pauses(after.clock.monotonic)
        parts: Any = SimpleNamespace(
            commander=SimpleNamespace(recover=self._recover, wake=lambda: None),
            poller=SimpleNamespace(forget=self.forgotten.append),
            chores=SimpleNamespace(sweep=lambda _watches: None),
        )
        in_force: Any = SimpleNamespace(routes=after.routes, watches=())
        keeping = Keeping(
            before.database,
            lambda: in_force,  # type: ignore[arg-type] # what is in force now
            dispatcher=after.dispatcher,
            commander=parts.commander,
            poller=parts.poller,
            pauses=self.pauses,
            chores=parts.chores,
            now=after.clock.now,
            reschedule=lambda: None,
            kept=self._kept,
        )
        keeping.taken(shares)
        keeping.begun(shares)
        return after

    def _recover(self, systems: list[str]) -> int:
        self.recovered.append(systems)
        return 0

    def _kept(self, _db: sa.Connection, _kind: Kind, names: Iterable[str]) -> Collection[str]:
        return set(names) - self.lost


@pytest.fixture
def taker(database: Database) -> Iterator[Taker]:
    yield Taker(database)


def test_what_was_under_way_is_sent_again_and_what_waits_goes_on(taker: Taker) -> None:
    taker.before.receivers.is_slow = True
    taker.before.add("a", "a")
    taker.before.dispatcher.run_once()
    assert taker.before.statuses() == ["leased", "leased"]
    after = taker.take_over(CRM)
    assert after.run() == ["a", "a"]
    assert after.statuses() == ["delivered", "delivered"]
    assert after.told("ops") == []  # which is another's


def test_what_was_lost_again_meanwhile_is_left_alone(taker: Taker) -> None:
    taker.before.receivers.is_slow = True
    taker.before.add("a")
    taker.before.dispatcher.run_once()
    taker.lost.add("crm")
    taker.take_over(CRM)
    assert taker.before.statuses() == ["leased"]


def test_an_endpoint_that_is_suspended_stays_so(taker: Taker) -> None:
    before = taker.before
    before.receivers.answers["crm"] = Outcome.FAILED
    for number in range(40):
        before.add(f"a{number}")
        before.run(after=60)
    stood = before.dispatcher.health()["crm"]
    assert stood.health is not Health.HEALTHY
    after = taker.take_over(CRM)
    after.add("one more")
    after.dispatcher.run_once()
    assert after.dispatcher.health()["crm"] == stood
    assert not [one for one in after.receivers.sent if stood.not_before and one.endpoint == "crm"]


def test_the_rate_of_an_endpoint_holds_for_both_together(database: Database) -> None:
    taker = Taker(database, rate=0.5)
    for number in range(4):
        taker.before.add(f"a{number}")
    assert taker.before.run() == ["a0"]
    after = taker.take_over(CRM)
    assert after.run() == []
    assert after.run(after=1) == []
    assert after.run(after=1) == ["a1"]
    assert after.run(after=1) == []
    assert after.run(after=1) == ["a2"]


def test_mails_of_an_hour_are_counted_for_both_together(database: Database) -> None:
    mailing = Mailing(interval=MINUTE, most_per_hour=2)
    taker = Taker(database, mailing=mailing)
    for number in range(3):
        taker.before.add(f"a{number}")
        assert taker.before.run(after=70) == ([f"a{number}"] if number < 2 else [])
    after = taker.take_over(CRM)
    assert after.run(after=70) == []
    assert after.run(after=3600 - 3 * 70) == ["a2"]


def test_a_quiet_window_of_an_endpoint_goes_on(database: Database) -> None:
    taker = Taker(database, quiet=(Quiet(lambda now: now < START + HOUR),))
    taker.before.add("a")
    assert taker.before.run() == []
    after = taker.take_over(CRM)
    assert after.run() == []
    after.dispatcher.wake()  # as is done where a window ends
    assert after.run(after=3599) == []
    after.dispatcher.wake()
    assert after.run(after=1) == ["a"]


def test_a_system_that_is_left_alone_stays_so(taker: Taker) -> None:
    before, owner = Pauses(taker.before.clock.monotonic), Granted()
    before.take("main", Unknown(Failure.TOKEN_REJECTED, "rejected"))
    with taker.before.database.write() as db:
        ownership.take(db, [MAIN], "north", taker.before.clock.at)
        remember(db, owner, before, "main", taker.before.clock.at)
    taker.before.clock.advance(10)
    taker.take_over(MAIN)
    assert taker.pauses.is_paused("main")
    assert taker.pauses.left()["main"].total_seconds() == pytest.approx(50, abs=1)
    assert taker.recovered == [["main"]]
    assert taker.forgotten == [["main"]]
