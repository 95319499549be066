"""What is expected of the systems: whether it came, and for how long it did not.

It asks nobody. Every poll tells it when it looked, and what it found; a poll that found what is expected
ends the alert in its own transaction. That nothing came is told by `look`, every few seconds, out of what the
polls have seen by then; what was seen is written once a minute, so that a kill costs no more than that, and
an alert is late by it, never early.

What is expected of a system is counted and told by the member that polls it.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from daemon.core.alerts.life import TOLD, Seen
from daemon.core.durations import MINUTE, NOTHING
from daemon.core.model import Fact, Verdict
from daemon.core.ownership import Kind
from daemon.core.watches.expectations import OWNER, Expectation, Lull, Standing, verdict
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorded, Recorder
from daemon.pipeline.notification import Teller
from daemon.store import expectations as store
from daemon.store import watches
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.store.watches import StoredAlert

WRITTEN_EVERY = MINUTE
"""How much of what was seen is not known any more after a kill."""
Expected = Mapping[str, Sequence[Expectation]]
"""What is expected, by system."""


@dataclass
class _Kept:
    """What the process knows of one expectation."""

    lull: Lull
    standing: Standing | None = None
    """As the store has it; None: it has to be asked."""
    is_firing: bool = False
    is_blind: bool = False
    """Whether the alert that fires is stored as not seen."""


class Expecter:
    """Safe to call from any thread."""

    def __init__(
        self,
        database: Database,
        recorder: Callable[[], Recorder],
        expected: Callable[[], Expected],
        *,
        ownership: Ownership = EVERYTHING,
    ) -> None:
        """`expected`: what is, by the configuration in force."""
        self._database = database
        self._in_force = recorder
        self._expected = expected
        self._ownership = ownership
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = threading.Lock()

    def looked(self, watch: tuple[str, str], *, clock: float, now: datetime, most: timedelta) -> None:
        """A watch (system, name) answered. `clock`: seconds that only grow; `most`: of the time since its
        answer before, no more was observed."""
        for one in self._of(watch):
            counts = one.counts_at(now)
            with self._lock:
                self._known(watch[0], one).lull.looked(watch[1], clock, most.total_seconds(), counts=counts)

    def unseen(self, watch: tuple[str, str]) -> None:
        """A watch (system, name) did not answer, or was not asked."""
        for one in self._of(watch):
            with self._lock:
                self._known(watch[0], one).lull.unseen(watch[1])

    def forget(self, system: str) -> None:
        """Another member sees a system from now on, or did until now."""
        with self._lock:
            self._kept = {name: one for name, one in self._kept.items() if name[0] != system}

    def came(
        self, db: sa.Connection, system: str, facts: Iterable[Fact], *, clock: float, now: datetime
    ) -> list[Fact]:
        """What the facts of a poll come to, in its transaction: what was missing is seen. `clock`: when the
        poll was answered."""
        expected = self._expected().get(system, ())
        met = [one for one in expected if any(map(one.is_met_by, facts))] if expected else []
        if not met:
            return []
        for one in met:
            store.came(db, system, one.key, now)
            with self._lock:
                kept = self._known(system, one)
                kept.lull.came(clock)
                # Where this is rolled back, the store has it as it was; and what was seen until now counts
                # for nothing, so that what is told is late.
                kept.standing = None
        judge = Judge(db, self._in_force(), system, OWNER)
        firing = [one for one in met if one.key in judge.known]
        judge.take([one.condition(Verdict.GOOD, now) for one in firing], Seen(now, None, NOTHING))
        return list(judge.judged().facts)

    def look(self, now: datetime) -> Recorded:
        """Tell what does not come. Writes nothing where there is nothing to say."""
        recorded = Recorded()
        for system, expected in self._expected().items():
            if self._ownership.holds(Kind.SYSTEM, system):
                recorded += self._look(system, expected, now)
        return recorded

    def systems(self) -> Collection[str]:
        """Of which something is expected."""
        return self._expected().keys()

    def sweep(self, db: sa.Connection) -> None:
        """Forget the systems of which nothing is expected; for who does what one does for all."""
        store.keep_systems(db, list(self.systems()))

    def _look(self, system: str, expected: Sequence[Expectation], now: datetime) -> Recorded:
        if any(self._is_strange(system, one) for one in expected):
            with self._database.read() as db:
                self._read(db, system, expected)
        with self._lock:
            has_to = self._has_gone(system, expected) or any(
                self._has_to_write(one, self._known(system, one), now) for one in expected
            )
        if not has_to:
            return Recorded()
        with self._database.write() as db:
            if not self._ownership.kept(db, Kind.SYSTEM, (system,)):
                return Recorded()
            return self._write(db, system, expected, now)

    def _write(
        self, db: sa.Connection, system: str, expected: Sequence[Expectation], now: datetime
    ) -> Recorded:
        """What no poll can change meanwhile: whoever writes for this system waits for this."""
        recorder = self._in_force()
        judge = Judge(db, recorder, system, OWNER)
        stored = store.load(db, system)
        conditions = []
        for one in expected:
            with self._lock:
                kept = self._known(system, one)
                before = stored.get(one.key, Standing())
                quiet = min(before.quiet + timedelta(seconds=kept.lull.taken()), one.within)
                said = _verdict(one, kept.lull, judge.known.get(one.key), quiet, now)
                if said is not Verdict.GOOD:
                    conditions.append(one.condition(said, before.seen_at))
                is_over = said is Verdict.OUTSIDE and one.key in judge.known
                standing = replace(before, quiet=NOTHING if is_over else quiet)
                # Where this is not committed, the store is asked again; what was counted is lost to it.
                kept.standing = None
            if standing != before or one.key not in stored:
                store.save(db, system, one.key, standing)
        keys = {one.key for one in expected}
        judge.take(conditions, Seen(now, None, NOTHING))
        judge.close([key for key in judge.known if key not in keys], Seen(now, None, NOTHING))
        if stored.keys() - keys:
            store.keep(db, system, keys)
        written = recorder.record(db, system, judge.judged().facts, now)
        return written + Teller(recorder).settle(db, now, written.turned) if written.turned else written

    def _has_to_write(self, one: Expectation, kept: _Kept, now: datetime) -> bool:
        known = kept.standing
        if known is None:
            return True  # not in the store yet
        new = kept.lull.seconds
        quiet = known.quiet + timedelta(seconds=new)
        if known.quiet < one.within and (new >= WRITTEN_EVERY.total_seconds() or quiet >= one.within):
            return True
        counts = one.counts_at(now)
        if not kept.is_firing:
            return quiet >= one.within and counts and kept.lull.is_blind is False
        is_other = kept.lull.is_blind not in (None, kept.is_blind)
        return not counts or quiet < one.within or is_other

    def _has_gone(self, system: str, expected: Sequence[Expectation]) -> bool:
        """Whether something is known that is not expected any more."""
        keys = {one.key for one in expected}
        return any(of == system and key not in keys for of, key in self._kept)

    def _is_strange(self, system: str, one: Expectation) -> bool:
        with self._lock:
            return self._known(system, one).standing is None

    def _read(self, db: sa.Connection, system: str, expected: Sequence[Expectation]) -> None:
        stored, alerts = store.load(db, system), watches.load_alerts(db, system, OWNER)
        keys = {one.key for one in expected}
        with self._lock:
            for one in expected:
                kept = self._known(system, one)
                alert = alerts.get(one.key)
                kept.standing = stored.get(one.key)
                kept.is_firing = _is_firing(alert)
                kept.is_blind = alert is not None and alert.alert.is_blind
            self._kept = {
                name: kept for name, kept in self._kept.items() if name[0] != system or name[1] in keys
            }
            for key in (stored.keys() | alerts.keys()) - keys:
                self._kept[system, key] = _Kept(Lull(()))  # to be ended

    def _of(self, watch: tuple[str, str]) -> list[Expectation]:
        return [one for one in self._expected().get(watch[0], ()) if watch[1] in one.watches]

    def _known(self, system: str, one: Expectation) -> _Kept:
        """For who holds the lock. Where other watches show it by now, what was seen before is not known."""
        kept = self._kept.get((system, one.key))
        if kept is None or kept.lull.watches != one.watches:
            kept = self._kept[system, one.key] = _Kept(Lull(one.watches))
        return kept


def _is_firing(alert: StoredAlert | None) -> bool:
    return alert is not None and alert.alert.phase in TOLD


def _verdict(
    one: Expectation, lull: Lull, alert: StoredAlert | None, quiet: timedelta, now: datetime
) -> Verdict:
    """By what the process has seen; what it has not seen yet, after a start, stands as it stood."""
    is_firing = _is_firing(alert)
    is_blind = lull.is_blind
    if is_blind is None:
        is_blind = alert.alert.is_blind if alert is not None and is_firing else True
    return verdict(one, quiet, now, is_blind=is_blind, is_firing=is_firing)
