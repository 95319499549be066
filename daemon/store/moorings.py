"""What keeps a daemon to its database file, and what happens when the file is taken away under it.

A file may be removed, moved, replaced or overwritten while SQLite has it open, and SQLite does not notice: it
goes on with the old one, which nobody will ever read. From the moment on nothing more is written: each
transaction looks before it begins and before it commits. And the log beside the database (`-wal`) must never
get into the file that has taken the place.

    removed, moved away   what is in the log goes into the old file, wherever it is; if it comes back, all is
                          well again
    replaced              the same, and the log is gone from beside the new file; a restart opens that one
    overwritten           the log is set aside under another name; a restart opens what is there
    the log removed       what is in it goes into the file; a restart makes another
    another daemon's      the lock file was removed, and somebody else has taken it: a restart says who

One connection, the anchor, stays open all the time: as long as the old files are open, nobody else can get
their inodes, and SQLite does not remove its log.
"""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from daemon.store import files
from daemon.store.files import Change, Narrowed, Record, Watched
from daemon.store.location import BUSY_MILLISECONDS, DatabaseError
from daemon.store.locking import Failing, Hold

WORDS = {
    Change.REMOVED: "bring it back, or restore a copy",
    Change.REPLACED: "yemotd starts again with the one that is there",
    Change.OVERWRITTEN: "yemotd starts again with what is there",
    Change.LOG_REMOVED: "yemotd starts again",
}
"""What comes next."""


@dataclass(frozen=True)
class Found:
    """How the files were before they were opened, and what was done about it."""

    narrowed: tuple[Narrowed, ...]
    """What others could read until now."""
    set_aside: Path | None
    """The log of another database, which lay beside this one."""
    names: int
    """Of the file: with more than one (hard links) its log goes by only one of them."""


def moored(hold: Hold, found: Found, failing: Failing | None) -> "Moorings":
    """Drop the anchor in the file that is held. Raises sqlite3.Error and OSError."""
    before = files.descriptors(hold.identity)
    anchor = sqlite3.connect(
        hold.path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None, check_same_thread=False
    )
    try:
        own = files.descriptors(hold.identity) - before
        return Moorings(hold, anchor, min(own, default=None), found, failing)
    except BaseException:
        anchor.close()
        raise


FOR_GOOD = frozenset({Change.REPLACED, Change.OVERWRITTEN, Change.LOG_REMOVED})
"""What no waiting mends."""


class Moorings:
    """Of one file. `trouble` is safe to call from any thread, `let_go` while nobody writes."""

    def __init__(
        self,
        hold: Hold,
        anchor: sqlite3.Connection,
        descriptor: int | None,
        found: Found,
        failing: Failing | None,
    ) -> None:
        self.found = found
        self.is_adrift = False
        """For good: only another process may open what is there."""
        self._hold = hold
        self._anchor = anchor
        self._descriptor = descriptor
        self._watched: Watched | None = None
        self._why: str | None = None
        self._put_away_as: Change | None = None
        self.failing = failing
        """Since when it cannot be written, and why; `let_go` writes it down, for whoever comes after. At
        first what the daemon before has left."""

    def guard(self, engine: sa.Engine) -> None:
        """Let no connection lead to another file than the anchor does. Asked before anything else is done
        with one: whatever reads opens the log as well, by the name of the file, and SQLite writes what is in
        it into the file when it closes."""

        @sa.event.listens_for(engine, "connect", insert=True)
        def on_connect(_connection: sqlite3.Connection, _record: Any) -> None:
            if trouble := self.trouble():
                raise sqlite3.OperationalError(trouble)

    def fasten(self, token: int, *, may_checkpoint: bool) -> bool:
        """Mark the file as ours, with a generation that no other has, and watch it from now on. Returns
        whether it is still the file that was locked. Raises sqlite3.Error, OSError, `DatabaseError`."""
        (before,) = self._anchor.execute("PRAGMA user_version").fetchone()
        self._anchor.execute(f"PRAGMA user_version={token}")
        if may_checkpoint:
            self._anchor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        if files.identity(self._hold.path) != self._hold.identity:
            return False
        self._watched = Watched(self._hold.name, self._hold.path, (before, token), self._descriptor)
        self._watched.change()
        self._hold.keep(self._watched.record, self.failing)
        return True

    def trouble(self) -> str | None:
        """Why nothing may be written; None: the files are those that were opened."""
        if self.is_adrift or self._watched is None:
            return self._why
        change, self._why = self._look()
        if change in FOR_GOOD:
            self.is_adrift = True
        return self._why

    def let_go(self) -> str | None:
        """See `Database.let_go`. Looks after the lock file, too."""
        if self._watched is None:
            return None
        self._renew(self._watched.record)
        self.trouble()
        change, _ = self._look()
        if change is self._put_away_as:
            return None
        self._put_away_as = change
        return self._put_away(self._watched, change) if change else None

    def close(self) -> None:
        """Close the anchor, and let another process take the file over."""
        self._watched = None  # its descriptor will be another file's
        self._anchor.close()
        self._hold.release()

    def _look(self) -> tuple[Change | None, str | None]:
        assert self._watched is not None  # noqa: S101 - the callers look
        try:
            change = self._watched.change()
        except OSError as error:
            return None, f"{self._hold.path} cannot be seen: {error.strerror}"
        return change, f"{self._hold.path} {change.value}; {WORDS[change]}" if change else None

    def _renew(self, record: Record) -> None:
        """Keep the lock file, and what is in it; whoever else has it by now, has the database."""
        try:
            other = self._hold.renew(record, self.failing)
        except (OSError, DatabaseError):
            return  # a full disk, which is told by others
        if other is not None:
            path = self._hold.path
            self._why = f"another yemotd (process {other}) has taken {path}, whose lock file was removed"
            self.is_adrift = True

    def _put_away(self, watched: Watched, change: Change) -> str | None:
        """Bring what was committed to safety, and keep the old log from the new file."""
        path = self._hold.path
        done = []
        if change is not Change.OVERWRITTEN and watched.is_sound() and self._move_log(watched, change):
            done.append("what was in the log is in the old file")
        if change in (Change.REPLACED, Change.OVERWRITTEN) and not watched.is_at_its_place():
            kept = _cleared(watched)
            if kept is not None:
                done.append(f"the old log is kept as {kept}")
        return f"{path}: {'; '.join(done)}" if done else None

    def _move_log(self, watched: Watched, change: Change) -> bool:
        """Write the log into the file that we have open; whether all of it is there now."""
        if change is Change.LOG_REMOVED and not watched.is_log_free():
            return False  # somebody has written another log: only one of the two can be the truth
        with suppress(sqlite3.Error):
            is_busy, *_ = self._anchor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not is_busy
        return False


def _cleared(watched: Watched) -> Path | None:
    """Take our log from beside a file that is not ours. Returns where it is kept, unless it is empty."""
    log, shared = (files.beside(watched.path, end) for end in (files.WAL, files.SHM))
    kept = None
    with suppress(OSError):
        if watched.is_ours(files.WAL):
            if log.stat().st_size:
                kept = files.set_aside(log)
            else:
                log.unlink()
        if watched.is_ours(files.SHM):
            shared.unlink()
    return kept
