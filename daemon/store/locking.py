"""Who may use a database file at the same time, and what a locked one does. A server's: `postgresql.py`.

One daemon for one file, whatever its names. It holds two things, from `hold` until it closes the database,
and the kernel lets go of them with the process:

    the file `<database>.lock`    beside the file to which all links lead; seen by whoever sees the folder,
                                  also from another container. Where it was removed, it is made again
    an abstract socket            named by device and inode; seen under every name of the file, hard links
                                  and mounts elsewhere, within one network namespace; nobody can remove it

A second daemon does not start (`DatabaseError`). A socket of that name which belongs to neither root, nor the
database's owner, nor our own user is a stranger's, and stops nobody.

Other programs, such as a backup or a SQL shell, hold SQLite's own lock while they write. A transaction
waits `BUSY_MILLISECONDS` for it; then it fails with SQLAlchemy's `DBAPIError`, "database is locked", as it
does where the disk is full. Readers wait for nobody, but no more than `MOST_READERS` of one process read at
once: who is not let in ends with a `TimeoutError` (both are `FAILURES`). What follows, by who meets it:

    a start                  `DatabaseError`, which says what to close; the exit code is 74
    a verb                   cli/verbs.py: the reason, and 74
    a poll                   app/jobs.py: the next poll finds the same change again
    a delivery               workers/dispatcher.py: what ended is kept, and written a second later
    a command                workers/commander.py: its outcome is kept, and written at the next look
    a chore                  workers/chores.py: done again the next time
    a request over HTTP      web/problems.py: 503
    all of it                workers/self_check.py: told in the log, by `/readyz` and the status line, as
                             `daemon.store_failed` past the store, and as `daemon.store_recovered` afterwards;
                             app/jobs.py sends no heartbeat meanwhile
"""

import errno
import fcntl
import json
import os
import socket
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from daemon.store import files
from daemon.store.files import Identity, Record
from daemon.store.location import DatabaseError, file_of

Taken = TypeVar("Taken")

TRIES = 20
BETWEEN_TRIES = 0.01
"""Seconds. Somebody who only looks whether a daemon runs holds the lock for a moment, too."""
CREDENTIALS = struct.Struct("3i")
"""Process, user and group of a peer: socket(7), SO_PEERCRED."""
MOST_RECORDED = 4096
"""Bytes of a lock file that are read."""
UNKNOWN = "?"


Failing = tuple[str, str]
"""Since when a daemon cannot write its database, and why."""


class Hold:
    """What a daemon holds of one file. `renew` is for one thread at a time."""

    def __init__(
        self, name: Path, path: Path, descriptor: int, claim: socket.socket | None, which: Identity
    ) -> None:
        self.name = name
        """As it is configured, perhaps over links."""
        self.path = path
        """The file itself, over all links."""
        self.identity = which
        self._descriptor = descriptor
        self._claim = claim
        self._kept: tuple[Record, Failing | None] | None = None

    def keep(self, record: Record, failing: Failing | None = None) -> None:
        """Write down who holds it, what it has open, and since when it cannot be written; in place, so that a
        full disk does not matter. Raises `DatabaseError`."""
        said = {**asdict(record), "failing": failing}
        text = f"{os.getpid()}\n{json.dumps(said)}\n".encode()
        try:
            os.pwrite(self._descriptor, text, 0)
            os.ftruncate(self._descriptor, len(text))
        except OSError as error:
            raise DatabaseError(f"{_lock_path(self.path)}: {error.strerror}") from None
        self._kept = record, failing

    def renew(self, record: Record, failing: Failing | None) -> str | None:
        """Make the lock file again where it was removed, and write down what has changed. Returns the process
        of another daemon that has taken it meanwhile. Raises OSError where it cannot be seen, and
        `DatabaseError` where it cannot be written."""
        if files.identity(_lock_path(self.path)) != _identity_of(self._descriptor):
            try:
                taken = _take(_lock_path(self.path))
            except _HeldError as held:
                return held.process
            os.close(self._descriptor)
            self._descriptor, self._kept = taken, None
        if (record, failing) != self._kept:
            self.keep(record, failing)
        return None

    def release(self) -> None:
        """Let another daemon take it over."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class _HeldError(Exception):
    """Another process holds it."""

    def __init__(self, process: str) -> None:
        super().__init__(process)
        self.process = process


class _MuteError(_HeldError):
    """Somebody has the name and does not listen: a daemon that begins or ends does so for a moment."""


def holder(url: str) -> str | None:
    """The process id of the daemon that runs on this database, `?` where it is not known; None: none does.

    Raises `DatabaseError` for what is no URL.
    """
    path = file_of(url)
    if path is None:
        return None
    path = files.resolved(path)
    with suppress(OSError):
        if _is_held(_lock_path(path)):
            return _process_of(_read(_lock_path(path)))
    with suppress(OSError):
        which = files.identity(path)
        if which is not None and _is_claimed(which):
            return UNKNOWN
    return None


def record_of(path: Path) -> Record | None:
    """What the daemon that has a database open, or had it last, wrote down of it; None: nothing."""
    found = _said_of(path)
    with suppress(ValueError, KeyError, TypeError):
        return Record(
            Identity(*found["database"]),
            Identity(*found["wal"]) if found["wal"] else None,
            tuple(map(int, found["generations"])),
            str(found["boot"]),
        )
    return None


def failing(url: str) -> Failing | None:
    """Since when the daemon that has a database open, or had it last, cannot write it, and why; None: it can.

    Raises `DatabaseError` for what is no URL.
    """
    path = file_of(url)
    found = _said_of(files.resolved(path)).get("failing") if path else None
    with suppress(ValueError, TypeError):
        if found:
            since, error = found
            return str(since), str(error)
    return None


def _said_of(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        _, _, said = _read(_lock_path(path)).partition("\n")
        found = json.loads(said)
        return found if isinstance(found, dict) else {}
    return {}


def hold(url: str) -> Hold | None:
    """Hold what says: one daemon at a time. A database that is not there yet is made, empty.

    Returns None for a server. Raises `DatabaseError` where another process holds it, or where it cannot be
    written.
    """
    name = file_of(url)
    if name is None:
        return None
    path = files.resolved(name)
    with _said(path):
        descriptor = _patiently(lambda: _take(_lock_path(path)))
    try:
        with _said(path):
            files.make(path)
            found = path.stat()
            which = Identity(found.st_dev, found.st_ino)
            claim = _claimed(which, found.st_uid)
    except BaseException:
        os.close(descriptor)
        raise
    return Hold(name, path, descriptor, claim, which)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except _HeldError as held:
        raise DatabaseError(
            f"another yemotd (process {held.process}) runs on {path}; stop it first"
        ) from None
    except OSError as error:
        where = error.filename or path
        raise DatabaseError(f"{where}: {error.strerror}; the daemon must be able to write there") from None


def _patiently(take: Callable[[], Taken]) -> Taken:
    for _ in range(TRIES):
        with suppress(_HeldError):
            return take()
        threading.Event().wait(BETWEEN_TRIES)
    return take()


def _claimed(which: Identity, owner: int) -> socket.socket | None:
    try:
        return _patiently(lambda: _claim(which, owner))
    except _MuteError:
        return None


_QUIETLY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""Whatever has the name, it is opened at once, and not by way of a link."""


def _take(beside: Path) -> int:
    """Lock the file of that name, which is made where there is none. Raises `_HeldError`, OSError."""
    while True:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | _QUIETLY, files.OWN)
        try:
            _check_kind(beside, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking somebody may have removed it: then it locks nobody out.
            if files.identity(beside) == _identity_of(descriptor):
                return descriptor
        except BlockingIOError:
            process = _process_of(os.pread(descriptor, MOST_RECORDED, 0).decode(errors="replace"))
            os.close(descriptor)
            raise _HeldError(process) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _claim(which: Identity, owner: int) -> socket.socket | None:
    """Take the abstract name of a file; None where a stranger sits on it, or there are no such sockets.

    Raises `_HeldError`.
    """
    try:
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    except OSError:
        return None
    try:
        claim.bind(f"\0{_name(which)}")
        claim.listen()
    except OSError:
        claim.close()
        _ask_for(which, {0, os.geteuid(), owner})
        return None
    return claim


def _ask_for(which: Identity, rightful: set[int]) -> None:
    """Raises `_HeldError` where a daemon has the name of this file."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)) as asking:
        asking.setblocking(False)
        try:
            asking.connect(f"\0{_name(which)}")
        except ConnectionRefusedError:
            raise _MuteError(UNKNOWN) from None
        except OSError:
            raise _HeldError(UNKNOWN) from None  # it was asked more often than it keeps count of
        said = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    process, user, _ = CREDENTIALS.unpack(said)
    if user in rightful:
        raise _HeldError(str(process or UNKNOWN))


def _name(which: Identity) -> str:
    return f"yemotd/{which.device:x}:{which.inode:x}"


def _is_claimed(which: Identity) -> bool:
    """Whether somebody has the name of this file; found out without taking it."""
    sockets = Path("/proc/net/unix").read_text(errors="replace")
    return any(line.endswith(f" @{_name(which)}") for line in sockets.splitlines())


def _is_held(beside: Path) -> bool:
    descriptor = os.open(beside, os.O_RDONLY | _QUIETLY)
    try:
        _check_kind(beside, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _read(beside: Path) -> str:
    descriptor = os.open(beside, os.O_RDONLY | _QUIETLY)
    with os.fdopen(descriptor, "rb") as file:
        _check_kind(beside, descriptor)
        return file.read(MOST_RECORDED).decode(errors="replace")


def _check_kind(beside: Path, descriptor: int) -> None:
    """Nothing but a file: a pipe would be waited for."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "is no regular file", str(beside))


def _process_of(text: str) -> str:
    return text.partition("\n")[0].strip() or UNKNOWN


def _identity_of(descriptor: int) -> Identity:
    found = os.fstat(descriptor)
    return Identity(found.st_dev, found.st_ino)


def _lock_path(database: Path) -> Path:
    return files.beside(database, ".lock")
