"""Commands in a terminal: given, rehearsed, refused, waited for, cancelled. No daemon runs."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.core.commands.command import Command, Error, Status
from daemon.core.timestamps import iso
from daemon.host import clock
from daemon.store import database as databases
from daemon.store import inbox
from daemon.store.database import Database
from tests.cli.conftest import Call
from tests.support import stores
from tests.support.config_files import SYSTEM

ALLOWS = 'commands = ["*"]\ncampaign_units_per_day = 3\n'
BRANCH = SYSTEM.replace("main", "branch")
PAUSE = ("queue.pause", "queue_path=/5", "agent=SIP-1")
BRIDGE = ("campaign.bridge", "phones=0501234567:+972-50-1234568", "ivr_path=/1/100")
NO_DAEMON = "No daemon runs on this database; it happens when one does."
Given = Callable[..., Any]


def configure(text: str) -> None:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def store(call: Call) -> Iterator[Database]:
    """The store of a daemon that has ended."""
    configure(SYSTEM + ALLOWS)
    stores.on_file(Path("yemotd.db")).close()
    database = databases.connect("sqlite:///yemotd.db")
    yield database
    database.close()


@pytest.fixture
def given(call: Call, store: Database) -> Given:
    """The document of a command that was queued."""

    def add(*words: str) -> Any:
        code, out, err = call("command", "add", *words, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return add


def end(store: Database, command: str, status: Status, **changed: Any) -> Command:
    """What a daemon would have made of it."""
    with store.write() as db:
        found = inbox.find(db, command)
        assert found is not None
        ended_at = clock.utcnow() if status.is_ended else None
        one = replace(found, status=status, attempts=1, ended_at=ended_at, **changed)
        inbox.save(db, one)
    return one


def count(store: Database) -> int:
    with store.read() as db:
        return len(inbox.read(db, inbox.Wanted()))


def test_a_command_is_queued_and_shown(call: Call, store: Database) -> None:
    code, out, err = call("command", "add", *PAUSE)
    first, who, parameters, times, daemon = out.splitlines()

    assert (code, err) == (0, "")
    assert first.startswith("cmd_")
    assert first.endswith("  main  queue.pause  queued")
    assert who.startswith("  given by ")
    assert " (command line) at " in who
    assert parameters == '  parameters: {"queue_path": "/5", "agent": "SIP-1"}'
    assert times.startswith("  from ")
    assert daemon == NO_DAEMON


def test_what_takes_no_parameters_shows_none(call: Call, store: Database) -> None:
    _, out, _ = call("command", "add", "sip.accounts")

    assert "parameters" not in out


def test_a_daemon_that_runs_needs_no_mention(call: Call, store: Database) -> None:
    running = stores.on_file(Path("yemotd.db"))
    _, out, _ = call("command", "add", "sip.accounts")
    running.close()

    assert NO_DAEMON not in out


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (("queue.pause", "queue_path=/5", "agent=יוסי 3"), {"queue_path": "/5", "agent": "יוסי 3"}),
        (("queue.pause", "queue_path=.", "agent=a=b"), {"queue_path": ".", "agent": "a=b"}),
        (("queue.kick", "queue_path=/5", "call_ids=a"), {"queue_path": "/5", "call_ids": ["a"]}),
        (("queue.kick", "queue_path=/5", "call_ids=a,b"), {"queue_path": "/5", "call_ids": ["a", "b"]}),
        (("queue.kick", "queue_path=/5", 'call_ids=["a"]'), {"queue_path": "/5", "call_ids": ["a"]}),
        (
            ("queue.kick", "--params", '{"queue_path": "/5", "call_ids": ["a"]}', "goto=/1"),
            {"queue_path": "/5", "call_ids": ["a"], "goto": "/1"},
        ),
        (("sms.log", "limit=5", "start_date=2026-11-23"), {"limit": 5, "start_date": "2026-11-23 00:00:00"}),
        (("sip.contexts", "account_number=2"), {"account_number": 2}),
        (("sip.accounts", "--params", "{}"), {}),
        (BRIDGE, {"phones": "0501234567:0501234568", "ivr_path": "ivr2:/1/100"}),
        (
            ("campaign.bridge", 'phones=["0501234567"]', "ivr_path=/1", "calls_timeout=20"),
            {"phones": ["0501234567"], "ivr_path": "ivr2:/1", "calls_timeout": 20},
        ),
    ],
)
def test_parameters_are_typed_as_words_or_as_json(
    given: Given, words: tuple[str, ...], params: dict[str, Any]
) -> None:
    assert given(*words)["params"] == params


def test_several_lists_are_written_with_commas(call: Call, store: Database) -> None:
    configure(SYSTEM + 'commands = ["*"]\ncampaign_units_per_day = 300\n')
    words = ("campaign.bridge", "phones=tzl:", "tzintuk_lists=3,4", "ivr_path=/1")
    code, out, _ = call("command", "add", *words, "--dry-run", "--json")

    assert (code, json.loads(out)["params"]["tzintuk_lists"]) == (0, ["3", "4"])


def test_times_are_those_of_the_clock_on_the_wall(given: Given) -> None:
    at = (clock.utcnow() + timedelta(days=2)).astimezone(ZoneInfo("Asia/Jerusalem")).replace(microsecond=0)
    words = ("--not-before", f"{at:%Y-%m-%dT%H:%M:%S}", "--expires-at", (at + timedelta(hours=1)).isoformat())
    document = given(*PAUSE, *words)

    assert datetime.fromisoformat(document["not_before"]) == at
    assert datetime.fromisoformat(document["expires_at"]) == at + timedelta(hours=1)


def test_times_are_as_people_write_them_towards_the_future(given: Given) -> None:
    before = clock.utcnow()
    document = given(*PAUSE, "--not-before", "2h", "--expires-at", "tomorrow 23:59")
    earliest, latest = (datetime.fromisoformat(document[one]) for one in ("not_before", "expires_at"))

    assert (
        before + timedelta(hours=2) - timedelta(seconds=1) <= earliest <= clock.utcnow() + timedelta(hours=2)
    )
    assert f"{latest.astimezone(ZoneInfo('Asia/Jerusalem')):%H:%M}" == "23:59"
    assert latest > before


def test_a_campaign_may_wait_for_the_end_of_a_holiday(given: Given) -> None:
    assert given(*BRIDGE, "--on-holiday", "wait")["on_holiday"] == "wait"


def test_the_same_key_is_the_same_command(call: Call, given: Given, store: Database) -> None:
    first = given(*PAUSE, "--idempotency-key", "k")
    code, out, _ = call("command", "add", *PAUSE, "--idempotency-key", "k")

    assert given(*PAUSE, "--idempotency-key", "k") == first
    assert (code, count(store)) == (0, 1)
    assert out.splitlines()[-2:] == ["It was given before, under the same key.", NO_DAEMON]


def test_what_has_ended_does_not_happen_when_a_daemon_runs(call: Call, given: Given, store: Database) -> None:
    first = given(*PAUSE, "--idempotency-key", "k")
    end(store, first["id"], Status.SUCCEEDED)
    code, out, _ = call("command", "add", *PAUSE, "--idempotency-key", "k")

    assert code == 0
    assert out.splitlines()[-1] == "It was given before, under the same key."


def test_one_system_needs_no_name_and_of_two_one_is_named(call: Call, given: Given) -> None:
    assert given("sip.accounts")["system"] == "main"

    configure(SYSTEM + BRANCH)
    code, out, err = call("command", "add", "sip.accounts")
    assert (code, out, err) == (os.EX_USAGE, "", "--system: give one of main, branch\n")
    assert given("sip.accounts", "--system", "branch")["system"] == "branch"


def test_a_rehearsal_says_what_it_would_be_and_cost(call: Call, store: Database) -> None:
    code, out, err = call("command", "add", *BRIDGE, "--dry-run", "--wait", "60s")
    what, parameters, times, numbers, budget = out.splitlines()

    assert (code, err, count(store)) == (0, "", 0)
    assert what == "campaign.bridge of main would be queued."
    assert parameters == '  parameters: {"phones": "0501234567:0501234568", "ivr_path": "ivr2:/1/100"}'
    assert times.startswith("  from ")
    assert (
        numbers
        == "  2 numbers: 0.2 units to dial, 1.2 if everybody answers, 1 for each minute of a long call"
    )
    assert budget.startswith("  of the budget of 20")
    assert budget.endswith(", 1.8 units would be left")


def test_a_rehearsal_of_a_stored_list_says_that_nobody_knows_how_long_it_is(
    call: Call, store: Database
) -> None:
    configure(SYSTEM + 'commands = ["*"]\ncampaign_units_per_day = 300\n')
    _, out, _ = call("command", "add", "campaign.bridge", "phones=tpl:12", "ivr_path=/1", "--dry-run")

    assert "  a stored list, of at most 500 numbers: 50 units to dial, 300 if everybody answers" in out


def test_a_rehearsal_of_what_costs_nothing_says_nothing_of_units(call: Call, store: Database) -> None:
    _, out, _ = call("command", "add", *PAUSE, "--dry-run")

    assert len(out.splitlines()) == 3
    assert "unit" not in out


def test_a_rehearsal_for_programs_is_one_document(call: Call, store: Database) -> None:
    code, out, _ = call("command", "add", *BRIDGE, "--dry-run", "--json")
    document = json.loads(out)

    assert (code, count(store)) == (0, 0)
    assert (document["type"], document["system"]) == ("campaign.bridge", "main")
    assert document["cost"]["budget_left"] == 1.8


REFUSALS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "a type": (("queue.kcik",), os.EX_DATAERR, "\n  type: expected one of 'queue.kick', "),
    "faults": (
        ("queue.pause", "agent=", "quue_path=/5"),
        os.EX_DATAERR,
        "the command cannot be used:\n  params.queue_path: is missing\n  params.agent: must not be empty\n"
        "  params.quue_path: is not known here\n",
    ),
    "a system": ((*PAUSE, "--system", "mian"), os.EX_DATAERR, 'system: no system is called "mian"; did you'),
    "no system": ((*PAUSE, "--system", ""), os.EX_DATAERR, "system: must not be empty"),
    "too late": ((*PAUSE, "--expires-at", "2020-01-01"), os.EX_DATAERR, "expires_at: has passed already\n"),
    "a far time": ((*PAUSE, "--not-before", "2200-01-02"), os.EX_DATAERR, "between 2000 and 2200"),
    "no campaign": ((*PAUSE, "--on-holiday", "wait"), os.EX_DATAERR, "on_holiday: is not known here"),
    "half a character": (
        ("queue.pause", "queue_path=/5", "agent=\udcff"),
        os.EX_DATAERR,
        "params.agent: expected text",
    ),
    "a cursor": (("sip.accounts", "\x1b[2J=1"), os.EX_DATAERR, "params.⟨U+001B⟩[2J: is not known here"),
    "no value": (("sip.accounts", "limit"), os.EX_USAGE, "'limit': expected KEY=VALUE"),
    "twice": ((*PAUSE, "agent=SIP-2"), os.EX_USAGE, "agent is given twice"),
    "twice, as JSON": ((*PAUSE, "--params", '{"agent": "a"}'), os.EX_USAGE, "agent is given twice"),
    "no JSON": (("sip.accounts", "--params", "{"), os.EX_USAGE, "--params: is not JSON: "),
    "no JSON value": (("sip.accounts", "a=[1"), os.EX_USAGE, "a: is not JSON: "),
    "no object": (("sip.accounts", "--params", "[]", "a=1"), os.EX_USAGE, "--params: expected a JSON object"),
    "no object at all": (("sip.accounts", "--params", "[]"), os.EX_DATAERR, "params: expected an object"),
    "no time": ((*PAUSE, "--not-before", "noon"), os.EX_USAGE, "--not-before 'noon': expected a time such"),
    "an early time": ((*PAUSE, "--not-before", "0001-01-01"), os.EX_USAGE, "--not-before '0001-01-01'"),
    "a time before all": (
        (*PAUSE, "--not-before", "0001-01-01T00:00+14:00"),
        os.EX_USAGE,
        "--not-before '0001-01-01T00:00+14:00'",
    ),
    "no wait": ((*PAUSE, "--wait", "soon"), os.EX_USAGE, "--wait 'soon': expected a duration"),
    "an empty key": ((*PAUSE, "--idempotency-key", ""), os.EX_USAGE, "--idempotency-key '': expected 1 to"),
    "a key in Hebrew": ((*PAUSE, "--idempotency-key", "מפתח"), os.EX_USAGE, "--idempotency-key 'מפתח': "),
    "a key that is no text": (
        (*PAUSE, "--idempotency-key", "\udcff"),
        os.EX_USAGE,
        r"--idempotency-key '\udcff': ",
    ),
}


@pytest.mark.parametrize(("words", "code", "said"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_used_is_refused_and_says_what_to_do(
    call: Call, store: Database, words: tuple[str, ...], code: int, said: str
) -> None:
    ended, out, err = call("command", "add", *words)

    assert (ended, out, count(store)) == (code, "", 0)
    assert said in err
    assert "Traceback" not in err


def test_a_key_that_was_used_for_something_else_is_refused(call: Call, given: Given) -> None:
    first = given(*PAUSE, "--idempotency-key", "k")
    code, _, err = call("command", "add", "sip.accounts", "--idempotency-key", "k")

    assert code == os.EX_DATAERR
    assert err == f"--idempotency-key: the key 'k' was used for another command, {first['id']}\n"


def test_what_the_configuration_does_not_allow_exits_with_77(call: Call, store: Database) -> None:
    configure(SYSTEM)
    code, out, err = call("command", "add", *PAUSE)
    assert (code, out) == (os.EX_NOPERM, "")
    assert err.startswith("type: the system 'main' does not take queue.pause: its commands = [...]")

    configure(SYSTEM + 'commands = ["*"]\n')
    code, _, err = call("command", "add", *BRIDGE, "--dry-run")
    assert code == os.EX_NOPERM
    assert "campaign_units_per_day" in err


def test_what_the_budget_does_not_hold_exits_with_77(call: Call, given: Given, store: Database) -> None:
    for _ in range(2):
        given(*BRIDGE)
    code, _, err = call("command", "add", *BRIDGE)

    assert (code, count(store)) == (os.EX_NOPERM, 2)
    assert "params.phones: it may cost 1.2 units" in err


def test_without_a_store_nothing_is_queued(call: Call) -> None:
    configure(SYSTEM)
    for words in (("add", "sip.accounts"), ("list",), ("show", "cmd_1"), ("cancel", "cmd_1")):
        code, out, err = call("command", *words)
        assert (code, out) == (os.EX_IOERR, "")
        assert err == f"there is no database yemotd.db in {Path.cwd()}; `yemotd run` creates it\n"


def test_a_configuration_that_cannot_be_used_exits_with_78(call: Call, store: Database) -> None:
    configure(SYSTEM + 'comands = ["*"]\n')

    assert call("command", "add", "sip.accounts")[0] == os.EX_CONFIG


def test_who_waits_in_vain_is_told_that_no_daemon_runs(call: Call, store: Database) -> None:
    code, out, _ = call("command", "add", *PAUSE, "--wait", "50ms")

    assert code == os.EX_TEMPFAIL
    assert out.splitlines()[0].endswith("  queue.pause  queued")
    assert out.splitlines()[-1] == NO_DAEMON


EXITS = {
    Status.QUEUED: os.EX_TEMPFAIL,
    Status.RUNNING: os.EX_TEMPFAIL,
    Status.SUCCEEDED: 0,
    Status.FAILED: os.EX_UNAVAILABLE,
    Status.UNKNOWN: os.EX_PROTOCOL,
    Status.EXPIRED: os.EX_UNAVAILABLE,
    Status.CANCELLED: os.EX_UNAVAILABLE,
}


@pytest.mark.parametrize("status", Status)
def test_who_waits_learns_from_the_exit_code_how_it_ended(
    call: Call, given: Given, store: Database, status: Status
) -> None:
    command = given(*PAUSE, "--idempotency-key", "k")["id"]
    end(store, command, status)
    wait = "1h" if status.is_ended else "50ms"

    for words in (("show", command), ("add", *PAUSE, "--idempotency-key", "k")):
        code, out, err = call("command", *words, "--wait", wait, "--json")
        assert (code, json.loads(out)["status"], err) == (EXITS[status], status.value, "")
    assert call("command", "show", command)[0] == 0


def test_commands_are_listed_newest_first_with_what_they_ask_for(
    call: Call, given: Given, store: Database
) -> None:
    first, second = given(*PAUSE)["id"], given("sip.accounts")["id"]
    end(store, first, Status.FAILED, error=Error("refused", "אין תור כזה", 404))
    code, out, err = call("command", "list")
    newer, older = out.splitlines()

    assert (code, err) == (0, "")
    assert newer.startswith(f"{second}  ")
    assert newer.endswith("  main  sip.accounts  queued")
    assert older.startswith(f"{first}  ")
    assert older.endswith("  main  queue.pause  failed  (refused: אין תור כזה)  queue_path=/5 agent=SIP-1")


def test_a_line_of_the_list_stays_a_line(call: Call, given: Given) -> None:
    numbers = json.dumps([f"05{number:08}" for number in range(4)])
    given("campaign.bridge", f"phones={numbers}", "ivr_path=/1")
    (line,) = call("command", "list")[1].splitlines()

    assert line.endswith('  phones=["0500000000", "0500000001", "0500000002", "05000000…')


def test_commands_are_narrowed(call: Call, given: Given, store: Database) -> None:
    configure(SYSTEM + ALLOWS + BRANCH)
    pause = given(*PAUSE, "--system", "main")["id"]
    read, other = (given("sip.accounts", "--system", one)["id"] for one in ("main", "branch"))
    end(store, read, Status.SUCCEEDED)

    def ids(*words: str) -> list[str]:
        code, out, _ = call("command", "list", *words, "--json")
        assert code == 0
        return [json.loads(line)["id"] for line in out.splitlines()]

    assert ids() == [other, read, pause]
    assert ids("--limit", "1") == ids("--system", "branch") == [other]
    assert ids("--status", "succeeded") == [read]
    assert ids("--type", "queue.*") == [pause]
    assert ids("--type", "sms.*") == []
    assert call("command", "list", "--type", "sms.*") == (0, "There is no such command.\n", "")


@pytest.mark.parametrize(
    "words",
    [
        *(("list", "--limit", "0"), ("list", "--limit", "9" * 30), ("list", "--status", "done")),
        *(("list", "--type", "\udcff"), ("list", "--system", "\udcff")),
        *(("show", "\udcff"), ("cancel", "\udcff"), ("show", "cmd_1", "--wait", "1")),
    ],
)
def test_a_question_that_makes_no_sense_exits_with_64(
    call: Call, store: Database, words: tuple[str, ...]
) -> None:
    code, out, err = call("command", *words)

    assert (code, out) == (os.EX_USAGE, "")
    assert err


def test_what_came_of_a_command_is_shown(call: Call, given: Given, store: Database) -> None:
    command = given(*BRIDGE)["id"]
    result = {"campaign_id": "5", "text": "שלום\x9b\u202e"}
    error = Error("timeout", "no answer within 5s")
    one = end(store, command, Status.UNKNOWN, result=result, error=error, is_doubtful=True)
    code, out, _ = call("command", "show", command)
    lines = out.splitlines()

    assert code == 0
    assert lines[0].endswith("  campaign.bridge  unknown  (timeout: no answer within 5s)")
    assert "  it may cost 1.2 units, if everybody answers" in lines
    assert r'  result: {"campaign_id": "5", "text": "שלום\u009b\u202e"}' in lines
    assert lines[-1].startswith("  to find out what came of it: look at the campaigns")
    assert "  from " not in out
    assert json.loads(call("command", "show", command, "--json")[1]) == {
        **one.document(),
        "due_at": iso(one.due_at),
    }


def test_what_is_tried_again_says_when(call: Call, given: Given, store: Database) -> None:
    command = given(*PAUSE)["id"]
    assert "tried again" not in call("command", "show", command)[1]
    end(store, command, Status.QUEUED, due_at=clock.utcnow())

    assert "  tried again at " in call("command", "show", command)[1]


def test_a_command_is_cancelled_once_and_for_all(call: Call, given: Given, store: Database) -> None:
    command = given(*PAUSE)["id"]
    first = call("command", "cancel", command)
    code, out, err = call("command", "cancel", command, "--json")

    assert first[0] == 0
    assert first[1].splitlines()[0].endswith("  queue.pause  cancelled")
    assert call("command", "cancel", command) == first
    assert (code, json.loads(out)["status"], err) == (0, "cancelled", "")


@pytest.mark.parametrize("status", [Status.RUNNING, Status.SUCCEEDED, Status.UNKNOWN])
def test_what_was_sent_cannot_be_called_back(
    call: Call, given: Given, store: Database, status: Status
) -> None:
    command = given(*PAUSE)["id"]
    end(store, command, status)

    assert call("command", "cancel", command) == (
        os.EX_DATAERR,
        "",
        f"the command {command} is {status.value} already\n",
    )


@pytest.mark.parametrize("verb", ["show", "cancel"])
def test_a_command_that_is_not_there_is_said_to_be_so(call: Call, store: Database, verb: str) -> None:
    assert call("command", verb, "cmd_0") == (
        os.EX_DATAERR,
        "",
        "there is no command 'cmd_0'; `yemotd command list` shows those there are\n",
    )
