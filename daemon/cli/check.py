"""`yemotd check`: whether the configuration can be used, and what it comes to."""

from daemon.cli.output import ConfigOption, JsonOption, load, print_json, say
from daemon.config.load import Loaded
from daemon.config.settings import Config
from daemon.core import durations
from daemon.core.watches import detection
from daemon.schemas.checks import Check, CheckedEndpoint, CheckedSystem, CheckedWatch
from daemon.store import location
from daemon.wiring.watches import plan


def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the configuration; every fault at once, exit code 78 if there is one."""
    loaded = load(config)
    if as_json:
        print_json(_document(loaded).model_dump())
        return
    say(*(f"warning: {warning}" for warning in loaded.warnings))
    say(*_lines(loaded.config), "The configuration is good.")


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


def _document(loaded: Loaded) -> Check:
    config = loaded.config
    return Check(
        warnings=list(loaded.warnings),
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
    )
