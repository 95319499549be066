"""Who may see the texts of SMS: over every route that could show one."""

from typing import Any

import pytest

from daemon.core.commands.command import Status
from daemon.core.model import Fact
from daemon.core.scopes import allow
from daemon.store import events
from tests.support import stores
from tests.support.fakes import START, Ids
from tests.support.offices import PATH, TOKENS, Window

SECRET = "4711-הקוד"
MESSAGE = {"from": "050", "text": SECRET, "raw_text": SECRET}
READ_SMS = {"type": "sms.log", "params": {}}
KEY = {"idempotency-key": "once"}
IS_SHOWN = {"reader": False, "crm": False, "admin": True}


@pytest.fixture
def window() -> Window:
    """A message that came, and one that a command read, which its event tells."""
    one = Window(stores.in_memory())
    given = one.give(READ_SMS, **KEY)["id"]
    command = one.end(given, Status.SUCCEEDED, result={"messages": [MESSAGE]})
    facts = [
        Fact("sms.received", "sms/050", {"sms": MESSAGE}),
        Fact("command.succeeded", f"command/{given}", {"command": command.document()}),
    ]
    with one.database.write() as db:
        events.record(db, "main", facts, START, Ids())
    return one


def answers(window: Window, name: str) -> list[str]:
    client: Any = getattr(window, name)
    command = client.get(PATH).json()["commands"][0]["id"]
    read = [
        "/api/v1/events",
        "/api/v1/events/evt_1",
        "/api/v1/events/evt_2",
        PATH,
        f"{PATH}/{command}",
        f"{PATH}/{command}?wait=1ms",
    ]
    return [client.get(one).text for one in read]


@pytest.mark.parametrize(("name", "is_shown"), IS_SHOWN.items())
def test_every_route_shows_them_to_those_who_may_and_to_nobody_else(
    window: Window, name: str, is_shown: bool
) -> None:
    for answer in answers(window, name):
        assert (SECRET in answer, "[redacted]" in answer) == (is_shown, not is_shown), answer


def test_a_command_that_is_given_once_more_shows_no_more(window: Window) -> None:
    again = window.crm.post(PATH, json={"system": "main", **READ_SMS}, headers=KEY)

    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["result"]["messages"] == [{**MESSAGE, "text": "[redacted]", "raw_text": "[redacted]"}]


def test_the_body_is_the_same_but_for_the_texts(window: Window) -> None:
    shown, whole = (getattr(window, one).get("/api/v1/events/evt_1").json() for one in ("reader", "admin"))

    whole["data"]["sms"].update(text="[redacted]", raw_text="[redacted]")
    assert shown == whole


@pytest.mark.parametrize(
    ("scope", "opens"),
    [
        ("read", {"read"}),
        ("content", {"content", "read"}),
        ("command", {"command", "read"}),
        ("admin", {"admin", "command", "content", "read"}),
    ],
)
def test_what_a_scope_opens(scope: str, opens: set[str]) -> None:
    every = ("read", "content", "command", "admin")

    assert {one for one in every if allow([scope], one)} == opens
    assert not any(allow([], one) for one in every)
    assert [one.name for one in TOKENS if one.allows("content")] == ["admin"]
