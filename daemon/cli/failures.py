"""How a verb fails: by what it met, which is said in words, or by an error of ours, told with its stack."""

import os
import sqlite3

import typer

from daemon.cli import opening
from daemon.cli.output import Fatal
from daemon.store.location import FAILURES, DatabaseError, ForbiddenError, explained

FAILED = (*FAILURES, sqlite3.Error)
"""What any verb meets where the database is locked, full, read-only or damaged, or its server is away."""


def met(error: Exception) -> tuple[str, int] | None:
    """What a verb met, no fault of ours, in words, and the exit code; None: it is an error of ours."""
    if isinstance(error, Fatal):
        return str(error), error.code
    if isinstance(error, DatabaseError):
        return str(error), os.EX_NOPERM if isinstance(error, ForbiddenError) else os.EX_IOERR
    if isinstance(error, FAILED):
        return f"the database: {explained(error)}", os.EX_IOERR
    if isinstance(error, typer.TyperException):
        return error.format_message(), os.EX_USAGE
    return None


def tell(error: Exception) -> None:
    """An error of ours, to the log, which cuts out secrets: it may show whatever somebody handed in."""
    from daemon.host import logs  # noqa: PLC0415 - a tenth of a second, which most verbs do without

    logs.flush()
    opening.log_beside()
    logs.log.critical("verb.crashed", exc_info=error)
