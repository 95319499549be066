"""`yemotd discover`: what a phone system has, as `init` finds it; at any time, and by reads only."""

import os
import sys
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from daemon.cli.inventory_lines import inventory_lines
from daemon.cli.opening import HELD, load
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, complain, print_json, say
from daemon.config import writing
from daemon.config.answers import SafeBaseUrl, reader
from daemon.config.chosen import ChosenSystem, proposed
from daemon.config.secrets import Sources, check_token
from daemon.config.systems import SystemSettings
from daemon.config.values import queue_key
from daemon.core.inventory import Inventory
from daemon.core.model import Secret
from daemon.core.visible import visible
from daemon.schemas.inventory import Found
from daemon.wiring.clients import client_of
from daemon.wiring.discovery import BUDGET, untold
from daemon.wiring.discovery import discover as look

TokenFile = Annotated[
    Path | None,
    typer.Option(help="Look by the token in this file, and read no configuration."),
]
TokenEnv = Annotated[str | None, typer.Option(help="The same, by the token in this environment variable.")]


def discover(
    config: ConfigOption = None,
    *,
    system: Annotated[str | None, typer.Option(help="Only this system.")] = None,
    token_file: TokenFile = None,
    token_env: TokenEnv = None,
    base_url: Annotated[str | None, typer.Option(help="Where the API is, with a token.")] = None,
    switch_id: Annotated[str | None, typer.Option(help="Of the newer gateway, with a token.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates to trust as well, with a token.")] = None,
    calls: Annotated[int, typer.Option(min=5, max=1000, help="Calls at most, a system.")] = BUDGET,
    as_json: JsonOption = False,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="Print what is not watched yet as TOML, to be pasted.")
    ] = False,
) -> None:
    """Show what each system has: phones, extensions, queues, recordings, units. Reads only, a few calls.

    Exit code 69 where something could not be learned."""
    if as_json and as_toml:
        raise Fatal("give one of --json and --toml", os.EX_USAGE)
    is_given = token_file is not None or token_env is not None
    if is_given:
        systems: tuple[SystemSettings, ...]
        systems = (_given(token_file, token_env, base_url, switch_id, ca_file),)
    else:
        if base_url or switch_id or ca_file:
            said = "--base-url, --switch-id and --ca-file go with --token-file or --token-env"
            raise Fatal(said, os.EX_USAGE)
        systems = _chosen(load(config).config.systems, system)
    is_whole = True
    for one in systems:
        found = _looked(one, calls)
        is_whole = is_whole and not found.problems
        if as_json:
            print_json(Found.of(one.name, found).model_dump())
        elif as_toml:
            _print_toml(one, found, whole=is_given)
        else:
            say(f"system       {one.name}, {found.calls} calls")
            say(*inventory_lines(Found.of(one.name, found)))
    if not is_whole:
        raise typer.Exit(os.EX_UNAVAILABLE)


def _given(
    token_file: Path | None,
    token_env: str | None,
    base_url: str | None,
    switch_id: str | None,
    ca_file: Path | None,
) -> SystemSettings:
    """A system that no configuration names, by its token; `Fatal` (exit 64) where that is none."""
    if token_file is not None and token_env is not None:
        raise Fatal("give one of --token-file and --token-env", os.EX_USAGE)
    way, where = ("_file", str(token_file)) if token_file is not None else ("_env", token_env or "")
    try:
        value = Sources(Path(), os.environ, is_shared=False).value(way, where).strip()
        check_token(value)
        reached = None if base_url is None else reader(SafeBaseUrl)(base_url)
    except ValueError as error:
        raise Fatal(f"--token{way.replace('_', '-')}, --base-url: {error}", os.EX_USAGE) from None
    HELD.add(value)
    given = ChosenSystem(Secret(value), base_url=reached, switch_id=switch_id)
    return writing.reached_as(given, None if ca_file is None else ca_file.absolute())


def _chosen(systems: tuple[SystemSettings, ...], name: str | None) -> tuple[SystemSettings, ...]:
    found = tuple(one for one in systems if name in (None, one.name))
    if not found:
        known = ", ".join(one.name for one in systems)
        raise Fatal(f"no such system; there are: {known}", os.EX_USAGE)
    return found


def _looked(system: SystemSettings, calls: int) -> Inventory:
    try:
        client = client_of(system)
    except OSError as error:
        raise Fatal(f"ca_file: {error}", os.EX_CONFIG) from None
    with closing(client):
        progress = _told if sys.stderr.isatty() else untold
        return look(client, pause=Event().wait, progress=progress, budget=calls)


def _told(what: str) -> None:
    complain(f"  {what} …")


def _print_toml(system: SystemSettings, found: Inventory, *, whole: bool) -> None:
    """What can be watched and is not, as tables that belong below the system's own."""
    for part, said in found.problems.items():
        complain(f"{system.name}: {part.value}: {said}")
    given = ChosenSystem(None, name=system.name, watches=proposed(found))
    if whole:
        given = ChosenSystem(
            None,
            base_url=None if system.base_url == writing.DEFAULT_BASE_URL else system.base_url,
            switch_id=system.switch_id,
            ca_file=None if system.ca_file is None else str(system.ca_file),
            watches=proposed(found),
        )
    text = writing.pasted(given, known=_known(system), whole=whole)
    below = "" if whole else f'# Below [[systems]] name = "{system.name}":\n'
    say(*visible(below + (text or "# All that was found is watched already.\n")).splitlines())


def _known(system: SystemSettings) -> set[str]:
    """What is watched of a system already, as `writing.pasted` calls it."""
    single = {key for key in ("sms", "sip", "pirsumphone", "units") if getattr(system, key) is not None}
    queues = {f"queues {queue_key(one.path)}" for one in system.queues}
    return single | queues | {f"directories {queue_key(one.path)}" for one in system.directories}
