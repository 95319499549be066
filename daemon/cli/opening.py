"""What verbs work on: the configuration, and the database that it names."""

import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from daemon.cli import names
from daemon.cli.given import GIVEN
from daemon.cli.output import Fatal, calling_user, say, use_zone
from daemon.config import load as config
from daemon.config.load import ConfigError, ForbiddenError, Loaded
from daemon.config.secrets import held
from daemon.config.settings import Config
from daemon.host import clock
from daemon.store import database as databases
from daemon.store import location, locking
from daemon.store.database import Database
from daemon.store.location import file_of

if TYPE_CHECKING:
    from daemon.core.timeline import Look

HELD: set[str] = set()
"""The secrets of what was loaded, which no line of the log shows."""


def load(path: Path | None, *, now: datetime | None = None, forbidden: int = os.EX_NOPERM) -> Loaded:
    """The configuration; `Fatal` with every fault (exit 78) where it cannot be used; `now`: at that time.
    `forbidden`: how it ends where this user may not read the file."""
    refuse_elsewhere()
    loaded = read(path, now=now)
    if isinstance(loaded, ConfigError):
        raise unusable(loaded, forbidden) from None
    return loaded


def refuse_elsewhere() -> None:
    """`Fatal` (exit 64) where a daemon elsewhere was to be asked for what is done here alone."""
    if GIVEN.url is not None:
        raise Fatal(
            "--url: this is done on this machine alone; `yemotd COMMAND --help` says which can be asked",
            os.EX_USAGE,
        )


def read(path: Path | None, *, now: datetime | None = None) -> Loaded | ConfigError:
    """The configuration, or why it cannot be used. From then on people are shown times of its zone, and the
    names that it knows."""
    try:
        loaded = config.load(config.find(GIVEN.path(path), os.environ), os.environ, now=now)
    except ConfigError as error:
        return error
    use_zone(loaded.config.daemon.timezone)
    HELD.update(held(loaded.config))
    names.take(loaded.config)
    if "structlog" in sys.modules:  # else it logs nothing, and to load it takes a tenth of a second
        log_beside()
    return loaded


def unusable(error: ConfigError, forbidden: int = os.EX_NOPERM) -> Fatal:
    """How a verb ends that needs all of a configuration; `forbidden`: where this user may not read it."""
    if isinstance(error, ForbiddenError):
        return Fatal(_who_may_read(error.path), forbidden)
    return Fatal(str(error), os.EX_CONFIG)


def _who_may_read(path: Path) -> str:
    """Who can read a file that this user cannot, and the way out, in one sentence."""
    name, user = location.owner_name(path), calling_user()
    others = "root" if name in (None, "root") else f"root and {name}"
    words = " ".join(sys.argv[1:2])
    return (
        f"{path} cannot be read by {user}, since secrets may stand in it, but by {others} and its group: "
        f"sudo yemotd {words or '…'}; --config names another file"
    )


def log_beside() -> None:
    """What a verb logs goes to standard error, from warnings up and without secrets: output is its own."""
    from daemon.host import logs  # noqa: PLC0415 - see `load`

    redactor = logs.Redactor()
    redactor.hide(HELD)
    logs.configure(redactor, least=logging.WARNING)


def open_store(config: Config) -> Database:
    """The database of a configuration, beside a daemon that may run. Raises `DatabaseError` (exit 74, as
    `failures` says) where it cannot be."""
    return databases.connect(config.daemon.database)


def say_when_it_goes(url: str) -> None:
    """Say so where what was asked for waits until a daemon runs on the database of this URL."""
    if not _is_run(url):
        say("No daemon runs on this database; it happens when one does.")


def _is_run(url: str) -> bool:
    """Whether a daemon has the database: by the lock of the file, or by the members' sessions on a server."""
    if file_of(url) is not None:
        return locking.holder(url) is not None
    from daemon.store import ownership  # noqa: PLC0415 - few verbs ask, and few databases are on a server

    store = databases.connect(url)
    with store.read() as db:
        is_run = bool(ownership.connected(db))
    store.close()
    return is_run


def look(db: sa.Connection) -> "Look":
    """One look at the clock that a database goes by: its own, where it has one, else this machine's."""
    from daemon.store import clock_steps  # noqa: PLC0415 - a cold start is measured

    return clock_steps.look(db, clock.look)
