"""How the daemon stands, asked in a terminal and over HTTP: of one store, one document."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Failure
from daemon.core.routing.plan import Interest
from daemon.host import clock
from daemon.store import database as databases
from tests.cli.conftest import Call
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.support.story import Story

ONLY_WHAT_RUNS_KNOWS = {"version", "started_at", "next_run_at"}
LATER = START + timedelta(seconds=300)


@pytest.fixture
def setting(call: Call) -> Iterator[Setting]:
    """A daemon on the store of the directory: one phone is down, its API has stopped to answer, "crm" does
    not answer either, and another endpoint has left the configuration with something waiting for it."""
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(SYSTEM + "[systems.sip]\n" + WEBHOOK + WEBHOOK.replace("crm", "ops"), encoding="utf-8")
    told = [Interest(name, ("*",), None) for name in ("crm", "gone")]
    story = Story(Path("yemotd.db"), interests=told)
    story.phone("077", (10, 10_000))
    story.phone("088", (170, 10_000))
    for endpoint in ("crm", "gone"):
        story.endpoint_says(Outcome.UNREACHABLE, 0, 10_000, endpoint=endpoint)
    story.api_fails(190, 10_000, Failure.TIMEOUT)
    story.run(until=250)
    story.database.close()
    one = Setting(databases.open_for_daemon("sqlite:///yemotd.db"), now=clock.utcnow)
    one.interests = [Interest(name, ("*",), None) for name in ("crm", "ops")]
    yield one
    one.database.close()


def leaves(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document with its path; what is empty counts as a value."""
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in inner:
        if isinstance(value, dict | list) and value:
            yield from leaves(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}", value


def test_a_terminal_and_http_show_the_same_document_key_by_key(call: Call, setting: Setting) -> None:
    with freeze_time(LATER):
        over_http = dict(leaves(setting.client.get("/api/v1/status").json()))
        code, out, _ = call("status", "--json")
    in_terminal = dict(leaves(json.loads(out)))

    assert code == 0
    assert list(in_terminal) == list(over_http)
    differing = {path for path, value in over_http.items() if in_terminal[path] != value}
    assert {path.rpartition(".")[2] for path in differing} == ONLY_WHAT_RUNS_KNOWS
    assert {in_terminal[path] for path in differing} == {None}


def test_the_store_that_is_compared_has_something_of_everything(call: Call, setting: Setting) -> None:
    with freeze_time(LATER):
        document = json.loads(call("status", "--json")[1])

    ((watch,),) = [system["watches"] for system in document["systems"]]
    assert document["process"] == str(os.getpid())
    assert (watch["watch"], watch["every_seconds"], watch["failure"]["class"]) == ("sip", 30.0, "timeout")
    assert watch["age_seconds"] == 120.0
    assert {one["phase"] for one in document["alerts"]} == {"firing", "pending"}
    assert [(one["name"], one["open"] > 0) for one in document["endpoints"]] == [
        ("crm", True),
        ("ops", False),
        ("gone", True),
    ]


def test_a_watch_that_was_never_polled_is_in_the_document(call: Call) -> None:
    Path("config.toml").touch(mode=0o600)
    Path("config.toml").write_text(SYSTEM + "[systems.sip]\n", encoding="utf-8")
    databases.open_for_daemon("sqlite:///yemotd.db").close()

    document = json.loads(call("status", "--json")[1])

    ((watch,),) = [system["watches"] for system in document["systems"]]
    assert (watch["watch"], watch["observed_at"], watch["failure"]) == ("sip", None, None)
    assert (document["process"], document["version"]) == (None, None)


def test_that_the_database_cannot_be_written_is_shown(call: Call, setting: Setting) -> None:
    setting.database.failing = ("2026-03-01T12:00:00.000Z", "database or disk is full")
    setting.database.let_go()

    shown = call("status")[1]
    assert "database  cannot be written since 2026-03-01T12:00:00.000Z: database or disk is full\n" in shown
    assert json.loads(call("status", "--json")[1])["store"] == {
        "failing_since": "2026-03-01T12:00:00.000Z",
        "error": "database or disk is full",
    }
    setting.database.close()
    assert "cannot be written" not in call("status")[1]  # nobody tries


def test_what_is_not_up_has_a_line_that_says_why(call: Call, setting: Setting) -> None:
    with freeze_time(LATER):
        shown = call("status")[1].splitlines()

    lines = [line for line in shown if line.startswith("subject")]
    assert [line.partition(" since ")[0] for line in lines] == [
        "subject   main/api: down",
        "subject   main/sip/077: unknown",
        "subject   main/sip/088: unknown",
    ]
    assert "failure timeout; message scripted; watches sip, sms; phase pending" in lines[0]
    assert lines[1].endswith("(failure timeout; message scripted; phase firing)")
