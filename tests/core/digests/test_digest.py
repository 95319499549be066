"""When there is nothing to say."""

import json
from typing import Any

import pytest

from daemon.core.digests.digest import is_empty
from tests.support.event_examples import DIGEST

COUNTED = (
    "sms",
    "recordings",
    "campaigns",
    "campaigns_unknown",
    "callbacks_due",
    "callbacks_done",
    "callbacks_open",
)
CALLS = ("answered", "missed", "unknown", "unseen", "kicked")


def nothing() -> dict[str, Any]:
    said: dict[str, Any] = json.loads(json.dumps(DIGEST))
    (system,) = said["systems"]
    system |= dict.fromkeys(COUNTED, 0)
    system["unseen_seconds"] = 20.0
    system["queues"][0] |= {"answered": 0, "missed": None, "unknown": 0, "unseen": None}
    system["units"]["used"] = 0.0
    return said | {"alerts": 0, "open_alerts": 0, "outages": [], "deliveries": []}


def test_a_time_in_which_nothing_happened_and_all_was_seen_is_empty() -> None:
    assert is_empty(nothing())
    assert not is_empty(DIGEST)


@pytest.mark.parametrize("name", COUNTED)
def test_anything_that_happened_is_something(name: str) -> None:
    said = nothing()
    said["systems"][0][name] = 1
    assert not is_empty(said)


@pytest.mark.parametrize("name", ["alerts", "open_alerts"])
def test_so_is_an_alert(name: str) -> None:
    assert not is_empty(nothing() | {name: 1})


@pytest.mark.parametrize("name", ["outages", "deliveries"])
def test_so_is_what_was_down_and_what_did_not_arrive(name: str) -> None:
    assert not is_empty(nothing() | {name: DIGEST[name]})


def test_so_are_a_call_a_unit_and_what_was_not_seen() -> None:
    for change in (*CALLS, "unit", "time"):
        said = nothing()
        system = said["systems"][0]
        if change in CALLS:
            system["queues"][0][change] = 1
        elif change == "unit":
            system["units"]["used"] = 0.5
        else:
            system["unseen_seconds"] = 301.0
        assert not is_empty(said), change
