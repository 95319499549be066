"""`yemotd silence`: mute alerts for a time, or every week, see what is muted, end it.

It writes to the store; a running daemon follows within 5 s.
"""

import os
import re
from datetime import datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from daemon.cli import completing
from daemon.cli.names import beside, contacts
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import (
    Fatal,
    calling_user,
    clock_time,
    moment_to_come,
    parsed_duration,
    print_json,
    refusals,
    say,
)
from daemon.cli.place import Place
from daemon.cli.sources import asked
from daemon.core import durations
from daemon.core.rendering import quiet_words
from daemon.core.routing.quiet import Window
from daemon.core.routing.silences import EVERY_DAY, Silence, Wish
from daemon.core.wording import Stranger
from daemon.host import clock
from daemon.operations.silences import mute, strangers, unmute
from daemon.schemas import documents
from daemon.schemas.documents import DAYS, AddedSilence
from daemon.schemas.fields import CLOCK_TIME
from daemon.store import silences

SHORT = 3
"""Letters of a day's name: `sunday` is `sun`."""

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
    system: Annotated[
        str, typer.Option(help="A system's name; a glob.", autocompletion=completing.SYSTEMS)
    ] = "*",
    subject: Annotated[str, typer.Option(help="Such as sip/0773137770 or queue/5; a glob.")] = "*",
    for_: Annotated[str | None, typer.Option("--for", help="How long: 2h, 1d.")] = None,
    until: Annotated[
        str | None, typer.Option(help="When it ends: 08:00, tomorrow, 2026-11-23T18:00.")
    ] = None,
    until_resolved: Annotated[
        bool, typer.Option("--until-resolved", help="Until what it matches now is over.")
    ] = False,
    every: Annotated[
        str | None, typer.Option(help="It comes back: day, or the days on which it begins: sun,wed.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="With --every: the hour, 02:00.")] = None,
    to: Annotated[
        str | None, typer.Option(help="With --every: until 04:00, of the next day perhaps.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="When it begins, as with --until; default: now.")] = None,
    comment: Annotated[str, typer.Option(help="Why, for those who find it.")],
    author: Annotated[str | None, typer.Option(help="Who; default: the user that calls.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Mute what matches all of --type, --system and --subject; once, or every week at some hours."""
    lasts = parsed_duration("--for", for_) if for_ is not None else None
    begins, ends, days = _clock_time("--from", from_), _clock_time("--to", to), _days(every)

    def here(place: Place) -> AddedSilence:
        with refusals(), place.store.write() as db:
            now = place.look(db)
            wish = Wish(
                author or calling_user(),
                comment,
                type_,
                system,
                subject,
                starts_at=_to_come("--start", start, now),
                lasts=lasts,
                ends_at=_to_come("--until", until, now),
                until_resolved=until_resolved,
                start=begins,
                end=ends,
                days=days,
                zone=_zone(place),
            )
            silence, matched = mute(db, wish, clock.new_id("sil"), now, contacts())
            unknown = strangers(db, silence, matched, place.known.systems)
        return AddedSilence.made(silence, matched, unknown)

    with asked("silence add", config) as daemon:

        def body() -> dict[str, object]:
            if author is not None:
                raise Fatal("--author: over HTTP it is the name of the token", os.EX_USAGE)
            starts_at, ends_at = (
                _to_come(option, text, daemon.now())
                for option, text in (("--start", start), ("--until", until))
            )
            said = {
                "type": type_,
                "system": system,
                "subject": subject,
                "comment": comment,
                "for": durations.show(lasts) if lasts is not None else None,
                "ends_at": ends_at.isoformat() if ends_at else None,
                "starts_at": starts_at.isoformat() if starts_at else None,
                "until_resolved": until_resolved or None,
                "from": from_,
                "to": to,
                "days": [DAYS[one] for one in sorted(days)] if days is not None else None,
            }
            return {key: value for key, value in said.items() if value is not None}

        added = daemon.one(AddedSilence, here, body=body)
        if as_json:
            print_json(added.model_dump())
            return
        say(_line(added, daemon.now()))
        for one in added.mutes:
            say(f"  it mutes {one.type} {beside(one.subject)} of {one.system}, {one.incident}")
        say(*(f"  {Stranger(one.name, one.value, one.did_you_mean)}" for one in added.unknown))


def _zone(place: Place) -> ZoneInfo:
    """By whose clock a silence comes back. Raises `Fatal` (exit 78) where nobody knows."""
    return ZoneInfo(place.known.timezone or place.whole().daemon.timezone)


def _to_come(option: str, text: str | None, now: datetime) -> datetime | None:
    return moment_to_come(option, text, now) if text is not None else None


@app.command("list")
def list_silences(
    config: ConfigOption = None,
    *,
    with_ended: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Silences that last, are to come or come back."""
    with asked("silence list", config) as daemon:

        def here(place: Place) -> list[documents.Silence]:
            with place.store.read() as db:
                found = silences.load(db, now=place.look(db), with_ended=with_ended)
            return [documents.Silence.of(one) for one in found]

        found = daemon.many(documents.Silence, here, query={"all": with_ended})
        for silence in found:
            if as_json:
                print_json(silence.model_dump())
            else:
                say(_line(silence, daemon.now()))
    if not found and not as_json:
        say("Nothing is silenced.")


@app.command("expire")
def expire(
    silence: Annotated[
        str, typer.Argument(help="The silence's id: sil_…", autocompletion=completing.SILENCES)
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a silence now; what still fires is told."""

    def here(place: Place) -> documents.Silence:
        with refusals("`yemotd silence list` shows those there are"), place.store.write() as db:
            return documents.Silence.of(unmute(db, silence, place.look(db)))

    with asked("silence expire", config) as daemon:
        ended = daemon.one(documents.Silence, here, words={"silence": silence})
    if as_json:
        print_json(ended.model_dump())


def _line(document: documents.Silence, now: datetime) -> str:
    silence = _silence(document)
    end = clock_time(silence.ends_at) if silence.ends_at else "it is over"
    if silence.expired_at:
        state = f"ended {clock_time(silence.expired_at)}"
    elif silence.is_over(now):
        state = f"ended {end}"
    elif silence.weekly is not None:
        state = _comes_back(silence, now)
    elif silence.is_active(now):
        state = f"until {end}"
    else:
        state = f"from {clock_time(silence.starts_at)} until {end}"
    about = f"type {silence.type}, system {silence.system}, subject {beside(silence.subject)}"
    return f"{silence.id}  {state}  {about}  ({silence.author}: {silence.comment})"


def _comes_back(silence: Silence, now: datetime) -> str:
    """When one that comes back mutes, and when it does next."""
    assert silence.weekly is not None  # noqa: S101 - the caller's own
    weekly = silence.weekly
    hours = quiet_words.hours(
        Window(days=weekly.days, start=weekly.start, end=weekly.end, zone=str(weekly.zone))
    )
    if silence.is_active(now):
        state = f"{hours}; now until {clock_time(silence.mutes_until(now))}"
    else:
        begins = silence.mutes_from(now)
        state = f"{hours}; next {clock_time(begins)}" if begins else f"{hours}; it does not come again"
    return f"{state}; the last time before {clock_time(silence.ends_at)}" if silence.ends_at else state


def _silence(document: documents.Silence) -> Silence:
    """What it is a document of. Raises `Fatal` where a daemon elsewhere gives one that this program cannot
    work out."""
    try:
        return document.silence()
    except (AssertionError, KeyError, OSError, ValueError):
        why = f"silence {document.id}: when it mutes is not told as this program understands it"
        raise Fatal(why, os.EX_PROTOCOL) from None


def _clock_time(option: str, text: str | None) -> time | None:
    if text is None:
        return None
    if re.fullmatch(CLOCK_TIME, text) is None:
        raise Fatal(f'{option} {text!r}: expected a time of day such as "22:00"', os.EX_USAGE)
    return time.fromisoformat("00:00" if text == "24:00" else text)


def _days(text: str | None) -> frozenset[int] | None:
    """The days of `--every`; None: it was not given."""
    if text is None:
        return None
    if text in ("day", "days"):
        return EVERY_DAY
    names = [one.strip().lower()[:SHORT] for one in text.split(",")]
    odd = next((one for one in names if one not in DAYS), None)
    if odd is not None:
        raise Fatal(f"--every {text!r}: expected day, or days such as sun,wed", os.EX_USAGE)
    return frozenset(map(DAYS.index, names))
