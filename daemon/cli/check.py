"""`yemotd check`: whether the configuration can be used, and what it comes to."""

import os
from contextlib import closing
from enum import Enum
from typing import Annotated

import typer

from daemon.cli import kept_texts
from daemon.cli.opening import load, open_store
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, print_json, say
from daemon.config.load import Loaded
from daemon.config.settings import Config, Http
from daemon.core import durations
from daemon.core.differences import Difference, difference
from daemon.core.watches import detection
from daemon.host import clock, key_file
from daemon.host.key_file import KeyFileError
from daemon.schemas.checks import Check, CheckedEndpoint, CheckedReach, CheckedSystem, CheckedWatch
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
    loaded = load(config, now=clock.utcnow())
    against_it = _against(loaded.config) if against else None
    warnings = [*loaded.warnings, *kept_texts.warnings(loaded.config)]
    key = _key(loaded.config)
    if as_json:
        changes = None if against_it is None else DifferenceDocument.of(against_it)
        print_json(_document(loaded, warnings, changes, key).model_dump())
        return
    say(*(f"warning: {warning}" for warning in warnings))
    say(*_lines(loaded.config, key), "The configuration is good.")
    if against_it is not None:
        same, other = "It is the one that runs, or ran last.", "Against the one that runs, or ran last:"
        say(other if against_it else same, *(f"  {line}" for line in against_it.lines()))


def _against(config: Config) -> Difference:
    """What a reload would change; `Fatal` (exit 74) where the database cannot be read, or knows of none."""
    with closing(open_store(config)) as store, store.read() as db:
        kept = in_force.load(db)
    if kept is None:
        raise Fatal("no daemon has taken over a configuration on this database yet", os.EX_IOERR)
    return difference(kept.parts, digests(parts(config)))


def _key(config: Config) -> str | None:
    """Where the key is, or what becomes of it; None: nobody needs it. `Fatal` (78) for one that is none."""
    path = config.daemon.key_file
    if not config.http.listen:
        return None
    try:
        told = key_file.described(path)
        # The daemon may be started elsewhere, as by systemd.
        return told if path.is_absolute() else f"{path}, from where the daemon starts: here {told}"
    except KeyFileError as error:
        raise Fatal(f"[daemon] key_file = '{path}': {error}", os.EX_CONFIG) from None


def _lines(config: Config, key: str | None) -> list[str]:
    lines = [
        f"database  {location.shown(config.daemon.database)}",
        *([f"key       {key}"] if key else []),
        f"http      {config.http.listen or 'off'}",
        *(f"          {line}" for line in _reach(config.http)),
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


def _reach(http: Http) -> list[str]:
    """How it is reached and what strangers see, as far as that is not as by default."""
    visitors = http.public if http.visitors == "status" else ()
    lines = {
        f"TLS by {http.tls_cert}": http.tls_cert,
        f"below {http.prefix}": http.prefix,
        f"from outside {http.base}": http.base,
        f"believes {', '.join(map(str, http.trusted_proxies))}": http.trusted_proxies,
        f"shows everybody {', '.join(visitors)}": visitors,
        f"badges for everybody of {', '.join(http.badges)}": http.badges,
        "the feed of incidents for everybody": http.feed,
    }
    return [line for line, is_said in lines.items() if is_said and http.listen]


def _document(
    loaded: Loaded, warnings: list[str], changes: DifferenceDocument | None, key: str | None
) -> Check:
    config = loaded.config
    return Check(
        warnings=warnings,
        database=location.shown(config.daemon.database),
        key_file=key,
        listen=config.http.listen,
        reach=CheckedReach(
            url=config.http.base,
            prefix=config.http.prefix,
            tls=config.http.certificate is not None,
            trusted_proxies=[str(one) for one in config.http.trusted_proxies],
            visitors=config.http.visitors,
            public=list(config.http.public),
            badges=list(config.http.badges),
            feed=config.http.feed,
        ),
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
