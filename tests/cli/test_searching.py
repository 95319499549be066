"""What somebody looks for in a terminal: by time, sender, incident and text; and what is said of nothing."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from daemon.core.model import Fact
from daemon.host import clock
from daemon.store import database as databases
from daemon.store import events
from daemon.workers.indexer import Indexer
from tests.cli.conftest import Call
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.fakes import Ids

IDS = {"evt_1": "שלום לכם", "evt_2": "קוד האימות שלך הוא 482913", "evt_3": "להתראות"}


@pytest.fixture
def now(call: Call) -> datetime:
    """Three messages, of three hours, one hour and some minutes ago, and a phone that dropped off."""
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + "[systems.sms]\n" + WEBHOOK, encoding="utf-8")
    now, ids = clock.utcnow(), Ids()  # which the verb reads, too
    store = databases.open_for_daemon("sqlite:///yemotd.db")
    messages = zip(IDS.values(), (180, 60, 5), ("0501234567", "Bank", "972501234567"), strict=True)
    for text, minutes, sender in messages:
        sms = {"from": sender, "to": "0770000000", "text": text}
        with store.write() as db:
            fact = Fact("sms.received", f"sms/{sender}", {"sms": sms})
            events.record(db, "main", [fact], now - timedelta(minutes=minutes), ids)
    with store.write() as db:
        alert = {"incident": "inc_1", "severity": "error", "reason": "first", "status": "firing"}
        events.record(db, "main", [Fact("sip.account.unregistered", "sip/077", {"alert": alert})], now, ids)
    Indexer(store, monotonic=clock.monotonic).run()
    store.close()
    return now


def found(call: Call, *words: str) -> list[str]:
    code, out, err = call(*words, "--json")
    assert (code, err) == (0, "")
    return [json.loads(line)["data"]["id"] for line in out.splitlines()]


def test_events_are_found_by_time_sender_and_text(call: Call, now: datetime) -> None:
    listed = ("events", "list")

    assert found(call, *listed) == ["evt_1", "evt_2", "evt_3", "evt_4"]
    assert found(call, *listed, "--since", "2h") == ["evt_2", "evt_3", "evt_4"]
    assert found(call, *listed, "--since", "2h", "--until", "30m") == ["evt_2"]
    assert found(call, *listed, "--until", (now - timedelta(hours=2)).isoformat()) == ["evt_1"]
    assert found(call, *listed, "--sender", "+972-50-1234567") == ["evt_1", "evt_3"]
    assert found(call, *listed, "--contact", "0501234567", "--since", "2h") == ["evt_3"]
    assert found(call, *listed, "--text", "שלומ") == ["evt_1"]
    assert found(call, *listed, "--text", "482913") == []
    assert found(call, *listed, "--incident", "inc_1") == []  # the incident itself is not kept


def test_messages_are_listed_searched_and_shown(call: Call, now: datetime) -> None:
    assert found(call, "sms", "list") == ["evt_1", "evt_2", "evt_3"]
    assert found(call, "sms", "list", "--limit", "1") == ["evt_3"]
    assert found(call, "sms", "list", "--sender", "Bank") == ["evt_2"]
    assert found(call, "sms", "search", "קוד", "אימות") == ["evt_2"]

    code, out, _ = call("sms", "list")
    assert code == 0
    assert [line.rpartition("  ")[2] for line in out.splitlines()] == ["evt_1", "evt_2", "evt_3"]
    code, out, _ = call("sms", "show", "evt_2")
    assert "code      482913" in out
    assert IDS["evt_2"] in out
    code, out, _ = call("sms", "show", "evt_2", "--json")
    assert json.loads(out)["data"]["sms"]["text"] == IDS["evt_2"]


def test_nothing_found_is_said_with_what_may_have_been_meant(call: Call, now: datetime) -> None:
    assert call("sms", "search", "qqq") == (0, "No SMS found.\n", "")
    code, out, _ = call(
        "events", "list", "--type", "sms.recieved", "--system", "mian", "--subject", "sip/079"
    )
    assert code == 0
    assert out.splitlines() == [
        "Nothing found.",
        'No event has the type "sms.recieved"; did you mean "sms.received"?',
        'No system is called "mian"; did you mean "main"?',
        'Nothing is known of "sip/079".',
    ]
    _, out, _ = call("events", "list", "--incident", "inc_9")
    assert out.splitlines() == ["Nothing found.", 'No incident "inc_9" is kept.']


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("events", "list", "--since", "soon"), "--since 'soon': expected a time such as"),
        (("events", "list", "--text", "***"), "there is nothing in it to look for"),
        (("sms", "search", "x" * 300), "expected at most 200 characters"),
        (("events", "list", "--contact", "Dana"), 'nobody is called "Dana"'),
    ],
)
def test_what_makes_no_sense_is_refused(call: Call, now: datetime, words: tuple[str, ...], said: str) -> None:
    code, out, err = call(*words)

    assert (code, out) == (os.EX_USAGE, "")
    assert said in err


def test_what_is_no_message_is_not_shown_as_one(call: Call, now: datetime) -> None:
    assert call("sms", "show", "evt_9")[0] == os.EX_DATAERR
    code, _, err = call("sms", "show", "evt_4")
    assert code == os.EX_DATAERR
    assert "sip.account.unregistered, and no message" in err


def test_what_is_not_indexed_yet_is_said(call: Call, now: datetime) -> None:
    store = databases.open_for_daemon("sqlite:///yemotd.db")
    with store.write() as db:
        db.exec_driver_sql("DELETE FROM indexed")
        db.exec_driver_sql("DELETE FROM searchable")
    store.close()

    _, out, _ = call("sms", "search", "שלום")
    assert "The texts of at most 4 older events are not searchable yet" in out
    code, out, err = call("sms", "search", "שלום", "--json")
    assert (code, out) == (0, "")
    assert "not searchable yet" in err


def test_other_verbs_say_what_may_have_been_meant(call: Call, now: datetime) -> None:
    muted = ("silence", "add", "--for", "1h", "--comment", "x")
    _, out, _ = call(*muted, "--type", "sip.acount.unregistered")
    assert 'did you mean "sip.account.unregistered"?' in out
    _, out, _ = call(*muted, "--system", "mian", "--json")
    assert json.loads(out)["unknown"] == [{"name": "system", "value": "mian", "did_you_mean": "main"}]
    _, out, _ = call("command", "list", "--type", "queue.kik", "--system", "mian")
    assert 'did you mean "queue.kick"?' in out
    assert 'did you mean "main"?' in out
