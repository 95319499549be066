"""How the endpoints are doing: what attempts, time and operators make of each, and what others hear of it.

    ours, moved      pure   what attempts that ended say
    obey, write      IO     in the dispatcher's transaction
    adopt            pure   once that is committed: until then, everything is as it was

What moves within one transaction is kept in one `moved`, by endpoint, which each step adds to.
"""

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import sqlalchemy as sa

from daemon.core.delivery import breaker, outcome
from daemon.core.delivery.breaker import HEALTHY, Breaker, Health, Switch, Turn
from daemon.core.delivery.outage import Outage
from daemon.core.delivery.outcome import Attempted, Outcome
from daemon.core.delivery.route import Route
from daemon.core.durations import NOTHING
from daemon.store import endpoint_health, retries
from daemon.workers.endpoint_shares import EndpointShares

TICK = timedelta(minutes=1)
APART = timedelta(seconds=10)
"""Ours. From an attempt that failed to the next one that an acceptance brings about, at least."""

Tell = Callable[[sa.Connection, Sequence[Turn], datetime], None]
"""Writes what others are told of turns, in the dispatcher's transaction."""
Moved: TypeAlias = MutableMapping[str, Breaker]
"""The breakers that are not what they were, by endpoint."""


class EndpointHealth:
    """The breaker of every endpoint. For the dispatcher's thread, but for `of`: every thread may ask."""

    def __init__(
        self,
        *,
        jitter: Callable[[], float],
        tell: Tell = lambda _db, _turns, _now: None,
        is_api_answering: Callable[[], bool | None] = lambda: None,
        shares: EndpointShares | None = None,
    ) -> None:
        """`shares`: which endpoints are ours; None: all."""
        self.shares = shares or EndpointShares()
        self._jitter = jitter
        self._tell = tell
        self._is_api_answering = is_api_answering
        self._outage = Outage()
        self._breakers: Mapping[str, Breaker] = {}
        self._others: Mapping[str, Breaker] = {}
        """Of those that are not ours, as they stood a while ago."""
        self._ticked_at: datetime | None = None
        self._flowing: frozenset[str] = frozenset()
        """Endpoints that took a message, and failed none since: nothing waits for a retry unhastened."""

    def recover(self, db: sa.Connection) -> None:
        """Take up what the process before left."""
        self._breakers = endpoint_health.load(db)

    def go_on(self, breakers: Mapping[str, Breaker]) -> None:
        """Take up how these are doing: until now another member tried them, or nobody did."""
        self._breakers = {**self._breakers, **breakers}
        self._flowing = frozenset()  # whether anything waits for a retry there nobody here knows

    def forget(self, endpoints: Collection[str]) -> None:
        """These are no endpoints any more: one of such a name begins anew."""
        if not self._breakers.keys().isdisjoint(endpoints):
            self._breakers = {name: one for name, one in self._breakers.items() if name not in endpoints}

    def learn(self, breakers: Mapping[str, Breaker]) -> None:
        """See how the endpoints do that another member tries; callable from every thread."""
        self._others = breakers

    def would_turn(self, moved: Moved) -> bool:
        """Whether others have to hear of what moved."""
        return any(_has_turned(self.of(name), after) for name, after in moved.items())

    def is_asked(self, db: sa.Connection, routes: Mapping[str, Route]) -> bool:
        """Whether an operator has left word."""
        return not routes.keys().isdisjoint(endpoint_health.asked(db))

    def follow(self, step: timedelta) -> None:
        """The clock was set, and what the store holds is moved with it."""
        self._breakers = {name: breaker.moved(one, step) for name, one in self._breakers.items()}
        self._outage.follow(step)
        if self._ticked_at is not None:
            self._ticked_at += step

    def of(self, endpoint: str) -> Breaker:
        """How one endpoint is doing."""
        return self._breakers.get(endpoint, HEALTHY)

    def tick(self, now: datetime) -> timedelta:
        """How long the daemon ran since the last tick, once a minute; else nothing."""
        last = self._ticked_at
        if last is None or now < last:
            last = self._ticked_at = now
        if now - last < TICK:
            return NOTHING
        self._ticked_at = now
        return min(now - last, 2 * TICK)  # else it did not run, but was suspended

    def take(self, ended: Sequence[Attempted], now: datetime) -> None:
        """Hear attempts that ended as witnesses of our own network."""
        for attempted in ended:
            if not attempted.is_our_fault:
                self._outage.take(attempted, now)

    def ours(self, ended: Sequence[Attempted], now: datetime) -> list[Attempted]:
        """Which of the attempts that ended failed by our own network."""
        suspects = [one for one in ended if one.outcome in outcome.NETWORK]
        api = self._is_api_answering() if suspects else None
        return [one for one in suspects if self._outage.is_ours(one, now, is_api_answering=api)]

    def moved(
        self, ended: Sequence[Attempted], ran: timedelta, now: datetime, ours: Collection[Attempted] = ()
    ) -> Moved:
        """What attempts that ended move, and that the daemon `ran` for a while; `ours`: those that failed by
        our own network."""
        moved: Moved = {}
        for attempted in ended:
            name = attempted.message.endpoint
            before = moved.get(name) or self._breakers.get(name, HEALTHY)
            if attempted.is_our_fault or attempted in ours:
                after = breaker.put_off(before, now)
            else:
                jitter = 0.0 if attempted.outcome is Outcome.ACCEPTED else self._jitter()
                after = breaker.after(before, attempted, now, jitter)
            if after is not before:
                moved[name] = after
        for name, before in {**self._breakers, **moved}.items() if ran else ():
            after = breaker.elapse(before, ran, now)
            if after is not before:
                moved[name] = after
        return moved

    def seen(self, endpoint: str, *, is_ours: bool) -> Breaker:
        """How one endpoint is doing, whoever tries it."""
        return self.of(endpoint) if is_ours else self._others.get(endpoint, HEALTHY)

    def obey(self, db: sa.Connection, moved: Moved, routes: Mapping[str, Route], now: datetime) -> None:
        """Do what operators have asked for since the last look."""
        asked = {name: switch for name, switch in endpoint_health.asked(db).items() if name in routes}
        for name, switch in asked.items():
            turn = breaker.enable if switch is Switch.ENABLE else breaker.disable
            moved[name] = turn(moved.get(name, self.of(name)), now)
        endpoint_health.done(db, asked)

    def write(
        self, db: sa.Connection, moved: Moved, routes: Mapping[str, Route], now: datetime
    ) -> list[Turn]:
        """Write what moved, and what follows where the health of an endpoint has turned; those turns."""
        endpoint_health.save(db, moved)
        turns = [
            Turn(name, self.of(name), after)
            for name, after in moved.items()
            if _has_turned(self.of(name), after)
        ]
        for turn in turns:
            if turn.after.health is Health.HEALTHY:
                retries.hasten(db, turn.endpoint, now)
                if turn.before.failing_since is not None:
                    retries.revive(db, turn.endpoint, turn.before.failing_since, now)
        if turns:
            self._tell(db, self._reported(turns, moved, routes), now)
        return turns

    def hasten(self, db: sa.Connection, ended: Sequence[Attempted], now: datetime) -> None:
        """What waits for a retry of an endpoint that took another message goes before its time."""
        _, hastened = self._flow(ended)
        for endpoint in hastened:
            retries.hasten(db, endpoint, now, apart=APART)

    def catch_up(self, db: sa.Connection, endpoint: str, moved: Moved) -> None:
        """Nothing is left that waited for an endpoint while it was away."""
        moved[endpoint] = breaker.caught_up(moved.get(endpoint, self.of(endpoint)))
        endpoint_health.save(db, {endpoint: moved[endpoint]})

    def adopt(self, moved: Moved, ended: Sequence[Attempted] = ()) -> None:
        """Go by what moved, and by the attempts that ended, now that it is committed."""
        self._flowing, _ = self._flow(ended)
        if moved:
            self._breakers = {**self._breakers, **moved}

    def _flow(self, ended: Sequence[Attempted]) -> tuple[frozenset[str], list[str]]:
        """The endpoints that flow after these attempts, and those that began to."""
        flowing, hastened = set(self._flowing), dict[str, None]()
        for attempted in ended:
            endpoint = attempted.message.endpoint
            if attempted.outcome is not Outcome.ACCEPTED:
                flowing.discard(endpoint)
            elif endpoint not in flowing:
                flowing.add(endpoint)
                hastened[endpoint] = None
        return frozenset(flowing), list(hastened)

    def _reported(self, turns: Sequence[Turn], moved: Moved, routes: Mapping[str, Route]) -> list[Turn]:
        """The turns as others hear of them: endpoints that share a server turn together, but for those that
        fail alone, and those that an operator turns off and on."""
        names = {turn.endpoint: _reported_as(routes, turn.endpoint) for turn in turns}
        alone = [turn for turn in turns if names[turn.endpoint] == turn.endpoint or turn.is_alone]
        together = []
        for name in dict.fromkeys(name for endpoint, name in names.items() if name != endpoint):
            sharing = [one for one in routes if _reported_as(routes, one) == name]
            before = breaker.worst(self.of(one) for one in sharing)
            after = breaker.worst(moved.get(one, self.of(one)) for one in sharing)
            if _has_turned(before, after):
                together.append(Turn(name, before, after))
        return alone + together


def _reported_as(routes: Mapping[str, Route], endpoint: str) -> str:
    route = routes.get(endpoint)
    return (route.reported_as if route else None) or endpoint


def _has_turned(before: Breaker, after: Breaker) -> bool:
    """Whether others have to hear of it; also that an operator turned off what was off by itself."""
    return (after.health, after.disabled_by) != (before.health, before.disabled_by)
