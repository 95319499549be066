"""`yemotd init`, of the phone system: its token, what it has, and what of that is watched."""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TypeVar

from daemon.cli.inventory_lines import MOST_SHOWN, inventory_lines
from daemon.cli.opening import HELD
from daemon.cli.output import Fatal, counted
from daemon.cli.terminal import NOTHING, Terminal, optional, plain, secret
from daemon.config import answers, chosen, writing
from daemon.config.chosen import ChosenFolder, ChosenQueue, ChosenSystem, Watches
from daemon.config.secrets import check_token
from daemon.config.systems import SystemSettings
from daemon.config.values import HeaderText, Word, queue_key
from daemon.core.durations import show
from daemon.core.inventory import Inventory, Part, why
from daemon.core.model import Failure, Secret, Unknown
from daemon.core.watches.units import Observation as Units
from daemon.schemas.inventory import Found
from daemon.wiring.clients import client_of
from daemon.wiring.discovery import BUDGET, discover
from daemon.yemot import reads
from daemon.yemot.client import Client

MOST_TRIES = 5
"""Ours. Tokens that may be rejected: the platform blocks whole systems for too many logins that fail."""
GATEWAY_KEY = "yk_"
"""How keys of the newer gateway begin."""
NOT_TRUSTED = "not trusted"
"""In what is said of a TLS certificate that a content filter made."""
EACH = {"all": "", "some": "asks for each", "none": ""}
T = TypeVar("T")


@dataclass(frozen=True)
class Reached:
    """What the command line says of the way to the API."""

    base_url: str | None = None
    ca_file: Path | None = None


def ask(terminal: Terminal, reached: Reached) -> ChosenSystem:
    """The system that is watched, with everything that is watched of it."""
    terminal.title("Your phone system")
    terminal.say(
        "Its token is an API key, made in the platform's firewall screen (the better way: it can be"
        " restricted, and does not expire), or number:password. It is not shown while you type.",
    )
    given, units = _token(terminal, reached)
    name = terminal.ask("What shall the system be called?", "main", answers.reader(answers.ShortName))
    given = replace(given, name=name)
    if given.token is None or units is None:
        terminal.say("Nobody looks what it has, then; what every system has is proposed.")
        return replace(given, watches=_watches(terminal, chosen.unseen(), None, None))
    with closing(client_of(settings_of(given))) as client:
        found = _look(terminal, client, units)
        watches = _watches(terminal, chosen.proposed(found), found, client)
    return replace(given, watches=watches)


def settings_of(system: ChosenSystem) -> SystemSettings:
    """The same as its client is made of."""
    return writing.reached_as(system, None if system.ca_file is None else Path(system.ca_file))


def checked(system: ChosenSystem) -> Units | Unknown:
    """One cheap read by the token."""
    with closing(client_of(settings_of(system))) as client:
        return client.read(reads.units())


def kind_of(system: ChosenSystem) -> str:
    """What kind of token it is, in words."""
    token = system.token.value if system.token else ""
    if system.switch_id is not None:
        return "a key of the newer gateway"
    if ":" in token:
        return f"number:password of {token.partition(':')[0]}"
    return "an API key"


def _token(terminal: Terminal, reached: Reached) -> tuple[ChosenSystem, Units | Unknown | None]:
    """A token that the API takes, with what it said; or one that nobody could try, or none."""
    ca_file = None if reached.ca_file is None else str(reached.ca_file.absolute())
    rejected = 0
    while True:
        token = terminal.ask_hidden("Token (Enter: later)", secret(check_token))
        given = ChosenSystem(token, base_url=reached.base_url, ca_file=ca_file)
        if token is None:
            return given, None
        HELD.add(token.value)
        given = _with_its_switch(terminal, given)
        tried = _tried(terminal, given)
        if isinstance(tried, ChosenSystem):
            return tried, None
        if tried is not None and not _is_rejected(tried[1]):
            return tried
        rejected += tried is not None
        if rejected == MOST_TRIES:
            said = f"{MOST_TRIES} tokens were rejected; more could have the platform block the whole system"
            raise Fatal(said, os.EX_NOPERM)


def _with_its_switch(terminal: Terminal, given: ChosenSystem) -> ChosenSystem:
    token = given.token.value if given.token else ""
    if not token.startswith(GATEWAY_KEY):
        return given
    terminal.say("That is a key of the newer gateway, which also wants to know which system.")
    return replace(given, switch_id=terminal.ask("Its switch-id", "", answers.reader(HeaderText)))


def _tried(
    terminal: Terminal, given: ChosenSystem
) -> tuple[ChosenSystem, Units | Unknown] | ChosenSystem | None:
    """What the API says to the token; the system alone where it is taken untried; None: another token."""
    while True:
        terminal.say("  Asking the API …")
        said = checked(given)
        if not isinstance(said, Unknown):
            terminal.say(f"  It is {kind_of(given)}, and the API takes it.")
            return given, said
        is_refused = said.failure is Failure.REFUSED
        if is_refused and _opens_something(given):
            terminal.say(f"  It is {kind_of(given)}; it may not read the balance ({said.message}).")
            return given, said
        terminal.refuse(why(said))
        if _is_rejected(said):
            return given, said
        given = _with_a_ca(terminal, given, said)
        then = terminal.choose(
            "What now?",
            {"again": "try once more", "other": "another token", "keep": "keep this one, untried"},
            "again",
        )
        if then == "keep":
            return (given, said) if is_refused else given
        if then == "other":
            return None


def _opens_something(given: ChosenSystem) -> bool:
    """Whether what is refused is the balance alone, as to a key that is restricted to some services."""
    with closing(client_of(settings_of(given))) as client:
        return not isinstance(client.read(reads.sms_log(1)), Unknown)


def _is_rejected(said: Units | Unknown) -> bool:
    return isinstance(said, Unknown) and said.failure is Failure.TOKEN_REJECTED


def _with_a_ca(terminal: Terminal, given: ChosenSystem, said: Unknown) -> ChosenSystem:
    """The same, trusting the certificate of a content filter, if that is what stood in the way."""
    if NOT_TRUSTED not in said.message:
        return given
    terminal.say("A content filter may sign by a certificate of its own; its file (PEM) can be trusted.")
    return replace(given, ca_file=terminal.ask("Its path (- for none)", NOTHING, optional(_ca_file)))


def _ca_file(text: str) -> str:
    from daemon.yemot.transport import tls_context  # noqa: PLC0415 - few stand behind a filter

    try:
        path = Path(text).expanduser().absolute()
        tls_context(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: of a home that nobody has
        raise ValueError(f"cannot be used: {getattr(error, 'strerror', None) or error}") from None
    return str(path)


def _look(terminal: Terminal, client: Client, units: Units | Unknown) -> Inventory:
    terminal.say("", f"Looking what there is: reads only, at most {BUDGET} calls, one at a time.")
    found = discover(client, pause=Event().wait, progress=_Progress(terminal), units=units)
    terminal.say(f"{found.calls} calls were made.")
    terminal.say(*inventory_lines(Found.of("", found)))
    return found


class _Progress:
    """A line for each part that is asked for, and for every tenth folder."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._folders = 0

    def __call__(self, what: str) -> None:
        if what.startswith("extensions"):
            self._folders += 1
            if self._folders % 10 != 1:
                return
        self._terminal.say(f"  {plain(what)} …")


def _watches(
    terminal: Terminal, proposed: Watches, found: Inventory | None, client: Client | None
) -> Watches:
    """What is proposed, as a whole or one by one."""
    terminal.title("What is watched")
    terminal.say(*watch_lines(proposed))
    if proposed.is_empty:
        terminal.say("There is nothing to propose; each can be chosen by hand.")
    elif terminal.is_so("Watch this?", proposed=True):
        return proposed
    watches = _one_by_one(terminal, proposed, found, client)
    if watches.is_empty:
        terminal.say("Nothing is watched, then; `yemotd check` will say so.")
    return watches


def watch_lines(watches: Watches) -> list[str]:
    """What is watched, and when it is told."""
    lines = ["  SMS: each that is received"] if watches.sms else []
    if watches.sip_for is not None:
        lines.append(f"  phones: one that is off for {show(watches.sip_for)}")
    queues, folders = watches.queues, watches.folders
    lines += [f"  queue {one.path}: {_told(one)}{_named(one.name)}" for one in queues[:MOST_SHOWN]]
    lines += [f"  … and {len(queues) - MOST_SHOWN} more queues"] if len(queues) > MOST_SHOWN else []
    lines += [f"  recordings {one.path}: each that is new{_named(one.title)}" for one in folders[:MOST_SHOWN]]
    lines += [f"  … and {len(folders) - MOST_SHOWN} more folders"] if len(folders) > MOST_SHOWN else []
    if watches.units_below is not None:
        lines.append(f"  units: fewer than {watches.units_below:g}")
    if watches.units_expire_within is not None:
        lines.append(f"  units: {show(watches.units_expire_within)} before they expire")
    return [*lines, *(["  PirsumPhone: whether it is registered"] if watches.pirsumphone else [])]


def _told(queue: ChosenQueue) -> str:
    parts = []
    if queue.waiting_above is not None:
        parts.append(f"more than {queue.waiting_above:g} waiting for {show(queue.waiting_for)}")
    if queue.no_agent_for is not None:
        parts.append(f"no agent available for {show(queue.no_agent_for)}")
    return ", ".join(parts) or "its history, no alert"


def _named(name: str | None) -> str:
    return f"  {plain(name)}" if name else ""


def _one_by_one(
    terminal: Terminal, proposed: Watches, found: Inventory | None, client: Client | None
) -> Watches:
    sms = terminal.is_so("Tell of SMS that are received?", proposed=proposed.sms)
    phones = terminal.is_so("Watch whether phones are registered?", proposed=proposed.sip_for is not None)
    sip_for = None
    if phones:
        sip_for = terminal.ask("How long may one be off?", show(chosen.SIP_FOR), answers.duration)
    queues = _queues(terminal, proposed.queues, client)
    folders = _folders(terminal, proposed.folders)
    below, within = chosen.UNITS_BELOW, show(chosen.UNITS_EXPIRE_WITHIN)
    has_units = proposed.has_units
    units_below = terminal.ask(
        "Alert below so many units (- for never)",
        f"{below:g}" if has_units else NOTHING,
        optional(answers.number),
    )
    units_within = terminal.ask(
        "Alert so long before they expire (- for never)",
        within if has_units else NOTHING,
        optional(answers.duration),
    )
    knows_pirsumphone = found is None or found.pirsumphone is not None
    pirsumphone = knows_pirsumphone and terminal.is_so(
        "Watch the registration to PirsumPhone?", proposed=proposed.pirsumphone
    )
    return Watches(sms, sip_for, queues, folders, units_below, units_within, pirsumphone)


def _queues(
    terminal: Terminal, proposed: Sequence[ChosenQueue], client: Client | None
) -> tuple[ChosenQueue, ...]:
    kept = _some(terminal, "queue", proposed, lambda one: f"{one.path}{_named(one.name)}")
    kept += _more(terminal, "queue", [one.path for one in kept], lambda path: _queue(path, client))
    if not kept:
        return ()
    above = terminal.ask(
        "Alert when more than so many wait (- for never)",
        f"{chosen.WAITING_ABOVE:g}",
        optional(answers.number),
    )
    waiting_for = chosen.WAITING_FOR
    if above is not None:
        waiting_for = terminal.ask("for at least", show(waiting_for), answers.duration)
    no_agent_for = terminal.ask(
        "Alert when no agent is available for (- for never)",
        show(chosen.NO_AGENT_FOR),
        optional(answers.duration),
    )
    return tuple(
        replace(one, waiting_above=above, waiting_for=waiting_for, no_agent_for=no_agent_for) for one in kept
    )


def _queue(path: str, client: Client | None) -> ChosenQueue:
    """A queue that somebody names, if the API knows it; unasked where there is nobody to ask."""
    said = None if client is None else client.read(reads.queue_state(path))
    if isinstance(said, Unknown):
        raise ValueError(why(said))
    return ChosenQueue(path)


def _folders(terminal: Terminal, proposed: Sequence[ChosenFolder]) -> tuple[ChosenFolder, ...]:
    kept = _some(terminal, "recording folder", proposed, lambda one: f"{one.path}{_named(one.title)}")
    kept += _more(terminal, "recording folder", [one.path for one in kept], ChosenFolder)
    return tuple(kept)


def _some(terminal: Terminal, what: str, proposed: Sequence[T], shown: Callable[[T], str]) -> list[T]:
    """All, some or none of those that were found."""
    if not proposed:
        return []
    answer = terminal.choose(f"Watch {counted(len(proposed), what)} found?", EACH, "all")
    if answer == "all":
        return list(proposed)
    if answer == "none":
        return []
    return [one for one in proposed if terminal.is_so(f"  {shown(one)}", proposed=True)]


def _more(terminal: Terminal, what: str, known: Sequence[str], made: Callable[[str], T]) -> list[T]:
    """Those that somebody names, until it is enough."""
    found: list[T] = []
    taken = {queue_key(one) for one in known}

    def read(text: str) -> T:
        path = answers.reader(Word)(text)
        if queue_key(path) in taken:
            raise ValueError("it is chosen already")
        one = made(path)
        taken.add(queue_key(path))
        return one

    while (
        one := terminal.ask(f"Another {what}, such as /5 (- for none)", NOTHING, optional(read))
    ) is not None:
        found.append(one)
    return found


def from_answers(given: answers.SystemAnswers, told: Callable[[str], None]) -> ChosenSystem:
    """The same out of a file; `Fatal` (exit 69) where the API does not take the token."""
    system = ChosenSystem(
        given.token,
        given.name,
        given.base_url,
        given.switch_id,
        None if given.ca_file is None else str(given.ca_file.absolute()),
    )
    if given.token is None or not given.look:
        return replace(system, watches=_answered(given, chosen.unseen()))
    HELD.add(given.token.value)
    units = checked(system)
    if isinstance(units, Unknown) and units.failure is not Failure.REFUSED:
        raise Fatal(f"[system] token: {why(units)}", os.EX_UNAVAILABLE)
    told(f"The token is {kind_of(system)}, and the API takes it.")
    with closing(client_of(settings_of(system))) as client:
        found = discover(client, pause=Event().wait, units=units)
    if set(found.problems) == set(Part):
        raise Fatal(f"[system] token: it opens nothing: {found.problems[Part.UNITS]}", os.EX_UNAVAILABLE)
    told(f"{found.calls} calls were made.")
    for line in inventory_lines(Found.of("", found)):
        told(line)
    return replace(system, watches=_answered(given, chosen.proposed(found)))


def _answered(given: answers.SystemAnswers, proposed: Watches) -> Watches:
    own = {queue_key(one.path) for one in given.queues}
    found = [one for one in proposed.queues if given.found_queues and queue_key(one.path) not in own]
    named = {queue_key(path) for path in given.recordings}
    folders = [one for one in proposed.folders if given.found_recordings and queue_key(one.path) not in named]
    has_sip = proposed.sip_for is not None if given.sip is None else given.sip
    has_units = proposed.has_units if given.units is None else given.units
    return Watches(
        sms=proposed.sms if given.sms is None else given.sms,
        sip_for=given.sip_for if has_sip else None,
        queues=(*found, *(one.queue for one in given.queues)),
        folders=(*folders, *map(ChosenFolder, given.recordings)),
        units_below=given.units_below if has_units else None,
        units_expire_within=given.units_expire_within if has_units else None,
        pirsumphone=proposed.pirsumphone if given.pirsumphone is None else given.pirsumphone,
    )


def secret_of(text: str) -> Secret:
    """A secret that no line of the log shows."""
    HELD.add(text)
    return Secret(text)
