"""`yemotd command`: have something done on the phone system, and see what came of it.

It writes to the store; a running daemon carries it out.
"""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from daemon.cli.opening import load, open_store, say_when_it_goes
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import (
    Fatal,
    calling_user,
    clock_time,
    counted,
    exit_of,
    inline,
    moment,
    parsed_duration,
    print_json,
    say,
)
from daemon.core import amounts
from daemon.core.commands.command import Command, OnHoliday, Status
from daemon.core.commands.command_types import TYPES
from daemon.core.refusals import Refused, Why
from daemon.core.timeline import Look
from daemon.host import clock
from daemon.operations import commands
from daemon.operations.commands import Accepted
from daemon.schemas import command_fields, command_requests
from daemon.schemas.wording import faults
from daemon.store import inbox
from daemon.store.database import Database
from daemon.wiring.commands import policies

app = typer.Typer(
    help="Have something done on the phone system.", no_args_is_help=True, rich_markup_mode=None
)


def _utf8(value: str | None) -> str | None:
    """Bytes that are no text would not get into the database."""
    if value is not None and not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value):
        raise typer.BadParameter("it is not text in UTF-8")
    return value


CommandArgument = Annotated[str, typer.Argument(help="Its id: cmd_…", callback=_utf8)]
WaitOption = Annotated[str | None, typer.Option("--wait", help="Until it has ended, at most so long: 30s.")]
LOOK_EVERY = 0.2
"""Seconds."""
MOST_LISTED = 1000
"""Commands; what a terminal can bear."""
LONGEST_BRIEF = 60
"""Characters of the parameters that a line of the list shows."""
LISTS = frozenset({"call_ids", "tzintuk_lists"})
"""Parameters that may be written with commas."""
EXIT = {
    Status.SUCCEEDED: os.EX_OK,
    Status.FAILED: os.EX_UNAVAILABLE,
    Status.UNKNOWN: os.EX_PROTOCOL,
    Status.EXPIRED: os.EX_UNAVAILABLE,
    Status.CANCELLED: os.EX_UNAVAILABLE,
    Status.QUEUED: os.EX_TEMPFAIL,
    Status.RUNNING: os.EX_TEMPFAIL,
}
"""With --wait."""


@app.command("add")
def add(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="One of: " + ", ".join(TYPES))],
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="Its parameters; a value that begins with [ or { is JSON."
        ),
    ] = None,
    config: ConfigOption = None,
    *,
    system: Annotated[str | None, typer.Option(help="The system; not needed where there is one.")] = None,
    as_params: Annotated[
        str | None, typer.Option("--params", metavar="JSON", help="All parameters at once.")
    ] = None,
    not_before: Annotated[str | None, typer.Option(help="2026-11-23T18:00, local time.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="2026-11-23T18:00, local time.")] = None,
    on_holiday: Annotated[
        OnHoliday | None, typer.Option(help="What a campaign does that is refused on Shabbat or a holiday.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key again is the same command, given once.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would be and cost, no more.")
    ] = False,
    wait: WaitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Queue a command. With --wait the exit code says how it ended: 0 well, 69 not, 75 not yet, 76 nobody
    knows."""
    loaded, key = load(config).config, _key(idempotency_key)
    patience = parsed_duration("--wait", wait) if wait is not None else None
    document = {
        "type": type_,
        "system": _only_system([one.name for one in loaded.systems]) if system is None else system,
        "params": _params(given or [], as_params),
        **_optional("not_before", _time("--not-before", not_before)),
        **_optional("expires_at", _time("--expires-at", expires_at)),
        **_optional("on_holiday", on_holiday.value if on_holiday else None),
    }
    request = _request(document)
    store = open_store(loaded)
    try:
        found = _accepted(store, request, policies(loaded), key=key, is_rehearsal=dry_run)
        command = found.command
        if patience is not None and not dry_run:
            command = _waited(store, command.id, patience)
    finally:
        store.close()
    if dry_run:
        _show_rehearsal(found, as_json=as_json)
        return
    _show(command, as_json=as_json)
    if found.is_repeat and not as_json:
        say("It was given before, under the same key.")
    if not command.status.is_ended and not as_json:
        say_when_it_goes(loaded)
    if patience is not None:
        raise typer.Exit(EXIT[command.status])


@app.command("list")
def list_commands(
    config: ConfigOption = None,
    *,
    system: Annotated[str | None, typer.Option(help="Of this system only.", callback=_utf8)] = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Only this type, or a glob: queue.*", callback=_utf8)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Commands, the newest first."""
    store = open_store(load(config).config)
    with store.read() as db:
        found = inbox.read(db, inbox.Wanted(system, status, type_, limit=limit))
    store.close()
    for one in found:
        if as_json:
            print_json(one.document())
        else:
            say(f"{_line(one)}  {_brief(one)}".rstrip())
    if not found and not as_json:
        say("There is no such command.")


@app.command("show")
def show(
    command: CommandArgument,
    config: ConfigOption = None,
    *,
    wait: WaitOption = None,
    as_json: JsonOption = False,
) -> None:
    """One command, and what came of it."""
    patience = parsed_duration("--wait", wait) if wait is not None else timedelta(0)
    store = open_store(load(config).config)
    try:
        found = _waited(store, command, patience)
    finally:
        store.close()
    _show(found, as_json=as_json)
    if wait is not None:
        raise typer.Exit(EXIT[found.status])


@app.command("cancel")
def cancel(command: CommandArgument, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Carry it out no more. One that is being carried out cannot be called back."""
    store = open_store(load(config).config)
    with store.write() as db:
        found = commands.cancel(db, command, clock.utcnow())
    store.close()
    if found is None:
        raise Fatal(_missing(command), os.EX_DATAERR)
    if found.status is not Status.CANCELLED:
        raise Fatal(f"the command {command} is {found.status.value} already", os.EX_DATAERR)
    _show(found, as_json=as_json)


def _accepted(
    store: Database, request: command_requests.Request, allowed: Any, *, key: str | None, is_rehearsal: bool
) -> Accepted:
    now, user = clock.utcnow(), f"{calling_user()} (command line)"
    try:
        if is_rehearsal:
            with store.read() as db:
                return commands.rehearse(db, request, allowed, by=user, now=now)
        with store.write() as db:
            look = Look(*clock.look())
            return commands.accept(
                db, request, allowed, by=user, key=key, now=now, new_id=clock.new_id, clock=look
            )
    except Refused as refused:
        fields = ["--idempotency-key"] if refused.why is Why.KEY_IN_USE else refused.fields
        raise Fatal(": ".join([*fields, str(refused)]), exit_of(refused)) from None


def _request(document: dict[str, Any]) -> command_requests.Request:
    try:
        return command_requests.parse(document)
    except ValidationError as error:
        lines = [f"  {place}: {reason}" for place, reason in faults(error.errors(), command_requests.TAGS)]
        raise Fatal("\n".join(["the command cannot be used:", *lines]), os.EX_DATAERR) from None


def _params(given: Sequence[str], as_params: str | None) -> Any:
    found: Any = _json("--params", as_params) if as_params is not None else {}
    if given and not isinstance(found, dict):
        raise Fatal("--params: expected a JSON object", os.EX_USAGE)
    for one in given:
        key, separator, value = one.partition("=")
        if not separator:
            raise Fatal(f"{one!r}: expected KEY=VALUE, such as queue_path=/5", os.EX_USAGE)
        if key in found:
            raise Fatal(f'{key} is given twice; a list is written {key}=\'["…", "…"]\'', os.EX_USAGE)
        is_json = value.startswith(("[", "{"))
        found[key] = _json(key, value) if is_json else value.split(",") if key in LISTS else value
    return found


def _json(place: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Fatal(f"{place}: is not JSON: {error}", os.EX_USAGE) from None


def _optional(key: str, value: str | None) -> dict[str, str]:
    return {} if value is None else {key: value}


def _time(option: str, text: str | None) -> str | None:
    return moment(option, text).isoformat() if text is not None else None


def _key(text: str | None) -> str | None:
    try:
        return text if text is None else command_fields.idempotency_key(text)
    except ValueError as error:
        raise Fatal(f"--idempotency-key {text!r}: {error}", os.EX_USAGE) from None


def _only_system(names: list[str]) -> str:
    if len(names) != 1:
        raise Fatal(f"--system: give one of {', '.join(names)}", os.EX_USAGE)
    return names[0]


def _waited(store: Database, command: str, patience: timedelta) -> Command:
    """The command when it has ended, or when patience has."""
    until, never = clock.monotonic() + patience.total_seconds(), threading.Event()
    while True:
        with store.read() as db:
            found = inbox.find(db, command)
        if found is None:
            raise Fatal(_missing(command), os.EX_DATAERR)
        left = until - clock.monotonic()
        if found.status.is_ended or left <= 0:
            return found
        never.wait(min(LOOK_EVERY, left))


def _show(command: Command, *, as_json: bool) -> None:
    if as_json:
        print_json(command.document())
        return
    say(_line(command))
    say(*_details(command))


def _line(one: Command) -> str:
    when = clock_time(one.ended_at or one.started_at or one.created_at)
    why = f"  ({one.error.kind}: {one.error.message})" if one.error else ""
    return f"{one.id}  {when}  {one.system}  {one.type}  {one.status.value}{why}"


def _details(one: Command) -> Iterator[str]:
    yield f"  given by {one.created_by} at {clock_time(one.created_at)}"
    yield from _parameters(one)
    if one.estimate is not None:
        yield f"  it may cost {amounts.at_least(one.estimate)} units, if everybody answers"
    if not one.status.is_ended:
        yield f"  from {clock_time(one.not_before)} until {clock_time(one.expires_at)}"
    if one.attempts > 1:
        yield f"  attempts: {one.attempts}"
    if one.attempts and one.status is Status.QUEUED:
        yield f"  tried again at {clock_time(one.due_at)}"
    if one.result is not None:
        yield f"  result: {inline(one.result)}"
    if one.check:
        yield f"  to find out what came of it: {one.check}"


def _show_rehearsal(found: Accepted, *, as_json: bool) -> None:
    document = commands.rehearsed(found)
    if as_json:
        print_json(document)
        return
    command = found.command
    say(f"{command.type} of {command.system} would be queued.")
    say(*_parameters(command))
    say(f"  from {clock_time(command.not_before)} until {clock_time(command.expires_at)}")
    if cost := document["cost"]:
        about = "" if cost["is_exact"] else "a stored list, of at most "
        say(
            f"  {about}{counted(cost['numbers'], 'number')}: {amounts.at_least(cost['dialling'])} units to "
            f"dial, {amounts.at_least(cost['units'])} if everybody answers, "
            f"{amounts.at_least(cost['per_minute'])} for each minute of a long call"
        )
        say(f"  of the budget of {cost['day']}, {amounts.at_most(cost['budget_left'])} units would be left")


def _parameters(command: Command) -> Iterator[str]:
    if command.params:
        yield f"  parameters: {inline(command.params)}"


def _brief(command: Command) -> str:
    """The parameters as they were typed, cut short."""
    shown = " ".join(
        f"{key}={value if isinstance(value, str) else inline(value)}" for key, value in command.params.items()
    )
    return shown if len(shown) <= LONGEST_BRIEF else shown[: LONGEST_BRIEF - 1] + "…"


def _missing(command: str) -> str:
    return f"there is no command {command!r}; `yemotd command list` shows those there are"
