"""Where a database is, by its URL: its file, the disk under it, and how it may be shown."""

import os
import pwd
import shutil
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from daemon.core.watches.machine import Disk
from daemon.store.schema import REVISION

BUSY_MILLISECONDS = 5000
"""So long SQLite waits for another program's lock, before it says that the database is locked."""


CHECKPOINT = "wal_autocheckpoint"
"""In a URL: after how many pages SQLite moves its log into the file. With 0 somebody else has to do it."""
PRIMARY = 0xFF
"""The part of SQLite's result codes that says the kind."""


class DatabaseError(Exception):
    """The database cannot be used as it is. The message says which one, why, and the way out."""


FAILURES = (sa.exc.DBAPIError, sa.exc.TimeoutError)
"""What a transaction ends by where the database does not answer, cannot be written, or is read by so many
that there is no connection left. Nothing of it was written; it may be tried again."""


def disk(url: str) -> Disk | None:
    """The file system under a SQLite file; None for a server, or where nobody can tell.

    Raises `DatabaseError` for what is no URL.
    """
    path = file_of(url)
    if path is None:
        return None
    folder = path.resolve().parent
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return Disk(str(folder), usage.free, usage.total)


WAYS = {
    "locked": "; another program holds it (a backup, a SQL shell): close that, and try again",
    "is full": "; make room, or shorten [retention] once there is some",
    "disk I/O": "; its disk is full, read-only or broken: the system's log says more",
    "readonly": "; the user that runs yemotd must be able to write the file and its directory",
    "unable to open": "; its directory must exist and be writable for the user that runs yemotd",
    "not a database": "; the path leads to some other file",
    "malformed": "; `yemotd db check` says more, docs/operating.md how to restore a copy",
}
"""What helps, by a word of what SQLite says."""


def is_damage(error: BaseException) -> bool:
    """Whether the file itself is broken, or lacks a part (sqlite.org/rescode.html: CORRUPT, NOTADB)."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    is_broken = code is not None and code & PRIMARY in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return is_broken or "no such table" in reason(error)


def reason(error: BaseException) -> str:
    """What a database says of itself, by the error of its driver."""
    return str(getattr(error, "orig", None) or error).strip()


def explained(error: BaseException) -> str:
    """The same, and the way out."""
    message = reason(error)
    return message + next((way for word, way in WAYS.items() if word in message), "")


def why_not(path: Path) -> str | None:
    """Why this user cannot use a database file, and who can; None: the file's mode does not keep it."""
    owner = _owner(path)
    if owner is None or os.geteuid() in (0, owner):
        return None
    if os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        return None
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"the user {owner}"
    return (
        f"only root and {name} can use it, since one-time codes are in it: run this as one of them "
        f"(`sudo -u {name} yemotd …`); others ask the daemon over HTTP, see docs/http.md"
    )


def _owner(path: Path) -> int | None:
    """Whose a file is; of one that cannot be seen, whose the folder is that hides it."""
    for one in (path, *path.absolute().parents):
        try:
            return one.stat().st_uid
        except PermissionError:
            continue
        except OSError:
            return None
    return None


def shown(url: str) -> str:
    """A database's URL as it may be shown: without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "***"


def exists(url: str) -> bool:
    """Whether a database is there; of a server that cannot be told, so it is taken to be.

    Raises `DatabaseError` for what is no URL.
    """
    path = file_of(url)
    return path is None or is_there(path)


def is_there(path: Path) -> bool:
    """Whether a database has this name. Raises `DatabaseError` where this user may not see that."""
    try:
        return path.exists()
    except OSError as error:
        raise DatabaseError(f"{path}: {why_not(path) or error.strerror}") from None


def copy_from_before(url: str) -> Path | None:
    """Where an upgrade to the present revision leaves the file as it was; None for a server.

    Raises `DatabaseError` for what is no URL.
    """
    path = file_of(url)
    return path and path.with_name(f"{path.name}.before-{REVISION}")


def file_of(url: str) -> Path | None:
    """The file of a SQLite URL; None for a server or memory. Raises `DatabaseError` for what is no URL."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise DatabaseError(f"database = {shown(url)!r}: {error}") from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(parsed.database)
