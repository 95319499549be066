"""The verbs: each is one short function, in the file of its noun, which is loaded when it is asked for."""

import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from daemon import __version__
from daemon.cli.given import (
    GIVEN,
    CaFileOption,
    ConfigBefore,
    TokenFileOption,
    UrlOption,
    config_options,
    elsewhere_options,
)
from daemon.cli.output import complain, say, use_zone
from daemon.cli.routes import ROUTES
from daemon.cli.unseen import WHILE_LOADING, out_of_sight

VERBS = (
    "init",
    "run",
    "check",
    "demo",
    "simulate",
    "discover",
    "status",
    "now",
    "poll",
    "rehearse",
    "explain",
    "verify",
    "events",
    "sms",
    "recordings",
    "alerts",
    "missed",
    "silence",
    "db",
    "deliveries",
    "endpoints",
    "command",
    "contacts",
    "digests",
)
"""In the order of the help. Each is a function, or an `app` of several, in the file of its name."""
NO_NOUNS = frozenset({"db"})
"""Groups of verbs whose name has no other number."""
DRAWN = frozenset({"demo"})
"""Those that draw on the terminal."""


class Verbs(Mapping[str, Any]):
    """The commands by name. The file of a verb is loaded when the verb is asked for: to load them all takes
    a second."""

    def __getitem__(self, name: str) -> Any:
        verb = name if name in VERBS else next((one for one in VERBS if is_other_number(one, name)), None)
        if verb is None:
            raise KeyError(name)
        with nullcontext() if verb in DRAWN else out_of_sight(WHILE_LOADING):
            module = import_module(f"daemon.cli.{verb}")
        if hasattr(module, "app"):
            group = typer.main.get_group(module.app)
            group.params += config_options()
            for word, command in group.commands.items():
                _reach_elsewhere(f"{verb} {word}", command)
            return group
        if verb != name:
            raise KeyError(name)  # `polls` is no noun in its plural
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(verb)(getattr(module, verb))
        command = typer.main.get_command(alone)
        _reach_elsewhere(verb, command)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


def is_other_number(verb: str, word: str) -> bool:
    """Whether a word is a noun among the verbs in its other number: `event`, `deliveries`, `silences`."""
    return verb not in NO_NOUNS and _singular(verb) == _singular(word)


def _singular(noun: str) -> str:
    if noun.endswith("ies"):
        return noun.removesuffix("ies") + "y"
    return noun.removesuffix("s")


def _reach_elsewhere(verb: str, command: Any) -> None:
    """A verb that a daemon elsewhere can be asked for has the options that say where it is."""
    if verb in ROUTES:
        command.params += elsewhere_options()


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
    config: ConfigBefore = None,
    url: UrlOption = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
) -> None:
    """Options of every verb."""


def carried_out() -> int:
    """Do what the words of the process ask for, and say how it ended. Raises KeyboardInterrupt, and what is
    no error but an end."""
    GIVEN.clear()
    use_zone(None)
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
    finally:
        if GIVEN.reached is not None:
            from daemon.cli import names  # noqa: PLC0415 - it was loaded with whoever was asked

            use_zone(None)  # there is nobody to be asked any more
            names.forget()
        GIVEN.clear()
    return code if isinstance(code, int) else os.EX_OK
