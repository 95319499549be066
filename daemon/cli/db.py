"""`yemotd db`: the care of the database."""

from dataclasses import asdict

import typer

from daemon import clock
from daemon.cli.output import ConfigOption, JsonOption, load, open_store, print_json
from daemon.endpoints import retention
from daemon.workers.housekeeper import Housekeeper

app = typer.Typer(help="Care of the database.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def db() -> None:
    """Care of the database."""


@app.command("prune")
def prune(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Forget now what [retention] says may be forgotten; the daemon does it every hour."""
    keeps = retention(load(config).config)
    store = open_store(config)
    pruned = Housekeeper(store, keeps).run_once(clock.utcnow())
    store.close()
    if as_json:
        print_json(asdict(pruned))
        return
    kinds = ("deliveries", "attempts", "events", "incidents", "commands")
    print(f"Forgotten: {', '.join(f'{getattr(pruned, kind)} {kind}' for kind in kinds)}.")
    print(f"Given up: {pruned.given_up} deliveries that were never made.")
