"""A commander on a real store, with a phone system that does what a script says."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from daemon.core.commands.command import Command, Done
from daemon.core.commands.policy import Policy
from daemon.core.model import Json, Unknown
from daemon.core.routing.plan import Interest
from daemon.operations import commands
from daemon.operations.commands import Accepted
from daemon.pipeline.events import Recorder
from daemon.pipeline.handover import Nobody
from daemon.schemas import command_requests
from daemon.store import events, inbox
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.commander import Commander, System
from daemon.workers.system_pauses import Pauses
from tests.support.fakes import FakeClock, Ids

PAUSE: dict[str, Any] = {"type": "queue.pause", "params": {"queue_path": "/5", "agent": "SIP-1"}}
KICK: dict[str, Any] = {"type": "queue.kick", "params": {"queue_path": "/5", "call_ids": ["a"]}}
READ: dict[str, Any] = {"type": "sip.accounts"}
BRIDGE: dict[str, Any] = {
    "type": "campaign.bridge",
    "params": {"phones": "0501234567:0501234568", "ivr_path": "/1"},
}
POLICY = Policy(("*",), 50.0, rate=1000)
Says = Callable[[Command], Done | Unknown]


class Sleeper(Nobody):
    """A dispatcher that does no more than to count how often it is woken."""

    woken = 0

    def wake(self) -> None:
        self.woken += 1


@dataclass
class Office:
    """The commander's side: `give`, `work`, and see what came of it."""

    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    says: Says = lambda _command: Done({"well": True})
    policy: Policy = POLICY
    systems: tuple[str, ...] = ("main",)
    sent: list[Command] = field(default_factory=list)
    """What reached the phone system, in order, as it was while it was sent."""
    new_id: Ids = field(default_factory=Ids)
    ownership: Ownership = EVERYTHING

    def __post_init__(self) -> None:
        self.pauses = Pauses(self.clock.monotonic)
        self.recorder = Recorder([Interest("crm", ("*",), None)], self.new_id)
        self.recorder.handover.to = self.dispatcher = Sleeper()
        self.start()

    def start(self) -> None:
        """A new process on the same store."""
        self.in_force = self.all_systems(self.policy)
        self.commander = Commander(
            self.database,
            lambda: self.recorder,
            lambda: self.in_force,
            now=self.clock.now,
            jitter=lambda: 0.0,
            pauses=self.pauses,
            ownership=self.ownership,
        )

    def all_systems(self, policy: Policy) -> dict[str, System]:
        return {name: System(policy, self._carry_out) for name in self.systems}

    def give(self, request: dict[str, Any], *, key: str | None = None, **more: Json) -> Accepted:
        parsed = command_requests.parse({"system": "main", **request, **more})
        policies = dict.fromkeys(self.systems, self.policy)
        with self.database.write() as db:
            return commands.accept(
                db, parsed, policies, by="crm", key=key, now=self.clock.now(), new_id=self.new_id
            )

    def work(self) -> None:
        """All that is due now, of every system."""
        for system in self.commander.run_once():
            self.commander.work(system)

    def run(self, seconds: float, step: float = 1) -> None:
        """Time passes, and what becomes due is done."""
        for _ in range(int(seconds / step)):
            self.work()
            self.clock.advance(step)
        self.work()

    def find(self, command: str) -> Command:
        with self.database.read() as db:
            found = inbox.find(db, command)
        assert found is not None
        return found

    def told(self) -> list[tuple[str, str]]:
        """Type and subject of every event."""
        with self.database.read() as db:
            return [(one.type, one.subject) for _, one in events.read(db, events.Query(limit=10_000))]

    def _carry_out(self, command: Command) -> Done | Unknown:
        self.sent.append(self.find(command.id))
        return self.says(command)


def at(clock: FakeClock, seconds: float) -> str:
    """A time from now, as requests say it."""
    moment: datetime = clock.now() + timedelta(seconds=seconds)
    return moment.isoformat()


def with_policy(office: Office, **changed: Any) -> None:
    """A reload changes what the systems allow."""
    office.policy = replace(office.policy, **changed)
    office.in_force = office.all_systems(office.policy)


def one_by_one(*answers: Done | Unknown) -> Says:
    """The phone system says these, one after the other."""
    left = list(answers)
    return lambda _command: left.pop(0)


def broken(_command: Command) -> Done:
    """A mistake of ours."""
    raise ZeroDivisionError
