"""`yemotd db`: the care of the database."""

import os
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.db_copy import copy
from daemon.cli.opening import load, look, open_store
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, print_json, say
from daemon.host import clock
from daemon.store import backup as backups
from daemon.store import database as databases
from daemon.store import location
from daemon.store.backup import BackupError
from daemon.store.schema import REVISION
from daemon.wiring.endpoints import retention
from daemon.workers.housekeeper import Housekeeper

app = typer.Typer(help="Care of the database.", no_args_is_help=True, rich_markup_mode=None)
MIB = 1024 * 1024


@app.callback()
def db() -> None:
    """Care of the database."""


@app.command("upgrade")
def upgrade(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Make the database as new as this program, after a backup. `yemotd run` does the same at its start."""
    url = load(config).config.daemon.database
    store = databases.open_for_daemon(url)
    before = store.found_at
    store.close()
    if as_json:
        print_json({"before": before, "now": REVISION})
    elif before == REVISION:
        say(f"The database is at revision {REVISION} already.")
    else:
        say(f"The database is at revision {REVISION} now{f'; it was at {before}' if before else ''}.")
        if before and (copy := location.copy_from_before(url)):
            say(f"As it was before: {copy}")


@app.command("backup")
def backup(
    target: Annotated[
        Path | None,
        typer.Argument(help="The new file, or a folder for it; default: beside the database, with the time."),
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Copy the database as it is at one moment, while the daemon runs. The copy is checked."""
    url = load(config).config.daemon.database
    source = location.file_of(url)
    if source is None:
        raise Fatal(f"{location.shown(url)} is a server's: use pg_dump", os.EX_USAGE)
    path = _target(source, target, clock.utcnow())
    databases.check_file(url)
    try:
        size = backups.backup(source, path)
    except BackupError as error:
        raise Fatal(str(error), os.EX_IOERR) from None
    if as_json:
        print_json({"path": str(path), "bytes": size})
    else:
        say(f"{path}: {size / MIB:.1f} MiB, checked")


@app.command("check")
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Whether the database is sound: its pages, indexes and references. Exit code 74 where it is not."""
    url = load(config).config.daemon.database
    if location.file_of(url) is None:
        raise Fatal(f"{location.shown(url)} is a server's: use pg_amcheck", os.EX_USAGE)
    store, current = databases.open_as_it_is(url)
    with closing(store), store.read() as connection:
        found = backups.faults(connection)
    if as_json:
        print_json({"revision": current, "is_sound": not found, "faults": list(found)})
    else:
        say(*(found or [f"The database is sound, at revision {current}."]))
    if found:
        raise typer.Exit(os.EX_IOERR)


@app.command("prune")
def prune(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Forget now what [retention] says may be forgotten; the daemon does it every hour."""
    loaded = load(config).config
    keeps, store = retention(loaded), open_store(loaded)
    with store.read() as db:
        now = look(db).wall
    pruned = Housekeeper(store, monotonic=clock.monotonic).run_once(now, keeps)
    store.close()
    if as_json:
        print_json(asdict(pruned))
        return
    kinds = ("deliveries", "attempts", "events", "incidents", "commands")
    say(f"Forgotten: {', '.join(f'{getattr(pruned, kind)} {kind}' for kind in kinds)}.")
    say(f"Given up: {pruned.given_up} deliveries that were never made.")


app.command("copy")(copy)


def _target(source: Path, target: Path | None, now: datetime) -> Path:
    name = f"{source.stem}-{now:%Y%m%dT%H%M%SZ}{source.suffix}"
    if target is None:
        return source.with_name(name)
    return target / name if target.is_dir() else target
