"""The composition root: a configuration becomes running parts, and they end in the reverse order.

What it starts, in this order, each before the next: the HTTP side, the dispatcher, the polls, the
commander; the scheduler turns last, once `ready` was called. The ways of a poll, of a command and of a reload
through them are drawn in the README, and the drawings are tested.
"""

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import structlog

from daemon import __version__
from daemon.app.in_force import Current, in_force
from daemon.app.jobs import Jobs
from daemon.app.parts import parts
from daemon.app.ping import ping
from daemon.app.state import CHECKED_WITHIN, State
from daemon.app.watchdog import TURN_WITHIN, Loop, Progress
from daemon.config.settings import Config
from daemon.core import own_events
from daemon.host import clock
from daemon.store import database as databases
from daemon.web.asgi import create_app
from daemon.web.auth import Token
from daemon.web.dependencies import Live, Scheduled
from daemon.web.routes.commands import Desk
from daemon.web.server import Server
from daemon.wiring.senders import public_keys
from daemon.workers.self_check import Heard

log = structlog.get_logger()

HTTP_ENDS_WITHIN = 5
"""Seconds for the answers that are under way at the end."""
BESIDE_DRAIN = 5
"""Seconds that the dispatcher has for its last transaction."""


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
        self._started_at = clock.utcnow()
        self._is_stopping = threading.Event()
        self._progress = progress or Progress(clock.monotonic)
        self._heard = Heard()
        self.current = Current(in_force(config, self._heard))
        with ExitStack() as undo:
            undo.callback(_named("clients", lambda: self.current().close()))
            database = databases.open_for_daemon(config.daemon.database)
            undo.callback(_named("database", database.close))
            self.parts = parts(database, self.current, self._heard, is_stopping=self._is_stopping.is_set)
            undo.callback(_named("sender", self.parts.outgoing.senders.close))
            self._cleanups = undo.pop_all()
        self._dispatching = self._progress.loop("dispatcher", TURN_WITHIN)
        self._commanding = self._progress.loop("commander", TURN_WITHIN)
        self._threads = {
            name: threading.Thread(target=run, name=name, daemon=True)
            for name, run in {"dispatcher": self._dispatch, "commander": self._command}.items()
        }
        checking = Loop(CHECKED_WITHIN, clock.monotonic)
        self.state = State(self.parts, self.current, self._progress, self._threads, checking=checking)
        self._jobs = Jobs(self.parts, self.current, self.state, self._progress, started_at=self._started_at)
        self._server = self._server_of(config, listening)

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
            self._listen()
            self._start_dispatching()
            self.parts.chores.announce(own_events.STARTED, {"version": __version__})
            self._jobs.schedule()
            self._cleanups.callback(_named("poller", self._end_polls))
            self._start_commanding()
            ready()
            self._jobs.start()
            undo.pop_all()

    def stop(self) -> None:
        """Poll no more, tell what is due within `drain`, close everything. Safe at any point of `start`."""
        self._is_stopping.set()
        self._cleanups.close()

    def reload(self, config: Config) -> tuple[str, ...]:
        """Take over a new configuration. Returns the settings that need a restart to change. Raises
        ValueError or OSError where it cannot be used, and then the old one stays in force."""
        fixed = _fixed(self.config, config)
        before = self.current.swap(in_force(config, self._heard))
        dispatcher, outgoing = self.parts.dispatcher, self.parts.outgoing
        dispatcher.reroute(self.current().routes, lambda: outgoing.take(config))
        self._jobs.schedule()
        before.close()
        self.parts.chores.announce(own_events.CONFIG_RELOADED, {"needs_restart": list(fixed)})
        dispatcher.wake()
        return fixed

    def _server_of(self, config: Config, listening: socket.socket | None) -> Server | None:
        address = config.http.address
        if address is None:
            return None
        app = create_app(
            database=self.parts.database, tokens=self._tokens, live=self._live(), version=__version__
        )
        turned = self._progress.loop("http", TURN_WITHIN).turn
        return Server(app, *address, listening=listening, turned=turned)

    def _live(self) -> Live:
        parts, current = self.parts, self.current
        return Live(
            started_at=self._started_at,
            is_alive=self.state.is_alive,
            is_ready=self.state.is_ready,
            schedule=self._scheduled,
            last_seen=parts.poller.unflushed,
            now=clock.utcnow,
            desk=Desk(
                policies=lambda: current().policies,
                wake=parts.commander.wake,
                new_id=clock.new_id,
                endings=parts.endings,
            ),
            interests=lambda: current().recorder.interests,
            public_keys=lambda: public_keys(current().config),
            ping=lambda endpoint: ping(parts.database, endpoint, current().config),
            wake=parts.dispatcher.wake,
            new_id=clock.new_id,
            counts=parts.counters.counts,
        )

    def _listen(self) -> None:
        server = self._server
        if server is None:
            return
        server.start()

        def end() -> None:
            self.parts.endings.close()
            server.stop(timeout=HTTP_ENDS_WITHIN)

        self._cleanups.callback(_named("http", end))

    def _start_dispatching(self) -> None:
        released = self.parts.dispatcher.recover()
        if released:
            log.info("dispatcher.recovered", deliveries=released)
        self._threads["dispatcher"].start()
        self._cleanups.callback(_named("dispatcher", self._end_dispatching))

    def _dispatch(self) -> None:
        self.parts.dispatcher.run(drain=self.config.daemon.drain, turned=self._dispatching.turn)

    def _end_dispatching(self) -> None:
        self.parts.chores.announce(own_events.STOPPED, {"version": __version__})
        self._dispatching.rest()
        self.parts.dispatcher.stop()
        self._threads["dispatcher"].join(self.config.daemon.drain.total_seconds() + BESIDE_DRAIN)

    def _start_commanding(self) -> None:
        left = self.parts.commander.recover()
        if left:
            log.warning("commander.recovered", commands=left)
        self._threads["commander"].start()
        self._cleanups.callback(_named("commander", self._end_commanding))

    def _command(self) -> None:
        self.parts.commander.run(self._commanding.turn)

    def _end_commanding(self) -> None:
        self._commanding.rest()
        self.parts.commander.stop()
        if not self.parts.commander.settle(self.config.daemon.drain):
            log.warning("commander.left_commands")

    def _end_polls(self) -> None:
        self._jobs.stop()
        if not self.parts.poller.settle(self.config.daemon.drain):
            log.warning("poller.left_polls")
        self.parts.poller.flush()

    def _tokens(self) -> list[Token]:
        return [Token(one.name, one.token, frozenset(one.scopes)) for one in self.config.http.tokens]

    def _scheduled(self) -> Sequence[Scheduled]:
        next_runs = self._jobs.next_runs()
        return [
            Scheduled(watch.system, watch.name, watch.every, next_runs.get("/".join(watch.id)))
            for watch in self.current().watches
        ]


def _fixed(old: Config, new: Config) -> tuple[str, ...]:
    """The settings that changed and need a restart."""
    changed = {
        "[daemon] database": old.daemon.database != new.daemon.database,
        "[http] listen": old.http.listen != new.http.listen,
    }
    return tuple(name for name, is_changed in changed.items() if is_changed)


def _named(name: str, cleanup: Callable[[], None]) -> Callable[[], None]:
    """A cleanup that says which part failed to end, and lets the others end all the same."""

    def end() -> None:
        try:
            cleanup()
        except Exception:
            log.exception("stop.failed", part=name)

    return end
