"""New deliveries on their shortest way, and several of a lane at once: whatever happens meanwhile, each
arrives, and no lane is overtaken."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.delivery.breaker import Health, Switch
from daemon.core.delivery.mail_pace import MailPace
from daemon.core.delivery.outcome import Attempted, Message, Outcome
from daemon.core.delivery.route import Mailing, Route
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest, Order
from daemon.core.routing.schedule import Schedule
from daemon.pipeline.events import Recorder
from daemon.store import endpoint_health
from daemon.store.database import Database
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from tests.support import stores
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import FakeClock, Ids

SECOND = timedelta(seconds=1)
PLAIN = Route(8, 15 * SECOND, (Schedule(("*",), (5 * SECOND,) * 50),))


class Watched:
    """A sender that holds what is under way until it is told how that ends, and looks at the order."""

    def __init__(self, clock: FakeClock, order: Order) -> None:
        self.clock = clock
        self.is_strict = order is Order.STRICT
        self.under_way: list[Message] = []
        self.started: dict[str, list[int]] = defaultdict(list)
        """Deliveries in the order of their first attempts, by lane."""
        self.accepted: list[int] = []
        self.ended: list[Attempted] = []

    @property
    def is_idle(self) -> bool:
        return not self.under_way and not self.ended

    def start(self, message: Message) -> None:
        # Under best effort, what has failed once is tried beside those that it made way for.
        beside = [one for one in self.under_way if one.lane == message.lane]
        assert not [one for one in beside if self.is_strict or not (one.failures or message.failures)]
        assert message.delivery not in self.accepted, "it was accepted before"
        self.under_way.append(message)
        if message.delivery not in self.started[message.lane]:
            self.started[message.lane].append(message.delivery)

    def in_flight(self, _endpoint: str) -> int:
        return len(self.under_way)

    def finished(self, _timeout: float) -> list[Attempted]:
        ended, self.ended = self.ended, []
        return ended

    def wake(self) -> None:
        pass

    def end(self, index: int, outcome: Outcome) -> None:
        message = self.under_way.pop(index % len(self.under_way))
        if outcome is Outcome.ACCEPTED:
            self.accepted.append(message.delivery)
        self.ended.append(Attempted(message, outcome, self.clock.at))


class Setting:
    """One endpoint, whose new deliveries are handed over."""

    def __init__(self, database: Database, route: Route = PLAIN) -> None:
        self.database = database
        self.clock = FakeClock()
        self.ids = Ids()
        self.sender = Watched(self.clock, route.order)
        self.recorder = Recorder([Interest("crm", ("*",), None, order=route.order)], self.ids)
        self.dispatcher = Dispatcher(
            database,
            self.sender,
            {"crm": route},
            health=EndpointHealth(jitter=lambda: 0.0),
            now=self.clock.now,
            jitter=lambda: 0.0,
            new_id=self.ids,
            mail_pace=MailPace(),
        )
        self.dispatcher.recover()
        self.dispatcher.wake()
        self.dispatcher.run_once()
        self.recorder.handover.to = self.dispatcher

    def add(self, *subjects: str) -> None:
        with self.database.write() as db:
            facts = [Fact("sms.received", subject, {}) for subject in subjects]
            self.recorder.record(db, "main", facts, self.clock.at)

    def statuses(self) -> list[str]:
        with self.database.read() as db:
            return list(db.exec_driver_sql("SELECT status FROM deliveries ORDER BY id").scalars())

    def settle(self) -> None:
        """All is accepted from now on, until nothing is left."""
        for _ in range(2000):
            self.dispatcher.run_once()
            if self.sender.is_idle and set(self.statuses()) <= {"delivered", "dead"}:
                return
            while self.sender.under_way:
                self.sender.end(0, Outcome.ACCEPTED)
            self.clock.advance(30)
        raise AssertionError(f"it never comes to an end: {self.statuses()}")


@pytest.fixture
def database(engine: str) -> Iterator[Database]:
    one = stores.new()
    yield one
    one.close()


@pytest.fixture
def setting(database: Database) -> Setting:
    return Setting(database)


def test_what_is_new_is_sent_before_anything_is_written_again(setting: Setting) -> None:
    setting.add("a")
    assert setting.statuses() == ["leased"]

    setting.database.write = None  # type: ignore[assignment,method-assign]
    setting.dispatcher.run_once()
    assert [one.lane for one in setting.sender.under_way] == ["main/a"]


def test_what_is_handed_over_waits_for_no_results_of_others(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished, waits = setting.sender.finished, list[bool]()

    def busy(timeout: float) -> list[Attempted]:
        waits.append(all(one.lane != "main/b" for one in setting.sender.under_way))
        if len(waits) == 2:
            setting.add("b")
        return finished(timeout)

    setting.add("a")
    setting.dispatcher.run_once()
    setting.sender.end(0, Outcome.ACCEPTED)
    monkeypatch.setattr(setting.sender, "finished", busy)
    for _ in range(2):
        setting.dispatcher.run_once()

    assert waits[:2] == [True, True]
    assert True not in waits[2:]


def test_of_one_lane_only_the_first_is_handed_over(setting: Setting) -> None:
    setting.add("a", "a", "b")

    assert setting.statuses() == ["leased", "waiting", "leased"]


def test_no_more_are_handed_over_than_may_be_held(setting: Setting) -> None:
    setting.add(*map(str, range(200)))

    assert setting.statuses().count("leased") == PLAIN.max_in_flight * 5
    setting.settle()
    assert sorted(setting.sender.accepted) == list(range(1, 201))


def test_what_is_rolled_back_is_sent_to_nobody(setting: Setting) -> None:
    with pytest.raises(ZeroDivisionError), setting.database.write() as db:
        setting.recorder.record(db, "main", [Fact("sms.received", "a", {})], setting.clock.at)
        raise ZeroDivisionError
    setting.add("b")
    setting.settle()

    assert list(setting.sender.started) == ["main/b"]


def test_what_a_savepoint_undoes_is_sent_to_nobody(setting: Setting) -> None:
    with setting.database.write() as db:
        with pytest.raises(ZeroDivisionError), db.begin_nested():
            setting.recorder.record(db, "main", [Fact("sms.received", "a", {})], setting.clock.at)
            raise ZeroDivisionError
        setting.recorder.record(db, "main", [Fact("sms.received", "b", {})], setting.clock.at)
    setting.settle()

    assert list(setting.sender.started) == ["main/b"]


@pytest.mark.parametrize(
    "route",
    [
        Route(8, 15 * SECOND, PLAIN.schedules, order=Order.LATEST),
        Route(8, 15 * SECOND, PLAIN.schedules, rate=100),
        Route(8, 15 * SECOND, PLAIN.schedules, mailing=Mailing(SECOND, 100)),
    ],
    ids=["latest", "rate", "mailing"],
)
def test_what_has_a_reason_to_wait_is_claimed_in_its_turn(database: Database, route: Route) -> None:
    setting = Setting(database, route)
    setting.add("a", "b")

    assert setting.statuses() == ["pending", "pending"]


def test_an_endpoint_that_is_not_well_is_handed_nothing(setting: Setting) -> None:
    for _ in range(12):
        setting.add("a", "b", "c")
        setting.dispatcher.run_once()
        while setting.sender.under_way:
            setting.sender.end(0, Outcome.FAILED)
        setting.clock.advance(60)
        setting.dispatcher.run_once()
        if setting.dispatcher.health()["crm"].health is not Health.HEALTHY:
            break
    setting.add("new")

    assert setting.dispatcher.health()["crm"].health is not Health.HEALTHY
    assert setting.statuses()[-1] == "pending"


def test_what_was_handed_over_to_one_that_has_turned_is_given_back(setting: Setting) -> None:
    setting.add("a", "b")
    with setting.database.write() as db:
        endpoint_health.ask(db, "crm", Switch.DISABLE)
    setting.dispatcher.wake()
    setting.dispatcher._start = lambda **_: 0  # type: ignore[method-assign] # none had room yet
    setting.dispatcher.run_once()

    assert setting.statuses() == ["pending", "pending"]


SUBJECT = st.sampled_from("abc")
STEP = st.one_of(
    st.tuples(st.just("add"), st.lists(SUBJECT, min_size=1, max_size=9)),
    st.tuples(
        st.just("end"),
        st.integers(0, 9),
        st.sampled_from([Outcome.ACCEPTED] * 4 + [Outcome.FAILED, Outcome.REFUSED]),
    ),
    st.tuples(st.just("run")),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 60])),
)


@USED
@settings(max_examples=examples(300))
@given(st.lists(STEP, max_size=40), st.sampled_from([Order.STRICT, Order.BEST_EFFORT]))
def test_whatever_happens_each_has_one_end_and_lanes_keep_their_order(
    steps: list[tuple[Any, ...]], order: Order
) -> None:
    database = stores.new()
    try:
        setting = Setting(database, Route(8, 15 * SECOND, PLAIN.schedules, order=order))
        refused = play(setting, steps)
        setting.add("a")  # so that there is one
        setting.settle()

        many = len(setting.statuses())
        assert sorted(setting.sender.accepted + refused) == list(range(1, many + 1))
        assert all(started == sorted(started) for started in setting.sender.started.values())
    finally:
        database.close()


def play(setting: Setting, steps: list[tuple[Any, ...]]) -> list[int]:
    """Returns what was refused."""
    refused: list[int] = []
    for kind, *values in steps:
        match kind, values:
            case "add", [subjects]:
                setting.add(*subjects)
            case "end", [index, outcome] if setting.sender.under_way:
                setting.sender.end(index, outcome)
                if outcome is Outcome.REFUSED:
                    refused.append(setting.sender.ended[-1].message.delivery)
            case "wait", [seconds]:
                setting.clock.advance(seconds)
            case "run", []:
                setting.dispatcher.run_once()
    return refused
