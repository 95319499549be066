"""Commands that are due: claimed, carried out one after the other for each system, and their outcome told.

    begin                        -------------------------------------------- one transaction
      inbox.head                 IO     the next command of the system
      commands.claimed           pure   the intent to send it
      inbox.save                 IO
    commit                       -------------------------------------------- nothing is sent before this
    system.carry_out             IO     one call of the API                   (no transaction)
    commands.after               pure   how it ended, or when it is tried again
    begin                        -------------------------------------------- one transaction
      inbox.save                 IO
      recorder.record            IO     the event, and its deliveries
    commit

Systems go on beside each other; within one there is an order. What was being sent when the process ended is
sorted out at the next start: `recover`.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from daemon.core import amounts
from daemon.core.commands import command as commands
from daemon.core.commands import following, sent_texts
from daemon.core.commands.command import Command, Done, Status, Trouble
from daemon.core.commands.command_types import BUDGETS
from daemon.core.commands.policy import ROUNDING, Policy
from daemon.core.delivery.rate import Bucket
from daemon.core.durations import NOTHING
from daemon.core.model import Fact, Failure, Unknown
from daemon.core.ownership import HOUSE, Kind
from daemon.pipeline import missed
from daemon.pipeline.calls import Scene
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.store import budgets, campaigns, inbox, texts
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.kept_pauses import remember
from daemon.workers.system_pauses import Pauses

log = structlog.get_logger()

LOOK_EVERY = 0.5
"""Seconds; how late a command that another process has queued may be seen."""
AFTER_AN_ERROR = 1.0
"""Seconds before the database is tried again."""
MOST_THREADS = 64
"""Systems whose commands are carried out at once."""
GONE = "the system is not configured any more"
NOT_SENT = Unknown(Failure.UNREACHABLE, "not sent: another daemon may have the system by now", is_unsent=True)
"""This process stood still after it had claimed the command, or the database is away."""


@dataclass(frozen=True)
class System:
    """One system that takes commands."""

    policy: Policy
    carry_out: Callable[[Command], Done | Unknown]
    """One call of the API, which is never repeated by itself."""


class Commander:
    """Carries commands out until it is stopped."""

    def __init__(
        self,
        database: Database,
        recorder: Callable[[], Recorder],
        systems: Callable[[], Mapping[str, System]],
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        pauses: Pauses,
        stepped: Callable[[], timedelta | None] = lambda: NOTHING,
        on_ended: Callable[[Sequence[Command]], None] = lambda _ended: None,
        ownership: Ownership = EVERYTHING,
    ) -> None:
        """`stepped`: by how much the wall clock was set in all; None: just now, and nothing may begin before
        that is taken into account."""
        self._database = database
        self._in_force = recorder
        self._systems = systems
        self._now = now
        self._jitter = jitter
        self._pauses = pauses
        self._stepped = stepped
        self._on_ended = on_ended
        self._ownership = ownership
        self._buckets: dict[str, Bucket] = {}
        self._busy: set[str] = set()
        self._sent: set[str] = set()
        """Commands that are under way here."""
        self._unwritten: list[Command] = []
        self._lock = threading.Lock()
        self._is_woken = threading.Event()
        self._is_stopping = threading.Event()
        self._is_idle = threading.Condition(self._lock)

    def recover(self, systems: Collection[str] | None = None) -> int:
        """Sort out what the process before this one left running, of these systems (None: of all). Returns
        how many there were."""
        with self._database.write() as db:
            now = self._now()
            ours = None if systems is None else self._ownership.kept(db, Kind.SYSTEM, systems)
            running = [one for one in inbox.running(db) if ours is None or one.system in ours]
            running = [one for one in running if one.id not in self._sent]
            left = [commands.interrupted(one, now) for one in running]
            recorded = self._put(db, left, now)
        self._tell(left, recorded)
        return len(left)

    def run(self, turned: Callable[[], None] = lambda: None) -> None:
        """Look for what is due until `stop`; calls `turned` at every look."""
        pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="commands")
        try:
            while not self._is_stopping.is_set():
                turned()
                pause = LOOK_EVERY
                try:
                    self._hand_over(pool, self.run_once())
                except FAILURES as error:
                    log.warning("commander.database_failed", error=reason(error))
                    pause = AFTER_AN_ERROR
                self._is_woken.wait(pause)
                self._is_woken.clear()
        finally:
            # What is under way goes on to its end; an error here is told before that.
            pool.shutdown(wait=self._is_stopping.is_set())

    def wake(self) -> None:
        """Look at once: a command was queued."""
        self._is_woken.set()

    def stop(self) -> None:
        """Begin nothing new. What is under way goes on: `settle`."""
        self._is_stopping.set()
        self._is_woken.set()

    def settle(self, patience: timedelta) -> bool:
        """Wait for what is under way, no longer than `patience`. Returns whether all has ended."""
        with self._is_idle:
            return self._is_idle.wait_for(lambda: not self._busy, patience.total_seconds())

    def is_busy(self, system: str) -> bool:
        """Whether a command of a system is under way, or its outcome not written yet."""
        with self._lock:
            return system in self._busy or any(one.system == system for one in self._unwritten)

    def run_once(self) -> list[str]:
        """End what is too late, and name the systems of which a command is due; they are busy from now on."""
        systems, now, stepped = self._systems(), self._now(), self._stepped()
        self._write_what_is_left()
        if stepped is None:
            return []
        self._end_hopeless()
        with self._database.read() as db:
            due = [one.system for one in inbox.heads(db, now, stepped) if one.due_at <= now]
        with self._lock:
            ready = [one for one in due if one not in self._busy and self._may_go(one, systems.get(one), now)]
            self._busy.update(ready)
        return ready

    def _hand_over(self, pool: Executor, systems: Sequence[str]) -> None:
        """Have a thread of the pool work for each of these systems. Where one cannot be had, those for which
        nobody has begun are not busy any more."""
        waiting = set(systems)

        def begin(system: str) -> None:
            with self._lock:
                if system not in waiting:
                    return
                waiting.discard(system)
            self.work(system)

        try:
            for system in systems:
                pool.submit(begin, system)
        except BaseException:
            with self._is_idle:
                self._busy -= waiting
                # The pool has them in its queue all the same, and another of its threads may come to that.
                waiting.clear()
                self._is_idle.notify_all()
            raise

    def carry_out(self, name: str) -> bool:
        """Carry out the next command of a system. Returns whether there was one."""
        system, now = self._systems().get(name), self._now()
        if system is None or not self._may_go(name, system, now):
            return False
        command, recorded = self._claim(name, system.policy)
        if command is None:
            return False
        if command.status.is_ended:
            self._tell([command], recorded)
            return True
        self._bucket(name, system.policy).take(1)
        log.info("command.sent", id=command.id, type=command.type, system=name, attempt=command.attempts)
        self._sent.add(command.id)
        is_ours = self._ownership.holds(Kind.SYSTEM, name)
        outcome = _carried_out(system, command) if is_ours else NOT_SENT
        self._pauses.take(name, outcome if isinstance(outcome, Unknown) else None)
        self._write(self._after(command, outcome, system.policy))
        return True

    def _after(self, command: Command, outcome: Done | Unknown, policy: Policy) -> Command:
        """How it ended, or when it is tried again. Where that cannot be worked out, it is as if the process
        had ended in the middle: what may cost money is not sent again."""
        try:
            return commands.after(command, outcome, self._now(), policy, jitter=self._jitter())
        except Exception:
            log.exception("command.crashed", id=command.id, type=command.type, system=command.system)
            return commands.interrupted(command, self._now())

    def work(self, system: str) -> None:
        """Whatever is due of one system; in a thread of the pool."""
        try:
            while not self._is_stopping.is_set() and self.carry_out(system):
                pass
        except FAILURES as error:
            log.warning("commander.database_failed", system=system, error=reason(error))
        except Exception:  # else it would vanish with the pool's own record of it
            log.exception("commander.crashed", system=system)
        finally:
            with self._is_idle:
                self._busy.discard(system)
                self._is_idle.notify_all()

    def _claim(self, name: str, policy: Policy) -> tuple[Command | None, Recorded]:
        """The next command: running, or ended where it may not be carried out."""
        with self._database.write() as db:
            # Under the lock of the writers, so that no step of the clock is between what was read and this.
            now, stepped = self._now(), self._stepped()
            if stepped is not None and not self._ownership.kept(db, Kind.SYSTEM, (name,)):
                stepped = None
            command = None if stepped is None else inbox.head(db, name, now, stepped)
            if command is None or stepped is None:
                return None, Recorded()
            claimed = _objection(db, command, policy, now, stepped) or commands.claimed(command, now, policy)
            return claimed, self._put(db, [claimed], now)

    def _may_go(self, name: str, system: System | None, now: datetime) -> bool:
        if system is None or self._pauses.is_paused(name) or not self._ownership.holds(Kind.SYSTEM, name):
            return False
        return self._bucket(name, system.policy).room(now) > 0

    def _bucket(self, name: str, policy: Policy) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None or bucket.rate != policy.rate:
            bucket = self._buckets[name] = Bucket(policy.rate)
        return bucket

    def _end_hopeless(self) -> None:
        """End the commands for which it is too late, and those of systems that are not there any more."""
        with self._database.read() as db:
            if not any(self._hopeless(db, self._now())):
                return
        with self._database.write() as db:
            # Looked for anew under the lock of the writers, as in `_claim`.
            if not self._ownership.kept(db, Kind.DUTY, (HOUSE,)):
                return
            now = self._now()
            overdue, homeless = self._hopeless(db, now)
            late = [commands.expired(one, now) for one in overdue]
            recorded = self._put(db, late, now)
            lost = [commands.turned_down(one, Trouble.NOT_CONFIGURED, GONE, now) for one in homeless]
            recorded += self._put(db, lost, now)
        self._tell([*late, *lost], recorded)

    def _hopeless(self, db: sa.Connection, now: datetime) -> tuple[list[Command], list[Command]]:
        """The commands for which it is too late, and those of other systems than there are; none while a step
        of the clock is not taken into account."""
        stepped = self._stepped()
        if stepped is None or not self._ownership.kept(db, Kind.DUTY, (HOUSE,)):
            return [], []
        overdue, others = inbox.overdue(db, now, stepped), inbox.of_other_systems(db, list(self._systems()))
        return overdue, [one for one in others if one not in overdue]

    def _write_what_is_left(self) -> None:
        """Each by itself: one that cannot be written for what it is holds up no other."""
        with self._lock:
            left, self._unwritten = self._unwritten, []
        while left and self._write(left.pop(0)):
            pass
        with self._lock:
            self._unwritten += left

    def _write(self, ended: Command) -> bool:
        """Write what came of a command. Where that fails, whatever by, it is kept, and tried again: no
        command is sent again because its outcome could not be written. Returns whether others can be."""
        try:
            with self._database.write() as db:
                if not self._is_to_write(db, ended):
                    # Who has, or had, the system meanwhile could not know this outcome, and said so.
                    log.warning("command.not_ours", id=ended.id, type=ended.type, status=ended.status.value)
                    self._sent.discard(ended.id)
                    return True
                recorded = self._put(db, [ended], self._now())
                remember(db, self._ownership, self._pauses, ended.system, self._now())
        except Exception as error:
            is_down = isinstance(error, FAILURES)
            told = log.error if is_down else log.exception
            told("command.not_written", id=ended.id, error=reason(error))
            with self._lock:
                self._unwritten.append(ended)
            return not is_down
        self._sent.discard(ended.id)
        self._tell([ended], recorded)
        return True

    def _is_to_write(self, db: sa.Connection, ended: Command) -> bool:
        """Whether nobody else has said meanwhile what came of a command."""
        if self._ownership.is_sole:
            return True
        # Whose the system is by now does not matter: who takes it up looks for what is running.
        stored = inbox.find(db, ended.id)
        return stored is not None and stored.status is Status.RUNNING and stored.attempts == ended.attempts

    def _put(self, db: sa.Connection, found: list[Command], now: datetime) -> Recorded:
        recorder, recorded = self._in_force(), Recorded()
        for command in found:
            inbox.save(db, command)
            if (campaign := following.begun(command)) is not None:
                campaigns.begin(db, campaign)
            fact = commands.told(command)
            sent = _texts_of(db, command)
            scene = Scene(db, command.system, recorder.new_id, now)
            facts = [*([fact] if fact is not None else []), *missed.after(scene, command), *sent]
            if facts:
                recorded += recorder.record(db, command.system, facts, now)
        return recorded

    def _tell(self, found: list[Command], recorded: Recorded) -> None:
        """Once it is committed."""
        for one in found:
            error, status = one.error.kind if one.error else None, one.status.value
            log.info(
                "command.came_to", id=one.id, type=one.type, system=one.system, status=status, error=error
            )
        log_recorded(recorded)
        ended = [one for one in found if one.status.is_ended]
        if ended:
            self._on_ended(ended)


def _texts_of(db: sa.Connection, command: Command) -> list[Fact]:
    """What others are told of the messages that a command sent, which are followed from now on."""
    facts = []
    for one in sent_texts.begun(command):
        texts.begin(db, one)
        facts += sent_texts.told(None, one)
    return facts


def _objection(
    db: sa.Connection, command: Command, policy: Policy, now: datetime, stepped: timedelta
) -> Command | None:
    """The command as it ends where it may not be carried out now; the configuration may have changed."""
    if commands.is_too_late(command, now, stepped):
        return commands.expired(command, now)
    per_day = policy.per_day(command.type)
    if not policy.allows(command.type) or (command.type in BUDGETS and per_day is None):
        message = "the configuration does not allow it any more"
        return commands.turned_down(command, Trouble.NOT_ALLOWED, message, now)
    if command.estimate is not None and per_day is not None:
        used = budgets.used(db, command.system, command.type, policy.day(now), is_spent=True)
        if used + command.estimate > per_day + ROUNDING:
            message = (
                f"it may cost {amounts.at_least(command.estimate)} units, and of the "
                f"{amounts.at_most(per_day)} of today "
                f"{amounts.at_most(per_day - used)} are left"
            )
            return commands.turned_down(command, Trouble.OVER_BUDGET, message, now)
    return None


def _carried_out(system: System, command: Command) -> Done | Unknown:
    try:
        return system.carry_out(command)
    except Exception:
        # Whatever went wrong here, the request may have left.
        log.exception("command.crashed", id=command.id, type=command.type, system=command.system)
        return Unknown(Failure.MALFORMED, "an error of our own; the daemon's log says more")
