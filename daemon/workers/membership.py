"""One of several daemons on a database: it shows that it lives, sees who else does, and hears what they do.

    tick      once a second, over a session of its own, waiting for no lock of ours
      sample                       what time it is for the database, and so for all
      ownership.renew              the counter that the others watch
      ownership.members            theirs
    wait      until the next     what others committed wakes who waits for it here

While it cannot renew it is valid for no longer than others wait before they take what it has; so for a moment
nobody begins anything, and never two. Who was declared dead and comes back finds no row, or another's
process in it, and is a new member from then on.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

import sqlalchemy as sa
import structlog

from daemon.core.ownership import DEAD_WITHOUT_SESSION, Lives, Member
from daemon.store import in_force, ownership
from daemon.store.database import Database
from daemon.store.happened import Topic
from daemon.store.location import FAILURES, DatabaseError, reason
from daemon.store.ownership import STARTING
from daemon.workers.starting import LOOK_EVERY, Session, take_turn

log = structlog.get_logger()

EVERY = 1.0
"""Seconds between two renewals."""
VALID = DEAD_WITHOUT_SESSION - EVERY
"""Seconds from the beginning of one for which nobody takes what we have, whatever became of our session."""
ALL = frozenset(Topic)


class NameTakenError(Exception):
    """Another living member has this name."""


@dataclass(frozen=True)
class View:
    """What a member saw at its last look."""

    members: Sequence[Member]
    dead: Sequence[Member]
    fingerprint: str | None
    """Of the configuration that is in force for all."""
    silent: Mapping[str, float] = field(default_factory=dict)
    """The others that have not stirred as they should, and for how many seconds."""

    @property
    def living(self) -> list[Member]:
        """Those that are not dead."""
        return [one for one in self.members if one not in self.dead]


class Membership:
    """`join`, `run` and `leave` are for one thread at a time, the rest for any."""

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        version: str,
        fingerprint: str,
        key: str,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        new_id: Callable[[str], str],
        sample: Callable[[sa.Connection], None] = lambda _db: None,
        heard: Callable[[set[Topic]], None] = lambda _topics: None,
    ) -> None:
        """`sample`: takes what time it is for the database; `heard`: of what others committed, or may have;
        neither may wait."""
        self.name = name
        self.me: Member | None = None
        """As it joined; None: it is no member at present."""
        self.view: View | None = None
        """None: not seen yet, or not since it joined anew."""
        self.is_displaced = False
        """Whether another has taken this one's place, under its name."""
        self._database = database
        self._version = version
        self._fingerprint = fingerprint
        self._key = key
        self._now = now
        self._monotonic = monotonic
        self._new_id = new_id
        self._sample = sample
        self._heard = heard
        self._session: Session | None = None
        self._is_held = False
        """Whether that has our lock."""
        self._lives = Lives()
        self._valid_until = float("-inf")
        self._is_stopping = threading.Event()

    @property
    def fingerprint(self) -> str:
        """Of the configuration that this member has read, by which it may not go yet."""
        return self._fingerprint

    @property
    def is_valid(self) -> bool:
        """Whether nobody can have taken what we have."""
        return self._monotonic() < self._valid_until

    def join(self, then: Callable[[bool], None] = lambda _is_alone: None) -> None:
        """Become a member, once it is known of all others whether they live; `then` is told whether none
        does, and nobody else starts meanwhile.

        Raises `NameTakenError` where one of this name lives, and what a database raises that is not there.
        """
        session = self._opened()
        take_turn(session, self._monotonic)
        try:
            self._sample(session.db)
            living = self._sorted_out(session)
            self._enter(session)
            then(not living)
        finally:
            with suppress(*FAILURES):
                session.let_go(STARTING)
        self.tick()

    def run(self, turned: Callable[[], None] = lambda: None) -> None:
        """Renew and hear until `stop`."""
        while not self._is_stopping.is_set() and not self.is_displaced:
            turned()
            try:
                self.tick()
                self._listen()
            except NameTakenError:
                log.error("member.displaced", name=self.name, reason="another living member has this name")
                self.is_displaced = True
            except (*FAILURES, DatabaseError) as error:
                self._lost_touch(error)
                self._is_stopping.wait(EVERY)

    def tick(self) -> None:
        """Renew once, and look at the others. Raises where the database does not answer, and
        `NameTakenError` where another has taken this one's place."""
        began, is_new, me = self._monotonic(), self._session is None, self.me
        was_valid = self.is_valid
        session = self._opened()
        if me is not None and not self._is_held:
            # Not at once where the server still has the session before this one.
            self._is_held = session.hold(me.lock)
        self._sample(session.db)
        if me is None or ownership.renew(session.db, me.name, me.incarnation):
            self._valid_until = began + VALID if me else float("-inf")
        else:
            log.warning("member.lost", name=self.name, reason="the others have not seen it for too long")
            self.me, self._valid_until = None, float("-inf")
        members = ownership.members(session.db)
        others = [one for one in members if self.me is None or one.incarnation != self.me.incarnation]
        dead = self._lives.look(others, ownership.connected(session.db), self._monotonic())
        seen = View(members, dead, in_force.fingerprint(session.db), self._lives.silent())
        before, self.view = self.view, seen
        if self.me is None and not self._is_stopping.is_set():
            self._enter(session)
        if is_new or not was_valid:
            self._heard(set(ALL))  # whatever was said meanwhile, and could not be begun
        elif _told(before) != _told(self.view):
            self._heard({Topic.HOLDINGS})

    def announce(self, fingerprint: str) -> None:
        """Say by which configuration this member would go from now on."""
        self._fingerprint = fingerprint
        me = self.me
        if me is not None:
            with self._database.write() as db:
                ownership.announce(db, me.name, me.incarnation, fingerprint, self._now())

    def leave(self) -> None:
        """After `run` has ended: be none any more, and free what was had; its end is no news to anybody."""
        me, self.me = self.me, None
        self._valid_until = float("-inf")
        if me is not None:
            with self._database.write() as db:
                ownership.leave(db, me.name, me.incarnation)
        self._close()

    def stop(self) -> None:
        """Make `run` come to its end; callable from every thread."""
        self._is_stopping.set()

    def _sorted_out(self, session: Session) -> list[Member]:
        """Wait until each other is known to live or to be dead; those that live. Who is dead is left to
        those who tell of it, but for one of this name."""
        lives, living = Lives(), dict[str, Member]()
        first = {one.name: one for one in ownership.members(session.db)}
        while True:
            members = ownership.members(session.db)
            dead = lives.look(members, ownership.connected(session.db), self._monotonic())
            living |= {one.name: one for one in members if _has_moved(first.get(one.name), one)}
            if self.name in living:
                raise NameTakenError(self.name)
            if all(one in dead or one.name in living for one in members):
                self._bury(dead)
                return list(living.values())
            session.wait(LOOK_EVERY)

    def _bury(self, dead: Sequence[Member]) -> None:
        ours = [one for one in dead if one.name == self.name]
        if ours:
            with self._database.write() as db:
                ownership.bury(db, ours)

    def _enter(self, session: Session) -> None:
        """Take a place among the members. Raises `NameTakenError` where it is not free."""
        if self.view is not None:
            self._bury(self.view.dead)
        incarnation = self._new_id("mem")
        me = Member(
            self.name,
            incarnation,
            lock=_lock(incarnation),
            counter=0,
            joined_at=self._now(),
            version=self._version,
            fingerprint=self._fingerprint,
            read_at=self._now(),
            key=self._key,
        )
        self._is_held = session.hold(me.lock)
        with self._database.write() as db:
            if any(one.name == self.name for one in ownership.members(db)):
                raise NameTakenError(self.name)
            ownership.join(db, me)
        self.me = me
        log.info("member.joined", name=me.name, incarnation=me.incarnation)

    def _listen(self) -> None:
        until = self._monotonic() + EVERY
        while (left := until - self._monotonic()) > 0 and not self._is_stopping.is_set():
            topics = self._opened().wait(left)
            if topics:
                self._heard(topics)

    def _opened(self) -> Session:
        if self._session is None:
            self._session = self._database.session()
        return self._session

    def _lost_touch(self, error: Exception) -> None:
        if self._session is not None:
            log.warning("member.lost_touch", error=reason(error))
        self._lives.interrupted()
        self._close()

    def _close(self) -> None:
        session, self._session, self._is_held = self._session, None, False
        if session is not None:
            with suppress(*FAILURES):
                session.close()


def _lock(incarnation: str) -> int:
    """The number of the lock of a process: above `STARTING`, and a positive one of 31 bits."""
    digest = blake2b(incarnation.encode(), digest_size=4).digest()
    return int.from_bytes(digest) % (2**31 - 2) + 2


def _has_moved(first: Member | None, now: Member) -> bool:
    """Whether a member was seen to live since the first look, at which it was there or not."""
    return first is None or (first.incarnation, first.counter) != (now.incarnation, now.counter)


def _told(view: View | None) -> object:
    """What of a view makes others look again."""
    if view is None:
        return None
    return (
        [replace(one, counter=0) for one in view.members],
        [one.name for one in view.dead],
        view.fingerprint,
    )
