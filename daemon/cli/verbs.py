"""The verbs: each is one short function, in the file of its noun, which is loaded when it is asked for."""

import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from daemon import __version__
from daemon.cli.output import complain, say
from daemon.cli.unseen import WHILE_LOADING, out_of_sight

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
DRAWN = frozenset({"demo"})
"""Those that draw on the terminal."""


class Verbs(Mapping[str, Any]):
    """The commands by name. The file of a verb is loaded when the verb is asked for: to load them all takes
    a second."""

    def __getitem__(self, name: str) -> Any:
        if name not in VERBS:
            raise KeyError(name)
        with nullcontext() if name in DRAWN else out_of_sight(WHILE_LOADING):
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
        say(f"yemotd {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=lambda value: _version(is_asked=value), is_eager=True)
    ] = False,
) -> None:
    """Options of every verb."""


def carried_out() -> int:
    """Do what the words of the process ask for, and say how it ended. Raises KeyboardInterrupt, and what is
    no error but an end."""
    try:
        code = app(standalone_mode=False)
    except typer.Exit as ended:
        return ended.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        from daemon.cli import failures  # noqa: PLC0415 - it knows what may fail, as the database

        if (met := failures.met(error)) is None:
            failures.tell(error)
            return os.EX_SOFTWARE
        why, code = met
        complain(why)
        return code
    return code if isinstance(code, int) else os.EX_OK
