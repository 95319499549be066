"""The command line: one verb, one short function, each in the file of its noun.

Exit codes are sysexits': 0 well, 64 the call is wrong, 65 the input, 69 something needed is away,
74 the database, 78 the configuration.
"""

import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from typer.core import TyperGroup

from daemon import __version__
from daemon.cli.output import Fatal, complain
from daemon.store.location import DatabaseError, explained

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


FAILED = (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.Error)
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
    try:
        code = app(standalone_mode=False)
    except Fatal as fatal:
        complain(str(fatal))
        sys.exit(fatal.code)
    except DatabaseError as error:
        complain(str(error))
        sys.exit(os.EX_IOERR)
    except FAILED as error:
        complain(f"the database: {explained(error)}")
        sys.exit(os.EX_IOERR)
    except typer.TyperException as error:
        complain(error.format_message())
        sys.exit(os.EX_USAGE)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # The reader (`head`) has seen enough; standard output must not be flushed into it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
