"""Standard output as shells give it: full, closed, left by its reader, in letters that it does not have. Each
verb ends with the right exit code and without a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import STORED, Call, Room
from tests.support.process import inherited

pytestmark = pytest.mark.slow

FORKING = """
import json, os, sys
from importlib import import_module
from daemon.cli.main import main
from daemon.cli.verbs import VERBS

for verb in VERBS:
    import_module(f"daemon.cli.{verb}")

def ended(words, output):
    reader, heard = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(heard, 2)
        if output == "closed":
            os.close(1)
        elif output == "left":
            nobody, pipe = os.pipe()
            os.close(nobody)
            os.dup2(pipe, 1)
        else:
            os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        sys.argv = ["yemotd", *words]
        try:
            main()
        except SystemExit as end:
            os._exit(end.code or 0)  # to take the interpreter apart costs more than all that it did
    os.close(heard)
    with open(reader) as complaint:
        said = complaint.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said

asked = json.load(sys.stdin)
print(json.dumps([ended(words, asked["output"]) for words in asked["verbs"]]))
"""
"""What a shell does, but that the program is loaded once."""
HEBREW = "שלום ✓ 😀"
VERBS = (
    *STORED,
    *((*verb, "--json") for verb in STORED),
    ("--help",),
    ("events", "--help"),
    ("--version",),
    ("check",),
    ("poll", "--json"),
    ("poll",),
    ("verify", "--body", "config.toml", "--endpoint", "crm", "--header", "webhook-id: א"),
    ("db", "check"),
    ("db", "prune"),
    ("db", "backup", "copy.db"),
    ("silence", "add", "--comment", HEBREW, "--for", "1h", "--type", "sip.*"),
    ("endpoints", "disable", "crm"),
    ("endpoints", "enable", "crm"),
    ("command", "add", "queue.pause", "queue_path=/5", f"agent={HEBREW}"),
    ("command", "cancel", "{command}"),
    ("deliveries", "retry", "1"),
    ("check", "--config", "absent.toml"),
)
SILENT = {("check", "--config", "absent.toml")}
"""They say nothing on standard output."""
FOLLOWING = (
    ("events", "tail"),
    ("events", "tail", "--json"),
    ("simulate", "--port", "0", "--scenario", "quiet"),
)


@pytest.fixture
def directory(call: Call, room: Room, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("YEMOTD_CONFIG", "config.toml")
    room.fill(HEBREW)
    # Nobody answers there, at once.
    path = Path("config.toml")
    path.write_text(
        path.read_text("utf-8").replace("[systems.sip]", 'base_url = "http://127.0.0.1:9/"\n[systems.sip]')
    )
    return Path.cwd()


def ended(room: Room, verbs: Any, output: str, **environment: str) -> list[tuple[int, str]]:
    """How each verb ended with that standard output, and what it complained of."""
    words = [room.words(verb) for verb in verbs]
    done = subprocess.run(
        [sys.executable, "-c", FORKING],
        input=json.dumps({"verbs": words, "output": output}),
        env={**inherited(), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return [(code, said) for code, said in json.loads(done.stdout)]


@pytest.fixture
def well(room: Room, directory: Path) -> list[int]:
    """The codes of the verbs where somebody reads."""
    found = ended(room, VERBS, os.devnull)
    assert not [said for _, said in found if "Traceback" in said]
    return [code for code, _ in found]


def test_a_full_disk_behind_it_is_said(room: Room, directory: Path) -> None:
    for verb, (code, said) in zip(VERBS, ended(room, VERBS, "/dev/full"), strict=True):
        if verb in SILENT:
            assert (verb, code) == (verb, os.EX_CONFIG)
        else:
            assert (verb, code, said.splitlines()[-1]) == (
                verb,
                os.EX_IOERR,
                "standard output: No space left on device",
            )
        assert "Traceback" not in said


def test_one_that_is_closed_is_said(room: Room, directory: Path) -> None:
    for verb, (code, said) in zip(STORED, ended(room, STORED, "closed"), strict=True):
        assert (verb, code, said) == (verb, os.EX_IOERR, "standard output: Bad file descriptor\n")


def test_a_reader_that_has_left_changes_nothing(room: Room, directory: Path, well: list[int]) -> None:
    room.fill(HEBREW)
    for verb, code, (left, said) in zip(VERBS, well, ended(room, VERBS, "left"), strict=True):
        beside_the_log = [line for line in said.splitlines() if not line.startswith("{")]
        assert (verb, left, beside_the_log if verb not in SILENT else []) == (verb, code, [])


def test_what_follows_ends_when_its_reader_leaves(room: Room, directory: Path) -> None:
    for verb, (code, said) in zip(FOLLOWING, ended(room, FOLLOWING, "left"), strict=True):
        assert (verb, code, said) == (verb, 0, "")


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "cp1255"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["cp1255", "ascii", "C"],
)
def test_letters_that_it_does_not_have_are_spelled_out(
    room: Room, directory: Path, well: list[int], environment: dict[str, str]
) -> None:
    room.fill(HEBREW)
    ended(room, [("events", "list", "--type", "sms.*", "--json")], "out", **environment)
    assert json.loads(Path("out").read_text("utf-8"))["data"]["sms"]["text"] == HEBREW
    for verb, code, (ends, said) in zip(VERBS, well, ended(room, VERBS, "out", **environment), strict=True):
        assert (verb, ends, "Traceback" in said) == (verb, code, False)


def test_what_is_not_open_at_the_start_is_no_file_of_ours_later(room: Room, directory: Path) -> None:
    """The database would get the number of a standard stream, and what is printed would go into it."""
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m daemon status <&- >&- 2>&-"],
        env=inherited(),
        check=False,
    )

    assert done.returncode == os.EX_IOERR


def test_a_reader_who_leaves_a_pipe_later_ends_what_follows(room: Room, directory: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "daemon", "events", "tail", "--json"],
        env=inherited(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdout is not None
    assert running.stderr is not None
    assert json.loads(running.stdout.readline())
    running.stdout.close()

    assert running.wait(30) == 0
    assert running.stderr.read() == b""
    running.stderr.close()
