"""Verbs that only look something up, while the file is half edited or its secrets are out of reach."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.app.in_force import in_force
from daemon.app.taking_over import take_over_at_start
from daemon.config.load import ConfigError, load
from daemon.config.partly import salvaged
from daemon.pipeline.handover import Handover
from daemon.store import database as databases
from daemon.workers.names import Names
from daemon.workers.self_check import Heard
from tests.cli.conftest import Call
from tests.support.config_files import ENVIRON, SYSTEM, WEBHOOK
from tests.support.examples import examples
from tests.support.paths import ROOT

WHOLE = (
    '[daemon]\ndatabase = "sqlite:///phones.db"\ntimezone = "America/New_York"\n'
    + SYSTEM
    + '[systems.sip]\nevery = "7s"\n[[systems.queues]]\npath = "/5"\n'
    + WEBHOOK
)
HALF = {
    "a value": (WHOLE.replace('"7s"', '"fast"'), "every = 'fast'"),
    "a key": (WHOLE.replace("every", "evry"), 'unknown key "evry"'),
    "a quote": (WHOLE.replace('path = "/5"', 'path = "/5'), "is not TOML"),
    "a table": (WHOLE + "[[webhooks", "is not TOML"),
    "a zone": (WHOLE.replace("America/New_York", "America/New_Yor"), "timezone"),
}
TELLING_TIME = ("status", "now")
READING = (
    *TELLING_TIME,
    "alerts list",
    "events list",
    "silence list",
    "deliveries list",
    "endpoints list",
    "command list",
    "sms list",
    "events list --since 2h",
    "contacts list",
)


def write(text: str) -> Path:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def store(call: Call) -> None:
    """One that a daemon took over with the whole file."""
    config = load(write(WHOLE), {**ENVIRON}).config
    database = databases.open_for_daemon(config.daemon.database)
    now_in_force = in_force(config, Heard(), Handover(), Names())
    take_over_at_start(database, now_in_force)
    now_in_force.close()
    database.close()


@pytest.mark.parametrize(("text", "fault"), HALF.values(), ids=HALF)
def test_what_the_daemon_took_over_last_is_taken_instead_and_one_line_says_so(
    call: Call, store: None, text: str, fault: str
) -> None:
    whole = {verb: call(*verb.split(), "--json") for verb in READING}
    write(text)
    for verb in READING:
        code, out, err = call(*verb.split(), "--json")
        assert code == 0, err
        assert err.count("\n") == 1 + (verb == "endpoints list"), err
        assert fault in err
        assert "what the daemon took over last" in err
        assert "sqlite:///phones.db" in err
        if verb not in TELLING_TIME:
            assert out == whole[verb][1]
    status = json.loads(call("status", "--json")[1])
    assert status["timezone"] == "America/New_York"
    watches = {one["watch"]: one["every_seconds"] for one in status["systems"][0]["watches"]}
    assert watches["sip"] == 7.0
    assert list(watches) == ["sip", "queue/5", "queue-log/5"]
    assert [one["name"] for one in status["endpoints"]] == ["crm"]


@pytest.mark.parametrize(
    "verb", ["poll", "check", "command add sip.accounts", "endpoints disable crm", "endpoints test crm"]
)
def test_who_acts_by_it_needs_all_of_it(call: Call, store: None, verb: str) -> None:
    write(HALF["a value"][0])
    code, out, err = call(*verb.split())

    assert (code, out) == (os.EX_CONFIG, "")
    assert "every = 'fast'" in err


def test_what_needs_no_more_than_the_database_is_done_all_the_same(call: Call, store: None) -> None:
    write(HALF["a quote"][0])
    code, out, _ = call("silence", "add", "--type", "sip.*", "--for", "1h", "--comment", "x", "--json")

    assert code == 0
    assert call("silence", "expire", json.loads(out)["id"])[0] == 0


def test_names_of_the_store_stand_beside_numbers_meanwhile(call: Call, store: None) -> None:
    assert call("contacts", "add", "0773137770", "Dana")[0] == 0
    write(HALF["a quote"][0])
    add = ("silence", "add", "--subject", "sip/0773137770", "--for", "1h", "--comment", "x")

    assert "Dana (sip/0773137770)" in call(*add)[1]
    assert "0773137770       Dana" in call("contacts", "list")[1]


@pytest.mark.parametrize("verb", READING)
def test_secrets_that_cannot_be_had_are_no_matter(
    call: Call, store: None, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = call(*verb.split(), "--json")
    monkeypatch.delenv("TOKEN")
    monkeypatch.delenv("SIGNING")
    code, out, err = call(*verb.split(), "--json")

    assert code == known[0] == 0
    assert err == (
        "the secrets cannot be read: public keys are left out\n" if verb.startswith("endp") else ""
    )
    if verb not in TELLING_TIME:
        assert out == known[1]
    assert call("check")[0] == os.EX_CONFIG
    assert call("endpoints", "disable", "crm")[0] == 0
    assert call("endpoints", "test", "crm")[0] == os.EX_CONFIG


def test_a_database_that_is_none_is_a_fault(call: Call, store: None) -> None:
    write(WHOLE.replace("sqlite:///phones.db", "phones.db"))
    code, out, err = call("status")

    assert (code, out) == (os.EX_CONFIG, "")
    assert "database" in err


def test_where_no_daemon_ever_ran_it_is_said(call: Call) -> None:
    write(WHOLE)
    databases.open_for_daemon("sqlite:///phones.db").close()
    write(HALF["a value"][0])
    code, out, err = call("endpoints", "list")

    assert (code, out) == (0, "")
    assert "without it" in err


EXAMPLE = (ROOT / "config.toml").read_text(encoding="utf-8")
NAMED = EXAMPLE.replace('database = "sqlite:///yemotd.db"', 'database = "sqlite:////var/lib/here.db"')


@settings(max_examples=examples(200))
@given(at=st.integers(0, len(NAMED)), what=st.text(max_size=3), cut=st.integers(0, 40))
def test_wherever_it_is_edited_the_database_is_that_of_the_file_or_it_is_not_there(
    tmp_path_factory: pytest.TempPathFactory, at: int, what: str, cut: int
) -> None:
    """Unless the edit is at that very line: then it is what stands there, or the default, or nothing."""
    line = NAMED.index("database =")
    end = NAMED.index("\n", line)
    edited = NAMED[:at] + what + NAMED[at + cut :]
    path = tmp_path_factory.mktemp("edited") / "config.toml"
    path.write_bytes(edited.encode("utf-8", "surrogatepass"))
    try:
        load(path, {})
    except ConfigError as error:
        found = salvaged(error)
        touches = at <= end and at + cut >= NAMED.index("[daemon]")
        if not touches:
            assert found is not None
            assert found.database == "sqlite:////var/lib/here.db"


def test_the_names_are_kept_in_their_order(call: Call, store: None) -> None:
    write(WHOLE + WEBHOOK.replace("crm", "aaa"))
    config = load(Path("config.toml"), {**ENVIRON}).config
    database = databases.open_for_daemon(config.daemon.database)
    now_in_force = in_force(config, Heard(), Handover(), Names())
    take_over_at_start(database, now_in_force)
    now_in_force.close()
    database.close()
    whole = call("endpoints", "list", "--json")[1]
    write(HALF["a value"][0])

    assert call("endpoints", "list", "--json")[1] == whole
