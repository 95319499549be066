"""`yemotd alerts`: what is wrong now, whom it was told, and who has it; from the store, or over HTTP.

What is written here a running daemon follows within 5 s.
"""

from datetime import datetime
from typing import Annotated

import typer

from daemon.cli import quiet_words
from daemon.cli.names import beside
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import (
    calling_user,
    clock_time,
    moment_to_come,
    parsed_duration,
    people_zone,
    print_json,
    refusals,
    say,
)
from daemon.cli.place import Place
from daemon.cli.sources import asked
from daemon.core import durations
from daemon.core.alerts.acknowledgement import Wish
from daemon.core.timestamps import from_iso
from daemon.host import clock
from daemon.operations import held_back
from daemon.operations.acknowledgements import acknowledge
from daemon.schemas.documents import Acknowledged, Acknowledgement, Alert, HeldBackStatus
from daemon.store import views

app = typer.Typer(help="What is wrong now, and who has it.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_alerts(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every alert that is pending, firing or recovering, the longest first, with whom it was told, and what
    holds it back from whom until when."""
    with asked("alerts list", config) as daemon:
        found = daemon.many(Alert, _here)
        if as_json:
            for alert in found:
                print_json(alert.model_dump())
            return
        say(*(_line(alert, daemon.now()) for alert in found))
    if not found:
        say("Nothing is wrong.")


def _here(place: Place) -> list[Alert]:
    with place.store.read() as db:
        now = place.look(db)
        told = views.told_alerts(db, place.known.endpoints, now)
        held = held_back.of_alerts(db, told, place.known.interests, now)
    return [Alert.with_told(one, held) for one in told]


@app.command("ack")
def ack(
    incident: Annotated[
        str, typer.Argument(help="The incident's id: inc_…, as `yemotd alerts list` shows it.")
    ],
    config: ConfigOption = None,
    *,
    by: Annotated[str | None, typer.Option(help="Who has it; default: the user that calls.")] = None,
    note: Annotated[str, typer.Option(help="What the others should know.")] = "",
    for_: Annotated[
        str | None, typer.Option("--for", help="How long: 2h; default: until it is over.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="When it ends: 08:00, tomorrow, 2026-11-23T18:00.")
    ] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Also from somebody else who has it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say that somebody has an incident: nobody is reminded of it, and it escalates no further."""
    who = by or calling_user()
    lasts = parsed_duration("--for", for_) if for_ is not None else None

    def here(place: Place) -> Acknowledged:
        with refusals("`yemotd alerts list` shows those there are"), place.store.write() as db:
            now = place.look(db)
            ends = moment_to_come("--until", until, now) if until is not None else None
            wish = Wish(who, note, lasts=lasts, until=ends, takes_over=take_over)
            done = acknowledge(db, incident, wish, clock.new_id, now)
        return Acknowledged.made(done.incident, done.acknowledgement, is_new=done.is_new)

    with asked("alerts ack", config) as daemon:

        def body() -> dict[str, object]:
            ends = moment_to_come("--until", until, daemon.now()) if until is not None else None
            said = {
                "by": who,
                "note": note or None,
                "for": durations.show(lasts) if lasts is not None else None,
                "until": ends.isoformat() if ends is not None else None,
                "take_over": take_over or None,
            }
            return {key: value for key, value in said.items() if value is not None}

        document = daemon.one(Acknowledged, here, words={"incident": incident}, body=body)
        if as_json:
            print_json(document.model_dump())
            return
        say(_taken(document))
        if document.is_new:
            daemon.say_when_it_goes()


def _taken(document: Acknowledged) -> str:
    told = "the others are told" if document.is_new else "as before, so nobody is told again"
    system = document.system or "the daemon"
    return f"{document.type} {beside(document.subject)} of {system}: {_has(document)}; {told}"


def _has(one: Acknowledgement) -> str:
    until = f" until {clock_time(from_iso(one.until))}" if one.until else ""
    note = f" ({one.note})" if one.note else ""
    return f"{one.by} has it since {clock_time(from_iso(one.at))}{until}{note}"


def _line(alert: Alert, now: datetime) -> str:
    blind = ", not seen at present" if alert.is_blind else ""
    since = clock_time(from_iso(alert.started_at))
    to = "; ".join(
        f"{endpoint}: {_standing(how, alert.held.get(endpoint), now)}" for endpoint, how in alert.told.items()
    )
    to = to or "told to nobody yet"
    has = f"; {_has(alert.acknowledged)}" if alert.acknowledged else ""
    return (
        f"{since}  {alert.system}  {alert.severity:<8} {alert.phase}{blind}  "
        f"{alert.type} {beside(alert.subject)}  {alert.incident or '-'}  ({to}{has})"
    )


def _standing(how: str, held: HeldBackStatus | None, now: datetime) -> str:
    """How it stands for an endpoint; a hold that applies now with its end."""
    return how if held is None else f"{how.partition(',')[0]}, {quiet_words.held(held, now, people_zone())}"
