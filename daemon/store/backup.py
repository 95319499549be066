"""Copies of a SQLite database while a daemon writes to it, and whether a database is sound.

A copy is made by SQLite's online backup in one go: it is the state of one moment, and no writer waits for it.
It is written beside its place, checked, and moved there, so that a file of that name is always whole.
"""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import sqlalchemy as sa

ROOM = 16 * 1024 * 1024
"""Bytes that have to be left when a copy is made."""


class BackupError(Exception):
    """The copy was not made, and nothing was left behind. Says why, and the way out."""


def backup(source: Path, target: Path, *, replace: bool = False) -> int:
    """Copy a database to a file, readable for its owner alone. Returns its size in bytes.

    Raises `BackupError` where there is no such database, the target exists and is not to be replaced, there
    is no room, the disk fails, or the copy is not sound.
    """
    if not source.exists():
        raise BackupError(f"there is no database {source}")
    if target.exists() and not replace:
        raise BackupError(f"{target} exists; give a name that is not taken")
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        _check_room(source, target)
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.close(descriptor)
        _copy(source, unfinished)
        if replace:
            unfinished.replace(target)
        else:
            os.link(unfinished, target)  # unlike a rename it replaces nothing
        _sync(target)
    except FileExistsError:
        raise BackupError(f"{target} exists; give a name that is not taken") from None
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"{target}: {error}") from None
    finally:
        for name in (unfinished.name, unfinished.name + "-journal", unfinished.name + "-wal"):
            with suppress(OSError):
                unfinished.with_name(name).unlink()
    return target.stat().st_size


def faults(db: sa.Connection) -> list[str]:
    """What is wrong with a database: its pages, its indexes, rows that lead nowhere. Empty: it is sound."""
    if db.dialect.name != "sqlite":
        return []
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
    beside = source.with_name(source.name + "-wal")
    needed = source.stat().st_size + (beside.stat().st_size if beside.exists() else 0) + ROOM
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        mib = 1024 * 1024
        raise BackupError(f"{target.parent} has {free // mib} MiB left, and {needed // mib} are needed")


def _copy(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as from_,
        closing(sqlite3.connect(target)) as to,
    ):
        from_.backup(to)
        # A copy is read by whoever opens it: without the files of a write-ahead log beside it.
        to.execute("PRAGMA journal_mode=DELETE")
        (found,) = to.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise BackupError(f"the copy is not sound: {found}; `yemotd db check` says more")


def _sync(target: Path) -> None:
    """The copy, and its name, survive a power cut."""
    for path in (target, target.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
