"""`yemotd digests`: which there are, and what one would say now; from the store, or over HTTP."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import typer

from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import clock_time, print_json, refusals, say
from daemon.cli.place import Place
from daemon.cli.sources import asked
from daemon.core.timestamps import from_iso
from daemon.schemas.digests import DigestPreview, DigestStatus

app = typer.Typer(help="What happened of a day or a week.", no_args_is_help=True, rich_markup_mode=None)


class Language(Enum):
    """Of a mail."""

    ENGLISH = "en"
    HEBREW = "he"


@app.command("list")
def list_digests(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every digest: to whom it goes, how far it has told, and when it comes next."""
    with asked("digests list", config) as daemon:
        found = daemon.many(DigestStatus, _here)
        if as_json:
            for one in found:
                print_json(one.model_dump())
            return
        say(*map(_line, found))
    if not found:
        say("No [[digests]] are configured.")


@app.command("preview")
def preview(
    name: Annotated[str, typer.Argument(help="The digest's name.")],
    config: ConfigOption = None,
    *,
    language: Annotated[
        Language | None, typer.Option(help="Default: its own, or that of the first mailbox.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="The mail's HTML, for a browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What a digest would say if it were made now; nothing is sent, and nothing is remembered."""
    chosen = None if language is None else language.value

    def here(place: Place) -> DigestPreview:
        from daemon.operations.digests import preview as previewed  # noqa: PLC0415 - where it is asked for
        from daemon.wiring.digests import digests_of, written  # noqa: PLC0415 - as above

        whole = place.whole()
        with place.store.read() as db:
            now = place.look(db)
        return previewed(
            place.store,
            list(digests_of(whole)),
            name,
            [one.name for one in whole.systems],
            place.known.interests,
            now,
            lambda said, wanted: written(whole, said, wanted),
            chosen,
        )

    with asked("digests preview", config) as daemon, refusals():
        found = daemon.one(DigestPreview, here, words={"digest": name}, query={"language": chosen})
    if as_json:
        print_json(found.model_dump())
        return
    shown = found.html if html else found.text.rstrip("\n")
    # By lines, for `say` shows a break within one; a terminal cannot draw what keeps directions apart.
    say(*shown.translate(dict.fromkeys(map(ord, "\u2068\u2069"))).split("\n"))


def _here(place: Place) -> list[DigestStatus]:
    from daemon.operations.digests import listed  # noqa: PLC0415 - where it is asked for
    from daemon.wiring.digests import digests_of  # noqa: PLC0415 - as above

    whole = place.whole()
    with place.store.read() as db:
        now = place.look(db)
        return listed(db, list(digests_of(whole)), now)


def _line(one: DigestStatus) -> str:
    told = "new" if one.told_until is None else f"told until {_time(one.told_until)}"
    return f"{one.name}  {one.covers}, next {_time(one.next_due_at)}, {told}  to {', '.join(one.to)}" + (
        f"  {one.event}" if one.event else ""
    )


def _time(text: str) -> str:
    moment: datetime | None = from_iso(text)
    return clock_time(moment) if moment else text
