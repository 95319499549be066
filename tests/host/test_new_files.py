"""New files: all of them or none, whatever ends the process, and at whatever moment.

A process is killed, or its disk is full, at each of its steps in turn: Python tells of every one of them
(`sys.addaudithook`), so that nothing in the code knows that it is tried.
"""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.host import new_files
from daemon.host.new_files import NewFile, NewFilesError, Replaced
from tests.support.paths import ROOT

CHILD = """
import errno, json, os, signal, sys
from pathlib import Path
from daemon.host import new_files
from daemon.host.new_files import NewFile, NewFilesError, Replaced
folder, at, way, example = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
steps = 0
def step(event, args):
    global steps
    if event not in EVENTS or str(folder) not in str(args[0]):
        return
    steps += 1
    if steps - 1 != at:
        return
    if way == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    if way == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(args[0]))
EVENTS = {"open", "os.mkdir", "os.link", "os.rename", "os.remove", "os.rmdir"}
def end(number, frame):
    raise SystemExit(3)
signal.signal(signal.SIGTERM, end)
files = [NewFile(folder / name, text) for name, text in json.loads(sys.argv[5])]
replaced = Replaced(example.encode(), files[-1].path.with_name("kept")) if example else None
sys.addaudithook(step)
try:
    new_files.make(files, replaced=replaced)
except NewFilesError as error:
    print(error)
    sys.exit(2)
sys.exit(0 if steps > at else 9)
"""
FILES = [("secrets/token", "one\n"), ("secrets/hook", "two\n"), ("config.toml", "all\n")]
EXAMPLE = "the package's"
NEVER = 10_000


def run(folder: Path, at: int, way: str, example: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", CHILD, str(folder), str(at), way, example, json.dumps(FILES)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=environment)


def there(folder: Path) -> dict[str, str]:
    """Every file that is nobody's leftover, and what is in it."""
    return {
        str(one.relative_to(folder)): one.read_text(encoding="utf-8")
        for one in folder.rglob("*")
        if one.is_file() and not one.relative_to(folder).parts[0].startswith(new_files.PREFIX)
    }


def prepared(folder: Path, example: str) -> dict[str, str]:
    folder.mkdir()
    (folder / "other").write_text("mine", encoding="utf-8")
    if example:
        (folder / "config.toml").write_text(example, encoding="utf-8")
    return there(folder)


@pytest.mark.slow
@pytest.mark.parametrize("example", ["", EXAMPLE], ids=["new", "beside an example"])
@pytest.mark.parametrize("way", ["kill", "term", "full"])
def test_at_whatever_step_it_ends_there_are_all_files_or_none(tmp_path: Path, way: str, example: str) -> None:
    whole = {**dict(FILES), "other": "mine", **({"kept": EXAMPLE} if example else {})}
    for at in range(NEVER):
        folder = tmp_path / str(at)
        before = prepared(folder, example)
        ended = run(folder, at, way, example)
        if ended.returncode == 9:
            break  # it has no such step
        after = there(folder)
        is_made = after.get("config.toml") == "all\n"
        if is_made:
            assert after == whole, (at, after)
        elif way != "kill":
            assert {**after, **before} == after, (at, after)
            assert after.keys() - before.keys() <= {"kept"}, (at, after)
            assert ended.returncode == 2, (at, ended)
        if way != "kill":
            assert not list(folder.glob(f"{new_files.PREFIX}*")) or way == "full"
        again = run(folder, NEVER, way, example if not is_made else "")
        assert there(folder) == whole, (at, again)
        assert not list(folder.glob(f"{new_files.PREFIX}*")), at
    assert at > 10


@pytest.mark.slow
def test_of_two_at_once_one_makes_all_and_the_other_nothing(tmp_path: Path) -> None:
    for turn in range(5):
        folder = tmp_path / str(turn)
        prepared(folder, "")
        words = [sys.executable, "-c", CHILD, str(folder), str(NEVER), "kill", ""]
        both = [
            subprocess.Popen(
                [*words, json.dumps([(name, f"{text}{who}") for name, text in FILES])],
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            for who in "ab"
        ]
        codes = [one.wait(60) for one in both]

        assert sorted(codes) == [2, 9], codes
        whose = "ab"[codes.index(9)]
        assert there(folder) == {"other": "mine", **{name: f"{text}{whose}" for name, text in FILES}}
        assert not list(folder.glob(f"{new_files.PREFIX}*"))


@pytest.mark.slow
def test_a_disk_that_takes_no_more_leaves_nothing(tmp_path: Path) -> None:
    """A limit of the process's files: each write beyond it fails, as on a full disk."""
    folder = tmp_path / "full"
    before = prepared(folder, "")
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))\n" + CHILD
    words = [sys.executable, "-c", limited, str(folder), str(NEVER), "kill", "", json.dumps(FILES)]
    ended = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )

    assert (ended.returncode, "too large" in ended.stdout) == (2, True), ended
    assert there(folder) == before
    assert [one.name for one in folder.iterdir()] == ["other"]


def test_nothing_that_exists_is_overwritten_and_nothing_is_left(tmp_path: Path) -> None:
    for stands in ("secrets/token", "secrets/hook", "config.toml"):
        folder = tmp_path / stands.replace("/", "-")
        (folder / "secrets").mkdir(parents=True)
        (folder / stands).write_text("mine", encoding="utf-8")

        with pytest.raises(NewFilesError, match="is there already, and nothing is overwritten"):
            new_files.make([NewFile(folder / name, text) for name, text in FILES])

        assert there(folder) == {stands: "mine"}
        assert not list(folder.glob(f"{new_files.PREFIX}*"))


def test_what_was_changed_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("mine", encoding="utf-8")

    with pytest.raises(NewFilesError, match="was changed meanwhile"):
        new_files.make(
            [NewFile(tmp_path / name, text) for name, text in FILES],
            replaced=Replaced(EXAMPLE.encode(), tmp_path / "kept"),
        )

    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "secrets").exists()


def test_files_and_folders_are_their_owner_s_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        new_files.make([NewFile(tmp_path / "inner" / name, text) for name, text in FILES])
    finally:
        os.umask(before)

    assert {one.stat().st_mode & 0o777 for one in tmp_path.rglob("*") if one.is_file()} == {0o600}
    assert {one.stat().st_mode & 0o777 for one in tmp_path.rglob("*") if one.is_dir()} == {0o700}


def test_a_file_of_a_group_can_be_read_by_it(tmp_path: Path) -> None:
    new_files.make([NewFile(tmp_path / "a", "x", os.getgid()), NewFile(tmp_path / "b", "x")])

    assert [(tmp_path / one).stat().st_mode & 0o777 for one in "ab"] == [0o640, 0o600]


def test_what_a_process_works_on_that_lives_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / f"{new_files.PREFIX}of-another"
    folder.mkdir()
    (folder / "0").write_text("x", encoding="utf-8")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        new_files.recovered(tmp_path)
        assert (folder / "0").exists()
    finally:
        os.close(descriptor)

    new_files.recovered(tmp_path)
    assert not folder.exists()


def test_a_leftover_takes_nothing_away_but_its_own(tmp_path: Path) -> None:
    """A file of the same name that somebody else has put there since is not ours."""
    folder = tmp_path / f"{new_files.PREFIX}killed"
    folder.mkdir()
    for number, (_, text) in enumerate(FILES):
        (folder / str(number)).write_text(text, encoding="utf-8")
    (folder / new_files.PLACES).write_text(
        "\0".join(str(tmp_path / name) for name, _ in FILES), encoding="utf-8"
    )
    (tmp_path / "secrets").mkdir()
    os.link(folder / "0", tmp_path / "secrets" / "token")
    (tmp_path / "secrets" / "hook").write_text("somebody's", encoding="utf-8")

    new_files.recovered(tmp_path)

    assert there(tmp_path) == {"secrets/hook": "somebody's"}
