"""What only the running daemon knows, and what only it can do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from daemon.core.contacts import NOBODY, Configured, Contacts
from daemon.core.counts import Counts
from daemon.core.delivery.route import Route
from daemon.core.digests.schedule import Digest
from daemon.core.history.book import NOTHING_OPEN, Unflushed
from daemon.core.routing import quiet
from daemon.core.routing.escalation import Escalation
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import QuietNow
from daemon.core.watches.queues import Threshold
from daemon.operations.acknowledgements import AsOf
from daemon.operations.digests import Write, Written
from daemon.store.history import DeliveryView
from daemon.web.reach import Reach
from daemon.web.routes.commands import Desk
from daemon.web.serving import NoPlaces, Places
from daemon.web.subscriptions import NoSubscriptions, Subscriptions
from daemon.web.waiting import Bell

State = tuple[bool, str]


@dataclass(frozen=True)
class Scheduled:
    """One watch of the configuration in force."""

    system: str
    watch: str
    every: timedelta
    next_run_at: datetime | None


@dataclass(frozen=True)
class Live:
    """What only the running daemon knows; handed in by the composition root."""

    started_at: Callable[[], datetime]
    is_alive: Callable[[], State]
    is_ready: Callable[[], State]
    schedule: Callable[[], Sequence[Scheduled]]
    last_seen: Callable[[], Mapping[tuple[str, str], datetime]]
    """Watches (system, name) that were seen since the store was told."""
    now: Callable[[], datetime]
    interests: Callable[[], Sequence[Interest]]
    """What each endpoint of the configuration wants to be told, in their order."""
    public_keys: Callable[[], Mapping[str, str]]
    """What checks the `v1a` signatures of the endpoints that have a key."""
    ping: Callable[[str], DeliveryView]
    """Sends a `test.ping` to an endpoint, and waits for what comes of it."""
    wake: Callable[[], None]
    """There may be something new to send."""
    new_id: Callable[[str], str]
    desk: Desk
    counts: Callable[[], Counts] = Counts
    paused: Callable[[], Mapping[str, timedelta]] = dict
    """The systems that are left alone, and for how long."""
    failing: Callable[[], tuple[str, str] | None] = lambda: None
    """Since when the store cannot be written, and why."""
    bell: Bell = field(default_factory=Bell)
    """Rung after every commit that wrote events."""
    reach: Callable[[], Reach] = Reach
    """How the HTTP side is reached, and what strangers see."""

    monotonic: Callable[[], float] = lambda: 0.0
    """Seconds that only grow; without them nobody who has to wait gets further."""
    hosts: Callable[[], frozenset[str]] = frozenset
    """Names by which people reach the page, in lower case, beside loopback's; an address needs none."""
    limits: Callable[[], Mapping[tuple[str, str], Sequence[Threshold]]] = dict
    """The thresholds of watches, by system and name."""
    routes: Callable[[], Mapping[str, Route]] = dict
    """How the deliveries of each endpoint are tried."""
    rests: Callable[[], Mapping[str, datetime]] = dict
    """The mailboxes that were written to as often as may be in an hour, and until when they rest."""
    zone: Callable[[], tzinfo] = lambda: UTC
    """In which people read times: that of the configuration."""
    unflushed: Callable[[str], Unflushed] = lambda _system: NOTHING_OPEN
    """What was seen of a system since its history was written."""
    member: Callable[[], str | None] = lambda: None
    """Its name among several daemons on one database; None: there are no others."""
    escalations: Callable[[], Sequence[Escalation]] = tuple
    """Whom alerts go to that nobody acknowledges."""
    link_key: Callable[[], bytes | None] = lambda: None
    """What signs the links of mails; None: there are none, for the key would not outlast the daemon."""
    recording_key: Callable[[], bytes | None] = lambda: None
    """What signs the links to recordings; None as above."""
    recordings: Places = field(default_factory=NoPlaces)
    """Where files of the platform are fetched."""
    silent: Callable[[], Mapping[str, timedelta]] = dict
    """The other members that it has not seen stir of late, and for how long."""
    contacts: Callable[[], Contacts] = lambda: NOBODY
    """Who is called how."""
    configured: Callable[[], Configured] = Configured
    """Those of them that the configuration names."""
    look_at_names: Callable[[], None] = lambda: None
    """The store has others by now."""
    digests: Callable[[], Sequence[Digest]] = tuple
    """Those of the configuration."""
    write_digest: Write = lambda _said, language: Written(language or "en", "", "", "")
    """As its mail."""
    subscriptions: Subscriptions = field(default_factory=NoSubscriptions)
    """What keeps endpoints in the store."""
    resubscribe: Callable[[], None] = lambda: None
    """The store has other feeds by now."""
    intervals: Callable[[], Mapping[tuple[str, str], timedelta]] | None = None
    """How often each watch of the configuration in force is polled, by system and name; None: `schedule` says
    it, which takes a while for ten thousand systems, for it says of each poll when it comes."""

    def watched(self) -> Mapping[tuple[str, str], timedelta]:
        """How often each watch of the configuration in force is polled, by system and name."""
        if self.intervals is not None:
            return self.intervals()
        return {(one.system, one.watch): one.every for one in self.schedule()}

    def systems(self) -> list[str]:
        """The systems of which something is watched."""
        return list(dict.fromkeys(system for system, _ in self.watched()))

    def as_of(self) -> AsOf:
        """By what it is judged what becomes of an incident that nobody has."""
        return AsOf(self.now(), self.escalations(), self.interests())

    def endpoints(self) -> list[str]:
        """The names of the endpoints, and of those of the store that cannot be used."""
        names = [one.endpoint for one in self.interests()]
        unused = [name for name, one in self.subscriptions.sources().items() if one.is_kept and one.fault]
        return list(dict.fromkeys([*names, *unused]))

    def quiet(self) -> dict[str, QuietNow]:
        """The endpoints that are in a quiet window now, and until when."""
        now = self.now()
        found = {one.endpoint: quiet.lasting(one.quiet, now) for one in self.interests()}
        return {endpoint: one for endpoint, one in found.items() if one is not None}
