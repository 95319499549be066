"""Another configuration is put in force: all of it or nothing, and where several daemons share a database, in
all of them.

    reload    read, and made as far as anything of it can fail   the signal; nothing has changed yet
    agree     all members have read it, or time is over          again and again
    take over                                                    swapped, in the store and here
"""

import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from daemon.app.in_force import Current, InForce, resubscribed
from daemon.app.jobs import Jobs
from daemon.app.kept_texts import KeptTexts
from daemon.app.members import Members
from daemon.app.parts import Parts
from daemon.app.resubscribing import Resubscription, drop_at_start
from daemon.app.subscribed import NOTHING, Subscribed, tell
from daemon.app.taking_over import Takeover, take_over_at_start
from daemon.config.secrets import held
from daemon.config.settings import Config
from daemon.core import own_events
from daemon.core.differences import Difference
from daemon.core.model import Json
from daemon.host import clock
from daemon.store.location import FAILURES, reason

log = structlog.get_logger()


@dataclass(frozen=True)
class Reloaded:
    """What came of a reload."""

    needs_restart: tuple[str, ...]
    """Settings that changed, and have to wait for a restart."""
    difference: Difference
    not_withdrawn: str | None = None
    """The error by which what endpoints may no longer have is sent to them all the same."""
    is_waiting: bool = False
    """It takes effect when the other members have read it as well."""


@dataclass(frozen=True)
class _Prepared:
    """A configuration that was read, and all of it made that can fail."""

    after: InForce
    take: Callable[[], None]
    takeover: Takeover
    context: ssl.SSLContext | None
    fixed: tuple[str, ...]
    read_at: float
    """By the monotonic clock."""


class Reloading:
    """For the thread that starts and ends the daemon; `tls` for all."""

    def __init__(
        self,
        parts: Parts,
        current: Current,
        jobs: Jobs,
        kept_texts: KeptTexts,
        made: Callable[[Config], InForce],
        *,
        members: Members | None = None,
        look: Callable[[Config], Subscribed] = lambda _config: NOTHING,
        hide: Callable[[Sequence[str]], None] = lambda _secrets: None,
    ) -> None:
        """`made`: all that follows from a configuration; `members`: None where nobody shares the database;
        `look`: what the store keeps, under a configuration; `hide`: these from the log. Raises OSError where
        a certificate cannot be used."""
        self.tls = _context(current().config)
        """Of who shakes hands from now on; None: no TLS."""
        self._parts = parts
        self._current = current
        self._jobs = jobs
        self._kept_texts = kept_texts
        self._made = made
        self._members = members
        self._waiting: _Prepared | None = None
        self._look_at_kept = look
        self._hide = hide
        self._one_at_once = threading.RLock()
        self._is_stale = threading.Event()
        """The store may keep other endpoints than those that are in force."""

    def reload(self, config: Config) -> Reloaded:
        """As `App.reload`."""
        with self._one_at_once:
            return self._reload(config)

    def resubscribe(self) -> None:
        """Go by what the store keeps, at the next `tend`; callable from every thread, waits for nobody."""
        self._is_stale.set()

    def tend(self) -> None:
        """Go by what the store keeps where that is another by now, and agree with the others."""
        end = self._current().subscribed.next_end
        if self._is_stale.is_set() or (end is not None and end <= self._parts.timeline.now()):
            self.follow()
        with self._one_at_once:
            self.agree()

    def follow(self) -> None:
        """Go by what the store keeps of whom to tell, from now on; callable from every thread. Where the
        store cannot be read, at a later `tend`."""
        with self._one_at_once:
            self._is_stale.clear()
            before = self._current()
            try:
                found = self._look_at_kept(before.config)
            except FAILURES as error:
                self._is_stale.set()
                log.warning("endpoint.kept_not_read", error=reason(error))
                return
            if found != before.subscribed:
                self._go_by(before, found)

    def _go_by(self, before: InForce, found: Subscribed) -> None:
        after, dispatcher = resubscribed(before, found), self._parts.dispatcher
        self._hide([*held(before.config), *held(after.config)])
        take = self._parts.outgoing.prepared(after.config, after.wishes)
        mark = self._members.running if self._members else None
        settlement = Resubscription(before, after, dispatcher.forget, mark)
        self._current.swap(after)
        if self._members is None:
            dispatcher.reroute(after.routes, take, settlement)
        else:
            self._members.reroute(take, settlement)
            self._members.shares.nudge()
        settlement.wait()
        dispatcher.wake()
        tell(before.subscribed, found, after.config)

    def _reload(self, config: Config) -> Reloaded:
        prepared = self._prepared(config)
        if self._members is None:
            return self._take_over(prepared)
        try:
            self._members.announce(config)
        except FAILURES as error:
            prepared.after.close()
            raise OSError(f"the other members could not be told of it: {reason(error)}") from error
        if self._members.may_go_by(config, 0):
            return self._take_over(prepared)
        self._wait_with(prepared)
        return Reloaded(prepared.fixed, prepared.takeover.difference, is_waiting=True)

    def agree(self) -> None:
        """Take over what was read, once all members have; and where nobody is left who goes by what is in
        force, what this one goes by."""
        members, waiting = self._members, self._waiting
        if members is None:
            return
        try:
            if waiting is not None and members.may_go_by(
                waiting.after.config, clock.monotonic() - waiting.read_at
            ):
                self._take_over(waiting)
            elif waiting is None and members.is_heir():
                self.take_over_at_start()
                members.shares.nudge()
        except FAILURES as error:
            log.warning("config.not_agreed", error=reason(error))

    def take_over_at_start(self) -> None:
        """The configuration of the start is in force. Raises the store's errors."""
        mark = self._members.running if self._members else None
        take_over_at_start(
            self._parts.database, self._current(), now=self._parts.timeline.now, fingerprint=mark
        )
        drop_at_start(self._parts.database, self._current(), self._parts.timeline.now)

    def _prepared(self, config: Config) -> _Prepared:
        """Whatever of it raises does so here, and not half-way, nor in the thread of those who go by it."""
        fixed, after = _fixed(self._current().config, config), self._made(config)
        mark = self._members.fingerprint(config) if self._members else None
        try:
            take = self._parts.outgoing.prepared(after.config, after.wishes)
            takeover = Takeover(self._current(), after, mark)
            self._jobs.planned(after)
            context = _context(config)
        except Exception:
            after.close()
            raise
        return _Prepared(after, take, takeover, context, fixed, clock.monotonic())

    def _wait_with(self, prepared: _Prepared | None) -> None:
        before, self._waiting = self._waiting, prepared
        if before is not None:
            before.after.close()

    def _take_over(self, prepared: _Prepared) -> Reloaded:
        after, takeover, dispatcher = prepared.after, prepared.takeover, self._parts.dispatcher
        if self._waiting is not prepared:
            self._wait_with(None)
        self._waiting = None
        before = self._current.swap(after)
        self._kept_texts.settle(after.config, is_start=False)
        self._parts.pauses.drop()  # what was changed may be what ends them
        if self._members is None:
            dispatcher.reroute(after.routes, prepared.take, takeover)
        else:
            self._members.reroute(prepared.take, takeover)
        self._jobs.schedule()
        self.tls = prepared.context or self.tls
        before.close()
        takeover.wait()
        if self._members is not None:
            self._members.goes_by(after.config)
        tell(before.subscribed, after.subscribed, after.config)
        self._hide([*held(before.config), *held(after.config)])
        self._is_stale.set()  # what it was made of may be a while ago
        said: dict[str, Json] = {"needs_restart": list(prepared.fixed), **takeover.said()}
        self._parts.chores.announce(own_events.CONFIG_RELOADED, said)
        dispatcher.wake()
        log.info("config.taken_over", changes="; ".join(takeover.difference.lines()))
        return Reloaded(prepared.fixed, takeover.difference, takeover.error)


def _context(config: Config) -> ssl.SSLContext | None:
    """Of the certificate as it is now; None: no TLS. Raises OSError where it cannot be used."""
    pair = config.http.certificate
    if not pair:
        return None
    from daemon.web import tls  # noqa: PLC0415 - who has no HTTP side needs none of it

    return tls.context(*pair)


def _fixed(old: Config, new: Config) -> tuple[str, ...]:
    """The settings that changed and need a restart."""
    changed = {
        "[daemon] database": old.daemon.database != new.daemon.database,
        "[daemon] key_file": old.daemon.key_file != new.daemon.key_file,
        "[daemon] member": old.daemon.member != new.daemon.member,
        "[http] listen": old.http.listen != new.http.listen,
        "[http] prefix": old.http.prefix != new.http.prefix,
        # Another certificate is taken at once.
        "[http] tls_cert": (old.http.certificate is None) != (new.http.certificate is None),
    }
    return tuple(name for name, is_changed in changed.items() if is_changed)
