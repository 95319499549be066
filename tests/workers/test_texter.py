"""SMS that tell alerts: each at most once wherever the process is killed, in the budget, none forgotten."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.core.commands.results import Texted
from daemon.core.commands.sent_texts import State
from daemon.core.delivery.outcome import Outcome
from daemon.store import outbox
from daemon.store.database import Database
from tests.support.texting import TO, Killed, Point, Texting, lost, refused, taken, unsent

PHONE, OTHER = "0773137770", "0773137771"


@pytest.fixture
def office(database: Database) -> Iterator[Texting]:
    yield Texting(database)


def killed(office: Texting, at: Point) -> None:
    office.kill_at = at
    with pytest.raises(Killed):
        office.run()
    office.start()


def test_an_alert_and_its_end_are_told_each_once(office: Texting) -> None:
    office.fire(PHONE)
    office.run(600)
    assert office.said() == [f"main: Phone {PHONE} is off the network"]
    assert office.figures() == (0.1, 0.1)
    office.resolve(PHONE)
    office.run(600)

    assert office.said()[1:] == [f"main: Phone {PHONE} is back on the network"]
    assert office.figures() == (0.2, 0)
    assert office.deliveries() == ["delivered", "delivered"]


@pytest.mark.parametrize("at", Point)
def test_a_process_that_is_killed_anywhere_sends_nothing_twice_and_forgets_nothing_unsaid(
    office: Texting, at: Point
) -> None:
    office.fire(PHONE)
    killed(office, at)
    office.run(600)

    many = len(office.left)
    is_known = at in (Point.BEFORE_THE_CLAIM, Point.WRITTEN)
    assert many == (0 if at is Point.CLAIMED else 1)
    assert office.states() == [State.SENT if is_known else State.UNKNOWN]
    assert office.deliveries()[0] == ("delivered" if is_known else "unknown")
    assert ("sms.unknown" in office.told()) is not is_known
    office.resolve(PHONE)
    office.run(600)
    assert office.said()[many:] == [f"main: Phone {PHONE} is back on the network"]
    assert office.figures() == (0.2, 0)


@pytest.mark.parametrize("at", Point)
def test_the_same_of_its_end(office: Texting, at: Point) -> None:
    office.fire(PHONE)
    office.run(60)
    office.resolve(PHONE)
    killed(office, at)
    office.run(6 * 3600)

    assert len(office.left) == (1 if at is Point.CLAIMED else 2)
    assert office.figures()[1] == 0
    assert ("sms.unknown" in office.told()) is (at not in (Point.BEFORE_THE_CLAIM, Point.WRITTEN))


def test_a_lost_answer_is_unknown_and_never_repeated(office: Texting) -> None:
    office.says = lost
    office.fire(PHONE)
    office.run(24 * 3600, step=3600)

    assert len(office.left) == 1
    assert office.deliveries()[0] == "unknown"
    assert office.told().count("sms.unknown") == 1


def test_what_surely_did_not_leave_is_tried_again(office: Texting) -> None:
    office.says = unsent
    office.fire(PHONE)
    office.run(10)
    assert (office.left, office.figures()) == ([], (0, 0))
    office.says = taken
    office.run(600)

    assert len(office.left) == 1
    assert office.deliveries() == ["delivered"]


def test_a_number_that_is_refused_costs_nothing_and_is_told(office: Texting) -> None:
    office.says = refused
    office.fire(PHONE)
    office.run(600)

    assert office.deliveries()[0] == "dead"
    assert office.figures() == (0, 0)
    assert "sms.failed" in office.told()


def test_what_the_budget_does_not_take_with_its_end_waits_until_the_day_turns(database: Database) -> None:
    office = Texting(database, per_day=0.3)
    office.fire(PHONE)
    office.run(60)
    assert office.figures() == (0.1, 0.1)
    office.fire(OTHER)
    office.run(600)

    assert len(office.left) == 1  # 0.1 is left, and it would take 0.2 with its end
    assert office.told().count("endpoint.failing") == 1
    office.resolve(PHONE)
    office.run(60)
    assert office.said()[1:] == [f"main: Phone {PHONE} is back on the network"]
    office.run(12 * 3600, step=600)  # past midnight in Jerusalem

    assert office.said()[2:] == [f"main: Phone {OTHER} is off the network"]
    assert office.told().count("endpoint.recovered") == 1
    assert len(set(office.left_on)) == 2


def test_what_was_over_before_it_could_be_told_is_one_message_in_the_morning(database: Database) -> None:
    office = Texting(database, per_day=0.3)
    office.fire(PHONE)
    office.run(60)
    office.fire(OTHER)
    office.run(60)
    office.resolve(OTHER)
    office.run(16 * 3600, step=600)

    of_other = [one for one in office.said() if OTHER in one]
    assert len(of_other) <= 1
    assert not office.figures()[1] > 0.1


def test_a_part_of_the_budget_is_a_bound_of_its_own(database: Database) -> None:
    office = Texting(database, per_day=5.0, own_per_day=0.3)
    office.fire(PHONE)
    office.fire(OTHER)
    office.run(600)

    assert len(office.left) == 1
    assert "endpoint.failing" in office.told()


def test_a_larger_budget_is_noticed_at_once(database: Database) -> None:
    office = Texting(database, per_day=0.3)
    office.fire(PHONE)
    office.fire(OTHER)
    office.run(600)
    office.budget(5.0)
    office.run(30, step=10)

    assert len(office.left) == 2
    assert "endpoint.recovered" in office.told()


def test_a_number_is_told_ten_times_an_hour_at_most(database: Database) -> None:
    office = Texting(database, per_day=100.0)
    phones = [f"07731377{number:02d}" for number in range(14)]
    for phone in phones:
        office.fire(phone)
    office.run(600)
    assert len(office.left) == 10
    office.run(3600)

    assert len(office.left) == 14
    assert "endpoint.failing" not in office.told()


def test_each_number_is_told_for_itself(database: Database) -> None:
    office = Texting(database, to=(TO, "0521111111"))
    office.fire(PHONE)
    office.run(60)

    assert sorted(to for to, _, _ in office.left) == [TO, "0521111111"]
    assert office.figures() == (0.2, 0.2)


def test_nobody_is_told_that_the_phone_itself_fails_nor_anything_but_alerts(database: Database) -> None:
    office = Texting(database, per_day=0.3)
    office.fire(PHONE)
    office.fire(OTHER)
    office.run(600)

    assert all("endpoint" not in one.lower() for one in office.said())
    with database.read() as db:
        types = db.exec_driver_sql(
            "SELECT DISTINCT type FROM events JOIN deliveries ON deliveries.event = events.number"
            " WHERE endpoint LIKE 'boss/%%'"
        ).scalars()
        assert set(types) <= {"sip.account.unregistered", "sip.account.registered"}


def test_who_stood_still_while_another_took_over_changes_nothing_and_sends_nothing_more(
    database: Database,
) -> None:
    office = Texting(database)
    office.fire(PHONE)
    other = Texting.__new__(Texting)

    def stands_still(to: str) -> Texted:
        other.__init__(database)  # type: ignore[misc] # another process, on the same store
        other.clock, other.ids = office.clock, office.ids  # no id is given twice
        other.start()
        other.settle()
        return taken(to)

    office.says = stands_still
    office.settle()
    office.says = taken
    office.run(600)
    other.run(600)

    assert len(office.left) + len(other.left) == 1
    assert office.states() == [State.UNKNOWN]
    assert office.told().count("sms.unknown") == 1
    assert "sms.sent" not in office.told()


def test_many_at_once_do_not_spend_more_than_there_is(database: Database) -> None:
    numbers = tuple(f"05012345{number:02d}" for number in range(12))
    office = Texting(database, per_day=1.0, to=numbers)
    office.fire(PHONE)
    lease = outbox.Lease("lease_x", office.clock.now(), office.clock.now() + timedelta(minutes=5))
    with database.write() as db:
        messages = []
        for number in numbers:
            one = replace(lease, token=f"lease_{number}")
            messages += outbox.claim(db, f"boss/{number}", 1, one).messages
    with ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(office.texter.tell, messages))

    assert len(messages) == 12
    assert len(office.left) == sum(one.outcome is Outcome.ACCEPTED for one in ended) == 5
    assert office.figures() == (0.5, 0.5)
