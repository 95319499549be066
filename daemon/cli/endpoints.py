"""`yemotd endpoints`: how each of them is doing; test it, turn it off and on, send it the past again."""

import os
from datetime import datetime
from typing import Annotated

import typer

from daemon.app.ping import ping
from daemon.cli.deliveries import attempt_lines
from daemon.cli.opening import load, open_store, say_when_it_goes
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import age, clock_time, counted, moment, print_json, refusals, say
from daemon.config.settings import Config
from daemon.core.delivery.breaker import HEALTHY, Switch
from daemon.core.delivery.outcome import Outcome
from daemon.core.timeline import Look
from daemon.host import clock
from daemon.operations import endpoints
from daemon.operations.endpoints import Replay
from daemon.schemas import documents
from daemon.schemas.documents import Delivery, Endpoint
from daemon.store import clock_steps, views
from daemon.store.replay import Span, Which
from daemon.store.views import EndpointHealth
from daemon.wiring.endpoints import interests
from daemon.wiring.senders import public_keys

app = typer.Typer(help="How the endpoints are doing.", no_args_is_help=True, rich_markup_mode=None)
EndpointArgument = Annotated[str, typer.Argument(help="The endpoint's name.")]


@app.command("list")
def list_endpoints(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every endpoint: its health, since when, and what waits for it."""
    loaded = load(config).config
    names, keys = _names(loaded), public_keys(loaded)
    store = open_store(loaded)
    with store.read() as db:
        found = views.endpoints(db, names)
    store.close()
    for one in found:
        key = keys.get(one.name)
        if as_json:
            print_json(Endpoint.of(one, key).model_dump())
        else:
            say(_line(one))
            if key:
                say(f"  its messages can be checked with {key}")


@app.command("test")
def test(endpoint: EndpointArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Send a test.ping now, whatever its health, and show the answer. Exit code 69 where it is not taken."""
    loaded = load(config).config
    with refusals():
        endpoints.interest_of(endpoint, interests(loaded))
    store = open_store(loaded)
    delivery = ping(store, endpoint, loaded)
    store.close()
    (attempt,) = delivery.attempts
    is_well = attempt.outcome is Outcome.ACCEPTED
    if as_json:
        print_json(Delivery.of(delivery).model_dump())
    else:
        say(f"{endpoint}: {'took it' if is_well else 'did not take it'}  {delivery.event}")
        say(*attempt_lines(attempt))
    if not is_well:
        raise typer.Exit(os.EX_UNAVAILABLE)


@app.command("disable")
def disable(endpoint: EndpointArgument, config: ConfigOption = None) -> None:
    """Send it nothing until it is enabled; what comes in the meantime waits."""
    loaded = load(config).config
    _ask(endpoint, loaded, Switch.DISABLE)
    say(f"{endpoint} is to be disabled; what comes for it waits.")
    say_when_it_goes(loaded)


@app.command("enable")
def enable(endpoint: EndpointArgument, config: ConfigOption = None) -> None:
    """Send to it again, whatever it was disabled or suspended for; what waits goes at its recovery_rate."""
    loaded = load(config).config
    _ask(endpoint, loaded, Switch.ENABLE)
    say(f"{endpoint} is to be enabled; what waits for it goes out.")
    say_when_it_goes(loaded)


@app.command("replay")
def replay(
    endpoint: EndpointArgument,
    config: ConfigOption = None,
    *,
    which: Annotated[
        Which, typer.Option(help="All events, those that were given up, or those it never got.")
    ] = Which.FAILED,
    since: Annotated[str | None, typer.Option(help="From then on: 2026-11-23T18:00, local time.")] = None,
    until: Annotated[str | None, typer.Option(help="Before then.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="A glob such as sms.*")] = None,
    system: Annotated[str | None, typer.Option(help="Of this system only.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="So many a second.")] = None,
    with_history: Annotated[
        bool, typer.Option("--history", help="Also what is not true any more, such as alerts that are over.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, no more.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send events of the past, each with the id that it had, in their order."""
    span = Span(_moment("--since", since), _moment("--until", until), type_, system)
    asked = Replay(which, span, with_history, rate, dry_run)
    loaded = load(config).config
    known = interests(loaded)
    store = open_store(loaded)
    with refusals():
        with store.read() as db:
            now = clock_steps.now(db, Look(*clock.look()))
        plan = endpoints.send_again(store, endpoint, known, asked, now)
    store.close()
    if as_json:
        print_json(documents.Replay.of(endpoint, plan, is_dry_run=dry_run).model_dump())
        return
    if dry_run:
        for one in plan.items:
            event = one.event
            say(f"  {clock_time(event.timestamp)}  {event.type} {event.subject}  {event.id}")
    is_or_are = "would be" if dry_run else "is" if len(plan.items) == 1 else "are"
    say(f"{counted(len(plan.items), 'event')} {is_or_are} sent to {endpoint}.")
    if plan.under_way:
        say(f"{plan.under_way} are on their way already.")
    if plan.outdated:
        say(f"{plan.outdated} tell what is not true any more; --history sends them, too.")
    if not dry_run and plan.items:
        say_when_it_goes(loaded)


def _ask(endpoint: str, config: Config, switch: Switch) -> None:
    known = interests(config)
    store = open_store(config)
    with refusals(), store.write() as db:
        endpoints.switch(db, endpoint, known, switch)
    store.close()


def _names(config: Config) -> list[str]:
    return [one.endpoint for one in interests(config)]


def _moment(option: str, text: str | None) -> datetime | None:
    return moment(option, text) if text else None


def _line(one: EndpointHealth) -> str:
    now, breaker, waiting = clock.utcnow(), one.breaker, one.waiting
    health = breaker.health.value if one.is_configured else "not in the configuration"
    parts = [f"{one.name}  {health}"]
    if breaker.disabled_by:
        parts.append(f"by {breaker.disabled_by.value}")
    if breaker.since and breaker is not HEALTHY:
        parts.append(f"since {clock_time(breaker.since)}")
    if breaker.error and breaker.failing_since:
        parts.append(f"({breaker.error})")
    if breaker.not_before and breaker.not_before > now:
        parts.append(f"next attempt {clock_time(breaker.not_before)}")
    if one.asked:
        parts.append(f"to be {one.asked.value}d")
    oldest = f", the oldest from {age(waiting.oldest_open_at, now)}" if waiting.open else ""
    return f"{' '.join(parts)}; {waiting.open} waiting{oldest}, {counted(waiting.dead, 'dead letter')}"
