"""Where a database is, by its URL: its file, the disk under it, and how it may be shown."""

import shutil
from pathlib import Path

import sqlalchemy as sa

from daemon.core.watches.machine import Disk
from daemon.store.schema import REVISION


class DatabaseError(Exception):
    """The database cannot be used as it is. The message says which one, why, and the way out."""


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
    return path is None or path.exists()


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
