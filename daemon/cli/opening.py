"""What verbs work on: the configuration, and the database that it names."""

import logging
import os
import sys
from datetime import datetime
from pathlib import Path

from daemon.cli.output import Fatal, say
from daemon.config import load as config
from daemon.config.load import ConfigError, Loaded
from daemon.config.secrets import held
from daemon.config.settings import Config
from daemon.store import database as databases
from daemon.store import locking
from daemon.store.database import Database

HELD: set[str] = set()
"""The secrets of what was loaded, which no line of the log shows."""


def load(path: Path | None, *, now: datetime | None = None) -> Loaded:
    """The configuration; `Fatal` with every fault (exit 78) where it cannot be used; `now`: at that time."""
    try:
        loaded = config.load(config.find(path, os.environ), os.environ, now=now)
    except ConfigError as error:
        raise Fatal(str(error), os.EX_CONFIG) from None
    HELD.update(held(loaded.config))
    if "structlog" in sys.modules:  # else it logs nothing, and to load it takes a tenth of a second
        log_beside()
    return loaded


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


def say_when_it_goes(config: Config) -> None:
    """Say so where what was asked for waits until a daemon runs."""
    if locking.holder(config.daemon.database) is None:
        say("No daemon runs on this database; it happens when one does.")
