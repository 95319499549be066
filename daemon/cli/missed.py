"""`yemotd missed`: who called a queue, was not answered, and is still to be called back; for people.

`GET /api/v1/missed` gives the same documents, and `POST …/{id}/done` does the same. What is written here a
running daemon tells within 5 s.
"""

from typing import Annotated

import typer

from daemon.cli.names import beside
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import calling_user, clock_time, counted, print_json, refusals, say
from daemon.cli.place import Place
from daemon.cli.sources import asked
from daemon.core.timestamps import from_iso
from daemon.operations import missed
from daemon.schemas.missed import ClosedMissed, Missed

MOST = 1000
"""Who is shown at once."""
HOW = {
    "answered": "was answered since",
    "called": "was dialled by a campaign",
    "by_hand": "is done",
    "gone": "is in the platform's list no more",
    "expired": "was given up after a week",
}

app = typer.Typer(
    help="Who called a queue, was not answered, and is still to be called back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_missed(
    config: ConfigOption = None,
    *,
    system: Annotated[str | None, typer.Option("--system", help="Of this system only.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=MOST)] = 100,
    as_json: JsonOption = False,
) -> None:
    """Who is still to be called back, in the order in which they were missed. It closes itself where the same
    phone is answered later, in any spelling, or dialled by a campaign."""

    def here(place: Place) -> list[Missed]:
        with refusals(), place.store.read() as db:
            found, _ = missed.listed(db, system=system, limit=limit)
            place.look(db)
        return [Missed.of(one) for one in found]

    with asked("missed list", config) as daemon:
        found = daemon.many(Missed, here, query={"system": system}, limit=limit)
        if as_json:
            for one in found:
                print_json(one.model_dump())
            return
        say(*map(_line, found))
    if not found:
        say("Nobody is to be called back.")


@app.command("done")
def done(
    callback: Annotated[
        str, typer.Argument(help="The id, cb_…, as `yemotd missed list` shows it, or the phone.")
    ],
    config: ConfigOption = None,
    *,
    by: Annotated[str | None, typer.Option(help="Who has done it; default: the user that calls.")] = None,
    note: Annotated[str, typer.Option(help="What the others should know.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say that somebody was called back, or need not be."""
    who = by or calling_user()

    def here(place: Place) -> ClosedMissed:
        with refusals("`yemotd missed list` shows those there are"), place.store.write() as db:
            now = place.look(db)
            return ClosedMissed.made(missed.done(db, callback, by=who, note=note or None, now=now))

    with asked("missed done", config) as daemon:
        document = daemon.one(
            ClosedMissed,
            here,
            words={"callback": callback},
            body=lambda: {"by": who, **({"note": note} if note else {})},
        )
        if as_json:
            print_json(document.model_dump())
            return
        before = "" if document.is_new else ", as before"
        how = HOW.get(document.outcome or "", document.outcome)
        say(f"{beside(document.phone)} of {document.system} {how}{before}.")
        if document.is_new:
            daemon.say_when_it_goes()


def _line(one: Missed) -> str:
    at, queue = clock_time(from_iso(one.last_at)), one.queue.name or one.queue.path
    where = f"queue {queue}" + (", the platform's list" if one.source == "platform" else "")
    often = f", {counted(one.calls, 'call')}" if one.calls > 1 else ""
    return f"{at}  {one.system}  {beside(one.phone)}  {where}{_waited(one.waited_seconds)}{often}  {one.id}"


def _waited(seconds: list[int] | None) -> str:
    if not seconds:
        return ""
    least, most = seconds
    return f", waited {least} s" if least == most else f", waited {least} to {most} s"
