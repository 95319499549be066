"""`yemotd now`: which phones are off, who waits, who answers; from the store, with or without a daemon.

`GET /api/v1/now` gives the same document.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.cli import campaign_lines, completing
from daemon.cli.names import beside
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, age, clock_time, counted, print_json, refusals, say, say_over
from daemon.cli.place import Place, opened
from daemon.cli.sources import There, asked
from daemon.cli.streams import is_read
from daemon.core import durations
from daemon.core.numbers import shown as number
from daemon.core.timestamps import from_iso
from daemon.operations import now as operations
from daemon.operations.now import AT_ONCE, MOST, UNWELL, Asked
from daemon.schemas.now import Now
from daemon.schemas.status import Configured, Running
from daemon.store import database as databases
from daemon.store import locking
from daemon.store.location import FAILURES, DatabaseError, explained

LOOK_SECONDS = 2.0
"""Between two looks of `--watch`; no poll comes more often that is worth an eye."""
SIDES = ("above", "below", "at_most")
"""Of a limit that was crossed."""
Document = dict[str, Any]
"""`schemas.now.Now` as JSON has it, from the store or from a daemon elsewhere."""


def now(
    config: ConfigOption = None,
    *,
    system: Annotated[
        str | None, typer.Option(help="Only this system.", autocompletion=completing.SYSTEMS)
    ] = None,
    unwell: Annotated[
        bool, typer.Option("--unwell", help="Only systems in which something is off, wrong or not known.")
    ] = False,
    after: Annotated[
        str | None, typer.Option(help="Only the systems behind this one, where there are many.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many systems.")] = AT_ONCE,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every two seconds, until interrupted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Which phones are off, who waits and for how long, which agents are free, units, the last SMS."""
    wanted = Asked(system, after, limit, UNWELL if unwell else None)
    with _looks(config, wanted, is_for_people=not as_json) as look_at:
        if not watch:
            document = look_at()
            print_json(document) if as_json else say(*lines(document))
            return
        never = threading.Event()
        while is_read():
            try:
                document = look_at()
            except (DatabaseError, Fatal, *FAILURES) as error:
                # Nobody is left with what was true a while ago; and it may be there again at the next look.
                said = _why_not(error)
                print_json({"error": said}) if as_json else say_over(f"not known: {said}")
            else:
                print_json(document) if as_json else say_over(*lines(document))
            never.wait(LOOK_SECONDS)


def _why_not(error: Exception) -> str:
    """Why nothing is known. Raises a `Fatal` that is so for good, such as that a token is not known."""
    if isinstance(error, Fatal):
        if error.code != os.EX_UNAVAILABLE:
            raise error
        return str(error)
    return str(error) if isinstance(error, DatabaseError) else f"the database: {explained(error)}"


@contextmanager
def _looks(config: Path | None, wanted: Asked, *, is_for_people: bool) -> Iterator[Callable[[], Document]]:
    """What looks how it stands. To people, who ask for nothing special, only what is not well is told of
    where there is more than they can read."""
    with asked("now", config) as daemon:
        if isinstance(daemon, There):
            yield partial(_narrowed, partial(_there, daemon), wanted, is_for_people=is_for_people)
            return
    with opened(config) as place:
        yield partial(_narrowed, partial(_here, place), wanted, is_for_people=is_for_people)


def _narrowed(ask: Callable[[Asked], Now], wanted: Asked, *, is_for_people: bool) -> Document:
    found = ask(wanted)
    if is_for_people and found.next and wanted == Asked(limit=wanted.limit):
        found = ask(Asked(limit=wanted.limit, only=UNWELL))
    return found.model_dump(by_alias=True)


def _there(daemon: There, wanted: Asked) -> Now:
    query = {
        "system": wanted.system,
        "after": wanted.after,
        "limit": wanted.limit,
        "only": wanted.only,
    }
    return daemon.one(Now, _no_place, query=query)


def _no_place(_place: Place) -> Now:
    """Of a daemon elsewhere nothing is read here."""
    raise AssertionError


def _here(place: Place, wanted: Asked) -> Now:
    holder = locking.holder(place.url)
    running = Running(holder, failing=locking.failing(place.url) if holder else None)
    configured = Configured(place.known.watches, ())
    # Opened anew at each look: it may be another file by then.
    with closing(databases.connect(place.url)) as store, store.read() as db, refusals():
        return operations.now(db, configured, running, place.look(db), wanted)


def lines(document: Document) -> Iterator[str]:
    """What people read, from the document alone."""
    at = from_iso(document["now"])
    if at is None:
        raise Fatal("the answer has no time", 65)
    yield f"as of     {clock_time(at)}{'' if document['process'] else '; no daemon runs here'}"
    if document["store"]:
        failing = document["store"]
        yield f"database  cannot be written since {failing['failing_since']}: {failing['error']}"
    sums, systems = document["sums"], document["systems"]
    if document["only"] or document["next"] or len(systems) < sums["systems"]:
        off = counted(sums["phones_off"], "phone")
        yield f"in all    {counted(sums['systems'], 'system')}, {sums['unwell']} not well; {off} off"
    for one in systems:
        yield from _system(one, at)
    if not systems:
        yield "nothing is watched" if not sums["systems"] else "all of it is well"
    if document["next"]:
        yield f"more      --after {document['next']}"


def _system(one: Document, at: datetime) -> Iterator[str]:
    yield f"system    {one['name']}{_unless_up(one['api'], 'the API', at)}"
    if one["paused_until"]:
        yield f"          left alone until {_time(one['paused_until'])}: what stands here is older"
    if one["phones"]:
        yield from _phones(one["phones"], at)
    for queue in one["queues"]:
        yield from _queue(queue, at)
    if one["units"]:
        yield _units(one["units"], at)
    if one["sms"]:
        yield _sms(one["sms"], at)
    if one.get("campaigns"):
        yield from _campaigns(one["campaigns"], at)
    yield from _others(one, at)


def _others(one: Document, at: datetime) -> Iterator[str]:
    for other in one["others"]:
        yield f"  {other['subject']}: {_state(other)}; {_seen(other, at)}"
    if one["others_more"]:
        yield f"          and {one['others_more']} more"


def _unless_up(one: Document | None, what: str, at: datetime) -> str:
    return f"; {what}: {_state(one)}, {_seen(one, at)}" if one and one["state"] != "up" else ""


def _phones(phones: Document, at: datetime) -> Iterator[str]:
    many = f"{phones['on']} on, {phones['off']} off"
    unknown = f", {phones['unknown']} not known" if phones["unknown"] else ""
    yield f"  phones  {many}{unknown}; {_seen(phones, at)}"
    for one in phones["listed"]:
        if one["state"] == "down":
            yield f"    off       {beside(one['name'])}  {_since(one, at)}"
        else:
            yield f"    not known {beside(one['name'])}  {_state(one)}; {_seen(one, at)}"
    if phones["more"]:
        yield f"    and {phones['more']} more"


def _since(one: Document, at: datetime) -> str:
    """Since when a phone is off: between two looks, or at the latest since the first that saw it."""
    said = f"since {_time(one['since'])} ({_age(one['since'], at)})"
    after, before = one["changed_between"] or (None, None)
    if after:
        said += f"; it went between {_time(after)} and {_time(before)}"
    elif before:
        said += "; it was off when it was seen first, or since when is not known any more"
    return said + (f"; {one['incident']}" if one["incident"] else "; reported if it lasts")


def _queue(queue: Document, at: datetime) -> Iterator[str]:
    name = f"{queue['name']} ({queue['subject']})" if queue["name"] else queue["subject"]
    waiting = "?" if queue["waiting"] is None else queue["waiting"]
    longest = queue["longest_wait_seconds"]
    wait = f", the longest {_span(longest)}" if longest else ""
    said = f"{waiting} waiting{wait}; {_seen(queue, at)}"
    if not queue["is_current"]:
        said = f"not known ({_why(queue)}); {_age(queue['seen_at'], at)}: {waiting} waiting{wait}"
    elif queue["state"] != "up":
        said += f"; {_state(queue)}"
    yield f"  queue   {name}: {said}"
    old = "callers" in queue["unread"]
    for one in queue["callers"]:
        waited = "?" if one["waited_seconds"] is None else _span(one["waited_seconds"])
        yield f"    waits     {beside(one['phone'])}  {waited}{' (an older list)' if old else ''}"
    if queue["callers_more"]:
        yield f"    and {queue['callers_more']} more"
    counts = ", ".join(f"{many} {_word(state)}" for state, many in queue["agent_counts"].items())
    old = "agents" in queue["unread"]
    yield f"    agents    {counts or 'none listed'}{' (an older list)' if old else ''}"
    for one in queue["agents"]:
        yield f"      {_word(one['state']):<10}{beside(one['name'])}"
    if queue["agents_more"]:
        yield f"      and {queue['agents_more']} more"


def _units(units: Document, at: datetime) -> str:
    balance = "?" if units["balance"] is None else number(units["balance"])
    until = f", valid until {units['expires_on']}" if units["expires_on"] else ""
    state = "" if units["state"] == "up" else f"; {_state(units)}"
    return f"  units   {balance}{until}; {_seen(units, at)}{state}"


def _sms(sms: Document, at: datetime) -> str:
    last = sms["last"]
    if last:
        seen = f"{_time(last['seen_at'])} ({_age(last['seen_at'], at)})"
        said = f"the last from {beside(last['from'])}, seen {seen}"
    else:
        said = f"none since {_time(sms['none_since'])}" if sms["none_since"] else "none so far"
    state = "" if sms["state"] == "up" else f"; {_state(sms)}"
    return f"  sms     {said}; log {_seen(sms, at)}{state}"


def _campaigns(found: Document, at: datetime) -> Iterator[str]:
    for one in found["listed"]:
        status = (one["status"] or "not known how it stands").lower()
        why = f" ({one['reason']})" if one["reason"] else ""
        yield f"  campaign {one['command']}: {status}{why}; {campaign_lines.brief(one)}; {_seen(one, at)}"
    if found["more"]:
        yield f"    and {found['more']} more"


def _state(one: Document) -> str:
    if one["state"] == "down" and "metric" in one["why"]:
        return f"a threshold is crossed: {_crossed(one['why'])}"
    state = {"down": "down", "unknown": "not known"}.get(one["state"], one["state"])
    why = _why(one)
    return f"{state}{f' ({why})' if why else ''}"


def _why(one: Document) -> str:
    """What a sentence on the state is made of, as `status` shows it."""
    shown = {key: value for key, value in one["why"].items() if key not in ("crossed", "phase", "watches")}
    return "; ".join(f"{key} {value}" for key, value in shown.items())


def _crossed(why: Document) -> str:
    """`calls_waiting 7, above 5`, for each that is crossed."""
    return "; ".join(
        f"{one['metric']} {_figure(one.get('value'))}, {side.replace('_', ' ')} {_figure(one[side])}"
        for one in why.get("crossed") or [why]
        for side in SIDES
        if one.get(side) is not None
    )


def _figure(value: object) -> str:
    return number(value) if isinstance(value, int | float) else "?"


def _word(state: str) -> str:
    return {"on_call": "on a call", "unknown": "not known"}.get(state, state)


def _seen(one: Document, at: datetime) -> str:
    return f"seen {_age(one['seen_at'], at)}" if one["seen_at"] else "never seen"


def _age(moment: str | None, at: datetime) -> str:
    return age(from_iso(moment), at)


def _time(moment: str | None) -> str:
    return clock_time(from_iso(moment))


def _span(seconds: float) -> str:
    return durations.show(durations.SECOND * int(seconds))
