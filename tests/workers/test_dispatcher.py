"""The dispatcher's own rules: what it waits for, what it does when the database fails, how it ends."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.delivery.route import Route
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest, plan
from daemon.core.routing.schedule import Schedule
from daemon.host import clock
from daemon.store import events, outbox
from daemon.store.database import Database
from daemon.workers.dispatcher import BACKSTOP, GATHER, LULL, MANY_RESULTS, Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from tests.support import stores
from tests.support.engines import USED
from tests.support.fakes import START, FakeClock, Ids

SECOND = timedelta(seconds=1)


class RecordingSender:
    """Holds what is started until the test ends it, and remembers how long it was asked to wait."""

    def __init__(self) -> None:
        self.under_way: list[Message] = []
        self.ended: list[Attempted] = []
        self.waits: list[float] = []
        self.woken = 0

    @property
    def is_idle(self) -> bool:
        return not self.under_way and not self.ended

    def start(self, message: Message) -> None:
        self.under_way.append(message)

    def in_flight(self, endpoint: str) -> int:
        return sum(one.endpoint == endpoint for one in self.under_way)

    def finished(self, timeout: float) -> list[Attempted]:
        self.waits.append(timeout)
        ended, self.ended = self.ended, []
        return ended

    def wake(self) -> None:
        self.woken += 1

    def end(self, outcome: Outcome = Outcome.ACCEPTED) -> None:
        message = self.under_way.pop(0)
        self.ended.append(Attempted(message, outcome, START))


class Setting:
    """A dispatcher on a fake clock, with a store and a sender to look into."""

    def __init__(self, database: Database, *, room: int = 2) -> None:
        self.database = database
        self.clock = FakeClock()
        self.ids = Ids()
        self.sender = RecordingSender()
        self.dispatcher = Dispatcher(
            database,
            self.sender,
            {"crm": Route(room, 15 * SECOND, (Schedule(("*",), (5 * SECOND, 60 * SECOND)),))},
            health=EndpointHealth(jitter=lambda: 0.0),
            now=self.clock.now,
            jitter=lambda: 0.0,
            new_id=self.ids,
            mail_pace=MailPace(),
        )

    def add(self, *subjects: str) -> None:
        with self.database.write() as db:
            facts = [Fact("sms.received", subject, {}) for subject in subjects]
            written = events.record(db, "main", facts, self.clock.at, self.ids)
            planned = plan(written, [Interest("crm", ("*",), None)])
            outbox.add(db, planned, self.clock.at)
        self.dispatcher.wake()

    def statuses(self) -> list[str]:
        with self.database.read() as db:
            return list(db.exec_driver_sql("SELECT status FROM deliveries ORDER BY id").scalars())


@pytest.fixture
def setting(engine: str) -> Iterator[Setting]:
    database = stores.new()
    yield Setting(database)
    database.close()


def test_it_sleeps_no_longer_than_until_the_next_retry(setting: Setting) -> None:
    """The wait is measured after the failure was written: else a retry would come with the backstop."""
    setting.add("a")
    setting.dispatcher.run_once(60)
    setting.sender.end(Outcome.TIMEOUT)
    setting.dispatcher.run_once(60)
    setting.dispatcher.run_once(60)

    assert setting.sender.waits[-1] == 5.0


def test_with_nothing_to_do_it_sleeps_until_it_is_woken(setting: Setting) -> None:
    setting.dispatcher.run_once(60)
    setting.dispatcher.run_once(60)

    assert setting.sender.waits[-1] == BACKSTOP.total_seconds()
    setting.add("a")
    assert setting.sender.woken == 1
    assert setting.dispatcher.run_once(60) == 1


def test_results_gather_for_longer_while_others_are_under_way(setting: Setting) -> None:
    setting.add("a", "b")
    setting.dispatcher.run_once(60)

    setting.sender.end()
    setting.dispatcher.run_once(60)
    assert setting.sender.waits[-1] == GATHER.total_seconds()

    setting.sender.end()
    setting.dispatcher.run_once(60)
    assert setting.sender.waits[-1] == LULL.total_seconds() < GATHER.total_seconds()


@USED
@pytest.mark.parametrize(("many", "is_enough"), [(MANY_RESULTS - 1, False), (MANY_RESULTS, True)])
def test_a_batch_is_not_kept_waiting_where_no_other_result_can_come(many: int, is_enough: bool) -> None:
    setting = Setting(stores.new(), room=many)
    setting.add(*(f"{number}" for number in range(many)))
    assert setting.dispatcher.run_once(60) == many
    for _ in range(many):
        setting.sender.end()
    before = len(setting.sender.waits)

    setting.dispatcher.run_once(60)

    assert (len(setting.sender.waits) == before + 1) is is_enough
    setting.database.close()


def test_it_is_at_rest_once_nothing_is_to_be_looked_for_sent_or_written(setting: Setting) -> None:
    dispatcher = setting.dispatcher

    def is_at_rest() -> bool:
        return dispatcher.is_at_rest

    dispatcher.run_once()
    assert is_at_rest()

    setting.add("a")
    assert not is_at_rest(), "it was woken"
    dispatcher.run_once()
    assert not is_at_rest(), "an attempt is under way"
    setting.sender.end(Outcome.TIMEOUT)
    dispatcher.run_once()
    assert not is_at_rest(), "its result is not written"
    dispatcher.run_once()
    assert is_at_rest(), "what failed is not due yet"
    setting.clock.advance(5)
    assert not is_at_rest(), "now it is"


def test_an_endpoint_has_no_more_under_way_than_its_share(setting: Setting) -> None:
    setting.add("a", "b", "c")
    setting.dispatcher.run_once()
    setting.dispatcher.run_once()
    assert [one.lane for one in setting.sender.under_way] == ["main/a", "main/b"]

    setting.sender.end()
    setting.dispatcher.run_once()
    setting.dispatcher.run_once()
    assert [one.lane for one in setting.sender.under_way] == ["main/b", "main/c"]


@pytest.mark.parametrize("error", stores.FAILING)
def test_a_result_that_could_not_be_written_is_kept_and_the_message_not_sent_again(
    setting: Setting, error: Exception
) -> None:
    setting.add("a")
    setting.dispatcher.run_once()
    setting.sender.end()
    setting.dispatcher.run_once()
    locked = setting.dispatcher._database

    setting.dispatcher._database = stores.Failing(error)
    setting.dispatcher._turn(0)
    assert setting.statuses() == ["leased"]

    setting.dispatcher._database = locked
    setting.dispatcher._turn(0)
    assert setting.statuses() == ["delivered"]
    assert setting.sender.under_way == []


def test_what_left_the_configuration_stays_in_the_store(setting: Setting) -> None:
    setting.add("a")
    setting.dispatcher.run_once()
    setting.dispatcher.reroute({}, lambda: None)
    setting.sender.end(Outcome.REFUSED)
    setting.dispatcher.run_once()
    setting.dispatcher.run_once()

    assert setting.statuses() == ["pending"]


@USED
def test_it_ends_with_what_was_due_sent(tmp_path: Path) -> None:
    database = stores.at(tmp_path / "a.db")
    setting = Setting(database, room=10)
    sender = setting.sender

    def finished(timeout: float) -> list[Attempted]:
        while sender.under_way:
            sender.end()
        ended, sender.ended = sender.ended, []
        return ended

    sender.finished = finished  # type: ignore[method-assign] # ends whatever was started
    setting.dispatcher._now = clock.utcnow
    setting.add("a", "b", "b")
    running = threading.Thread(target=lambda: setting.dispatcher.run(drain=10 * SECOND))
    setting.dispatcher.stop()
    running.start()
    running.join(10)

    assert not running.is_alive()
    assert setting.statuses() == ["delivered"] * 3
    database.close()


def test_one_phone_is_told_in_order_across_the_upgrade_that_made_it_one_lane(setting: Setting) -> None:
    """What is open at the start is in lanes as a release named them that knew of no phones."""
    setting.add("sms/972501234567", "sms/0501234567")
    with setting.database.write() as db:
        db.exec_driver_sql(
            "UPDATE deliveries SET status = 'pending', lane = (SELECT 'main/' || subject FROM events"
            " WHERE number = event)"
        )
    setting.dispatcher.recover()
    setting.add("sms/+972-50-123-4567")
    told = []
    for _ in range(2 * 3):  # a turn that writes what ended, and one that sends the next
        setting.dispatcher.run_once()
        told.append([one.event for one in setting.sender.under_way])
        while setting.sender.under_way:
            setting.sender.end()

    assert [one for one in told if one] == [["evt_1"], ["evt_2"], ["evt_3"]]


def raises(*_: object) -> None:
    raise ZeroDivisionError


def test_results_that_one_of_its_parts_cannot_take_are_written_by_the_next_turn(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error ends its thread, and another goes on with the same dispatcher."""
    setting.add("a")
    setting.dispatcher.run_once()
    setting.sender.end()
    with monkeypatch.context() as patch:
        patch.setattr(setting.dispatcher._health, "take", raises)
        with pytest.raises(ZeroDivisionError):
            setting.dispatcher.run_once()
    setting.dispatcher.run_once()

    assert setting.statuses() == ["delivered"]


def test_what_a_turn_claimed_that_did_not_come_to_its_end_is_claimed_anew_at_once(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.add("a", "b", "c", "d")
    with monkeypatch.context() as patch:
        patch.setattr(setting.dispatcher, "_adopt", raises)
        with pytest.raises(ZeroDivisionError):
            setting.dispatcher.run_once()
    assert setting.statuses() == ["leased"] * 4
    setting.dispatcher.wake()  # as another thread begins
    setting.dispatcher.run_once()

    assert [(one.lane, one.attempt) for one in setting.sender.under_way] == [("main/a", 1), ("main/b", 1)]
    for _ in range(4):
        setting.sender.end()
        setting.dispatcher.run_once()
        setting.dispatcher.run_once()
    assert setting.statuses() == ["delivered"] * 4


def test_what_such_a_turn_has_in_its_queues_already_is_sent_once(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.add("a", "b")
    taken = setting.dispatcher._adopt

    def adopt(*given: Any) -> None:
        taken(*given)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(setting.dispatcher, "_adopt", adopt)
        with pytest.raises(ZeroDivisionError):
            setting.dispatcher.run_once()
    setting.dispatcher.wake()
    sent: list[str] = []
    for _ in range(5):
        setting.dispatcher.run_once()
        sent += [one.lane for one in setting.sender.under_way]
        while setting.sender.under_way:
            setting.sender.end()

    assert sent == ["main/a", "main/b"]
    assert setting.statuses() == ["delivered"] * 2


def test_a_message_that_cannot_be_started_has_failed_by_us_and_the_others_go(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.add("a", "b")
    start, told = setting.sender.start, list[Attempted]()
    setting.dispatcher._on_attempted = told.extend

    def starts(message: Message) -> None:
        if message.lane == "main/a":
            raise ZeroDivisionError
        start(message)

    with monkeypatch.context() as patch:
        patch.setattr(setting.sender, "start", starts)
        setting.dispatcher.run_once(60)
        assert setting.sender.waits[-1] == 0
        setting.dispatcher.run_once(60)
    assert [one.lane for one in setting.sender.under_way] == ["main/b"]
    assert [(one.outcome, one.is_our_fault) for one in told] == [(Outcome.FAILED, True)]
    assert setting.statuses() == ["pending", "leased"]
    assert setting.sender.waits[-1] == 5.0
    setting.clock.advance(5)
    setting.dispatcher.run_once()

    assert [one.lane for one in setting.sender.under_way] == ["main/b", "main/a"]
