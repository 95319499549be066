"""The composition root: a configuration becomes running parts, and they end in the reverse order.

The walk of one poll, from the scheduler to the webhook:

    apscheduler                         job "main/sip", every 30 s
    | poller.poll(watch)
    |   watch.fetch                     IO     one call of the API, or Unknown
    |   watch.read                      pure   an observation, or Unknown
    |   watch.complete                  IO     the SMS window, until it meets known rows
    |   begin                           ------ one transaction
    |     watches.load                  IO     state, alerts
    |     watch.diff                    pure   Change(state, facts, conditions)
    |     judge.take                    pure   the life of each condition; IO: alerts, incidents
    |     watches.save_*                IO
    |     recorder.record               IO     events; deliveries of those that stand alone
    |     teller.settle                 IO     deliveries of the alerts' events, by the ledger
    |   commit                          ------ nothing is lost after this
    |   dispatcher.wake()
    | dispatcher.run_once()
    |   outbox.finish, outbox.claim     IO     results in, leases out      (one transaction)
    |   sender.start, sender.finished   IO     libcurl, many at once       (no transaction)
    |   delivery.after                  pure   Next(status, due_at)
"""

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from daemon import __version__
from daemon.app.ping import ping
from daemon.app.watchdog import Loop, Progress
from daemon.config.settings import Config
from daemon.core.commands.command import Command
from daemon.core.delivery.breaker import Health
from daemon.core.watches.watch import Watch
from daemon.host import clock
from daemon.pipeline.endpoint_alerts import Reporter
from daemon.pipeline.events import Recorder
from daemon.store import database as databases
from daemon.web.asgi import create_app
from daemon.web.auth import Token
from daemon.web.dependencies import Live, Scheduled
from daemon.web.routes.commands import Desk
from daemon.web.server import Server
from daemon.web.waiting import Endings
from daemon.wiring.clients import clients_of, heartbeat_of
from daemon.wiring.commands import policies, systems_of
from daemon.wiring.endpoints import interests, retention, routes
from daemon.wiring.senders import Outgoing, public_keys
from daemon.wiring.watches import watches
from daemon.workers import heartbeat
from daemon.workers.chores import Chores
from daemon.workers.commander import Commander
from daemon.workers.counters import Tally
from daemon.workers.dispatcher import Dispatcher
from daemon.workers.endpoint_health import EndpointHealth
from daemon.workers.heartbeat import Heartbeat
from daemon.workers.housekeeper import Housekeeper
from daemon.workers.pauses import Pauses
from daemon.workers.poller import Poller
from daemon.workers.self_check import Vitals
from daemon.yemot.client import Client

log = structlog.get_logger()

FAILING = (Health.DEGRADED, Health.SUSPENDED)
SPREAD = timedelta(milliseconds=20)
"""Between the first polls of two watches: all at once would be late, and a burst at the API."""
MOST_THREADS = 256
"""Polls under way at once; each watch needs one at most."""
OWN_THREADS = 4
"""For what the scheduler does beside polls, which no number of hanging polls may hold up."""
TURN_WITHIN = timedelta(minutes=1)
"""A loop that did not turn for so long is stuck: twice the longest sleep of any."""
CALLS_OF_A_POLL = 20
"""More than any takes, with its fallbacks; each is over by the system's `deadline`."""
PRUNE_EVERY = timedelta(hours=1)
PRUNE_FIRST = timedelta(minutes=5)
"""After the start, which has enough to do."""
FLUSH_EVERY = timedelta(seconds=5)
CHECK_EVERY = timedelta(seconds=10)
"""How late a full disk, a wrong clock or a store that cannot be written may be noticed."""
TELL_EVERY = timedelta(seconds=5)
"""How late a silence's end, a quiet window or a reminder may be noticed."""


class App:
    """The daemon's parts, from a configuration. `start`, `reload` and `stop` are for one thread.

    `listening`, where somebody listens for it already, is used instead of `[http] listen`.
    """

    def __init__(
        self, config: Config, *, listening: socket.socket | None = None, progress: Progress | None = None
    ) -> None:
        self.config = config
        self._listening = listening
        self.started_at = clock.utcnow()
        self._cleanups = ExitStack()
        self._clients: list[Client] = []
        self._watches: list[Watch] = []
        self._dispatching: threading.Thread | None = None
        self._commanding: threading.Thread | None = None
        self._is_stopping = threading.Event()
        self._progress = progress or Progress(clock.monotonic)
        self.port: int | None = None

    def start(self, ready: Callable[[], None] = lambda: None) -> None:
        """Open, recover, listen, send, call `ready`, poll: in this order. Raises `DatabaseError` or OSError.

        Nothing waits for the API: that it is away is something to tell, not a reason not to start.
        """
        with ExitStack() as undo:
            undo.callback(self.stop)
            self.database = databases.open_for_daemon(self.config.daemon.database)
            self._cleanups.callback(_named("database", self.database.close))
            self._build_workers()
            self._listen()
            self._dispatch()
            self.chores.announce("daemon.started", {"version": __version__})
            self._prepare_polls()
            self._command()
            ready()
            self._scheduler.start()
            undo.pop_all()

    def stop(self) -> None:
        """Poll no more, tell what is due within `drain`, close everything. Safe at any point of `start`."""
        self._is_stopping.set()
        self._cleanups.close()

    def reload(self, config: Config) -> tuple[str, ...]:
        """Take over a new configuration. Returns the settings that need a restart to change."""
        fixed = tuple(
            name
            for name, is_changed in {
                "[daemon] database": config.daemon.database != self.config.daemon.database,
                "[http] listen": config.http.listen != self.config.http.listen,
            }.items()
            if is_changed
        )
        clients = clients_of(config, self.vitals.heard)  # raises before anything has changed
        old_clients = self._clients
        self.config = config
        self.recorder.interests = interests(config)
        self.housekeeper.retention = retention(config)
        self.dispatcher.reroute(routes(config), lambda: self._outgoing.take(config))
        self._schedule(clients)
        for client in old_clients:
            client.close()
        self.chores.announce("daemon.config_reloaded", {"needs_restart": list(fixed)})
        self.dispatcher.wake()
        return fixed

    def status_line(self) -> str:
        """One line for `systemctl status`."""
        if failure := self.vitals.failure:
            return (
                f"the database cannot be written since {failure.since:%Y-%m-%d %H:%M:%S} UTC: {failure.error}"
            )
        silent = len(self.poller.unanswered())
        failing = sum(one.health in FAILING for one in self.dispatcher.health().values())
        polling = f"polling {len(self._watches)} watches of {len(self.config.systems)} systems"
        telling = f"telling {len(self.recorder.interests)} endpoints"
        return (
            f"{polling}{f' ({silent} without an answer)' if silent else ''}, "
            f"{telling}{f' ({failing} failing)' if failing else ''}"
        )

    def _build_workers(self) -> None:
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(MOST_THREADS), "own": ThreadPoolExecutor(OWN_THREADS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        self._outgoing = Outgoing(self.config)
        self._sender = self._outgoing.senders
        self._cleanups.callback(_named("sender", self._sender.close))
        self.recorder = Recorder(interests(self.config), clock.new_id)
        self.reporter = Reporter(self.recorder)
        self.tally = Tally()
        self.dispatcher = Dispatcher(
            self.database,
            self._sender,
            routes(self.config),
            health=EndpointHealth(
                jitter=clock.jitter, tell=self.reporter.tell, is_api_answering=self._is_api_answering
            ),
            mailings=self._outgoing.mailings,
            now=clock.utcnow,
            jitter=clock.jitter,
            new_id=clock.new_id,
            on_attempted=self.tally.attempted,
        )
        self.vitals = Vitals(
            self.database,
            self.recorder,
            now=clock.utcnow,
            disk=lambda: databases.disk(self.config.daemon.database),
            least_mib=lambda: self.config.daemon.free_mib,
            wake=self.dispatcher.wake,
        )
        pauses = Pauses(clock.monotonic)
        self.endings = Endings()
        self.commander = Commander(
            self.database,
            self.recorder,
            {},
            now=clock.utcnow,
            jitter=clock.jitter,
            pauses=pauses,
            wake=self.dispatcher.wake,
            on_ended=self._commands_ended,
        )
        self.housekeeper = Housekeeper(
            self.database, retention(self.config), is_stopping=self._is_stopping.is_set
        )
        self.poller = Poller(
            self.database,
            self.recorder,
            now=clock.utcnow,
            monotonic=clock.monotonic,
            wake=self.dispatcher.wake,
            pauses=pauses,
            on_polled=self.tally.polled,
        )
        self.chores = Chores(
            self.database,
            self.recorder,
            self.poller,
            self.housekeeper,
            self.reporter,
            now=clock.utcnow,
            wake=self.dispatcher.wake,
        )

    def _listen(self) -> None:
        address = self.config.http.address
        if address is None:
            return
        live = Live(
            started_at=self.started_at,
            is_alive=self.is_alive,
            is_ready=self._is_ready,
            schedule=self._scheduled,
            last_seen=self.poller.unflushed,
            now=clock.utcnow,
            desk=Desk(
                policies=lambda: policies(self.config),
                wake=self.commander.wake,
                new_id=clock.new_id,
                endings=self.endings,
            ),
            interests=lambda: self.recorder.interests,
            public_keys=lambda: public_keys(self.config),
            ping=lambda endpoint: ping(self.database, endpoint, self.config),
            wake=self.dispatcher.wake,
            new_id=clock.new_id,
            counts=self.tally.counts,
        )
        app = create_app(database=self.database, tokens=self._tokens, live=live, version=__version__)
        turned = self._progress.loop("http", TURN_WITHIN).turn
        server = Server(app, *address, listening=self._listening, turned=turned)
        server.start()
        self.port = server.port

        def end() -> None:
            self.endings.close()
            server.stop(timeout=5)

        self._cleanups.callback(_named("http", end))

    def _dispatch(self) -> None:
        released = self.dispatcher.recover()
        if released:
            log.info("dispatcher.recovered", deliveries=released)
        drain = self.config.daemon.drain
        loop = self._progress.loop("dispatcher", TURN_WITHIN)
        thread = threading.Thread(
            target=lambda: self.dispatcher.run(drain=drain, turned=loop.turn), name="dispatcher", daemon=True
        )
        thread.start()
        self._dispatching = thread

        def end() -> None:
            self.chores.announce("daemon.stopped", {"version": __version__})
            loop.rest()
            self.dispatcher.stop()
            thread.join(drain.total_seconds() + 5)

        self._cleanups.callback(_named("dispatcher", end))

    def _prepare_polls(self) -> None:
        """All of it but to begin."""
        self._scheduling = self._progress.loop("scheduler", TURN_WITHIN)
        self._scheduling.turn()
        self._schedule(clients_of(self.config, self.vitals.heard))

        def end() -> None:
            self._scheduling.rest()
            # A poll that hangs in the API must not hold up the end; what it would have found is found later.
            if self._scheduler.running:
                self._scheduler.shutdown(wait=False)
            if not self.poller.settle(self.config.daemon.drain):
                log.warning("poller.left_polls")
            self.poller.flush()
            for client in self._clients:
                client.close()

        self._cleanups.callback(_named("poller", end))

    def _command(self) -> None:
        left = self.commander.recover()
        if left:
            log.warning("commander.recovered", commands=left)
        loop = self._progress.loop("commander", TURN_WITHIN)
        thread = threading.Thread(target=lambda: self.commander.run(loop.turn), name="commander", daemon=True)
        thread.start()
        self._commanding = thread

        def end() -> None:
            loop.rest()
            self.commander.stop()
            if not self.commander.settle(self.config.daemon.drain):
                log.warning("commander.left_commands")

        self._cleanups.callback(_named("commander", end))

    def _schedule(self, clients: list[Client]) -> None:
        """Schedule every watch of the configuration, and nothing else."""
        zone = ZoneInfo(self.config.daemon.timezone)
        self._clients = clients
        self.commander.systems = systems_of(self.config, clients)
        self._watches = [
            watch
            for system, client in zip(self.config.systems, clients, strict=True)
            for watch in watches(system, client, zone)
        ]
        self.poller.keep(self._watches)
        self._scheduler.remove_all_jobs()
        now = clock.utcnow()
        for index, watch in enumerate(self._watches):
            first = min(index * SPREAD, watch.every)
            name = "/".join(watch.id)
            loop = self._progress.loop(f"poll of {name}", self._longest_poll(watch))
            self._add_job(name, _guarded(self.poller, watch, loop), watch.every, now + first, "default")
        self._add_job("check", self.vitals.check, CHECK_EVERY, now)
        if self.config.heartbeat is not None:
            self._heartbeat = Heartbeat(heartbeat_of(self.config.heartbeat))
            self._add_job("heartbeat", self._beat, self.config.heartbeat.every, now + SPREAD)
        self._add_job("flush", self.chores.flush, FLUSH_EVERY, now + FLUSH_EVERY)
        self._add_job("tell", self._tell, TELL_EVERY, now + TELL_EVERY)
        self._add_job("prune", self.chores.prune, PRUNE_EVERY, now + PRUNE_FIRST)
        self.chores.sweep(self._watches)

    def _tell(self) -> None:
        self._scheduling.turn()
        self.chores.tell()

    def _longest_poll(self, watch: Watch) -> timedelta:
        (deadline,) = (system.deadline for system in self.config.systems if system.name == watch.system)
        return CALLS_OF_A_POLL * deadline + TURN_WITHIN

    def _add_job(
        self, name: str, work: Callable[[], None], every: timedelta, first: datetime, threads: str = "own"
    ) -> None:
        self._scheduler.add_job(
            work, "interval", seconds=every.total_seconds(), next_run_time=first, id=name, executor=threads
        )

    def _beat(self) -> None:
        """A sign of life: only while every part works, and what happens can be written down."""
        self.vitals.check()
        is_alive, _ = self.is_alive()
        if not is_alive or self.vitals.failure is not None:
            return
        now, unflushed = clock.utcnow(), self.poller.unflushed()
        last_seen = {watch.id: unflushed.get(watch.id) for watch in self._watches}
        try:
            with self.database.read() as db:
                sign = heartbeat.sign(db, __version__, self.started_at, last_seen, now)
        except sa.exc.DBAPIError as error:
            log.warning("heartbeat.not_made", error=str(error.orig))
            return
        self._heartbeat.beat(sign)

    def _commands_ended(self, ended: Sequence[Command]) -> None:
        self.tally.commanded(ended)
        self.endings.ring()

    def _tokens(self) -> list[Token]:
        return [Token(one.name, one.token, frozenset(one.scopes)) for one in self.config.http.tokens]

    def _scheduled(self) -> Sequence[Scheduled]:
        jobs = {job.id: job.next_run_time for job in self._scheduler.get_jobs()}
        return [
            Scheduled(watch.system, watch.name, watch.every, jobs.get("/".join(watch.id)))
            for watch in self._watches
        ]

    def _is_api_answering(self) -> bool | None:
        return self.poller.is_answered()

    def is_alive(self) -> tuple[bool, str]:
        """Whether every loop is there, and turns; and what is wrong where one does not."""
        loops = {"dispatcher": self._dispatching, "commander": self._commanding}
        ended = [name for name, loop in loops.items() if loop is not None and not loop.is_alive()]
        if ended:
            return False, f"the {' and the '.join(ended)} has ended"
        stuck = self._progress.stuck()
        if stuck:
            return False, f"the {' and the '.join(stuck)} is stuck"
        return self._dispatching is not None, "dispatcher ok"

    def _is_ready(self) -> tuple[bool, str]:
        if failure := self.vitals.failure:
            return False, f"database: {failure.error}"
        try:
            with self.database.write() as db:
                db.exec_driver_sql("SELECT 1")
        except sa.exc.DBAPIError as error:
            return False, f"database: {error.orig}"
        return True, "database ok"


def _guarded(poller: Poller, watch: Watch, loop: Loop) -> Callable[[], None]:
    """The poll as a scheduled job: the one place where any exception ends, in the log."""

    def job() -> None:
        loop.turn()
        try:
            poller.poll(watch)
        except sa.exc.DBAPIError as error:
            # Nothing was written, so the next poll finds the same change again.
            log.error("poll.not_stored", system=watch.system, watch=watch.name, error=str(error.orig))
        except Exception:
            log.exception("poll.crashed", system=watch.system, watch=watch.name)
        finally:
            loop.rest()

    return job


def _named(name: str, cleanup: Callable[[], None]) -> Callable[[], None]:
    """A cleanup that says which part failed to end, and lets the others end all the same."""

    def end() -> None:
        try:
            cleanup()
        except Exception:
            log.exception("stop.failed", part=name)

    return end
