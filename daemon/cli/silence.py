"""`yemotd silence`: mute alerts for a time, see what is muted, end it.

It writes to the store; a running daemon follows within 5 s.
"""

from datetime import datetime
from typing import Annotated

import typer

from daemon.cli.opening import load, open_store
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import calling_user, clock_time, moment, parsed_duration, print_json, refusals, say
from daemon.core.routing.silences import Silence, Wish
from daemon.host import clock
from daemon.operations.silences import mute, unmute
from daemon.schemas import documents
from daemon.schemas.documents import AddedSilence
from daemon.store import silences

app = typer.Typer(
    help="Mute alerts for a time. That something is over is told all the same.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("add")
def add(
    config: ConfigOption = None,
    *,
    type_: Annotated[str, typer.Option("--type", help="Of the event that fires; a glob.")] = "*",
    system: Annotated[str, typer.Option(help="A system's name; a glob.")] = "*",
    subject: Annotated[str, typer.Option(help="Such as sip/0773137770 or queue/5; a glob.")] = "*",
    for_: Annotated[str | None, typer.Option("--for", help="How long: 2h, 1d.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends: 2026-11-23T18:00, local time.")] = None,
    until_resolved: Annotated[
        bool, typer.Option("--until-resolved", help="Until what it matches now is over.")
    ] = False,
    start: Annotated[str | None, typer.Option(help="When it begins, local time; default: now.")] = None,
    comment: Annotated[str, typer.Option(help="Why, for those who find it.")],
    author: Annotated[str | None, typer.Option(help="Who; default: the user that calls.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Mute what matches all of --type, --system and --subject."""
    now = clock.utcnow()
    wish = Wish(
        author or calling_user(),
        comment,
        type_,
        system,
        subject,
        starts_at=moment("--start", start) if start else None,
        lasts=parsed_duration("--for", for_) if for_ is not None else None,
        ends_at=moment("--until", until) if until is not None else None,
        until_resolved=until_resolved,
    )
    store = open_store(load(config).config)
    with refusals(), store.write() as db:
        silence, matched = mute(db, wish, clock.new_id("sil"), now)
    store.close()
    if as_json:
        print_json(AddedSilence.made(silence, matched).model_dump())
        return
    say(_line(silence, now))
    for incident in matched:
        say(f"  it mutes {incident.kind.fires} {incident.subject} of {incident.system}, {incident.id}")


@app.command("list")
def list_silences(
    config: ConfigOption = None,
    *,
    with_ended: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Silences that last or are to come."""
    now = clock.utcnow()
    store = open_store(load(config).config)
    with store.read() as db:
        found = silences.load(db, now=now, with_ended=with_ended)
    store.close()
    for silence in found:
        if as_json:
            print_json(documents.Silence.of(silence).model_dump())
        else:
            say(_line(silence, now))
    if not found and not as_json:
        say("Nothing is silenced.")


@app.command("expire")
def expire(
    silence: Annotated[str, typer.Argument(help="The silence's id: sil_…")], config: ConfigOption = None
) -> None:
    """End a silence now; what still fires is told."""
    store = open_store(load(config).config)
    with refusals("`yemotd silence list` shows those there are"), store.write() as db:
        unmute(db, silence, clock.utcnow())
    store.close()


def _line(silence: Silence, now: datetime) -> str:
    end = clock_time(silence.ends_at) if silence.ends_at else "it is over"
    if silence.expired_at:
        state = f"ended {clock_time(silence.expired_at)}"
    elif silence.is_active(now):
        state = f"until {end}"
    elif silence.starts_at > now:
        state = f"from {clock_time(silence.starts_at)} until {end}"
    else:
        state = f"ended {end}"
    about = f"type {silence.type}, system {silence.system}, subject {silence.subject}"
    return f"{silence.id}  {state}  {about}  ({silence.author}: {silence.comment})"
