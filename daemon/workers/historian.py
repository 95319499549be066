"""Keeps for how long everything was up and down: hears of every poll, and writes it down once a minute.

What is not written down yet when the process is killed was not seen; nothing has to be written for that. Nor
was what an error of ours keeps from being noted: polls and alerts go on without it.
"""

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

import structlog

from daemon.core.history import buckets
from daemon.core.history.book import At, Book, Owner, Run, Seconds, Taken, Unflushed, added
from daemon.core.history.buckets import HOUR, STEPS, Bucket, start_of
from daemon.core.history.tally import Tally
from daemon.core.ownership import Kind
from daemon.core.watches import api
from daemon.core.watches.subjects import Subject
from daemon.store import subjects, uptime
from daemon.store.column_types import MILLISECOND, millis
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING, Ownership

log = structlog.get_logger()

AT_ONCE = 50
"""Systems that are written in one transaction, for which others wait."""


@dataclass(frozen=True)
class _Flushed:
    """What is being written, or was written last, of a system."""

    flush: int
    taken: Taken


class Historian:
    """Safe to call from any thread."""

    def __init__(self, database: Database, *, ownership: Ownership = EVERYTHING) -> None:
        self._database = database
        self._ownership = ownership
        self._book = Book()
        self._most: dict[Owner, int] = {}
        self._flushed: dict[str, _Flushed] = {}
        self._late: dict[str, int] = {}
        self._flush = 0
        self._lock = threading.Lock()
        self._one_flush = threading.Lock()

    def looked(
        self,
        watch: Owner,
        seen: Mapping[str, Subject] | None,
        of_api: Subject | None,
        *,
        clock: float,
        now: datetime,
        most: timedelta,
    ) -> None:
        """A poll that was written: how what it sees stands (None: it failed), and the API. `clock`: seconds
        that only grow; `most`: of the time since the poll before, no more was observed."""
        with self._noting(watch):
            at, of_the_api = self._at(watch, clock, now, most)
            if seen is None:
                self._book.unseen(watch)
            else:
                self._book.look(watch, at, seen)
            if of_api is not None:
                self._book.look((watch[0], api.OWNER), of_the_api, {of_api.subject: of_api})

    def same(self, watch: Owner, *, clock: float, now: datetime, most: timedelta) -> None:
        """A poll with the same answer as before: so are most, and `_noting` would take longer than this."""
        with self._lock:
            try:
                at, of_the_api = self._at(watch, clock, now, most)
                self._book.same(watch, at)
                self._book.same((watch[0], api.OWNER), of_the_api)
            except Exception:
                self._not_noted(watch)

    def unseen(self, watch: Owner) -> None:
        """Nothing was asked."""
        with self._noting(watch):
            self._unseen(watch)

    def keep(self, watches: Collection[Owner]) -> None:
        """Only these are polled from now on."""
        owners = {*watches, *((system, api.OWNER) for system, _ in watches)}
        with self._lock:
            self._book.keep(owners)
            self._most = {owner: most for owner, most in self._most.items() if owner in owners}

    def forget(self, system: str) -> None:
        """Another member sees a system from now on."""
        with self._lock:
            self._book.forget(system)
            self._flushed.pop(system, None)
            self._late.pop(system, None)

    def unflushed(self, system: str) -> Unflushed:
        """What was seen of a system, as far as the store may not know it."""
        with self._lock:
            open_runs = [Run(run.held, [list(one) for one in run.spans]) for run in self._book.runs(system)]
            flushed = self._flushed.get(system)
            late = self._late.get(system, 0)
        written = chain.from_iterable(flushed.taken.values()) if flushed else ()
        return Unflushed(added(open_runs), added(written), flushed.flush if flushed else 0, late)

    def flush(self, now: datetime) -> None:
        """Write it down. Raises SQLAlchemy's errors where that cannot be; then it is kept, as far as there is
        room, and what does not fit is unseen."""
        with self._one_flush:
            with self._lock:
                systems = self._book.systems()
            self._flush = max(self._flush + 1, millis(now))
            for first in range(0, len(systems), AT_ONCE):
                part = systems[first : first + AT_ONCE]
                try:
                    self._write(part, now)
                except BaseException:
                    self._give_back(part)
                    raise

    @contextmanager
    def _noting(self, watch: Owner) -> Iterator[None]:
        """Whoever polls goes on, whatever happens here: what could not be noted was not seen."""
        with self._lock:
            try:
                yield
            except Exception:
                self._not_noted(watch)

    def _not_noted(self, watch: Owner) -> None:
        log.exception("history.crashed", system=watch[0], watch=watch[1])
        self._unseen(watch)

    def _unseen(self, watch: Owner) -> None:
        self._book.unseen(watch)
        self._book.unseen((watch[0], api.OWNER))

    def _write(self, systems: list[str], now: datetime) -> None:
        with self._lock:
            taken = {system: self._book.take(system) for system in systems}
            for system in systems:
                self._flushed[system] = _Flushed(self._flush, taken[system])
        seconds = {system: added(chain.from_iterable(taken[system].values())) for system in systems}
        values = uptime.prepared(self._rows(seconds), self._flush)
        with self._database.write_beside() as db:
            ours = self._ownership.kept(db, Kind.SYSTEM, systems)
            uptime.put(db, [one for one in values if one["system"] in ours])
        self._count_late(seconds, now)

    def _rows(self, seconds: Mapping[str, Seconds]) -> dict[tuple[str, Bucket], dict[int, Tally]]:
        """The buckets as they are with these seconds in them."""
        minutes = {minute for of_system in seconds.values() for minute in of_system}
        touched = {Bucket(step, start_of(step, minute)) for step in STEPS for minute in minutes}
        with self._database.read() as db:
            stored = uptime.read(db, sorted(touched), list(seconds))
            numbers = subjects.all_numbers(db, list(seconds))
        rows: dict[tuple[str, Bucket], dict[int, Tally]] = {}
        for system, of_system in seconds.items():
            known = numbers.get(system, {})
            kept = {bucket: row.tallies() for bucket in touched if (row := stored.get((system, bucket)))}
            more = {
                minute: {known[subject]: one for subject, one in tallies.items() if subject in known}
                for minute, tallies in of_system.items()
            }
            for bucket in buckets.add(kept, more):
                rows[system, bucket] = kept[bucket]
        return rows

    def _give_back(self, systems: list[str]) -> None:
        """What was taken, and could not be written."""
        with self._lock:
            for system in systems:
                flushed = self._flushed.pop(system, None)
                if flushed is not None and flushed.flush == self._flush:
                    self._book.give_back(system, flushed.taken)
            self._book.shorten()

    def _count_late(self, seconds: Mapping[str, Seconds], now: datetime) -> None:
        """Who has added up all but this hour and the one before has to do so again."""
        recent = start_of(HOUR, millis(now)) - HOUR * 1000
        late = [system for system, of in seconds.items() if any(minute < recent for minute in of)]
        with self._lock:
            for system in late:
                self._late[system] = self._late.get(system, 0) + 1

    def _at(self, watch: Owner, clock: float, now: datetime, most: timedelta) -> tuple[At, At]:
        """Of the watch, and of the API, which every watch of the system looks at."""
        system, milliseconds = watch[0], millis(now)
        of_api = (system, api.OWNER)
        self._most[watch] = most // MILLISECOND
        self._most[of_api] = min(self._most.get(of_api, self._most[watch]), self._most[watch])
        return (
            At(clock, milliseconds, self._most[watch]),
            At(clock, milliseconds, self._most[of_api]),
        )
