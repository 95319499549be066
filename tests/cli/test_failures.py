"""An error of ours in a verb: 70, and its stack in the log, which shows no secret."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from daemon.cli import check, verify
from daemon.core.visible import visible
from daemon.store import database as databases
from tests.cli.conftest import TOKEN, Call
from tests.cli.test_verbs import configure
from tests.support.config_files import QUIET, SYSTEM
from tests.support.paths import ROOT
from tests.support.process import inherited

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def raises(*_: object, **__: object) -> NoReturn:
    raise KeyError(f"{TOKEN} {SIGNING} \x1b[2J")


def crashed(said: str) -> list[dict[str, Any]]:
    """The lines that tell of an error of ours; all else that is said is a line of the log, too."""
    lines = [json.loads(line) for line in said.splitlines()]
    return [line for line in lines if str(line["event"]).endswith(".crashed")]


@pytest.mark.parametrize(
    ("words", "module", "name"),
    [
        (("status",), databases, "connect"),
        (("db", "prune"), databases, "connect"),
        (("check",), check, "say"),
        (("verify", "--secret-env", "SIGNING", "--body", "config.toml"), verify, "judge"),
    ],
    ids=["status", "db prune", "check", "verify"],
)
def test_an_error_of_ours_ends_each_verb_with_70_and_goes_to_the_log(
    call: Call, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], module: object, name: str
) -> None:
    configure(QUIET + SYSTEM + "[systems.sip]\n")
    monkeypatch.setattr(module, name, raises)
    code, _, said = call(*words)

    (line,) = crashed(said)
    assert (code, line["event"], line["level"]) == (os.EX_SOFTWARE, "verb.crashed", "critical")
    assert "in raises\n" in line["exception"]
    assert said == visible(said)
    secret = SIGNING if words[0] == "verify" else TOKEN
    assert secret not in said
    assert "***" in line["exception"]


STARTED = f"""
import sys
from daemon.app.lifecycle import App
from daemon.cli.main import main

def raises(*_, **__):
    raise KeyError({TOKEN!r})

setattr(App, sys.argv[1], raises)
sys.argv[1:] = ["run"]
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("part", ["__init__", "_recover", "_start_commanding", "tend"])
def test_so_does_one_of_the_daemon_at_its_start_and_later(call: Call, part: str) -> None:
    configure(QUIET + SYSTEM + 'base_url = "http://127.0.0.1:9/"\n[systems.sip]\n')
    ended = subprocess.run(
        [sys.executable, "-c", STARTED, part],
        cwd=Path.cwd(),
        env={**inherited(), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    (line,) = crashed(ended.stderr)
    assert (ended.returncode, line["event"]) == (os.EX_SOFTWARE, "daemon.crashed")
    assert "in raises\n" in line["exception"]
    assert TOKEN not in ended.stderr


def test_one_before_anything_was_loaded_is_told_all_the_same(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.config.load.find", raises)
    code, out, said = call("status")

    assert (code, out, len(crashed(said))) == (os.EX_SOFTWARE, "", 1)


def test_an_output_that_fails_beside_it_does_not_hide_it() -> None:
    beginning = "import sys; from daemon.cli import check; from daemon.cli.main import main; "
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [
                sys.executable,
                "-c",
                beginning
                + "check.load = lambda _, **_named: print('x') or {}[0]; sys.argv[1:] = ['check']; main()",
            ],
            env=inherited(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert ended.returncode == os.EX_SOFTWARE
    assert ended.stderr.endswith("\nstandard output: No space left on device\n")
