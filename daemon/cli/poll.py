"""`yemotd poll`: every watch once, now."""

import json
import os
from typing import Annotated

import typer

from daemon.app.poll_once import poll_once, rehearse_once
from daemon.cli.opening import load
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, counted, print_json, say
from daemon.core.rendering.body import summary
from daemon.core.watches import detection
from daemon.schemas.polls import Poll
from daemon.workers.poller import Polled


def poll(
    config: ConfigOption = None,
    *,
    system: Annotated[str | None, typer.Option(help="Only this system.")] = None,
    watch: Annotated[str | None, typer.Option(help="Only this watch: sms, sip, queue/5, …")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent; write nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Poll once, and send what comes of it. Exit code 69 when a poll failed."""
    loaded = load(config)
    try:
        walk = rehearse_once if dry_run else poll_once
        polled = walk(loaded.config, system=system, watch=watch)
    except LookupError as error:
        raise Fatal(str(error), os.EX_USAGE) from None
    for one in polled:
        if as_json:
            print_json(_document(one).model_dump())
        else:
            say(*_lines(one, is_rehearsal=dry_run))
    if any(one.unknown for one in polled):
        raise typer.Exit(os.EX_UNAVAILABLE)


def _lines(polled: Polled, *, is_rehearsal: bool) -> list[str]:
    watch = polled.watch
    name = "/".join(watch.id)
    if polled.unknown:
        return [f"{name}: {polled.unknown.failure.value}: {polled.unknown.message}"]
    lines = [f"{name}: answered, {counted(len(polled.recorded.events), 'event')}"]
    for event in polled.recorded.events:
        to = [one.endpoint for one in polled.recorded.deliveries if one.event.id == event.id]
        lines.append(f"  {event.type}  {summary(json.loads(event.body))}  -> {', '.join(to) or 'nobody'}")
    if is_rehearsal:
        lines += [f"  {detection.show(what, hold, watch.every)}" for what, hold in watch.conditions.items()]
    return lines


def _document(polled: Polled) -> Poll:
    return Poll.of(polled.watch.id, polled.unknown, polled.recorded.events, polled.recorded.deliveries)
