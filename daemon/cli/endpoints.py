"""`yemotd endpoints`: how each of them is doing; test it, turn it off and on, send it the past again."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from daemon.cli import completing, quiet_words
from daemon.cli.deliveries import attempt_lines
from daemon.cli.names import beside
from daemon.cli.opening import look
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import (
    age,
    clock_time,
    complain,
    counted,
    moment_gone,
    people_zone,
    print_json,
    refusals,
    say,
)
from daemon.cli.place import Place
from daemon.cli.sources import asked
from daemon.core.delivery.breaker import Switch
from daemon.core.delivery.outcome import Status
from daemon.core.routing.plan import Interest
from daemon.core.timestamps import from_iso
from daemon.operations import endpoints, quiet_windows
from daemon.operations.endpoints import Replay
from daemon.schemas import documents
from daemon.schemas.documents import Delivery, Endpoint, QuietStatus
from daemon.store import clock_steps, views
from daemon.store.replay import Span, Which
from daemon.wiring.endpoints import interests
from daemon.wiring.senders import public_keys

LONGEST_TEST = timedelta(minutes=3)
"""Ours. For which a daemon elsewhere is waited for while it tests; an endpoint's `timeout` is seconds."""

app = typer.Typer(help="How the endpoints are doing.", no_args_is_help=True, rich_markup_mode=None)
EndpointArgument = Annotated[
    str, typer.Argument(help="The endpoint's name.", autocompletion=completing.ENDPOINTS)
]


@app.command("list")
def list_endpoints(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every endpoint: its health, since when, what waits for it, and whether it is quiet."""
    with asked("endpoints list", config) as daemon:
        found = daemon.many(Endpoint, _here)
        for one in found:
            if as_json:
                print_json(one.model_dump())
                continue
            say(_line(one, daemon.now()))
            if one.quiet is not None:
                say(f"  {quiet_words.quiet(one.quiet, daemon.now(), people_zone())}")
            if one.public_key:
                say(f"  its messages can be checked with {one.public_key}")


def _here(place: Place) -> list[Endpoint]:
    keys = public_keys(place.config) if place.config and place.has_secrets else {}
    if not place.has_secrets:
        complain("the secrets cannot be read: public keys are left out")
    with place.store.read() as db:
        found, now = views.endpoints(db, place.known.endpoints), place.look(db)
        quiet = _quiet(db, place.known.interests, now)
    return [Endpoint.of(one, keys.get(one.name), quiet.get(one.name)) for one in found]


def _quiet(db: sa.Connection, known: Sequence[Interest], now: datetime) -> dict[str, QuietStatus]:
    """The endpoints that are in a quiet window."""
    found = quiet_windows.lasting(db, known, now)
    return {name: QuietStatus.of(one.now, one.waits) for name, one in found.items()}


@app.command("test")
def test(endpoint: EndpointArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Send a test.ping now, whatever its health, and show the answer. Exit code 69 where it is not taken."""

    def here(place: Place) -> Delivery:
        loaded = place.whole(with_secrets=True)
        with refusals():
            endpoints.interest_of(endpoint, interests(loaded))
        from daemon.app.ping import ping  # noqa: PLC0415 - it brings every sender

        return Delivery.of(ping(place.store, endpoint, loaded))

    with asked("endpoints test", config) as daemon:
        delivery = daemon.one(Delivery, here, words={"endpoint": endpoint}, patience=LONGEST_TEST)
        is_well = delivery.status == Status.DELIVERED.value
        if as_json:
            print_json(delivery.model_dump())
        else:
            say(f"{endpoint}: {'took it' if is_well else 'did not take it'}  {delivery.event}")
            say(*(line for one in delivery.attempts for line in attempt_lines(one)))
    if not is_well:
        raise typer.Exit(os.EX_UNAVAILABLE)


@app.command("preview")
def preview(
    endpoint: EndpointArgument,
    config: ConfigOption = None,
    *,
    type_: Annotated[
        str | None,
        typer.Option("--type", help="Of which type of event; else the first that goes there."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What a webhook would be sent of an example: its headers, signature and body. Nothing is sent."""
    from daemon.cli import previewing  # noqa: PLC0415 - it brings every format and what sends

    found = previewing.preview(config, endpoint, type_)
    if as_json:
        print_json(found.model_dump())
        return
    say(*previewing.lines(found))


@app.command("disable")
def disable(endpoint: EndpointArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Send it nothing until it is enabled; what comes in the meantime waits."""
    said = f"{endpoint} is to be disabled; what comes for it waits."
    _ask("endpoints disable", endpoint, config, Switch.DISABLE, said, as_json=as_json)


@app.command("enable")
def enable(endpoint: EndpointArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Send to it again, whatever it was disabled or suspended for; what waits goes at its recovery_rate."""
    said = f"{endpoint} is to be enabled; what waits for it goes out."
    _ask("endpoints enable", endpoint, config, Switch.ENABLE, said, as_json=as_json)


@app.command("replay")
def replay(
    endpoint: EndpointArgument,
    config: ConfigOption = None,
    *,
    which: Annotated[
        Which, typer.Option(help="All events, those that were given up, or those it never got.")
    ] = Which.FAILED,
    since: Annotated[
        str | None,
        typer.Option(help="From then on: 2h, yesterday, 2026-11-23T18:00; in the zone of [daemon] timezone."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before then.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="A glob such as sms.*")] = None,
    system: Annotated[
        str | None, typer.Option(help="Of this system only.", autocompletion=completing.SYSTEMS)
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="So many a second.")] = None,
    with_history: Annotated[
        bool, typer.Option("--history", help="Also what is not true any more, such as alerts that are over.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, no more.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send events of the past, each with the id that it had, in their order."""

    def here(place: Place) -> documents.Replay:
        known = interests(place.whole())
        with refusals():
            with place.store.read() as db:
                seen = place.look(db)
                now = clock_steps.now(db, look(db))
            span = Span(_gone("--since", since, seen), _gone("--until", until, seen), type_, system)
            wanted = Replay(which, span, with_history, rate, dry_run)
            plan = endpoints.send_again(place.store, endpoint, known, wanted, now)
        return documents.Replay.of(endpoint, plan, is_dry_run=dry_run)

    with asked("endpoints replay", config) as daemon:

        def body() -> dict[str, object]:
            begin, end = (_gone(*one, daemon.now()) for one in (("--since", since), ("--until", until)))
            said = {
                "which": which.value,
                "since": begin.isoformat() if begin else None,
                "until": end.isoformat() if end else None,
                "type": type_,
                "system": system,
                "rate": rate,
                "history": with_history,
                "dry_run": dry_run,
            }
            return {key: value for key, value in said.items() if value is not None}

        found = daemon.one(documents.Replay, here, words={"endpoint": endpoint}, body=body)
        if as_json:
            print_json(found.model_dump())
            return
        say(*_replayed(found))
        if not dry_run and found.events:
            daemon.say_when_it_goes()


def _replayed(found: documents.Replay) -> Iterator[str]:
    for one in found.details:
        yield f"  {clock_time(from_iso(one.timestamp))}  {one.type} {beside(one.subject)}  {one.event}"
    is_or_are = "would be" if found.is_dry_run else "is" if len(found.events) == 1 else "are"
    yield f"{counted(len(found.events), 'event')} {is_or_are} sent to {found.endpoint}."
    if found.under_way:
        yield f"{found.under_way} are on their way already."
    if found.outdated:
        yield f"{found.outdated} tell what is not true any more; --history sends them, too."


def _ask(verb: str, endpoint: str, config: Path | None, switch: Switch, said: str, *, as_json: bool) -> None:
    def here(place: Place) -> Endpoint:
        loaded = place.whole()
        known = interests(loaded)
        with refusals(), place.store.write() as db:
            endpoints.switch(db, endpoint, known, switch)
            found = endpoints.find_endpoint(db, endpoint, known)
            quiet = _quiet(db, [one for one in known if one.endpoint == endpoint], place.look(db))
        keys = public_keys(loaded) if as_json and place.has_secrets else {}
        return Endpoint.of(found, keys.get(endpoint), quiet.get(endpoint))

    with asked(verb, config) as daemon:
        found = daemon.one(Endpoint, here, words={"endpoint": endpoint})
        if as_json:
            print_json(found.model_dump())
            return
        say(said)
        daemon.say_when_it_goes()


def _gone(option: str, text: str | None, now: datetime) -> datetime | None:
    return None if text is None else moment_gone(option, text, now)


def _line(one: Endpoint, now: datetime) -> str:
    since, not_before = from_iso(one.since), from_iso(one.not_before)
    parts = [f"{one.name}  {one.health if one.is_configured else 'not in the configuration'}"]
    if one.disabled_by:
        parts.append(f"by {one.disabled_by}")
    if since:
        parts.append(f"since {clock_time(since)}")
    if one.error and one.failing_since:
        parts.append(f"({one.error})")
    if not_before and not_before > now:
        parts.append(f"next attempt {clock_time(not_before)}")
    if one.asked:
        parts.append(f"to be {one.asked}d")
    oldest = f", the oldest from {age(from_iso(one.oldest_open_at), now)}" if one.open else ""
    return f"{' '.join(parts)}; {one.open} waiting{oldest}, {counted(one.dead, 'dead letter')}"
