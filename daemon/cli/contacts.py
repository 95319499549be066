"""`yemotd contacts`: who is called how, for people; kept in the store.

`GET /api/v1/contacts` gives the same documents, and `POST` and `DELETE` there do the same. A running daemon
knows of a change within 5 s. What `[contacts]` and `contacts_file` say counts before the store.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.opening import load, look, open_store
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, calling_user, clock_time, complain, counted, print_json, refusals, say
from daemon.cli.place import Place, opened
from daemon.cli.sources import There, asked
from daemon.core.contacts import TakenIn
from daemon.core.timestamps import from_iso
from daemon.operations import contacts
from daemon.schemas.contacts import AddedContact, Contact, Import

AT_ONCE = 1_000
"""Contacts that are listed in one go."""
SOURCES = {"configuration": "[contacts]", "file": "contacts_file", "store": "the store"}

app = typer.Typer(
    help="Who is called how: names that stand beside numbers wherever people read them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_contacts(
    config: ConfigOption = None,
    *,
    name: Annotated[str | None, typer.Option("--name", help="Of this name only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """All names, wherever they come from: `[contacts]`, its file, the store."""
    many = 0
    with asked("contacts list", config) as daemon:
        if isinstance(daemon, There):
            pages = iter([daemon.many(Contact, _no_place, query={"name": name, "limit": AT_ONCE})])
        else:
            pages = _pages(config, name)
        for found in pages:
            many += len(found)
            for one in found:
                if as_json:
                    print_json(one.model_dump())
                else:
                    say(_line(one))
    if not many and not as_json:
        say("Nobody has this name." if name else "Nobody has a name.")


def _no_place(_place: Place) -> list[Contact]:
    """Of a daemon elsewhere nothing is read here."""
    raise AssertionError


def _pages(config: Path | None, name: str | None) -> Iterator[list[Contact]]:
    """Some after the other, for there may be many."""
    after = None
    with opened(config) as place:
        while True:
            with refusals(), place.store.read() as db:
                found, after = contacts.listed(
                    db, place.known.contacts, after=after, limit=AT_ONCE, name=name
                )
            yield [Contact.of(one) for one in found]
            if after is None:
                return


@app.command("add")
def add(
    number: Annotated[
        str, typer.Argument(help="A phone in any spelling, a SIP account, an extension (/5), an agent.")
    ],
    name: Annotated[str, typer.Argument(help="How it is called from now on.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call a number so, in the place of what the store called it."""

    def here(place: Place) -> AddedContact:
        known = place.whole().contacts.configured
        with refusals(), place.store.write() as db:
            added = contacts.add(db, number, name, author=_author(), now=place.look(db), configured=known)
        return AddedContact.made(added)

    with asked("contacts add", config) as daemon:
        document = daemon.one(AddedContact, here, body=lambda: {"number": number, "name": name})
    if as_json:
        print_json(document.model_dump())
        return
    was = f", which was {document.before}" if document.before not in (None, document.name) else ""
    say(f"{document.number} is {document.name}{was}.")
    _say_hidden(document)


@app.command("remove")
def remove(
    number: Annotated[str, typer.Argument(help="In any spelling.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget how the store calls a number."""

    def here(place: Place) -> Contact:
        known = place.whole().contacts.configured
        with refusals(), place.store.write() as db:
            return Contact.of(contacts.remove(db, number, known))

    with asked("contacts remove", config) as daemon:
        document = daemon.one(Contact, here, words={"number": number})
    if as_json:
        print_json(document.model_dump())
        return
    say(f"{document.number} is {document.name} no more.")
    if document.shown_as:
        say(f"It shows as {document.shown_as.name}, by {SOURCES[document.shown_as.source]}.")


@app.command("import")
def import_contacts(
    file: Annotated[Path, typer.Argument(help="CSV, or vCard as address books give it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring in the names of a file, beside those that the store has; where one line is wrong, none of them.

    Where this is ended in the middle, some are in: begin it anew."""
    from daemon.config.contacts import of_file  # noqa: PLC0415 - only this verb reads one by itself

    loaded = load(config).config
    taken = of_file(file)
    if wrong := taken.said():
        lines = "\n  ".join(wrong)
        raise Fatal(f"{file} cannot be brought in, and nothing of it is:\n  {lines}", os.EX_DATAERR)
    for one in taken.warnings:
        complain(f"{file}: {one}")
    these = list(taken.names.items())
    store, total = open_store(loaded), TakenIn()
    with refusals(), store.read() as db:
        contacts.room(db, these)
    for part in contacts.parts(these):
        with refusals(), store.write() as db:
            total += contacts.take_in(
                db, part, author=_author(), now=look(db).wall, configured=loaded.contacts.configured
            )
    store.close()
    document = Import.of(total)
    if as_json:
        print_json(document.model_dump())
        return
    say(f"{counted(document.added, 'name')} added, {document.changed} changed, {document.same} as before.")
    if document.hidden:
        say(f"{document.hidden} of them do not show: the configuration calls these numbers otherwise.")


def _line(one: Contact) -> str:
    by = f"{one.author}, {clock_time(from_iso(one.changed_at))}" if one.author else SOURCES[one.source]
    hidden = f"; shows as {one.shown_as.name}, by {SOURCES[one.shown_as.source]}" if one.shown_as else ""
    return f"{one.number:<16} {one.name}  ({by}{hidden})"


def _say_hidden(one: Contact) -> None:
    if one.shown_as:
        where = SOURCES[one.shown_as.source]
        say(f"It does not show: {where} calls this number {one.shown_as.name}, and that counts.")


def _author() -> str:
    return f"{calling_user()} (command line)"
