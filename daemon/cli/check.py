"""`yemotd check`: whether the configuration can be used, and what it comes to."""

import os
from contextlib import closing
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli import kept_texts
from daemon.cli.output import ConfigOption, Fatal, JsonOption, load, open_store, print_json, say
from daemon.config.load import Loaded
from daemon.config.settings import Config
from daemon.core import durations
from daemon.core.differences import Difference, difference
from daemon.core.watches import detection
from daemon.schemas.checks import Check, CheckedEndpoint, CheckedSystem, CheckedWatch
from daemon.schemas.status import DifferenceDocument
from daemon.store import in_force, location
from daemon.wiring.described import digests, parts
from daemon.wiring.watches import plan


class Against(Enum):
    """What a configuration may be compared with."""

    RUNNING = "running"


AgainstOption = Annotated[
    Against | None,
    typer.Option(
        "--against", help="Say what a reload would add, remove and change; secrets are not compared."
    ),
]


def check(config: ConfigOption = None, as_json: JsonOption = False, against: AgainstOption = None) -> None:
    """Check the configuration; every fault at once, exit code 78 if there is one."""
    loaded = load(config)
    against_it = _against(loaded.config, config) if against else None
    warnings = [*loaded.warnings, *kept_texts.warnings(loaded.config)]
    if as_json:
        changes = None if against_it is None else DifferenceDocument.of(against_it)
        print_json(_document(loaded, warnings, changes).model_dump())
        return
    say(*(f"warning: {warning}" for warning in warnings))
    say(*_lines(loaded.config), "The configuration is good.")
    if against_it is not None:
        same, other = "It is the one that runs, or ran last.", "Against the one that runs, or ran last:"
        say(other if against_it else same, *(f"  {line}" for line in against_it.lines()))


def _against(config: Config, path: Path | None) -> Difference:
    """What a reload would change; `Fatal` (exit 74) where the database cannot be read, or knows of none."""
    with closing(open_store(path)) as store, store.read() as db:
        kept = in_force.load(db)
    if kept is None:
        raise Fatal("no daemon has taken over a configuration on this database yet", os.EX_IOERR)
    return difference(kept.parts, digests(parts(config)))


def _lines(config: Config) -> list[str]:
    lines = [
        f"database  {location.shown(config.daemon.database)}",
        f"http      {config.http.listen or 'off'}",
    ]
    for system in config.systems:
        lines.append(f"system    {system.name}: {system.base_url}")
        for watch in plan(system):
            lines.append(f"  watch   {watch.name}, every {durations.show(watch.every)}")
            lines += [
                f"            {detection.show(what, hold, watch.every)}"
                for what, hold in watch.conditions.items()
            ]
    for (table, _), one in config.endpoints():
        lines.append(f"{table.removesuffix('s'):<10}{one.name}: {', '.join(one.events)}")
    return lines


def _document(loaded: Loaded, warnings: list[str], changes: DifferenceDocument | None) -> Check:
    config = loaded.config
    return Check(
        warnings=warnings,
        database=location.shown(config.daemon.database),
        listen=config.http.listen,
        systems=[
            CheckedSystem(
                name=system.name,
                base_url=system.base_url,
                watches=[CheckedWatch.of(one.name, one.every, one.conditions) for one in plan(system)],
            )
            for system in config.systems
        ],
        webhooks=[CheckedEndpoint(name=one.name, events=list(one.events)) for one in config.webhooks],
        emails=[CheckedEndpoint(name=one.name, events=list(one.events)) for one in config.emails],
        notify=[CheckedEndpoint(name=one.name, events=list(one.events)) for one in config.notify],
        against=changes,
    )
