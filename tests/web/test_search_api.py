"""`GET /api/v1/events` where something is looked for: which events, for whom, and how far that is all."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from daemon.core.contacts import Contacts
from daemon.core.model import Fact, Secret
from daemon.store import events, incidents
from daemon.web.auth import Token
from daemon.workers.indexer import Indexer
from tests.support import stores
from tests.support.fakes import START, Ids
from tests.support.http_app import Setting
from tests.web.test_incidents_api import fired

MINUTE = timedelta(minutes=1)
EVENTS = "/api/v1/events"
numbers = count(100)


@pytest.fixture
def setting() -> Iterator[Setting]:
    one = Setting(stores.in_memory(), now=lambda: START + 60 * MINUTE)
    one.tokens.append(Token("clerk", Secret("token-of-a-clerk"), frozenset({"content"})))
    ids = Ids()
    for minute, (sender, text) in enumerate(
        [("0501234567", "שלום לכם"), ("Bank", "הקוד שלך: 482913"), ("972501234567", "שלום ולהתראות")]
    ):
        sms = {"from": sender, "text": text}
        with one.database.write() as db:
            fact = Fact("sms.received", f"sms/{sender}", {"sms": sms})
            events.record(db, "main", [fact], START + minute * MINUTE, ids)
    Indexer(one.database, monotonic=lambda: 0.0).run_once()
    yield one
    one.database.close()


def ask(setting: Setting, token: str = "token-of-a-clerk", **asked: Any) -> dict[str, Any]:
    answer = setting.holder(token).get(EVENTS, params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ids(document: dict[str, Any]) -> list[str]:
    return [one["data"]["id"] for one in document["events"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"q": "שלומ"}, ["evt_1", "evt_3"]),
        ({"q": "שלום", "order": "newest"}, ["evt_3", "evt_1"]),
        ({"q": "054"}, []),
        ({"q": "482913"}, []),
        ({"q": "הקוד"}, ["evt_2"]),
        ({"q": "שלום", "sender": "+972-50-123-4567"}, ["evt_1", "evt_3"]),
        ({"sender": "Bank"}, ["evt_2"]),
        ({"since": "2026-03-01T12:01:00Z"}, ["evt_2", "evt_3"]),
        ({"until": "2026-03-01T12:01:00Z"}, ["evt_1"]),
        ({"since": "59m"}, ["evt_2", "evt_3"]),
        ({"since": "12:01", "until": "12:02"}, ["evt_2"]),
        ({"contact": "0501234567"}, ["evt_1", "evt_3"]),
        ({"contact": "Dana"}, ["evt_1", "evt_3"]),
        ({"contact": "Dana", "sender": "Bank"}, []),
        ({"incident": "inc_1"}, []),
        ({"order": "newest", "limit": 2}, ["evt_3", "evt_2"]),
        ({"latest": True, "limit": 2}, ["evt_2", "evt_3"]),
        ({"latest": True, "q": "שלום", "limit": 1}, ["evt_3"]),
        ({"order": "newest", "limit": 2, "after": "evt_2"}, ["evt_1"]),
    ],
)
def test_it_is_found(setting: Setting, asked: dict[str, str], expected: list[str]) -> None:
    setting.contacts = Contacts.of([("0501234567", "Dana")])

    assert ids(ask(setting, **asked)) == expected


def test_who_may_not_see_texts_may_not_search_them(setting: Setting) -> None:
    answer = setting.client.get(EVENTS, params={"q": "שלום"})

    assert answer.status_code == 403
    assert "content" in answer.json()["detail"]
    redacted = setting.client.get(EVENTS, params={"sender": "Bank"}).json()["events"][0]
    assert redacted["data"]["sms"]["text"] == "[redacted]"


def test_pages_go_on_in_either_order(setting: Setting) -> None:
    for order in ("oldest", "newest"):
        first = ask(setting, q="שלום", limit=1, order=order)
        second = ask(setting, q="שלום", limit=1, order=order, after=first["next"])
        assert (first["has_more"], second["has_more"]) == (True, False)
        assert ids(first) + ids(second) == (["evt_1", "evt_3"] if order == "oldest" else ["evt_3", "evt_1"])


def test_how_far_the_index_has_got_is_said(setting: Setting) -> None:
    assert ask(setting, q="שלום")["unindexed"] == {"newer": 0, "older": 0}
    setting.numbers = iter(range(100, 200))
    setting.happen("test.ping")

    assert ask(setting, q="שלום")["unindexed"] == {"newer": 1, "older": 0}
    assert "unindexed" not in ask(setting, sender="Bank")


def test_what_means_nothing_is_said_where_nothing_is_found(setting: Setting) -> None:
    document = ask(setting, type="sms.recieved", system="mian", incident="inc_9")

    assert document["events"] == []
    assert document["unknown"] == [
        {"name": "type", "value": "sms.recieved", "did_you_mean": "sms.received"},
        {"name": "system", "value": "mian", "did_you_mean": "main"},
        {"name": "incident", "value": "inc_9", "did_you_mean": None},
    ]
    assert "unknown" not in ask(setting, type="sms.*")


@pytest.mark.parametrize(
    ("asked", "name", "said"),
    [
        ({"q": "x" * 10_000}, "q", "200"),
        ({"q": "%_*"}, "q", "nothing in it to look for"),
        ({"q": " ".join("abcdefghijk")}, "q", "at most 10 words"),
        ({"since": "soon"}, "since", "expected a time such as"),
        ({"until": "25:00"}, "until", "there is no 25:00 on a clock"),
        ({"contact": "Dina"}, "contact", 'did you mean "dana"?'),
        ({"order": "random"}, "order", "expected"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(
    setting: Setting, asked: dict[str, str], name: str, said: str
) -> None:
    setting.contacts = Contacts.of([("0501234567", "Dana")])
    answer = setting.holder("token-of-a-clerk").get(EVENTS, params=asked)

    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert fault["name"] == name
    assert said in fault["reason"]


def test_the_events_of_an_incident_are_found(setting: Setting) -> None:
    incident = fired("1", 1)
    turned = Fact("sip.account.unregistered", incident.subject, {"alert": {"incident": incident.id}})
    other = Fact("sip.account.unregistered", incident.subject, {"alert": {"incident": "inc_other"}})
    with setting.database.write() as db:
        incidents.save(db, incident)
        written = events.record(
            db, "main", [turned, other, turned], START, lambda _kind: f"evt_{next(numbers)}"
        )

    assert ids(ask(setting, incident=incident.id)) == [written[0].id, written[2].id]


def test_the_newest_are_all_that_was_asked_for_and_go_on_behind_the_last(setting: Setting) -> None:
    found = ask(setting, latest=True, limit=2)

    assert (found["next"], found["has_more"]) == ("evt_3", False)
    assert ids(ask(setting, after=found["next"])) == []
    asked = {"latest": "true", "after": "evt_1"}
    assert setting.client.get(EVENTS, params=asked).status_code == 422
