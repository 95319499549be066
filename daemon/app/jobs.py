"""What the daemon does by the clock: polls, and what is done now and then beside them."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from daemon import __version__
from daemon.app.in_force import Current, InForce
from daemon.app.parts import Parts
from daemon.app.state import State
from daemon.app.steady import Every, SteadyZone
from daemon.app.watchdog import TURN_WITHIN, Loop, Progress
from daemon.core.watches.watch import AnyWatch
from daemon.host import clock
from daemon.store.location import FAILURES, reason
from daemon.wiring.clients import heartbeat_of
from daemon.workers import heartbeat
from daemon.workers.heartbeat import Heartbeat
from daemon.workers.names import EVERY as NAMES_EVERY
from daemon.workers.poller import Poller

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=1)
"""How late a wall clock that was set may be noticed; nothing waits by it meanwhile."""
SPREAD = timedelta(milliseconds=20)
"""Between the first polls of two watches: all at once would be late, and a burst at the API. Less where more
are watched than fit into their interval so: they are spread over all of it, and stay so."""
TAKEN_UP = timedelta(seconds=4)
"""How late systems are polled first that another member had: nobody has seen them since it ended."""
SOON = timedelta(milliseconds=4)
"""Between two such polls, however many there are; from the second on they are as far apart as others."""
POLLS = "default"
"""The threads in which polls are."""
MOST_THREADS = 256
"""Polls under way at once; each watch needs one at most."""
OWN_THREADS = 4
"""For what the scheduler does beside polls, which no number of hanging polls may hold up."""
CALLS_OF_A_POLL = 20
"""More than any takes, with its fallbacks; each is over by the system's `deadline`."""
PRUNE_EVERY = timedelta(hours=1)
"""How late a row past its retention may be deleted, which nobody waits for."""
PRUNE_FIRST = timedelta(minutes=5)
"""After the start, which has enough to do."""
FLUSH_EVERY = timedelta(seconds=5)
"""How old may be what `status` shows of a watch that answers the same again and again."""
HISTORY_EVERY = timedelta(seconds=60)
"""How much of what was seen is unseen where the process is killed; whoever asks it is not behind for that."""
OBSERVATIONS_EVERY, OBSERVATIONS_FIRST = timedelta(seconds=30), timedelta(seconds=15)
"""How much of what was seen is a gap for `yemotd rehearse` where the process is killed; not when other things
are written."""
LOG_EVERY = timedelta(seconds=15)
"""How often it is looked at how long the log of the store is, and who still reads."""
CHECK_EVERY = timedelta(seconds=10)
"""How late a full disk, a wrong clock or a store that cannot be written may be noticed."""
INDEX_EVERY = timedelta(seconds=1)
"""How late the text of an event can be found, and the time that it takes to write it; what there was before a
database was upgraded takes minutes for a million."""
FOLLOW_EVERY = timedelta(seconds=2)
"""How late a campaign is looked at; one that has begun is looked at first within it."""
DIGEST_EVERY = timedelta(seconds=5)
"""How late a digest is."""
TEXTS_EVERY = timedelta(seconds=10)
"""How late it is noticed that there are units for SMS again, as when the day turns."""
RECORDINGS_EVERY = timedelta(seconds=5)
"""How late a recording that is to be kept is fetched, and one let go that nobody asks for."""
TELL_EVERY = timedelta(seconds=5)
"""How late a silence's end, a quiet window or a reminder may be noticed."""


def _scheduler(zone: SteadyZone) -> BackgroundScheduler:
    return BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(MOST_THREADS), "own": ThreadPoolExecutor(OWN_THREADS)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=zone,
    )


@dataclass(frozen=True)
class Job:
    """What is done by the clock, again and again."""

    name: str
    work: Callable[[], None]
    every: timedelta
    first: timedelta = timedelta(0)
    """After it is scheduled."""
    threads: str = "own"


class Jobs:
    """The scheduler with all that it does. `schedule`, `start` and `stop` are for one thread."""

    def __init__(
        self,
        parts: Parts,
        current: Current,
        state: State,
        progress: Progress,
        *,
        is_ours: Callable[[str], bool] = lambda _system: True,
        look_at_names: Callable[[], None] = lambda: None,
    ) -> None:
        """`is_ours`: whether a system is polled here; of several members each polls its own.
        `look_at_names`: takes up those that were given elsewhere, for each member itself."""
        self._parts = parts
        self._is_ours = is_ours
        self._look_at_names = look_at_names
        self._current = current
        self._state = state
        self._progress = progress
        self._loop = progress.loop("scheduler", TURN_WITHIN)
        self._zone = SteadyZone(clock.elapsed)
        self._scheduler = _scheduler(self._zone)
        self._was_started = False
        self._one_plan = threading.RLock()

    def planned(self, of: InForce) -> list[Job]:
        """All that is to be done while a configuration is in force. What of it raises does so here."""
        chores, heart = self._parts.chores, of.config.heartbeat
        beside = [
            Job("clock", self._parts.timekeeper.look, LOOK_EVERY),
            Job("check", self._state.check, CHECK_EVERY),
            Job("flush", chores.flush, FLUSH_EVERY, FLUSH_EVERY),
            Job("history", chores.keep_history, HISTORY_EVERY, HISTORY_EVERY),
            Job("observations", chores.keep_observations, OBSERVATIONS_EVERY, OBSERVATIONS_FIRST),
            Job("tell", self._tell, TELL_EVERY, TELL_EVERY),
            Job("digests", self._parts.digester.run, DIGEST_EVERY, DIGEST_EVERY),
            Job("index", self._parts.indexer.run, INDEX_EVERY, INDEX_EVERY),
            Job("campaigns", self._parts.follower.look, FOLLOW_EVERY, FOLLOW_EVERY),
            Job("texts", self._parts.texter.look, TEXTS_EVERY, TEXTS_EVERY),
            Job("sent texts", self._parts.text_follower.look, FOLLOW_EVERY, FOLLOW_EVERY),
            Job("names", self._look_at_names, NAMES_EVERY, NAMES_EVERY),
            Job("log", chores.tend_log, LOG_EVERY, LOG_EVERY),
            Job("prune", chores.prune, PRUNE_EVERY, PRUNE_FIRST),
            Job("recordings", self._look_after_recordings, RECORDINGS_EVERY, RECORDINGS_EVERY),
        ]
        if heart is not None:
            beat = partial(self._beat, Heartbeat(heartbeat_of(heart)))
            beside.append(Job("heartbeat", beat, heart.every, SPREAD))
        watches = self._ours(of)
        return [*self._polls(of, watches, first_runs([watch.every for watch in watches])), *beside]

    def _look_after_recordings(self) -> None:
        self._parts.downloads.tidy()
        try:
            self._parts.keeper.run()
        except FAILURES as error:
            log.warning("recordings.not_looked_after", error=reason(error))

    def follow(self) -> None:
        """Poll the systems that are ours by now, and no others; those that were ours before go on as they
        are. For one thread, beside that of `schedule`."""
        with self._one_plan:
            now, of = self._zone.now(), self._current()
            wanted = {_name(watch): watch for watch in self._ours(of)}
            polled = {job.id for job in self._scheduler.get_jobs() if job.executor == POLLS}
            for gone in polled - wanted.keys():
                self._scheduler.remove_job(gone)
            new = [watch for name, watch in wanted.items() if name not in polled]
            every = [watch.every for watch in new]
            soon = first_runs(every, within=max(TAKEN_UP, len(new) * SOON))
            for job, later in zip(self._polls(of, new, soon), first_runs(every), strict=True):
                self._add(job, now, now + later)

    def _ours(self, of: InForce) -> list[AnyWatch]:
        return [watch for watch in of.watches if self._is_ours(watch.system)]

    def _polls(self, of: InForce, watches: Sequence[AnyWatch], first: Sequence[timedelta]) -> list[Job]:
        deadlines = {system.name: system.deadline for system in of.config.systems}
        longest = [CALLS_OF_A_POLL * deadlines[watch.system] + TURN_WITHIN for watch in watches]
        return list(map(self._poll, first, watches, longest))

    def schedule(self, jobs: Sequence[Job] | None = None) -> None:
        """Do these from now on, and nothing else; None: what is planned of the configuration in force."""
        self._loop.turn()
        with self._one_plan:
            planned, now = self.planned(self._current()) if jobs is None else jobs, self._zone.now()
            for job in planned:
                self._add(job, now)
            for gone in {job.id for job in self._scheduler.get_jobs()} - {job.name for job in planned}:
                self._scheduler.remove_job(gone)
        self._parts.chores.sweep(self._current().watches)

    def _add(self, job: Job, now: datetime, origin: datetime | None = None) -> None:
        self._scheduler.add_job(
            job.work,
            Every(job.every, origin),
            next_run_time=now + job.first,
            id=job.name,
            executor=job.threads,
            replace_existing=True,
        )

    def start(self) -> None:
        """Begin with what is scheduled; where its thread has ended, begin anew with another."""
        if self._was_started:
            self._scheduler.shutdown(wait=False)
            self._scheduler = _scheduler(self._zone)
            self.schedule()
        self._was_started = True
        self._scheduler.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread of the scheduler is there."""
        thread = getattr(self._scheduler, "_thread", None)
        return isinstance(thread, threading.Thread) and thread.is_alive()

    @property
    def error(self) -> str | None:
        """What the thread ended by: the library lets nobody know."""
        return None

    def stop(self) -> None:
        """Poll no more. A poll that hangs in the API must not hold up the end; what it would have found is
        found later."""
        self._loop.rest()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def next_runs(self) -> Mapping[str, datetime | None]:
        """When each job is done next; of a poll the name is `system/watch`."""
        now, steady = self._parts.timeline.now(), self._zone.now()
        runs = {job.id: job.next_run_time for job in self._scheduler.get_jobs()}
        return {name: now + (at - steady) if at else None for name, at in runs.items()}

    def _poll(self, first: timedelta, watch: AnyWatch, longest: timedelta) -> Job:
        name = _name(watch)
        poll = _guarded(self._parts.poller, watch, self._progress.loop(f"poll of {name}", longest))
        return Job(name, poll, watch.every, first, POLLS)

    def _tell(self) -> None:
        self._loop.turn()
        self._parts.chores.tell()

    def _beat(self, sender: Heartbeat) -> None:
        """A sign of life: only while every part works, and what happens can be written down."""
        parts = self._parts
        self._state.check()
        if not parts.chores.is_ours():
            return  # of several members one says that they live
        is_alive, _ = self._state.is_alive()
        if not is_alive or parts.self_check.failure is not None:
            return
        unflushed = parts.poller.unflushed()
        last_seen = {watch.id: unflushed.get(watch.id) for watch in self._current().watches}
        try:
            with parts.database.read() as db:
                line = parts.timeline
                sign = heartbeat.sign(db, __version__, line.began, last_seen, line.now())
        except FAILURES as error:
            log.warning("heartbeat.not_made", error=reason(error))
            return
        sender.beat(sign)


def first_runs(intervals: Sequence[timedelta], *, within: timedelta = timedelta.max) -> list[timedelta]:
    """When each of these is polled first, after it was scheduled: within its interval, and apart from the
    others of that interval; all of them `within` a time."""
    many = len(intervals)
    return [min(index * SPREAD, index * min(every, within) / many) for index, every in enumerate(intervals)]


def _name(watch: AnyWatch) -> str:
    return "/".join(watch.id)


def _guarded(poller: Poller, watch: AnyWatch, loop: Loop) -> Callable[[], None]:
    """The poll as a scheduled job: the one place where any exception ends, in the log."""

    def job() -> None:
        loop.turn()
        try:
            poller.poll(watch)
        except FAILURES as error:
            # Nothing was written, so the next poll finds the same change again.
            log.error("poll.not_stored", system=watch.system, watch=watch.name, error=reason(error))
        except Exception:
            log.exception("poll.crashed", system=watch.system, watch=watch.name)
        finally:
            loop.rest()

    return job
