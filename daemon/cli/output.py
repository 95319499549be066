"""What every verb shares: how it fails, how it finds the configuration, how it prints."""

import getpass
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from daemon.config import load as config
from daemon.config.load import ConfigError, Loaded
from daemon.config.secrets import held
from daemon.core import durations
from daemon.core.model import Json
from daemon.core.refusals import Refused, Why
from daemon.core.visible import escaped, visible, visible_line
from daemon.store import database as databases
from daemon.store import locking
from daemon.store.database import Database

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Default: $YEMOTD_CONFIG, ./config.toml, /etc/yemotd/config.toml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

console = Console()

OPTIONS = {"ends_at": "--until", "starts_at": "--start"}
"""How a part of what is asked for is spelled here; the others are their name."""
EXIT = {Why.WRONG: os.EX_USAGE, Why.NOT_ALLOWED: os.EX_NOPERM, Why.OVER_BUDGET: os.EX_NOPERM}
"""How what is refused ends a command; all else ends it with `EX_DATAERR`."""

HELD: set[str] = set()
"""The secrets of what was loaded, which no line of the log shows."""


class Fatal(Exception):
    """Ends the command with a message for people and an exit code of sysexits."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def say(*lines: str) -> None:
    """Print lines for people. Whatever strangers' text is in one stays in its line, and is obeyed nowhere."""
    for line in lines:
        print(visible_line(line))


def say_now(*lines: str) -> None:
    """The same for somebody who waits for them."""
    say(*lines)
    sys.stdout.flush()


def say_document(value: Json) -> None:
    """Print JSON for people: indented, in the letters of their terminal."""
    print(escaped(json.dumps(value, ensure_ascii=False, indent=2)))


def inline(value: Json) -> str:
    """JSON for people, as a part of a line."""
    return escaped(json.dumps(value, ensure_ascii=False))


def complain(message: str) -> None:
    """Print to standard error, where it can be."""
    with suppress(OSError):
        print(visible(message), file=sys.stderr, flush=True)


@contextmanager
def refusals(way_out: str = "") -> Iterator[None]:
    """What the store refuses ends the command, in the words of the command line: `Fatal` (exit 64 or 65).

    `way_out`: what helps where there is no such thing.
    """
    try:
        yield
    except Refused as refused:
        message = re.sub(r"`(\w+)`", lambda part: _option(part[1]), str(refused))
        hint = f"; {way_out}" if way_out and refused.why is Why.MISSING else ""
        raise Fatal(message + hint, exit_of(refused)) from None


def exit_of(refused: Refused) -> int:
    """The exit code of sysexits for what is refused."""
    return EXIT.get(refused.why, os.EX_DATAERR)


def _option(name: str) -> str:
    return OPTIONS.get(name, "--" + name.replace("_", "-"))


def load(path: Path | None, *, now: datetime | None = None) -> Loaded:
    """The configuration; `Fatal` with every fault (exit 78) where it cannot be used; `now`: at that time."""
    try:
        loaded = config.load(config.find(path, os.environ), os.environ, now=now)
    except ConfigError as error:
        raise Fatal(str(error), os.EX_CONFIG) from None
    HELD.update(held(loaded.config))
    if "structlog" in sys.modules:  # else it logs nothing, and to load it takes a tenth of a second
        log_beside()
    return loaded


def log_beside() -> None:
    """What a verb logs goes to standard error, from warnings up and without secrets: output is its own."""
    from daemon.host import logs  # noqa: PLC0415 - see `load`

    redactor = logs.Redactor()
    redactor.hide(HELD)
    logs.configure(redactor, least=logging.WARNING)


def open_store(path: Path | None) -> Database:
    """The database of a configuration, beside a daemon that may run. Raises `DatabaseError` (exit 74, as
    `main` says) where it cannot be."""
    return databases.connect(load(path).config.daemon.database)


def say_when_it_goes(path: Path | None) -> None:
    """Say so where what was asked for waits until a daemon runs."""
    if locking.holder(load(path).config.daemon.database) is None:
        say("No daemon runs on this database; it happens when one does.")


def counted(many: int, noun: str) -> str:
    """`1 event`, `2 events`."""
    return f"{many} {noun}" if many == 1 else f"{many} {noun}s"


def print_json(value: Json) -> None:
    """One JSON document on one line."""
    print_lines([json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")])


def print_lines(lines: Iterable[bytes]) -> None:
    """JSON documents, such as the bodies of events, each on its line and in UTF-8, as programs read them; to
    the byte, but that controls are escaped in those of before they were at once."""
    sys.stdout.flush()
    for line in lines:
        sys.stdout.buffer.write(escaped(line.decode("utf-8", "surrogatepass")).encode() + b"\n")
    sys.stdout.flush()


def clock_time(moment: datetime | None) -> str:
    """A time as this machine's clock on the wall shows it; a dash for never."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else "–"


def moment(option: str, text: str) -> datetime:
    """A time with an offset, or a local one of this machine; `Fatal` (exit 64) for what is none."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise Fatal(f"{option} {text!r}: expected a time such as 2026-11-23T18:00", os.EX_USAGE) from None


def parsed_duration(option: str, text: str) -> timedelta:
    """A length of time, such as 30s; `Fatal` (exit 64) for what is none."""
    try:
        return durations.parse(text)
    except ValueError as error:
        raise Fatal(f"{option} {text!r}: {error}", os.EX_USAGE) from None


def calling_user() -> str:
    """Who asks: the user of the machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago: `4 s`, `12 min`, `3 h`, `5 d`."""
    if moment is None:
        return "never"
    seconds = max(int((now - moment).total_seconds()), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
