"""The command line: one verb, one short function, each in the file of its noun.

Exit codes are sysexits': 0 well, 64 the call is wrong, 65 the input, 69 something needed is away,
74 the database or what the output is written to, 78 the configuration.
"""

import logging
import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from daemon import __version__
from daemon.cli import streams
from daemon.cli.output import Fatal, complain
from daemon.store.location import FAILURES, DatabaseError, explained

VERBS = (
    "run",
    "check",
    "demo",
    "simulate",
    "status",
    "poll",
    "explain",
    "verify",
    "events",
    "alerts",
    "silence",
    "db",
    "deliveries",
    "endpoints",
    "command",
)
"""In the order of the help. Each is a function, or an `app` of several, in the file of its name."""

INTERRUPTED = 130
"""As shells say it: 128 and SIGINT."""


FAILED = (*FAILURES, sqlite3.Error)
"""What any verb meets where the database is locked, full, read-only or damaged, or its server is away."""


class Verbs(Mapping[str, Any]):
    """The commands by name. The file of a verb is loaded when the verb is asked for: to load them all takes
    a second."""

    def __getitem__(self, name: str) -> Any:
        if name not in VERBS:
            raise KeyError(name)
        module = import_module(f"daemon.cli.{name}")
        if hasattr(module, "app"):
            return typer.main.get_group(module.app)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name)(getattr(module, name))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


class Group(TyperGroup):
    """All verbs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Verbs()  # type: ignore[assignment] # it is only read


app = typer.Typer(
    name="yemotd",
    cls=Group,
    help="Watches phone systems on Yemot HaMashiach, and tells other systems what changed.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,  # tracebacks with local variables would show secrets
    rich_markup_mode=None,
)


def _version(*, is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"yemotd {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=lambda value: _version(is_asked=value), is_eager=True)
    ] = False,
) -> None:
    """Options of every verb."""


def main() -> None:
    """Run a command line, and end the process with its exit code."""
    streams.take_over()
    code = _carried_out()
    for handler in logging.getLogger().handlers:
        handler.flush()
    if why := streams.failure():
        complain(f"standard output: {why}")
        code = os.EX_IOERR
    sys.exit(code)


def _carried_out() -> int:
    try:
        code = app(standalone_mode=False)
    except typer.Exit as ended:
        return ended.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        why, code = _explained(error)
        complain(why)
        return code
    return code if isinstance(code, int) else os.EX_OK


def _explained(error: Exception) -> tuple[str, int]:
    """What a verb met, no fault of ours, in words, and the exit code; all else is raised again."""
    if isinstance(error, Fatal):
        return str(error), error.code
    if isinstance(error, DatabaseError):
        return str(error), os.EX_IOERR
    if isinstance(error, FAILED):
        return f"the database: {explained(error)}", os.EX_IOERR
    if isinstance(error, typer.TyperException):
        return error.format_message(), os.EX_USAGE
    raise error
