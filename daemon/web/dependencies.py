"""What only the running daemon knows, and what only it can do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from daemon.core.counts import Counts
from daemon.core.delivery.route import Route
from daemon.core.routing import quiet
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import QuietNow
from daemon.store.history import DeliveryView
from daemon.web.routes.commands import Desk
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
    routes: Callable[[], Mapping[str, Route]] = dict
    """How the deliveries of each endpoint are tried."""
    rests: Callable[[], Mapping[str, datetime]] = dict
    """The mailboxes that were written to as often as may be in an hour, and until when they rest."""
    zone: Callable[[], tzinfo] = lambda: UTC
    """In which people read times: that of the configuration."""

    def endpoints(self) -> list[str]:
        """The names of the endpoints."""
        return [one.endpoint for one in self.interests()]

    def quiet(self) -> dict[str, QuietNow]:
        """The endpoints that are in a quiet window now, and until when."""
        now = self.now()
        found = {one.endpoint: quiet.lasting(one.quiet, now) for one in self.interests()}
        return {endpoint: one for endpoint, one in found.items() if one is not None}
