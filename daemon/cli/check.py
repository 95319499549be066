"""`yemotd check`: whether the configuration can be used, and what it comes to."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import typer

from daemon.cli import kept_texts, service
from daemon.cli.opening import load, open_store
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, print_json, say
from daemon.config.endpoints import EndpointSettings
from daemon.config.load import Loaded
from daemon.config.quiet import QuietSettings
from daemon.config.settings import ENDPOINT_TABLES, Config, Http
from daemon.config.systems import SystemSettings
from daemon.config.texts import LEAST
from daemon.core import durations
from daemon.core.differences import Difference, difference
from daemon.core.model import Secret
from daemon.core.numbers import shown as number
from daemon.core.timestamps import from_iso, iso
from daemon.core.watches import cost, detection
from daemon.host import clock, key_file
from daemon.host.key_file import KeyFileError
from daemon.schemas.checks import (
    Check,
    CheckedDigest,
    CheckedEndpoint,
    CheckedExpectation,
    CheckedReach,
    CheckedSystem,
    CheckedTexts,
    CheckedWatch,
    CheckedWebhook,
    CheckedWindow,
)
from daemon.schemas.status import DifferenceDocument
from daemon.store import in_force, location
from daemon.wiring import windows
from daemon.wiring.described import digests, parts
from daemon.wiring.watches import active, ignored_of, plan, rows


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
    now = clock.utcnow()
    loaded = load(config, now=now)
    against_it = _against(loaded.config) if against else None
    warnings = [*loaded.warnings, *kept_texts.warnings(loaded.config)]
    warnings += service.changed_credentials() if service.is_for(loaded.path) else []
    key = _key(loaded.config)
    if faults := service.faults(loaded):
        raise Fatal("\n  ".join([f"{loaded.path} cannot be used by the service:", *faults]), os.EX_CONFIG)
    failures = service.failures(loaded)
    changes = None if against_it is None else DifferenceDocument.of(against_it)
    document = _document(loaded, warnings, changes, key, now).model_copy(update={"failures": failures})
    if as_json:
        print_json(document.model_dump())
        return
    say(*(f"warning: {warning}" for warning in warnings))
    told = [f"failures  {failures}"] if failures else []
    say(*_lines(loaded.config, document, now), *told, "The configuration is good.")
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


def _lines(config: Config, document: Check, now: datetime) -> list[str]:
    zone = ZoneInfo(config.daemon.timezone)
    lines = [
        f"database  {document.database}",
        *([f"key       {document.key_file}"] if document.key_file else []),
        f"http      {config.http.listen or 'off'}",
        *(f"          {line}" for line in _reach(config.http)),
    ]
    for system, shown in zip(config.systems, document.systems, strict=True):
        lines.append(f"system    {system.name}: {system.base_url}")
        for watch, checked in zip(plan(system), shown.watches, strict=True):
            lines.append(f"  watch   {watch.name}, every {durations.show(watch.every)}")
            lines += [
                f"            {detection.show(what, hold, watch.told_every)}"
                for what, hold in watch.conditions.items()
            ]
            lines += [f"            {cost.show(watch.cost)}"] if watch.cost else []
            lines += [f"            {line}" for line in _attention(watch.name, checked, now, zone)]
        lines += [line for one in shown.expectations for line in _expected(one, now, zone)]
        lines.append(f"  takes   {_commands(shown)}")
    for table in ENDPOINT_TABLES:
        for one in getattr(document, table):
            lines.append(f"{table.removesuffix('s'):<10}{one.name}: {', '.join(one.events)}")
            lines += [f"          {line}" for line in _cost(one)]
            lines += [_leads(one)] if isinstance(one, CheckedWebhook) else []
            lines += [f"  quiet   {_window(each, now, zone)}" for each in one.quiet]
    lines += [f"digest    {_digest(one, now, zone)}" for one in document.digests]
    return lines


def _cost(one: CheckedEndpoint) -> Iterator[str]:
    """Of an endpoint that costs: what an alert costs, and what it may cost in a day."""
    if isinstance(one, CheckedTexts):
        from daemon.core import amounts  # noqa: PLC0415 - a cold start is measured

        alert, day = amounts.at_least(one.units_per_alert), amounts.spelled(one.units_per_day)
        yield f"by SMS of {one.system} to {', '.join(one.to)}"
        yield f"an alert with its end costs {alert} units at most, and a day {day}"


def _commands(system: CheckedSystem) -> str:
    """Which commands a system takes, and what those may cost in a day that cost."""
    if not system.commands:
        return "no commands"
    budgets = {"campaigns": system.campaign_units_per_day, "SMS": system.sms_units_per_day}
    costs = [
        f"{what} for {number(units)} units a day" for what, units in budgets.items() if units is not None
    ]
    return "; ".join([", ".join(system.commands), *costs])


def _texts(config: Config, shown: Sequence[CheckedEndpoint]) -> list[CheckedTexts]:
    """The tables of phones that are told by SMS, with what they cost."""
    budgets = {one.name: one.sms_units_per_day or 0.0 for one in config.systems}
    return [
        CheckedTexts(
            **dict(one),
            system=table.system,
            to=list(table.to),
            units_per_alert=round(LEAST * len(table.to), 2),
            units_per_day=budgets[table.system] if table.units_per_day is None else table.units_per_day,
        )
        for table, one in zip(config.texts, shown, strict=True)
    ]


def _leads(one: CheckedWebhook) -> str:
    """Whom a webhook leads to; what else its address says may be a secret."""
    return f"  to      {one.host}{', at an address that is a secret' if one.secret_url else ''}"


def _expected(one: CheckedExpectation, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    """What has to come, and when that counts."""
    within = durations.show(timedelta(seconds=one.within_seconds))
    about = f" of {one.subject}" if one.subject else ""
    called = f"{one.name}: " if one.name != one.type else ""
    yield f"  expects {called}{one.type}{about} within {within}, as seen by {', '.join(one.watches)}"
    for each in one.active:
        yield f"            active {_window(each, now, zone)}"


def _digest(one: CheckedDigest, now: datetime, zone: ZoneInfo) -> str:
    from daemon.core.rendering import quiet_words  # noqa: PLC0415 - a cold start is measured

    due = from_iso(one.next_due_at)
    at = quiet_words.at(due, now, zone) if due else "?"
    return f"{one.name}: of a {one.covers}, to {', '.join(one.to)}; next {at}"


def _attention(watch: str, checked: CheckedWatch, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    """When the alerts of a watch count, and of what there are none."""
    for key, some in checked.active.items():
        of = f"{key.removeprefix(watch).strip('/')} " if key else ""
        for one in some:
            yield f"{of}active {_window(one, now, zone)}"
    if checked.ignore:
        yield f"ignores {', '.join(checked.ignore)}"


def _window(one: CheckedWindow, now: datetime, zone: ZoneInfo) -> str:
    """`nights: every day 22:00 to 07:00; now until 07:00`."""
    from daemon.core.rendering import quiet_words  # noqa: PLC0415 - a cold start is measured

    begins_at, ends_at = (
        quiet_words.at(at, now, zone) if at else None
        for at in (from_iso(one.begins_at), from_iso(one.ends_at))
    )
    if one.lasts:
        said = f"now until {ends_at}" if ends_at else "now, with no end in sight"
    else:
        said = f"next {begins_at}" if begins_at else "when it begins next, nobody can say"
    return f"{quiet_words.which(one.window.window())}; {said}"


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
    loaded: Loaded, warnings: list[str], changes: DifferenceDocument | None, key: str | None, now: datetime
) -> Check:
    config = loaded.config

    zone = config.daemon.timezone

    def endpoints(of: Iterable[EndpointSettings]) -> list[CheckedEndpoint]:
        return [
            CheckedEndpoint(name=one.name, events=list(one.events), quiet=_checked(one.quiet, zone, now))
            for one in of
        ]

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
                watches=[
                    CheckedWatch.of(
                        one,
                        active={key: _checked(some, zone, now) for key, some in active(make).items() if some},
                        ignore=ignored_of(make),
                    )
                    for one, make in rows(system)
                ],
                expectations=_expectations(system, zone, now),
                commands=list(system.commands),
                campaign_units_per_day=system.campaign_units_per_day,
                sms_units_per_day=system.sms_units_per_day,
            )
            for system in config.systems
        ],
        webhooks=[
            CheckedWebhook(
                **told.model_dump(exclude={"quiet"}),
                quiet=told.quiet,
                host=urlsplit(one.address).hostname or "",
                secret_url=isinstance(one.url, Secret),
            )
            for one, told in zip(config.webhooks, endpoints(config.webhooks), strict=True)
        ],
        emails=endpoints(config.emails),
        notify=endpoints(config.notify),
        texts=_texts(config, endpoints(config.texts)),
        digests=_digests(config, now),
        against=changes,
    )


def _expectations(system: SystemSettings, zone: str, now: datetime) -> list[CheckedExpectation]:
    if not system.expectations:
        return []
    from daemon.wiring.expectations import givers  # noqa: PLC0415 - a cold start is measured

    return [
        CheckedExpectation(
            name=one.name,
            type=one.type,
            within_seconds=one.within.total_seconds(),
            subject=one.subject,
            watches=sorted(givers(system, one)),
            active=_checked(one.active, zone, now),
        )
        for one in system.expectations
    ]


def _digests(config: Config, now: datetime) -> list[CheckedDigest]:
    if not config.digests:
        return []
    from daemon.wiring.digests import digests_of  # noqa: PLC0415 - a cold start is measured

    return [
        CheckedDigest(name=one.name, to=list(one.to), covers=one.covers, next_due_at=iso(one.next_due(now)))
        for one in digests_of(config)
    ]


def _checked(some: Sequence[QuietSettings], zone: str, now: datetime) -> list[CheckedWindow]:
    """Windows, and which of them last at present."""
    if not some:
        return []
    from daemon.operations.quiet_windows import standing  # noqa: PLC0415 - a cold start is measured

    found = (standing(windows.window(one, zone), now) for one in some)
    return [CheckedWindow.of(one.window, one.begins_at, one.ends_at, lasts=one.is_lasting) for one in found]
