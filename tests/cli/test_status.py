"""How the daemon stands, asked in a terminal and over HTTP: of one store, one document."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from freezegun import freeze_time

from daemon.cli.output import clock_time
from daemon.core.delivery.outcome import Outcome
from daemon.core.model import Failure
from daemon.core.ownership import HOUSE, Kind, Member, Share
from daemon.core.routing.plan import Interest
from daemon.host import clock
from daemon.store import database as databases
from daemon.store import locking, ownership
from tests.cli.conftest import Call
from tests.support import stores
from tests.support.config_files import SYSTEM, WEBHOOK
from tests.support.engines import ON_POSTGRESQL, engine
from tests.support.fakes import START
from tests.support.http_app import Setting
from tests.support.members import Members, endpoints, systems
from tests.support.story import Story

__all__ = ["engine"]
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
    database = databases.open_for_daemon("sqlite:///yemotd.db")
    one = Setting(database, now=clock.utcnow, zone=lambda: ZoneInfo("Asia/Jerusalem"))
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


class TestMembers:
    """Several daemons on one database: who runs is said by the server's sessions, and not by a lock of a
    file, which a SQLite file alone has."""

    @pytest.fixture
    def members(self, call: Call, setting: Setting, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
        members = Members(setting.database, monkeypatch)
        members.join("north", "south", "east")
        members.hold("north", [*systems("main"), *endpoints("crm", "ops"), Share(Kind.DUTY, HOUSE)])
        members.differ("south", "another file")
        monkeypatch.setattr(locking, "holder", lambda _url: None)
        yield members

    def test_a_line_for_each_says_what_it_has_and_what_is_wrong(self, call: Call, members: Members) -> None:
        members.are_connected("north", "south")
        shown = call("status")[1].splitlines()

        since = f"since {clock_time(START)}, version 1.2.3"
        assert shown[0].startswith("daemon    running, 2 of 3 members connected; ")
        assert shown[1:4] == [
            f"member    east: not connected, {since}; 0 systems, 0 endpoints",
            f"member    north: connected, {since}; 1 system, 2 endpoints, the duties of the house",
            f"member    south: connected, takes nothing (another file), {since}; 0 systems, 0 endpoints",
        ]
        assert f"system    main: polled by north since {clock_time(START)}" in shown

    def test_what_one_had_that_is_not_there_is_polled_by_nobody(self, call: Call, members: Members) -> None:
        shown = call("status")[1].splitlines()
        assert f"system    main: polled by nobody; north had it since {clock_time(START)}" in shown

    def test_what_nobody_polls_is_said(self, call: Call, members: Members) -> None:
        with members.database.write() as db:
            ownership.leave(db, "north", "mem_north")

        assert "system    main: polled by nobody" in call("status")[1].splitlines()

    @pytest.mark.parametrize(
        ("connected", "said"),
        [
            (("north", "south", "east"), "running, 3 members;"),
            (("east",), "running, 1 of 3 members connected;"),
            ((), "not running: 3 members, none of them connected;"),
        ],
    )
    def test_a_daemon_runs_where_a_member_has_a_session(
        self, call: Call, members: Members, connected: tuple[str, ...], said: str
    ) -> None:
        members.are_connected(*connected)

        assert call("status")[1].startswith(f"daemon    {said}")

    def test_the_document_has_them_and_not_what_only_they_know(self, call: Call, members: Members) -> None:
        members.are_connected("north")
        document = json.loads(call("status", "--json")[1])

        shown = [(one["name"], one["is_connected"], one["differs"]) for one in document["members"]]
        assert shown == [("east", False, None), ("north", True, None), ("south", False, "another file")]
        assert [one["member"]["name"] for one in document["systems"]] == ["north"]
        assert (document["process"], document["member"]) == (None, None)
        assert {one["silent_since"] for one in document["members"]} == {None}


def test_of_one_that_is_alone_no_member_is_shown(call: Call, setting: Setting) -> None:
    shown = call("status")[1]

    assert shown.startswith(f"daemon    running, process {os.getpid()}; ")
    assert not re.findall(r"^(?:member|system) ", shown, re.MULTILINE)


@ON_POSTGRESQL
def test_on_a_server_the_sessions_of_members_say_whether_a_daemon_runs(call: Call, engine: str) -> None:
    """Here a file has a lock; there is none, and still nobody is told that no daemon runs."""
    url = stores.url_at(Path("yemotd.db"))
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(
        f'[daemon]\ndatabase = "{url}"\n' + SYSTEM + "[systems.sip]\n" + WEBHOOK, encoding="utf-8"
    )
    database = databases.open_for_daemon(url)
    goes = "No daemon runs on this database; it happens when one does."
    try:
        assert call("status")[1].startswith("daemon    not running; ")
        with database.write() as db:
            for lock, name in enumerate(("north", "south"), start=2):
                ownership.join(db, Member(name, f"mem_{name}", lock, 0, START, "1.2.3", "f", START, ""))
        assert call("status")[1].startswith("daemon    not running: 2 members, none of them connected; ")
        assert goes in call("endpoints", "disable", "crm")[1]

        with closing(database.session()) as session:
            assert session.hold(3)
            shown = call("status")[1].splitlines()
            assert shown[0].startswith("daemon    running, 1 of 2 members connected; ")
            assert [line.partition(",")[0] for line in shown[1:3]] == [
                "member    north: not connected",
                "member    south: connected",
            ]
            assert goes not in call("endpoints", "disable", "crm")[1]
    finally:
        database.close()
