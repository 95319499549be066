"""Who may use a database at the same time, and what a locked one does.

One daemon: it holds a lock on the file `<database>.lock` beside the database, from `hold` until it closes the
database, and the kernel lets go of it with the process. A second daemon does not start (`DatabaseError`).

Other programs, such as a backup or a SQL shell, hold SQLite's own lock while they write. A transaction
waits `BUSY_MILLISECONDS` for it; then it fails with SQLAlchemy's `DBAPIError`, "database is locked", as it
does where the disk is full. Readers wait for nobody. What follows, by who meets it:

    a start                  `DatabaseError`, which says what to close; the exit code is 74
    a poll                   app/jobs.py: the next poll finds the same change again
    a delivery               workers/dispatcher.py: what ended is kept, and written a second later
    a command                workers/commander.py: its outcome is kept, and written at the next look
    a chore                  workers/chores.py: done again the next time
    a request over HTTP      web/problems.py: 503
    all of it                workers/self_check.py: told in the log, by `/readyz` and the status line, and as
                             `daemon.store_recovered` afterwards; app/jobs.py sends no heartbeat meanwhile
"""

import fcntl
import os
from pathlib import Path

from daemon.store.location import DatabaseError, file_of

BUSY_MILLISECONDS = 5000
"""So long SQLite waits for another program's lock, before it says that the database is locked."""


def holder(url: str) -> str | None:
    """The process id of the daemon that runs on this database; None when none does.

    Raises `DatabaseError` for what is no URL.
    """
    path = file_of(url)
    if path is None:
        return None
    try:
        with _lock_path(path).open("r+b") as beside:
            fcntl.flock(beside, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _lock_path(path).read_text(errors="replace").strip() or "?"
    except OSError:
        return None
    return None


def hold(url: str) -> int | None:
    """Hold the file beside the database that says: one daemon at a time.

    Returns its descriptor, which lets go when it is closed; None for a server. Raises `DatabaseError` where
    another process holds it, or where it cannot be written.
    """
    path = file_of(url)
    if path is None:
        return None
    beside = _lock_path(path)
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseError(f"{beside}: {error.strerror}; the daemon must be able to write there") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        raise DatabaseError(f"another yemotd (process {holder}) runs on {path}; stop it first") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _lock_path(database: Path) -> Path:
    return database.with_name(database.name + ".lock")
