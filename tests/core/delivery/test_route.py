"""What an endpoint's route makes of an attempt, and who waits for it."""

from datetime import timedelta

import pytest

from daemon.core.delivery.outcome import DEAD, DELIVERED, Attempted, Next, Outcome, Status
from daemon.core.delivery.route import AGAIN, Mailing, Route
from daemon.core.routing.plan import Order
from daemon.core.routing.schedule import Schedule
from daemon.core.wishes import Kind, Wish, Wishes
from tests.support.attempts import message
from tests.support.fakes import START

SECOND = timedelta(seconds=1)
SCHEDULES = (Schedule(("sms.*",), (10 * SECOND,)), Schedule(("*",), (100 * SECOND,)))
WEBHOOK = Route(4, SECOND, SCHEDULES)
MAILBOX = Route(4, SECOND, SCHEDULES, mailing=Mailing(60 * SECOND, most_per_hour=4))
FAILED = Attempted(message(), Outcome.FAILED, START)


def test_it_is_tried_again_by_the_schedule_of_its_type_a_little_later_each() -> None:
    waits = []
    for jitter in (0.0, 0.5):
        due_at = WEBHOOK.after(FAILED, START, jitter, is_our_outage=False).due_at
        assert due_at is not None
        waits.append(due_at - START)

    assert waits[0] == 10 * SECOND < waits[1] < 20 * SECOND


def test_what_was_mailed_together_is_due_together_again() -> None:
    then = {MAILBOX.after(FAILED, START, jitter, is_our_outage=False) for jitter in (0.0, 0.5)}

    assert {one.due_at for one in then} == {START + 10 * SECOND}


def test_a_schedule_that_raises_is_set_aside_and_nothing_is_given_up() -> None:
    class Raising(tuple[timedelta, ...]):
        def __getitem__(self, _at: object) -> timedelta:  # type: ignore[override] # it gives nothing
            raise ValueError

    wishes = Wishes()
    guard = wishes.guard(Kind.ENDPOINT, "crm")
    # Of no other test's: which schedule is whose is remembered by what is equal.
    waits = Raising([SECOND * 7919])
    route = Route(4, SECOND, (Schedule(("*",), waits),), guard=guard)

    assert route.after(FAILED, START, 0, is_our_outage=False) == Next(Status.PENDING, START + AGAIN)
    assert route.after(FAILED._replace(outcome=Outcome.ACCEPTED), START, 0, is_our_outage=False) == DELIVERED
    assert wishes.look()[Wish(Kind.ENDPOINT, "crm", "retries")].error


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("then", [DELIVERED, DEAD, Next(Status.PENDING, START)])
def test_those_behind_wait_for_what_is_open_but_where_the_order_is_of_no_matter(
    order: Order, then: Next
) -> None:
    route = Route(4, SECOND, SCHEDULES, order=order)

    assert route.frees_lane(then) is (then.status is not Status.PENDING or order is Order.BEST_EFFORT)
