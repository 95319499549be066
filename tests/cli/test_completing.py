"""What shells propose: asked as they ask, by real processes, and from bash, zsh and fish themselves."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.cli import completing
from tests.cli.conftest import Call, Room
from tests.support.parts import program
from tests.support.paths import ROOT
from tests.support.process import inherited
from tests.support.terminal import TerminalSession

pytestmark = pytest.mark.slow
COMPLETION = ROOT / "packaging" / "completion"


def proposed(line: str, **environment: str) -> list[str]:
    """What bash is told of a line with the cursor at its end."""
    words = line.split()
    number = len(words) if line.endswith(" ") else len(words) - 1
    ended = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['yemotd']; from daemon.__main__ import main; main()"],
        env={
            **inherited(),
            "PYTHONPATH": str(ROOT),
            "_YEMOTD_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(number),
            "TOKEN": "0773137770:x",
            "SIGNING": os.environ["SIGNING"],
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr == ""
    return ended.stdout.split()


def test_values_are_those_of_the_store(room: Room, call: Call) -> None:
    silence = json.loads(call("silence", "list", "--json")[1])["id"]

    assert proposed("yemotd events list --system ") == ["main"]
    assert proposed("yemotd endpoints test c") == ["crm"]
    assert room.event in proposed("yemotd events show ")
    assert room.event in proposed("yemotd event show evt_")
    assert proposed("yemotd silence expire ") == [silence]
    assert proposed("yemotd command show ") == [room.command]
    assert "1" in proposed("yemotd deliveries show ")
    assert proposed("yemotd explain inc") == ["inc_1"]
    assert "sip/077" in proposed("yemotd explain sip")
    assert proposed("yemotd poll --watch ") == ["sip"]


def test_the_configuration_before_the_verb_counts(room: Room) -> None:
    os.rename("config.toml", "other.toml")
    assert proposed("yemotd -c other.toml endpoints test ") == ["crm"]
    assert proposed("yemotd endpoints test --config other.toml ") == ["crm"]


def test_where_there_is_nothing_there_is_silence(call: Call) -> None:
    assert proposed("yemotd endpoints test ") == []
    Path("config.toml").write_text("half", encoding="utf-8")
    assert proposed("yemotd endpoints test ") == []
    assert proposed("yemotd endpoints test ", YEMOTD_URL="http://127.0.0.1:9", YEMOTD_TOKEN_FILE="none") == []
    assert "events" in proposed("yemotd ")


MAILBOX = """
[smtp]
host = "x.example.org"
from = "y@example.org"
[[emails]]
name = "ops"
to = ["anna@example.org"]
"""
COMPLETED = [
    ("yemotd endpoints test cr", "crm"),
    ("yemotd silence exp", "expire"),
    ("yemotd explain sip/0", "sip/077"),
    ("yemotd endpoints test ops/anna@", "ops/anna@example.org"),
    ("yemotd -c config.toml events list --system m", "main"),
]
completed = pytest.mark.parametrize(("line", "word"), COMPLETED)


@pytest.fixture
def command(room: Room, tmp_path: Path) -> dict[str, str]:
    """`yemotd` on a path, and one mailbox more."""
    path = tmp_path / "bin" / "yemotd"
    path.parent.mkdir()
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from daemon.__main__ import main\nmain()\n"
    )
    path.chmod(0o755)
    configuration = Path("config.toml")
    configuration.write_text(configuration.read_text(encoding="utf-8") + MAILBOX, encoding="utf-8")
    here = {"TOKEN": "0773137770:x", "SIGNING": os.environ["SIGNING"], "HOME": str(tmp_path)}
    return {**inherited(), **here, "PATH": f"{path.parent}:{os.environ['PATH']}"}


def said(environment: dict[str, str], *words: str) -> str:
    """What a shell prints, which complains of nothing."""
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr == ""
    return ended.stdout


@completed
def test_bash_is_told_what_stands_behind_the_last_break(
    command: dict[str, str], line: str, word: str
) -> None:
    script = (
        f"source {COMPLETION}/yemotd.bash\n"
        f"COMP_LINE={line!r} COMP_POINT={len(line)}\n_yemotd yemotd\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )

    assert said(command, program("bash"), "--norc", "-c", script).split() == [re.split("[@:=]", word)[-1]]


@pytest.mark.needs("fish")
@completed
def test_fish_proposes_it(command: dict[str, str], line: str, word: str) -> None:
    script = f"source {COMPLETION}/yemotd.fish; complete --do-complete {shlex.quote(line)}"

    proposals = said(command, program("fish"), "--no-config", "-c", script).splitlines()

    assert [one.partition("\t")[0] for one in proposals] == [word]


@pytest.mark.needs("fish")
def test_fish_is_told_what_each_is_and_proposes_files_where_there_is_nothing_else(
    command: dict[str, str],
) -> None:
    script = f"source {COMPLETION}/yemotd.fish; complete --do-complete "
    fish = (program("fish"), "--no-config", "-c")

    assert "explain\tShow, in order, what was seen" in said(command, *fish, f"{script}'yemotd ex'")
    assert "config.toml" in said(command, *fish, f"{script}'yemotd --config conf'")


@pytest.mark.needs("zsh")
@completed
def test_zsh_completes_it_at_the_tab(command: dict[str, str], line: str, word: str) -> None:
    with zsh(command) as terminal:
        terminal.press(f"{line}\t\x18".encode())
        terminal.expect("LINE=[")
        shown = terminal.expect("]")

    assert shown.removesuffix("]").strip() == f"{line.rpartition(' ')[0]} {word}"


@pytest.mark.needs("zsh")
def test_zsh_evaluates_nothing_of_what_is_proposed(command: dict[str, str], tmp_path: Path) -> None:
    hostile = "sip/0$(touch evaluated)`touch evaluated`"
    path = tmp_path / "bin" / "yemotd"
    path.write_text("#!/bin/sh\ncat <<'END'\n" + hostile + "\tof `touch evaluated` strangers\nEND\n")
    with zsh(command) as terminal:
        terminal.press(b"yemotd explain sip/0\t\x18")
        terminal.expect("LINE=[yemotd explain sip/0")
        terminal.expect("]")

    assert not Path("evaluated").exists()


@contextmanager
def zsh(environment: dict[str, str]) -> Iterator[TerminalSession]:
    """One that completes as after a login, and shows the line that is written at ^X."""
    fresh = {"TERM": "dumb", "ZDOTDIR": environment["HOME"]}
    start = (
        "PROMPT='ready> '; setopt NO_BEEP\n"
        f"fpath=({COMPLETION} $fpath); autoload -Uz compinit; compinit -u -D\n"
        "shown() { print; print -r -- \"LINE=[$BUFFER]\" }; zle -N shown; bindkey '^X' shown\n"
    )
    (Path(environment["HOME"]) / ".zshrc").write_text(start)
    with TerminalSession(
        Path.cwd(), "-i", columns=200, environment={**environment, **fresh}, program=(program("zsh"), "-d")
    ) as terminal:
        terminal.expect("ready>")
        yield terminal


def test_nothing_of_what_completes_is_loaded_before_it_is_asked() -> None:
    source = Path(completing.__file__).read_text(encoding="utf-8")
    heads = [one for one in source.splitlines() if one.startswith(("from daemon", "import daemon"))]
    assert heads == []
