"""Copies of a SQLite database while a daemon writes to it, and whether a database is sound.

A copy is made by SQLite's online backup in one go: it is the state of one moment, and no writer waits for it.
It is written in a folder of its own beside its place, which nobody else can enter or foresee, checked, and
moved there, so that a file of that name is always whole, and never one that somebody else has planted.
"""

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ctypes import CDLL, c_char_p, c_int, c_uint, get_errno
from pathlib import Path

import sqlalchemy as sa

from daemon.store import files
from daemon.store.location import BUSY_MILLISECONDS, away, explained

ROOM = 16 * 1024 * 1024
"""Bytes that have to be left when a copy is made."""
CANNOT = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EMLINK, errno.EXDEV}
)
"""What a file system answers that knows no hard links (exFAT, SMB), or no rename that replaces nothing."""
AT_FDCWD, RENAME_NOREPLACE = -100, 1
"""Of renameat2(2)."""

Placer = Callable[[Path, Path], None]
"""Gives a file another name, or raises FileExistsError, or OSError with one of `CANNOT`."""


class BackupError(Exception):
    """The copy was not made, and nothing was left behind. Says why, and the way out."""


def backup(source: Path, target: Path, *, replace: bool = False) -> int:
    """Copy a database to a file, readable for its owner alone. Returns its size in bytes.

    What is at that name already, a link too, is not touched; with `replace` the copy takes its name. Raises
    `BackupError` where there is no such database, the target exists and is not to be replaced, there is no
    room, the disk fails, or the copy is not sound.
    """
    with _said(source, target):
        if files.identity(source) is None:
            raise BackupError(away(source))
        if os.path.lexists(target) and not replace:
            raise FileExistsError
        _check_room(source, target)
        with _own_folder(target) as folder:
            copy = folder / "copy"
            files.make(copy)
            which = files.identity(copy)
            _copy(source, copy)
            if files.identity(copy) != which:
                raise BackupError(f"{folder} was changed by somebody else; choose a folder of your own")
            _sync(copy)
            size = copy.stat().st_size
            if replace:
                copy.replace(target)
            else:
                place(copy, target)
            _sync(target.parent)
    return size


def place(copy: Path, target: Path, ways: tuple[Placer, ...] | None = None) -> None:
    """Give a whole file its name, and replace nothing. Raises OSError, FileExistsError where it is taken.

    `ways`: those that the file system may know, the best first. Where it knows none, the file is copied.
    """
    for way in (os.link, rename_exclusively) if ways is None else ways:
        try:
            way(copy, target)
        except OSError as error:
            if error.errno not in CANNOT:
                raise
        else:
            return
    _copy_exclusively(copy, target)


def rename_exclusively(copy: Path, target: Path) -> None:
    """Rename a file, unless the name is taken: renameat2(2). Raises OSError."""
    library = CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    call = library.renameat2
    call.argtypes = (c_int, c_char_p, c_int, c_char_p, c_uint)
    if call(AT_FDCWD, os.fsencode(copy), AT_FDCWD, os.fsencode(target), RENAME_NOREPLACE):
        raise OSError(get_errno(), os.strerror(get_errno()), str(target))


def _copy_exclusively(copy: Path, target: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with copy.open("rb") as whole, os.fdopen(os.open(target, flags, files.OWN), "wb") as to:
            shutil.copyfileobj(whole, to)
            to.flush()
            os.fsync(to.fileno())
    except FileExistsError:
        raise
    except BaseException:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def _own_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target, for our eyes only; it goes with all that is in it."""
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".unfinished", dir=target.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _said(source: Path, target: Path) -> Iterator[None]:
    """What goes wrong, in a sentence."""
    try:
        yield
    except FileExistsError:
        raise BackupError(f"{target} exists; give a name that is not taken") from None
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied to {target}: {explained(error)}") from None
    except OSError as error:
        raise BackupError(f"{target}: {error.strerror or error}") from None


def faults(db: sa.Connection) -> list[str]:
    """What is wrong with a database: its pages, its indexes, rows that lead nowhere. Empty: it is sound."""
    try:
        found = [str(row[0]) for row in db.exec_driver_sql("PRAGMA integrity_check(20)")]
        lost = [
            f"table {row[0]}, row {row[1]}: what it refers to in {row[2]} is not there"
            for row in db.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(20)
        ]
    except sa.exc.DatabaseError as error:  # so broken that the check itself cannot go on
        return [str(error.orig)]
    return [one for one in found if one != "ok"] + lost


def _check_room(source: Path, target: Path) -> None:
    log = source.with_name(source.name + files.WAL)
    needed = source.stat().st_size + (log.stat().st_size if log.exists() else 0) + ROOM
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        mib = 1024 * 1024
        raise BackupError(f"{target.parent} has {free // mib} MiB left, and {needed // mib} are needed")


def _copy(source: Path, target: Path) -> None:
    uri, patience = f"{files.resolved(source).as_uri()}?mode=ro", BUSY_MILLISECONDS / 1000
    with (
        closing(sqlite3.connect(uri, patience, uri=True)) as from_,
        closing(sqlite3.connect(target)) as to,
    ):
        from_.backup(to, progress=_give_up_when_locked)
        # A copy is read by whoever opens it: without the files of a write-ahead log beside it.
        to.execute("PRAGMA journal_mode=DELETE")
        to.execute(f"PRAGMA user_version={files.NONE}")  # nobody takes it for the file that it is a copy of
        to.commit()
        (found,) = to.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise BackupError(f"the copy is not sound: {found}; `yemotd db check` says more")


def _give_up_when_locked(status: int, _left: int, _pages: int) -> None:
    """Without this, Python tries again for ever. SQLite has waited by then, as long as for any lock."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("database is locked")


def _sync(path: Path) -> None:
    """A file, or the names in a folder, survive a power cut, as far as the file system can do that."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT:
            raise
    finally:
        os.close(descriptor)
