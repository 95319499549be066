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
BROKEN_STATES = frozenset({"42P01", "XX001", "XX002"})
"""PostgreSQL's for the same: undefined_table, data_corrupted, index_corrupted."""
FAILED = "connection failed: "
"""How the driver begins what libpq then says anew."""


class DatabaseError(Exception):
    """The database cannot be used as it is. The message says which one, why, and the way out."""


class ForbiddenError(DatabaseError):
    """This user may not use it; others may."""


FAILURES = (sa.exc.DBAPIError, sa.exc.TimeoutError, sa.exc.PendingRollbackError)
"""What a transaction ends by where the database does not answer, cannot be written, or is read by so many
that there is no connection left. Nothing of it was written; it may be tried again."""


def disk(url: str) -> Disk | None:
    """The file system under a SQLite file; None for a server, or where nobody can tell.

    Raises `DatabaseError` for what is no URL.
    """
    path = file_of(url)
    if path is None:
        return None
    return disk_under(path.resolve().parent)


def disk_under(folder: Path) -> Disk | None:
    """The file system under a folder; None where nobody can tell."""
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
SERVER_WAYS = {
    "Connection refused": "; start the server, let it listen there, or mend the host and port in the URL",
    "No such file": "; start the server, or mend the host in the URL",
    "resolve host": "; mend the host's name in the URL",
    "timeout expired": "; nothing answers there: see the host in the URL, and what is on the way",
    "authentication failed": "; mend the user or the password in the URL",
    "no password supplied": "; give the URL a password",
    "pg_hba.conf": "; the server's pg_hba.conf has to let this machine and user in",
    "startup parameter": "; PgBouncer takes none of them from a URL: name the server itself",
    "SSL": "; say in the URL's sslmode what the server can do",
    "FATAL:  role": "; make that role, or mend the user in the URL",
    "FATAL:  database": "; make it: createdb --owner USER --encoding UTF8 --template template0 NAME",
    "too many c": "; each daemon takes 17 connections at most: raise max_connections, or the user's limit",
    "denied for schema": "; make the URL's user the owner of the database: ALTER DATABASE ... OWNER TO ...",
    "permission denied": "; the tables have to belong to the URL's user",
    "must be owner": "; the tables have to belong to the URL's user",
    "read-only transaction": "; name the primary, or take default_transaction_read_only back",
    "No space left": "; make room on the server's disk",
    "lock timeout": "; another transaction is in its way: pg_stat_activity shows which, with pg_locks",
    "system is s": "; try again in a moment",
    "recovery mode": "; try again in a moment",
}
"""The same of what a server says, or libpq; of several that fit, the first."""


def is_damage(error: BaseException) -> bool:
    """Whether what is stored is broken, or lacks a part (sqlite.org/rescode.html: CORRUPT, NOTADB)."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    is_broken = code is not None and code & PRIMARY in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return is_broken or state in BROKEN_STATES or "no such table" in reason(error)


def is_cut(error: BaseException) -> bool:
    """Whether it failed by a connection that is of no use any more; another may be."""
    return bool(getattr(error, "connection_invalidated", False))


def reason(error: BaseException) -> str:
    """What a database says of itself, by the error of its driver: one line. A server's other lines show the
    statement, or hint at what `explained` says."""
    said = getattr(error, "orig", None) or error
    primary = getattr(getattr(said, "diag", None), "message_primary", None)
    return str(primary or said).strip().partition("\n")[0].removeprefix(FAILED)


def explained(error: BaseException) -> str:
    """The same, and the way out."""
    message = reason(error)
    is_servers = hasattr(getattr(error, "orig", None), "diag")
    ways = SERVER_WAYS if is_servers else WAYS
    return message + next((way for word, way in ways.items() if word in message), "")


def why_not(path: Path) -> str | None:
    """Why this user cannot use a database file, and who can; None: the file's mode does not keep it."""
    owner = _owner(path)
    if owner is None or os.geteuid() in (0, owner):
        return None
    if os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        return None
    name = owner_name(path)
    users = "root" if name == "root" else f"root and {name}"
    return (
        f"only {users} can use it, since one-time codes are in it: run this as one of them "
        f"(`sudo -u {name} yemotd …`); others ask the daemon over HTTP, see docs/http.md"
    )


def owner_name(path: Path) -> str | None:
    """Whose a file is, by name; of one that is hidden, whose the folder is. None: nobody can tell."""
    owner = _owner(path)
    try:
        return None if owner is None else pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"the user {owner}"


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
        parsed = sa.make_url(url)
        hidden = {name: "***" for name in parsed.query if "password" in name}
        return parsed.update_query_dict(hidden).render_as_string(hide_password=True)
    except (sa.exc.ArgumentError, ValueError):  # ValueError: a port that is no number
        return "***"


def exists(url: str) -> bool:
    """Whether a database is there; of a server that cannot be told, so it is taken to be.

    Raises `DatabaseError` for what is no URL.
    """
    path = file_of(url)
    return path is None or is_there(path)


def away(path: Path) -> str:
    """That there is no database, and in which folder: one that is relative is looked for where one stands."""
    folder = path.absolute().parent
    if not os.path.isdir(folder):
        return f"there is no database {path}, nor its folder {folder}"
    where = "" if path.is_absolute() else f" in {folder}"
    return f"there is no database {path}{where}"


def is_there(path: Path) -> bool:
    """Whether a database has this name. Raises `DatabaseError` where this user may not see that."""
    try:
        return path.exists()
    except OSError as error:
        reason = why_not(path)
        kind = ForbiddenError if reason else DatabaseError
        raise kind(f"{path}: {reason or error.strerror}") from None


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
