"""What a replay sends, in which order and at what pace, and what it leaves out."""

import json
from datetime import timedelta

import pytest

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest
from daemon.operations import replay
from daemon.store.replay import Plan, Span, Which
from tests.support.dispatching import Setting

CRM = Interest("crm", ("*",), None)
EVER = Span()


def planned(setting: Setting, which: Which = Which.ALL, span: Span = EVER, **more: bool) -> Plan:
    with setting.database.read() as db:
        return replay.plan(db, CRM, span, which, **more)


def ids(plan: Plan) -> list[str]:
    return [one.event.id for one in plan.items]


def send(setting: Setting, plan: Plan, rate: float | None = None) -> None:
    replay.send(setting.database, CRM, plan.items, setting.clock.at, rate=rate)
    setting.dispatcher.wake()


def test_what_was_given_up_is_sent_again_with_its_id_and_in_its_order(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.REFUSED
    first = setting.add("a", "a", "b")
    setting.run()
    setting.receivers.answers.clear()
    setting.add("a")
    setting.run()
    sent = len(setting.receivers.sent)

    plan = planned(setting, Which.FAILED)
    send(setting, plan)
    setting.run()

    again = [one for one in setting.receivers.sent[sent:] if one.endpoint == "crm"]
    assert ids(plan) == [one.id for one in first]
    assert [one.event for one in again if one.lane == "main/a"] == [first[0].id, first[1].id]
    assert {one.attempt for one in again} == {2}
    assert setting.statuses() == ["delivered"] * 4


def test_what_an_endpoint_never_got_is_sent_if_it_asks_for_it_now(setting: Setting) -> None:
    setting.interest(Interest("crm", ("sip.*",), None))
    missed = setting.add("sms/1", "sms/2")
    setting.add("sip/1", type_="sip.account.added")
    setting.run()
    plan = planned(setting, Which.UNSENT)

    assert ids(plan) == [one.id for one in missed]
    send(setting, plan)
    assert setting.run() == ["sms/1", "sms/2"]


def test_all_is_both(setting: Setting) -> None:
    setting.interest()
    missed = setting.add("a")
    setting.interest(CRM)
    told = setting.add("b")
    setting.run()

    assert ids(planned(setting)) == [missed[0].id, told[0].id]


def test_a_span_narrows(setting: Setting) -> None:
    early = setting.add("a")
    setting.run()
    setting.clock.advance(60)
    late = setting.add("b", type_="sip.account.added")
    setting.run()
    then = setting.clock.at

    assert ids(planned(setting, span=Span(until=then))) == [early[0].id]
    assert ids(planned(setting, span=Span(since=then))) == [late[0].id]
    assert ids(planned(setting, span=Span(type="sip.*"))) == [late[0].id]
    assert ids(planned(setting, span=Span(system="other"))) == []


def test_what_is_on_its_way_is_counted_and_not_doubled(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.FAILED
    setting.add("a")
    setting.run()
    plan = planned(setting)

    assert (plan.items, plan.under_way) == ((), 1)


def test_a_pace_is_kept(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.REFUSED
    setting.add(*(f"s{number}" for number in range(10)))
    setting.run()
    setting.receivers.answers.clear()
    send(setting, planned(setting, Which.FAILED), rate=2)

    assert [len(setting.run(after=after)) for after in (0, 1, 1, 1, 1, 1)] == [1, 2, 2, 2, 2, 1]


def test_a_pace_is_kept_within_one_lane_too(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.REFUSED
    setting.add(*["same"] * 4)
    setting.run()
    setting.receivers.answers.clear()
    send(setting, planned(setting, Which.FAILED), rate=1)

    assert [len(setting.run(after=after)) for after in (0, 1, 1, 1)] == [1, 1, 1, 1]


def test_a_test_that_failed_is_not_sent_again(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.REFUSED
    setting.add("a", type_="test.ping")
    setting.run()

    assert setting.statuses() == ["dead"]
    assert planned(setting, Which.FAILED).items == ()


@pytest.mark.parametrize("reason", ["repeat", "catch_up"])
def test_what_was_written_for_another_endpoint_alone_is_not_sent(setting: Setting, reason: str) -> None:
    setting.interest()
    payload = {"alert": {"reason": reason, "incident": "inc_1"}}
    with setting.database.write() as db:
        facts = [Fact("sip.account.unregistered", "sip/1", payload), Fact("quiet.ended", "endpoint/ops", {})]
        setting.recorder.write(db, "main", facts, setting.clock.at)

    assert planned(setting, Which.UNSENT, with_history=True).items == ()


def test_an_alert_that_is_over_is_told_again_only_as_history(setting: Setting) -> None:
    """Else the receiver would believe that it fires."""
    setting.receivers.answers["ops"] = Outcome.FORBIDDEN
    setting.add("a", "b", "c")
    setting.run()
    setting.receivers.answers.clear()
    setting.run(after=60)
    setting.run()
    setting.run(after=1)
    of_alert = [
        one for one in setting.receivers.sent if one.event_type in ("endpoint.failing", "endpoint.recovered")
    ]
    failing, recovered = (one.event for one in of_alert if one.endpoint == "crm")

    kept = planned(setting, span=Span(type="endpoint.*"))
    assert failing not in ids(kept)
    assert recovered in ids(kept)
    assert kept.outdated == 1
    assert failing in ids(planned(setting, span=Span(type="endpoint.*"), with_history=True))
    assert json.loads(of_alert[0].body)["data"]["alert"]["status"] == "firing"


def test_a_replay_of_thousands_is_planned_and_sent_in_parts(setting: Setting) -> None:
    setting.interest()
    setting.add(*(f"s{number % 7}" for number in range(1300)))
    setting.interest(CRM)
    began = setting.clock.at
    plan = planned(setting, Which.UNSENT)
    send(setting, plan)
    setting.run()

    assert len(plan.items) == 1300
    assert setting.statuses() == ["delivered"] * 1300
    assert setting.clock.at - began == timedelta(0)
