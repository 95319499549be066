r"""The circuit breaker of an endpoint: how much it is trusted with, by what its attempts came to.

               a                b                 c
    HEALTHY ------> DEGRADED ------> SUSPENDED ------> DISABLED
            <------          <------           <------
               d                d                 e

    a  five new messages in a row failed, or everything did for a minute; or 401/403/407 three times (then
       straight to SUSPENDED), or 410 (straight to DISABLED)
    b  it has been failing for ten minutes     d  a 2xx: one step up
    c  suspended for a week in which we ran    e  an operator enables it; nobody else does

HEALTHY sends as the configuration says. DEGRADED and SUSPENDED are half open: one attempt at a time, a
trial, and after each that fails a longer cooldown. DISABLED sends nothing. Whatever is not sent waits
in the store. A refusal of one message (400, 422) is no failure of the endpoint and uses up no trial.

Endpoints that share a server (mailboxes) fail for its sake, or each alone (`is_own`): one that is refused
where the others are served is found out by time only, and counts nothing of what the server did before.

A `Retry-After` closes the endpoint (`not_before`) for as long as it asks, within the bounds of
`outcome.pause`.

Pure. Time in SUSPENDED counts only while the daemon ran: nobody is disabled by our own absence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from daemon.core.delivery.outcome import JITTER_SHARE, Attempted, Outcome, pause
from daemon.core.durations import MINUTE, NOTHING, SECOND

FIRST_FAILURES = 5
"""New messages in a row that failed, and nothing in between that did not."""
ANY_FAILURES, FAILING_FOR = 3, MINUTE
"""Attempts of whatever kind in a row, over so long: how an endpoint with little to do is found out."""
OWN_FAILURES, REFUSED_FOR = 2, 15 * MINUTE
"""The same of one that fails alone: mailboxes put strangers off for some minutes (RFC 6647, section 2), and
what is mailed together fails together."""
REJECTIONS = 3
"""Attempts in a row that were refused as our own fault (401, 403, 407): asking more often helps nobody."""
SUSPENDED_AFTER = 10 * MINUTE
"""Of failing: longer than it takes to start a receiver anew."""
DISABLED_AFTER = timedelta(days=7)
"""Of being suspended while the daemon ran: whoever looks after it once a week has seen it by then."""
THROTTLED_AT_MOST = 5 * MINUTE
"""The longest pause by our own guess, where 429 comes without Retry-After."""


class Health(Enum):
    """How an endpoint is doing."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    SUSPENDED = "suspended"
    DISABLED = "disabled"


COOLDOWNS: dict[Health, Sequence[timedelta]] = {
    Health.DEGRADED: (5 * SECOND, 10 * SECOND, 20 * SECOND, 40 * SECOND, MINUTE),
    Health.SUSPENDED: (MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE),
}
"""The waits after failed trials; the last one repeats."""
ONE_UP = {Health.SUSPENDED: Health.DEGRADED, Health.DEGRADED: Health.HEALTHY}


BY_BADNESS = (Health.HEALTHY, Health.DEGRADED, Health.SUSPENDED, Health.DISABLED)


class DisabledBy(Enum):
    """Who or what ended an endpoint."""

    OPERATOR = "operator"
    GONE = "gone"
    """It answered 410."""
    HEALTH = "health"
    """It was suspended for too long."""


class Switch(Enum):
    """What an operator asks for."""

    ENABLE = "enable"
    DISABLE = "disable"


@dataclass(frozen=True)
class Breaker:
    """What is known of one endpoint's health."""

    health: Health = Health.HEALTHY
    since: datetime | None = None
    """Of `health`; None: always."""
    failing_since: datetime | None = None
    """The first failure after the last success."""
    first_failures: int = 0
    any_failures: int = 0
    rejections: int = 0
    throttles: int = 0
    trials: int = 0
    """Failed ones in this state."""
    not_before: datetime | None = None
    """Nothing is sent until then: a cooldown, or as long as the receiver asked for."""
    suspended_for: timedelta = NOTHING
    disabled_by: DisabledBy | None = None
    is_catching_up: bool = False
    """It is back, and what waited for it goes out at a set rate."""
    error: str | None = None
    """What failed last."""
    is_own: bool = False
    """It fails alone, of those that share its server."""

    @property
    def is_half_open(self) -> bool:
        return self.health in (Health.DEGRADED, Health.SUSPENDED)

    def is_open(self, now: datetime) -> bool:
        """Whether nothing may be sent at this moment."""
        return self.health is Health.DISABLED or (self.not_before is not None and now < self.not_before)


HEALTHY = Breaker()


def put_off(breaker: Breaker, now: datetime) -> Breaker:
    """After a trial that failed by our own fault, or our own network: it counts nothing, and the next one
    waits as after the last that counted. Else there would be one after the other, for a trial need not be
    due."""
    if not breaker.is_half_open:
        return breaker
    ladder = COOLDOWNS[breaker.health]
    until = now + ladder[min(max(breaker.trials - 1, 0), len(ladder) - 1)]
    return replace(breaker, not_before=max(until, breaker.not_before or until))


def after(breaker: Breaker, attempted: Attempted, now: datetime, jitter: float) -> Breaker:
    """The breaker after one more attempt; the very same one where nothing has changed."""
    outcome = attempted.outcome
    if outcome is Outcome.ACCEPTED:
        return _accepted(breaker, now)
    if breaker.health is Health.DISABLED:
        return breaker
    if outcome is Outcome.REFUSED and not attempted.is_own:
        return replace(breaker, not_before=None) if breaker.is_half_open else breaker
    if outcome is Outcome.GONE:
        return _disabled(breaker, now, DisabledBy.GONE, attempted.why)
    told_apart = _told_apart(breaker, now, is_own=attempted.is_own)
    return _failed(told_apart, attempted, now, 1 + JITTER_SHARE * jitter)


def elapse(breaker: Breaker, ran: timedelta, now: datetime) -> Breaker:
    """The breaker after the daemon ran for a while."""
    if breaker.health is not Health.SUSPENDED:
        return breaker
    suspended_for = breaker.suspended_for + ran
    if suspended_for >= DISABLED_AFTER:
        return _disabled(breaker, now, DisabledBy.HEALTH, breaker.error)
    return replace(breaker, suspended_for=suspended_for)


def worst(breakers: Iterable[Breaker]) -> Breaker:
    """The one that is least well for the sake of the server that they share; what an operator turned off is
    off."""
    on = [one for one in breakers if not one.is_own and one.disabled_by is not DisabledBy.OPERATOR]
    return max(on, key=lambda one: BY_BADNESS.index(one.health), default=HEALTHY)


def moved(breaker: Breaker, step: timedelta) -> Breaker:
    """The breaker after the clock was set: all its times are as far from now as before."""
    times = {name: getattr(breaker, name) for name in ("since", "failing_since", "not_before")}
    return replace(breaker, **{name: at + step for name, at in times.items() if at is not None})


def caught_up(breaker: Breaker) -> Breaker:
    """The breaker once nothing that waited is left."""
    return replace(breaker, is_catching_up=False)


def disable(breaker: Breaker, now: datetime) -> Breaker:
    """The breaker that an operator turned off."""
    if breaker.disabled_by is DisabledBy.OPERATOR:
        return breaker
    return _disabled(breaker, now, DisabledBy.OPERATOR, breaker.error)


def enable(breaker: Breaker, now: datetime) -> Breaker:
    """The breaker that an operator turned on: well, whatever it was, until attempts say otherwise."""
    if breaker.health is Health.HEALTHY and breaker.not_before is None:
        return breaker
    return Breaker(since=now, is_catching_up=True)


def _accepted(breaker: Breaker, now: datetime) -> Breaker:
    if breaker.health is Health.DISABLED or not breaker.any_failures:
        return breaker  # DISABLED: what was under way at that time
    # A success that was under way does not end the pause that a receiver asked for.
    not_before = breaker.not_before if breaker.throttles else None
    health = ONE_UP.get(breaker.health, Health.HEALTHY)
    if health is breaker.health:
        return Breaker(since=breaker.since, not_before=not_before, is_catching_up=breaker.is_catching_up)
    if health is Health.HEALTHY:
        return Breaker(since=now, not_before=not_before, is_catching_up=True)
    return replace(breaker, health=health, since=now, trials=0, suspended_for=NOTHING, not_before=not_before)


def _told_apart(breaker: Breaker, now: datetime, *, is_own: bool) -> Breaker:
    """The breaker for one more failure, without what it knows of failures that were not its own, or were."""
    if breaker.is_own is is_own:
        return breaker
    is_well = breaker.health is Health.HEALTHY
    if breaker.is_own and not is_well:
        return breaker  # whether it is served again will be known when its server is back
    # Who refuses one mailbox serves the others: of the server there is nothing left to tell.
    return Breaker(
        since=breaker.since if is_well else now,
        is_catching_up=breaker.is_catching_up or not is_well,
        is_own=is_own,
    )


def _failed(breaker: Breaker, attempted: Attempted, now: datetime, spread: float) -> Breaker:
    outcome = attempted.outcome
    is_first = attempted.message.attempt == 1
    is_rejected, is_throttled = outcome is Outcome.FORBIDDEN, outcome is Outcome.THROTTLED
    if is_throttled and breaker.throttles and breaker.is_open(now):
        return _still_throttled(breaker, attempted.retry_after, now)
    counted = replace(
        breaker,
        failing_since=breaker.failing_since or now,
        first_failures=breaker.first_failures + is_first,
        any_failures=breaker.any_failures + 1,
        rejections=breaker.rejections + 1 if is_rejected else 0,
        throttles=breaker.throttles + 1 if is_throttled else 0,
        error=attempted.why,
    )
    health = _health(counted, now)
    if health is not breaker.health:
        counted = replace(counted, health=health, since=now, trials=0, suspended_for=NOTHING)
    waits = []
    if is_throttled:
        waits.append(_throttle(attempted.retry_after, counted.throttles))
    if health in COOLDOWNS:
        ladder = COOLDOWNS[health]
        waits.append(ladder[min(counted.trials, len(ladder) - 1)])
        counted = replace(counted, trials=counted.trials + 1)
    if not waits:
        return counted
    until = now + max(waits) * spread
    return replace(counted, not_before=max(until, breaker.not_before or until))


def _health(breaker: Breaker, now: datetime) -> Health:
    failing_for = now - (breaker.failing_since or now)
    if breaker.health is Health.SUSPENDED or breaker.rejections >= REJECTIONS:
        return Health.SUSPENDED
    if breaker.health is Health.DEGRADED:
        return Health.SUSPENDED if failing_for >= SUSPENDED_AFTER else Health.DEGRADED
    if breaker.is_own:
        is_dead = breaker.any_failures >= OWN_FAILURES and failing_for >= REFUSED_FOR
        return Health.DEGRADED if is_dead else Health.HEALTHY
    is_dead = breaker.any_failures >= ANY_FAILURES and failing_for >= FAILING_FOR
    return Health.DEGRADED if breaker.first_failures >= FIRST_FAILURES or is_dead else Health.HEALTHY


def _still_throttled(breaker: Breaker, retry_after: timedelta | None, now: datetime) -> Breaker:
    """The breaker after one more of those that were under way when the pause began: they say the same
    thing once, but one of them may ask for longer."""
    until = now + pause(retry_after) if retry_after is not None else now
    return replace(breaker, not_before=max(until, breaker.not_before or until))


def _throttle(retry_after: timedelta | None, times: int) -> timedelta:
    """As long as the receiver asks for; else a guess that doubles."""
    if retry_after is not None:
        return pause(retry_after)
    guess: timedelta = SECOND * 2 ** min(times - 1, 30)
    return min(guess, THROTTLED_AT_MOST)


def _disabled(breaker: Breaker, now: datetime, by: DisabledBy, error: str | None) -> Breaker:
    since = breaker.failing_since or now
    return Breaker(Health.DISABLED, now, since, disabled_by=by, error=error, is_own=breaker.is_own)


@dataclass(frozen=True)
class Turn:
    """An endpoint's health has changed."""

    endpoint: str
    before: Breaker
    after: Breaker

    @property
    def is_by_operator(self) -> bool:
        return DisabledBy.OPERATOR in (self.before.disabled_by, self.after.disabled_by)

    @property
    def is_alone(self) -> bool:
        """Whether it is told of this endpoint, though it shares a server with others."""
        fails = [one for one in (self.before, self.after) if one.health is not Health.HEALTHY]
        return self.is_by_operator or any(one.is_own for one in fails)
