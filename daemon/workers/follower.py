"""Follows the campaigns that commands have started, each to its end, which is told once.

    look                         by the scheduler, every second or two
      campaigns.open_ones   IO   which there are
      in a thread of its own, for each system of which one is due
        ask                 IO   one look at the API                            (no transaction)
        following.after     pure what that says of it
        begin                    -------------------------------------------- one transaction
          campaigns.save    IO   what was seen; its end only where nobody has written that before
          inbox.count       IO   what it counts against the budget of its day
          recorder.record   IO   `campaign.finished`, and its deliveries
        commit

When the next look is due is kept in memory: whoever takes a system up looks at all its campaigns soon. Of
several daemons, who holds the system follows its campaigns.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from daemon.core.commands import following
from daemon.core.commands.following import Followed, Glance
from daemon.core.commands.policy import Policy
from daemon.core.durations import NOTHING
from daemon.core.model import Unknown
from daemon.core.ownership import HOUSE, Kind
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.store import campaigns, inbox
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.system_pauses import Pauses

log = structlog.get_logger()

MOST_THREADS = 8
"""Systems whose campaigns are looked at at once; each asks one thing at a time."""
AT_ONCE = 20
"""Campaigns of a system that are looked at in one go; then the others have their turn."""
MOST_INTERVALS = 2
"""Between looks further apart than this many times what was to be waited, the rest was not observed."""

Ask = Callable[[str, datetime], Glance | Unknown]
"""One look at a campaign by its id, and when it began."""


@dataclass
class _Pace:
    """Of one campaign; losing it costs observed time only."""

    wait: timedelta = following.SOON
    calm: int = 0
    """For how many looks nothing has moved."""
    due: float = 0.0
    answered: float | None = None
    """When the last look was answered, by the monotonic clock."""


class Follower:
    """`look` is for one thread; `settle` and `stop` for any."""

    def __init__(
        self,
        database: Database,
        recorder: Callable[[], Recorder],
        asks: Callable[[], Mapping[str, Ask]],
        policies: Callable[[], Mapping[str, Policy]],
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pauses: Pauses,
        ownership: Ownership = EVERYTHING,
    ) -> None:
        """`asks`: how each configured system is asked."""
        self._database = database
        self._in_force = recorder
        self._asks = asks
        self._policies = policies
        self._now = now
        self._monotonic = monotonic
        self._pauses = pauses
        self._ownership = ownership
        self._paces: dict[str, _Pace] = {}
        """By command."""
        self._busy: set[str] = set()
        """Systems that are asked just now."""
        self._lock = threading.Lock()
        self._is_stopping = threading.Event()
        self._is_idle = threading.Condition(self._lock)
        self._pool: ThreadPoolExecutor | None = None

    def look(self) -> None:
        """Have threads look at the campaigns that are due; waits for none of them."""
        try:
            for system, commands in self.due().items():
                self._hand_over(system, commands)
        except FAILURES as error:
            log.warning("campaigns.not_read", error=reason(error))

    def due(self) -> dict[str, list[str]]:
        """The campaigns that are to be looked at now, by system, whose systems are busy from now on; those of
        systems that are not there any more are ended."""
        asks, now = self._asks(), self._monotonic()
        with self._database.read() as db:
            found = campaigns.open_ones(db)
        kept = {command for commands in found.values() for command in commands}
        homeless = [
            command for system, commands in found.items() if system not in asks for command in commands
        ]
        if homeless:
            self._lose(homeless)
        ready: dict[str, list[str]] = {}
        with self._lock:
            self._paces = {command: pace for command, pace in self._paces.items() if command in kept}
            for system in found.keys() & asks.keys():
                if late := self._late(system, found[system], now):
                    ready[system] = late
                    self._busy.add(system)
        return ready

    def work(self, system: str, commands: Sequence[str]) -> None:
        """Look at these campaigns of a system, one after the other; in a thread of its own."""
        try:
            for command in commands:
                if self._is_stopping.is_set() or not self._look_at(system, command):
                    break
        except FAILURES as error:
            log.warning("campaigns.not_stored", system=system, error=reason(error))
        except Exception:  # else it would vanish with the pool's own record of it
            log.exception("campaigns.crashed", system=system)
        finally:
            with self._is_idle:
                self._busy.discard(system)
                self._is_idle.notify_all()

    def stop(self) -> None:
        """Begin nothing new."""
        self._is_stopping.set()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def settle(self, patience: timedelta) -> bool:
        """Wait for the looks under way, no longer than `patience`. Returns whether all have ended."""
        with self._is_idle:
            return self._is_idle.wait_for(lambda: not self._busy, patience.total_seconds())

    def _late(self, system: str, commands: Sequence[str], now: float) -> list[str]:
        """Those that are due of a system which is ours and not asked just now; under the lock."""
        if system in self._busy or self._is_stopping.is_set():
            return []
        if self._ownership.token(Kind.SYSTEM, system) is None:
            for command in commands:  # another member looks at them, and counts the time
                self._paces.pop(command, None)
            return []
        late = [one for one in commands if self._pace(one, now).due <= now]
        if not late or not self._ownership.holds(Kind.SYSTEM, system):
            return []
        return sorted(late, key=lambda one: self._paces[one].due)[:AT_ONCE]

    def _hand_over(self, system: str, commands: Sequence[str]) -> None:
        try:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="campaigns")
            self._pool.submit(self.work, system, commands)
        except BaseException:
            with self._is_idle:
                self._busy.discard(system)
                self._is_idle.notify_all()
            raise

    def _pace(self, command: str, now: float) -> _Pace:
        return self._paces.setdefault(command, _Pace(due=now))

    def _look_at(self, system: str, command: str) -> bool:
        """Returns whether the others of the system can be looked at."""
        ask, pace = self._asks().get(system), self._paces.get(command)
        with self._database.read() as db:
            one = campaigns.find(db, command)
        if ask is None or pace is None or one is None or one.ended_at is not None:
            return True
        with self._pauses.asking(system) as why:
            if why is not None:
                self._was_blind(pace)
                return False
            glance = self._asked(ask, one)
            is_answered = not isinstance(glance, Unknown)
            self._pauses.take(system, glance if isinstance(glance, Unknown) else None)
        if isinstance(glance, Unknown):
            log.info("campaign.not_seen", command=command, system=system, error=glance.message)
            self._was_blind(pace)
            return is_answered
        self._take(one, glance, pace)
        return True

    def _asked(self, ask: Ask, one: Followed) -> Glance | Unknown:
        if one.campaign is None:
            return following.Traces(following.NO_ID)
        return ask(one.campaign, one.started_at)

    def _was_blind(self, pace: _Pace) -> None:
        """Nothing was seen: the time until it is again counts for nothing."""
        pace.answered, pace.due = None, self._monotonic() + pace.wait.total_seconds()

    def _take(self, before: Followed, glance: Glance, pace: _Pace) -> None:
        clock = self._monotonic()
        observed = NOTHING
        if pace.answered is not None:
            observed = min(timedelta(seconds=clock - pace.answered), MOST_INTERVALS * pace.wait)
        with self._database.write() as db:
            now = self._now()
            if not self._ownership.kept(db, Kind.SYSTEM, (before.system,)):
                return
            found = following.after(before, glance, observed, now)
            recorded = self._put(db, before, found, now)
        pace.wait, pace.calm = following.wait(before, found, pace.calm)
        pace.answered, pace.due = clock, clock + pace.wait.total_seconds()
        self._tell(found, recorded)

    def _put(self, db: sa.Connection, before: Followed, found: Followed, now: datetime) -> Recorded:
        """Write what was seen, and where it has ended, its event: once, whoever else may write that."""
        if not campaigns.save(db, found):
            return Recorded()
        if found.counted != before.counted:
            inbox.count(db, found.command, found.counted)
        if found.ended_at is None:
            return Recorded()
        policy = self._policies().get(found.system)
        spent = inbox.units_spent(db, found.system, found.day) if found.day else found.counted
        fact = following.told(found, spent=spent, per_day=policy.units_per_day if policy else None)
        return self._in_force().record(db, found.system, [fact], now)

    def _lose(self, commands: Sequence[str]) -> None:
        """End the campaigns of systems that are not configured any more; one of several members does."""
        with self._database.write() as db:
            if not self._ownership.kept(db, Kind.DUTY, (HOUSE,)):
                return
            now, lost = self._now(), list[tuple[Followed, Recorded]]()
            for command in commands:
                one = campaigns.find(db, command)
                if one is not None and one.ended_at is None and one.system not in self._asks():
                    found = following.lost(one, following.GONE, now)
                    lost.append((found, self._put(db, one, found, now)))
        for found, recorded in lost:
            self._tell(found, recorded)

    def _tell(self, found: Followed, recorded: Recorded) -> None:
        """Once it is committed."""
        if found.outcome is not None and recorded.events:
            outcome = found.outcome.value
            log.info("campaign.ended", command=found.command, system=found.system, outcome=outcome)
        log_recorded(recorded)
