"""`yemotd recordings`: the files that `directory.file.added` tells of: list the newest, fetch one, revoke its
links.

They are those events, as `GET /api/v1/events?type=directory.file.added` has them. A file is fetched by the
daemon elsewhere, or from here, by the token that the configuration has.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from daemon.cli.events import LimitOption, SinceOption, SystemOption, UntilOption
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, clock_time, print_json, print_lines, refusals, say
from daemon.cli.place import Place, opened
from daemon.cli.searching import Times, newest, say_what_is_not_there
from daemon.cli.sources import There, asked
from daemon.core.model import Unknown
from daemon.core.timestamps import from_iso
from daemon.core.watches.directories import ADDED
from daemon.operations import recordings
from daemon.operations.recordings import Revoked
from daemon.operations.search import Wanted

app = typer.Typer(
    help="Recordings: list the newest, fetch one, revoke its links.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
EventArgument = Annotated[str, typer.Argument(help="The id of its event: evt_…")]
PARTIAL = ".part"


@app.command("list")
def list_recordings(
    config: ConfigOption = None,
    *,
    system: SystemOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """The newest files, oldest first."""
    found = newest("recordings list", config, Wanted(ADDED, system), Times(since, until), limit)
    bodies = [event.body for _, event in found.events][::-1]
    if as_json:
        print_lines(bodies)
    else:
        say(*map(_line, map(json.loads, bodies)))
    say_what_is_not_there(found, "No recordings found.", as_json=as_json)


@app.command("fetch")
def fetch(
    event: EventArgument,
    config: ConfigOption = None,
    *,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The file to write; - for standard output. Default: EVENT.wav, …"),
    ] = None,
) -> None:
    """Write the file of an event, whole or not at all; one that is there already is not overwritten."""
    with asked("recordings fetch", config) as daemon:
        if isinstance(daemon, There):
            from daemon.cli.over_http import quoted_path  # noqa: PLC0415 - it brings HTTP

            elsewhere = daemon.elsewhere
            path = quoted_path("recordings/{event}", {"event": event})
            _written(to, f"{event}.wav", lambda into: elsewhere.fetch(path, into))
            return
    with opened(config) as place:
        _fetched_here(place, event, to)


@app.command("revoke")
def revoke(event: EventArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Let no link in a mail lead to a recording any more."""

    def here(place: Place) -> Revoked:
        with refusals(), place.store.write() as db:
            return recordings.revoke(db, event, place.look(db))

    with asked("recordings revoke", config) as daemon:
        document = daemon.one(Revoked, here, words={"event": event})
    if as_json:
        print_json(document.model_dump())
        return
    say(f"Links to the recording of {document.event} lead nowhere, since {_time(document.revoked_at)}.")


def _fetched_here(place: Place, event: str, to: Path | None) -> None:
    from daemon.wiring.clients import client_of  # noqa: PLC0415 - they bring HTTP
    from daemon.yemot import downloads  # noqa: PLC0415 - as above

    with refusals(), place.store.read() as db:
        recording = recordings.find(db, event)
    system = next((one for one in place.whole().systems if one.name == recording.system), None)
    if system is None:
        raise Fatal(f"its system, {recording.system}, is not configured any more", os.EX_DATAERR)
    try:
        client = client_of(system)
    except OSError as error:
        raise Fatal(f"ca_file: {error}", os.EX_CONFIG) from None

    def write(into: BinaryIO) -> int:
        found = downloads.fetch(client, recording, into, lambda: True)
        if isinstance(found, Unknown):
            raise Fatal(f"the platform does not give it: {found.message}", os.EX_UNAVAILABLE)
        return found

    with closing(client):
        _written(to, recording.file_name, write)


def _written(to: Path | None, usual: str, write: Callable[[BinaryIO], int]) -> None:
    if to == Path("-"):
        import tempfile  # noqa: PLC0415 - for this alone

        with tempfile.TemporaryFile() as whole:
            write(whole)
            whole.seek(0)
            while chunk := whole.read(1 << 20):
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
        return
    path = to or Path(usual)
    with _new(path) as into:
        size = write(into)
    say(f"{path}: {size} bytes.")


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """A file that is there once it is whole."""
    part = path.with_name(path.name + PARTIAL)
    if os.path.lexists(path):
        raise Fatal(f"{path}: there is such a file already", os.EX_CANTCREAT)
    try:
        into = part.open("xb")
    except FileExistsError:
        raise Fatal(
            f"{part}: another fetch writes it, or one that was killed has left it; then remove it",
            os.EX_CANTCREAT,
        ) from None
    except OSError as error:
        raise Fatal(f"{part}: {error.strerror or error}", os.EX_CANTCREAT) from None
    try:
        with into:
            yield into
        _take_place(part, path)
    except OSError as error:
        raise Fatal(f"{path}: {error.strerror or error}", os.EX_CANTCREAT) from None
    finally:
        part.unlink(missing_ok=True)


def _take_place(part: Path, path: Path) -> None:
    """Give a file its name, and take no other's place. Raises OSError."""
    try:
        os.link(part, path)  # which a rename would do
    except FileExistsError:
        raise
    except OSError:  # FAT, and some servers of files, have no links
        with path.open("xb"):
            part.replace(path)


def _line(body: Mapping[str, Any]) -> str:
    """One file for people, of the body of its event."""
    data = body["data"]
    file, folder = data.get("file") or {}, (data.get("directory") or {}).get("path")
    parts = [file.get("duration"), file.get("phone"), None if file else "not named: the folder is not listed"]
    said = "  ".join(str(one) for one in parts if one)
    name = file.get("name") or "–"
    at = clock_time(from_iso(body["timestamp"]))
    return f"{at}  {data.get('system')}  {folder}/{name}  {said}  {data['id']}"


def _time(text: str) -> str:
    return clock_time(from_iso(text))
