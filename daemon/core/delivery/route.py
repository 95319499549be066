"""How one endpoint's deliveries are tried: how many at once, how long, in which order. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daemon.core.delivery import outcome
from daemon.core.delivery.breaker import COOLDOWNS, Breaker, Health
from daemon.core.delivery.outcome import JITTER_SHARE, MAX_RETRY_AFTER, OPEN, Attempted, Next, Outcome, Status
from daemon.core.durations import DAY
from daemon.core.routing.plan import Order
from daemon.core.routing.quiet import Quiet
from daemon.core.routing.schedule import Schedule, schedule_of
from daemon.core.wishes import UNGUARDED, Guard

AGAIN = timedelta(minutes=5)
"""The wait after a failed attempt where the schedule cannot be worked out; it uses up none."""
QUEUED_AT_MOST = timedelta(minutes=5)
"""A letter that waited so long for those before it is given back untried."""


@dataclass(frozen=True)
class Mailing:
    """Everything that is due goes at once, and then nothing for a while."""

    interval: timedelta
    """From one to the next, at least."""
    most_per_hour: int


@dataclass(frozen=True)
class Route:
    """How an endpoint's deliveries are tried."""

    max_in_flight: int
    timeout: timedelta
    schedules: tuple[Schedule, ...]
    quiet: tuple[Quiet, ...] = ()
    """While one of them lasts, only what breaks through it is sent."""
    order: Order = Order.STRICT
    rate: float | None = None
    """Attempts per second; None: as many as it takes."""
    recovery_rate: float = 50
    """The same, for what waited while the endpoint was away."""
    mailing: Mailing | None = None
    """How what is due is sent together; None: each for itself."""
    reported_as: str | None = None
    """The name under which others hear of its health; None: its own."""
    guard: Guard = field(default=UNGUARDED, compare=False, repr=False)
    """Tries its wishes."""

    @property
    def longest_wait(self) -> timedelta:
        """How far off a delivery, or a trial of the endpoint, can be due at most."""
        retries = (wait for one in self.schedules for wait in one.retries)
        return max([*retries, *COOLDOWNS[Health.SUSPENDED], MAX_RETRY_AFTER]) * (1 + JITTER_SHARE)

    def retries(self, event_type: str) -> tuple[timedelta, ...]:
        """The waits after each failed attempt for an event of this type."""
        return schedule_of(self.schedules, event_type).retries

    def after(self, attempted: Attempted, now: datetime, jitter: float, *, is_our_outage: bool) -> Next:
        """What follows an attempt; as `outcome.after`."""
        if attempted.outcome is Outcome.ACCEPTED:
            return outcome.DELIVERED
        # What was mailed together is due together again, and makes the very same mail.
        share = 0.0 if self.mailing else jitter

        def follows() -> Next:
            retries = self.retries(attempted.message.event_type)
            return outcome.after(attempted, now, share, retries, is_our_outage=is_our_outage)

        return self.guard.tried("retries", follows, instead=Next(Status.PENDING, now + AGAIN))

    def frees_lane(self, then: Next) -> bool:
        """Whether those behind a delivery in its lane may go."""
        return then.status not in OPEN or self.order is Order.BEST_EFFORT

    def share(self, state: Breaker) -> int:
        """How many attempts may be under way."""
        return 1 if state.is_half_open else self.max_in_flight

    def rate_for(self, state: Breaker) -> float | None:
        """Attempts per second; None: as many as it takes."""
        if not state.is_catching_up:
            return self.rate
        return min(self.rate or self.recovery_rate, self.recovery_rate)


def share_of(endpoint: str, route: Route) -> str:
    """The name under which one member has an endpoint: those that share a server are had together."""
    return route.reported_as or endpoint


def longest_wait(routes: Mapping[str, Route], endpoint: str) -> timedelta:
    """How far off a delivery can be due at most; of an endpoint that has left the configuration a day."""
    route = routes.get(endpoint)
    return route.longest_wait if route else DAY
