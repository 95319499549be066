"""`yemotd events`: what happened, from the store, with or without a running daemon."""

import json
import os
from typing import Annotated

import typer

from daemon.cli.following import Following
from daemon.cli.opening import load, open_store
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, clock_time, print_lines, say_document, say_now
from daemon.cli.streams import is_read
from daemon.core.model import Event
from daemon.core.rendering.body import summary
from daemon.store import events
from daemon.store.events import Query

app = typer.Typer(help="What happened: list, follow, show one.", no_args_is_help=True, rich_markup_mode=None)

TypeOption = Annotated[str | None, typer.Option("--type", help="A type, or a glob such as 'sip.*'.")]
SystemOption = Annotated[str | None, typer.Option("--system", help="One system's events only.")]
SubjectOption = Annotated[
    str | None, typer.Option("--subject", help="One subject's events only: sms/0501234567, queue/5.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most this many.")]


@app.command("list")
def list_events(
    config: ConfigOption = None,
    *,
    type_: TypeOption = None,
    system: SystemOption = None,
    subject: SubjectOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """The newest events, oldest first."""
    store = open_store(load(config).config)
    with store.read() as db:
        found = events.latest(db, Query(type=type_, system=system, subject=subject, limit=limit))
    store.close()
    _print([event for _, event in found], as_json=as_json)


@app.command("tail")
def tail(
    config: ConfigOption = None,
    *,
    type_: TypeOption = None,
    system: SystemOption = None,
    subject: SubjectOption = None,
    limit: LimitOption = 10,
    as_json: JsonOption = False,
) -> None:
    """The newest events, and each further one as it happens, until interrupted or nobody reads any more."""
    loaded = load(config).config
    store = open_store(loaded)
    with store.read() as db:
        found = events.latest(db, Query(type=type_, system=system, subject=subject, limit=limit))
        number, last_id = events.newest(db)
    _print([event for _, event in found], as_json=as_json)
    following = Following(store, loaded, Query(number, type_, system, subject=subject), last_id)
    while is_read():
        _print(following.next(), as_json=as_json)


@app.command("show")
def show(
    event: Annotated[str, typer.Argument(help="The event's id: evt_…")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """One event, whole."""
    store = open_store(load(config).config)
    with store.read() as db:
        found = events.find(db, event)
    store.close()
    if found is None:
        raise Fatal(f"there is no event {event!r}; `yemotd events list` shows the newest", os.EX_DATAERR)
    if as_json:
        print_lines([found[1].body])
    else:
        say_document(json.loads(found[1].body))


def _print(found: list[Event], *, as_json: bool) -> None:
    if as_json:
        print_lines([event.body for event in found])
        return
    say_now(*map(line, found))


def line(event: Event) -> str:
    """An event on one line of a terminal."""
    told = summary(json.loads(event.body))
    return f"{clock_time(event.timestamp)}  {event.system or 'daemon':<10} {event.type:<26} {told}"
