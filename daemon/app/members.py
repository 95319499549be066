"""This daemon as one of several on a database: who it is among them, what it has by that, and by which
configuration all of them go.

A member whose file is another one than what is in force takes nothing, and says so. What a reload brings
takes effect when all have read it, or after `PATIENCE` by the newest; and where nobody is left who went by
what is in force, by whoever read his last.
"""

import socket
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from daemon import __version__
from daemon.app.in_force import Current
from daemon.app.keeping import Keeping, wanted
from daemon.app.parts import Parts
from daemon.app.supervisor import Looping, Supervisor
from daemon.app.watchdog import TURN_WITHIN, Loop, Progress
from daemon.config.settings import Config
from daemon.core.ownership import Kind, Member
from daemon.host import clock
from daemon.host.key_file import Key
from daemon.store.database import Database
from daemon.store.happened import Topic
from daemon.wiring.described import fingerprint
from daemon.workers.dispatcher import Settlement
from daemon.workers.membership import Membership, View
from daemon.workers.older_release import GONE_AFTER, OlderRelease, may_be_there
from daemon.workers.shares import Shares

log = structlog.get_logger()

PATIENCE = 60.0
"""Seconds that a reload waits for the others to read theirs."""
OTHER_FILE = "its configuration is not the one that is in force for all: make the files equal, and reload"
OTHER_KEY = "its key_file is not that of {name}: copy that one, and restart it"
OLDER = "a daemon of an older release, which shares nothing out, may use this database yet: end it"
ENDS_WITHIN = 5.0
"""Seconds that the renewal under way has at the end."""
PURPOSE = "members"
LOOPS = ("membership", "shares")


class Members:
    """`start`, `end` and `leave` are for one thread, and so is what has to do with configurations."""

    def __init__(
        self,
        database: Database,
        current: Current,
        key: Key | None,
        *,
        parts: Callable[[], Parts],
        resubscribe: Callable[[], None] = lambda: None,
    ) -> None:
        """`parts`: those that work on what is had here; they ask who has what, and so are made after this;
        `resubscribe`: the store keeps other endpoints or feeds by now; it must not wait."""
        config = current().config
        self._current = current
        self._parts = parts
        self._resubscribe = resubscribe
        self._secret = key.derived(PURPOSE) if key else b""
        self._running = self.fingerprint(config)
        self._keeping: Keeping | None = None
        self._older: OlderRelease | None = None
        """None: no daemon of a release before there were members can be there."""
        self._loops: list[Loop] = []
        self._renewing: Looping | None = None
        self.membership = Membership(
            database,
            config.daemon.member or socket.gethostname(),
            version=__version__,
            fingerprint=self._running,
            key=self._secret.hex()[:16],
            now=self._now,
            monotonic=clock.monotonic,
            new_id=clock.new_id,
            sample=self._sample,
            heard=self._hear,
        )
        self.shares = Shares(
            database,
            self.membership,
            current.recorder,
            wanted=lambda: wanted(current),
            objection=self._objection,
            now=self._now,
            monotonic=clock.monotonic,
            running=lambda: self._running,
            is_settled=self._is_settled,
            check=self._check,
        )

    @property
    def name(self) -> str:
        """What this one is called."""
        return self.membership.name

    @property
    def present(self) -> str | None:
        """The same while it is a member; None: the others have given it up, and it has not joined anew."""
        me = self.membership.me
        return me.name if me else None

    def silent(self) -> dict[str, timedelta]:
        """The others that it has not seen stir, and for how long."""
        view = self.membership.view
        return {name: timedelta(seconds=still) for name, still in view.silent.items()} if view else {}

    @property
    def running(self) -> str:
        """The fingerprint of the configuration that this one goes by."""
        return self._running

    def has(self, system: str) -> bool:
        """Whether a system is polled here."""
        return self._keeping is not None and self._keeping.has(system)

    def reroute(self, then: Callable[[], None], settlement: Settlement) -> None:
        """Send by the configuration in force what is this one's to send."""
        if self._keeping is not None:
            self._keeping.reroute(then, settlement)
        else:  # it starts, and has nothing yet
            self._parts().dispatcher.reroute({}, then, settlement)

    def join(self, then: Callable[[bool], None]) -> None:
        """As `Membership.join`; nobody is alone as long as a daemon of an older release may be there."""
        with self._parts().database.read() as db:
            if may_be_there(db):
                self._older = OlderRelease(clock.monotonic)
                log.warning("members.wait", reason=OLDER, at_least_seconds=GONE_AFTER)
        self.membership.join(lambda is_alone: then(is_alone and self._older is None))

    def start(self, supervisor: Supervisor, progress: Progress, reschedule: Callable[[], None]) -> None:
        """Renew, and take what falls to this one; `reschedule`: poll what it `has`, and nothing else."""
        parts = self._parts()
        self._keeping = self.shares.keeper = Keeping(
            parts.database,
            self._current,
            dispatcher=parts.dispatcher,
            commander=parts.commander,
            poller=parts.poller,
            pauses=parts.pauses,
            chores=parts.chores,
            now=self._now,
            reschedule=reschedule,
            kept=self.shares.kept,
        )
        renewing, sharing = (progress.loop(one, TURN_WITHIN) for one in LOOPS)
        self._loops = [renewing, sharing]
        self._renewing = Looping(LOOPS[0], lambda: self.membership.run(renewing.turn))
        supervisor.start(LOOPS[0], self._renewing)
        supervisor.start(LOOPS[1], Looping(LOOPS[1], lambda: self.shares.run(sharing.turn)))

    def end(self, supervisor: Supervisor) -> None:
        """Take and give no more by itself."""
        for name, loop in zip(LOOPS, self._loops, strict=True):
            supervisor.rest(name)
            loop.rest()
        self.shares.stop()

    def give_systems_back(self) -> None:
        """At once, though what is due has yet to be sent: who takes them polls them from now on."""
        self.shares.give_back([Kind.SYSTEM])

    def leave(self) -> None:
        """Let others have all of it, and be no member any more. Raises the store's errors."""
        self.membership.stop()
        if self._renewing is not None:
            self._renewing.join(ENDS_WITHIN)
        self.membership.leave()

    def fingerprint(self, config: Config) -> str:
        """Of a configuration, as the others would work it out."""
        return fingerprint(config, self._secret)

    def goes_by(self, config: Config) -> None:
        """This one goes by another configuration from now on."""
        self._running = self.fingerprint(config)
        self.shares.nudge()

    def announce(self, config: Config) -> None:
        """Say to the others by which configuration this one would go. Raises the store's errors."""
        self.membership.announce(self.fingerprint(config))

    def may_go_by(self, config: Config, waited: float) -> bool:
        """Whether a configuration that was read `waited` seconds ago is to take effect here."""
        view, mine = self.membership.view, self.fingerprint(config)
        if view is None:
            return False
        if mine in (view.fingerprint, self._running) or all(one.fingerprint == mine for one in view.living):
            return True
        return waited >= PATIENCE and self._is_newest(view)

    def is_heir(self) -> bool:
        """Whether nobody is left who goes by what is in force, and this one read its file last."""
        view = self.membership.view
        if view is None or not self.membership.is_valid or self._running == view.fingerprint:
            return False
        if self._is_older_there:
            return False
        return all(one.fingerprint != view.fingerprint for one in view.living) and self._is_newest(view)

    def _is_newest(self, view: View) -> bool:
        newest = max(view.living, key=lambda one: (one.read_at, one.name), default=None)
        return newest is not None and newest.name == self.name

    def _is_settled(self) -> bool:
        """Whether it is known what time it is, and by which configuration this one goes."""
        return self._parts().timekeeper.is_sure and not self.is_heir()

    @property
    def _is_older_there(self) -> bool:
        return self._older is not None and self._older.is_there

    def _objection(self, view: View) -> str | None:
        """Why nothing may fall to this member."""
        if self._is_older_there:
            return OLDER
        other = next((one for one in view.living if self._is_before_with_another_key(one)), None)
        if other is not None:
            return OTHER_KEY.format(name=other.name)
        # Who has read what is in force by now goes by it in a moment, and keeps what it has.
        mine = (self._running, self.membership.fingerprint)
        return OTHER_FILE if view.fingerprint not in mine else None

    def _is_before_with_another_key(self, other: Member) -> bool:
        """Of two with different keys the younger has the wrong one."""
        me = self.membership.me
        if me is None or other.differs is not None or other.key == me.key:
            return False
        return (other.joined_at, other.name) < (me.joined_at, me.name)

    def _hear(self, topics: set[Topic]) -> None:
        """Wake whoever waits here for what others have committed."""
        parts = self._parts()
        if Topic.HOLDINGS in topics:
            self.shares.nudge()
        if Topic.SUBSCRIPTIONS in topics:
            self._resubscribe()
        if Topic.EVENTS in topics:
            parts.bell.ring()
        if Topic.DELIVERIES in topics or Topic.ENDPOINTS in topics:
            parts.dispatcher.wake()
        if Topic.COMMANDS in topics:
            parts.commander.wake()
        if Topic.ENDED in topics:
            parts.endings.ring()

    def _now(self) -> datetime:
        return self._parts().timeline.now()

    def _check(self, db: sa.Connection) -> None:
        self._parts().timekeeper.check(db)

    def _sample(self, db: sa.Connection) -> None:
        self._parts().timekeeper.sample(db)
        if self._older is not None:
            self._older.look(db)
