"""Keeps the store from growing: what has served is forgotten, in short transactions between the others'."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
import structlog

from daemon.core import retention as rules
from daemon.core.history.buckets import DAY, HOUR, MINUTE
from daemon.core.retention import Retention
from daemon.store import outbox, pruning, uptime
from daemon.store.database import Database

log = structlog.get_logger()

TOO_OLD = "waited too long"
"""The `error` of a delivery that was never made."""


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


class Housekeeper:
    """Prunes. `is_stopping` ends a long pruning between two transactions."""

    def __init__(self, database: Database, *, is_stopping: Callable[[], bool] = lambda: False) -> None:
        self._database = database
        self._is_stopping = is_stopping

    def run_once(self, now: datetime, retention: Retention) -> Pruned:
        """Forget all that may be forgotten now."""
        pruned = self._prune_events(self._prune_deliveries(Pruned(), now, retention), now, retention)
        self._prune_history(now, retention)
        self._database.shrink()
        if pruned != Pruned():
            log.info("store.pruned", **pruned.__dict__)
        return pruned

    def _prune_deliveries(self, pruned: Pruned, now: datetime, keeps: Retention) -> Pruned:
        before, last = rules.youngest(keeps, now), 0
        while before is not None and not self._is_stopping():
            with self._database.write() as db:
                part = pruning.deliveries_after(db, last, before)
                if not part:
                    break
                pruned = self._prune_part(db, part, pruned, now, keeps)
            last = part[-1].id
        return pruned

    def _prune_part(
        self, db: sa.Connection, part: list[pruning.Kept], pruned: Pruned, now: datetime, keeps: Retention
    ) -> Pruned:
        spent = [
            one.id
            for one in part
            if not one.is_needed and rules.is_spent(one.status, one.ended_at, keeps, now)
        ]
        hopeless = [one.id for one in part if rules.is_hopeless(one.status, one.created_at, keeps, now)]
        pruning.forget_deliveries(db, spent)
        outbox.give_up(db, hopeless, TOO_OLD, now)
        kept = [one.id for one in part if one.id not in set(spent)]
        tries = pruning.forget_attempts(db, kept, now - keeps.attempts) if keeps.attempts else 0
        return replace(
            pruned,
            deliveries=pruned.deliveries + len(spent),
            given_up=pruned.given_up + len(hopeless),
            attempts=pruned.attempts + tries,
        )

    def _prune_events(self, pruned: Pruned, now: datetime, keeps: Retention) -> Pruned:
        if keeps.events is None:
            return pruned
        before = now - keeps.events
        last: int | None = 0
        while last is not None and not self._is_stopping():
            with self._database.write() as db:
                many, last = pruning.forget_events(db, last, before)
            pruned = replace(pruned, events=pruned.events + many)
        ended = self._all(pruning.forget_incidents, before)
        self._all(pruning.forget_transitions, before)
        commands = self._all(pruning.forget_commands, before)
        with self._database.write() as db:
            pruning.forget_silences(db, before)
        return replace(pruned, incidents=pruned.incidents + ended, commands=pruned.commands + commands)

    def _prune_history(self, now: datetime, keeps: Retention) -> None:
        before = {MINUTE: now - rules.MINUTES, HOUR: now - rules.HOURS}
        left = None
        if keeps.history is not None:
            before[DAY] = left = now - max(keeps.history, rules.HOURS)
        many = 1
        while many and not self._is_stopping():
            with self._database.write() as db:
                many = uptime.forget(db, before) or (uptime.forget_subjects(db, left) if left else 0)

    def _all(self, forget: Callable[[sa.Connection, datetime], int], before: datetime) -> int:
        """Forget part after part until there is nothing left. Returns how many there were."""
        total = 0
        while not self._is_stopping():
            with self._database.write() as db:
                many = forget(db, before)
            total += many
            if not many:
                break
        return total
