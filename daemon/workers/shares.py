"""What this member has of what several share out: taken where nobody has it, given back to whom it falls.

    look      where members or holdings have changed, and now and then
      bury                         what the dead had is free, and others are told of it
      plan                  pure   what falls to us, and what to another
      take                         in the store; then what was under way there is taken up, and we begin
      give                         begin nothing more; once nothing is under way, in the store

`holds` is asked before anything is begun, `kept` within every transaction that writes what came of it: what
was lost in between is not written.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
import structlog

from daemon.core import own_events, ownership
from daemon.core.model import Fact, Json
from daemon.core.ownership import ENDING, HOUSE, JOINED, Among, Holding, Kind, Member, Share
from daemon.core.routing.plan import DAEMON
from daemon.pipeline.events import Recorded, Recorder, log_recorded
from daemon.store import in_force
from daemon.store import ownership as store
from daemon.store.database import Database
from daemon.store.location import FAILURES, reason
from daemon.workers.membership import Membership, View

log = structlog.get_logger()

LOOK_EVERY = 1.0
"""Seconds: how late it is seen that nothing is under way of what is to be given."""
BACKSTOP = 10.0
"""Seconds after which holdings are read, whether anybody said that they have changed or not."""
LEASE_RAN_OUT = "its lease ran out"
HOUSE_SHARE = Share(Kind.DUTY, HOUSE)


class Keeper(Protocol):
    """Who works on what is had."""

    def taken(self, shares: Collection[Share]) -> None:
        """Take up what was under way of these; nothing of them is begun before this returns."""

    def begun(self, shares: Collection[Share]) -> None:
        """These may be worked on from now on."""

    def leaving(self, shares: Collection[Share]) -> None:
        """Begin nothing more of these: they will be given to others."""

    def is_free(self, share: Share) -> bool:
        """Whether nothing is under way any more of what is leaving."""

    def settled(self, shares: Collection[Share]) -> None:
        """Write what is only in memory yet of what is given next."""

    def lost(self, shares: Collection[Share]) -> None:
        """Forget what is in memory of these: they are others' now, or nobody's."""

    def learn(self, db: sa.Connection) -> None:
        """See how it goes with what others have."""


class Nobody:
    """Works on nothing."""

    def taken(self, shares: Collection[Share]) -> None:
        pass

    begun = leaving = settled = lost = taken

    def learn(self, db: sa.Connection) -> None:
        pass

    def is_free(self, _share: Share) -> bool:
        return True


class Shares:
    """`look`, `run` and `give_back` are for one thread at a time, the rest for any."""

    is_sole = False

    def __init__(
        self,
        database: Database,
        membership: Membership,
        recorder: Callable[[], Recorder],
        *,
        wanted: Callable[[], Collection[Share]],
        objection: Callable[[View], str | None],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        running: Callable[[], str],
        is_settled: Callable[[], bool] = lambda: True,
        check: Callable[[sa.Connection], None] = lambda _db: None,
    ) -> None:
        """`running`: the fingerprint of the configuration that this member goes by; `wanted`: all that there
        is to share out; `objection`: why nothing may fall to us; `is_settled`:
        whether anything may be shared out yet; `check`: raises the store's error where a transaction goes by
        another time than its rows do."""
        self.keeper: Keeper = Nobody()
        """Who is made with what asks here, and so after it."""
        self._database = database
        self._membership = membership
        self._in_force = recorder
        self._wanted = wanted
        self._objection = objection
        self._now = now
        self._monotonic = monotonic
        self._is_settled = is_settled
        self._running = running
        self._check = check
        self._held: dict[Share, int] = {}
        """All that is ours in the store, with its tokens."""
        self._in_hand: frozenset[Share] = frozenset()
        """Of that, what may be begun."""
        self._leaving: set[Share] = set()
        self._incarnation: str | None = None
        self._is_changed = True
        self._read_at = float("-inf")
        self._is_nudged = threading.Event()
        self._is_stopping = threading.Event()
        self._one_look = threading.Lock()

    def holds(self, kind: Kind, name: str) -> bool:
        """Whether something of a share may be begun now."""
        return (kind, name) in self._in_hand and self._membership.is_valid and self._is_as_it_was

    def token(self, kind: Kind, name: str) -> int | None:
        """By which this member has a share; None: it has it not, or begins nothing of it."""
        share = Share(kind, name)
        return self._held.get(share) if share in self._in_hand else None

    def kept(self, db: sa.Connection, kind: Kind, names: Iterable[str]) -> set[str]:
        """Which of these is ours, until the transaction ends that asks."""
        me, running = self._membership.name, self._running()
        wanted = [(one, token) for one in names if (token := self._held.get(Share(kind, one))) is not None]
        if not wanted:
            return set()
        self._check(db)
        if len(wanted) == 1:
            ((name, token),) = wanted
            return {name} if store.token(db, Share(kind, name), me, running) == token else set()
        tokens = store.tokens(db, kind, me, running)
        return {name for name, token in wanted if tokens.get(name) == token}

    @property
    def among(self) -> Among:
        """Who this process is, and who else lives, as it saw last."""
        view, me = self._membership.view, self._membership.name
        living = frozenset(one.name for one in view.living) if view else frozenset[str]()
        return Among(me, living - {me})

    @property
    def _is_as_it_was(self) -> bool:
        """Whether this is the member by which all of it was taken, and has not joined anew since."""
        me = self._membership.me
        return me is not None and me.incarnation == self._incarnation

    def nudge(self) -> None:
        """Look soon: something has changed."""
        self._is_changed = True
        self._is_nudged.set()

    def run(self, turned: Callable[[], None] = lambda: None) -> None:
        """Look until `stop`."""
        while not self._is_stopping.is_set():
            turned()
            try:
                self.look()
            except FAILURES as error:
                log.warning("shares.database_failed", error=reason(error))
                self._is_changed = True
            self._is_nudged.wait(LOOK_EVERY)
            self._is_nudged.clear()

    def stop(self) -> None:
        """Make `run` come to its end."""
        self._is_stopping.set()
        self._is_nudged.set()

    def look(self) -> None:
        """See what has changed, and do what follows."""
        with self._one_look:
            if not self._is_stopping.is_set():
                self._look()

    def _look(self) -> None:
        me, view = self._membership.me, self._membership.view
        if me is None or view is None or me.incarnation != self._incarnation:
            self._drop(list(self._held))
            self._incarnation = me.incarnation if me else None
            self._is_changed = True
        if me is None or view is None or not self._membership.is_valid:
            return
        is_due = self._monotonic() - self._read_at >= BACKSTOP
        if (self._is_changed or is_due or view.dead) and self._is_settled():
            self._is_changed = False
            self._share_out(me, view)
        self._begin()
        self._give_what_is_free()
        if HOUSE_SHARE in self._in_hand:
            self._tell(view)

    def give_back(self, kinds: Collection[Kind] = tuple(Kind)) -> None:
        """At the end, when nothing of it is under way any more: let others have it at once, and whatever else
        would fall to us."""
        with self._one_look:
            self._give_back(kinds)

    def _give_back(self, kinds: Collection[Kind]) -> None:
        given = {share: token for share, token in self._held.items() if share.kind in kinds}
        self._in_hand -= given.keys()
        me = self._membership.me
        with self._database.write() as db:
            if me is not None:
                store.differ(db, me.name, me.incarnation, ENDING)
            store.give(db, given)
        self._forget(given)

    def _share_out(self, me: Member, view: View) -> None:
        view = self._as_of_now(view)
        self._differ(me, view)
        eligible = [
            one.name for one in view.living if one.differs is None and one.incarnation != me.incarnation
        ]
        if self._objection(view) is None:
            eligible.append(me.name)
            self._bury(view)
        with self._database.read() as db:
            held = {one.share: one for one in store.holdings(db)}
            self.keeper.learn(db)
        self._read_at = self._monotonic()
        self._drop([share for share, token in self._held.items() if not _is_ours(held.get(share), me, token)])
        # Also what we took by a commit of which we never heard.
        self._held |= {share: one.token for share, one in held.items() if one.member == me.name}
        ready = {one.name for one in view.living if one.counter >= ownership.READY_AFTER}
        planned = ownership.plan(me.name, set(self._wanted()), held, eligible, ready=ready)
        self._take(me, planned.take)
        leaving = {one for one in planned.give if one in self._held} - self._leaving
        if leaving:
            self._in_hand -= leaving
            self._leaving |= leaving
            self.keeper.leaving(leaving)
        # Who is not ready yet will be.
        self._is_changed = planned.has_more or not ready.issuperset(eligible)

    def _as_of_now(self, view: View) -> View:
        """What a member saw up to a second ago, as the store has it: a configuration may have come since."""
        with self._database.read() as db:
            members, fingerprint = store.members(db), in_force.fingerprint(db)
        return View(members, [one for one in members if one in view.dead], fingerprint)

    def _take(self, me: Member, shares: Collection[Share]) -> None:
        if shares:
            with self._database.write() as db:
                if not store.is_in(db, me.name, me.incarnation):
                    return
                taken = store.take(db, shares, me.name, self._now())
            self._held |= taken
            log.info("shares.taken", **_counted(taken))

    def _begin(self) -> None:
        """Work on what is ours and not in hand yet; where that fails, it is tried again."""
        new = self._held.keys() - self._in_hand - self._leaving
        if new:
            self.keeper.taken(new)
            self._in_hand |= new
            self.keeper.begun(new)

    def _give_what_is_free(self) -> None:
        free = {
            one: self._held[one] for one in self._leaving if one in self._held and self.keeper.is_free(one)
        }
        if not free:
            return
        self.keeper.settled(free)
        with self._database.write() as db:
            store.give(db, free)
        self._forget(free)
        self._is_changed = True  # whom it was for may be gone by now, and no other tells us of what we gave
        log.info("shares.given", **_counted(free))

    def _drop(self, shares: Collection[Share]) -> None:
        """What others have taken from us, since they have not seen us for too long."""
        if shares:
            log.warning("shares.lost", **_counted(shares))
            self._forget(shares)

    def _forget(self, shares: Collection[Share]) -> None:
        gone = set(shares)
        self._in_hand -= gone
        self._leaving -= gone
        self._held = {share: token for share, token in self._held.items() if share not in gone}
        if gone:
            self.keeper.lost(gone)

    def _bury(self, view: View) -> None:
        if not view.dead:
            return
        with self._database.write() as db:
            buried = store.bury(db, view.dead)
            facts = [_fact(own_events.MEMBER_LOST, one, LEASE_RAN_OUT) for one in buried]
            recorded = self._in_force().record(db, DAEMON, facts, self._now()) if facts else Recorded()
        for one in buried:
            log.warning("member.buried", name=one.name)
        log_recorded(recorded)

    def _differ(self, me: Member, view: View) -> None:
        """Say in the store why nothing falls to us, or that it does."""
        why = self._objection(view)
        said = next((one.differs for one in view.members if one.incarnation == me.incarnation), None)
        if why != said:
            with self._database.write() as db:
                store.differ(db, me.name, me.incarnation, why)
            if why is not None:
                log.error("member.differs", name=me.name, reason=why)

    def _tell(self, view: View) -> None:
        """What is new of members; by whom the duty falls to, so that it is told once."""
        if all(_what(one) == one.told for one in view.living):
            return
        living = {one.incarnation for one in view.living}
        with self._database.write() as db:
            if not self.kept(db, HOUSE_SHARE.kind, [HOUSE_SHARE.name]):
                return
            facts: list[Fact] = []
            for one in store.members(db):
                if one.incarnation in living and _what(one) != one.told:
                    store.told(db, one, _what(one))
                    facts += _news(one)
            recorded = self._in_force().record(db, DAEMON, facts, self._now()) if facts else Recorded()
        log_recorded(recorded)


def _what(member: Member) -> str:
    """What there is to tell of a member. That it ends it tells itself."""
    return JOINED if member.differs in (None, ENDING) else str(member.differs)


def _news(member: Member) -> list[Fact]:
    """The same, as far as it was not told yet."""
    joined = [_fact(own_events.MEMBER_JOINED, member, None)] if member.told is None else []
    if _what(member) == JOINED:
        return joined
    return [*joined, _fact(own_events.MEMBER_DIFFERS, member, member.differs)]


def _is_ours(held: Holding | None, me: Member, token: int) -> bool:
    return held is not None and held.member == me.name and held.token == token


def _fact(event_type: str, member: Member, why: str | None) -> Fact:
    payload: dict[str, Json] = {"name": member.name, "version": member.version, "why": why}
    return Fact(event_type, "daemon", {"member": payload})


def _counted(shares: Iterable[Share] | Mapping[Share, int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for share in shares:
        counts[f"{share.kind}s"] = counts.get(f"{share.kind}s", 0) + 1
    return counts
