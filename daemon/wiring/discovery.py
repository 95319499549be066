"""What a phone system has, learned by few calls, one at a time: for `yemotd init` and `yemotd discover`.

    units          GetSession                                   1 call
    SIP accounts   GetSipAccountsRegisteredStatus               1
    PirsumPhone    PirsumPhoneManagement, GetRegistrationStatus 1
    SMS            GetSmsIncomingLog, one row                   1
    extensions     GetIVR2Dir, one for each folder that is one  what is left of the budget
    queues         GetQueueRealTime, for types of which it is not known whether it serves them

There is no call that lists queues, and none that goes down the tree by itself. All of these are reads. What
is refused is said and passed over: a key may be restricted to some services.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from daemon.core.inventory import AWAY, UNPROVEN_QUEUES, Account, Extension, Inventory, Part, why
from daemon.core.model import Failure, Unknown
from daemon.core.watches import sip
from daemon.core.watches.units import Observation as Units
from daemon.yemot import folders, reads
from daemon.yemot.client import Client
from daemon.yemot.reads import Read

BUDGET = 60
"""Ours. Calls at most, whatever the size of the tree."""
DEEPEST = 3
"""Ours. Steps below the main extension that are looked at."""
MOST = 2000
"""Ours. Extensions that are kept; more is said to be there."""
GAP = timedelta(milliseconds=250)
"""Ours. Between two calls: the platform publishes no limit."""
LONGEST_WAIT = timedelta(minutes=1)
"""Ours. For an API that wants to be left alone; one that wants more is not asked on."""
PASSED_OVER = frozenset({"log", "trash", "phone"})
"""Folders of the platform's own, which hold no extension of anybody's."""
MAIN = "/"

SeenT = TypeVar("SeenT")
Progress = Callable[[str], None]
"""Is told what is asked for, in words."""
Pause = Callable[[float], object]
"""Waits so many seconds."""


def untold(_line: str) -> None:
    """Nobody wants to know how far it is."""


def discover(
    client: Client,
    *,
    pause: Pause,
    progress: Progress = untold,
    units: Units | Unknown | None = None,
    budget: int = BUDGET,
) -> Inventory:
    """Look at everything, within the budget. `units`: that answer, where it was asked for already."""
    walk = _Walk(client, pause, progress, budget)
    if units is None:
        units = walk.ask(reads.units(), "units")
    else:
        walk.note(units)
    walk.take_units(units)
    walk.take_accounts(walk.ask(reads.sip_accounts(), "SIP accounts"))
    walk.take_pirsumphone()
    walk.take_sms()
    walk.take_extensions()
    return replace(walk.found, calls=walk.calls, problems=dict(walk.problems))


@dataclass
class _Walk:
    """One look, and what came of it so far."""

    client: Client
    pause: Pause
    progress: Progress
    budget: int
    calls: int = 0
    found: Inventory = field(default_factory=Inventory)
    problems: dict[Part, str] = field(default_factory=dict)
    over: Unknown | None = None
    """Why nothing more is asked: the token was rejected, or the API is away."""
    misses: int = 0
    """Calls in a row in which the API was not heard."""

    def ask(self, read: Read[SeenT], what: str) -> SeenT | Unknown:
        """One read, after the last one has had its time; once more where the API says to wait a little."""
        if self.over is not None:
            return self.over
        self.progress(what)
        seen = self._once(read)
        wait = seen.retry_after if isinstance(seen, Unknown) else None
        if wait is not None and wait <= LONGEST_WAIT and self.calls < self.budget:
            self.progress(f"{what}: the API wants {wait.total_seconds():g} s of rest")
            self.pause(wait.total_seconds())
            seen = self._once(read)
        self.note(seen)
        return seen

    def take_units(self, seen: Units | Unknown) -> None:
        if isinstance(seen, Unknown):
            self.problems[Part.UNITS] = why(seen)
            return
        self.found = replace(self.found, units=seen.balance, units_expire_on=seen.expires_on)
        if seen.balance is None:
            self.problems[Part.UNITS] = "; ".join(seen.problems) or "the answer has no balance"

    def take_accounts(self, seen: sip.Observation | Unknown) -> None:
        if isinstance(seen, Unknown):
            self.problems[Part.SIP] = why(seen)
            return
        accounts = tuple(Account(name, is_registered) for name, is_registered in seen.registered.items())
        self.found = replace(self.found, accounts=accounts)

    def take_pirsumphone(self) -> None:
        seen = self.ask(reads.pirsumphone_status(), "PirsumPhone")
        if isinstance(seen, Unknown):
            self.problems[Part.PIRSUMPHONE] = why(seen)
            return
        self.found = replace(self.found, pirsumphone=seen.registered)
        if seen.registered is None:
            self.problems[Part.PIRSUMPHONE] = "; ".join(seen.problems) or "the answer does not say"

    def take_sms(self) -> None:
        seen = self.ask(reads.sms_log(1), "SMS")
        if isinstance(seen, Unknown):
            self.problems[Part.SMS] = why(seen)
            return
        self.found = replace(self.found, has_sms=bool(seen.rows))

    def take_extensions(self) -> None:
        """From the main one down, all of one depth before the next: what is cut off is what lies deep."""
        extensions: list[Extension] = []
        to_do: deque[tuple[str, int]] = deque([(MAIN, 0)])
        is_full = has_listed = False
        while to_do and self.calls < self.budget and self.over is None and not is_full:
            path, depth = to_do.popleft()
            seen = self.ask(folders.folder(path.strip("/") or MAIN), f"extensions, {path}")
            if isinstance(seen, Unknown):
                self._not_listed(path, seen)
                continue
            has_listed = True
            if path == MAIN:
                extensions += [Extension(MAIN, seen.type)] if seen.type else []
            inner = _inner(path, seen)
            is_full = len(extensions) + len(inner) > MOST
            extensions += inner[: MOST - len(extensions)]
            to_do += [(one.path, depth + 1) for one in inner if depth + 1 < DEEPEST]
        if not has_listed:
            said = "no call was left for them" if self.over is None else why(self.over)
            self.problems.setdefault(Part.EXTENSIONS, said)
        else:
            self.found = replace(
                self.found,
                extensions=tuple(self._tried(one) for one in extensions),
                cut=self._cut(len(to_do), is_full=is_full),
            )

    def _cut(self, unlooked: int, *, is_full: bool) -> str:
        if is_full:
            return f"there are more than {MOST} extensions; those beyond are not shown"
        if unlooked and self.over is None:
            return f"{unlooked} of them were not looked into: {self.budget} calls are the most"
        return f"{unlooked} of them were not looked into" if unlooked else ""

    def _not_listed(self, path: str, seen: Unknown) -> None:
        said = why(seen) if path == MAIN else f"{path}: {why(seen)}"
        self.problems.setdefault(Part.EXTENSIONS, said)

    def _tried(self, one: Extension) -> Extension:
        """An extension of a type that may or may not be watched as a queue, with what came of trying."""
        if one.type not in UNPROVEN_QUEUES:
            return one
        if self.calls >= self.budget:
            return replace(one, not_watched="not tried: no call was left for it")
        seen = self.ask(reads.queue_state(one.queue_path), f"queue {one.path}")
        return replace(one, not_watched=why(seen)) if isinstance(seen, Unknown) else one

    def _once(self, read: Read[SeenT]) -> SeenT | Unknown:
        if self.calls:
            self.pause(GAP.total_seconds())
        self.calls += 1
        return self.client.read(read)

    def note(self, seen: object) -> None:
        """A token that is rejected is not offered again, and an API that is away not called 60 times."""
        failure = seen.failure if isinstance(seen, Unknown) else None
        self.misses = self.misses + 1 if failure in AWAY else 0
        is_over = failure in (Failure.TOKEN_REJECTED, Failure.THROTTLED) or self.misses > 1
        if is_over and isinstance(seen, Unknown):
            self.over = seen


def _inner(path: str, seen: folders.Listing) -> list[Extension]:
    """The extensions in a folder; what is no extension is somebody's data, and passed over."""
    return [
        Extension(f"{path.rstrip('/')}/{one.name}", one.type, one.title or "")
        for one in seen.folders
        if one.type is not None and one.name.lower() not in PASSED_OVER
    ]
