"""`yemotd poll`: every watch once, now."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from daemon.app.poll_once import poll_once, rehearse_once
from daemon.cli import completing
from daemon.cli.opening import load
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, complain, counted, print_json, say
from daemon.core.model import Json
from daemon.core.rendering.body import summary
from daemon.core.visible import visible_line
from daemon.core.watches import detection
from daemon.core.wording import cut
from daemon.schemas.polls import Poll
from daemon.workers.poller import Polled
from daemon.yemot.client import Exchanged

LISTED = 30
"""Of each list, for people."""


def poll(
    config: ConfigOption = None,
    *,
    system: Annotated[
        str | None, typer.Option(help="Only this system.", autocompletion=completing.SYSTEMS)
    ] = None,
    watch: Annotated[
        str | None,
        typer.Option(help="Only this watch: sms, sip, queue/5, …", autocompletion=completing.WATCHES),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is seen and what would be sent; write nothing.")
    ] = False,
    trace: Annotated[
        bool, typer.Option("--trace", help="Say on standard error what is asked, and what comes back.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Poll once, and send what comes of it. Exit code 69 when a poll failed."""
    loaded = load(config)
    try:
        walk = rehearse_once if dry_run else poll_once
        polled = walk(loaded.config, system=system, watch=watch, traced=_traced if trace else None)
    except LookupError as error:
        raise Fatal(str(error), os.EX_USAGE) from None
    for one in polled:
        if as_json:
            print_json(_document(one).model_dump())
        else:
            say(*_lines(one, is_rehearsal=dry_run))
    if any(one.unknown for one in polled):
        raise typer.Exit(os.EX_UNAVAILABLE)


def _traced(system: str, one: Exchanged) -> None:
    if one.status is None:
        came = "nothing came back"
    else:
        kind = cut(one.content_type or "no type")
        came = f"HTTP {one.status}, {one.size:,} bytes, {kind}"
    complain(
        f"{system}: {one.verb} {visible_line(one.url)}: {came}, {one.seconds * 1000:.0f} ms; {one.judged}"
    )


def _lines(polled: Polled, *, is_rehearsal: bool) -> list[str]:
    watch = polled.watch
    name = "/".join(watch.id)
    if polled.unknown:
        return [f"{name}: {polled.unknown.failure.value}: {polled.unknown.message}"]
    lines = [f"{name}: answered, {counted(len(polled.recorded.events), 'event')}"]
    lines += _saw(polled.saw or {})
    for event in polled.recorded.events:
        to = [one.endpoint for one in polled.recorded.deliveries if one.event.id == event.id]
        lines.append(f"  {event.type}  {summary(json.loads(event.body))}  -> {', '.join(to) or 'nobody'}")
    if is_rehearsal:
        lines += [f"  {detection.show(what, hold, watch.every)}" for what, hold in watch.conditions.items()]
    return lines


def _saw(saw: Mapping[str, Json]) -> Iterator[str]:
    """What the answer lists: figures on one line, then each list, as much of it as somebody reads."""
    lists = {key: value for key, value in saw.items() if isinstance(value, list)}
    figures = [f"{key} {_said(value)}" for key, value in saw.items() if key not in lists]
    if figures:
        yield f"  saw  {'; '.join(figures)}"
    for key, listed in lists.items():
        yield f"  saw  {key}: {len(listed) or 'none'}"
        for one in listed[:LISTED]:
            yield f"    {_said(one)}"
        if len(listed) > LISTED:
            yield f"    and {len(listed) - LISTED} more; --json shows all"


def _said(value: Json) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(one)}" for key, one in value.items() if one is not None)
    words = {None: "not readable", True: "yes", False: "no"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def _document(polled: Polled) -> Poll:
    recorded = polled.recorded
    return Poll.of(polled.watch.id, polled.unknown, recorded.events, recorded.deliveries, polled.saw)
