"""What an endpoint may no longer have is not sent, and whoever heard of a fire hears of its end."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.alerts.life import Seen
from daemon.core.delivery.breaker import HEALTHY
from daemon.core.delivery.outcome import Message, Outcome
from daemon.core.durations import NOTHING
from daemon.core.event_types import matches
from daemon.core.model import Condition, Fact, Rule, Severity, Verdict
from daemon.core.routing.filters import Filter, Operator, passes
from daemon.core.routing.plan import Interest
from daemon.core.watches import sip
from daemon.core.wishes import Kind, Wishes
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorder
from daemon.pipeline.notification import Teller
from daemon.pipeline.withdrawal import withdraw
from daemon.store import endpoint_health, incidents, retries
from daemon.store.database import Database
from daemon.store.withdrawals import WITHDRAWN
from tests.support import stores
from tests.support.dispatching import SECOND, Setting
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import START, Ids

ALL = Interest("crm", ("*",), None)
TYPES = ("sms.received", "sms.gap", "directory.file.added")
SYSTEMS = ("main", "branch")
SENDERS = ("0501", "0502")
GLOBS = (("*",), ("sms.*",), ("sms.gap",), ("sip.*",), ())
narrower = st.builds(
    Interest,
    st.just("crm"),
    st.sampled_from(GLOBS),
    st.sampled_from([None, ("main",), ("branch",)]),
    filters=st.sampled_from([(), (Filter("sms.from", Operator.IS, ("0501",)),)]),
    min_severity=st.sampled_from([Severity.INFO, Severity.CRITICAL]),
)
facts = st.lists(
    st.tuples(st.sampled_from(SYSTEMS), st.sampled_from(TYPES), st.sampled_from(SENDERS)), max_size=12
)


def record(database: Database, system: str, type_: str, sender: str) -> None:
    with database.write() as db:
        fact = Fact(type_, f"sms/{sender}", {"sms": {"from": sender, "text": "code 1234"}})
        RECORDER.record(db, system, [fact], START)


RECORDER = Recorder([ALL], Ids())


class Narrowing:
    """A reload by which an endpoint may have less."""

    def __init__(self, interest: Interest) -> None:
        self.interest = interest
        self.committed: list[dict[str, int]] = []
        self.errors: list[Exception] = []

    def settle(self, db: sa.Connection, now: datetime) -> Callable[[], None]:
        ended = withdraw(db, [self.interest], now)
        return lambda: self.committed.append(ended)

    def failed(self, error: Exception) -> None:
        self.errors.append(error)


def judged(database: Database, verdict: Verdict, interest: Interest = ALL) -> None:
    """A phone drops off, or is back, and whoever has to is told."""
    rule = Rule(NOTHING, NOTHING, Severity.ERROR)
    recorder = Recorder([interest], RECORDER.new_id)
    with database.write() as db:
        judge = Judge(db, recorder, "main", "sip")
        judge.take([Condition("sip/077", sip.KIND, "sip/077", verdict, rule, {})], Seen(START, None, NOTHING))
        recorded = recorder.record(db, "main", judge.judged().facts, START)
        Teller(recorder).settle(db, START, recorded.turned)


def open_types(database: Database) -> list[str]:
    with database.read() as db:
        return list(
            db.exec_driver_sql(
                "SELECT e.type FROM deliveries d JOIN events e ON e.number = d.event"
                " WHERE d.ended_at IS NULL ORDER BY d.id"
            ).scalars()
        )


def narrow(database: Database, interest: Interest) -> dict[str, int]:
    with database.write() as db:
        return withdraw(db, [interest], START)


def deliver(database: Database) -> None:
    with database.write() as db:
        db.exec_driver_sql("UPDATE deliveries SET status = 'delivered', ended_at = 1 WHERE ended_at IS NULL")


@USED
@settings(max_examples=examples(100))
@given(facts, narrower)
def test_of_facts_nothing_is_left_that_is_not_wanted_and_all_that_is(
    happened: list[tuple[str, str, str]], wish: Interest
) -> None:
    with closing(stores.new()) as database:
        for one in happened:
            record(database, *one)
        wanted = [
            type_
            for system, type_, sender in happened
            if matches(wish.events, type_)
            and (wish.systems is None or system in wish.systems)
            and passes({"sms": {"from": sender}}, wish.filters)
        ]
        ended = narrow(database, wish)

        assert open_types(database) == wanted
        assert ended.get("crm", 0) == len(happened) - len(wanted)
        assert narrow(database, wish) == {}, "once more changes nothing"


@pytest.mark.parametrize(
    "wish",
    [
        replace(ALL, events=("sms.*",)),
        replace(ALL, systems=("branch",)),
        replace(ALL, min_severity=Severity.CRITICAL),
        replace(ALL, filters=(Filter("alert.severity", Operator.IS, ("critical",)),)),
    ],
)
def test_a_fire_that_was_never_heard_is_withdrawn_with_its_end(database: Database, wish: Interest) -> None:
    judged(database, Verdict.BAD)
    assert narrow(database, wish) == {"crm": 1}
    judged(database, Verdict.GOOD, wish)
    assert open_types(database) == []

    judged(database, Verdict.BAD)
    judged(database, Verdict.GOOD)
    assert open_types(database) == ["sip.account.registered"]
    assert narrow(database, wish) == {"crm": 1}


def test_whoever_heard_of_a_fire_hears_of_its_end_all_the_same(database: Database) -> None:
    wish = replace(ALL, events=("sms.*",))
    judged(database, Verdict.BAD)
    deliver(database)
    assert narrow(database, wish) == {}
    judged(database, Verdict.GOOD, wish)
    assert narrow(database, wish) == {}

    assert open_types(database) == ["sip.account.registered"]


def test_what_is_withdrawn_is_told_where_it_is_wanted_again(database: Database) -> None:
    judged(database, Verdict.BAD)
    narrow(database, replace(ALL, events=("sms.*",)))
    with database.write() as db:
        Teller(Recorder([ALL], RECORDER.new_id)).settle(db, START)
        (incident,) = incidents.firing(db)
        bodies = db.exec_driver_sql("SELECT body FROM events ORDER BY number").scalars().all()

    assert open_types(database) == ["sip.account.unregistered"]
    alert = json.loads(bodies[-1])["data"]["alert"]
    assert (alert["reason"], alert["held_by"], alert["incident"]) == ("catch_up", "unwanted", incident.id)


def test_the_next_of_a_lane_goes_when_its_head_is_withdrawn(database: Database) -> None:
    record(database, "main", "sms.received", "0501")
    record(database, "main", "sms.gap", "0501")
    narrow(database, replace(ALL, events=("sms.gap",)))
    with database.read() as db:
        rows = db.exec_driver_sql("SELECT status, error FROM deliveries ORDER BY id").all()

    assert [tuple(row) for row in rows] == [("superseded", WITHDRAWN), ("pending", None)]


def test_what_was_claimed_ahead_is_withdrawn_and_what_is_under_way_is_not_tried_again(
    database: Database,
) -> None:
    setting = Setting(database, max_in_flight=1)
    setting.receivers.finished = lambda timeout: []  # type: ignore[method-assign] # nothing ends yet
    setting.receivers.in_flight = lambda endpoint: len(setting.receivers.sent)  # type: ignore[method-assign]
    del setting.routes["ops"]
    setting.add("a", "b", "c")
    setting.dispatcher.run_once()
    assert setting.statuses() == ["leased", "leased", "leased"]

    narrowing = Narrowing(replace(ALL, events=("sip.*",)))
    setting.dispatcher.reroute(setting.routes, lambda: None, narrowing)
    setting.dispatcher.run_once()
    assert (setting.statuses(), narrowing.committed) == (["leased", "superseded", "superseded"], [{"crm": 2}])

    del setting.receivers.finished, setting.receivers.in_flight

    def fails(_message: Message) -> Outcome:
        return Outcome.FAILED

    setting.receivers.answers["crm"] = fails
    sent = len(setting.receivers.sent)
    setting.receivers._ended = []
    setting.receivers.sent, first = [], setting.receivers.sent[0]
    setting.receivers.start(first)
    setting.run()
    setting.run(after=3600 * SECOND.total_seconds())

    assert (sent, setting.statuses()[0]) == (1, "dead")
    assert len(setting.receivers.sent) == 1, "once under way, never again"


class Raising(tuple[Any, ...]):
    """What cannot be looked at."""

    def __iter__(self) -> Any:
        raise ValueError


def no_rank(_severity: Severity, _least: Severity) -> bool:
    raise ValueError


@pytest.mark.parametrize(
    ("setting", "wish"),
    [
        ("events", replace(ALL, events=Raising(["sms.*"]))),
        ("filters", replace(ALL, filters=Raising([Filter("sms.from", Operator.IS, ("0501",))]))),
        ("min_severity", ALL),
    ],
)
def test_a_wish_that_raises_takes_nothing_back(
    database: Database, monkeypatch: pytest.MonkeyPatch, setting: str, wish: Interest
) -> None:
    record(database, "main", "sms.received", "0502")
    judged(database, Verdict.BAD)
    waits = open_types(database)
    if setting == "min_severity":
        monkeypatch.setattr("daemon.core.routing.holds.is_at_least", no_rank)
    wishes = Wishes()

    assert narrow(database, replace(wish, guard=wishes.guard(Kind.ENDPOINT, "crm"))) == {}
    assert open_types(database) == waits == ["sms.received", "sip.account.unregistered"]
    assert [one.setting for one, standing in wishes.look().items() if standing.error] == [setting]


OF_NOBODY = Filter("sms.from", Operator.IS, ("nobody",))


@pytest.mark.parametrize("wish", [replace(ALL, events=("sip.*",)), replace(ALL, filters=(OF_NOBODY,))])
def test_what_was_given_up_while_an_endpoint_fails_does_not_come_back_either(
    database: Database, monkeypatch: pytest.MonkeyPatch, wish: Interest
) -> None:
    """Of what was given up before that, which nothing takes up again by itself, nothing is said."""
    monkeypatch.setattr("daemon.pipeline.withdrawal.CHUNK", 2)
    for sender in "abcdefg":
        record(database, "main", "sms.received", sender)
    since = START + timedelta(minutes=1)
    with database.write() as db:
        given_up = "UPDATE deliveries SET status = 'dead', failures = 3, ended_at = created_at + "
        db.exec_driver_sql(f"{given_up} 0 WHERE id = 1")
        db.exec_driver_sql(f"{given_up} 60000 WHERE id BETWEEN 2 AND 6")
        endpoint_health.save(db, {"crm": replace(HEALTHY, failing_since=since)})

    assert narrow(database, wish) == {"crm": 6}
    assert narrow(database, wish) == {}
    with database.write() as db:
        revived = retries.revive(db, "crm", since, since)
        statuses = db.exec_driver_sql("SELECT status, error FROM deliveries ORDER BY id").all()
    assert (revived, statuses) == (0, [("dead", None), *[("superseded", WITHDRAWN)] * 6])


def test_an_endpoint_that_recovers_gets_what_it_may_have_and_nothing_else(database: Database) -> None:
    setting = Setting(database)
    setting.receivers.answers["crm"] = Outcome.FAILED
    setting.add("a", "b")
    setting.add("sip/1", type_="sip.account.added")
    for _ in range(20):
        setting.run(after=3600)
    assert setting.statuses() == ["dead"] * 3
    setting.dispatcher.reroute(setting.routes, lambda: None, Narrowing(replace(ALL, events=("sip.*",))))
    setting.run()
    setting.receivers.answers["crm"] = Outcome.ACCEPTED
    before = len(setting.receivers.sent)
    for subject in ("sip/2", "sip/3"):
        setting.add(subject, type_="sip.account.added")
        setting.run(after=3600)
    sent = setting.receivers.sent[before:]

    assert setting.statuses() == ["superseded"] * 2 + ["delivered"] * 3
    assert {one.event_type for one in sent if one.lane.startswith("main/")} == {"sip.account.added"}


def test_what_raises_while_it_is_withdrawn_ends_nothing_and_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it is undone, it is not tried again, and a store that cannot be written is no such error."""
    setting = Setting(database, max_in_flight=1)
    setting.receivers.is_slow = True
    setting.add("a", "b")
    setting.dispatcher.run_once()
    narrowing = Narrowing(replace(ALL, events=("sip.*",)))
    raised: list[Exception] = [sa.exc.OperationalError(None, None, OSError("locked")), KeyError("ours")]

    def raises(*_: object) -> int:
        raise raised.pop(0)

    monkeypatch.setattr("daemon.pipeline.withdrawal._alerts", raises)  # once the facts are withdrawn
    monkeypatch.setattr("daemon.workers.dispatcher.AFTER_AN_ERROR", 0)
    setting.dispatcher.reroute(setting.routes, lambda: None, narrowing)
    setting.dispatcher._turn(0)
    assert (len(raised), narrowing.errors) == (1, [])
    setting.dispatcher._turn(0)
    setting.receivers.is_slow = False
    setting.run()

    assert [repr(one) for one in narrowing.errors] == ["KeyError('ours')"]
    assert (narrowing.committed, raised, setting.statuses()) == ([], [], ["delivered", "delivered"])
