"""The composition root: a configuration becomes running parts, and they end in the reverse order.

What it starts, in this order, each before the next: the HTTP side, the dispatcher, the polls, the
commander; the scheduler turns last, once `ready` was called. The ways of a poll, of a command and of a reload
through them are drawn in the README, and the drawings are tested.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog

from daemon import __version__
from daemon.app.in_force import Current, in_force
from daemon.app.jobs import Jobs
from daemon.app.kept_texts import KeptTexts
from daemon.app.parts import parts
from daemon.app.ping import ping
from daemon.app.state import CHECKED_WITHIN, State
from daemon.app.supervisor import Looping, Supervisor
from daemon.app.taking_over import Takeover, take_over_at_start
from daemon.app.watchdog import TURN_WITHIN, Awake, Progress
from daemon.config.reaching import public_base
from daemon.config.settings import Config
from daemon.core import own_events
from daemon.core.differences import Difference
from daemon.core.model import Json
from daemon.core.timeline import Look
from daemon.host import clock, key_file
from daemon.host.key_file import Key
from daemon.pipeline.handover import Handover
from daemon.store import database as databases
from daemon.store.database import Database
from daemon.web import tls
from daemon.web.asgi import create_app
from daemon.web.auth import Token
from daemon.web.dependencies import Live, Scheduled
from daemon.web.hosts import name_of
from daemon.web.reach import Reach
from daemon.web.routes.commands import Desk
from daemon.web.server import Server
from daemon.wiring.senders import public_keys
from daemon.wiring.watches import limits
from daemon.workers.self_check import Heard

log = structlog.get_logger()

HTTP_ENDS_WITHIN = 5
"""Seconds for the answers that are under way at the end."""
BESIDE_DRAIN = 5
"""Seconds that the dispatcher has for its last transaction."""


@dataclass(frozen=True)
class Reloaded:
    """What came of a reload."""

    needs_restart: tuple[str, ...]
    """Settings that changed, and have to wait for a restart."""
    difference: Difference
    not_withdrawn: str | None = None
    """The error by which what endpoints may no longer have is sent to them all the same."""


class App:
    """The daemon. `start`, `reload` and `stop` are for one thread.

    `listening`, where somebody listens for it already, is used instead of `[http] listen`; `progress` holds
    the promises of its loops.
    """

    def __init__(
        self, config: Config, *, listening: socket.socket | None = None, progress: Progress | None = None
    ) -> None:
        """Open the database and make all parts; nothing runs yet. Raises `DatabaseError`, and ValueError or
        OSError where the configuration cannot be used."""
        key = _key(config)
        self._is_stopping = threading.Event()
        self._progress = progress or Progress(Awake(clock.monotonic))
        self._heard, self._handover = Heard(), Handover()
        self.current = Current(in_force(config, self._heard, self._handover))
        with ExitStack() as undo:
            undo.callback(_named("clients", lambda: self.current().close()))
            database = databases.open_for_daemon(config.daemon.database)
            undo.callback(_named("database", database.close))
            _log_found(database)
            self.parts = parts(database, self.current, self._heard, is_stopping=self._is_stopping.is_set)
            self._handover.to = self.parts.dispatcher
            undo.callback(_named("sender", self.parts.outgoing.senders.close))
            self._kept_texts = KeptTexts(database)
            self._cleanups = undo.pop_all()
        self._dispatching = self._progress.loop("dispatcher", TURN_WITHIN)
        self._commanding = self._progress.loop("commander", TURN_WITHIN)
        self._dispatcher = Looping("dispatcher", self._dispatch)
        self._commander = Looping("commander", self._command)
        self._supervisor = Supervisor(clock.monotonic)
        checking = self._progress.aside(CHECKED_WITHIN)
        self.state = State(self.parts, self.current, self._progress, self._supervisor, checking=checking)
        self._jobs = Jobs(self.parts, self.current, self.state, self._progress)
        self._tls = _context(config)
        self._prefix = config.http.prefix
        self._server = self._server_of(config, key, listening)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.current().config

    @property
    def port(self) -> int | None:
        """Where the HTTP side listens; None while it does not."""
        return self._server.port if self._server else None

    def start(self, ready: Callable[[], None] = lambda: None) -> None:
        """Recover, listen, send, call `ready`, poll: in this order. Raises OSError where it cannot listen.

        Nothing waits for the API: that it is away is something to tell, not a reason not to start.
        """
        with ExitStack() as undo:
            undo.callback(self.stop)
            self._recover()
            self._listen()
            self._start_dispatching()
            self.parts.chores.announce(own_events.STARTED, {"version": __version__})
            self._jobs.schedule()
            self._cleanups.callback(_named("poller", self._end_polls))
            self._start_commanding()
            ready()
            self._supervisor.start("scheduler", self._jobs)
            undo.pop_all()

    def tend(self) -> str | None:
        """Start again what has ended by an error, and tell the others; for the thread of `start`, again and
        again. Returns the part that ended too often, where one did: then the process has to end."""
        for one in self._supervisor.tend():
            payload: dict[str, Json] = {"name": one.name, "error": one.error, "restarts": one.many}
            self.parts.chores.announce(own_events.PART_RESTARTED, payload, of="part")
        return self._supervisor.given_up

    @property
    def is_at_an_end(self) -> bool:
        """Whether only another process can go on: the database is another one by now, and that was told."""
        parts = self.parts
        return parts.database.is_adrift and parts.self_check.failure is not None and parts.alarm.is_told

    def stop(self) -> None:
        """Poll no more, tell what is due within `drain`, close everything. Safe at any point of `start`."""
        self._is_stopping.set()
        self._cleanups.close()

    def reload(self, config: Config) -> Reloaded:
        """Take over a new configuration. Raises ValueError or OSError where it cannot be used, and then the
        old one stays in force; after any other error `config` says which one is."""
        fixed, after = _fixed(self.config, config), in_force(config, self._heard, self._handover)
        try:
            # Whatever of it raises does so here, and not half-way, nor in the thread of those who go by it.
            take = self.parts.outgoing.prepared(config, after.wishes)
            takeover = Takeover(self.current(), after)
            jobs = self._jobs.planned(after)
            context = _context(config)
        except Exception:
            after.close()
            raise
        before, dispatcher = self.current.swap(after), self.parts.dispatcher
        self._kept_texts.settle(config, is_start=False)
        self.parts.pauses.drop()  # what was changed may be what ends them
        dispatcher.reroute(after.routes, take, takeover)
        self._jobs.schedule(jobs)
        self._tls = context or self._tls  # of who shakes hands from now on
        before.close()
        takeover.wait()
        said = {"needs_restart": list(fixed), **takeover.said()}
        self.parts.chores.announce(own_events.CONFIG_RELOADED, said)
        dispatcher.wake()
        return Reloaded(fixed, takeover.difference, takeover.error)

    def _server_of(self, config: Config, key: Key | None, listening: socket.socket | None) -> Server | None:
        address = config.http.address
        if address is None or key is None:
            return None
        app = create_app(
            database=self.parts.database,
            tokens=self._tokens,
            live=self._live(),
            version=__version__,
            prefix=self._prefix,
            key=key.derived("sessions"),
        )
        turned = self._progress.loop("http", TURN_WITHIN).turn
        contexts = self._context_in_force if self._tls else None
        return Server(app, *address, listening=listening, turned=turned, tls=contexts)

    def _context_in_force(self) -> ssl.SSLContext:
        assert self._tls is not None  # noqa: S101 - else nobody asks
        return self._tls

    def _live(self) -> Live:
        parts, current = self.parts, self.current
        return Live(
            started_at=lambda: parts.timeline.began,
            is_alive=self.state.is_alive,
            is_ready=self.state.is_ready,
            schedule=self._scheduled,
            last_seen=parts.poller.unflushed,
            now=parts.timeline.now,
            desk=Desk(
                policies=lambda: current().policies,
                wake=parts.commander.wake,
                new_id=clock.new_id,
                endings=parts.endings,
                look=lambda: Look(*clock.look()),
            ),
            interests=lambda: current().recorder.interests,
            public_keys=lambda: public_keys(current().config),
            ping=lambda endpoint: ping(parts.database, endpoint, current().config),
            wake=parts.dispatcher.wake,
            new_id=clock.new_id,
            counts=parts.counters.counts,
            paused=parts.pauses.left,
            failing=self.state.failing,
            bell=parts.bell,
            routes=lambda: current().routes,
            rests=lambda: parts.outgoing.mail_pace.resting(current().routes, parts.timeline.now()),
            limits=lambda: limits(current().watches),
            unflushed=parts.poller.historian.unflushed,
            monotonic=clock.monotonic,
            hosts=self._hosts,
            zone=lambda: ZoneInfo(self.config.daemon.timezone),
            reach=self._reach,
        )

    def _hosts(self) -> frozenset[str]:
        http = self.config.http
        listening = http.address[0] if http.address else ""
        return frozenset(name_of(one.lower()) for one in (urlsplit(http.url or "").netloc, listening) if one)

    def _reach(self) -> Reach:
        http = self.config.http
        return Reach(
            base=public_base(http.url, self._prefix),  # which needs a restart
            trusted_proxies=http.trusted_proxies,
            shown=http.public if http.visitors == "status" else (),
            badges=http.badges,
            feed=http.feed,
        )

    def _listen(self) -> None:
        server = self._server
        if server is None:
            return
        server.start()

        def end() -> None:
            self.parts.endings.close()
            self.parts.bell.close()
            server.stop(timeout=HTTP_ENDS_WITHIN)

        self._cleanups.callback(_named("http", end))

    def _recover(self) -> None:
        """Take up what the process before left, by the clock as it stands now."""
        self.parts.timekeeper.recover()
        released = self.parts.dispatcher.recover()
        if released:
            log.info("dispatcher.recovered", deliveries=released)
        take_over_at_start(self.parts.database, self.current())
        self._kept_texts.settle(self.config, is_start=True)

    def _start_dispatching(self) -> None:
        self._supervisor.start("dispatcher", self._dispatcher)
        self._cleanups.callback(_named("dispatcher", self._end_dispatching))

    def _dispatch(self) -> None:
        self.parts.dispatcher.run(drain=self.config.daemon.drain, turned=self._dispatching.turn)

    def _end_dispatching(self) -> None:
        self.parts.chores.announce(own_events.STOPPED, {"version": __version__})
        self._supervisor.rest("dispatcher")
        self._dispatching.rest()
        self.parts.dispatcher.stop()
        self._dispatcher.join(self.config.daemon.drain.total_seconds() + BESIDE_DRAIN)

    def _start_commanding(self) -> None:
        left = self.parts.commander.recover()
        if left:
            log.warning("commander.recovered", commands=left)
        self._supervisor.start("commander", self._commander)
        self._cleanups.callback(_named("commander", self._end_commanding))

    def _command(self) -> None:
        self.parts.commander.run(self._commanding.turn)

    def _end_commanding(self) -> None:
        self._supervisor.rest("commander")
        self._commanding.rest()
        self.parts.commander.stop()
        if not self.parts.commander.settle(self.config.daemon.drain):
            log.warning("commander.left_commands")

    def _end_polls(self) -> None:
        self._supervisor.rest("scheduler")
        self._jobs.stop()
        if not self.parts.poller.settle(self.config.daemon.drain):
            log.warning("poller.left_polls")
        self.parts.chores.flush()
        self.parts.chores.keep_history()

    def _tokens(self) -> list[Token]:
        return self._kept_texts.tokens(self.config)

    def _scheduled(self) -> Sequence[Scheduled]:
        next_runs = self._jobs.next_runs()
        return [
            Scheduled(watch.system, watch.name, watch.every, next_runs.get("/".join(watch.id)))
            for watch in self.current().watches
        ]


def _context(config: Config) -> ssl.SSLContext | None:
    """Of the certificate as it is now; None: no TLS. Raises OSError where it cannot be used."""
    pair = config.http.certificate
    return tls.context(*pair) if pair else None


def _fixed(old: Config, new: Config) -> tuple[str, ...]:
    """The settings that changed and need a restart."""
    changed = {
        "[daemon] database": old.daemon.database != new.daemon.database,
        "[daemon] key_file": old.daemon.key_file != new.daemon.key_file,
        "[http] listen": old.http.listen != new.http.listen,
        "[http] prefix": old.http.prefix != new.http.prefix,
        # Another certificate is taken at once.
        "[http] tls_cert": (old.http.certificate is None) != (new.http.certificate is None),
    }
    return tuple(name for name, is_changed in changed.items() if is_changed)


def _log_found(database: Database) -> None:
    """How the files were before they were opened, where that is worth a line."""
    if database.moorings is None:
        return
    found = database.moorings.found
    for one in found.narrowed:
        told = log.warning if one.error else log.info
        told("store.narrowed", path=str(one.path), was=f"{one.mode:04o}", error=one.error)
    if found.set_aside is not None:
        log.warning("store.log_set_aside", path=str(found.set_aside))
    if found.names > 1:
        log.warning("store.has_other_names", names=found.names)


def _key(config: Config) -> Key | None:
    """The key of this installation, and in the log what was met on the way to it; None: nobody needs one."""
    if config.http.address is None:
        return None
    taken, where = key_file.take(config.daemon.key_file), str(config.daemon.key_file.absolute())
    if taken.is_new:
        log.info("key_file.made", path=where)
    if taken.not_made is not None:
        log.warning("key_file.not_made", path=where, error=taken.not_made, so=key_file.LASTS_NOT)
    if taken.was is not None:
        way_out = "who has read it can sign in; " + key_file.ANOTHER
        log.warning(
            "key_file.narrowed",
            path=where,
            was=f"{taken.was:04o}",
            error=taken.not_narrowed,
            so=way_out,
        )
    return taken.key


def _named(name: str, cleanup: Callable[[], None]) -> Callable[[], None]:
    """A cleanup that says which part failed to end, and lets the others end all the same."""

    def end() -> None:
        try:
            cleanup()
        except Exception:
            log.exception("stop.failed", part=name)

    return end
