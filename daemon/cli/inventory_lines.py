"""What a phone system has, for people: from the document alone, so that whoever has that can show it."""

from collections.abc import Iterator

from daemon.cli.output import counted
from daemon.cli.terminal import plain
from daemon.core.amounts import spelled
from daemon.schemas.inventory import Found, FoundExtension

MOST_SHOWN = 60
"""Ours. Extensions, and accounts, that are listed for people; `--json` has them all."""


def inventory_lines(found: Found) -> list[str]:
    """A table, in which what Hebrew is stands last on its line."""
    return [*_money(found), *_phones(found), *_others(found), *_extensions(found)]


def _missing(found: Found, part: str) -> str:
    return f"not learned: {found.problems.get(part, 'the answer does not say')}"


def _money(found: Found) -> Iterator[str]:
    if found.units is None:
        yield f"units        {_missing(found, 'units')}"
        return
    until = f", until {found.units_expire_on}" if found.units_expire_on else ""
    yield f"units        {spelled(found.units)}{until}"


def _phones(found: Found) -> Iterator[str]:
    if found.accounts is None:
        yield f"phones       {_missing(found, 'sip')}"
        return
    on = sum(one.registered is True for one in found.accounts)
    yield f"phones       {counted(len(found.accounts), 'SIP account')}, {on} registered"
    states = {True: "registered", False: "off", None: "unknown"}
    yield from (f"  {one.user_name:<16} {states[one.registered]}" for one in found.accounts[:MOST_SHOWN])
    yield from _more(len(found.accounts))


def _others(found: Found) -> Iterator[str]:
    sms = {True: "received", False: "none was shown, which does not prove that none comes"}
    yield "SMS          " + (
        _missing(found, "sms") if found.sms_received is None else sms[found.sms_received]
    )
    registered = {True: "registered", False: "not registered"}
    said = _missing(found, "pirsumphone") if found.pirsumphone is None else registered[found.pirsumphone]
    yield f"PirsumPhone  {said}"


def _extensions(found: Found) -> Iterator[str]:
    if found.extensions is None:
        yield f"extensions   {_missing(found, 'extensions')}"
        return
    queues = sum(one.queue for one in found.extensions)
    recordings = sum(one.recordings for one in found.extensions)
    said = f"{counted(queues, 'queue')}, {recordings} with recordings"
    yield f"extensions   {len(found.extensions)}, of them {said}"
    # Those that can be watched first, so that what is cut off is what nobody watches.
    ordered = sorted(found.extensions, key=lambda one: not (one.queue or one.recordings))
    widest = max((len(one.path) for one in ordered[:MOST_SHOWN]), default=0)
    for one in ordered[:MOST_SHOWN]:
        yield from _extension(one, widest)
    yield from _more(len(ordered))
    if "extensions" in found.problems:
        yield f"  not all: {found.problems['extensions']}"
    if found.cut:
        yield f"  not all: {found.cut}"


def _extension(one: FoundExtension, widest: int) -> Iterator[str]:
    yield f"  {one.path:<{widest}}  {one.type:<12}  {plain(one.title)}".rstrip()
    if one.not_watched:
        yield f"    cannot be watched: {one.not_watched}"


def _more(many: int) -> Iterator[str]:
    if many > MOST_SHOWN:
        yield f"  … and {many - MOST_SHOWN} more; --json has them all"
