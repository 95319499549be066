"""`yemotd command`: have something done on the phone system, and see what came of it.

It writes to the store; a running daemon carries it out.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from daemon.cli import completing
from daemon.cli.names import contacts
from daemon.cli.opening import look
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import (
    Fatal,
    calling_user,
    clock_time,
    counted,
    exit_of,
    inline,
    moment_to_come,
    parsed_duration,
    print_json,
    say,
)
from daemon.cli.place import Place
from daemon.cli.sources import Here, There, asked
from daemon.core import amounts, durations
from daemon.core.commands.command import OnHoliday, Status
from daemon.core.commands.command_types import CAMPAIGN, TYPES
from daemon.core.refusals import Refused, Why
from daemon.core.timestamps import from_iso
from daemon.core.wording import nearest, quoted
from daemon.host import clock
from daemon.operations import commands
from daemon.schemas import command_fields, command_requests
from daemon.schemas.commands import Command as CommandDocument
from daemon.schemas.commands import Rehearsal
from daemon.schemas.wording import faults
from daemon.store import inbox
from daemon.wiring.commands import policies

app = typer.Typer(
    help="Have something done on the phone system.", no_args_is_help=True, rich_markup_mode=None
)


def _utf8(value: str | None) -> str | None:
    """Bytes that are no text would not get into the database."""
    if value is not None and not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value):
        raise typer.BadParameter("it is not text in UTF-8")
    return value


CommandArgument = Annotated[
    str, typer.Argument(help="Its id: cmd_…", callback=_utf8, autocompletion=completing.COMMANDS)
]
WaitOption = Annotated[str | None, typer.Option("--wait", help="Until it has ended, at most so long: 30s.")]
LOOK_EVERY = 0.2
"""Seconds."""
MOST_LISTED = 1000
"""Commands; what a terminal can bear."""
LONGEST_BRIEF = 60
"""Characters of the parameters that a line of the list shows."""
MOMENT = "18:00, tomorrow 8:00, 2h or 2026-11-23T18:00; in the zone of [daemon] timezone."
LONGEST_WAIT = timedelta(seconds=30)
"""Of a daemon elsewhere, in one question; it waits for 60 s at most."""
ENDED = frozenset(one.value for one in Status if one.is_ended)
LISTS = frozenset({"call_ids", "tzintuk_lists", "to"})
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
    type_: Annotated[
        str,
        typer.Argument(
            metavar="TYPE",
            help="One of: " + ", ".join(TYPES),
            autocompletion=lambda incomplete: [one for one in TYPES if one.startswith(incomplete)],
        ),
    ],
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="Its parameters; a value that begins with [ or { is JSON."
        ),
    ] = None,
    config: ConfigOption = None,
    *,
    system: Annotated[
        str | None,
        typer.Option(help="The system; not needed where there is one.", autocompletion=completing.SYSTEMS),
    ] = None,
    as_params: Annotated[
        str | None, typer.Option("--params", metavar="JSON", help="All parameters at once.")
    ] = None,
    not_before: Annotated[str | None, typer.Option(help=MOMENT)] = None,
    expires_at: Annotated[str | None, typer.Option(help=MOMENT)] = None,
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
    key = key_of(idempotency_key)
    patience = patience_of(wait)
    params = _params(given or [], as_params)

    def document(systems: Systems) -> dict[str, Any]:
        return {
            "type": type_,
            "system": only_system(systems()) if system is None else system,
            "params": params,
            **_optional("not_before", _time("--not-before", not_before)),
            **_optional("expires_at", _time("--expires-at", expires_at)),
            **_optional("on_holiday", on_holiday.value if on_holiday else None),
        }

    give("command add", config, document, key, patience, is_rehearsal=dry_run, as_json=as_json)


@app.command("kick")
def kick(
    number: Annotated[str, typer.Argument(help="The number that calls, in any spelling.")],
    config: ConfigOption = None,
    *,
    queue: Annotated[
        str | None,
        typer.Option(help="Out of this queue: /5, or its name.", autocompletion=completing.QUEUES),
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="Of this system only.", autocompletion=completing.SYSTEMS)
    ] = None,
    goto: Annotated[str | None, typer.Option(help="The extension to send the caller to: /1.")] = None,
    wait: WaitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Kick a caller out of a queue by the number, as it was seen to wait there last. Exit codes as of
    `add`."""
    patience = patience_of(wait)
    from daemon.cli.kicking import waiting  # noqa: PLC0415 - it reads how everything stands

    with asked("status", config) as daemon:
        found = waiting(number, daemon, system=system, queue=queue)

    def document(_systems: Systems) -> dict[str, Any]:
        params = {"queue_path": found.path, "call_ids": found.call_ids, **_optional("goto", goto)}
        return {"type": "queue.kick", "system": found.system, "params": params}

    give("command kick", config, document, None, patience, is_rehearsal=False, as_json=as_json)


def give(
    verb: str,
    config: Path | None,
    document: "Documented",
    key: str | None,
    patience: timedelta | None,
    *,
    is_rehearsal: bool,
    as_json: bool,
) -> None:
    with asked(verb, config) as daemon:
        if is_rehearsal:
            _show_rehearsal(rehearsed(daemon, document), as_json=as_json)
            return
        found, is_repeat = gave(daemon, document, key)
        if patience is not None:
            with asked("command show", config) as showing:
                found = _waited(showing, found.id, patience)
        _show(found, as_json=as_json)
        if is_repeat and not as_json:
            say("It was given before, under the same key.")
        if not _has_ended(found) and not as_json:
            daemon.say_when_it_goes()
    if patience is not None:
        raise typer.Exit(EXIT[Status(found.status)])


Systems = Callable[[], Sequence[str]]
"""Those that there are, for who wants to know."""
Documented = Callable[[Systems], dict[str, Any]]
"""A request for a command."""


def rehearsed(daemon: Here | There, document: Documented) -> Rehearsal:
    """What a command would be, and cost."""

    def here(place: Place) -> Rehearsal:
        config = place.whole()
        request, known = _request(document(lambda: place.known.systems)), policies(config)
        with refusals_of_commands(), place.store.read() as db:
            found = commands.rehearse(db, request, known, by=_user(), now=place.look(db), contacts=contacts())
        return Rehearsal(**commands.rehearsed(found))

    return daemon.one(
        Rehearsal, here, query={"dry_run": True}, body=lambda: document(lambda: systems_of(daemon))
    )


def gave(daemon: Here | There, document: Documented, key: str | None) -> tuple[CommandDocument, bool]:
    """The command that is given, and whether it was given before. Over HTTP it always has a key, so that one
    of which nobody knows whether it arrived can be given again and is still given once."""
    is_repeat = False

    def here(place: Place) -> CommandDocument:
        nonlocal is_repeat
        config = place.whole()
        request, known = _request(document(lambda: place.known.systems)), policies(config)
        with refusals_of_commands(), place.store.write() as db:
            seen = look(db)
            found = commands.accept(
                db,
                request,
                known,
                by=_user(),
                key=key,
                now=seen.wall,
                new_id=clock.new_id,
                clock=seen,
                contacts=contacts(),
            )
        is_repeat = found.is_repeat
        return CommandDocument(**found.command.document())

    sent = key if key is not None else clock.new_id("key")
    try:
        given = daemon.one(
            CommandDocument,
            here,
            body=lambda: document(lambda: systems_of(daemon)),
            headers={"idempotency-key": sent},
        )
    except Fatal as error:
        if error.code == os.EX_PROTOCOL and not daemon.is_here:
            again = f"{error}; with --idempotency-key {sent} it can be given again, and is given once"
            raise Fatal(again, error.code) from None
        raise
    if isinstance(daemon, There):
        is_repeat = daemon.elsewhere.headers.get("idempotency-replayed") == "true"
    return given, is_repeat


def systems_of(daemon: Here | There) -> list[str]:
    """The systems of a daemon elsewhere."""
    assert isinstance(daemon, There)  # noqa: S101 - here the place knows them
    named = daemon.elsewhere.about().get("systems")
    return [str(one) for one in named] if isinstance(named, list) else []


@app.command("list")
def list_commands(
    config: ConfigOption = None,
    *,
    system: Annotated[
        str | None,
        typer.Option(help="Of this system only.", callback=_utf8, autocompletion=completing.SYSTEMS),
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Only this type, or a glob: queue.*", callback=_utf8)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Commands, the newest first."""
    query = {"system": system, "status": status and status.value, "type": type_}
    systems: Sequence[str] = ()

    def here(place: Place) -> list[CommandDocument]:
        nonlocal systems
        with place.store.read() as db:
            found = inbox.read(db, inbox.Wanted(system, status, type_, limit=limit))
        systems = place.known.systems if not found else ()
        return [CommandDocument.of(one) for one in found]

    with asked("command list", config) as daemon:
        found = daemon.many(CommandDocument, here, query=query, limit=limit)
        for one in found:
            if as_json:
                print_json(one.model_dump())
            else:
                say(f"{_line(one)}  {_brief(one)}".rstrip())
        if isinstance(daemon, There) and system is not None and not found:
            systems = systems_of(daemon)
    if not found and not as_json:
        say("There is no such command.", *_strangers(type_, system, systems))


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
    with asked("command show", config) as daemon:
        found = _waited(daemon, command, patience)
        _show(found, as_json=as_json)
    if wait is not None:
        raise typer.Exit(EXIT[Status(found.status)])


@app.command("cancel")
def cancel(command: CommandArgument, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Carry it out no more. One that is being carried out cannot be called back."""

    def here(place: Place) -> CommandDocument:
        with place.store.write() as db:
            found = commands.cancel(db, command, place.look(db))
        if found is None:
            raise Fatal(_missing(command), os.EX_DATAERR)
        if found.status is not Status.CANCELLED:
            raise Fatal(f"the command {command} is {found.status.value} already", os.EX_DATAERR)
        return CommandDocument.of(found)

    with asked("command cancel", config) as daemon:
        _show(daemon.one(CommandDocument, here, words={"command": command}), as_json=as_json)


def _strangers(type_: str | None, system: str | None, systems: Sequence[str]) -> Iterator[str]:
    """What of the words means nothing, and what may have been meant."""
    if type_ and not any(fnmatchcase(one, type_) for one in TYPES):
        yield f"No command has the type {quoted(type_)}{nearest(type_, TYPES)}"
    if system and systems and system not in systems:
        yield f"No system is called {quoted(system)}{nearest(system, systems)}"


@contextmanager
def refusals_of_commands() -> Iterator[None]:
    """What is refused ends the verb, with the fields that it is about: `Fatal`."""
    try:
        yield
    except Refused as refused:
        fields = ["--idempotency-key"] if refused.why is Why.KEY_IN_USE else refused.fields
        raise Fatal(": ".join([*fields, str(refused)]), exit_of(refused)) from None


def _user() -> str:
    return f"{calling_user()} (command line)"


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
    return None if text is None else moment_to_come(option, text, clock.utcnow()).isoformat()


def patience_of(wait: str | None) -> timedelta | None:
    """How long to wait, where somebody asks for that."""
    return None if wait is None else parsed_duration("--wait", wait)


def key_of(text: str | None) -> str | None:
    try:
        return text if text is None else command_fields.idempotency_key(text)
    except ValueError as error:
        raise Fatal(f"--idempotency-key {text!r}: {error}", os.EX_USAGE) from None


def only_system(names: Sequence[str]) -> str:
    if len(names) != 1:
        raise Fatal(f"--system: give one of {', '.join(names)}", os.EX_USAGE)
    return names[0]


def _waited(daemon: Here | There, command: str, patience: timedelta) -> CommandDocument:
    """The command when it has ended, or when patience has."""
    until, never = clock.monotonic() + patience.total_seconds(), threading.Event()
    left = patience

    def here(place: Place) -> CommandDocument:
        while True:
            with place.store.read() as db:
                found = inbox.find(db, command)
            if found is None:
                raise Fatal(_missing(command), os.EX_DATAERR)
            rest = until - clock.monotonic()
            if found.status.is_ended or rest <= 0:
                return CommandDocument.of(found)
            never.wait(min(LOOK_EVERY, rest))

    while True:
        asking = min(left, LONGEST_WAIT)
        wait = {"wait": durations.show(asking)} if asking > timedelta(milliseconds=1) else {}
        words = {"command": command}
        found = daemon.one(CommandDocument, here, words=words, query=wait, patience=asking)
        left = timedelta(seconds=until - clock.monotonic())
        if _has_ended(found) or left <= timedelta(0):
            return found


def _has_ended(command: CommandDocument) -> bool:
    return command.status in ENDED


def _show(command: CommandDocument, *, as_json: bool) -> None:
    if as_json:
        print_json(command.model_dump())
        return
    say(_line(command))
    say(*_details(command))


def _line(one: CommandDocument) -> str:
    when = clock_time(from_iso(one.ended_at or one.started_at or one.created_at))
    why = f"  ({one.error.kind}: {one.error.message})" if one.error else ""
    return f"{one.id}  {when}  {one.system}  {one.type}  {one.status}{why}"


def _details(one: CommandDocument) -> Iterator[str]:
    yield f"  given by {one.created_by} at {clock_time(from_iso(one.created_at))}"
    yield from _parameters(one.params)
    if one.estimated_units is not None:
        if_so = ", if everybody answers" if one.type == CAMPAIGN else ""
        yield f"  it may cost {amounts.at_least(one.estimated_units)} units{if_so}"
    if not _has_ended(one):
        yield f"  from {clock_time(from_iso(one.not_before))} until {clock_time(from_iso(one.expires_at))}"
    if one.attempts > 1:
        yield f"  attempts: {one.attempts}"
    if one.attempts and one.status == Status.QUEUED.value and one.due_at:
        yield f"  tried again at {clock_time(from_iso(one.due_at))}"
    if one.result is not None:
        yield f"  result: {inline(one.result)}"
    if one.check:
        yield f"  to find out what came of it: {one.check}"


def _show_rehearsal(found: Rehearsal, *, as_json: bool) -> None:
    if as_json:
        print_json(found.model_dump())
        return
    say(f"{found.type} of {found.system} would be queued.")
    say(*_parameters(found.params))
    if found.not_before and found.expires_at:
        say(f"  from {clock_time(from_iso(found.not_before))} until {clock_time(from_iso(found.expires_at))}")
    if cost := found.cost:
        about = "" if cost.is_exact else "a stored list, of at most "
        if cost.dialling is None or cost.per_minute is None:
            parts = counted(cost.parts or 1, "part")
            say(
                f"  {counted(cost.numbers, 'number')}, {parts} of 70 characters: "
                f"{amounts.at_least(cost.units)} units"
            )
        else:
            say(
                f"  {about}{counted(cost.numbers, 'number')}: {amounts.at_least(cost.dialling)} units to "
                f"dial, {amounts.at_least(cost.units)} if everybody answers, "
                f"{amounts.at_least(cost.per_minute)} for each minute of a long call"
            )
        if cost.budget_left is not None:
            left = amounts.at_most(cost.budget_left)
            say(f"  of the budget of {cost.day}, {left} units would be left")


def _parameters(params: Mapping[str, Any]) -> Iterator[str]:
    if params:
        yield f"  parameters: {inline(dict(params))}"


def _brief(command: CommandDocument) -> str:
    """The parameters as they were typed, cut short."""
    shown = " ".join(
        f"{key}={value if isinstance(value, str) else inline(value)}" for key, value in command.params.items()
    )
    return shown if len(shown) <= LONGEST_BRIEF else shown[: LONGEST_BRIEF - 1] + "…"


def _missing(command: str) -> str:
    return f"there is no command {command!r}; `yemotd command list` shows those there are"
