"""`yemotd db copy` in a terminal: what it says, and how it ends."""

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from daemon.cli.db_copy import EVERY, Lines
from daemon.store import copying
from daemon.store import database as databases
from daemon.store.copy_ends import TABLES
from daemon.store.copying import Progress
from daemon.store.schema import REVISION
from tests.cli.conftest import Call
from tests.support import copies, postgresql
from tests.support.config_files import SYSTEM
from tests.support.copies import ONE_OF_EACH
from tests.support.paths import ROOT

ROWS = sum(map(len, ONE_OF_EACH.values()))
TO = "postgresql+psycopg://yemotd:opensesame@127.0.0.1:1/yemotd"


@pytest.fixture
def full(call: Call) -> Path:
    """A database, in the folder of a terminal."""
    copies.make(Path("from.db"), ONE_OF_EACH)
    return Path.cwd()


def test_what_was_copied_is_said_and_what_to_do_next(call: Call, full: Path) -> None:
    code, out, said = call("db", "copy", "from.db", "sqlite:///to.db")

    assert (code, said) == (0, "")
    first, second = out.splitlines()
    assert first.startswith(f"Copied {ROWS} rows of {len(TABLES)} tables in ")
    assert first.endswith(" s, and compared each.")
    assert second == "Now name sqlite:///to.db as `database` of [daemon], and start yemotd."
    assert copies.held(Path("to.db")) == copies.held(Path("from.db"))


def test_programs_get_the_rows_and_digests_of_each_table(call: Call, full: Path) -> None:
    code, out, said = call("db", "copy", "from.db", "to.db", "--json")
    found = json.loads(out)

    assert (code, said, found["revision"]) == (0, "", REVISION)
    assert found["tables"].keys() == {table.name for table in TABLES}
    assert {name: one["rows"] for name, one in found["tables"].items() if one["rows"]} == {
        name: len(rows) for name, rows in ONE_OF_EACH.items()
    }
    assert len({one["digest"] for one in found["tables"].values()}) == len(ONE_OF_EACH) + 1  # that of nothing
    assert found["tables"]["events"]["number"] == 7
    assert found["tables"]["silences"]["number"] is None


NOT_EMPTY = "full.db is not empty: name a new file, or a database without tables"
NO_DATABASE = "text.db: file is not a database; the path leads to some other file"
NO_FILE = 'FROM = sqlite://: expected the path of a file, as in "sqlite:///yemotd.db"'
OTHER_KIND = 'FROM = mysql://a:***@b/c: expected "sqlite:///yemotd.db" or'


@pytest.mark.parametrize(
    ("from_", "to", "code", "why"),
    [
        ("away.db", "to.db", os.EX_IOERR, "there is no database away.db in "),
        ("from.db", "from.db", os.EX_USAGE, "FROM and TO are the same database"),
        ("sqlite://", "to.db", os.EX_USAGE, NO_FILE),
        ("mysql://a:opensesame@b/c", "to.db", os.EX_USAGE, OTHER_KIND),
        ("from.db", "postgresql+psycopg://a:opensesame@b:port/c", os.EX_USAGE, "TO = ***: expected"),
        ("from.db", "to.db?mode=ro", os.EX_USAGE, 'TO = sqlite:///to.db?mode=ro: has "mode" behind'),
        ("from.db", "no/to.db", os.EX_IOERR, "no/to.db.lock: No such file or directory"),
        ("from.db", "full.db", os.EX_IOERR, NOT_EMPTY),
        ("text.db", "to.db", os.EX_IOERR, NO_DATABASE),
        ("from.db", "text.db", os.EX_IOERR, NO_DATABASE),
    ],
)
def test_what_cannot_be_copied_is_said_in_a_sentence(
    call: Call, full: Path, from_: str, to: str, code: int, why: str
) -> None:
    copies.make(Path("full.db"), ONE_OF_EACH)
    Path("text.db").write_text("A text, and longer than the head of a database is. " * 3, encoding="utf-8")
    found, out, said = call("db", "copy", from_, to)

    assert (found, out) == (code, "")
    assert why in said
    assert "opensesame" not in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("to", [TO, "postgresql+psycopg://127.0.0.1:1/yemotd?user=a&password=opensesame"])
def test_a_server_that_is_away_is_named_without_its_password(call: Call, full: Path, to: str) -> None:
    code, out, said = call("db", "copy", "from.db", to)

    assert (code, out) == (os.EX_IOERR, "")
    assert said.startswith("postgresql+psycopg://")
    assert "Connection refused" in said
    assert "opensesame" not in said
    assert len(said.splitlines()) == 1


def test_an_error_of_ours_shows_no_password_either(
    call: Call, full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*words: object) -> None:
        raise RuntimeError(repr(words))

    monkeypatch.setattr(copying, "copy", breaks)
    code, _, said = call("db", "copy", "from.db", TO)

    assert code == os.EX_SOFTWARE
    assert "verb.crashed" in said
    assert "opensesame" not in said


def test_what_is_half_a_copy_is_no_database_for_any_verb(
    call: Call, full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: object) -> None:
        raise KeyboardInterrupt

    Path("config.toml").touch(mode=0o600)
    settings = '[daemon]\ndatabase = "sqlite:///to.db"\n' + SYSTEM + "[systems.sms]\n"
    Path("config.toml").write_text(settings, encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(Lines, "__call__", ends)
        code, out, said = call("db", "copy", "from.db", "to.db")
    assert (code, out) == (130, "")
    assert said == "Interrupted. Called with the same words, it goes on where it was.\n"

    for words in (("status",), ("events", "list"), ("db", "check"), ("db", "upgrade"), ("db", "prune")):
        code, out, said = call(*words)
        assert (code, out) == (os.EX_IOERR, "")
        assert said == (
            "sqlite:///to.db holds a copy that is not complete: call `yemotd db copy` with the same words as "
            "before, and it goes on\n"
        )

    assert call("db", "copy", "from.db", "to.db")[0] == 0
    databases.connect("sqlite:///to.db").close()


def test_a_line_is_said_every_few_seconds_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    lines = Lines(lambda: now)
    for second in range(21):
        now = second / 1.0
        lines(Progress("copied", "events", second * 1000, 21_000))

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        f"copied {done:,} of 21,000 rows; now events" for done in range(5000, 21_000, 5000)
    ]
    assert EVERY == 5


@pytest.mark.slow
def test_a_terminal_shows_a_bar_beside_the_output(full: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "db", "copy", str(full / "from.db"), str(full / "to.db"), "--json"],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
    )
    os.close(theirs)
    shown = b""
    with closing(os.fdopen(ours, "rb", buffering=0)) as screen:
        try:
            while part := screen.read(4096):
                shown += part
        except OSError:  # its other end is closed
            pass

    assert json.loads(done.stdout)["tables"]["events"]["rows"] == 7
    text = shown.decode()
    assert "copied" in text
    assert "checked" in text
    assert f"{ROWS} of {ROWS} rows, " in text
    assert "100%" in text


@pytest.mark.slow
@pytest.mark.needs(*postgresql.NEEDED)
def test_there_and_back_by_its_words(call: Call, full: Path) -> None:
    there = postgresql.empty_url()
    code, out, _ = call("db", "copy", "from.db", there, "--json")
    assert code == 0
    code, back, _ = call("db", "copy", there, "back.db", "--json")
    assert code == 0

    first, second = json.loads(out)["tables"], json.loads(back)["tables"]
    assert first.pop("silences") == {**second.pop("silences"), "pictured": 5}
    assert first == second
    assert copies.held(Path("back.db")) == copies.held(Path("from.db"), pictured=True)
    Path("from.db").rename("again.db")
    _, said, _ = call("db", "copy", "again.db", postgresql.empty_url())
    assert (
        "\n5 rows had a NUL in a text, which PostgreSQL cannot hold: its picture, ␀, stands there now.\n"
        in said
    )


@pytest.mark.slow
def test_ended_by_ctrl_c_it_says_that_it_goes_on(full: Path) -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, signal, sys\n"
            "from daemon.cli import db_copy, main\n"
            "db_copy.Lines.__call__ = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
            "sys.argv = ['yemotd', 'db', 'copy', *sys.argv[1:]]\n"
            "main.main()",
            str(full / "from.db"),
            str(full / "to.db"),
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    _, said = child.communicate()

    assert child.returncode == 128 + signal.SIGINT
    assert said == "Interrupted. Called with the same words, it goes on where it was.\n"
