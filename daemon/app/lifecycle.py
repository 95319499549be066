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
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog

from daemon import __version__
from daemon.app.in_force import Current, InForce, in_force, resubscribed
from daemon.app.jobs import Jobs
from daemon.app.kept_texts import KeptTexts
from daemon.app.members import Members
from daemon.app.parts import parts, wall
from daemon.app.ping import ping
from daemon.app.recordings import Places
from daemon.app.reloading import Reloaded, Reloading
from daemon.app.state import CHECKED_WITHIN, State
from daemon.app.subscribed import NOTHING, Subscribed, Vault, look, tell
from daemon.app.supervisor import Looping, Supervisor
from daemon.app.watchdog import TURN_WITHIN, Awake, Progress
from daemon.config.reaching import public_base
from daemon.config.secrets import held
from daemon.config.settings import Config
from daemon.core import own_events, recording_links
from daemon.core.alerts import acknowledgement_link
from daemon.core.allowance import Allowances
from daemon.core.durations import SECOND
from daemon.core.model import Json
from daemon.host import clock, key_file, logs
from daemon.host.key_file import Key
from daemon.pipeline.handover import Handover
from daemon.store import database as databases
from daemon.store import kept_endpoints, location
from daemon.store.database import Database
from daemon.store.ownership import EVERYTHING
from daemon.wiring.clients import TracedOf
from daemon.wiring.digests import written
from daemon.wiring.senders import public_keys
from daemon.wiring.watches import limits
from daemon.workers.names import Names
from daemon.workers.self_check import Heard

if TYPE_CHECKING:  # a daemon that is not asked over HTTP starts in half the time without
    from daemon.web.auth import Token
    from daemon.web.dependencies import Live, Scheduled
    from daemon.web.reach import Reach
    from daemon.web.server import Server

log = structlog.get_logger()

HTTP_ENDS_WITHIN = 5
"""Seconds for the answers that are under way at the end."""
BESIDE_DRAIN = 5
"""Seconds that the dispatcher has for its last transaction."""


class App:
    """The daemon. `start`, `reload` and `stop` are for one thread.

    `listening`, where somebody listens for it already, is used instead of `[http] listen`; `progress` holds
    the promises of its loops; `traced` is told of each question to the API.
    """

    def __init__(
        self,
        config: Config,
        *,
        listening: socket.socket | None = None,
        progress: Progress | None = None,
        traced: TracedOf | None = None,
        hide: Callable[[Sequence[str]], None] = lambda _secrets: None,
    ) -> None:
        """Open the database and make all parts; nothing runs yet. Raises `DatabaseError`, and ValueError or
        OSError where the configuration cannot be used."""
        self._key = key = _key(config)
        self._is_stopping = threading.Event()
        self._progress = progress or Progress(Awake(clock.monotonic))
        self._heard, self._handover, self._names = Heard(), Handover(), Names()
        self._allowances = Allowances(clock.monotonic, threading.Lock)
        self._traced = traced
        self._hide = hide
        self._database: Database | None = None
        self.current = Current(self._made(config))
        with ExitStack() as undo:
            undo.callback(_named("clients", lambda: self.current().close()))
            database = databases.open_for_daemon(config.daemon.database)
            undo.callback(_named("database", database.close))
            _log_found(database)
            self._key = key = key or _key_of_kept(config, database)
            self._vault, self._database = Vault(key), database
            self._wall = wall(database)
            self.current.swap(resubscribed(self.current(), self._look_at_kept(self.config)))
            tell(NOTHING, self.current().subscribed, self.config)
            hide(held(self.config))
            self._members = self._members_of(database, key)
            self.parts = parts(
                database,
                self.current,
                self._heard,
                is_stopping=self._is_stopping.is_set,
                ownership=self._members.shares if self._members else EVERYTHING,
                link_key=self._link_key,
                recording_key=self._recording_key,
            )
            undo.callback(_named("downloads", self.parts.downloads.close))
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
        has = self._members.has if self._members else _always
        self._jobs = Jobs(
            self.parts,
            self.current,
            self.state,
            self._progress,
            is_ours=has,
            look_at_names=self._look_at_names,
        )
        self._reloading = Reloading(
            self.parts,
            self.current,
            self._jobs,
            self._kept_texts,
            self._made,
            members=self._members,
            look=self._look_at_kept,
            hide=hide,
        )
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
            self._join()
            self._look_at_names()
            logs.call_by_name(lambda subject: self.current.contacts().name_of(subject))
            self._cleanups.callback(_named("names", lambda: logs.call_by_name(_nobody)))
            self._listen()
            self._start_dispatching()
            self.parts.chores.announce(own_events.STARTED, self._about())
            if self._members:
                self._cleanups.callback(_named("systems", self._members.give_systems_back))
            self._jobs.schedule()
            self._cleanups.callback(_named("poller", self._end_polls))
            self._start_commanding()
            ready()
            self._supervisor.start("scheduler", self._jobs)
            self._share()
            undo.pop_all()

    def tend(self) -> str | None:
        """Start again what has ended by an error, and tell the others; for the thread of `start`, again and
        again. Returns the part that ended too often, where one did: then the process has to end."""
        for one in self._supervisor.tend():
            payload: dict[str, Json] = {"name": one.name, "error": one.error, "restarts": one.many}
            self.parts.chores.announce(own_events.PART_RESTARTED, payload, of="part")
        self._reloading.tend()
        return self._supervisor.given_up

    @property
    def is_displaced(self) -> bool:
        """Whether another living daemon has this one's name among those that share the database."""
        return self._members is not None and self._members.membership.is_displaced

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
        """Take over a new configuration, or as soon as the other members have it. Raises ValueError or
        OSError where it cannot be used, and then the old one stays in force; after any other error `config`
        says which one is."""
        return self._reloading.reload(config)

    def _server_of(self, config: Config, key: Key | None, listening: socket.socket | None) -> "Server | None":
        address = config.http.address
        if address is None or key is None:
            return None
        from daemon.web.asgi import create_app  # noqa: PLC0415 - see above
        from daemon.web.server import Server  # noqa: PLC0415 - see above

        app = create_app(
            database=self.parts.database,
            tokens=self._tokens,
            live=self._live(),
            version=__version__,
            prefix=self._prefix,
            key=key.derived("sessions"),
        )
        turned = self._progress.loop("http", TURN_WITHIN).turn
        contexts = self._context_in_force if self._reloading.tls else None
        return Server(app, *address, listening=listening, turned=turned, tls=contexts)

    def _context_in_force(self) -> ssl.SSLContext:
        assert self._reloading.tls is not None  # noqa: S101 - else nobody asks
        return self._reloading.tls

    def _live(self) -> "Live":
        from daemon.app.subscriptions import Subscriptions  # noqa: PLC0415 - see above
        from daemon.web.dependencies import Live  # noqa: PLC0415 - see above
        from daemon.web.routes.commands import Desk  # noqa: PLC0415 - see above

        parts, current, members = self.parts, self.current, self._members
        return Live(
            started_at=lambda: parts.timeline.began,
            is_alive=self.state.is_alive,
            is_ready=self.state.is_ready,
            schedule=self._scheduled,
            intervals=lambda: current().intervals,
            last_seen=parts.poller.unflushed,
            now=parts.timeline.now,
            desk=Desk(
                policies=lambda: current().policies,
                wake=parts.commander.wake,
                new_id=clock.new_id,
                endings=parts.endings,
                look=parts.timekeeper.seen,
                contacts=current.contacts,
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
            unflushed=parts.poller.hearers.historian.unflushed,
            monotonic=clock.monotonic,
            hosts=self._hosts,
            zone=lambda: ZoneInfo(self.config.daemon.timezone),
            reach=self._reach,
            escalations=lambda: current().recorder.escalations,
            link_key=self._link_key,
            recording_key=self._recording_key,
            recordings=Places(parts.downloads),
            member=lambda: members.present if members else None,
            silent=members.silent if members else dict,
            contacts=current.contacts,
            configured=lambda: current().config.contacts.configured,
            look_at_names=self._look_at_names,
            digests=lambda: current().digests,
            write_digest=lambda said, language: written(current().config, said, language),
            subscriptions=Subscriptions(
                parts.database,
                self._vault,
                lambda: current().config,
                lambda: current().subscribed,
                now=parts.timeline.now,
                changed=self._reloading.follow,
            ),
            resubscribe=self._reloading.follow,
        )

    def _look_at_names(self) -> None:
        self._names.look(self.parts.database)

    def _link_key(self) -> bytes | None:
        """A link outlasts the daemon, so its key has to."""
        key = self._key
        return key.derived(acknowledgement_link.PURPOSE) if key is not None and key.is_kept else None

    def _recording_key(self) -> bytes | None:
        key = self._key
        return key.derived(recording_links.PURPOSE) if key is not None and key.is_kept else None

    def _about(self) -> dict[str, Json]:
        """What its start and its end say: of several, which one it is."""
        return {"version": __version__, **({"member": self._members.name} if self._members else {})}

    def _hosts(self) -> frozenset[str]:
        from daemon.web.hosts import name_of  # noqa: PLC0415 - see above

        http = self.config.http
        listening = http.address[0] if http.address else ""
        return frozenset(name_of(one.lower()) for one in (urlsplit(http.url or "").netloc, listening) if one)

    def _reach(self) -> "Reach":
        from daemon.web.reach import Reach  # noqa: PLC0415 - see above

        http = self.config.http
        return Reach(
            base=public_base(http.url, self._prefix),  # which needs a restart
            trusted_proxies=http.trusted_proxies,
            shown=http.public if http.visitors == "status" else (),
            badges=http.badges,
            feed=http.feed,
            recording_links=http.recording_links,
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

    def _made(self, config: Config) -> InForce:
        found = self._look_at_kept(config)
        return in_force(
            config, self._heard, self._handover, self._names, self._traced, self._allowances, found
        )

    def _look_at_kept(self, config: Config) -> Subscribed:
        """What the store keeps of whom to tell; before it is open, nothing."""
        if self._database is None:
            return NOTHING
        with self._database.read() as db:
            return look(db, self._vault, config, self._wall)

    def _members_of(self, database: Database, key: Key | None) -> Members | None:
        """Those that share the database; None: nobody does."""
        if not database.is_shared:
            return None
        return Members(
            database,
            self.current,
            key,
            parts=lambda: self.parts,
            resubscribe=lambda: self._reloading.resubscribe(),  # noqa: PLW0108 - made later
        )

    def _join(self) -> None:
        """Recover, where others share the database as one of them."""
        members = self._members
        if members is None:
            self._recover(is_alone=True)
            return
        self._cleanups.callback(_named("membership", members.leave))
        members.join(lambda is_alone: self._recover(is_alone=is_alone))

    def _share(self) -> None:
        members = self._members
        if members is not None:
            members.start(self._supervisor, self._progress, self._jobs.follow)
            self._cleanups.callback(_named("shares", lambda: members.end(self._supervisor)))

    def _recover(self, *, is_alone: bool) -> None:
        """Take up what the process before left, by the clock as it stands now; where others share it and
        live, nothing: what is shared out is taken up with its share."""
        self.parts.timekeeper.recover(is_alone=is_alone)
        if self._members is None:
            released = self.parts.dispatcher.recover()
            if released:
                log.info("dispatcher.recovered", deliveries=released)
        if is_alone:
            self._reloading.take_over_at_start()
        self._kept_texts.settle(self.config, is_start=True)

    def _start_dispatching(self) -> None:
        self._supervisor.start("dispatcher", self._dispatcher)
        self._cleanups.callback(_named("dispatcher", self._end_dispatching))

    def _dispatch(self) -> None:
        self.parts.dispatcher.run(drain=self.config.daemon.drain, turned=self._dispatching.turn)

    def _end_dispatching(self) -> None:
        self.parts.chores.announce(own_events.STOPPED, self._about())
        self._supervisor.rest("dispatcher")
        self._dispatching.rest()
        self.parts.dispatcher.stop()
        self._dispatcher.join(self.config.daemon.drain.total_seconds() + BESIDE_DRAIN)

    def _start_commanding(self) -> None:
        left = self.parts.commander.recover() if self._members is None else 0
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
        self.parts.follower.stop()
        self.parts.text_follower.stop()
        if not self.parts.poller.settle(self.config.daemon.drain):
            log.warning("poller.left_polls")
        self.parts.follower.settle(min(self.config.daemon.drain, SECOND))  # what it would see is seen later
        self.parts.text_follower.settle(min(self.config.daemon.drain, SECOND))  # the same
        self.parts.chores.flush()
        self.parts.chores.keep_history()
        self.parts.chores.keep_observations()

    def _tokens(self) -> "list[Token]":
        return self._kept_texts.tokens(self.config)

    def _scheduled(self) -> "Sequence[Scheduled]":
        from daemon.web.dependencies import Scheduled  # noqa: PLC0415 - see above

        next_runs = self._jobs.next_runs()
        return [
            Scheduled(watch.system, watch.name, watch.every, next_runs.get("/".join(watch.id)))
            for watch in self.current().watches
        ]


def _always(_system: str) -> bool:
    return True


def _nobody(_subject: str) -> None:
    return None


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
    if config.http.address is None and location.file_of(config.daemon.database) is not None:
        return None
    return _taken(config)


def _key_of_kept(config: Config, database: Database) -> Key | None:
    """The same where the HTTP side is off, and what was added by it before is to be sent."""
    with database.read() as db:
        return _taken(config) if kept_endpoints.load(db) else None


def _taken(config: Config) -> Key:
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
