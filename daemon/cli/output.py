"""How every verb prints, and how it says that it fails."""

import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta, tzinfo

from daemon.core import durations
from daemon.core.model import Json
from daemon.core.refusals import Refused, Why
from daemon.core.visible import escaped, visible, visible_line

OPTIONS = {"ends_at": "--until", "starts_at": "--start", "days": "--every"}
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


def say_over(*lines: str) -> None:
    """The same in the place of all that stands on a terminal; elsewhere below it, after an empty line."""
    if sys.stdout.isatty():
        print("\x1b[H\x1b[2J\x1b[3J", end="")  # ECMA-48: home, and erase it with what was scrolled away
        say_now(*lines)
    else:
        say_now(*lines, "")


def write_now(text: str) -> None:
    """Print what no newline ends, such as a question."""
    print(visible(text), end="", flush=True)


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


class Zone:
    """In which people read and write times: that of `[daemon] timezone`, and until that is known this
    machine's."""

    def __init__(self) -> None:
        self._known: tzinfo | None = None
        self._ask: Callable[[], str | None] | None = None

    def use(self, name: str | None, *, ask: Callable[[], str | None] | None = None) -> None:
        """From now on this one, or the one whose name `ask` gives where somebody wants to know; None: this
        machine's."""
        self._known = _zone(name)
        self._ask = ask

    def __call__(self) -> tzinfo | None:
        """None: this machine's."""
        if self._ask is not None:
            ask, self._ask = self._ask, None
            self._known = _zone(ask())
        return self._known


zone = Zone()
use_zone = zone.use


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - a verb may have no time to show

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def people_zone() -> tzinfo:
    """That zone, also where it is this machine's."""
    found = zone()
    if found is None:
        from daemon.host import clock  # noqa: PLC0415 - few verbs come here

        found = clock.utcnow().astimezone().tzinfo or UTC
    return found


def clock_time(moment: datetime | None) -> str:
    """A time as the clock on people's wall shows it, with its offset: `2026-11-23 08:00:00+02:00`; a dash for
    never."""
    if moment is None:
        return "–"
    return moment.astimezone(zone()).isoformat(" ", "seconds")


def moment_to_come(option: str, text: str, now: datetime) -> datetime:
    """A time as people write it (`08:00`, `tomorrow`), towards the future; `Fatal` (exit 64) for what is
    none."""
    return _in_words(option, text, now, is_past=False)


def moment_gone(option: str, text: str, now: datetime) -> datetime:
    """The same towards the past (`2h`, `yesterday`)."""
    return _in_words(option, text, now, is_past=True)


def _in_words(option: str, text: str, now: datetime, *, is_past: bool) -> datetime:
    from daemon.core import when  # noqa: PLC0415 - few verbs take one
    from daemon.core.when import Towards  # noqa: PLC0415

    try:
        towards = Towards.PAST if is_past else Towards.FUTURE
        return when.moment(text, now, people_zone(), towards=towards)
    except ValueError as error:
        raise Fatal(f"{option} {text!r}: {error}", os.EX_USAGE) from None


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
