"""Deliveries and endpoints in a terminal: listed, shown, tried again, tested, turned off, replayed."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.core.commands.sent_texts import State, Text
from daemon.core.delivery.breaker import Switch
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest, Planned
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.store import endpoint_health, events, outbox, texts
from daemon.store.database import Database
from tests.cli.conftest import Call
from tests.support import stores
from tests.support.config_files import SYSTEM
from tests.support.dispatching import Setting
from tests.support.fakes import Receiver, answer


@pytest.fixture
def store(call: Call, receiver: Receiver) -> Iterator[Database]:
    """A store beside a configuration with a webhook "crm" and a mailbox "ops"."""
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(
        SYSTEM
        + f'[systems.sms]\n[[webhooks]]\nname = "crm"\nurl = "{receiver.url}"\nsecret_env = "SIGNING"\n'
        + '[smtp]\nhost = "localhost"\nfrom = "a@b.c"\n[[emails]]\nname = "ops"\nto = ["d@e.f"]\n',
        encoding="utf-8",
    )
    database = stores.on_file(Path("yemotd.db"))
    yield database
    database.close()


@pytest.fixture
def setting(store: Database) -> Setting:
    """One delivery made, one given up, one that waits for a retry."""
    one = Setting(store)
    one.receivers.answers["crm"] = lambda message: {
        "main/bad": Outcome.REFUSED,
        "main/slow": Outcome.TIMEOUT,
    }.get(message.lane, Outcome.ACCEPTED)
    one.interest(Interest("crm", ("*",), None))
    one.add("good", "bad", "slow")
    one.run()
    return one


def test_deliveries_are_listed_newest_first_and_narrowed(call: Call, setting: Setting) -> None:
    code, out, _ = call("deliveries", "list")
    assert code == 0
    assert [line.split()[2] for line in out.splitlines()] == ["pending", "dead", "delivered"]

    _, dead, _ = call("deliveries", "list", "--status", "dead", "--endpoint", "crm", "--type", "sms.*")
    assert dead.split()[:3] == ["2", "crm", "dead"]
    assert "sms.received bad" in dead
    assert call("deliveries", "list", "--type", "sip.*") == (0, "There is no such delivery.\n", "")
    assert call("deliveries", "list", "--endpoint", "other", "--json") == (0, "", "")


def test_a_delivery_is_shown_with_every_attempt(call: Call, store: Database, receiver: Receiver) -> None:
    receiver.script.answers = [answer(422, b'{"error": "unknown  customer"}')]
    code, out, _ = call("endpoints", "test", "crm")
    shown = call("deliveries", "show", "1")[1]
    (document,) = [json.loads(line) for line in call("deliveries", "show", "1", "--json")[1].splitlines()]

    assert code == os.EX_UNAVAILABLE
    assert "refused HTTP 422 at 127.0.0.1" in out
    assert 'answer: {"error": "unknown customer"}' in shown
    assert "first byte" in shown
    (attempt,) = document["attempts"]
    assert (attempt["outcome"], attempt["http_status"], attempt["address"]) == ("refused", 422, "127.0.0.1")
    assert 0 < attempt["microseconds"]["answered"] <= attempt["microseconds"]["total"]


@pytest.mark.parametrize("verb", [("show",), ("retry",)])
def test_a_delivery_that_is_not_there_is_said_to_be_so(call: Call, store: Database, verb: tuple[str]) -> None:
    code, _, err = call("deliveries", *verb, "99")

    assert (code, err) == (
        os.EX_DATAERR,
        "there is no delivery 99; `yemotd deliveries list` shows those there are\n",
    )


@pytest.mark.parametrize("words", [("show", "9" * 20), ("retry", "9" * 20), ("list", "--before", "9" * 20)])
def test_a_number_that_no_delivery_can_have_is_a_wrong_call(
    call: Call, store: Database, words: tuple[str, ...]
) -> None:
    code, _, err = call("deliveries", *words)

    assert (code, str(2**63 - 1) in err) == (os.EX_USAGE, True)


def test_a_dead_letter_is_sent_again(call: Call, setting: Setting) -> None:
    code, out, _ = call("deliveries", "retry", "2")
    assert (code, out.splitlines()[0]) == (0, "Delivery 2 is sent to crm again.")

    setting.receivers.answers = {"crm": Outcome.ACCEPTED}
    setting.clock.at = clock.utcnow()
    setting.dispatcher.wake()
    assert sorted(setting.run()) == ["bad", "slow"]
    assert setting.statuses() == ["delivered"] * 3


def test_what_is_on_its_way_cannot_be_sent_again(call: Call, setting: Setting) -> None:
    code, _, err = call("deliveries", "retry", "3")

    assert (code, err) == (os.EX_DATAERR, "delivery 3 has not ended: it is pending\n")


def test_a_test_says_what_came_of_it_and_goes_out_whatever_the_health(
    call: Call, store: Database, receiver: Receiver
) -> None:
    with store.write() as db:
        endpoint_health.ask(db, "crm", Switch.DISABLE)
    code, out, _ = call("endpoints", "test", "crm")
    (got,) = receiver.received

    assert code == 0
    assert "crm: took it" in out
    assert json.loads(got.body)["type"] == "test.ping"
    assert call("deliveries", "list")[1].split()[2] == "delivered"


def test_endpoints_are_listed_with_what_waits_for_them(call: Call, setting: Setting) -> None:
    _, out, _ = call("endpoints", "list")
    crm, ops = out.splitlines()

    assert crm.startswith("crm  healthy; 1 waiting, the oldest from ")
    assert crm.endswith("1 dead letter")
    assert ops == "ops/d@e.f  healthy; 0 waiting, 0 dead letters"


def test_an_endpoint_is_disabled_and_enabled(call: Call, setting: Setting) -> None:
    assert call("endpoints", "disable", "crm")[0] == 0
    assert "to be disabled" in call("endpoints", "list")[1]
    setting.dispatcher.wake()
    setting.run()
    assert "crm  disabled by operator since " in call("endpoints", "list")[1]
    listed = [json.loads(line) for line in call("endpoints", "list", "--json")[1].splitlines()]
    assert (listed[0]["health"], listed[0]["disabled_by"], listed[0]["open"]) == ("disabled", "operator", 1)

    call("endpoints", "enable", "crm")
    setting.dispatcher.wake()
    setting.run()
    assert "crm  healthy" in call("endpoints", "list")[1]


def test_a_replay_can_be_looked_at_before(call: Call, setting: Setting) -> None:
    code, out, _ = call("endpoints", "replay", "crm", "--dry-run")
    assert code == 0
    assert "sms.received bad" in out
    assert "1 event would be sent to crm." in out
    assert setting.statuses() == ["delivered", "dead", "pending"]

    _, out, _ = call("endpoints", "replay", "crm", "--which", "all", "--json")
    assert json.loads(out) == {
        "endpoint": "crm",
        "events": ["evt_1", "evt_2"],
        "outdated": 0,
        "under_way": 1,
        "is_dry_run": False,
        "details": [],
    }
    assert setting.statuses() == ["pending", "pending", "pending"]


@pytest.mark.parametrize(("since", "many"), [("3000d", 1), ("1970-01-02 8:00", 1), ("8000-01-01", 0)])
@pytest.mark.usefixtures("setting")
def test_a_replay_takes_times_as_people_write_them(call: Call, since: str, many: int) -> None:
    words = ("endpoints", "replay", "crm", "--dry-run", "--json")

    assert len(json.loads(call(*words, "--since", since)[1])["events"]) == many
    assert len(json.loads(call(*words, "--until", since)[1])["events"]) == 1 - many


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("test", "crn"), os.EX_DATAERR, "no endpoint is called 'crn'; did you mean \"crm\"?"),
        (("disable", "crn"), os.EX_DATAERR, "no endpoint is called 'crn'"),
        (("replay", "crm", "--since", "noon"), os.EX_USAGE, "--since 'noon': expected a time such as"),
        (("replay", "crm", "--which", "some"), os.EX_USAGE, "some"),
        (("replay", "crm", "--rate", "0"), os.EX_USAGE, "rate"),
        (("replay", "crm", "--rate", "nan"), os.EX_USAGE, "rate"),
    ],
)
def test_a_wrong_call_is_refused_with_the_way_out(
    call: Call, store: Database, words: tuple[str, ...], code: int, reason: str
) -> None:
    ended, _, err = call("endpoints", *words)

    assert ended == code
    assert reason in err


def test_an_endpoint_that_left_the_configuration_shows_what_still_waits(call: Call, store: Database) -> None:
    with store.write() as db:
        Recorder([Interest("old", ("*",), None)], clock.new_id).record(
            db, "main", [Fact("sms.received", "a", {})], clock.utcnow()
        )

    assert "old  not in the configuration; 1 waiting" in call("endpoints", "list")[1]


def test_pruning_says_what_was_forgotten(call: Call, setting: Setting) -> None:
    with setting.database.write() as db:
        db.exec_driver_sql("UPDATE deliveries SET created_at = 0, ended_at = min(ended_at, 0)")
        db.exec_driver_sql("UPDATE events SET timestamp = 0")
    code, out, _ = call("db", "prune", "--json")

    assert code == 0
    assert json.loads(out)["deliveries"] == 2
    assert json.loads(out)["given_up"] == 1
    assert call("db", "prune")[1].startswith("Forgotten: 0 deliveries")


def test_of_a_phone_s_delivery_the_sms_is_shown(call: Call, store: Database) -> None:
    fact, now = Fact("sip.account.unregistered", "sip/077", {}), clock.utcnow()
    with store.write() as db:
        (event,) = events.record(db, "main", [fact], now, lambda _kind: "evt_1")
        outbox.add(db, [Planned(event, one, "main/sip") for one in ("boss/0501234567", "crm")], now)
        sent = Text("main", "0501234567", "main: Phone 077\nis off", 1, 0.1, now.date(), now, State.SENDING)
        texts.begin(db, replace(sent, endpoint="boss/0501234567", event="evt_1"))
        (begun,) = texts.sending(db, ["boss/0501234567"])
        assert texts.save(db, replace(begun, state=State.SENT, report="DELIVRD"), was=State.SENDING)

    code, out, _ = call("deliveries", "show", "1")
    assert code == 0
    assert out.splitlines()[1:] == [
        "  SMS  main: Phone 077 is off",
        "    1 part, 0.1 units, sent; the carrier says DELIVRD",
    ]
    shown = json.loads(call("deliveries", "show", "1", "--json")[1])["text"]
    assert (shown["state"], shown["units"], shown["report"]) == ("sent", 0.1, "DELIVRD")
    assert json.loads(call("deliveries", "show", "2", "--json")[1])["text"] is None
