"""Every verb on a database that cannot be used: 74 and the reason, never a traceback."""

import codecs
import os
import resource
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from daemon.cli.verbs import VERBS
from daemon.store import backup as backups
from daemon.store import moorings, sqlite
from tests.cli.conftest import Call
from tests.cli.test_verbs import configure
from tests.support import stores
from tests.support.config_files import SYSTEM, WEBHOOK

CONFIGURATION = (
    "[http]\nlisten = ''\n"
    + SYSTEM
    + 'base_url = "http://127.0.0.1:9/ym/api/"\ncommands = ["*"]\nsms_units_per_day = 5\n[systems.sms]\n'
    + WEBHOOK
)

WRITING = (
    "silence add --comment x --for 1h",
    "endpoints disable crm",
    "endpoints enable crm",
    "endpoints test crm",
    "command add queue.pause queue_path=/5 agent=SIP-1",
    "db prune",
    "db upgrade",
    "poll",
    "contacts add 0541234567 Dana",
    "recordings revoke evt_0",
    "sms send hello --to 0501234567",
)
"""These have to write; what there is not to be found is refused before: `silence expire`, `deliveries retry`,
`command cancel`."""
MAY_WRITE = (
    "silence expire sil_0",
    "deliveries retry 1",
    "command cancel cmd_0",
    "endpoints replay crm",
    "alerts ack inc_0",
    "missed done cb_0",
)
READING = (
    "status",
    "now",
    "explain sip/0773137770",
    "events list",
    "events show evt_0",
    "alerts list",
    "silence list",
    "db check",
    "db backup copy.db",
    "deliveries list",
    "deliveries show 1",
    "endpoints list",
    "command list",
    "command show cmd_0",
    "poll --dry-run",
    "sms list",
    "sms search shalom",
    "sms show evt_0",
    "contacts list",
    "digests list",
    "missed list",
    "recordings list",
    "rehearse config.toml",
)
WITHOUT = {"run", "check", "demo", "discover", "init", "simulate", "verify"}
"""Verbs that use no database, and the one that is a process of its own."""
ALL = (*WRITING, *MAY_WRITE, *READING)
NOTHING_FOUND = {os.EX_OK, os.EX_USAGE, os.EX_DATAERR, os.EX_UNAVAILABLE}


def test_every_verb_is_here() -> None:
    assert {line.split()[0] for line in ALL} | WITHOUT == set(VERBS)


@pytest.fixture
def path(call: Call, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound database, and nobody who waits long for a lock."""
    monkeypatch.setattr(sqlite, "PRAGMAS", ("busy_timeout=10", *sqlite.PRAGMAS[1:]))
    for one in (moorings, backups):
        monkeypatch.setattr(one, "BUSY_MILLISECONDS", 10)
    configure(CONFIGURATION)
    stores.on_file(Path("yemotd.db")).close()
    return Path("yemotd.db")


def words(line: str) -> list[str]:
    return line.split()


def failed(call: Call, line: str, reason: str) -> None:
    code, _, said = call(*words(line))
    assert (code, reason in said, said.count("\n")) == (os.EX_IOERR, True, 1), (line, code, said)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def held_alone(path: Path) -> Iterator[None]:
    """Another program keeps it for itself: nobody can even read."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def full(most: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as on a full disk."""
    before, writes_modules = resource.getrlimit(resource.RLIMIT_FSIZE), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # a compiled module that is cut short stays so
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = writes_modules


@pytest.mark.parametrize("line", WRITING)
def test_what_writes_beside_another_that_writes(call: Call, path: Path, line: str) -> None:
    with held(path):
        failed(call, line, "database is locked; another program holds it")


@pytest.mark.parametrize("line", [*MAY_WRITE, *READING])
def test_what_reads_beside_another_that_writes(call: Call, path: Path, line: str) -> None:
    with held(path):
        code, _, said = call(*words(line))
    assert code in NOTHING_FOUND or (code == os.EX_IOERR and "locked" in said)
    assert "Traceback" not in said


@pytest.mark.parametrize("line", ALL)
def test_one_that_another_program_keeps_for_itself(call: Call, path: Path, line: str) -> None:
    with held_alone(path):
        failed(call, line, "database is locked; another program holds it")


@pytest.mark.parametrize("line", [one for one in WRITING if one != "poll"])
@pytest.mark.parametrize("most", [1, 4096, 20_000])
def test_a_full_disk(call: Call, path: Path, line: str, most: int) -> None:
    with full(most):
        code, _, said = call(*words(line))
    assert "Traceback" not in said
    assert code in (os.EX_OK, os.EX_IOERR, os.EX_UNAVAILABLE)
    if most == 1:
        assert code == os.EX_IOERR
        assert any(one in said for one in ("full", "I/O", "too large"))


@pytest.mark.parametrize("line", ALL)
def test_none(call: Call, path: Path, line: str) -> None:
    path.unlink()
    if line in ("poll", "poll --dry-run", "db upgrade"):  # they do without, or make one
        assert call(*words(line))[0] in (os.EX_OK, os.EX_UNAVAILABLE)
        return
    failed(call, line, f"there is no database yemotd.db in {Path.cwd()}")


@pytest.mark.parametrize("line", ALL)
def test_some_other_file(call: Call, path: Path, line: str) -> None:
    path.write_bytes(b"not a database at all, but long enough to be one" * 100)
    failed(call, line, "file is not a database")


@pytest.mark.parametrize("revision", [None, "3f9a1c0b7d2e"])
@pytest.mark.parametrize("line", [one for one in ALL if one not in ("db check", "db backup copy.db")])
def test_one_of_another_program_is_left_as_it_is(
    call: Call, path: Path, line: str, revision: str | None
) -> None:
    """Also of one that keeps the revision of its tables as we do."""
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE invoices (number INTEGER)")
        if revision:
            other.execute("CREATE TABLE alembic_version (version_num TEXT)")
            other.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
        other.commit()
    path.chmod(0o644)
    before = path.read_bytes()
    failed(call, line, 'is another program\'s database (it has a table "invoices"): name a file of its own')

    assert path.read_bytes() == before
    assert revision or path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("line", ALL)
def test_a_folder(call: Call, path: Path, line: str) -> None:
    path.unlink()
    path.mkdir()
    failed(call, line, "unable to open database file")


@pytest.mark.parametrize("line", [one for one in ALL if one not in ("db check", "db backup copy.db")])
def test_one_that_a_newer_program_wrote(call: Call, path: Path, line: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.commit()
    failed(call, line, "9999")


@pytest.mark.parametrize("line", ALL)
@pytest.mark.parametrize("page", [2, 5, 9, 14, 20])
def test_a_damaged_one(call: Call, path: Path, line: str, page: int) -> None:
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xff" * 4096 * 3)
    code, _, said = call(*words(line))
    assert "Traceback" not in said
    assert code in NOTHING_FOUND | {os.EX_IOERR}
    if code == os.EX_IOERR and line != "db check":
        assert "malformed" in said or "not sound" in said


@pytest.mark.parametrize("line", ALL)
def test_one_that_was_cut_short(call: Call, path: Path, line: str) -> None:
    os.truncate(path, path.stat().st_size // 2)
    code, _, said = call(*words(line))
    assert "Traceback" not in said
    assert code == os.EX_IOERR, (line, said)


def test_damage_is_really_seen(call: Call, path: Path) -> None:
    """The damage of the tests above is some."""
    found = set()
    whole = path.read_bytes()
    for page in (2, 5, 9, 14, 20):
        path.write_bytes(whole[: page * 4096] + b"\xff" * 4096 * 3 + whole[(page + 3) * 4096 :])
        found.add(call("db", "check")[0])
    assert found == {os.EX_IOERR}


as_a_stranger = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@contextmanager
def somebody_else() -> Iterator[None]:
    """As a user to whom nothing belongs. All is loaded before: Python's own files may not be his to read."""
    for verb in VERBS:
        import_module(f"daemon.cli.{verb}")
    codecs.lookup("idna")
    with ExitStack() as back:
        os.setegid(65534)
        back.callback(os.setegid, 0)
        os.seteuid(65534)
        back.callback(os.seteuid, 0)
        yield


@as_a_stranger
@pytest.mark.parametrize("is_folder_closed", [True, False])
@pytest.mark.parametrize("line", ALL)
def test_one_that_belongs_to_somebody_else(
    call: Call, path: Path, monkeypatch: pytest.MonkeyPatch, line: str, is_folder_closed: bool
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "data").mkdir(mode=0o750 if is_folder_closed else 0o755)
        shutil.copy(path, folder / "data" / "yemotd.db")
        (folder / "data" / "yemotd.db").chmod(0o600)
        (folder / "theirs").mkdir()
        monkeypatch.chdir(folder / "theirs")
        configure(f'[daemon]\ndatabase = "sqlite:///{folder}/data/yemotd.db"\n' + CONFIGURATION)
        for one in (Path(), Path("config.toml")):
            os.chown(one, 65534, 65534)
        with somebody_else():
            code, _, said = call(*words(line))
        monkeypatch.undo()
    assert "Traceback" not in said
    is_daemons = line in ("poll", "db upgrade")
    assert code == (os.EX_IOERR if is_daemons else os.EX_NOPERM), (line, said)
    if not is_daemons:
        assert "only root can use it" in said
        assert "docs/http.md" in said
