"""`yemotd discover`: a table, a document, and TOML that can be pasted."""

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.config.load import load
from daemon.core.durations import NOTHING
from daemon.host.clock import utcnow
from daemon.simulator.faults import Fault
from daemon.simulator.server import Simulator
from daemon.simulator.system import SimulatedSystem
from tests.cli.conftest import TOKEN, Call


@pytest.fixture
def system() -> SimulatedSystem:
    found = SimulatedSystem("0773137770", now=utcnow)
    found.add_sip_account("0773137770")
    found.set_extension("/5", "queue", "מכירות")
    found.set_extension("/6", "queue", "שירות\u202e\x1b[2J")
    found.set_extension("/2", "record", "הודעות")
    return found


@pytest.fixture
def simulator(system: SimulatedSystem, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setattr("daemon.wiring.discovery.GAP", NOTHING)
    with Simulator({TOKEN: system}, now=utcnow) as one:
        yield one


def configure(simulator: Simulator, more: str = "") -> Path:
    path = Path("config.toml")
    path.touch(mode=0o600)
    path.write_text(
        f'[http]\nlisten = ""\n[[systems]]\nname = "main"\ntoken_env = "TOKEN"\n'
        f'base_url = "{simulator.base_url}"\n{more}',
        encoding="utf-8",
    )
    return path


def test_a_table_of_a_configured_system(call: Call, simulator: Simulator) -> None:
    configure(simulator)

    code, out, err = call("discover")

    assert (code, err) == (os.EX_OK, "")
    assert "system       main" in out
    assert [line.split()[:2] for line in out.splitlines() if "queue" in line and "/" in line] == [
        ["/5", "queue"],
        ["/6", "queue"],
    ]
    assert "מכירות" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_document_of_a_token_that_no_configuration_names(call: Call, simulator: Simulator) -> None:
    Path("token").write_text(f"{TOKEN}\n", encoding="utf-8")

    code, out, err = call("discover", "--token-file", "token", "--base-url", simulator.base_url, "--json")

    assert (code, err) == (os.EX_OK, "")
    found = json.loads(out)
    assert found["system"] == "main"
    assert [one["path"] for one in found["extensions"] if one["queue"]] == ["/5", "/6"]
    assert (found["problems"], found["cut"]) == ({}, None)
    assert "password" not in out


def test_what_is_pasted_at_the_end_of_the_file_is_watched(call: Call, simulator: Simulator) -> None:
    """And what is watched already is not there twice."""
    path = configure(simulator, '[systems.sms]\n[[systems.queues]]\npath = "5"\n')

    code, out, _ = call("discover", "--toml")

    assert code == os.EX_OK
    with path.open("a", encoding="utf-8") as file:
        file.write(out)
    loaded = load(path, os.environ)
    assert loaded.warnings == ()
    (system,) = loaded.config.systems
    assert [one.path for one in system.queues] == ["5", "/6"]
    assert [one.path for one in system.directories] == ["/2"]
    assert system.sip is not None
    assert (
        "everything" in call("discover", "--toml")[1] or "is watched already" in call("discover", "--toml")[1]
    )


def test_of_a_token_the_whole_system_is_pasted(call: Call, simulator: Simulator) -> None:
    _, out, _ = call("discover", "--token-env", "TOKEN", "--base-url", simulator.base_url, "--toml")

    (system,) = tomllib.loads(out)["systems"]
    assert system["token_file"] == "main-token"
    assert system["base_url"] == simulator.base_url
    assert TOKEN not in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json", "--toml"], "one of --json and --toml"),
        (["--base-url", "http://127.0.0.1/"], "go with --token-file"),
        (["--token-env", "NOT_THERE"], "not set, or empty"),
        (["--token-env", "TOKEN", "--token-file", "x"], "one of --token-file and --token-env"),
        (["--token-env", "TOKEN", "--base-url", "http://api.example.org/"], "unencrypted"),
        (["--system", "other"], "no such system; there are: main"),
    ],
)
def test_what_makes_no_sense_is_said(call: Call, simulator: Simulator, words: list[str], said: str) -> None:
    configure(simulator)

    code, out, err = call("discover", *words)

    assert (code, out) == (os.EX_USAGE, "")
    assert said in err


def test_what_could_not_be_learned_is_said_by_the_exit_code_too(call: Call, simulator: Simulator) -> None:
    configure(simulator)
    simulator.faults.set("GetIVR2Dir", Fault.NOT_SUPPORTED)

    code, out, _ = call("discover")

    assert code == os.EX_UNAVAILABLE
    assert "extensions   not learned: not allowed, or not supported" in out
