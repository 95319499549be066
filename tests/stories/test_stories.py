"""What people are told when phones, the API, endpoints and the process itself come and go."""

import itertools
import json
from datetime import timedelta
from pathlib import Path

import pytest

from daemon.core.delivery.outcome import Message, Outcome
from daemon.core.model import Failure
from daemon.core.routing.filters import Filter, Operator
from daemon.core.routing.plan import Interest
from tests.support import stores
from tests.support.engines import ON_SQLITE, USED, each
from tests.support.story import SECOND, Story

ACCEPTED = Outcome.ACCEPTED
DOWN, UP = "sip.account.unregistered", "sip.account.registered"


def test_a_phone_that_drops_off_and_comes_back_is_told_once_each(story: Story) -> None:
    story.phone("077", (10, 200))
    story.run(until=400)

    story.expect((70, DOWN), (260, UP))


def test_a_short_drop_is_not_told(story: Story) -> None:
    story.phone("077", (10, 60))
    story.run(until=200)

    story.expect()


def test_a_short_return_in_between_goes_on_as_the_same_incident(story: Story) -> None:
    story.phone("077", (10, 100), (130, 300))
    story.run(until=500)

    story.expect((70, DOWN), (360, UP))


def test_a_phone_that_was_off_at_the_first_poll_is_told(story: Story) -> None:
    story.phone("077", (0, 1000))
    story.run(until=200)

    story.expect((60, DOWN))
    (body,) = story.bodies()
    assert body["data"]["alert"]["changed_between"] == [None, "2026-03-01T12:00:00.000Z"]  # type: ignore[index]


def test_an_outage_of_the_api_is_told_and_the_phones_are_not(story: Story) -> None:
    story.phone("077")
    story.api_fails(30, 200)
    story.run(until=400)

    story.expect((90, "api.unreachable"), (200, "api.reachable"))


@ON_SQLITE
@pytest.mark.parametrize("failure", [Failure.THROTTLED, Failure.SERVER_ERROR])
def test_a_pause_of_a_day_is_told_and_believed_for_a_quarter_of_an_hour(
    story: Story, failure: Failure
) -> None:
    """Whoever sent it: a phone that drops off meanwhile is seen when the first poll is answered."""
    story.phone("077", (100, 5000))
    story.api_fails(30, 40, failure, retry_after=timedelta(days=1))
    story.run(until=1100, step=10)

    story.expect((90, "api.unreachable"), (930, "api.reachable"), (990, DOWN))
    assert [at for at in story.asked if 30 <= at < 930] == [30]
    error = story.bodies()[0]["data"]["error"]  # type: ignore[index]
    assert error["message"] == "scripted; left alone until 2026-03-01 12:15:30 UTC"


@ON_SQLITE
def test_one_poll_in_a_quarter_of_an_hour_tries_while_the_api_wants_to_be_left_alone(story: Story) -> None:
    story.phone("077")
    story.api_fails(30, 1800, Failure.THROTTLED, retry_after=timedelta(days=1))
    story.run(until=1900, step=10)

    assert [at for at in story.asked if 30 <= at < 1830] == [30, 930]
    story.expect((90, "api.unreachable"), (1830, "api.reachable"))


def test_an_api_that_throttles_and_says_no_time_is_told_like_one_that_is_away(story: Story) -> None:
    story.phone("077")
    story.api_fails(30, 200, Failure.THROTTLED)
    story.run(until=400)

    story.expect((90, "api.unreachable"), (200, "api.reachable"))


def test_a_short_pause_is_not_told(story: Story) -> None:
    story.phone("077")
    story.api_fails(30, 40, Failure.THROTTLED, retry_after=50 * SECOND)
    story.run(until=400)

    story.expect()


def test_time_spent_blind_does_not_count_toward_firing(story: Story) -> None:
    story.phone("077", (10, 1000))
    story.api_fails(40, 80)
    story.run(until=300)

    # Observed: 10..30, then from 80 on; 20 s are held when the API goes, 40 s more are needed.
    story.expect((120, DOWN))


def test_a_drop_that_lies_within_an_outage_was_not_seen(story: Story) -> None:
    story.phone("077", (50, 90))
    story.api_fails(40, 95)
    story.run(until=400)

    story.expect()


def test_a_rejected_token_is_told_at_once_and_asked_about_slowly(story: Story) -> None:
    story.phone("077")
    story.api_fails(30, 60, Failure.TOKEN_REJECTED)
    story.run(until=200)

    story.expect((30, "api.token_rejected"), (90, "api.token_accepted"))


def test_equal_messages_that_arrive_between_two_polls_are_each_told(story: Story) -> None:
    story.sms_arrives(13, "ping")
    story.sms_arrives(13, "ping")
    story.sms_arrives(17, "pong")
    story.run(until=40)

    story.expect(*[(20, "sms.received")] * 3)


def test_an_endpoint_that_was_down_gets_all_messages_in_order(story: Story) -> None:
    for at in range(13, 100, 20):
        story.sms_arrives(at, f"message {at}")
    story.endpoint_says(Outcome.UNREACHABLE, 0, 180)
    story.run(until=400)

    sent = [json.loads(one.body)["data"]["sms"]["text"] for _, one, was in story.told if was is ACCEPTED]
    assert sent == [f"message {at}" for at in range(13, 100, 20)]


@USED
def test_a_filter_knows_a_phone_in_whatever_spelling(tmp_path: Path) -> None:
    wanted = Filter("sms.from", Operator.IN, ("054-123 45 67",))
    unwanted = Filter("sms.from", Operator.NOT_IN, ("054-123 45 67",))
    one = Story(
        tmp_path / "story.db",
        interests=[
            Interest("crm", ("sms.*",), None, filters=(wanted,)),
            Interest("ops", ("sms.*",), None, filters=(unwanted,)),
        ],
    )
    for at, sender in ((13, "972541234567"), (23, "0541234567"), (33, "Yemot"), (43, "541234567")):
        one.sms_arrives(at, "ping", sender)
    one.run(until=60)
    one.database.close()

    one.expect((20, "sms.received"), (30, "sms.received"))
    one.expect((40, "sms.received"), (50, "sms.received"), endpoint="ops")


def test_messages_of_one_phone_are_in_one_order_whatever_its_spelling(story: Story) -> None:
    for at, sender in ((13, "972541234567"), (23, "0541234567"), (33, "+972-54-123-4567")):
        story.sms_arrives(at, sender, sender)
    story.endpoint_says(Outcome.UNREACHABLE, 0, 29)
    story.run(until=400)

    sent = [json.loads(one.body)["data"]["sms"]["from"] for _, one, was in story.told if was is ACCEPTED]
    assert sent == ["972541234567", "0541234567", "+972-54-123-4567"]


def test_an_endpoint_that_was_down_hears_once_what_fired_and_is_over(story: Story) -> None:
    story.phone("077", (10, 100))
    story.endpoint_says(Outcome.UNREACHABLE, 0, 180)
    story.run(until=400)

    assert [what for _, what in story.accepted()] == [UP]
    alert = story.alerts()[-1]
    assert (alert["status"], alert["reason"], alert["superseded"]) == ("resolved", "catch_up", 1)
    assert alert["started_at"] < alert["ended_at"]


@USED
def test_one_bad_endpoint_hurts_no_other(tmp_path: Path) -> None:
    interests = [Interest("bad", ("*",), None), Interest("good", ("sms.*",), None)]
    story = Story(tmp_path / "two.db", interests=interests)
    story.endpoint_says(Outcome.TIMEOUT, 0, 10_000, endpoint="bad")
    for at in range(11, 300, 3):
        story.sms_arrives(at, f"message {at}")
    story.run(until=400)

    assert len(story.accepted("good")) == len(range(11, 300, 3))
    assert story.accepted("bad") == []
    story.database.close()


def test_a_message_that_is_refused_for_good_does_not_block_the_next(story: Story) -> None:
    story.sms_arrives(13, "poison")
    story.endpoint_says(Outcome.REFUSED, 0, 25)
    story.sms_arrives(33, "fine")
    story.run(until=60)

    story.expect((40, "sms.received"))


@USED
def test_a_delivery_is_given_up_when_its_schedule_is_used_up(tmp_path: Path) -> None:
    story = Story(tmp_path / "short.db", retries=(5 * SECOND, 30 * SECOND, 60 * SECOND))
    story.sms_arrives(13, "one")
    story.endpoint_says(Outcome.UNREACHABLE, 0, 10_000)
    story.run(until=300)

    assert [round(at) for at, *_ in story.told] == [20, 25, 55, 115]
    with story.database.read() as db:
        assert db.exec_driver_sql("SELECT status, attempts FROM deliveries").one() == ("dead", 4)
        assert db.exec_driver_sql("SELECT count(*) FROM attempts").scalar() == 4
    story.database.close()


@USED
@each("killed_at", range(0, 300, 13), every=9)
def test_a_restart_at_any_time_invents_and_loses_nothing(tmp_path: Path, killed_at: int) -> None:
    story = Story(tmp_path / "killed.db")
    story.phone("077", (10, 150))
    story.sms_arrives(33, "one")
    story.sms_arrives(133, "two")
    story.run(until=killed_at)
    story.kill()
    story.run(until=500)

    told = [what for _, what in story.accepted()]
    assert sorted(told) == sorted([DOWN, UP, "sms.received", "sms.received"])
    assert told.index(DOWN) < told.index(UP)
    story.database.close()


def test_every_attempt_of_an_event_has_the_same_id_and_bytes(story: Story) -> None:
    story.sms_arrives(13, "one")
    story.endpoint_says(Outcome.UNREACHABLE, 0, 50)
    story.run(until=100)

    assert len({(message.event, message.body) for _, message, _ in story.told}) == 1
    assert [message.attempt for _, message, _ in story.told] == [1, 2, 3]


def test_sequences_have_no_gap(story: Story) -> None:
    story.phone("077", (10, 150))
    story.phone("088", (20, 170))
    story.sms_arrives(33, "one")
    story.run(until=150)
    story.kill()
    story.run(until=500)

    sequences = [body["data"]["sequence"] for body in story.bodies()]  # type: ignore[index]
    assert sequences == list(range(1, 6))


def test_a_machine_that_slept_saw_nothing_while_it_slept(story: Story) -> None:
    """No more than two intervals count of the gap."""
    story.phone("077", (10, 10_000))
    story.run(until=31)
    story.clock.advance(3600)
    story.poll("sip")

    assert story.accepted() == []


@pytest.mark.parametrize("hours", [-5, -1, 1, 24])
def test_a_clock_that_is_set_neither_hastens_nor_delays_an_alert(story: Story, hours: int) -> None:
    story.phone("077", (-100_000, 1_000_000))
    fired = []
    for poll in range(10):
        if poll == 3:
            story.clock.jump(hours * 3600)
        recorded = story.poll("sip").recorded
        fired += [poll for event in recorded.events if event.type == DOWN]
        story.clock.advance(10)

    assert fired == [6]


def test_lanes_keep_their_order_and_leave_others_alone(story: Story) -> None:
    """While the head of one subject's lane fails, its followers wait; another subject's go out."""
    story.phone("077", (10, 100))
    story.sms_arrives(13, "one")
    story.sms_arrives(33, "two")

    def says(message: Message) -> Outcome:
        is_stuck = "sms" in message.lane and story.now() < 250
        return Outcome.UNREACHABLE if is_stuck else Outcome.ACCEPTED

    story.sender.says = says
    story.run(until=500)

    accepted = [message for _, message, outcome in story.told if outcome is Outcome.ACCEPTED]
    assert [one.event_type for one in accepted] == [DOWN, UP, "sms.received", "sms.received"]
    assert [json.loads(one.body)["data"]["sms"]["text"] for one in accepted[2:]] == ["one", "two"]


@USED
def test_told_equals_truth_for_every_short_life(tmp_path: Path) -> None:
    """Every pattern of down, up and blind over three slots of 30 s: fires and resolves alternate, and at the
    end, when all is up and seen, what was told last is that it is up."""
    every = 9 if stores.is_on_postgresql() else 1
    for number, pattern in list(enumerate(itertools.product("dub", repeat=3)))[::every]:
        story = Story(tmp_path / f"{number}.db")
        story.phone("077", *[(30.0 * i, 30.0 * i + 30) for i, slot in enumerate(pattern) if slot == "d"])
        for i, slot in enumerate(pattern):
            if slot == "b":
                story.api_fails(30 * i, 30 * i + 30)
        story.run(until=90, step=5)
        if number % 2:
            story.kill()
        story.run(until=250, step=5)
        told = [what for _, what in story.accepted() if what in (DOWN, UP)]
        assert told == [DOWN, UP] * (len(told) // 2), pattern
        story.database.close()
