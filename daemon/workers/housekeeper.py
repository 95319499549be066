"""Keeps the store from growing: what has served is forgotten, in short transactions between the others'."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

from daemon.core import missed
from daemon.core import retention as rules
from daemon.core.history.buckets import DAY, HOUR, MINUTE
from daemon.core.retention import Retention
from daemon.store import copied_recordings, observations, pruning, retries
from daemon.store import missed as missed_store
from daemon.store.database import Database
from daemon.store.pruning import Old

log = structlog.get_logger()

TOO_OLD = "waited too long"
"""The `error` of a delivery that was never made."""
HOLDS = 0.01
"""Seconds for which pruning keeps others from writing, and a few rows more; then comes the commit, which
takes twice as long where it brings the log into the file."""
AT_ONCE = 20
"""Rows after which it looks at the time."""
PAGES_AT_ONCE = 250
"""Given back in one go, 1 MB of pages of 4 KiB: others wait so long to write."""
MOST_PAGES = 25_000
"""Given back in one pass, 100 MB; what is free is used again anyway."""
WRITTEN_WITHIN = timedelta(hours=3)
"""A batch of what a watch saw that started before that is full, but where it is polled once in hours."""
WHOLE_EVERY = 24
"""Passes after which all is looked at from the beginning on: a day. In between, only what has come of age."""

T = TypeVar("T")
KeyT = TypeVar("KeyT")


@dataclass(frozen=True)
class Pruned:
    """What was forgotten."""

    deliveries: int = 0
    attempts: int = 0
    events: int = 0
    incidents: int = 0
    commands: int = 0
    given_up: int = 0
    """Deliveries that were never made, and are dead letters now."""

    def plus(self, other: "Pruned") -> "Pruned":
        return Pruned(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


class Housekeeper:
    """Prunes. `is_stopping` ends a long pruning between two transactions."""

    def __init__(
        self,
        database: Database,
        *,
        monotonic: Callable[[], float],
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._is_stopping = is_stopping
        self._keeps: Retention | None = None
        self._passes = 0
        self._reached: dict[str, int] = {}
        """How far each walk got; what stays behind it is looked at again after `WHOLE_EVERY` passes."""

    def run_once(self, now: datetime, retention: Retention) -> Pruned:
        """Forget all that may be forgotten now."""
        if retention != self._keeps or self._passes >= WHOLE_EVERY:
            self._keeps, self._passes, self._reached = retention, 0, {}
        self._passes += 1
        pruned = self._prune_deliveries(now, retention)
        pruned = self._prune_events(pruned, now, retention)
        self._prune_history(now, retention)
        self._prune_observations(now, retention)
        self._prune_missed(now, retention)
        with self._database.write() as db:
            copied_recordings.prune(db)
        self._shrink()
        if pruned != Pruned():
            log.info("store.pruned", **pruned.__dict__)
        return pruned

    def forget_watches(
        self, now: datetime, retention: Retention, configured: Collection[tuple[str, str]]
    ) -> int:
        """Forget the watches, by system and name, that were taken out of the configuration so long ago that
        no event of theirs is kept. Returns how many there were."""
        if retention.events is None or not configured:
            return 0
        before = now - retention.events
        with self._database.read() as db:
            left = pruning.left_watches(db, configured, before)
        for watch in left:
            if self._is_stopping():
                break
            with self._database.write() as db:
                pruning.forget_watch(db, watch, before)
            log.info("watch.forgotten", system=watch[0], watch=watch[1])
        return len(left)

    def _prune_deliveries(self, now: datetime, keeps: Retention) -> Pruned:
        """Each age at which something of a delivery may go has a walk of its own, which begins where that of
        the age above has ended."""
        pruned, last = Pruned(), 0
        for name, age in rules.ages(keeps):
            last = max(last, self._reached.get(name, 0))
            while not self._is_stopping():
                with self._database.read() as db:
                    part = pruning.deliveries_after(db, last, now - age)
                    due = self._due(db, part, now, keeps)
                for many in self._turns(due, lambda db, ids: _prune_part(db, ids, now, keeps)):
                    pruned = pruned.plus(many)
                if not part or self._is_stopping():
                    break
                self._reached[name] = last = part[-1].id
        return pruned

    def _due(self, db: sa.Connection, part: list[pruning.Kept], now: datetime, keeps: Retention) -> list[int]:
        """Those of which there is something to forget, or to give up."""
        due = {one.id for one in part if _is_spent(one, now, keeps) or _is_hopeless(one, now, keeps)}
        rest = [one.id for one in part if one.id not in due]
        tried = pruning.with_attempts(db, rest, now - keeps.attempts) if rest and keeps.attempts else set()
        return sorted(due | tried)

    def _prune_events(self, pruned: Pruned, now: datetime, keeps: Retention) -> Pruned:
        if keeps.events is None:
            return pruned
        before = now - keeps.events
        last: int | None = self._reached.get("events", 0)
        many = 0
        while last is not None and not self._is_stopping():
            self._reached["events"] = last
            with self._database.read() as db:
                old = pruning.old_events(db, last, before)
            many += sum(self._turns(old.keys, pruning.forget_events))
            last = old.last
        ended = self._walk(lambda db, last: pruning.old_incidents(db, last, before), pruning.forget_incidents)
        self._walk(
            lambda db, last: pruning.old_transitions(db, last or 0, before), pruning.forget_transitions
        )
        commands = self._walk(
            lambda db, last: pruning.old_commands(db, last, before), pruning.forget_commands
        )
        self._walk(lambda db, last: pruning.old_texts(db, last or 0, before), pruning.forget_texts)
        self._walk(lambda db, _: pruning.old_silences(db, before), pruning.forget_silences)
        return replace(pruned, events=many, incidents=ended, commands=commands)

    def _prune_history(self, now: datetime, keeps: Retention) -> None:
        before = {MINUTE: now - rules.MINUTES, HOUR: now - rules.HOURS}
        if keeps.history is not None:
            before[DAY] = left = now - max(keeps.history, rules.HOURS)
            self._walk(
                lambda db, _: pruning.old_subjects(db, left),
                lambda db, keys: pruning.forget_subjects(db, keys, left),
            )
        for step, limit in before.items():
            self._walk(partial(_old_buckets, step, limit), pruning.forget_buckets)

    def _prune_observations(self, now: datetime, keeps: Retention) -> None:
        before = now - rules.observations_for(keeps)
        self._walk(lambda db, _: pruning.old_observations(db, before), observations.forget)
        written = now - WRITTEN_WITHIN
        most = keeps.observations_bytes
        self._walk(lambda db, _: pruning.surplus_observations(db, most, written), observations.forget)

    def _prune_missed(self, now: datetime, keeps: Retention) -> None:
        """How callers left, and who was to be called back: no longer than the events that told it."""
        calls = missed.KEPT if keeps.events is None else min(missed.KEPT, keeps.events)
        closed = None if keeps.events is None else now - keeps.events
        while not self._is_stopping():
            with self._database.write() as db:
                before = now - missed.LOG_WITHIN
                if not missed_store.prune(db, calls=now - calls, open_before=before, closed=closed):
                    break

    def _walk(
        self, find: Callable[[sa.Connection, Any], Old], forget: Callable[[sa.Connection, Any], int]
    ) -> int:
        """Forget part after part until nothing further on is old. Returns how many there were."""
        total, last = 0, None
        while not self._is_stopping():
            with self._database.read() as db:
                old = find(db, last)
            total += sum(self._turns(old.keys, forget))
            if (last := old.last) is None:
                break
        return total

    def _turns(
        self, keys: Sequence[KeyT], forget: Callable[[sa.Connection, Sequence[KeyT]], T]
    ) -> Iterator[T]:
        """Forget a few at a time, and let others write as soon as this has held them up for long enough: how
        long a row takes, only the disk knows."""
        left = iter([keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE)])
        few = next(left, None)
        while few is not None and not self._is_stopping():
            done = []
            with self._database.write() as db:
                until = self._monotonic() + HOLDS
                while few is not None:
                    done.append(forget(db, few))
                    few = next(left, None)
                    if self._monotonic() >= until:
                        break
            yield from done

    def _shrink(self) -> None:
        """Give pages back to the file system, a few at a time."""
        given = 0
        while given < MOST_PAGES and not self._is_stopping() and self._database.shrink(PAGES_AT_ONCE):
            given += PAGES_AT_ONCE


def _prune_part(db: sa.Connection, ids: Sequence[int], now: datetime, keeps: Retention) -> Pruned:
    """Forget what is still to be forgotten of these deliveries."""
    part = pruning.deliveries_of(db, ids)
    spent = [one.id for one in part if _is_spent(one, now, keeps)]
    hopeless = [one.id for one in part if _is_hopeless(one, now, keeps)]
    pruning.forget_deliveries(db, spent)
    retries.give_up(db, hopeless, TOO_OLD, now)
    kept = [one.id for one in part if one.id not in set(spent)]
    tries = pruning.forget_attempts(db, kept, now - keeps.attempts) if keeps.attempts else 0
    return Pruned(deliveries=len(spent), attempts=tries, given_up=len(hopeless))


def _is_spent(one: pruning.Kept, now: datetime, keeps: Retention) -> bool:
    return not one.is_needed and rules.is_spent(one.status, one.ended_at, keeps, now)


def _is_hopeless(one: pruning.Kept, now: datetime, keeps: Retention) -> bool:
    return rules.is_hopeless(one.status, one.created_at, keeps, now)


def _old_buckets(step: int, before: datetime, db: sa.Connection, _last: object) -> Old:
    return pruning.old_buckets(db, step, before)
