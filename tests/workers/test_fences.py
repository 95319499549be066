"""What was begun while something was ours, and ends when it is another's: it is not written, and not begun
twice."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemon.core.commands.command import Done, Status
from daemon.core.delivery.breaker import Health
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Failure, Unknown
from daemon.core.ownership import Kind
from daemon.store import events, outbox
from daemon.store.events import Query
from tests.support import stores
from tests.support.commanding import BRIDGE, READ, Office
from tests.support.dispatching import Setting
from tests.support.granting import HOUSE_SHARE, Granted
from tests.workers.test_poller import Bench

SYSTEM, ENDPOINT = Kind.SYSTEM, Kind.ENDPOINT


@pytest.fixture
def granted() -> Granted:
    return Granted()


@pytest.fixture
def bench(engine: str, tmp_path: Path, granted: Granted) -> Iterator[Bench]:
    one = Bench(stores.at(tmp_path / "polls.db"), ownership=granted)
    yield one
    one.database.close()


@pytest.fixture
def office(engine: str, tmp_path: Path, granted: Granted) -> Iterator[Office]:
    one = Office(stores.at(tmp_path / "commands.db"), ownership=granted)
    yield one
    one.database.close()


@pytest.fixture
def sending(engine: str, tmp_path: Path, granted: Granted) -> Iterator[Setting]:
    one = Setting(stores.at(tmp_path / "deliveries.db"), ownership=granted)
    yield one
    one.database.close()


def types(bench: Bench) -> list[str]:
    with bench.database.read() as db:
        return [event.type for _, event in events.read(db, Query())]


class TestPolls:
    def test_a_system_that_is_another_s_is_not_asked(self, bench: Bench, granted: Granted) -> None:
        granted.take(SYSTEM, "main")
        assert bench.poll().is_dropped
        assert bench.asked == 0

    @pytest.mark.parametrize("is_known", [True, False])
    def test_what_was_asked_before_it_was_lost_is_not_written(
        self, bench: Bench, granted: Granted, *, is_known: bool
    ) -> None:
        bench.poll()
        bench.answer = {"077": False}
        bench.on_ask = lambda: granted.take(SYSTEM, "main", is_known=is_known)
        before = bench.stored()
        assert bench.poll(after=10).is_dropped
        assert bench.stored() == before
        assert types(bench) == []

    def test_nor_where_it_is_ours_again_for_another_was_there_meanwhile(
        self, bench: Bench, granted: Granted
    ) -> None:
        bench.poll()
        bench.answer = {"077": False}

        def between() -> None:
            granted.take(SYSTEM, "main")
            granted.give(SYSTEM, "main")

        bench.on_ask = between
        before = bench.stored()
        assert bench.poll(after=10).is_dropped
        assert bench.stored() == before

    def test_the_same_answer_as_before_says_nothing_then(self, bench: Bench, granted: Granted) -> None:
        bench.poll()
        bench.on_ask = lambda: granted.take(SYSTEM, "main")
        assert bench.poll(after=10).is_dropped
        assert bench.poller.unflushed() == {}

    def test_what_is_in_memory_is_forgotten_with_it(self, bench: Bench) -> None:
        """Another member saw an account come, and told it."""
        bench.poll()
        bench.answer = {"077": True, "078": True}
        bench.another().poll(bench.described())
        bench.kept = [bench.watch]
        bench.poller.forget(["main"])
        bench.poll(after=10)
        assert types(bench) == ["sip.account.added"]

    def test_nothing_of_a_lost_system_is_flushed(self, bench: Bench, granted: Granted) -> None:
        bench.poll()
        bench.poll(after=10)
        before = bench.stored()
        granted.take(SYSTEM, "main", is_known=False)
        bench.poller.flush()
        assert bench.stored() == before


class TestCommands:
    def test_one_of_another_s_system_is_left_to_him(self, office: Office, granted: Granted) -> None:
        given = office.give(READ).command
        granted.take(SYSTEM, "main")
        office.work()
        assert office.sent == []
        assert office.find(given.id).status is Status.QUEUED

    def test_nor_is_it_claimed_where_that_is_not_known_yet(self, office: Office, granted: Granted) -> None:
        given = office.give(READ).command
        granted.take(SYSTEM, "main", is_known=False)
        office.work()
        assert office.sent == []
        assert office.find(given.id).status is Status.QUEUED

    def test_a_result_of_a_lost_system_is_written_where_nobody_else_has_said_anything(
        self, office: Office, granted: Granted
    ) -> None:
        given = office.give(BRIDGE).command

        def says(_command: object) -> Done:
            granted.take(SYSTEM, "main")
            return Done({"well": True})

        office.says = says
        office.work()
        assert office.find(given.id).status is Status.SUCCEEDED

    def test_it_is_not_written_over_what_another_has_said(self, office: Office, granted: Granted) -> None:
        """It was his meanwhile, who said that nobody knows what came of it; and then it was ours again."""
        given = office.give(BRIDGE).command

        def says(_command: object) -> Done:
            granted.take(SYSTEM, "main")
            Office(office.database, clock=office.clock, new_id=office.new_id).commander.recover()
            granted.give(SYSTEM, "main")
            return Done({"well": True})

        office.says = says
        office.work()
        assert office.find(given.id).status is Status.UNKNOWN
        assert len(office.sent) == 1

    def test_what_is_under_way_here_is_not_taken_for_left_behind(
        self, office: Office, granted: Granted
    ) -> None:
        given = office.give(BRIDGE).command
        recovered: list[int] = []

        def says(_command: object) -> Done:
            recovered.append(office.commander.recover(["main"]))
            return Done({"well": True})

        office.says = says
        office.work()
        assert recovered == [0]
        assert office.find(given.id).status is Status.SUCCEEDED

    def test_what_costs_is_not_sent_once_nobody_can_know_whose_it_is(
        self, office: Office, granted: Granted
    ) -> None:
        """The process stood still between the claim and the request."""
        given = office.give(BRIDGE).command
        ready = office.commander.run_once()
        granted.is_valid = False
        office.commander.work(ready[0])
        assert office.sent == []
        granted.is_valid = True
        office.run(60)
        assert len(office.sent) == 1
        assert office.find(given.id).status is Status.SUCCEEDED

    def test_nor_where_it_stood_still_just_after_the_claim(
        self, office: Office, granted: Granted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given, kept = office.give(BRIDGE).command, granted.kept

        def stands_still(db: sa.Connection, kind: Kind, names: Iterable[str]) -> set[str]:
            granted.is_valid &= kind is not SYSTEM
            return kept(db, kind, names)

        with monkeypatch.context() as patch:
            patch.setattr(granted, "kept", stands_still)
            office.work()
            assert not granted.is_valid  # it was claimed
        assert office.sent == []
        granted.is_valid = True
        office.run(120)
        assert len(office.sent) == 1
        assert office.find(given.id).status is Status.SUCCEEDED

    def test_only_the_house_ends_what_is_too_late(self, office: Office, granted: Granted) -> None:
        soon = office.clock.now() + timedelta(seconds=5)
        given = office.give(READ, expires_at=soon.isoformat()).command
        granted.take(*HOUSE_SHARE)
        granted.take(SYSTEM, "main")
        office.run(10)
        assert office.find(given.id).status is Status.QUEUED
        granted.give(*HOUSE_SHARE)
        office.run(10)
        assert office.find(given.id).status is Status.EXPIRED

    def test_a_pause_is_remembered_for_who_comes_next(self, office: Office, granted: Granted) -> None:
        office.says = lambda _command: Unknown(Failure.TOKEN_REJECTED, "rejected")
        office.give(READ)
        office.work()
        news = office.pauses.news("main")
        assert news is None  # it is written down already


class TestDeliveries:
    def test_what_is_another_s_is_not_sent(self, sending: Setting, granted: Granted) -> None:
        granted.take(ENDPOINT, "crm", is_known=False)
        sending.add("a")
        sending.run()
        assert sending.told("crm") == []
        assert sending.told("ops") == ["sms.received"]
        granted.give(ENDPOINT, "crm")
        assert sending.run(after=1) == ["a"]

    def test_what_is_claimed_is_not_begun_once_nobody_can_know_whose_it_is(
        self, sending: Setting, granted: Granted
    ) -> None:
        granted.is_valid = False
        sending.add("a")
        for _ in range(5):
            sending.dispatcher.run_once()
        assert sending.receivers.sent == []
        granted.is_valid = True
        assert sending.run() == ["a"]

    def test_a_result_under_a_lease_that_was_given_back_is_dropped(
        self, sending: Setting, granted: Granted
    ) -> None:
        sending.receivers.is_slow = True
        sending.add("a")
        sending.dispatcher.run_once()
        assert len(sending.receivers.sent) == 2  # to each of the two endpoints
        granted.take(ENDPOINT, "crm", is_known=False)
        with sending.database.write() as db:
            assert outbox.release_all(db, ["crm"]) == 1
        sending.receivers.is_slow = False
        for _ in range(5):
            sending.dispatcher.run_once()
        assert sending.statuses() == ["pending"]
        assert sending.statuses("ops") == ["delivered"]

    def test_how_a_lost_endpoint_is_doing_is_not_ours_to_say(
        self, sending: Setting, granted: Granted
    ) -> None:
        sending.receivers.answers["crm"] = Outcome.FAILED
        sending.add("a")
        granted.take(ENDPOINT, "crm", is_known=False)
        for after in range(1, 40):
            sending.run(after=after)
        assert sending.rows("SELECT name FROM endpoints WHERE name = 'crm' AND any_failures > 0") == []

    def test_an_endpoint_that_turns_is_told_alone(self, sending: Setting) -> None:
        """Events are written while no other member writes; the store refuses them beside others."""
        sending.receivers.answers["crm"] = Outcome.FAILED
        for number in range(40):
            sending.add(f"a{number}")
            sending.run(after=60)
        assert sending.health("crm") is not Health.HEALTHY
        assert "endpoint.failing" in sending.told("ops")
