"""The files of a SQLite database: made for their owner alone, and watched whether they are still the same.

Nobody here opens a file that SQLite has open. POSIX locks belong to a process and a file, not to a
descriptor: to close any other descriptor of the file drops all that SQLite holds on it. A foreign program
that ends then believes to be the last, and deletes the log with what was just committed. So a file is looked
at by its name (`stat`, `chmod`), and read by the descriptor that SQLite has itself, never closed here.

A file is known by device and inode, and by its *generation*: a number of chance that the daemon writes into
the header (SQLite's `user_version`) when it opens it, so that other content in the same inode is noticed.
"""

import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

WAL, SHM = "-wal", "-shm"
BESIDE = (WAL, SHM, "-journal")
"""What SQLite puts beside a database, by the end of the name."""
OWN = 0o600
GENERATION_AT = 60
"""Where `user_version` stands in the header: four bytes, the highest first (sqlite.org/fileformat2.html)."""
REVISIONS = "alembic_version"
"""The table that says at which revision the others are; ours has that name from Alembic, as others' may."""
NONE = 0
"""The generation of a file that no daemon opened: a copy, or a new one."""


class Identity(NamedTuple):
    """Which file it is, whatever its name."""

    device: int
    inode: int


class Change(Enum):
    """What became of the files under a daemon. The words go on from the name of the database."""

    REMOVED = "was removed or moved away while yemotd had it open"
    REPLACED = "was replaced while yemotd had it open"
    OVERWRITTEN = "was overwritten while yemotd had it open"
    LOG_REMOVED = "lost its -wal or -shm while yemotd had it open"


class Narrowed(NamedTuple):
    """A file that others could read."""

    path: Path
    mode: int
    """As it was."""
    error: str | None
    """Why it could not be changed; None: nobody else can read it any more."""


def resolved(path: Path) -> Path:
    """The file that a name leads to, over all links; also where it does not exist."""
    return Path(os.path.realpath(path))


def table_of_another(path: Path) -> str | None:
    """A table of another program's, where a database file is one; None: it is ours, or nobody's, or what it
    holds stands in the log beside it as well, or it is too damaged to say. Nothing is opened that SQLite
    would have to mend."""
    if any(os.path.exists(f"{path}{end}") for end in (WAL, "-journal")):
        return None
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as db:
        found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        names = [str(name) for (name,) in found if not str(name).startswith("sqlite_")]
        if REVISIONS in names:
            names.remove(REVISIONS)
            revisions = [str(one) for (one,) in db.execute(f"SELECT version_num FROM {REVISIONS}")]  # noqa: S608 - ours
            return names[0] if names and not all(map(is_of_ours, revisions)) else None
        return names[0] if names else None
    return None


def is_of_ours(revision: str) -> bool:
    """Whether a revision may be one of this program's, also of one that is yet to come: `0015`. Others count
    theirs by digests."""
    return re.fullmatch(r"\d{4}|copying", revision) is not None


def beside(path: Path, ending: str) -> Path:
    """A file of the database, by the end of its name."""
    return path.with_name(path.name + ending)


def identity(path: Path | str) -> Identity | None:
    """Which file has this name; None: there is none. Raises OSError where that cannot be seen."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Identity(found.st_dev, found.st_ino)


def make(path: Path) -> None:
    """Make an empty database that only its owner can read, whatever the umask; one that exists is left alone.

    SQLite gives its other files the mode of the database. Raises OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with suppress(FileExistsError):
        # Exclusive: nobody has a lock on it that closing could drop.
        descriptor = os.open(path, flags, OWN)
        try:
            os.fchmod(descriptor, OWN)
        finally:
            os.close(descriptor)


def narrow(path: Path) -> list[Narrowed]:
    """Let only the owner read the files of a database that exist."""
    return [one for each in (path, *(beside(path, end) for end in BESIDE)) for one in _narrow(each)]


def _narrow(path: Path) -> Iterator[Narrowed]:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) or not mode & 0o077:
        return
    try:
        path.chmod(OWN)
    except OSError as error:
        yield Narrowed(path, stat.S_IMODE(mode), error.strerror)
    else:
        yield Narrowed(path, stat.S_IMODE(mode), None)


def generation(path: Path) -> int | None:
    """The generation that the file itself has, without its log; None where it cannot be read.

    SQLite reads it, which knows of its own locks; to it nothing is locked or recovered.
    """
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
    return None


def descriptors(which: Identity) -> set[int]:
    """The descriptors of this process for a file. They are SQLite's, and not to be closed."""
    with suppress(OSError):
        return {one for one in map(int, os.listdir("/proc/self/fd")) if _leads_to(one, which)}
    return set()


def _leads_to(descriptor: int, which: Identity) -> bool:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == which


def _generation(descriptor: int) -> int | None:
    with suppress(OSError):
        read = os.pread(descriptor, 4, GENERATION_AT)
        return int.from_bytes(read, "big") if read else NONE
    return None


@dataclass(frozen=True)
class Record:
    """What a daemon had open: kept beside the database, for whoever comes after it."""

    database: Identity
    wal: Identity | None
    generations: tuple[int, ...]
    """Those that the file may have: the present one, and that before as long as it was not overwritten."""
    boot: str
    """Of the machine: inodes are compared within one only."""


def boot() -> str:
    """Which start of the machine this is; empty where nobody can tell."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def is_foreign(record: Record, database: Identity, wal: Identity, generation: int | None) -> bool:
    """Whether the log beside a database is of another one, which was there before it.

    A database that was copied together with its log has other inodes, both, and the same generation.
    """
    if generation is not None and generation not in record.generations:
        return True
    is_comparable = record.boot != "" and record.boot == boot()
    return is_comparable and wal == record.wal and database != record.database


class Watched:
    """The files that a daemon has open, as they were when it opened them. Safe to use from any thread."""

    def __init__(self, name: Path, path: Path, generations: tuple[int, ...], descriptor: int | None) -> None:
        """To be made while SQLite has them open. `name`: which leads to the file, perhaps over links; `path`:
        the file itself. `descriptor`: SQLite's own, of a connection that stays open as long as this is used;
        None: the content is not looked at. Raises OSError where they cannot be seen."""
        self.path = path
        self._name, self._place = str(name), str(path)  # looked at in every transaction
        self.generations = generations
        self._database = _present(path)
        self._logs = {
            self._place + end: found
            for end in (WAL, SHM)
            if (found := identity(self._place + end)) is not None
        }
        self._descriptor = descriptor

    @property
    def record(self) -> Record:
        wal = self._logs.get(self._place + WAL)
        return Record(self._database, wal, self.generations, boot())

    def change(self) -> Change | None:
        """What became of them since. Raises OSError where that cannot be seen.

        Half a dozen calls of the kernel: cheap beside the commit that it guards.
        """
        found = identity(self._name)
        if found is None:
            return Change.REMOVED
        if found != self._database:
            return Change.REPLACED
        if not self._has_our_content():
            return Change.OVERWRITTEN
        is_same = all(identity(each) == which for each, which in self._logs.items())
        return None if is_same else Change.LOG_REMOVED

    def is_ours(self, ending: str) -> bool:
        """Whether a file of that ending is still the one that was opened."""
        path = self._place + ending
        return path in self._logs and identity(path) == self._logs[path]

    def is_at_its_place(self) -> bool:
        """Whether the file itself is where it was, with its content: then its log is rightly beside it."""
        return identity(self._place) == self._database and self._has_our_content()

    def is_log_free(self) -> bool:
        """Whether nobody has written another log."""
        log = beside(self.path, WAL)
        return self.is_ours(WAL) or identity(log) is None or log.stat().st_size == 0

    def is_sound(self) -> bool:
        """Whether what was opened, wherever it is by now, has the content that it had, and a name."""
        return (
            self._descriptor is not None
            and _leads_to(self._descriptor, self._database)
            and self._has_our_content()
            and os.fstat(self._descriptor).st_nlink > 0
        )

    def _has_our_content(self) -> bool:
        found = None if self._descriptor is None else _generation(self._descriptor)
        if found is not None and found == self.generations[-1]:
            self.generations = self.generations[-1:]
        return found is None or found in self.generations


def _present(path: Path) -> Identity:
    found = identity(path)
    if found is None:
        raise FileNotFoundError(2, os.strerror(2), str(path))
    return found


def set_aside(log: Path) -> Path:
    """Keep a log under another name, where SQLite does not find it; which. Raises OSError."""
    kept = beside(log, f".of-another-{log.stat().st_ino:x}")
    log.replace(kept)
    return kept
