"""An endpoint that fails, rests, is tried and comes back: the dispatcher and its breakers."""

import json

import pytest

from daemon.core.delivery.breaker import COOLDOWNS, Health, Switch
from daemon.core.delivery.outcome import Message, Outcome
from daemon.core.routing.plan import Interest, Order
from daemon.core.routing.schedule import Schedule
from daemon.store import endpoint_health
from daemon.store.database import Database
from tests.support.dispatching import MINUTE, RETRIES, SECOND, Setting
from tests.support.engines import ON_SQLITE


def degrade(setting: Setting, outcome: Outcome = Outcome.FAILED) -> None:
    setting.receivers.answers["crm"] = outcome
    setting.add("a", "b", "c", "d", "e")
    setting.run()
    assert setting.health() is Health.DEGRADED


def test_others_are_told_that_an_endpoint_fails_and_recovers_and_it_is_not(setting: Setting) -> None:
    degrade(setting)
    assert setting.told("ops")[-1] == "endpoint.failing"

    setting.receivers.answers.clear()
    setting.run(after=5)
    setting.run()

    assert setting.health() is Health.HEALTHY
    assert setting.told("ops")[-2:] == ["endpoint.failing", "endpoint.recovered"]
    assert {one for one in setting.told("crm") if one.startswith("endpoint.")} == set()


def test_a_failing_endpoint_is_tried_with_one_message_at_a_time(setting: Setting) -> None:
    degrade(setting)

    sent = [len(setting.run(after=wait / SECOND)) for wait in COOLDOWNS[Health.DEGRADED]]
    assert sent == [1] * len(sent)


def test_trials_go_round_so_that_one_poisoned_message_does_not_keep_it_down(setting: Setting) -> None:
    degrade(setting)
    setting.receivers.answers["crm"] = lambda one: (
        Outcome.FAILED if one.lane == "main/a" else Outcome.ACCEPTED
    )
    setting.run(after=5)
    setting.run(after=10)
    setting.run(after=20)

    assert setting.health() is Health.HEALTHY
    assert setting.statuses().count("delivered") == 4


def test_when_it_is_back_what_waits_for_later_retries_goes_at_once(setting: Setting) -> None:
    degrade(setting)
    setting.run(after=60)
    assert any(row[0] for row in setting.rows("SELECT failures > 0 FROM deliveries WHERE status = 'pending'"))

    setting.receivers.answers.clear()
    setting.run(after=60)
    setting.run()

    assert set(setting.statuses()) == {"delivered"}


def test_the_backlog_returns_at_the_set_rate(database: Database) -> None:
    setting = Setting(database, recovery_rate=2)
    degrade(setting)
    setting.add(*(f"s{number}" for number in range(20)))
    setting.receivers.answers.clear()
    setting.run(after=5)

    counts = [len(setting.run(after=1)) for _ in range(14)]
    assert max(counts) <= 2
    assert set(setting.statuses()) == {"delivered"}
    setting.add("x", "y", "z", "v")
    assert len(setting.run()) == 4


def test_an_endpoint_s_own_rate_is_kept(database: Database) -> None:
    setting = Setting(database, rate=3)
    setting.add(*(f"s{number}" for number in range(12)))

    assert [len(setting.run(after=after)) for after in (0, 1, 1, 1)] == [3, 3, 3, 3]


def test_gone_disables_and_what_comes_later_waits_for_an_operator(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.GONE
    setting.add("a")
    setting.run()
    setting.add("b", "b")
    setting.run(after=86400 * 30)
    assert setting.statuses() == ["dead", "pending", "waiting"]
    told = [one for one in setting.told("ops") if one != "sms.received"]
    assert told == ["endpoint.failing", "endpoint.disabled"]

    setting.receivers.answers.clear()
    with setting.database.write() as db:
        endpoint_health.ask(db, "crm", Switch.ENABLE)
    setting.dispatcher.wake()
    setting.run()
    setting.run(after=1)

    assert setting.statuses() == ["dead", "delivered", "delivered"]
    assert "endpoint.enabled" in setting.told("ops")
    assert "endpoint.recovered" in setting.told("ops")


def test_an_operator_s_word_survives_a_restart_and_every_success(setting: Setting) -> None:
    with setting.database.write() as db:
        endpoint_health.ask(db, "crm", Switch.DISABLE)
    setting.dispatcher.wake()
    setting.run()
    setting.another()
    setting.add("a")
    setting.run(after=86400 * 30)

    assert setting.statuses() == ["pending"]
    assert "endpoint.failing" not in setting.told("ops")
    assert "endpoint.disabled" in setting.told("ops")


def test_turning_off_what_fails_ends_the_alert_and_does_not_claim_that_it_is_well(setting: Setting) -> None:
    degrade(setting)
    turn_off(setting)

    assert setting.told("ops")[-2:] == ["endpoint.recovered", "endpoint.disabled"]
    assert last_reason(setting, "endpoint.recovered") == "removed"


def test_an_operator_may_turn_off_what_was_off_by_itself(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.GONE
    setting.add("a")
    setting.run()
    turn_off(setting)

    assert setting.told("ops")[-2:] == ["endpoint.recovered", "endpoint.disabled"]
    assert last_reason(setting, "endpoint.recovered") == "removed"


def turn_off(setting: Setting) -> None:
    with setting.database.write() as db:
        endpoint_health.ask(db, "crm", Switch.DISABLE)
    setting.dispatcher.wake()
    setting.run()
    setting.run()


def last_reason(setting: Setting, event_type: str) -> str:
    bodies = [json.loads(one.body) for one in setting.receivers.sent if one.event_type == event_type]
    reason: str = bodies[-1]["data"]["alert"]["reason"]
    return reason


def test_health_survives_a_restart(setting: Setting) -> None:
    degrade(setting)
    setting.another()

    assert setting.health() is Health.DEGRADED
    assert setting.run() == []


def test_a_wish_for_patience_pauses_the_whole_endpoint_and_burns_no_attempt(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.THROTTLED
    setting.receivers.retry_after = 90 * SECOND
    setting.add("a")
    setting.run()
    setting.add("b", "c")
    assert setting.run(after=80) == []

    setting.receivers.answers.clear()
    assert sorted(setting.run(after=10)) == ["a", "b", "c"]
    of_a = "SELECT failures, attempts FROM deliveries WHERE lane = 'main/a' AND endpoint = 'crm'"
    assert setting.rows(of_a) == [(0, 2)]


def test_our_own_outage_moves_no_breaker_and_burns_no_attempt(setting: Setting) -> None:
    setting.receivers.answers = {"crm": Outcome.UNRESOLVED, "ops": Outcome.TIMEOUT}
    setting.add(*"abcdefgh")
    for _ in range(8):
        setting.run(after=15)
    assert setting.health("crm") is setting.health("ops") is Health.HEALTHY
    assert setting.rows("SELECT max(failures) FROM deliveries") == [(0,)]

    setting.receivers.answers.clear()
    setting.run(after=15)
    setting.run()

    assert set(setting.statuses()) == {"delivered"}


def test_with_the_api_answering_the_same_failures_are_the_endpoints_own(setting: Setting) -> None:
    setting.is_api_answering = True
    setting.receivers.answers = {"crm": Outcome.UNRESOLVED, "ops": Outcome.TIMEOUT}
    setting.add(*"abcdefgh")
    setting.run()

    assert setting.health("crm") is setting.health("ops") is Health.DEGRADED


def test_what_died_of_a_failing_endpoint_is_taken_up_when_it_is_back(database: Database) -> None:
    """All SMS arrive in the end, however long it was away; what it refused does not."""
    setting = Setting(database, schedules=(Schedule(("*",), (SECOND,)),))
    setting.receivers.answers["crm"] = lambda one: (
        Outcome.REFUSED if one.lane == "main/bad" else Outcome.FAILED
    )
    setting.add("bad", "a", "b", "c", "d", "e")
    for _ in range(20):
        setting.run(after=900)
    assert set(setting.statuses()) == {"dead"}

    setting.receivers.answers.clear()
    setting.add("f")
    setting.run(after=900)
    setting.run()
    setting.add("g")
    setting.run()
    setting.run(after=1)

    assert setting.statuses() == ["dead", *["delivered"] * 7]


def test_what_it_refused_after_it_had_failed_stays_refused(database: Database) -> None:
    setting = Setting(database, schedules=(Schedule(("*",), (SECOND, SECOND)),))
    setting.receivers.answers["crm"] = Outcome.FAILED
    setting.add("bad")
    setting.run()
    setting.receivers.answers["crm"] = Outcome.REFUSED
    setting.run(after=1)
    assert setting.statuses() == ["dead"]

    setting.receivers.answers["crm"] = Outcome.FAILED
    setting.add(*"abcdef")
    setting.run()
    setting.receivers.answers.clear()
    for _ in range(5):
        setting.run(after=900)

    assert setting.health() is Health.HEALTHY
    assert setting.statuses() == ["dead", *["delivered"] * 6]


def test_what_was_delivered_in_the_end_has_no_error(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.FAILED
    setting.add("a")
    setting.run()
    setting.receivers.answers.clear()
    setting.run(after=5)

    assert setting.rows("SELECT status, error FROM deliveries WHERE endpoint = 'crm'") == [
        ("delivered", None)
    ]


def test_what_is_too_late_is_given_up_and_not_told(database: Database) -> None:
    setting = Setting(database)
    schedules = (Schedule(("sip.*",), RETRIES, 10 * MINUTE), Schedule(("*",), RETRIES))
    setting.interest(Interest("crm", ("*",), None, schedules=schedules))
    with setting.database.write() as db:
        endpoint_health.ask(db, "crm", Switch.DISABLE)
    setting.run()
    setting.add("late", "late", type_="sip.account.added")
    setting.add("sms")
    setting.clock.advance(600)
    with setting.database.write() as db:
        endpoint_health.ask(db, "crm", Switch.ENABLE)
    setting.dispatcher.wake()

    assert setting.run() == ["sms"]
    assert (
        setting.rows("SELECT status, error, attempts FROM deliveries WHERE lane = 'main/late'")
        == [("dead", "expired", 0)] * 2
    )


def test_under_best_effort_what_fails_comes_later_and_holds_up_nothing(database: Database) -> None:
    setting = Setting(database, order=Order.BEST_EFFORT)
    failing = {"evt_1"}
    setting.receivers.answers["crm"] = lambda one: (
        Outcome.FAILED if one.event in failing else Outcome.ACCEPTED
    )
    setting.add("a", "a")
    setting.run()
    setting.add("a")
    setting.run()
    assert setting.statuses() == ["pending", "delivered", "delivered"]

    failing.clear()
    setting.run(after=5)
    assert setting.statuses() == ["delivered"] * 3


def test_the_latest_state_replaces_older_ones_that_wait_and_says_how_many(database: Database) -> None:
    setting = Setting(database, order=Order.LATEST)
    setting.receivers.answers["crm"] = Outcome.FAILED
    setting.add("sip/1", type_="sip.account.added")
    setting.run()
    setting.add("sip/1", type_="sip.account.removed")
    setting.add("sip/1", type_="sip.account.added")
    setting.add("sip/1", type_="sms.received")
    setting.receivers.answers.clear()
    setting.run(after=5)
    told = [one for one in setting.receivers.sent if one.endpoint == "crm"]

    assert setting.statuses() == ["superseded", "superseded", "delivered", "delivered"]
    assert [(one.event_type, one.superseded) for one in told[1:]] == [
        ("sip.account.added", 2),
        ("sms.received", 0),
    ]


def test_sms_are_never_replaced(database: Database) -> None:
    setting = Setting(database, order=Order.LATEST)
    setting.receivers.answers["crm"] = Outcome.FAILED
    setting.add("sms/1", "sms/1", "sms/1")
    setting.run()
    setting.receivers.answers.clear()
    setting.run(after=5)

    assert setting.statuses() == ["delivered"] * 3


@ON_SQLITE
def test_a_week_of_failure_disables(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.FORBIDDEN
    setting.add("a", "b", "c")
    setting.run()
    assert setting.health() is Health.SUSPENDED
    for _ in range(7 * 24 * 60 + 1):
        setting.clock.advance(60)
        setting.dispatcher.run_once()
        if setting.health() is Health.DISABLED:
            break

    setting.run()
    assert setting.health() is Health.DISABLED
    assert setting.told("ops")[-3:] == ["endpoint.failing", "endpoint.suspended", "endpoint.disabled"]


def test_time_in_which_the_daemon_was_off_disables_nobody(setting: Setting) -> None:
    setting.receivers.answers["crm"] = Outcome.FORBIDDEN
    setting.add("a", "b", "c")
    setting.run()
    setting.clock.advance(86400 * 30)
    setting.another()
    setting.run()
    setting.run(after=60)

    assert setting.health() is Health.SUSPENDED


def test_a_reload_takes_an_endpoint_away_between_two_turns_and_not_within_one(setting: Setting) -> None:
    """Else a message is started for which the sender knows no target any more."""
    setting.add("a")
    seen: list[set[str]] = []
    setting.dispatcher.reroute({}, lambda: seen.append(set(setting.dispatcher.routes)))
    assert set(setting.dispatcher.routes) == {"crm", "ops"}

    setting.run()

    assert seen == [set()]
    assert setting.receivers.sent == []


@pytest.mark.parametrize("is_our_fault", [False, True])
def test_a_trial_that_failed_for_our_own_sake_is_not_made_over_and_over(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, *, is_our_fault: bool
) -> None:
    degrade(setting)
    stood = setting.dispatcher.health()["crm"]
    assert stood.is_half_open
    setting.receivers.answers |= {"crm": Outcome.TIMEOUT, "ops": Outcome.TIMEOUT}
    setting.is_api_answering = False
    tried, start = list[Message](), setting.receivers.start

    def counted(message: Message) -> None:
        tried.append(message)
        if is_our_fault:
            raise RuntimeError("it cannot be started")
        start(message)

    monkeypatch.setattr(setting.receivers, "start", counted)
    setting.add("b")  # for whom all is well, and who fails by our network as well
    setting.clock.advance(60)
    for _ in range(50):
        setting.dispatcher.run_once()

    assert len([one for one in tried if one.endpoint == "crm"]) == 1
    after = setting.dispatcher.health()["crm"]
    assert after.is_open(setting.clock.at)
    assert (after.trials, after.any_failures) == (stood.trials, stood.any_failures)
