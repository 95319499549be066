"""How every verb prints, and how it says that it fails."""

import getpass
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from daemon.core import durations
from daemon.core.model import Json
from daemon.core.refusals import Refused, Why
from daemon.core.visible import escaped, visible, visible_line

OPTIONS = {"ends_at": "--until", "starts_at": "--start"}
"""How a part of what is asked for is spelled here; the others are their name."""
EXIT = {Why.WRONG: os.EX_USAGE, Why.NOT_ALLOWED: os.EX_NOPERM, Why.OVER_BUDGET: os.EX_NOPERM}
"""How what is refused ends a command; all else ends it with `EX_DATAERR`."""


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
