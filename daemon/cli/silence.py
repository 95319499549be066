"""`yemotd silence`: mute alerts for a time, see what is muted, end it.

It writes to the store; a running daemon follows within 5 s.
"""

import getpass
import os
from datetime import datetime, timedelta
from typing import Annotated

import typer

from daemon import clock
from daemon.cli.output import ConfigOption, Fatal, JsonOption, clock_time, moment, open_store, print_json
from daemon.core import durations
from daemon.core.model import Json
from daemon.core.silences import Silence
from daemon.core.timestamps import iso
from daemon.store import incidents, silences

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
    if [for_ is not None, until is not None, until_resolved].count(True) != 1:
        raise Fatal("give one of --for, --until and --until-resolved", os.EX_USAGE)
    if (type_, system, subject) == ("*", "*", "*"):
        raise Fatal("give --type, --system or --subject; '--type \"*\"' alone would mute all", os.EX_USAGE)
    now = clock.utcnow()
    starts_at = moment("--start", start) if start else now
    ends_at = _end(starts_at, now, for_, until)
    silence = Silence(
        clock.new_id("sil"), starts_at, ends_at, type_, system, subject, author or _user(), comment, now
    )
    store = open_store(config)
    with store.write() as db:
        matched = [one for one in incidents.firing(db) if silence.covers(one)]
        if until_resolved and not matched:
            raise Fatal("nothing that it matches is firing, so there is no end to wait for", os.EX_DATAERR)
        silences.add(db, silence)
    store.close()
    if as_json:
        print_json(_document(silence))
        return
    print(_line(silence, now))
    for incident in matched:
        print(f"  it mutes {incident.kind.fires} {incident.subject} of {incident.system}, {incident.id}")


@app.command("list")
def list_silences(
    config: ConfigOption = None,
    *,
    with_ended: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Silences that last or are to come."""
    now = clock.utcnow()
    store = open_store(config)
    with store.read() as db:
        found = silences.load(db, now=now, with_ended=with_ended)
    store.close()
    for silence in found:
        if as_json:
            print_json(_document(silence))
        else:
            print(_line(silence, now))
    if not found and not as_json:
        print("Nothing is silenced.")


@app.command("expire")
def expire(
    silence: Annotated[str, typer.Argument(help="The silence's id: sil_…")], config: ConfigOption = None
) -> None:
    """End a silence now; what still fires is told."""
    store = open_store(config)
    with store.write() as db:
        is_ended = silences.expire(db, silence, clock.utcnow())
    store.close()
    if not is_ended:
        message = f"there is no silence {silence!r} to end; `yemotd silence list` shows those there are"
        raise Fatal(message, os.EX_DATAERR)


def _end(starts_at: datetime, now: datetime, for_: str | None, until: str | None) -> datetime | None:
    """When it ends; None: when what it matches is over."""
    if for_ is None and until is None:
        return None
    ends_at = starts_at + _duration(for_) if for_ is not None else moment("--until", until or "")
    if ends_at <= max(starts_at, now):
        raise Fatal("it would be over before it begins", os.EX_USAGE)
    return ends_at


def _duration(text: str) -> timedelta:
    try:
        return durations.parse(text)
    except ValueError as error:
        raise Fatal(f"--for {text!r}: {error}", os.EX_USAGE) from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


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


def _document(silence: Silence) -> Json:
    return {
        "id": silence.id,
        "type": silence.type,
        "system": silence.system,
        "subject": silence.subject,
        "starts_at": iso(silence.starts_at),
        "ends_at": iso(silence.ends_at) if silence.ends_at else None,
        "expired_at": iso(silence.expired_at) if silence.expired_at else None,
        "author": silence.author,
        "comment": silence.comment,
        "created_at": iso(silence.created_at),
    }
