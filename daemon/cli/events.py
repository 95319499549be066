"""`yemotd events`: what happened, from the store, with or without a running daemon."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from daemon.cli import completing
from daemon.cli.names import contacts
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, clock_time, print_json, print_lines, refusals, say_document, say_now
from daemon.cli.place import opened
from daemon.cli.searching import Times, newest, say_what_is_not_there
from daemon.cli.sources import There, asked
from daemon.cli.streams import is_read
from daemon.core.model import Event
from daemon.core.rendering.body import spelled, summary
from daemon.core.wording import nearest
from daemon.operations.search import Wanted
from daemon.store import events
from daemon.store.events import Query

app = typer.Typer(help="What happened: list, follow, show one.", no_args_is_help=True, rich_markup_mode=None)

TypeOption = Annotated[str | None, typer.Option("--type", help="A type, or a glob such as 'sip.*'.")]
SystemOption = Annotated[
    str | None,
    typer.Option("--system", help="One system's events only.", autocompletion=completing.SYSTEMS),
]
SubjectOption = Annotated[
    str | None, typer.Option("--subject", help="One subject's events only: sms/0501234567, queue/5.")
]
SenderOption = Annotated[
    str | None, typer.Option("--sender", help="SMS of one sender only: a phone in any spelling, or a name.")
]
ContactOption = Annotated[
    str | None, typer.Option("--contact", help="What is about one contact only, by name or number.")
]
IncidentOption = Annotated[str | None, typer.Option("--incident", help="Those of one incident only: inc_…")]
SinceOption = Annotated[
    str | None, typer.Option("--since", help="From then on: 2h, 08:00, yesterday, 2026-11-23T08:00.")
]
UntilOption = Annotated[str | None, typer.Option("--until", help="Before then, in the same words.")]
TextOption = Annotated[
    str | None,
    typer.Option(
        "--text", help="What they say: words, and parts of words and numbers; each has to be there."
    ),
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most this many.")]


@app.command("list")
def list_events(
    config: ConfigOption = None,
    *,
    type_: TypeOption = None,
    system: SystemOption = None,
    subject: SubjectOption = None,
    sender: SenderOption = None,
    contact: ContactOption = None,
    incident: IncidentOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    text: TextOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """The newest events that match, oldest first. Over HTTP: `GET /api/v1/events?order=newest`."""
    wanted = Wanted(type_, system, subject, sender, contact, incident, question=text)
    found = newest("events list", config, wanted, Times(since, until), limit)
    _print([event for _, event in found.events][::-1], as_json=as_json)
    say_what_is_not_there(found, "Nothing found.", as_json=as_json)


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
    query = Query(type=type_, system=system, subject=subject, limit=limit)
    with asked("events tail", config) as daemon:
        if isinstance(daemon, There):
            from daemon.cli import events_there  # noqa: PLC0415 - it brings HTTP

            for some in events_there.following(daemon, query):
                _print(some, as_json=as_json)
            return
    _follow(config, query, as_json=as_json)


def _follow(config: Path | None, query: Query, *, as_json: bool) -> None:
    from daemon.cli.following import Door, Following  # noqa: PLC0415 - it brings HTTP

    with opened(config) as place:
        with place.store.read() as db:
            query = replace(query, subject=_meant(db, query.subject, query.system))
            found = events.latest(db, query)
            number, last_id = events.newest(db)
        _print([event for _, event in found], as_json=as_json)
        door = Door.of(place.config) if place.config and place.has_secrets else None
        following = Following(place.store, place.url, door, replace(query, after=number), last_id)
        while is_read():
            _print(following.next(), as_json=as_json)


@app.command("show")
def show(
    event: Annotated[str, typer.Argument(help="The event's id: evt_…", autocompletion=completing.EVENTS)],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """One event, whole."""
    with asked("events show", config) as daemon:
        body = (
            spelled(daemon.document({"event": event})) if isinstance(daemon, There) else _body(config, event)
        )
    if as_json:
        print_lines([body])
    else:
        say_document(json.loads(body))


def _body(config: Path | None, event: str) -> bytes:
    with opened(config) as place, place.store.read() as db:
        found = events.find(db, event)
    if found is None:
        raise Fatal(f"there is no event {event!r}; `yemotd events list` shows the newest", os.EX_DATAERR)
    return found[1].body


@app.command("types")
def types(
    glob: Annotated[str, typer.Argument(help="Those of this name, or glob, such as 'sip.*'.")] = "*",
    as_json: JsonOption = False,
) -> None:
    """Every type that there is: when it comes, and what it says; `--json` gives its JSON Schema.

    It needs neither a configuration nor a store. Over HTTP: the `webhooks` of `/openapi.json`.
    """
    from daemon.schemas.event_schemas import event_types  # noqa: PLC0415 - no other verb needs it

    every = event_types()
    found = [one.document() for one in every if fnmatchcase(one.name, glob)]
    if not found:
        raise Fatal(f"there is no type {glob!r}{nearest(glob, [one.name for one in every])}", os.EX_DATAERR)
    if as_json:
        for one in found:
            print_json(one)
        return
    widest = max(len(one["type"]) for one in found)
    say_now(*(f"{one['type']:<{widest}}  {one['kind']:<5}  {one['when']}" for one in found))
    if len(found) == 1:
        say_now(*_fields(found[0]))


def _fields(document: Mapping[str, Any]) -> Iterator[str]:
    """What one type says, a field a line, from its document."""
    from daemon.schemas.event_schemas import lines  # noqa: PLC0415 - as above

    data = document["schema"]["properties"]["data"]
    for one in lines(data["properties"], data["required"], "data."):
        optional = ", may be missing" if one.is_optional else ""
        yield f"  {one.path}: {one.type}{optional}" + (f". {one.says}" if one.says else "")


def _meant(db: sa.Connection, subject: str | None, system: str | None) -> str | None:
    """The subject that is meant, which may be given by its name."""
    with refusals():
        from daemon.operations.contacts import named  # noqa: PLC0415 - a cold start is measured

        return subject and named(db, subject, contacts(), system)


def _print(found: Sequence[Event], *, as_json: bool) -> None:
    if as_json:
        print_lines([event.body for event in found])
        return
    say_now(*map(line, found))


def line(event: Event) -> str:
    """An event on one line of a terminal."""
    told = summary(json.loads(event.body), contacts())
    return f"{clock_time(event.timestamp)}  {event.system or 'daemon':<10} {event.type:<26} {told}"
