"""Asks what became of the SMS that were sent, for a day, and tells it.

    look                           by the scheduler, every second or two
      texts.followed        IO     systems with messages of which more may become known
      in a thread of its own, for each system that is due
        ask                 IO     the log of what was sent, as far back as needed   (no transaction)
        sent_texts.found    pure   which row is which message
        begin                      -------------------------------------- one transaction
          texts.save        IO     what is known now; only where it stands as it was read
          recorder.record   IO     `sms.delivered`, `sms.failed`, `sms.sent`
        commit

One question answers for all messages of a system, and comes less and less often while nothing changes. When
the next is due is kept in memory: who takes a system up asks soon.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import structlog

from daemon.core.commands import sent_texts
from daemon.core.commands.sent_texts import FOLLOWED, SLACK, SentLog, Text
from daemon.core.durations import HOUR
from daemon.core.model import Unknown
from daemon.core.ownership import HOUSE, Kind
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.store import texts
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import EVERYTHING, Ownership
from daemon.workers.system_pauses import Pauses

log = structlog.get_logger()

MOST_THREADS = 4
"""Systems that are asked at once."""
FIRST_ROWS, MOST_ROWS, WIDER = 50, 3200, 4
"""Rows that are asked for at first and at most, and by how much more where they do not reach back."""

ReadLog = Callable[[int], SentLog | Unknown]
"""Asks for the latest so many messages that a system sent."""


@dataclass
class _Pace:
    """Of one system; losing it costs a question."""

    calm: int = 0
    """Looks in a row that showed nothing new."""
    due: float = 0.0
    newest: int = 0
    """The number of the newest message that was looked for."""


class TextFollower:
    """`look` is for one thread; `settle` and `stop` for any."""

    def __init__(
        self,
        database: Database,
        recorder: Callable[[], Recorder],
        logs: Callable[[], Mapping[str, ReadLog]],
        zone: Callable[[], tzinfo],
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pauses: Pauses,
        ownership: Ownership = EVERYTHING,
    ) -> None:
        """`logs`: how each configured system is asked; `zone`: of the times in their answers."""
        self._database = database
        self._in_force = recorder
        self._logs = logs
        self._zone = zone
        self._now = now
        self._monotonic = monotonic
        self._pauses = pauses
        self._ownership = ownership
        self._paces: dict[str, _Pace] = {}
        self._busy: set[str] = set()
        self._is_stopping = threading.Event()
        self._is_idle = threading.Condition()
        self._pool: ThreadPoolExecutor | None = None

    def look(self) -> None:
        """Have threads ask the systems that are due; waits for none of them."""
        try:
            for system in self.due():
                self._hand_over(system)
        except FAILURES as error:
            log.warning("sent_texts.not_read", error=reason(error))

    def due(self) -> list[str]:
        """The systems that are to be asked now, and are busy from now on."""
        with self._database.read() as db:
            live = texts.followed(db)
            open_ones = {system: texts.open_ones(db, system) for system in live}
        now, ready = self._monotonic(), list[str]()
        with self._is_idle:
            self._paces = {system: pace for system, pace in self._paces.items() if system in live}
            for system in live:
                if system in self._busy or self._is_stopping.is_set() or not self._is_ours(system):
                    continue
                pace = self._paces.setdefault(system, _Pace())
                newest = max((one.number for one in open_ones[system]), default=0)
                if newest > pace.newest:  # one was sent since: its report is near
                    pace.newest, pace.calm = newest, 0
                    pace.due = min(pace.due, now + sent_texts.pace(0).total_seconds())
                if pace.due <= now:
                    ready.append(system)
                    self._busy.add(system)
        return ready

    def work(self, system: str) -> None:
        """Ask one system; in a thread of its own."""
        try:
            self._look_at(system)
        except FAILURES as error:
            log.warning("sent_texts.not_stored", system=system, error=reason(error))
        except Exception:  # else it would vanish with the pool's own record of it
            log.exception("sent_texts.crashed", system=system)
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
        """Wait for what is under way, no longer than `patience`. Returns whether all has ended."""
        with self._is_idle:
            return self._is_idle.wait_for(lambda: not self._busy, patience.total_seconds())

    def _is_ours(self, system: str) -> bool:
        if system not in self._logs():
            return self._ownership.is_sole or self._ownership.holds(Kind.DUTY, HOUSE)
        return self._ownership.holds(Kind.SYSTEM, system)

    def _hand_over(self, system: str) -> None:
        try:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="sent-texts")
            self._pool.submit(self.work, system)
        except BaseException:
            with self._is_idle:
                self._busy.discard(system)
                self._is_idle.notify_all()
            raise

    def _look_at(self, system: str) -> None:
        pace = self._paces.setdefault(system, _Pace())
        pace.due = self._monotonic() + sent_texts.pace(pace.calm).total_seconds()
        with self._database.read() as db:
            wanted = texts.open_ones(db, system)
            known = texts.since(db, system, self._now() - FOLLOWED - HOUR - SLACK)
        rows = self._asked(system, wanted) if wanted and system in self._logs() else None
        if isinstance(rows, Unknown):
            log.info("sent_texts.not_seen", system=system, error=rows.message)
            rows = None
        ours = [*known, *(one for one in wanted if one.number not in {each.number for each in known})]
        mine = sent_texts.found(ours, rows.rows, self._zone()) if rows is not None else {}
        changed = self._write(system, wanted, mine)
        pace.calm = 0 if changed else pace.calm + 1
        pace.due = self._monotonic() + sent_texts.pace(pace.calm).total_seconds()

    def _asked(self, system: str, wanted: list[Text]) -> SentLog | Unknown:
        """The log, as far back as the oldest message of which more may become known."""
        ask, limit = self._logs()[system], FIRST_ROWS
        with self._pauses.asking(system) as why:
            if why is not None:
                return why
            while True:
                found = ask(limit)
                self._pauses.take(system, found if isinstance(found, Unknown) else None)
                if isinstance(found, Unknown) or limit >= MOST_ROWS or self._is_stopping.is_set():
                    return found
                if sent_texts.reaches_back(wanted, found, self._zone()):
                    return found
                limit = min(limit * WIDER, MOST_ROWS)

    def _write(self, system: str, wanted: list[Text], mine: Mapping[int, sent_texts.Logged]) -> bool:
        """Write what is known now. Returns whether that is more than before."""
        recorded, changed = Recorded(), False
        with self._database.write() as db:
            now = self._now()
            is_here = system in self._logs()
            if is_here and not self._ownership.kept(db, Kind.SYSTEM, (system,)):
                return False
            for one in wanted:
                found = sent_texts.after(one, mine.get(one.number), now)
                if found == one or not texts.save(db, found, was=one.state):
                    continue
                changed = True
                facts = sent_texts.told(one, found)
                recorded += self._in_force().record(db, system, facts, now)
            texts.retire(db, system, now - HOUR)
        log_recorded(recorded)
        return changed
