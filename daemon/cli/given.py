"""What may be given before the verb or after it: the configuration, and the daemon elsewhere that is asked
instead of the store on this machine."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from daemon.cli.over_http import Elsewhere

URL, TOKEN_FILE, CA_FILE = "YEMOTD_URL", "YEMOTD_TOKEN_FILE", "YEMOTD_CA_FILE"
"""What says the same to every call, where the options do not."""


@dataclass
class Given:
    """Of one command line, as far as it has been read: what stands last counts."""

    config: str | None = None
    url: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    reached: "Elsewhere | None" = None
    """The daemon that is asked, once somebody has asked it."""

    def clear(self) -> None:
        """At the end of a command line, for another."""
        if self.reached is not None:
            self.reached.close()
        self.config = self.url = self.token_file = self.ca_file = self.reached = None

    def path(self, after_the_verb: Path | None) -> Path | None:
        """The configuration that is named; None: it is to be looked for."""
        return after_the_verb or (Path(self.config) if self.config else None)


GIVEN = Given()


def _keeping(name: str) -> Callable[[str | None], str | None]:
    def keep(value: str | None) -> str | None:
        if value is not None:
            setattr(GIVEN, name, value)
        return value

    return keep


def _option(name: str, *spelled: str, help: str) -> Any:
    return typer.Option(*spelled, help=help, expose_value=False, callback=_keeping(name))


ConfigBefore = Annotated[
    str | None,
    _option(
        "config", "--config", "-c", help="Default: $YEMOTD_CONFIG, ./config.toml, /etc/yemotd/config.toml."
    ),
]
UrlOption = Annotated[
    str | None, _option("url", "--url", help=f"Ask the daemon there, not the store here; or ${URL}.")
]
TokenFileOption = Annotated[
    str | None, _option("token_file", "--token-file", help=f"The file with its token; or ${TOKEN_FILE}.")
]
CaFileOption = Annotated[
    str | None,
    _option("ca_file", "--ca-file", help=f"Who vouches for it, where that is your own house; or ${CA_FILE}."),
]


def of_environment(variable: str) -> str | None:
    """A setting of every call; None: there is none."""
    return os.environ.get(variable) or None


@cache
def config_options() -> tuple[Any, ...]:
    """The parameters of a group of verbs, behind whose noun a configuration may stand, too."""

    def before(config: ConfigBefore = None) -> None:
        """Stands between the noun and the verb."""

    return _parameters(before)


@cache
def elsewhere_options() -> tuple[Any, ...]:
    """The parameters of a verb that a daemon elsewhere can be asked for."""

    def after(
        url: UrlOption = None, token_file: TokenFileOption = None, ca_file: CaFileOption = None
    ) -> None:
        """Stands behind the verb."""

    return _parameters(after)


def _parameters(function: Callable[..., None]) -> tuple[Any, ...]:
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command()(function)
    return tuple(typer.main.get_command(alone).params)
