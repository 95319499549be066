"""`yemotd sms`: the messages that came in: the newest, one whole, those that say something; and one that goes
out.

They are the events `sms.received`, as `yemotd events` and `GET /api/v1/events?type=sms.received` have them.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.cli import completing
from daemon.cli.events import (
    ContactOption,
    LimitOption,
    SenderOption,
    SinceOption,
    SystemOption,
    UntilOption,
)
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, clock_time, print_lines, say
from daemon.cli.place import opened
from daemon.cli.searching import Times, newest, say_what_is_not_there
from daemon.cli.sources import There, asked
from daemon.core.rendering.body import spelled
from daemon.core.rendering.codes import code_in
from daemon.core.timestamps import from_iso
from daemon.core.watches.sms import RECEIVED
from daemon.operations.search import Answer, Wanted
from daemon.store import events

app = typer.Typer(
    help="SMS that came in: list, show one, search; and send one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

LONGEST = 160
"""Characters of a text on a line of the list."""


@app.command("list")
def list_messages(
    config: ConfigOption = None,
    *,
    system: SystemOption = None,
    sender: SenderOption = None,
    contact: ContactOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """The newest messages, oldest first."""
    wanted = Wanted(RECEIVED, system, sender=sender, contact=contact)
    found = newest("sms list", config, wanted, Times(since, until), limit)
    _list(found, as_json=as_json)


@app.command("search")
def search(
    words: Annotated[list[str], typer.Argument(help="Words, and parts of words and numbers.")],
    config: ConfigOption = None,
    *,
    system: SystemOption = None,
    sender: SenderOption = None,
    contact: ContactOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """The newest messages that have all these words in them, in any order; one-time codes are not found."""
    wanted = Wanted(RECEIVED, system, sender=sender, contact=contact, question=" ".join(words))
    found = newest("sms search", config, wanted, Times(since, until), limit)
    _list(found, as_json=as_json)


@app.command("show")
def show(
    message: Annotated[str, typer.Argument(help="The id of its event: evt_…")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """One message, whole, with the one-time code in it set apart."""
    with asked("sms show", config) as daemon:
        if isinstance(daemon, There):
            raw = spelled(daemon.document({"event": message}))
        else:
            raw = _stored(config, message)
    body = json.loads(raw)
    if body.get("type") != RECEIVED:
        raise _none(f"{body.get('type')}, and no message, is the event", message)
    if as_json:
        print_lines([raw])
        return
    sms = body["data"]["sms"]
    text = str(sms.get("text") or "")
    code = code_in(text)
    say(
        f"event     {body['data']['id']}",
        f"from      {sms.get('from')}",
        f"to        {sms.get('to') or '–'}",
        f"received  {_received(body)}",
        f"system    {body['data']['system']}",
        *([f"code      {code}"] if code else []),
        "",
        *text.splitlines(),
    )


@app.command("send")
def send(
    text: Annotated[str, typer.Argument(help="What it says; each 70 characters are charged.")],
    config: ConfigOption = None,
    *,
    to: Annotated[list[str], typer.Option("--to", help="A number, in any spelling; again for each.")],
    sender: Annotated[
        str | None, typer.Option("--from", help="An approved number or name; default: the system's own.")
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="The system; not needed where there is one.", autocompletion=completing.SYSTEMS),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key again is the same SMS, sent once.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, no more.")] = False,
    wait: Annotated[
        str | None, typer.Option("--wait", help="Until it has ended, at most so long: 30s.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send an SMS, at most once: the command sms.send. Exit codes as of `command add`."""
    from daemon.cli import command  # noqa: PLC0415 - who reads messages needs none of it

    key, patience = command.key_of(idempotency_key), command.patience_of(wait)

    def document(systems: command.Systems) -> dict[str, Any]:
        numbers = [one.strip() for each in to for one in each.split(",")]
        params = {"to": numbers, "text": text, **({} if sender is None else {"from": sender})}
        of = command.only_system(systems()) if system is None else system
        return {"type": "sms.send", "system": of, "params": params}

    command.give("sms send", config, document, key, patience, is_rehearsal=dry_run, as_json=as_json)


def _stored(config: Path | None, message: str) -> bytes:
    with opened(config) as place, place.store.read() as db:
        found = events.find(db, message)
    if found is None:
        raise _none("there is no message", message)
    return found[1].body


def _none(what: str, message: str) -> Fatal:
    return Fatal(f"{what} {message!r}; `yemotd sms list` shows the newest", os.EX_DATAERR)


def _list(found: Answer, *, as_json: bool) -> None:
    bodies = [event.body for _, event in found.events][::-1]
    if as_json:
        print_lines(bodies)
    else:
        say(*lines([json.loads(one) for one in bodies]))
    say_what_is_not_there(found, "No SMS found.", as_json=as_json)


def lines(bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """Messages for people, each on its line, of the bodies of their events."""
    found = []
    for body in bodies:
        data, sms = body["data"], body["data"].get("sms") or {}
        text = " ".join(str(sms.get("text") or "").split())
        brief = text if len(text) <= LONGEST else text[:LONGEST] + "…"
        found.append(f"{_received(body)}  {sms.get('from') or '–':<13} {brief}  {data['id']}")
    return found


def _received(body: Mapping[str, Any]) -> str:
    """By its own date; where it has none that can be read, when it was seen."""
    sms = body["data"].get("sms") or {}
    return clock_time(from_iso(sms.get("received_at")) or from_iso(body["timestamp"]))
